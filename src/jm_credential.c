/*
 * jm_credential.c: finds the bearer credential of a request. Reads the
 * header table it is given; touches nothing else.
 */
#include "jm_credential.h"

#include <apr_lib.h>

#include "jm_b64.h"

/* Where a search stands: verdict is JM_NO_TOKEN until the first credential,
 * JM_OK with one, JM_CREDENTIALS from the first mistake on. */
typedef struct search_t {
    apr_pool_t *p;
    const apr_table_t *headers;
    jm_credential_t cred;
    jm_verdict_e verdict;
} search_t;

/* RFC 6750 2.1: 1*( ALPHA / DIGIT / "-._~+/" ) *"=" and nothing else. */
static int is_b64token(jm_str_t text)
{
    apr_size_t i = 0;
    apr_size_t n;

    do {
        n = jm_b64_span(jm_strn(text.ptr + i, text.len - i));
        i += n;
        if (i < text.len && memchr(".~+/", text.ptr[i], 4)) {
            n = 1;
            i++;
        }
    } while (n);
    if (i == 0) {
        return 0;
    }
    while (i < text.len && text.ptr[i] == '=') {
        i++;
    }
    return i == text.len;
}

/* 1 if a credential of this field or cookie was seen before: two authorizers
 * may share a source. */
static int is_seen(const search_t *search, const char *header,
                   const char *cookie)
{
    const jm_credential_t *cred = &search->cred;

    if (!cred->header || strcasecmp(cred->header, header)) {
        return 0;
    }
    return cookie ? cred->cookie && !strcmp(cred->cookie, cookie)
                  : !cred->cookie;
}

static void found(search_t *search, jm_str_t token, const char *header,
                  const char *cookie, const jm_source_t *source)
{
    if (search->verdict == JM_OK) {
        if (!is_seen(search, header, cookie)) {
            search->verdict = JM_CREDENTIALS;
        }
        return;
    }
    search->verdict = JM_OK;
    search->cred.token = token;
    search->cred.header = header;
    search->cred.cookie = cookie;
    search->cred.source = source;
}

/* 1 if a joined second field line behind another scheme names Bearer. */
static int names_bearer_later(const char *value)
{
    const char *comma = value;

    while ((comma = strchr(comma, ',')) != NULL) {
        do {
            comma++;
        } while (*comma == ' ' || *comma == '\t');
        if (!strncasecmp(comma, "bearer", 6)
            && (comma[6] == ' ' || comma[6] == '\t' || comma[6] == '\0')) {
            return 1;
        }
    }
    return 0;
}

/* RFC 6750 2.1: Authorization with the Bearer scheme. */
static void look_at_bearer(search_t *search, const jm_source_t *source,
                           const char *value)
{
    const char *token = value + 6;

    if (strncasecmp(value, "bearer", 6)
        || (*token && *token != ' ' && *token != '\t' && *token != ',')) {
        if (names_bearer_later(value)) {
            search->verdict = JM_CREDENTIALS;
        }
        return;
    }
    while (*token == ' ') {
        token++;
    }
    if (*token) {
        found(search, jm_str(token), source->header, NULL, source);
    }
    else {
        search->verdict = JM_CREDENTIALS;
    }
}

static void look_at_prefix(search_t *search, const jm_source_t *source,
                           const char *value)
{
    apr_size_t len = source->prefix.len;

    if (strncmp(value, source->prefix.len ? source->prefix.ptr : "", len)
        || !value[len]) {
        return;
    }
    found(search, jm_str(value + len), source->header, NULL, source);
}

static void look_at_header(search_t *search, const jm_source_t *source)
{
    const char *value = jm_header_value(search->headers, search->p,
                                        source->header);

    if (!value || !*value) {
        return;
    }
    if (source->bearer) {
        look_at_bearer(search, source, value);
    }
    else {
        look_at_prefix(search, source, value);
    }
}

/* One cookie-pair of a Cookie field. */
typedef struct cookie_t {
    jm_str_t whole;            /* its octets, the separator before it first */
    jm_str_t name;
    jm_str_t value;            /* name empty: no `=` */
} cookie_t;

static jm_str_t trimmed(const char *start, const char *end)
{
    while (start < end && apr_isspace(*start)) {
        start++;
    }
    while (end > start && apr_isspace(end[-1])) {
        end--;
    }
    return jm_strn(start, (apr_size_t)(end - start));
}

/* Splits the next cookie-pair off *prest; 0 at the end. Two field lines arrive
 * joined with a comma, which no cookie holds (RFC 6265 4.1.1). */
