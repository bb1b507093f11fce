/*
 * jm_key.c: verification keys: which algorithms a key may serve, its
 * prepared OpenSSL contexts, the index of a set, and the reader of HMAC
 * secrets. Touches the pool it was given and the OpenSSL error queue.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "jm_key.h"

#define ED_LEN 32              /* octets of an Ed25519 public key */
#define GROUP_NAME_MAX 64      /* octets of OpenSSL's name of a curve */
#define SECRET_MIN 32          /* octets: the hash of HS256 */

static apr_status_t free_pkey(void *data)
{
    EVP_PKEY_free(data);
    return APR_SUCCESS;
}

static apr_status_t free_md_ctx(void *data)
{
    EVP_MD_CTX_free(data);
    return APR_SUCCESS;
}

static apr_status_t free_mac_ctx(void *data)
{
    EVP_MAC_CTX_free(data);
    return APR_SUCCESS;
}

/* --- HMAC --- */

static apr_status_t prepare_mac(jm_key_t *key, apr_pool_t *p,
                                const jm_alg_t *alg, jm_str_t secret)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    OSSL_PARAM params[2];

    EVP_MAC_free(mac);
    if (!ctx) {
        return APR_ENOMEM;
    }
    apr_pool_cleanup_register(p, ctx, free_mac_ctx, apr_pool_cleanup_null);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 (char *)alg->digest, 0);
    params[1] = OSSL_PARAM_construct_end();
    if (EVP_MAC_init(ctx, (const unsigned char *)secret.ptr, secret.len,
                     params) != 1) {
        return APR_ENOMEM;
    }
    key->mac[alg->row] = ctx;
    key->algs |= alg->bit;
    return APR_SUCCESS;
}

apr_status_t jm_key_hmac(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                         jm_str_t secret)
{
    const jm_alg_t *alg;
    apr_status_t rv;
    unsigned i;

    memset(key, 0, sizeof(*key));
    *pwhy = NULL;
    key->family = JM_FAMILY_HMAC;
    if (secret.len < SECRET_MIN) {
        *pwhy = apr_psprintf(p, "the secret is too short (%" APR_SIZE_T_FMT
                             " octets): HS256 needs at least 32 random "
                             "octets, HS384 48, HS512 64", secret.len);
        return APR_EINVAL;
    }
    for (i = 0; (alg = jm_alg_at(i)); i++) {
        if (alg->family == JM_FAMILY_HMAC && secret.len >= alg->digest_len) {
            rv = prepare_mac(key, p, alg, secret);
            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
    }
    return APR_SUCCESS;
}

/* --- public keys: limits --- */

/* Limits of RFC 7518 3.3, and of what OpenSSL verifies in bounded time. */
static const char *rsa_objection(const BIGNUM *n, const BIGNUM *e)
{
    if (BN_is_negative(n) || !BN_is_odd(n)) {
        return "this is no RSA key: its modulus is even";
    }
    if (BN_num_bits(n) < JM_RSA_BITS_MIN) {
        return "the RSA key is too weak: its modulus must have at least "
               "2048 bits";
    }
    if (BN_num_bits(n) > JM_RSA_BITS_MAX) {
        return "the RSA key is too large: its modulus may have at most "
               "8192 bits";
    }
    if (BN_is_negative(e) || !BN_is_odd(e) || BN_is_one(e)
        || BN_num_bits(e) > JM_RSA_EXPONENT_BITS_MAX) {
        return "the RSA public exponent must be odd, at least 3 and at most "
               "64 bits long (65537 is usual)";
    }
    return NULL;
}

static apr_status_t check_rsa(jm_key_t *key, const char **pwhy,
                              EVP_PKEY *pkey)
{
    BIGNUM *n = NULL, *e = NULL;
    apr_status_t rv = APR_ENOMEM;

    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1
        && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1) {
        *pwhy = rsa_objection(n, e);
        key->size = ((unsigned)BN_num_bits(n) + 7) / 8;
        rv = *pwhy ? APR_EINVAL : APR_SUCCESS;
    }
    BN_free(n);
    BN_free(e);
    return rv;
}

static int point_is_valid(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int good = ctx && EVP_PKEY_public_check(ctx) == 1;

    EVP_PKEY_CTX_free(ctx);
    return good;
}

