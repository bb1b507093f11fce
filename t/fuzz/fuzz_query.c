/*
 * Input: names to remove, joined by `,`, a line of names to keep, and the
 * query. It becomes exactly what readers.h makes of it: what counts as one of
 * the names is gone and ours is there once; all else stays, in order, octet by
 * octet. No server can then find a removed name in it.
 */
#include "readers.h"

#define OUR_VALUE "a b&c=\xc3\xa9;+%41"

static void read_names(reader_names_t *names, apr_pool_t *p,
                       jm_query_names_t *set, jm_str_t line)
{
    names->count = 0;
    while (line.len && names->count < 8) {
        jm_str_t name = fuzz_cut(&line, ',');
        int is_new = jm_query_names_add(set, name);

        must(!jm_query_names_add(set, name));
        must(is_new <= 1 && jm_query_names_has(set, name));
        reader_add(names, p, name);
    }
    must(jm_query_names_count(set) <= names->count);
}

static int has_bracket(jm_str_t name)
{
    return name.len && (memchr(name.ptr, '[', name.len)
                        || memchr(name.ptr, ']', name.len));
}

/* Nobody finds a name that was to be removed, but those that we set. */
static void check_absent(apr_pool_t *p, jm_str_t args,
                         const reader_names_t *names, const jm_param_t *ours)
{
    unsigned i;

    for (i = 0; i < names->count; i++) {
        jm_str_t name = names->name[i];

        if (name.len && *name.ptr != ' ' && !has_bracket(name)
            && !memchr(name.ptr, 0, name.len)) {
            must(reader_count(p, args, name)
                 == (ours && reader_takes(p, ours->name, name)));
        }
    }
}

static void check_unreflect(apr_pool_t *p, jm_str_t args,
                            const jm_param_t *ours)
{
    jm_str_t left = jm_query_unreflect(p, args, ours, 1);
    apr_size_t i, n = 0;
    jm_str_t value;

    for (i = 0; i < args.len && n < left.len; i++) {
        n += args.ptr[i] == left.ptr[n];
    }
    must(n == left.len);
    must(!jm_query_get(&value, p, left, ours->name)
         || !jm_str_eq(value, ours->value));
    if (!memmem(args.ptr, args.len, "=", 1)) {
        must(jm_str_eq(left, args));
    }
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    jm_query_names_t *remove = jm_query_names_make(p);
    jm_query_names_t *keep = jm_query_names_make(p);
    reader_names_t removed, kept;
    jm_param_t ours = { { "actor", 5 }, { OUR_VALUE, sizeof(OUR_VALUE) - 1 } };
    jm_str_t args = input;
    jm_str_t gone, once;

    read_names(&removed, p, remove, fuzz_cut(&args, '\n'));
    read_names(&kept, p, keep, fuzz_cut(&args, '\n'));
    if (removed.count) {
        ours.name = removed.name[0];
    }
    gone = jm_query_edit(p, args, remove, keep, NULL, 0);
    must(jm_str_eq(gone, reader_stripped(p, args, &removed, &kept)));
    must(jm_str_eq(jm_query_edit(p, gone, remove, keep, NULL, 0), gone));
    once = jm_query_edit(p, args, remove, keep, &ours, 1);
    must(jm_str_eq(once, reader_edited(p, args, &removed, &kept, &ours, 1)));
    must(once.ptr[once.len] == '\0');
    if (!kept.count) {
        check_absent(p, gone, &removed, NULL);
        check_absent(p, once, &removed, removed.count ? &ours : NULL);
    }
    if (!kept.count && removed.count && ours.name.len) {
        must(jm_str_eq(jm_query_edit(p, once, remove, NULL, &ours, 1), once));
    }
    check_unreflect(p, once, &ours);
    check_unreflect(p, args, &ours);
}