static int next_cookie(const char **prest, cookie_t *cookie)
{
    const char *whole = *prest;
    const char *start, *end, *equals;

    if (!whole || !*whole) {
        return 0;
    }
    start = whole + (*whole == ';' || *whole == ',');
    end = start + strcspn(start, ";,");
    *prest = end;
    equals = memchr(start, '=', (apr_size_t)(end - start));
    cookie->whole = jm_strn(whole, (apr_size_t)(end - whole));
    cookie->name = trimmed(start, equals ? equals : start);
    cookie->value = trimmed(equals ? equals + 1 : end, end);
    return 1;
}

static jm_str_t unquoted(jm_str_t value)
{
    if (value.len >= 2 && value.ptr[0] == '"'
        && value.ptr[value.len - 1] == '"') {
        return jm_strn(value.ptr + 1, value.len - 2);
    }
    return value;
}

/* Two cookies of that name are two credentials. */
static void look_at_cookie(search_t *search, const char *name)
{
    const char *rest = apr_table_getm(search->p, search->headers, "Cookie");
    cookie_t cookie;
    int count = 0;

    if (search->verdict == JM_OK && is_seen(search, "Cookie", name)) {
        return;
    }
    while (next_cookie(&rest, &cookie)) {
        jm_str_t value = unquoted(cookie.value);

        if (!jm_str_is(cookie.name, name) || !value.len) {
            continue;
        }
        if (count++) {
            search->verdict = JM_CREDENTIALS;
            return;
        }
        found(search, jm_str_dup(search->p, value), "Cookie", name, NULL);
    }
}

static void look_at(search_t *search, const jm_authorizer_t *authorizer)
{
    unsigned i;

    for (i = 0; i < authorizer->header_count; i++) {
        if (search->verdict == JM_CREDENTIALS) {
            return;
        }
        look_at_header(search, &authorizer->headers[i]);
    }
    for (i = 0; i < authorizer->cookie_count; i++) {
        if (search->verdict == JM_CREDENTIALS) {
            return;
        }
        look_at_cookie(search, authorizer->cookies[i]);
    }
}

jm_verdict_e jm_credential_find(jm_credential_t *pcred, apr_pool_t *p,
                                const apr_table_t *headers,
                                const jm_authorizer_t *const *authorizers,
                                unsigned count)
{
    search_t search = { p, headers, { { NULL, 0 }, NULL, NULL, NULL },
                        JM_NO_TOKEN };
    unsigned i;

    memset(pcred, 0, sizeof(*pcred));
    for (i = 0; i < count && search.verdict != JM_CREDENTIALS; i++) {
        look_at(&search, authorizers[i]);
    }
    if (search.verdict == JM_OK) {
        *pcred = search.cred;
    }
    return search.verdict;
}

jm_verdict_e jm_credential_blame(const jm_credential_t *cred,
                                 jm_verdict_e verdict)
{
    return cred->source && !is_b64token(cred->token) ? JM_CREDENTIALS
                                                     : verdict;
}

int jm_credential_from(const jm_credential_t *cred,
                       const jm_authorizer_t *authorizer)
{
    unsigned i;

    for (i = 0; cred->cookie && i < authorizer->cookie_count; i++) {
        if (!strcmp(cred->cookie, authorizer->cookies[i])) {
            return 1;
        }
    }
    for (i = 0; cred->source && i < authorizer->header_count; i++) {
        const jm_source_t *source = &authorizer->headers[i];

        if (!strcasecmp(cred->source->header, source->header)
            && cred->source->bearer == source->bearer
            && jm_str_eq(cred->source->prefix, source->prefix)) {
            return 1;
        }
    }
    return 0;
}

jm_field_t jm_credential_removed(const jm_credential_t *cred, apr_pool_t *p,
                                 const apr_table_t *headers)
{
    jm_field_t field = { cred->header, NULL, 0 };
    const char *rest;
    char *kept, *end;
    cookie_t cookie;

    if (!cred->cookie) {
        return field;
    }
    rest = apr_table_getm(p, headers, "Cookie");
    kept = end = apr_palloc(p, rest ? strlen(rest) + 1 : 1);
    while (next_cookie(&rest, &cookie)) {
        if (!jm_str_is(cookie.name, cred->cookie)) {
            memcpy(end, cookie.whole.ptr, cookie.whole.len);
            end += cookie.whole.len;
        }
    }
    *end = '\0';
    /* The first that stays had another before it. */
    kept += strspn(kept, ";, \t");
    field.value = *kept ? kept : NULL;
    return field;
}
