/*
 * jm_credential.c: finds the bearer credential of a request. Reads the
 * header table it is given; touches nothing else.
 */
#include "jm_credential.h"

#include "jm_char.h"
#include "jm_cookie.h"

/* Where a search stands: verdict is JM_NO_TOKEN until the first credential,
 * JM_OK with one, JM_CREDENTIALS from the first mistake on. */
typedef struct search_t {
    apr_pool_t *p;
    const apr_table_t *headers;
    jm_credential_t cred;
    jm_verdict_e verdict;
} search_t;

static int is_b64token_char(char c)
{
    return jm_char_is_unreserved(c) || c == '+' || c == '/';
}

/* RFC 6750 2.1: 1*( ALPHA / DIGIT / "-._~+/" ) *"=" and nothing else. */
static int is_b64token(jm_str_t text)
{
    apr_size_t i = 0;

    while (i < text.len && is_b64token_char(text.ptr[i])) {
        i++;
    }
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

/* Two field lines arrive joined with a comma, which no cookie holds (RFC 6265
 * 4.1.1). */
static int next_cookie(jm_str_t *prest, jm_cookie_t *cookie)
{
    return jm_cookie_next(cookie, prest, ";,");
}

/* Two cookies of that name are two credentials. */
static void look_at_cookie(search_t *search, const char *name)
{
    jm_str_t rest = jm_str(apr_table_getm(search->p, search->headers,
                                          "Cookie"));
    jm_cookie_t cookie;
    int count = 0;

    if (search->verdict == JM_OK && is_seen(search, "Cookie", name)) {
        return;
    }
    while (next_cookie(&rest, &cookie)) {
        if (!jm_str_is(cookie.name, name) || !cookie.value.len) {
            continue;
        }
        if (count++) {
            search->verdict = JM_CREDENTIALS;
            return;
        }
        found(search, jm_str_dup(search->p, cookie.value), "Cookie", name,
              NULL);
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
    return verdict != JM_INTERNAL && cred->source && !is_b64token(cred->token)
           ? JM_CREDENTIALS : verdict;
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
    jm_cookie_t cookie;
    char *kept, *end;
    jm_str_t rest;

    if (!cred->cookie) {
        return field;
    }
    rest = jm_str(apr_table_getm(p, headers, "Cookie"));
    kept = end = apr_palloc(p, rest.len + 1);
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
