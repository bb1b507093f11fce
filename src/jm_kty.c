/*
 * jm_kty.c: the key itself in a JWK, one reader for each kty (RFC 7518
 * section 6, RFC 8037). Values are hostile where the JWK came from a URL.
 * Touches the pool and the OpenSSL error queue.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "jm_b64.h"
#include "jm_json.h"
#include "jm_key.h"
#include "jm_kty.h"

#define ED_LEN 32              /* octets of an Ed25519 public key */
#define EC_POINT_MAX 133       /* octets: 04, x and y of P-521 */

apr_status_t jm_kty_string(jm_str_t *pout, const char **pwhy, apr_pool_t *p,
                           const jm_json_t *jwk, const char *name)
{
    const jm_json_t *node = jm_json_get(jwk, jm_str(name));

    if (!node || node->type != JM_JSON_STRING) {
        *pwhy = apr_psprintf(p, "the JWK is malformed: its member \"%s\" is "
                             "%s; it must be a string", name,
                             node ? jm_json_type_name(node) : "missing");
        return APR_EINVAL;
    }
    *pout = node->text;
    return APR_SUCCESS;
}

/* The decoded octets of a member, at least one. */
static apr_status_t member_octets(jm_str_t *pout, const char **pwhy,
                                  apr_pool_t *p, const jm_json_t *jwk,
                                  const char *name)
{
    jm_str_t text;
    apr_status_t rv = jm_kty_string(&text, pwhy, p, jwk, name);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = jm_b64_decode(pout, p, text);
    if (rv == APR_EINVAL || (rv == APR_SUCCESS && pout->len == 0)) {
        *pwhy = apr_psprintf(p, "the JWK is malformed: its member \"%s\" is "
                             "no base64url text without padding", name);
        return APR_EINVAL;
    }
    return rv;
}

/* --- one reader for each kty --- */

static apr_status_t make_pkey(EVP_PKEY **ppkey, const char *type,
                              OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    apr_status_t rv = APR_ENOMEM;

    *ppkey = NULL;
    if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1) {
        rv = EVP_PKEY_fromdata(ctx, ppkey, EVP_PKEY_PUBLIC_KEY, params) == 1
             ? APR_SUCCESS : APR_EINVAL;
    }
    EVP_PKEY_CTX_free(ctx);
    return rv;
}

/* RFC 7518 6.3.1.1 forbids leading zero octets; some issuers write them, and
 * they do not change the number. */
static BIGNUM *to_number(jm_str_t octets)
{
    while (octets.len > 0 && octets.ptr[0] == 0) {
        octets = jm_strn(octets.ptr + 1, octets.len - 1);
    }
    if (octets.len > JM_RSA_BITS_MAX / 8 + 1) {
        octets.len = JM_RSA_BITS_MAX / 8 + 1;    /* too large all the same */
    }
    return BN_bin2bn((const unsigned char *)octets.ptr, (int)octets.len,
                     NULL);
}

