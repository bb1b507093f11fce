/*
 * jm_query.c: takes parameters out of a query string in every spelling that
 * a server may take for a name, appends ours, leaves all other octets alone.
 * Touches only the pool it was given.
 *
 * A name is looked up by its readings: the whole of it, folded as PHP does,
 * and, where it holds brackets, its path through them (`a[b][c]` is a, then
 * b, then c), each prefix of it. One hash look-up for a reading, so that a
 * parameter costs the same however many names there are.
 */
#include <stdlib.h>

#include "jm_query.h"

#include "jm_char.h"

struct jm_query_names_t {
    apr_pool_t *p;
    apr_hash_t *keys; /* readings of the names; value not NULL */
    unsigned count;
    unsigned depth; /* steps of the longest path among keys */
};

/* How many octets at the beginning of rest are a parameter to take out; 0:
 * the parameter there stays. */
typedef apr_size_t drop_fn(void *baton, jm_str_t rest);

static int is_separator(char c)
{
    return c == '&' || c == ';';
}

static int is_bracket(char c)
{
    return c == '[' || c == ']';
}

static char fold(char c)
{
    return (c == '.' || c == ' ' || c == '[') ? '_' : c;
}

/* The decoded octet at *pi, which is moved behind it. */
static char decode_octet(jm_str_t raw, apr_size_t *pi)
{
    apr_size_t i = (*pi)++;
    int high, low;

    if (raw.ptr[i] == '+') {
        return ' ';
    }
    if (raw.ptr[i] != '%' || raw.len - i < 3) {
        return raw.ptr[i];
    }
    high = jm_char_hex(raw.ptr[i + 1]);
    low = jm_char_hex(raw.ptr[i + 2]);
    if (high < 0 || low < 0) {
        return '%';
    }
    *pi = i + 3;
    return (char)(high << 4 | low);
}

/* Decodes into buf, which holds raw.len octets. */
static jm_str_t decode(char *buf, jm_str_t raw)
{
    apr_size_t i = 0;
    apr_size_t len = 0;

    while (i < raw.len) {
        buf[len++] = decode_octet(raw, &i);
    }
    return jm_strn(buf, len);
}

/* 1 if raw decodes to exactly text. */
static int decodes_to(jm_str_t raw, jm_str_t text)
{
    apr_size_t i = 0;
    apr_size_t n = 0;

    while (i < raw.len) {
        if (n == text.len || decode_octet(raw, &i) != text.ptr[n++]) {
            return 0;
        }
    }
    return n == text.len;
}

/* The octets of text before the first c, or all. */
static jm_str_t before(jm_str_t text, char c)
{
    const char *end = text.len ? memchr(text.ptr, c, text.len) : NULL;

    return end ? jm_strn(text.ptr, (apr_size_t)(end - text.ptr)) : text;
}

/* What remains of a decoded name where it ends at NUL and leading spaces do
 * not count. */
static jm_str_t trim(jm_str_t name)
{
    name = before(name, '\0');
    while (name.len && *name.ptr == ' ') {
        name.ptr++;
        name.len--;
    }
    return name;
}

/* The whole of a trimmed name, folded into buf of name.len octets. */
static jm_str_t read_whole(char *buf, jm_str_t name)
{
    apr_size_t i;

    for (i = 0; i < name.len; i++) {
        buf[i] = fold(name.ptr[i]);
    }
    return jm_strn(buf, name.len);
}

/* Adds the next step of a trimmed name's path to path, whose octets lie in a
 * buffer of name.len; *pi is where to go on. 0: there is none. A NUL stands
 * between steps: a trimmed name holds none, and each has a bracket for it. */
static int read_step(jm_str_t *path, char *buf, jm_str_t name, apr_size_t *pi)
{
    apr_size_t i = *pi;
    apr_size_t len = path->len;

    while (i < name.len && is_bracket(name.ptr[i])) {
        i++;
    }
    if (i == name.len) {
        return 0;
    }
    if (len) {
        buf[len++] = '\0';
    }
    while (i < name.len && !is_bracket(name.ptr[i])) {
        buf[len++] = fold(name.ptr[i++]);
    }
    *pi = i;
    *path = jm_strn(buf, len);
    return 1;
}

static int listed(const jm_query_names_t *names, jm_str_t key)
{
    return names && apr_hash_get(names->keys, key.ptr, (apr_ssize_t)key.len);
}

