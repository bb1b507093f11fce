/*
 * jm_header.c: reserved request headers. Touches the tables it is given.
 */
#include "jm_header.h"

#include "jm_char.h"

/* Octets of a field name that is folded on the stack; no longer one can be
 * mapped, so no longer one is reserved. */
#define FOLD_MAX 256

/* Fields that every client sends; a trailing `*` stands for any ending. */
static const char *const client_fields[] = {
    "accept*", "authorization", "content-*", "cookie", "if-*", "origin",
    "range", "referer", "user-agent", NULL
};

/* RFC 9110 7.6.1 and 9112 6: the connection's own, and message framing. */
static const char *const framing_fields[] = {
    "host", "connection", "content-length", "transfer-encoding", "te",
    "trailer", "upgrade", "keep-alive", "expect", "proxy-*", NULL
};

/* Written by mod_proxy after every hook of ours. */
static const char *const proxy_fields[] = {
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-server", "forwarded",
    "via", NULL
};

static int is_listed(const char *const *list, jm_str_t name)
{
    for (; *list; list++) {
        apr_size_t len = strlen(*list);
        int open = (*list)[len - 1] == '*';

        len -= (apr_size_t)open;
        if ((open ? name.len >= len : name.len == len)
            && !strncasecmp(*list, name.ptr, len)) {
            return 1;
        }
    }
    return 0;
}

jm_header_e jm_header_kind(jm_str_t name)
{
    if (name.len >= FOLD_MAX || !jm_char_all_token(name)) {
        return JM_HEADER_SYNTAX;
    }
    /* Content-Length is framing before it is one of Content-*. */
    if (is_listed(framing_fields, name)) {
        return JM_HEADER_FRAMING;
    }
    if (is_listed(proxy_fields, name)) {
        return JM_HEADER_PROXY;
    }
    return is_listed(client_fields, name) ? JM_HEADER_CLIENT : JM_HEADER_OK;
}

/* ASCII only: what is reserved must not depend on a locale. */
static char fold_char(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c == '_' || c == '.' ? '-' : c;
}

static void fold(char *to, const char *from, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        to[i] = fold_char(from[i]);
    }
    to[len] = '\0';
}

const char *jm_header_fold(apr_pool_t *p, const char *name)
{
    apr_size_t len = strlen(name);
    char *folded = apr_palloc(p, len + 1);

    fold(folded, name, len);
    return folded;
}

/* The bit of a first octet: `_`, `-` and `.` share one, and so do letters of
 * either case. */
static apr_uint32_t first_bit(char c)
{
    return (apr_uint32_t)1 << (fold_char(c) & 0x1F);
}

static apr_uint64_t length_bit(apr_size_t len)
{
    return (apr_uint64_t)1 << (len < 63 ? len : 63);
}

void jm_header_reserve(jm_reserved_t *set, apr_pool_t *p, const char *name)
{
    const char *folded = jm_header_fold(p, name);

    if (!set->names) {
        set->names = apr_hash_make(p);
    }
    if (!apr_hash_get(set->names, folded, APR_HASH_KEY_STRING)) {
        apr_hash_set(set->names, folded, APR_HASH_KEY_STRING, name);
        set->first |= first_bit(*name);
        set->lengths |= length_bit(strlen(name));
    }
}

/* Most names of a request differ in their first octet or their length from all
 * that are reserved. */
int jm_header_reserved(const jm_table_t *table, const char *name)
{
    const jm_reserved_t *set = &table->reserved_headers;
    char folded[FOLD_MAX];
    apr_size_t len;

    if (!(set->first & first_bit(*name))) {
        return 0;
    }
    len = strlen(name);
    if (!(set->lengths & length_bit(len)) || len >= sizeof(folded)) {
        return 0;
    }
    fold(folded, name, len);
    return apr_hash_get(set->names, folded, (apr_ssize_t)len) != NULL;
}

/* Names without regard to case; most differ in their first octet. */
static int is_named(const char *name, const char *other)
{
    return fold_char(*name) == fold_char(*other) && !strcasecmp(name, other);
}

/* 1 if name is reserved, or that of a field that clients send and that is set
 * or removed here. */
static int is_ours(const char *name, const jm_table_t *table,
                   const jm_field_t *set, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (!set[i].reserved && is_named(name, set[i].name)) {
            return 1;
        }
    }
    return jm_header_reserved(table, name);
}

/* apr_table_getm for the usual case, that there is one line or none. */
const char *jm_header_value(const apr_table_t *fields, apr_pool_t *p,
                            const char *name)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    const char *value = NULL;
    int i;

    for (i = 0; i < array->nelts; i++) {
        if (is_named(entry[i].key, name)) {
            if (value) {
                return apr_table_getm(p, fields, name);
            }
            value = entry[i].val;
        }
    }
    return value;
}