static apr_status_t check_ec(jm_key_t *key, const char **pwhy,
                             EVP_PKEY *pkey)
{
    char group[GROUP_NAME_MAX] = "";
    size_t len = 0;
    int is_explicit = 1;

    if (EVP_PKEY_get_int_param(pkey,
                               OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &is_explicit) != 1 || is_explicit) {
        *pwhy = "the EC key spells out its curve parameters; write it with a "
                "named curve: openssl pkey -pubin -in FILE "
                "-ec_param_enc named_curve -pubout";
        return APR_EINVAL;
    }
    if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1) {
        key->curve = OBJ_sn2nid(group);
    }
    if (key->curve != NID_X9_62_prime256v1 && key->curve != NID_secp384r1
        && key->curve != NID_secp521r1) {
        *pwhy = "the EC key is on an unknown curve; use P-256, P-384 or P-521";
        return APR_EINVAL;
    }
    if (!point_is_valid(pkey)) {
        *pwhy = "the EC key is no point of its curve";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

/* The y coordinates, sign bit cleared, of the points whose order divides 8:
 * for such a "key" anyone can make signatures that hold. */
static const unsigned char small_order[][ED_LEN] = {
    { 0 },
    { 1 },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
      0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
      0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
      0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
      0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    /* p - 1, p, p + 1 for p = 2^255 - 19 */
    { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
    { 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
    { 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f }
};

static apr_status_t check_ed(jm_key_t *key, const char **pwhy,
                             EVP_PKEY *pkey)
{
    unsigned char y[ED_LEN];
    size_t len = sizeof(y);
    unsigned i;

    key->curve = 0;
    if (EVP_PKEY_get_raw_public_key(pkey, y, &len) != 1 || len != ED_LEN) {
        return APR_ENOMEM;
    }
    y[ED_LEN - 1] &= 0x7f;
    for (i = 0; i < sizeof(small_order) / sizeof(small_order[0]); i++) {
        if (!memcmp(y, small_order[i], ED_LEN)) {
            *pwhy = "the Ed25519 key is a point of small order, which "
                    "verifies anything";
            return APR_EINVAL;
        }
    }
    return APR_SUCCESS;
}

/* --- public keys: contexts --- */

/* PS is RFC 7518 3.5: MGF1 with the same hash, a salt as long as it. */
static int set_padding(EVP_PKEY_CTX *pctx, const jm_alg_t *alg)
{
    if (!alg->pss) {
        return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) == 1;
    }
    return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
           && EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx, alg->digest, NULL) == 1
           && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
                                               (int)alg->digest_len) == 1;
}

static apr_status_t prepare_verify(jm_key_t *key, apr_pool_t *p,
                                   const jm_alg_t *alg, EVP_PKEY *pkey)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;

    if (!ctx) {
        return APR_ENOMEM;
    }
    apr_pool_cleanup_register(p, ctx, free_md_ctx, apr_pool_cleanup_null);
    if (EVP_DigestVerifyInit_ex(ctx, &pctx, alg->digest, NULL, NULL, pkey,
                                NULL) != 1) {
        return APR_ENOMEM;
    }
    if (alg->family == JM_FAMILY_RSA && !set_padding(pctx, alg)) {
        return APR_ENOMEM;
    }
    key->verify[alg->row] = ctx;
    key->algs |= alg->bit;
    return APR_SUCCESS;
}

/* One row for each type of key that OpenSSL calls by that name. */
typedef struct kind_t {
    const char *name;
    jm_family_e family;
    int pss_only;         /* id-RSASSA-PSS: never PKCS#1 v1.5 */
    apr_status_t (*check)(jm_key_t *key, const char **pwhy, EVP_PKEY *pkey);
} kind_t;

static const kind_t kinds[] = {
    { "RSA", JM_FAMILY_RSA, 0, check_rsa },
    { "RSA-PSS", JM_FAMILY_RSA, 1, check_rsa },
    { "EC", JM_FAMILY_EC, 0, check_ec },
    { "ED25519", JM_FAMILY_ED, 0, check_ed }
};