/* 1 if a reading of the decoded name is in remove and that same reading is
 * not in keep: `a[b`, which is a to some and a_b to others, goes even if one
 * of the two is kept. buf holds name.len octets. */
static int counts_as(const jm_query_names_t *remove,
                     const jm_query_names_t *keep, char *buf, jm_str_t name)
{
    apr_size_t at = 0;
    unsigned depth = 0;
    jm_str_t key;

    name = trim(name);
    key = read_whole(buf, name);
    if (listed(remove, key) && !listed(keep, key)) {
        return 1;
    }
    key.len = 0;
    while (depth++ < remove->depth && read_step(&key, buf, name, &at)) {
        if (listed(remove, key) && !listed(keep, key)) {
            return 1;
        }
    }
    return 0;
}

jm_query_names_t *jm_query_names_make(apr_pool_t *p)
{
    jm_query_names_t *names = apr_pcalloc(p, sizeof(*names));

    names->p = p;
    names->keys = apr_hash_make(p);
    return names;
}

/* 1 if the key is new. */
static int add_key(jm_query_names_t *names, jm_str_t key)
{
    int is_new = !listed(names, key);

    if (is_new) {
        apr_hash_set(names->keys, key.ptr, (apr_ssize_t)key.len, names);
    }
    return is_new;
}

int jm_query_names_add(jm_query_names_t *names, jm_str_t name)
{
    jm_str_t trimmed = trim(name);
    char *buf = apr_palloc(names->p, trimmed.len + 1);
    jm_str_t path = { buf, 0 };
    jm_str_t whole;
    apr_size_t at = 0;
    unsigned depth = 0;
    int is_new;

    whole = read_whole(apr_palloc(names->p, trimmed.len + 1), trimmed);
    while (read_step(&path, buf, trimmed, &at)) {
        depth++;
    }
    if (depth > names->depth) {
        names->depth = depth;
    }
    is_new = add_key(names, whole);
    if (depth && !jm_str_eq(path, whole)) {
        is_new = add_key(names, path) && is_new;
    }
    names->count += is_new ? 1 : 0;
    return is_new;
}

int jm_query_names_has(const jm_query_names_t *names, jm_str_t name)
{
    char *buf;
    int found;

    if (!names || !names->count) {
        return 0;
    }
    /* Not from a pool: the set is shared between threads. */
    buf = malloc(name.len + 1);
    found = !buf || counts_as(names, NULL, buf, name);
    free(buf);
    return found;
}

unsigned jm_query_names_count(const jm_query_names_t *names)
{
    return names ? names->count : 0;
}

/* The octets of rest before the first separator, or all. */
static jm_str_t first_param(jm_str_t rest)
{
    apr_size_t len = 0;

    while (len < rest.len && !is_separator(rest.ptr[len])) {
        len++;
    }
    return jm_strn(rest.ptr, len);
}

/* Copies args into buf without the parameters that drop says; their number
 * is added to *pdropped. */
static jm_str_t strip(char *buf, jm_str_t args, drop_fn *drop, void *baton,
                      apr_size_t *pdropped)
{
    apr_size_t start = 0;
    apr_size_t len = 0;
    apr_size_t end;

    for (; start < args.len; start = end) {
        jm_str_t rest = jm_strn(args.ptr + start, args.len - start);
        apr_size_t size = drop(baton, rest);

        if (size) {
            end = start + size;
            ++*pdropped;
            if (end < args.len) {
                end++;
            }
            else if (len) {
                len--;
            }
            continue;
        }
        end = start + first_param(rest).len;
        end += end < args.len;
        memcpy(buf + len, args.ptr + start, end - start);
        len += end - start;
    }
    return jm_strn(buf, len);
}

/* Encodes into buf, which holds 3 * text.len octets; returns how many. */
static apr_size_t escape(char *buf, jm_str_t text)
{
    char *to = buf;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        if (jm_char_is_unreserved(text.ptr[i])) {
            *to++ = text.ptr[i];
        }
        else {
            to = jm_char_percent(to, text.ptr[i]);
        }
    }
    return (apr_size_t)(to - buf);
}

/* The most octets that write_param writes. */
static apr_size_t param_room(const jm_param_t *param)
{
    return 3 * (param->name.len + param->value.len) + 1;
}

static apr_size_t write_param(char *buf, const jm_param_t *param)
{
    apr_size_t len = escape(buf, param->name);

    buf[len++] = '=';
    return len + escape(buf + len, param->value);
}

