/*
 * jm_compile_remote.c: `jwks_uri`, and the keys of `oidc` and `auth0`: where
 * they are fetched from, and how often. Fetches nothing; looks into the
 * `tls_ca_file`.
 */
#include "jm_compile_state.h"

#include "jm_file.h"
#include "jm_remote.h"
#include "jm_slot.h"

#define DURATION_MAX APR_INT64_C(2592000)  /* seconds: 30 days */
#define REFRESH_MAX APR_INT64_C(86400)

const char *const jm_compile_remote_members[] = {
    "cache_duration", "min_refresh", "stale_grace", "tls_ca_file", NULL
};

#ifdef JM_HAVE_CURL

/* What is known of a set before it is one. */
typedef struct origin_t {
    const char *url;
    const char *issuer;          /* discovery */
    const char *ca_file;
} origin_t;

static jm_member_e check_url(jm_compile_t *c, const jm_json_t *at,
                             const char *url)
{
    const char *why = jm_remote_check_url(url);

    if (why) {
        jm_json_diag(c->diags, JM_ERROR, at, "no keys are fetched from "
                     "there: %s", why);
        return JM_MEMBER_WRONG;
    }
    return JM_MEMBER_OK;
}

static jm_member_e read_url(origin_t *origin, jm_compile_t *c,
                            const jm_json_t *node)
{
    const jm_json_t *at;
    jm_str_t text;
    jm_member_e e = jm_member_string(&text, &at, &c->subst, node,
                                     "jwks_uri");

    if (e == JM_MEMBER_OK) {
        origin->url = text.ptr;
        e = check_url(c, at, text.ptr);
    }
    return e;
}

/* The issuer is the place that the provider's document is found at. */
static jm_member_e read_issuer(origin_t *origin, jm_compile_t *c,
                               const jm_json_t *node)
{
    const jm_item_t *items;
    unsigned count;
    jm_member_e e = jm_member_items(&items, &count, &c->subst, node,
                                    "issuer", 1, 0);

    if (e != JM_MEMBER_OK) {
        return JM_MEMBER_WRONG;  /* reported with the policy, as is absence */
    }
    if (count != 1) {
        jm_json_diag(c->diags, JM_ERROR, jm_member_find(node, "issuer"),
                     "keys are found through one issuer: name one, or write "
                     "\"jwks_uri\"");
        return JM_MEMBER_WRONG;
    }
    if (items[0].unknown) {
        return JM_MEMBER_UNKNOWN;
    }
    if (strchr(items[0].text.ptr, '?')) {
        jm_json_diag(c->diags, JM_ERROR, items[0].node, "an issuer that keys "
                     "are found through has no query: write \"jwks_uri\" "
                     "where this is the issuer");
        return JM_MEMBER_WRONG;
    }
    origin->issuer = items[0].text.ptr;
    origin->url = jm_remote_discovery_url(c->ptemp, origin->issuer);
    return check_url(c, items[0].node, origin->issuer);
}

/* What is wrong with it is said where the issuer is made of it. */
static jm_member_e read_domain(origin_t *origin, jm_compile_t *c,
                               const jm_json_t *node)
{
    const jm_json_t *at = jm_member_find(node, "domain");
    jm_str_t text = { NULL, 0 };

    if (!at || at->type != JM_JSON_STRING) {
        return JM_MEMBER_WRONG;
    }
    switch (jm_subst_text(&text, &c->subst, at, 0)) {
    case JM_SUBST_OK:
        origin->url = apr_pstrcat(c->ptemp, "https://",
                                  apr_pstrmemdup(c->ptemp, text.ptr,
                                                 text.len),
                                  "/.well-known/jwks.json", NULL);
        return JM_MEMBER_OK;
    case JM_SUBST_PLACEHOLDER:
        return JM_MEMBER_UNKNOWN;
    default:
        return JM_MEMBER_WRONG;
    }
}

static jm_member_e read_origin(origin_t *origin, jm_compile_t *c,
                               const jm_json_t *node,
                               const jm_compile_kind_t *kind)
{
    if (jm_member_find(node, "jwks_uri")) {
        return read_url(origin, c, node);
    }
    return strcmp(kind->name, "auth0") ? read_issuer(origin, c, node)
                                       : read_domain(origin, c, node);
}

static jm_member_e read_ca_file(origin_t *origin, jm_compile_t *c,
                                const jm_json_t *node)
{
    const jm_json_t *at;
    const char *error;
    jm_str_t text, pem;
    jm_member_e e = jm_member_string(&text, &at, &c->subst, node,
                                     "tls_ca_file");

    if (e == JM_MEMBER_ABSENT) {
        return JM_MEMBER_OK;
    }
    if (e != JM_MEMBER_OK) {
        return e;
    }
    origin->ca_file = jm_file_below(c->ptemp, c->folder, text.ptr);
    if (jm_file_read(&pem, &error, c->ptemp, origin->ca_file,
                     JM_KEY_FILE_MAX) == APR_SUCCESS
        && strstr(pem.ptr, "-----BEGIN CERTIFICATE-----")) {
        return JM_MEMBER_OK;
    }
    jm_json_diag(c->diags, JM_ERROR, at, "\"%s\" cannot be used: %s",
                 at->text.ptr, error ? error
                                     : "it holds no PEM certificate");
    return JM_MEMBER_WRONG;
}

jm_member_e jm_compile_remote(jm_authorizer_t *a, jm_algs_t *palgs,
                              jm_compile_t *c, const jm_json_t *node,
                              const jm_compile_kind_t *kind)
{
    origin_t origin = { NULL, NULL, NULL };
    jm_member_e found = read_origin(&origin, c, node, kind);
    jm_member_e trusted = read_ca_file(&origin, c, node);
    jm_remote_t *remote;

    *palgs = JM_ALGS_PUBLIC;
    remote = jm_remote_make(c->p, origin.url ? origin.url : "",
                            origin.issuer, origin.ca_file);
    a->key_slot = jm_slot_make(c->p);
    if (!remote || !a->key_slot) {
        jm_json_diag(c->diags, JM_ERROR, node, "out of memory");
        return JM_MEMBER_WRONG;
    }
    jm_member_int(&remote->cache_duration, &c->subst, node, "cache_duration",
                  1, DURATION_MAX);
    jm_member_int(&remote->min_refresh, &c->subst, node, "min_refresh", 1,
                  REFRESH_MAX);
    jm_member_int(&remote->stale_grace, &c->subst, node, "stale_grace", 0,
                  DURATION_MAX);
    if (found == JM_MEMBER_OK && trusted == JM_MEMBER_OK) {
        a->remote = remote;
    }
    return found != JM_MEMBER_OK ? found : trusted;
}

#else

jm_member_e jm_compile_remote(jm_authorizer_t *a, jm_algs_t *palgs,
                              jm_compile_t *c, const jm_json_t *node,
                              const jm_compile_kind_t *kind)
{
    const jm_json_t *at = jm_member_find(node, "jwks_uri");

    (void)a;
    (void)kind;
    *palgs = 0;
    jm_json_diag(c->diags, JM_ERROR, at ? at : node, "keys would have to be "
                 "fetched, and this build reads static keys only: write "
                 "\"jwks_file\", \"jwks\" or \"public_key_file\" with the "
                 "keys of the issuer, or build with libcurl");
    return JM_MEMBER_WRONG;
}

#endif