/* Members of a Connection field but those that nominate ours; "": none. */
static const char *connection_rest(apr_pool_t *p, const char *value,
                                   const jm_table_t *table,
                                   const jm_field_t *set, unsigned count)
{
    /* mod_proxy ends a member at these too */
    static const char separators[] = ", \t;\"";
    char *rest = apr_palloc(p, 2 * strlen(value) + 1);
    char *end = rest;
    char *last;
    char *member = apr_strtok(apr_pstrdup(p, value), separators, &last);

    *rest = '\0';
    for (; member; member = apr_strtok(NULL, separators, &last)) {
        if (!is_ours(member, table, set, count)) {
            if (end != rest) {
                end = apr_cpystrn(end, ", ", 3);
            }
            end = apr_cpystrn(end, member, strlen(member) + 1);
        }
    }
    return rest;
}

static void strip_connection(apr_table_t *fields, apr_pool_t *p,
                             const jm_table_t *table, const jm_field_t *set,
                             unsigned count)
{
    const char *value = jm_header_value(fields, p, "Connection");
    const char *rest;

    if (!value) {
        return;
    }
    rest = connection_rest(p, value, table, set, count);
    if (*rest) {
        apr_table_setn(fields, "Connection", rest);
    }
    else {
        apr_table_unset(fields, "Connection");
    }
}

static void strip_reserved(apr_table_t *fields, const jm_table_t *table)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    int i = 0;

    while (i < array->nelts) {
        if (entry[i].key && jm_header_reserved(table, entry[i].key)) {
            /* takes out all of that name and moves the rest up */
            apr_table_unset(fields, entry[i].key);
        }
        else {
            i++;
        }
    }
}

void jm_headers_strip(apr_table_t *fields, apr_pool_t *p,
                      const jm_table_t *table, const jm_field_t *set,
                      unsigned count)
{
    strip_reserved(fields, table);
    strip_connection(fields, p, table, set, count);
}

/* The bit of the field of set that entry is, by the very same pointers; 0: of
 * none. */
static apr_uint64_t bit_of_ours(const apr_table_entry_t *entry,
                                const jm_field_t *set, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (entry->key == set[i].name && entry->val == set[i].value) {
            return (apr_uint64_t)1 << i;
        }
    }
    return 0;
}

/* 1 if fields is what jm_headers_apply makes of it: each field of set is there
 * once, or not, and nothing else of its name, nor of a reserved one.
 * mod_proxy's copy of the headers is so, unless Connection took one of ours
 * away. */
static int is_applied(const apr_table_t *fields, const jm_table_t *table,
                      const jm_field_t *set, unsigned count)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    apr_uint32_t first = table->reserved_headers.first | first_bit('C');
    apr_uint64_t seen = 0;
    unsigned i;
    int k;

    if (count > 64) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        first |= first_bit(*set[i].name);
    }
    for (k = 0; k < array->nelts; k++) {
        apr_uint64_t bit;

        if (!(first & first_bit(*entry[k].key))) {
            continue;
        }
        bit = bit_of_ours(&entry[k], set, count);
        if (bit ? (seen & bit) != 0
                : is_ours(entry[k].key, table, set, count)
                  || is_named(entry[k].key, "Connection")) {
            return 0;
        }
        seen |= bit;
    }
    for (i = 0; i < count; i++) {
        if (set[i].value && !(seen >> i & 1)) {
            return 0;
        }
    }
    return 1;
}

void jm_headers_apply(apr_table_t *fields, apr_pool_t *p,
                      const jm_table_t *table, const jm_field_t *set,
                      unsigned count)
{
    unsigned i;

    if (is_applied(fields, table, set, count)) {
        return;
    }
    jm_headers_strip(fields, p, table, set, count);
    for (i = 0; i < count; i++) {
        if (set[i].value) {
            apr_table_setn(fields, set[i].name, set[i].value);
        }
        else {
            apr_table_unset(fields, set[i].name);
        }
    }
}

void jm_headers_strip_trailers(apr_table_t *trailers, apr_pool_t *p,
                               const jm_table_t *table, const jm_field_t *set,
                               unsigned count)
{
    unsigned i;

    jm_headers_strip(trailers, p, table, set, count);
    for (i = 0; i < count; i++) {
        apr_table_unset(trailers, set[i].name);
    }
}

/* The NAME of a variable HTTP_NAME, or NULL. */
static const char *field_of_variable(const char *variable)
{
    while (!strncmp(variable, "REDIRECT_", 9)) {
        variable += 9;
    }
    return strncasecmp(variable, "HTTP_", 5) ? NULL : variable + 5;
}

static int is_same_variable(const char *a, const char *b)
{
    while (*a && fold_char(*a) == fold_char(*b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

void jm_headers_strip_env(apr_table_t *env, const jm_table_t *table,
                          const jm_field_t *set, unsigned count)
{
    const apr_array_header_t *array = apr_table_elts(env);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    int i = 0;

    while (i < array->nelts) {
        const char *name = entry[i].key ? field_of_variable(entry[i].key)
                                        : NULL;
        int drop = name && jm_header_reserved(table, name);
        unsigned j;

        for (j = 0; name && !drop && j < count; j++) {
            drop = is_same_variable(name, set[j].name);
        }
        if (drop) {
            apr_table_unset(env, entry[i].key);
        }
        else {
            i++;
        }
    }
}