/* The octets in buf as a query string; nothing is left: no query at all. */
static jm_str_t result(char *buf, apr_size_t len)
{
    buf[len] = '\0';
    return jm_strn(len ? buf : NULL, len);
}

typedef struct remove_t {
    const jm_query_names_t *remove;
    const jm_query_names_t *keep;
    char *decoded; /* scratch, each as long as the query */
    char *folded;
} remove_t;

static apr_size_t drop_named(void *baton, jm_str_t rest)
{
    const remove_t *r = baton;
    jm_str_t param = first_param(rest);

    return param.len && counts_as(r->remove, r->keep, r->folded,
                                  decode(r->decoded, before(param, '=')))
           ? param.len : 0;
}

jm_str_t jm_query_edit(apr_pool_t *p, jm_str_t args,
                       const jm_query_names_t *remove,
                       const jm_query_names_t *keep, const jm_param_t *append,
                       unsigned count)
{
    remove_t r = { remove, keep, NULL, NULL };
    int removes = args.len && jm_query_names_count(remove);
    apr_size_t room = args.len + 1;
    apr_size_t dropped = 0;
    jm_str_t rest = args;
    char *buf;
    unsigned i;

    if (!removes && !count) {
        return args;
    }
    for (i = 0; i < count; i++) {
        room += param_room(&append[i]) + 1;
    }
    buf = apr_palloc(p, room);
    if (removes) {
        r.decoded = apr_palloc(p, args.len);
        r.folded = apr_palloc(p, args.len);
        rest = strip(buf, args, drop_named, &r, &dropped);
    }
    else if (args.len) {
        memcpy(buf, args.ptr, args.len);
    }
    if (!dropped && !count) {
        return args;
    }
    for (i = 0; i < count; i++) {
        if (rest.len) {
            buf[rest.len++] = '&';
        }
        rest.len += write_param(buf + rest.len, &append[i]);
    }
    return result(buf, rest.len);
}

int jm_query_get(jm_str_t *pvalue, apr_pool_t *p, jm_str_t args, jm_str_t name)
{
    *pvalue = jm_strn(NULL, 0);
    while (args.len) {
        jm_str_t param = before(args, '&');
        jm_str_t key = before(param, '=');

        if (param.len && decodes_to(key, name)) {
            apr_size_t skip = key.len + (key.len < param.len);
            jm_str_t raw = { param.ptr + skip, param.len - skip };
            char *buf = apr_palloc(p, raw.len + 1);

            *pvalue = decode(buf, raw);
            buf[pvalue->len] = '\0';
            return 1;
        }
        args.ptr += param.len;
        args.len -= param.len;
        if (args.len) {
            args.ptr++;
            args.len--;
        }
    }
    return 0;
}

/* 1 if text stands at *pi, however it is encoded; *pi is moved behind it. A
 * `+` may stand for itself where a server forgot to encode it. */
static int reads_as(jm_str_t rest, apr_size_t *pi, jm_str_t text)
{
    apr_size_t n;

    for (n = 0; n < text.len; n++) {
        if (*pi == rest.len || rest.ptr[*pi] == '&') {
            return 0;
        }
        if (rest.ptr[*pi] == '+' && text.ptr[n] == '+') {
            ++*pi;
        }
        else if (decode_octet(rest, pi) != text.ptr[n]) {
            return 0;
        }
    }
    return 1;
}

typedef struct ours_t {
    const jm_param_t *params;
    unsigned count;
} ours_t;

/* A value may hold a `;` that was not encoded: it ends where it is over. */
static apr_size_t drop_ours(void *baton, jm_str_t rest)
{
    const ours_t *ours = baton;
    unsigned i;

    for (i = 0; i < ours->count; i++) {
        apr_size_t at = 0;

        if (reads_as(rest, &at, ours->params[i].name) && at < rest.len
            && rest.ptr[at++] == '='
            && reads_as(rest, &at, ours->params[i].value)
            && (at == rest.len || is_separator(rest.ptr[at]))) {
            return at;
        }
    }
    return 0;
}

jm_str_t jm_query_unreflect(apr_pool_t *p, jm_str_t args,
                            const jm_param_t *params, unsigned count)
{
    ours_t ours = { params, count };
    apr_size_t dropped = 0;
    jm_str_t rest;
    char *buf;

    if (!args.len || !count) {
        return args;
    }
    buf = apr_palloc(p, args.len + 1);
    rest = strip(buf, args, drop_ours, &ours, &dropped);
    return dropped ? result(buf, rest.len) : args;
}