static const kind_t *find_kind(const EVP_PKEY *pkey)
{
    unsigned i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (EVP_PKEY_is_a(pkey, kinds[i].name)) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* An id-RSASSA-PSS key may be bound to one hash and a least salt; OpenSSL
 * refuses a context that breaks this, and such an algorithm does not fit. */
static apr_status_t prepare_all(jm_key_t *key, const char **pwhy,
                                apr_pool_t *p, const kind_t *kind,
                                EVP_PKEY *pkey)
{
    const jm_alg_t *alg;
    unsigned i;

    for (i = 0; (alg = jm_alg_at(i)); i++) {
        if (alg->family != key->family || alg->curve != key->curve
            || (kind->pss_only && !alg->pss)) {
            continue;
        }
        if (prepare_verify(key, p, alg, pkey) != APR_SUCCESS
            && !kind->pss_only) {
            return APR_ENOMEM;
        }
    }
    if (!key->algs) {
        *pwhy = "the parameters of the RSASSA-PSS key allow none of PS256, "
                "PS384 and PS512 (hash and MGF1 hash must be the same, the "
                "salt no longer than the hash)";
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

apr_status_t jm_key_public(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                           EVP_PKEY *pkey)
{
    const kind_t *kind = find_kind(pkey);
    apr_status_t rv;

    memset(key, 0, sizeof(*key));
    *pwhy = NULL;
    apr_pool_cleanup_register(p, pkey, free_pkey, apr_pool_cleanup_null);
    if (!kind) {
        *pwhy = "the type of the key is unknown; use RSA, EC (P-256, P-384, "
                "P-521) or Ed25519";
        return APR_EINVAL;
    }
    key->family = kind->family;
    rv = kind->check(key, pwhy, pkey);
    if (rv == APR_SUCCESS) {
        rv = prepare_all(key, pwhy, p, kind, pkey);
    }
    ERR_clear_error();
    return rv;
}

/* --- sets --- */

static void fit_add(jm_fit_t *fit, const jm_key_t *key)
{
    const jm_alg_t *alg;
    unsigned i;

    for (i = 0; (alg = jm_alg_at(i)); i++) {
        if (!(key->algs & alg->bit)) {
            continue;
        }
        if (fit->key[i]) {
            fit->ambiguous |= alg->bit;
        }
        fit->key[i] = (fit->ambiguous & alg->bit) ? NULL : key;
    }
}

static void index_kid(apr_hash_t *kids, apr_pool_t *p, const jm_key_t *key)
{
    jm_fit_t *fit;

    if (!key->has_kid) {
        return;
    }
    fit = apr_hash_get(kids, key->kid.ptr, (apr_ssize_t)key->kid.len);
    if (!fit) {
        fit = apr_pcalloc(p, sizeof(*fit));
        apr_hash_set(kids, key->kid.ptr, (apr_ssize_t)key->kid.len, fit);
    }
    fit_add(fit, key);
}

const jm_keyset_t *jm_keyset_make(apr_pool_t *p,
                                  const apr_array_header_t *keys,
                                  int match_kid)
{
    jm_keyset_t *set = apr_pcalloc(p, sizeof(*set));
    unsigned i;

    set->keys = (const jm_key_t *)keys->elts;
    set->count = (unsigned)keys->nelts;
    set->match_kid = match_kid;
    set->kids = match_kid ? apr_hash_make(p) : NULL;
    for (i = 0; i < set->count; i++) {
        set->algs |= set->keys[i].algs;
        fit_add(&set->fit, &set->keys[i]);
        if (match_kid) {
            index_kid(set->kids, p, &set->keys[i]);
        }
    }
    return set;
}

apr_status_t jm_keyset_secret(const jm_keyset_t **pset, apr_pool_t *p,
                              jm_str_t secret, jm_key_report_t *report,
                              void *baton)
{
    apr_array_header_t *keys = apr_array_make(p, 1, sizeof(jm_key_t));
    const char *why = "this is a PEM block, which is no secret: a public key "
                      "goes into public_key or public_key_file";
    apr_status_t rv = APR_EINVAL;

    *pset = NULL;
    if (!jm_pem_looks_like(secret)) {
        rv = jm_key_hmac(apr_array_push(keys), &why, p, secret);
    }
    if (rv == APR_SUCCESS) {
        *pset = jm_keyset_make(p, keys, 0);
    }
    else if (rv == APR_EINVAL) {
        report(baton, JM_ERROR, NULL, why);
    }
    ERR_clear_error();
    return rv;
}