static apr_status_t make_rsa(EVP_PKEY **ppkey, jm_str_t n_octets,
                             jm_str_t e_octets)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = to_number(n_octets), *e = to_number(e_octets);
    OSSL_PARAM *params = NULL;
    apr_status_t rv;

    if (build && n && e
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    rv = make_pkey(ppkey, "RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return rv;
}

static apr_status_t read_rsa(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                             const jm_json_t *jwk)
{
    EVP_PKEY *pkey;
    jm_str_t n, e;
    apr_status_t rv = member_octets(&n, pwhy, p, jwk, "n");

    if (rv == APR_SUCCESS) {
        rv = member_octets(&e, pwhy, p, jwk, "e");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *pwhy = "the JWK is malformed: n and e make no RSA key";
    rv = make_rsa(&pkey, n, e);
    return rv == APR_SUCCESS ? jm_key_public(key, pwhy, p, pkey) : rv;
}

static const struct {
    const char *crv;
    const char *group;
    apr_size_t len;       /* octets of a coordinate */
} curves[] = {
    { "P-256", "prime256v1", 32 },
    { "P-384", "secp384r1", 48 },
    { "P-521", "secp521r1", 66 }
};

static apr_status_t make_ec(EVP_PKEY **ppkey, const char *group, jm_str_t x,
                            jm_str_t y)
{
    unsigned char point[EC_POINT_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
    OSSL_PARAM params[3];

    memcpy(point + 1, x.ptr, x.len);
    memcpy(point + 1 + x.len, y.ptr, y.len);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 (char *)group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  point, 1 + x.len + y.len);
    params[2] = OSSL_PARAM_construct_end();
    return make_pkey(ppkey, "EC", params);
}

static apr_status_t read_point(jm_key_t *key, const char **pwhy,
                               apr_pool_t *p, const jm_json_t *jwk,
                               unsigned curve)
{
    EVP_PKEY *pkey;
    jm_str_t x, y;
    apr_status_t rv = member_octets(&x, pwhy, p, jwk, "x");

    if (rv == APR_SUCCESS) {
        rv = member_octets(&y, pwhy, p, jwk, "y");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (x.len != curves[curve].len || y.len != curves[curve].len) {
        *pwhy = apr_psprintf(p, "the JWK is malformed: x and y must be "
                             "%" APR_SIZE_T_FMT " octets each for %s",
                             curves[curve].len, curves[curve].crv);
        return APR_EINVAL;
    }
    *pwhy = "the JWK is malformed: x and y are no point of its curve";
    rv = make_ec(&pkey, curves[curve].group, x, y);
    return rv == APR_SUCCESS ? jm_key_public(key, pwhy, p, pkey) : rv;
}

static apr_status_t read_ec(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                            const jm_json_t *jwk)
{
    jm_str_t crv;
    apr_status_t rv = jm_kty_string(&crv, pwhy, p, jwk, "crv");
    unsigned i;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (jm_str_is(crv, curves[i].crv)) {
            return read_point(key, pwhy, p, jwk, i);
        }
    }
    *pwhy = "the curve of the EC key is unknown; use P-256, P-384 or P-521";
    return APR_EINVAL;
}

static apr_status_t read_okp(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                             const jm_json_t *jwk)
{
    EVP_PKEY *pkey;
    jm_str_t crv, x;
    apr_status_t rv = jm_kty_string(&crv, pwhy, p, jwk, "crv");

    if (rv == APR_SUCCESS && !jm_str_is(crv, "Ed25519")) {
        *pwhy = "the curve of the OKP key does not sign here; use Ed25519";
        return APR_EINVAL;
    }
    if (rv == APR_SUCCESS) {
        rv = member_octets(&x, pwhy, p, jwk, "x");
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (x.len != ED_LEN) {
        *pwhy = "the JWK is malformed: x must be 32 octets for Ed25519";
        return APR_EINVAL;
    }
    pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL,
                                          (const unsigned char *)x.ptr,
                                          x.len);
    return pkey ? jm_key_public(key, pwhy, p, pkey) : APR_ENOMEM;
}

static apr_status_t read_oct(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                             const jm_json_t *jwk)
{
    jm_str_t k;
    apr_status_t rv = member_octets(&k, pwhy, p, jwk, "k");

    if (rv == APR_SUCCESS) {
        rv = jm_key_hmac(key, pwhy, p, k);
        OPENSSL_cleanse((char *)k.ptr, k.len);
    }
    return rv;
}

/* --- the table --- */

static const char *const rsa_secrets[] = {
    "d", "p", "q", "dp", "dq", "qi", "oth", NULL
};
static const char *const curve_secrets[] = { "d", NULL };
static const char *const no_secrets[] = { NULL };

static const jm_kty_t ktys[] = {
    { "RSA", 0, rsa_secrets, read_rsa },
    { "EC", 0, curve_secrets, read_ec },
    { "OKP", 0, curve_secrets, read_okp },
    { "oct", 1, no_secrets, read_oct }
};

const jm_kty_t *jm_kty_find(jm_str_t name)
{
    unsigned i;

    for (i = 0; i < sizeof(ktys) / sizeof(ktys[0]); i++) {
        if (jm_str_is(name, ktys[i].name)) {
            return &ktys[i];
        }
    }
    return NULL;
}

int jm_kty_is_private(const jm_kty_t *kty, const jm_json_t *jwk)
{
    unsigned i;

    for (i = 0; kty->secrets[i]; i++) {
        if (jm_json_get(jwk, jm_str(kty->secrets[i]))) {
            return 1;
        }
    }
    return 0;
}
