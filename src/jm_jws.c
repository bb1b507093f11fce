/*
 * jm_jws.c: compact JWS: split, header rules, key choice, signature. All of
 * it is hostile until the signature holds. Touches the pool it was given
 * and the OpenSSL error queue, which it leaves empty.
 */
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "jm_b64.h"
#include "jm_json.h"
#include "jm_jws.h"

/* base64url of JM_JOSE_HEADER_MAX octets */
#define HEADER_TEXT_MAX ((JM_JOSE_HEADER_MAX * 4 + 2) / 3)
#define HASH_MAX 64                /* octets of SHA-512 */

/* --- split --- */

/* The part up to the next dot; *prest is what follows the dot. ptr NULL if
 * there is no dot. */
static jm_str_t cut_part(jm_str_t *prest, jm_str_t text)
{
    const char *dot = text.len ? memchr(text.ptr, '.', text.len) : NULL;
    jm_str_t part = { NULL, 0 };

    *prest = text;
    if (dot) {
        part = jm_strn(text.ptr, (apr_size_t)(dot - text.ptr));
        *prest = jm_strn(dot + 1, text.len - part.len - 1);
    }
    return part;
}

static jm_verdict_e split(jm_str_t *pheader, jm_jws_t *jws, jm_str_t token)
{
    jm_str_t rest, more;

    if (token.len > JM_TOKEN_MAX) {
        return JM_MALFORMED;
    }
    *pheader = cut_part(&rest, token);
    jws->payload = cut_part(&jws->signature, rest);
    if (!pheader->ptr || !jws->payload.ptr
        || cut_part(&more, jws->signature).ptr
        || pheader->len == 0 || pheader->len > HEADER_TEXT_MAX
        || jws->signature.len == 0) {
        return JM_MALFORMED;
    }
    jws->signing_input =
        jm_strn(token.ptr, token.len - jws->signature.len - 1);
    return JM_OK;
}

/* --- header --- */

/* Strict JSON whose top level is an object, from base64url. */
static jm_verdict_e decode_object(const jm_json_t **pobject, apr_pool_t *p,
                                  jm_str_t text, apr_size_t max)
{
    const jm_json_t *root;
    jm_str_t octets;
    apr_status_t rv;

    *pobject = NULL;
    rv = jm_b64_decode(&octets, p, text);
    if (rv == APR_SUCCESS && octets.len > max) {
        return JM_MALFORMED;
    }
    if (rv == APR_SUCCESS) {
        rv = jm_json_parse(&root, NULL, p, octets);
    }
    if (rv != APR_SUCCESS) {
        return rv == APR_EINVAL ? JM_MALFORMED : JM_INTERNAL;
    }
    if (root->type != JM_JSON_OBJECT) {
        return JM_MALFORMED;
    }
    *pobject = root;
    return JM_OK;
}

/* Extensions that change what the token means (RFC 7515 4.1.11, RFC 7797,
 * RFC 7516): none is supported, so none is skipped over. */
static const char *const refused_members[] = { "crit", "b64", "zip", "enc" };

static const char *const string_members[] = { "alg", "kid", "typ", "cty" };

static jm_verdict_e check_header(const jm_json_t *header)
{
    const jm_json_t *node;
    unsigned i;

    for (i = 0; i < sizeof(refused_members) / sizeof(*refused_members); i++) {
        if (jm_json_get(header, jm_str(refused_members[i]))) {
            return JM_HEADER;
        }
    }
    for (i = 0; i < sizeof(string_members) / sizeof(*string_members); i++) {
        node = jm_json_get(header, jm_str(string_members[i]));
        if (node && node->type != JM_JSON_STRING) {
            return JM_HEADER;
        }
    }
    return JM_OK;
}

static jm_verdict_e read_header(jm_jws_t *jws, const jm_json_t *header)
{
    const jm_json_t *alg = jm_json_get(header, jm_str("alg"));
    const jm_json_t *kid = jm_json_get(header, jm_str("kid"));
    jm_verdict_e verdict = check_header(header);

    if (verdict != JM_OK) {
        return verdict;
    }
    jws->alg = alg ? jm_alg_find(alg->text) : NULL;
    if (!jws->alg) {
        return JM_ALGORITHM;
    }
    if (kid) {
        jws->has_kid = 1;
        jws->kid = kid->text;
    }
    jws->header = header;
    return JM_OK;
}

jm_verdict_e jm_jws_parse(jm_jws_t *jws, apr_pool_t *p, jm_str_t token)
{
    const jm_json_t *header = NULL;
    jm_str_t text;
    jm_verdict_e verdict;

    memset(jws, 0, sizeof(*jws));
    verdict = split(&text, jws, token);
    if (verdict == JM_OK) {
        verdict = decode_object(&header, p, text, JM_JOSE_HEADER_MAX);
    }
    if (verdict == JM_OK) {
        verdict = read_header(jws, header);
    }
    return verdict;
}

/* --- key choice --- */

static const jm_key_t *choose_key(const jm_jws_t *jws,
                                  const jm_keyset_t *set)
{
    const jm_fit_t *fit = &set->fit;

    if (jws->has_kid && set->match_kid) {
        fit = apr_hash_get(set->kids, jws->kid.ptr,
                           (apr_ssize_t)jws->kid.len);
    }
    return fit ? fit->key[jws->alg->row] : NULL;
}

/* --- signature --- */

int jm_jws_may_hold(const jm_jws_t *jws)
{
    apr_size_t len = jws->signature.len * 3 / 4;

    if (!jm_b64_is_valid(jws->signature)) {
        return 0;
    }
    return jws->alg->signature_len
               ? len == jws->alg->signature_len
               : len >= JM_RSA_BITS_MIN / 8 && len <= JM_RSA_BITS_MAX / 8;
}

