/*
 * jm_jwk.c: the reader of JWK and JWK Set (RFC 7517): which entries are used
 * and which are ignored or refused. Values are hostile where the set came
 * from a URL. Touches the pool and the OpenSSL error queue.
 */
#include <openssl/err.h>

#include "jm_json.h"
#include "jm_key.h"
#include "jm_kty.h"

/* --- what stands beside the key: use, key_ops, alg, kid, issuer --- */

/* An optional member: NULL if absent, else a string. */
static apr_status_t optional_string(const jm_json_t **pnode,
                                    const char **pwhy, apr_pool_t *p,
                                    const jm_json_t *jwk, const char *name)
{
    jm_str_t text;

    *pnode = jm_json_get(jwk, jm_str(name));
    return *pnode ? jm_kty_string(&text, pwhy, p, jwk, name) : APR_SUCCESS;
}

/* RFC 7517 4.3: absent, or "verify" is among them. */
static apr_status_t check_key_ops(const char **pwhy, const jm_json_t *jwk)
{
    const jm_json_t *ops = jm_json_get(jwk, jm_str("key_ops"));
    int verify = 0;
    unsigned i;

    if (!ops) {
        return APR_SUCCESS;
    }
    *pwhy = "the JWK is malformed: its member \"key_ops\" must be an array "
            "of strings";
    if (ops->type != JM_JSON_ARRAY) {
        return APR_EINVAL;
    }
    for (i = 0; i < ops->count; i++) {
        if (ops->items[i].type != JM_JSON_STRING) {
            return APR_EINVAL;
        }
        verify = verify || jm_str_is(ops->items[i].text, "verify");
    }
    *pwhy = "the key_ops of the JWK do not allow \"verify\"";
    return verify ? APR_SUCCESS : APR_EINVAL;
}

/* What the alg of a JWK leaves of all algorithms. */
static apr_status_t read_alg(jm_algs_t *palgs, const char **pwhy,
                             apr_pool_t *p, const jm_json_t *jwk)
{
    const jm_json_t *node;
    const jm_alg_t *alg;
    apr_status_t rv = optional_string(&node, pwhy, p, jwk, "alg");

    *palgs = JM_ALGS_ALL;
    if (rv != APR_SUCCESS || !node) {
        return rv;
    }
    alg = jm_alg_find(node->text);
    if (!alg) {
        *pwhy = "the alg of the JWK is no signature algorithm that is known "
                "here";
        return APR_EINVAL;
    }
    *palgs = alg->bit;
    return APR_SUCCESS;
}

