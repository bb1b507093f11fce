/*
 * A key that is accepted is one to verify with: of a family and size of ours,
 * for algorithms of its own kind only, and never a private one. Input: a line
 * that says what the rest is, see `kinds`.
 */
#include "fuzz.h"

#include <openssl/core_names.h>
#include <openssl/objects.h>

#include "jm_b64.h"
#include "jm_json.h"
#include "jm_jwk.h"

typedef struct heard_t {
    unsigned errors;
} heard_t;

static void hear(void *baton, jm_severity_e severity, const jm_json_t *at,
                 const char *text)
{
    (void)at;
    must(text && *text);
    ((heard_t *)baton)->errors += severity == JM_ERROR;
}

/* --- what every accepted key is ------------------------------------------- */

static void check_hmac(const jm_key_t *key)
{
    unsigned i;

    must(key->algs && !(key->algs & ~(jm_algs_t)7) && !key->size);
    for (i = 0; i < JM_ALG_COUNT; i++) {
        must(!key->verify[i]);
        must(!(key->algs >> i & 1) || key->mac[i]);
    }
}

static void check_rsa(const EVP_PKEY *pkey, const jm_key_t *key,
                      const jm_alg_t *alg)
{
    BIGNUM *n = NULL, *e = NULL;

    must(EVP_PKEY_is_a(pkey, "RSA")
         || (EVP_PKEY_is_a(pkey, "RSA-PSS") && alg->pss));
    must(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
    must(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1);
    must(BN_num_bits(n) >= 2048 && BN_num_bits(n) <= 8192 && BN_is_odd(n));
    must(BN_is_odd(e) && BN_num_bits(e) >= 2 && BN_num_bits(e) <= 64);
    must(key->size == (unsigned)BN_num_bytes(n));
    BN_free(n);
    BN_free(e);
}

static void check_ec(const EVP_PKEY *pkey, const jm_key_t *key,
                     const jm_alg_t *alg)
{
    static const char *const groups[] = {
        "prime256v1", "secp384r1", "secp521r1"
    };
    char name[64];
    size_t len;

    must(EVP_PKEY_is_a(pkey, "EC") && alg->row >= 9 && alg->row <= 11);
    must(EVP_PKEY_get_group_name(pkey, name, sizeof(name), &len) == 1);
    must(!strcmp(name, groups[alg->row - 9]));
    must(key->curve == alg->curve && key->curve == OBJ_txt2nid(name));
    must(key->algs == alg->bit);
}

static void check_public(const jm_key_t *key)
{
    unsigned i;

    must(key->algs && !(key->algs & 7));
    for (i = 0; i < JM_ALG_COUNT; i++) {
        const jm_alg_t *alg = jm_alg_at(i);
        EVP_PKEY *pkey;
        BIGNUM *d = NULL;

        must(!key->mac[i]);
        if (!(key->algs & alg->bit)) {
            continue;
        }
        must(key->verify[i] && alg->family == key->family);
        pkey = EVP_PKEY_CTX_get0_pkey(
            EVP_MD_CTX_get_pkey_ctx(key->verify[i]));
        must(pkey);
        must(EVP_PKEY_get_bn_param(pkey, "d", &d) != 1
             && EVP_PKEY_get_bn_param(pkey, "priv", &d) != 1);
        if (key->family == JM_FAMILY_RSA) {
            check_rsa(pkey, key, alg);
        }
        else if (key->family == JM_FAMILY_EC) {
            check_ec(pkey, key, alg);
        }
        else {
            must(EVP_PKEY_is_a(pkey, "ED25519") && key->algs == alg->bit);
        }
        ERR_clear_error(); /* of our questions */
    }
}

static void check_set(apr_status_t rv, const jm_keyset_t *set,
                      const heard_t *heard)
{
    jm_algs_t algs = 0;
    unsigned i;

    must(!ERR_peek_error());
    must(rv == APR_SUCCESS || rv == APR_EINVAL);
    must(!set == (rv != APR_SUCCESS) && !heard->errors == !rv);
    for (i = 0; set && i < set->count; i++) {
        if (set->keys[i].family == JM_FAMILY_HMAC) {
            check_hmac(&set->keys[i]);
        }
        else {
            check_public(&set->keys[i]);
        }
        algs |= set->keys[i].algs;
    }
    must(!set || (set->count && set->algs == algs
                  && !set->kids == !set->match_kid));
}

/* --- each reader ----------------------------------------------------------- */

/* What is written in a JWK holds for the key that came of it. */
static void check_jwk(const jm_json_t *jwk, const jm_key_t *key)
{
    static const struct {
        const char *kty;
        jm_family_e family;
    } families[] = {
        { "oct", JM_FAMILY_HMAC }, { "RSA", JM_FAMILY_RSA },
        { "EC", JM_FAMILY_EC }, { "OKP", JM_FAMILY_ED }
    };
    const jm_json_t *use = jm_json_get(jwk, jm_str("use"));
    const jm_json_t *alg = jm_json_get(jwk, jm_str("alg"));
    const jm_json_t *kid = jm_json_get(jwk, jm_str("kid"));
    unsigned i;

    for (i = 0; i < 4; i++) {
        must(jm_str_is(jm_json_get(jwk, jm_str("kty"))->text,
                       families[i].kty)
             == (key->family == families[i].family));
    }
    must(!use || jm_str_is(use->text, "sig"));
    must(!alg || key->algs == jm_alg_find(alg->text)->bit);
    must(!kid == !key->has_kid && (!kid || jm_str_eq(kid->text, key->kid)));
    must(key->family == JM_FAMILY_HMAC || !jm_json_get(jwk, jm_str("d")));
}

static void read_document(apr_pool_t *p, jm_str_t text, int remote)
{
    heard_t heard = { 0 };
    const jm_keyset_t *set;
    const jm_json_t *node;
    apr_status_t rv;
    unsigned i;

    if (jm_json_parse(&node, NULL, p, text) != APR_SUCCESS) {
        return;
    }
    rv = jm_keyset_jwks(&set, p, node, remote, hear, &heard);
    check_set(rv, set, &heard);
    for (i = 0; set && i < set->count; i++) {
        must(!remote || set->keys[i].family != JM_FAMILY_HMAC);
        must((set->keys[i].family == JM_FAMILY_HMAC)
             == (set->keys[0].family == JM_FAMILY_HMAC));
    }
    if (set && !jm_json_get(node, jm_str("keys"))) {
        must(set->count == 1);
        check_jwk(node, &set->keys[0]);
    }
}

static void read_static(apr_pool_t *p, jm_str_t text)
{
    heard_t heard = { 0 };
    const jm_keyset_t *set;
    apr_status_t rv = jm_keyset_jwks_text(&set, p, p, text, "t", hear,
                                          &heard);

    check_set(rv, set, &heard);
    read_document(p, text, 0);
}

static void read_remote(apr_pool_t *p, jm_str_t text)
{
    read_document(p, text, 1);
}

static void read_pem(apr_pool_t *p, jm_str_t text)
{
    heard_t heard = { 0 };
    const jm_keyset_t *set;
    apr_status_t rv = jm_keyset_pem(&set, p, text, hear, &heard);

    check_set(rv, set, &heard);
    must(!set || (set->count == 1 && !set->match_kid
                  && set->keys[0].family != JM_FAMILY_HMAC));
    /* what is a key to all is a secret to none */
    must(rv || jm_keyset_secret(&set, p, text, hear, &heard) == APR_EINVAL);
}

static void read_secret(apr_pool_t *p, jm_str_t text)
{
    heard_t heard = { 0 };
    const jm_keyset_t *set;
    apr_status_t rv = jm_keyset_secret(&set, p, text, hear, &heard);

    check_set(rv, set, &heard);
    must(!set || (text.len >= 32 && set->keys[0].family == JM_FAMILY_HMAC));
    must(!set || !memmem(text.ptr, text.len, "-----BEGIN ", 11));
}

/* DER in the armour of label. */
static void read_der(apr_pool_t *p, jm_str_t der, const char *label)
{
    char *base64 = apr_palloc(p, der.len / 3 * 4 + 5);

    EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)der.ptr,
                    (int)der.len);
    read_pem(p, jm_str(apr_psprintf(p, "-----BEGIN %s-----\n%s\n-----END "
                                    "%s-----\n", label, base64, label)));
}