/* Compared in constant time: how much of a guess was right stays unknown. */
static jm_verdict_e verify_hmac(const jm_key_t *key, const jm_jws_t *jws,
                                jm_str_t signature)
{
    const jm_alg_t *alg = jws->alg;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(key->mac[alg->row]);
    unsigned char mac[HASH_MAX];
    size_t len = 0;
    jm_verdict_e verdict = JM_INTERNAL;

    if (ctx
        && EVP_MAC_update(ctx,
                          (const unsigned char *)jws->signing_input.ptr,
                          jws->signing_input.len) == 1
        && EVP_MAC_final(ctx, mac, &len, sizeof(mac)) == 1
        && len == alg->digest_len) {
        verdict = CRYPTO_memcmp(mac, signature.ptr, len) == 0
                  ? JM_OK : JM_SIGNATURE;
    }
    EVP_MAC_CTX_free(ctx);
    OPENSSL_cleanse(mac, sizeof(mac));
    return verdict;
}

static jm_verdict_e verify_public(const jm_key_t *key, const jm_jws_t *jws,
                                  const unsigned char *signature, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    jm_verdict_e verdict = JM_INTERNAL;

    if (ctx && EVP_MD_CTX_copy_ex(ctx, key->verify[jws->alg->row]) == 1) {
        verdict = EVP_DigestVerify(
            ctx, signature, len,
            (const unsigned char *)jws->signing_input.ptr,
            jws->signing_input.len) == 1 ? JM_OK : JM_SIGNATURE;
    }
    EVP_MD_CTX_free(ctx);
    return verdict;
}

/* DER of a raw r || s (RFC 7518 3.4), made by OpenSSL; NULL with
 * JM_SIGNATURE where r or s is zero. */
static jm_verdict_e ecdsa_der(unsigned char **pder, int *plen,
                              jm_str_t signature)
{
    const unsigned char *raw = (const unsigned char *)signature.ptr;
    int half = (int)(signature.len / 2);
    BIGNUM *r = BN_bin2bn(raw, half, NULL);
    BIGNUM *s = BN_bin2bn(raw + half, half, NULL);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    jm_verdict_e verdict = JM_INTERNAL;

    *pder = NULL;
    if (r && s && (BN_is_zero(r) || BN_is_zero(s))) {
        verdict = JM_SIGNATURE;
    }
    else if (r && s && sig && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        *plen = i2d_ECDSA_SIG(sig, pder);
        verdict = *plen > 0 ? JM_OK : JM_INTERNAL;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return verdict;
}

static jm_verdict_e verify_ecdsa(const jm_key_t *key, const jm_jws_t *jws,
                                 jm_str_t signature)
{
    unsigned char *der;
    int len = 0;
    jm_verdict_e verdict = ecdsa_der(&der, &len, signature);

    if (verdict == JM_OK) {
        verdict = verify_public(key, jws, der, (size_t)len);
    }
    OPENSSL_free(der);
    return verdict;
}

static jm_verdict_e verify_signature(const jm_key_t *key,
                                     const jm_jws_t *jws, jm_str_t signature)
{
    const jm_alg_t *alg = jws->alg;
    apr_size_t len = alg->signature_len ? alg->signature_len : key->size;

    if (signature.len != len) {
        return JM_SIGNATURE;
    }
    switch (alg->family) {
    case JM_FAMILY_HMAC:
        return verify_hmac(key, jws, signature);
    case JM_FAMILY_EC:
        return verify_ecdsa(key, jws, signature);
    case JM_FAMILY_RSA:
    case JM_FAMILY_ED:
        return verify_public(key, jws,
                             (const unsigned char *)signature.ptr,
                             signature.len);
    }
    return JM_INTERNAL;
}

jm_verdict_e jm_jws_verify(const jm_key_t **pkey, apr_pool_t *p,
                           const jm_jws_t *jws, const jm_keyset_t *set,
                           jm_algs_t allowed)
{
    const jm_key_t *key;
    jm_str_t signature;
    jm_verdict_e verdict;
    apr_status_t rv;

    *pkey = NULL;
    if (!jws->header || !jws->alg) {
        return JM_INTERNAL;
    }
    if (!(allowed & set->algs & jws->alg->bit)) {
        return JM_ALGORITHM;
    }
    if (!jm_b64_is_valid(jws->payload)) {
        return JM_MALFORMED;
    }
    rv = jm_b64_decode(&signature, p, jws->signature);
    if (rv != APR_SUCCESS) {
        return rv == APR_EINVAL ? JM_MALFORMED : JM_INTERNAL;
    }
    key = choose_key(jws, set);
    if (!key) {
        return JM_KEY;
    }
    verdict = verify_signature(key, jws, signature);
    ERR_clear_error();
    if (verdict == JM_OK) {
        *pkey = key;
    }
    return verdict;
}

/* --- payload --- */

jm_verdict_e jm_jws_payload(const jm_json_t **pclaims, apr_pool_t *p,
                            const jm_jws_t *jws)
{
    return decode_object(pclaims, p, jws->payload, JM_TOKEN_MAX);
}

jm_str_t jm_jws_unverified_issuer(apr_pool_t *p, const jm_jws_t *jws)
{
    const jm_json_t *claims, *iss = NULL;

    if (jm_jws_payload(&claims, p, jws) == JM_OK) {
        iss = jm_json_get(claims, jm_str("iss"));
    }
    return iss && iss->type == JM_JSON_STRING ? iss->text : jm_str(NULL);
}