static apr_status_t read_names(jm_key_t *key, const char **pwhy,
                               apr_pool_t *p, const jm_json_t *jwk)
{
    const jm_json_t *kid, *issuer;
    apr_status_t rv = optional_string(&kid, pwhy, p, jwk, "kid");

    if (rv == APR_SUCCESS) {
        rv = optional_string(&issuer, pwhy, p, jwk, "issuer");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (issuer && issuer->text.len == 0) {
        *pwhy = "the issuer of the JWK is empty; leave it out if the key is "
                "for any";
        return APR_EINVAL;
    }
    if (kid) {
        key->has_kid = 1;
        key->kid = jm_str_dup(p, kid->text);
    }
    if (issuer) {
        key->issuer = jm_str_dup(p, issuer->text);
    }
    return APR_SUCCESS;
}

static apr_status_t read_key(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                             const jm_kty_t *kty, const jm_json_t *jwk)
{
    jm_algs_t algs;
    apr_status_t rv = check_key_ops(pwhy, jwk);

    if (rv == APR_SUCCESS) {
        rv = read_alg(&algs, pwhy, p, jwk);
    }
    if (rv == APR_SUCCESS) {
        rv = kty->read(key, pwhy, p, jwk);
    }
    if (rv == APR_SUCCESS) {
        rv = read_names(key, pwhy, p, jwk);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!(key->algs & algs)) {
        *pwhy = apr_psprintf(p, "the alg of the JWK (%s) does not fit the "
                             "key, which can do %s", jm_alg_list(p, algs),
                             jm_alg_list(p, key->algs));
        return APR_EINVAL;
    }
    key->algs &= algs;
    return APR_SUCCESS;
}

/* --- sets --- */

typedef struct reader_t {
    apr_pool_t *p;
    jm_key_report_t *report;
    void *baton;
    int remote;
    int bare;                  /* one JWK, not a set */
    unsigned errors;           /* reported so far */
    apr_array_header_t *keys;  /* of jm_key_t: the usable ones */
    int seen[2];               /* asymmetric, symmetric entries */
} reader_t;

static void complain(reader_t *r, jm_severity_e severity,
                     const jm_json_t *at, const char *text)
{
    if (severity == JM_ERROR) {
        r->errors++;
    }
    r->report(r->baton, severity, at, text);
}

/* An entry that is not used: a set goes on without it. */
static apr_status_t ignore(reader_t *r, const jm_json_t *jwk,
                           const char *why)
{
    complain(r, r->bare ? JM_ERROR : JM_WARNING, jwk,
             r->bare ? why
                     : apr_pstrcat(r->p, why, "; the key is ignored", NULL));
    return APR_SUCCESS;
}

static apr_status_t refuse_private(reader_t *r, const jm_json_t *jwk)
{
    if (r->remote) {
        return ignore(r, jwk, "this is a private JWK, which only the issuer "
                              "may have");
    }
    complain(r, JM_ERROR, jwk, "this is a private JWK, and only the issuer "
             "may have it; leave its private members (d, p, q, ...) out");
    return APR_SUCCESS;
}

/* A secret and a public key in one set are one typing error away from
 * letting everybody sign. */
static void check_mixture(reader_t *r, const jm_kty_t *kty,
                          const jm_json_t *jwk)
{
    int both = r->seen[0] && r->seen[1];

    r->seen[kty->symmetric] = 1;
    if (!both && r->seen[0] && r->seen[1]) {
        complain(r, JM_ERROR, jwk, "the set mixes symmetric (oct) and "
                 "asymmetric keys; give each kind an authorizer of its own");
    }
}

static apr_status_t add_key(reader_t *r, const jm_kty_t *kty,
                            const jm_json_t *jwk)
{
    const char *why = NULL;
    jm_key_t key = { 0 };
    apr_status_t rv = read_key(&key, &why, r->p, kty, jwk);

    if (rv == APR_SUCCESS) {
        *(jm_key_t *)apr_array_push(r->keys) = key;
    }
    return rv == APR_EINVAL ? ignore(r, jwk, why) : rv;
}

static apr_status_t read_entry(reader_t *r, const jm_json_t *jwk)
{
    const char *why = "an entry of the set must be an object";
    const jm_json_t *use;
    const jm_kty_t *kty;
    jm_str_t name;

    if (jwk->type != JM_JSON_OBJECT
        || jm_kty_string(&name, &why, r->p, jwk, "kty") != APR_SUCCESS) {
        return ignore(r, jwk, why);
    }
    kty = jm_kty_find(name);
    if (!kty) {
        return APR_SUCCESS;
    }
    if (jm_kty_is_private(kty, jwk)) {
        return refuse_private(r, jwk);
    }
    if (optional_string(&use, &why, r->p, jwk, "use") != APR_SUCCESS) {
        return ignore(r, jwk, why);
    }
    if (use && !jm_str_is(use->text, "sig")) {
        return APR_SUCCESS;
    }
    if (r->remote && kty->symmetric) {
        return ignore(r, jwk, "a symmetric key (oct) from a URL is no secret");
    }
    check_mixture(r, kty, jwk);
    return add_key(r, kty, jwk);
}

static apr_status_t read_set(reader_t *r, const jm_json_t *entries)
{
    apr_status_t rv = APR_SUCCESS;
    unsigned i;

    if (entries->type != JM_JSON_ARRAY) {
        complain(r, JM_ERROR, entries, "\"keys\" of a JWK Set must be an "
                 "array of JWKs");
        return APR_EINVAL;
    }
    if (r->remote && entries->count > JM_JWKS_REMOTE_KEYS_MAX) {
        complain(r, JM_ERROR, entries, "the set has more than 100 keys");
        return APR_EINVAL;
    }
    for (i = 0; i < entries->count && rv == APR_SUCCESS; i++) {
        rv = read_entry(r, &entries->items[i]);
    }
    return rv;
}

static apr_status_t read_document(reader_t *r, const jm_json_t *jwks)
{
    const jm_json_t *entries = jm_json_get(jwks, jm_str("keys"));
    apr_status_t rv;

    if (!entries && !jm_json_get(jwks, jm_str("kty"))) {
        complain(r, JM_ERROR, jwks, "this is neither a JWK Set (an object "
                 "with the member \"keys\") nor a JWK (with \"kty\")");
        return APR_EINVAL;
    }
    r->bare = !entries;
    rv = entries ? read_set(r, entries) : read_entry(r, jwks);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (r->keys->nelts == 0 && r->errors == 0) {
        complain(r, JM_ERROR, entries ? entries : jwks, "there is no usable "
                 "key: none of kty RSA, EC, OKP or oct with use \"sig\" (or "
                 "without use) and without a fault");
    }
    return r->errors ? APR_EINVAL : APR_SUCCESS;
}

apr_status_t jm_keyset_jwks(const jm_keyset_t **pset, apr_pool_t *p,
                            const jm_json_t *jwks, int remote,
                            jm_key_report_t *report, void *baton)
{
    reader_t r = { 0 };
    apr_status_t rv;

    *pset = NULL;
    r.p = p;
    r.report = report;
    r.baton = baton;
    r.remote = remote;
    r.keys = apr_array_make(p, 1, sizeof(jm_key_t));
    rv = read_document(&r, jwks);
    if (rv == APR_SUCCESS) {
        const jm_key_t *first = (const jm_key_t *)r.keys->elts;

        *pset = jm_keyset_make(p, r.keys, !r.bare || first->has_kid);
    }
    ERR_clear_error();
    return rv;
}
