/*
 * query_readers.c: the query editor against two readers written apart from
 * it, over random queries.
 */
#include "query_names.h"

static apr_uint32_t seed = 20240611;

static unsigned draw(unsigned below)
{
    seed = seed * 1664525u + 1013904223u;
    return (unsigned)(((apr_uint64_t)seed * below) >> 32);
}

static const char *const names_used[] = { "actor", "a_b", "f[u]", NULL };

/* Bits of names and values that make trouble, beside lone octets. */
static const char *const bits[] = {
    "actor", "%61ctor", "act%6Fr", "a_b", "a.b", "a+b", "a%20b", "a[b", "a%5Bb",
    "%2561ctor", "ac", "tor", "b", "f", "f[u]", "[u]", "%5Bu%5D", "[actor]",
    "=", "=", "&", "&", "&", ";", ";", "[", "]", "[]", "[x]", "%5B", "%5D",
    "%00", "+", "%20", "%", "%6", "%zz", ".", "x", "1", "evil", "\xC3\xA9"
};

static jm_str_t random_query(void)
{
    char *buf = apr_palloc(tap_pool, 512);
    unsigned n = draw(24);
    apr_size_t len = 0;

    while (n--) {
        const char *bit = bits[draw(sizeof(bits) / sizeof(*bits))];
        apr_size_t blen = strlen(bit);

        memcpy(buf + len, bit, blen);
        len += blen;
        if (!draw(40)) {
            buf[len++] = (char)draw(256);
        }
    }
    return jm_strn(buf, len);
}

static int hex_of(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) % 16 : -1;
}

/* A plain decoder. */
static jm_str_t plain(jm_str_t raw)
{
    char *buf = apr_palloc(tap_pool, raw.len + 1);
    apr_size_t len = 0;
    apr_size_t i;

    for (i = 0; i < raw.len; i++) {
        if (raw.ptr[i] == '%' && i + 2 < raw.len
            && hex_of(raw.ptr[i + 1]) >= 0 && hex_of(raw.ptr[i + 2]) >= 0) {
            buf[len++] = (char)(hex_of(raw.ptr[i + 1]) * 16
                                + hex_of(raw.ptr[i + 2]));
            i += 2;
        }
        else {
            buf[len++] = raw.ptr[i] == '+' ? ' ' : raw.ptr[i];
        }
    }
    buf[len] = '\0';
    return jm_strn(buf, len);
}

/* php_register_variable_ex in short: the name of the variable, with its
 * first index as NAME[INDEX]; "" for none. */
static const char *php_name(jm_str_t decoded)
{
    char *var = apr_pstrmemdup(tap_pool, decoded.ptr, decoded.len);
    char *p, *close;

    while (*var == ' ') {
        var++;
    }
    for (p = var; *p && *p != '['; p++) {
        if (*p == ' ' || *p == '.') {
            *p = '_';
        }
    }
    if (p == var || !*p) {
        return var[0] == '[' ? "" : var;
    }
    close = strchr(p, ']');
    if (close) {
        close[1] = '\0';
        return var;
    }
    for (; *p; p++) {
        if (*p == ' ' || *p == '.' || *p == '[') {
            *p = '_';
        }
    }
    return var;
}

/* 1 if PHP gives a value of var to a script that asks for name. */
static int php_same(const char *var, const char *name)
{
    apr_size_t len = strlen(name);

    return !strcmp(var, name) || (!strncmp(var, name, len) && var[len] == '[');
}

typedef struct seen_t {
    unsigned ours;                 /* how often our value was read */
    unsigned theirs;               /* how often another was */
    int last_is_ours;              /* the last reading was our value */
} seen_t;

static void note(seen_t *seen, jm_str_t value)
{
    seen->last_is_ours = jm_str_is(value, "ou rs");
    if (seen->last_is_ours) {
        seen->ours++;
    }
    else {
        seen->theirs++;
    }
}

/* Reads args as a server does that splits at the octets of separators. */
static void read_as(seen_t *php, seen_t *exact, jm_str_t args,
                    const char *separators, const char *name)
{
    apr_size_t start, end, eq;

    memset(php, 0, sizeof(*php));
    memset(exact, 0, sizeof(*exact));
    for (start = 0; start <= args.len; start = end + 1) {
        jm_str_t key, value;

        for (end = start; end < args.len
             && (!args.ptr[end] || !strchr(separators, args.ptr[end]));) {
            end++;
        }
        for (eq = start; eq < end && args.ptr[eq] != '=';) {
            eq++;
        }
        key = plain(jm_strn(args.ptr + start, eq - start));
        value = eq < end ? plain(jm_strn(args.ptr + eq + 1, end - eq - 1))
                         : jm_str("");
        if (jm_str_is(key, name)) {
            note(exact, value);
        }
        if (php_same(php_name(key), name)) {
            note(php, value);
        }
    }
}

