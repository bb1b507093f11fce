/*
 * jm_hint.c: two tables of what people write and what they mean. Touches the
 * pool.
 */
#include "jm_hint.h"

#include "jm_diag.h"

/* A name that is too far from ours for a spelling mistake. The first row of a
 * word counts whose name may stand there. */
static const struct {
    const char *word;
    const char *name;
} synonyms[] = {
    { "alg", "algorithms" }, { "algs", "algorithms" },
    { "iss", "issuer" }, { "issuers", "issuer" },
    { "aud", "audience" }, { "audiences", "audience" },
    { "clock_skew", "leeway" }, { "skew", "leeway" },
    { "key", "public_key" }, { "pem", "public_key" }, { "keys", "jwks" },
    { "routes", "paths" }, { "endpoints", "paths" },
    { "upstreams", "servers" }, { "backends", "servers" },
    { "name", "alias" }, { "id", "alias" },
    { "host", "url" }, { "address", "url" },
    { "uri", "url" }, { "uri", "path" }, { "route", "path" },
    { "url", "server" }, { "alias", "server" }, { "upstream", "server" },
    { "backend", "server" },
    { "authorizer", "auth" }, { "authentication", "auth" },
    { "authorization", "auth" }, { "jwt", "auth" },
    { "scope", "require" }, { "scopes", "require" }, { "roles", "require" },
    { "claims", "require" },
    { "headers", "mapping" }, { "params", "query" }, { "query", "mapping" },
    { "query_params", "query" }, { "upstream", "integration" },
    { "backend", "integration" }, { "server", "integration" },
    { "proxy", "integration" }, { "body", "response" },
    { "source", "from" }, { "value", "from" }, { "expression", "from" }
};

/* Members whose form is not to be guessed from "an object". */
static const struct {
    const char *name;
    const char *example;
} examples[] = {
    { "authorizer", "{\"type\": \"jwt\", \"issuer\": \"https://HOST\", "
                    "\"audience\": \"API\", \"jwks_uri\": \"https://...\"}" },
    { "authorizers", "{\"NAME\": {\"type\": \"jwt\", ...}}" },
    { "servers", "[{\"alias\": \"NAME\", \"url\": \"http://HOST:PORT\"}]" },
    { "paths", "[{\"method\": \"GET\", \"path\": \"/a\"}]" },
    { "variables", "{\"NAME\": \"value\"}" },
    { "cors", "{\"allow_origins\": [\"https://HOST\"]}" },
    { "integration", "{\"type\": \"http_proxy\", \"server\": \"ALIAS\"}" },
    { "require", "{\"CLAIM\": \"value\"}" },
    { "mapping", "{\"headers\": {\"x-user-id\": \"$request.jwt.sub\"}}" },
    { "headers", "{\"x-user-id\": \"$request.jwt.sub\"}" },
    { "query", "{\"user\": \"$request.jwt.sub\"}" },
    { "response_headers", "{\"x-user-id\": \"$request.jwt.sub\"}" },
    { "from_headers", "[{\"name\": \"X-Token\", \"value_prefix\": \"\"}]" },
    { "unmatched", "\"deny\" or \"pass\"" }
};

static int is_listed(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (!strcmp(name, *names)) {
            return 1;
        }
    }
    return 0;
}

static const char *synonym(const char *name, const char *const *names)
{
    unsigned i;

    for (i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
        if (!strcasecmp(name, synonyms[i].word)
            && is_listed(synonyms[i].name, names)) {
            return synonyms[i].name;
        }
    }
    return NULL;
}

const char *jm_hint_member(apr_pool_t *p, const char *name,
                           const char *const *names)
{
    const char *meant = synonym(name, names);
    const char *near;

    if (meant) {
        return apr_psprintf(p, " (did you mean \"%s\"?)", meant);
    }
    if (!strcmp(name, "from_params") || !strcmp(name, "from_query")) {
        return ": a token is never taken from a URL, which logs and browsers "
               "keep: write \"from_headers\" or \"from_cookies\"";
    }
    near = jm_diag_hint(p, name, names);
    return *near ? near : ": remove it (the name of a comment begins with "
                          "\"x-\")";
}

/* A word or a number that stands in quotes and should not, or should and does
 * not. */
static const char *quotes(apr_pool_t *p, const jm_json_t *node,
                          jm_json_e want)
{
    jm_str_t text = node->text;

    if (want == JM_JSON_BOOL && node->type == JM_JSON_STRING
        && (jm_str_is(text, "true") || jm_str_is(text, "false"))) {
        return apr_psprintf(p, ": write %s without quotes", text.ptr);
    }
    if (want == JM_JSON_NUMBER && node->type == JM_JSON_STRING
        && text.len > 0 && strspn(text.ptr, "0123456789") == text.len) {
        return apr_psprintf(p, ": write %s without quotes", text.ptr);
    }
    if (want == JM_JSON_STRING && node->type == JM_JSON_NUMBER) {
        return apr_psprintf(p, ": write \"%.*s\"", (int)text.len, text.ptr);
    }
    return "";
}

const char *jm_hint_value(apr_pool_t *p, const jm_json_t *node, jm_json_e want)
{
    unsigned i;

    for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        if (jm_str_is(node->name, examples[i].name)) {
            return apr_pstrcat(p, ": write ", examples[i].example, NULL);
        }
    }
    return quotes(p, node, want);
}