static void read_spki(apr_pool_t *p, jm_str_t text)
{
    read_der(p, text, "PUBLIC KEY");
}

static void read_pkcs1(apr_pool_t *p, jm_str_t text)
{
    read_der(p, text, "RSA PUBLIC KEY");
}

static void read_certificate(apr_pool_t *p, jm_str_t text)
{
    read_der(p, text, "CERTIFICATE");
}

static const char *encoded(apr_pool_t *p, const char *octets, apr_size_t len)
{
    return jm_b64_encode(p, jm_strn(octets, len)).ptr;
}

/* An octet, how long e is; e; n. */
static void read_rsa(apr_pool_t *p, jm_str_t text)
{
    apr_size_t len = text.len ? (unsigned char)*text.ptr : 0;

    if (text.len < len + 1) {
        return;
    }
    read_remote(p, jm_str(apr_psprintf(
        p, "{\"kty\":\"RSA\",\"e\":\"%s\",\"n\":\"%s\"}",
        encoded(p, text.ptr + 1, len),
        encoded(p, text.ptr + 1 + len, text.len - 1 - len))));
}

/* x and y, of the curve that their length is for. */
static void read_ec(apr_pool_t *p, jm_str_t text)
{
    apr_size_t half = text.len / 2;

    read_remote(p, jm_str(apr_psprintf(
        p, "{\"kty\":\"EC\",\"crv\":\"P-%s\",\"x\":\"%s\",\"y\":\"%s\"}",
        half < 40 ? "256" : half < 60 ? "384" : "521",
        encoded(p, text.ptr, half),
        encoded(p, text.ptr + half, text.len - half))));
}

static void read_ed(apr_pool_t *p, jm_str_t text)
{
    read_static(p, jm_str(apr_psprintf(
        p, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}",
        encoded(p, text.ptr, text.len))));
}

static const struct {
    const char *name;
    void (*read)(apr_pool_t *p, jm_str_t text);
} kinds[] = {
    { "static", read_static },   /* a JWK or JWK Set of the administrator */
    { "remote", read_remote },   /* the same from a URL */
    { "pem", read_pem },
    { "secret", read_secret },
    { "spki", read_spki },       /* DER, put into PEM here */
    { "pkcs1", read_pkcs1 },
    { "certificate", read_certificate },
    { "rsa", read_rsa },         /* octets, put into a JWK here */
    { "ec", read_ec },
    { "ed", read_ed }
};

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    jm_str_t rest = input;
    jm_str_t kind = fuzz_cut(&rest, '\n');
    unsigned i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (jm_str_is(kind, kinds[i].name)) {
            kinds[i].read(p, rest);
        }
    }
}