static int only_ours(const seen_t *seen)
{
    return seen->ours == 1 && !seen->theirs && seen->last_is_ours;
}

/* The parameters and separators of out are those of in, in order, without
 * some; which are gone is for the readers to say. */
static int is_subsequence(jm_str_t out, jm_str_t in)
{
    apr_size_t i, k = 0;

    for (i = 0; i < in.len && k < out.len; i++) {
        k += in.ptr[i] == out.ptr[k];
    }
    return k == out.len;
}

/* Each parameter of in that has nothing to do with a name is in out, byte
 * for byte and in order. */
static int innocent_stay(jm_str_t out, jm_str_t in)
{
    apr_size_t start, end, at = 0;

    for (start = 0; start < in.len; start = end + 1) {
        apr_size_t len;

        for (end = start; end < in.len && in.ptr[end] != '&'
             && in.ptr[end] != ';';) {
            end++;
        }
        len = end - start;
        if (!len || memchr("a[.f+_% ", in.ptr[start], 8)
            || memchr(in.ptr + start, ']', len)) {
            continue;
        }
        while (at + len <= out.len
               && (memcmp(out.ptr + at, in.ptr + start, len)
                   || (at && out.ptr[at - 1] != '&' && out.ptr[at - 1] != ';')
                   || (at + len < out.len && out.ptr[at + len] != '&'
                       && out.ptr[at + len] != ';'))) {
            at++;
        }
        if (at + len > out.len) {
            return 0;
        }
        at += len;
    }
    return 1;
}

static int all_readers_see_ours(jm_str_t args)
{
    unsigned i;

    for (i = 0; names_used[i]; i++) {
        seen_t php, exact;

        read_as(&php, &exact, args, "&", names_used[i]);
        if (!only_ours(&php) || !only_ours(&exact)) {
            return 0;
        }
        read_as(&php, &exact, args, "&;", names_used[i]);
        if (!only_ours(&php) || !only_ours(&exact)) {
            return 0;
        }
    }
    return 1;
}

typedef struct tally_t {
    unsigned spoofs;               /* queries that had a reader see a name */
    unsigned unseen;               /* where a reader sees not only ours */
    unsigned lost;                 /* where an innocent octet is gone */
    unsigned changed;              /* where octets were not only removed */
    unsigned reflected;            /* where ours cannot be taken out again */
} tally_t;

static void try_random(tally_t *t, const jm_query_names_t *names,
                       const jm_param_t *ours)
{
    jm_str_t in = random_query();
    jm_str_t rest = jm_query_edit(tap_pool, in, names, NULL, NULL, 0);
    jm_str_t out = jm_query_edit(tap_pool, in, names, NULL, ours, 3);
    jm_str_t back = jm_query_unreflect(tap_pool, out, ours, 3);
    seen_t php, exact;

    read_as(&php, &exact, in, "&;", names_used[draw(3)]);
    t->spoofs += php.theirs > 0;
    t->unseen += !all_readers_see_ours(out);
    t->lost += !innocent_stay(rest, in);
    t->changed += !is_subsequence(rest, in)
                  || out.len < rest.len
                  || (rest.len && memcmp(out.ptr, rest.ptr, rest.len));
    t->reflected += !jm_str_eq(back, rest);
}

static void test_random(void)
{
    jm_query_names_t *names = names_of(names_used);
    jm_param_t ours[3];
    tally_t t = { 0, 0, 0, 0, 0 };
    unsigned i;

    for (i = 0; i < 3; i++) {
        ours[i].name = jm_str(names_used[i]);
        ours[i].value = jm_str("ou rs");
    }
    for (i = 0; i < 50000; i++) {
        try_random(&t, names, ours);
        if (i % 1000 == 999) {
            apr_pool_clear(tap_pool);
            names = names_of(names_used);
        }
    }
    ok(t.spoofs > 2000, "of 50000 random queries %u pose as a mapped name",
       t.spoofs);
    ok(t.unseen == 0, "after the edit PHP and a plain decoder, splitting at & "
       "or at ; as well, read ours once and nothing of the client's (%u "
       "failed)", t.unseen);
    ok(t.lost == 0, "parameters of other names stay byte for byte and in "
       "order (%u failed)", t.lost);
    ok(t.changed == 0, "octets are removed or appended, never changed (%u "
       "failed)", t.changed);
    ok(t.reflected == 0, "taking ours out again gives the rest (%u failed)",
       t.reflected);
}

int main(void)
{
    tap_start();
    test_random();
    return tap_done();
}
