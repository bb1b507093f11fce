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

/* The bit of a first octet; letters of either case share one. */
static apr_uint32_t first_bit(char c)
{
    return (apr_uint32_t)1 << (c & 0x1F);
}

/* The bits of all first octets that are folded to the same as c. */
static apr_uint32_t first_bits(char c)
{
    return fold_char(c) == '-' ? first_bit('-') | first_bit('_')
                                 | first_bit('.')
                               : first_bit(c);
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
        set->first |= first_bits(*name);
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
    return ((*name ^ *other) & ~('a' ^ 'A')) == 0 && !strcasecmp(name, other);
}

/* 1 if name is that of a field of set that clients send. */
static int is_client_field(const char *name, const jm_field_t *set,
                           unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (!set[i].reserved && is_named(name, set[i].name)) {
            return 1;
        }
    }
    return 0;
}

static int is_ours(const char *name, const jm_table_t *table,
                   const jm_field_t *set, unsigned count)
{
    return jm_header_reserved(table, name)
           || is_client_field(name, set, count);
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

/* The next of set, from i on, that has a value; count: none. */
static unsigned next_value(const jm_field_t *set, unsigned count, unsigned i)
{
    while (i < count && !set[i].value) {
        i++;
    }
    return i;
}

/* 1 if fields holds the very pointers of what is set, in that order, and
 * nothing else of a name of set, nor of a reserved one. mod_proxy's copy of
 * the headers is so, unless Connection took one of ours away. 0: it may have
 * been applied, too. */
static int is_applied(const apr_table_t *fields, const jm_table_t *table,
                      const jm_field_t *set, unsigned count)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    apr_uint32_t first = first_bit('C');
    unsigned next = next_value(set, count, 0);
    unsigned i;
    int k;

    for (i = 0; i < count; i++) {
        first |= set[i].reserved ? 0 : first_bit(*set[i].name);
    }
    for (k = 0; k < array->nelts; k++) {
        if (next < count && entry[k].key == set[next].name
            && entry[k].val == set[next].value) {
            next = next_value(set, count, next + 1);
        }
        else if (jm_header_reserved(table, entry[k].key)
                 || ((first & first_bit(*entry[k].key))
                     && (is_client_field(entry[k].key, set, count)
                         || is_named(entry[k].key, "Connection")))) {
            return 0;
        }
    }
    return next == count;
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
        if (!set[i].value) {
            apr_table_unset(fields, set[i].name);
        }
        else if (set[i].reserved) {
            apr_table_addn(fields, set[i].name, set[i].value);
        }
        else {
            apr_table_setn(fields, set[i].name, set[i].value);
        }
    }
}

void jm_headers_strip_trailers(apr_table_t *trailers, apr_pool_t *p,
                               const jm_table_t *table, const jm_field_t *set,
                               unsigned count)
{
    unsigned i;

    if (apr_is_empty_table(trailers)) {
        return;
    }
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
