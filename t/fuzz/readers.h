/*
 * readers.h: how servers read a query and field names, written from the
 * contract (jm_query.h, jm_header.h) and from what PHP and Rack do, not from
 * our code: what the targets hold an edited request against.
 */
#ifndef READERS_H
#define READERS_H

#include "fuzz.h"

#include "jm_query.h"

#define READER_STEPS_MAX 16

/* Names of a set, as the target keeps it beside ours, with how each is read:
 * its whole, and its whole path. */
typedef struct reader_names_t {
    jm_str_t name[8];
    jm_str_t whole[8];
    jm_str_t path[8];
    unsigned count;
} reader_names_t;

static inline int reader_hex(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)((at - digits) % 16) : -1;
}

/* application/x-www-form-urlencoded, decoded once. */
static inline jm_str_t reader_decode(apr_pool_t *p, jm_str_t raw)
{
    char *out = apr_palloc(p, raw.len + 1);
    apr_size_t i, n = 0;

    for (i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];

        if (c == '+') {
            c = ' ';
        }
        else if (c == '%' && i + 2 < raw.len
                 && reader_hex(raw.ptr[i + 1]) >= 0
                 && reader_hex(raw.ptr[i + 2]) >= 0) {
            c = (char)(reader_hex(raw.ptr[i + 1]) * 16
                       + reader_hex(raw.ptr[i + 2]));
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return jm_strn(out, n);
}

/* The name as C reads it, without leading spaces. */
static inline jm_str_t reader_trim(jm_str_t name)
{
    apr_size_t len = 0;

    while (name.len && *name.ptr == ' ') {
        name = jm_strn(name.ptr + 1, name.len - 1);
    }
    while (len < name.len && name.ptr[len]) {
        len++;
    }
    return jm_strn(name.ptr, len);
}

static inline char reader_fold(char c)
{
    return c == '.' || c == ' ' || c == '[' ? '_' : c;
}

static inline int reader_is_bracket(char c)
{
    return c == '[' || c == ']';
}

/* All readings of a decoded name: the whole of it, then each prefix of its
 * path through brackets, steps joined by NUL. Returns how many. */
static inline unsigned reader_readings(jm_str_t *out, apr_pool_t *p,
                                       jm_str_t name)
{
    unsigned count = 0;
    char *path, *whole;
    apr_size_t i, n = 0;

    name = reader_trim(name);
    whole = apr_palloc(p, name.len + 1);
    path = apr_palloc(p, 2 * name.len + 1);
    for (i = 0; i < name.len; i++) {
        whole[i] = reader_fold(name.ptr[i]);
    }
    out[count++] = jm_strn(whole, name.len);
    i = 0;
    while (count < READER_STEPS_MAX) {
        while (i < name.len && reader_is_bracket(name.ptr[i])) {
            i++;
        }
        if (i == name.len) {
            break;
        }
        if (n) {
            path[n++] = '\0';
        }
        while (i < name.len && !reader_is_bracket(name.ptr[i])) {
            path[n++] = reader_fold(name.ptr[i++]);
        }
        out[count++] = jm_strn(path, n);
    }
    return count;
}

static inline void reader_add(reader_names_t *names, apr_pool_t *p,
                              jm_str_t name)
{
    jm_str_t readings[READER_STEPS_MAX];
    unsigned count = reader_readings(readings, p, name);
    unsigned i = names->count++;

    names->name[i] = name;
    names->whole[i] = readings[0];
    names->path[i] = readings[count - 1];
}

/* 1 if a name of the set has that reading. */
static inline int reader_listed(const reader_names_t *names, jm_str_t reading)
{
    unsigned i;

    for (i = 0; i < names->count; i++) {
        if (jm_str_eq(names->whole[i], reading)
            || jm_str_eq(names->path[i], reading)) {
            return 1;
        }
    }
    return 0;
}

/* 1 if a decoded name may be taken for one of remove that is not in keep. */
static inline int reader_goes(apr_pool_t *p, jm_str_t name,
                              const reader_names_t *remove,
                              const reader_names_t *keep)
{
    jm_str_t readings[READER_STEPS_MAX];
    unsigned count = reader_readings(readings, p, name);
    unsigned i;

    for (i = 0; i < count; i++) {
        if (reader_listed(remove, readings[i])
            && !reader_listed(keep, readings[i])) {
            return 1;
        }
    }
    return 0;
}

static inline apr_size_t reader_param(jm_str_t rest)
{
    apr_size_t len = 0;

    while (len < rest.len && rest.ptr[len] != '&' && rest.ptr[len] != ';') {
        len++;
    }
    return len;
}

/* What the query must be after the edit, before ours is appended. */
static inline jm_str_t reader_stripped(apr_pool_t *p, jm_str_t args,
                                       const reader_names_t *remove,
                                       const reader_names_t *keep)
{
    char *out = apr_palloc(p, args.len + 1);
    apr_size_t n = 0;

    while (args.len) {
        apr_size_t len = reader_param(args);
        apr_size_t whole = len + (len < args.len);
        jm_str_t name = jm_strn(args.ptr, len);

        name = fuzz_cut(&name, '=');
        if (len && reader_goes(p, reader_decode(p, name), remove, keep)) {
            /* the separator behind it goes, or else the one before it */
            n -= whole == len && n;
        }
        else {
            memcpy(out + n, args.ptr, whole);
            n += whole;
        }
        args = jm_strn(args.ptr + whole, args.len - whole);
    }
    return jm_strn(out, n);
}

/* name=value, as ours is written. */
static inline const char *reader_param_text(apr_pool_t *p,
                                            const jm_param_t *param)
{
    const jm_str_t *half[2] = { &param->name, &param->value };
    char *out = apr_palloc(p, 3 * (param->name.len + param->value.len) + 2);
    char *to = out;
    apr_size_t i;
    unsigned k;

    for (k = 0; k < 2; k++) {
        for (i = 0; i < half[k]->len; i++) {
            char c = half[k]->ptr[i];

            if (apr_isalnum(c) || (c && strchr("-._~", c))) {
                *to++ = c;
            }
            else {
                to += sprintf(to, "%%%02X", (unsigned char)c);
            }
        }
        *to++ = k ? '\0' : '=';
    }
    return out;
}

static inline jm_str_t reader_edited(apr_pool_t *p, jm_str_t args,
                                     const reader_names_t *remove,
                                     const reader_names_t *keep,
                                     const jm_param_t *append, unsigned count)
{
    jm_str_t rest = reader_stripped(p, args, remove, keep);
    apr_size_t room = rest.len + 1;
    const char **texts = apr_palloc(p, (count + 1) * sizeof(*texts));
    char *out;
    unsigned i;

    for (i = 0; i < count; i++) {
        texts[i] = reader_param_text(p, &append[i]);
        room += strlen(texts[i]) + 1;
    }
    out = apr_palloc(p, room);
    memcpy(out, rest.ptr, rest.len);
    for (i = 0; i < count; i++) {
        if (rest.len) {
            out[rest.len++] = '&';
        }
        memcpy(out + rest.len, texts[i], strlen(texts[i]));
        rest.len += strlen(texts[i]);
    }
    return jm_strn(out, rest.len);
}

/* main/php_variables.c: the name of the variable that a decoded name sets. */
static inline jm_str_t reader_php(apr_pool_t *p, jm_str_t name)
{
    char *out;
    apr_size_t i;

    name = reader_trim(name);
    out = apr_pstrmemdup(p, name.len ? name.ptr : "", name.len);
    for (i = 0; i < name.len; i++) {
        if (out[i] == '[') {
            if (i && memchr(out + i, ']', name.len - i)) {
                return jm_strn(out, i);
            }
            out[i] = '_';
        }
        else if (out[i] == ' ' || out[i] == '.') {
            out[i] = '_';
        }
    }
    return jm_strn(out, name.len);
}

/* lib/rack/query_parser.rb: \A[\[\]]*([^\[\]]+)\]* */
static inline jm_str_t reader_rack(jm_str_t name)
{
    apr_size_t len = 0;

    while (name.len && reader_is_bracket(*name.ptr)) {
        name = jm_strn(name.ptr + 1, name.len - 1);
    }
    while (len < name.len && !reader_is_bracket(name.ptr[len])) {
        len++;
    }
    return jm_strn(name.ptr, len);
}

/* 1 if one of the readers takes a decoded name for this one, which has no
 * bracket. */
static inline int reader_takes(apr_pool_t *p, jm_str_t name, jm_str_t wanted)
{
    jm_str_t cut = { name.ptr, 0 };

    while (cut.len < name.len && name.ptr[cut.len]) {
        cut.len++;
    }
    return jm_str_eq(name, wanted) || jm_str_eq(cut, wanted)
           || jm_str_eq(reader_rack(name), wanted)
           || jm_str_eq(reader_rack(cut), wanted)
           || jm_str_eq(reader_php(p, name), reader_php(p, wanted));
}

/* How many parameters of args a reader takes for that name, which has no
 * bracket. */
static inline unsigned reader_count(apr_pool_t *p, jm_str_t args,
                                    jm_str_t wanted)
{
    unsigned count = 0;

    while (args.len) {
        apr_size_t len = reader_param(args);
        jm_str_t name = jm_strn(args.ptr, len);

        name = fuzz_cut(&name, '=');
        count += len && reader_takes(p, reader_decode(p, name), wanted);
        len += len < args.len;
        args = jm_strn(args.ptr + len, args.len - len);
    }
    return count;
}

/* Field names as CGI (RFC 3875 4.1.18) and lenient servers read them. */
static inline int reader_same_field(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a == '_' || *a == '.' ? '-' : *a;
        char y = *b == '_' || *b == '.' ? '-' : *b;

        if (apr_tolower(x) != apr_tolower(y)) {
            return 0;
        }
    }
    return !*a && !*b;
}

#endif
