/*
 * No token verifies but the octets that were signed; nothing of a token that
 * does not verify is handed out. Input: a line that says what the rest is:
 *   token   a token as it is
 *   edit    an octet, which of the signed tokens; edits of it, four octets
 *           each: what to do, where (two), which octet
 *   header  a header, a line end, a payload: signed here
 */
#include "fuzz.h"

#include "jm_b64.h"
#include "jm_json.h"
#include "jm_jws.h"
#include "jm_mint.h"

#include "../unit/vectors.h" /* last: OpenSSL has an EC_KEY, too */

#define SECRET "hush-hush-0123456789abcdef0123456"

/* Of algorithms that no RFC has a token for; with keys that nobody has any
 * more. */
static const struct {
    const char *jwk;
    const char *token;
} others[] = {
    { "{\"kty\":\"RSA\",\"n\":\"weWNN7w4AkUaA47TNQPmGc9gcqZj7cj78hkZ5lJVF"
      "AjPHNa7whHDDLbtVF8Pos50yU23k5spWA9vFRcLkEr8Pk4jZ6uCL4_k9hCmDBKnOmh"
      "33chP7S7rWUqn88NBOrWbrHNdGffUjXyUoYZ_BPpmFrgw8myzD1Syz9DpSfIFIf2Ek"
      "rdOchhEFFh0hLNKIrHu9efrmB7Mx9Yp8i6Bm86WnvdRoqnNj7AAhT05r_vkrFZdxWo"
      "aV2_WuJ1nUunhucp-XN33F88VrXFDP_uOEiVVmYr4XGPP7829xOdrcucKMK3kIxjgz"
      "TS9Nux_4pgd-W4-ajhYiSyQ1Bd7jJ3dr7L1TQ\",\"e\":\"AQAB\"}",
      "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIn0.Y23G0Nro18b_u"
      "DbJEJcVzzOsIZlHKc4-2W7ZvWTVgi8a2mrqK6Mwopb9gRhTJbAiiwVK2N7i8Yxtime"
      "pa4ZQzpiaS_H96jpnBlZYMEWe4XgxSKN0DAbNX_A2jqW7NNXI9-49gxDi_4fxBrvC0"
      "j8BIc3IruOd66Cn6Zv-s27PO4UVb-IikeUOwHcIdvm_POWE7dAoFnRNSYtOJ2YQNVv"
      "e220GhrHBgZtKmBfMXLkfaRp9WW4GO0_3qzi3bYxYCGAjHfEPQPy1-1ADvyUYRg69h"
      "m0Rg9DSIAsE6mIwyG8q3gQX2rvA4OhHMqZQldggpJyw8-I9I4WxPJzRlZQlAKJDvg" },
    { "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"hVnInBMF48hk6jftAboWhkB2"
      "4rHUK0DmxAPFM96BomgxVMUv4V5kOnhTWotickvH\",\"y\":\"kIZ5dxpYdHpovnl"
      "H8SsdWBBZZfzLSF71CDnXDb-3-QyrPn-xBcXrg__WEh9e3Ye6\"}",
      "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIn0.SQnA-2OD2SoVm"
      "Dabc3rEebkQNMlq1U8AOyNdR4f008sLgY7trZKIXylxENDlRDj8DA8ruPKH1iew25o"
      "yWRateo_ax4beJUqVpx1HAKFc9GmOWsYCAN104V1Aa-YxToAV" },
    { "{\"kty\":\"RSA\",\"n\":\"7C3iLz69THRHyPeD0gWpRXC9erbmaHSZ2LJlOvWcv"
      "r35Tbbk0G4Sw7O6WANm0OJege6hGkuAp2ybyI1zefrIIpEhAwTZIS6RExnlcTcOQOQ"
      "eAGDd9SYtDdKlwekAcbEMCV9mPy_hgUnVbPZEfBVRTfDCIfYUl_b9nXiMx0WrMDCcE"
      "_868yfqn0WiyqVChj-Czkj5grIhvyHdVHv98nt1mRSMWh2Pd9tGbm8_z27jCA92fTM"
      "didUQ38XdYCfQR96s_Uhtu5we0CvMN9Q7FySQ6dxtBvoWZxIa70UPptHsVu-WbKT_f"
      "mQh-OVRUhX0b5BC5XY2TTm7PcD29CxaiVw42w\",\"e\":\"AQAB\"}",
      "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIn0.vPn1nuD658lnG"
      "klqi9cuLcbj5oDR9SRJyGYRMx6GQ0u4AV1QVIm0l_hlvCM-JzV7GDQf6g-JxanEevb"
      "sru6r6JoVXCUDqPm5A740F4d6hwNpqM7L3YPVj8-TvEqbPA6jMeo7I2qOVavao4--b"
      "bkf0SP_-lb76ta6EFQh1GCWLCyiqEKkgHOdk5UgRINU4TzBjV3Ihm5BPgnfQNdqXPz"
      "EijmlKozc8VLMGbhggY_gDkCGTPz5gvVuqpAdc0fSfl4WJifRgyMSLbMxKzE9AHFdS"
      "UGfDJzLwZPOrUIkAjUPOE3Q--cThfjzE7eZePtdSB81fbe2vdU1OGsiC6M3FOtOZw" }
};

#define OTHER_COUNT (sizeof(others) / sizeof(*others))
#define SIGNED_COUNT ((unsigned)(VECTOR_COUNT + OTHER_COUNT))

static const char *signed_jwk(unsigned i)
{
    return i < VECTOR_COUNT ? vectors[i].jwk : others[i - VECTOR_COUNT].jwk;
}

static jm_str_t signed_token(unsigned i)
{
    return jm_str(i < VECTOR_COUNT ? vectors[i].token
                                   : others[i - VECTOR_COUNT].token);
}

static void report(void *baton, jm_severity_e severity, const jm_json_t *at,
                   const char *text)
{
    (void)baton;
    (void)severity;
    (void)at;
    (void)text;
}

static const jm_keyset_t *read_keys(const char *jwk)
{
    apr_pool_t *p = fuzz_root();
    const jm_keyset_t *keys;
    const jm_json_t *node;

    must(jm_json_parse(&node, NULL, p, jm_str(jwk)) == APR_SUCCESS);
    must(jm_keyset_jwks(&keys, p, node, 0, report, NULL) == APR_SUCCESS);
    return keys;
}

/* The key of each signed token, alone. */
static const jm_keyset_t *signed_keys(unsigned i)
{
    static const jm_keyset_t *keys[VECTOR_COUNT + OTHER_COUNT];

    if (!keys[i]) {
        keys[i] = read_keys(signed_jwk(i));
    }
    return keys[i];
}

/* Exactly two dots, and what lies between is base64url that is read in one
 * way only. */
static void check_form(apr_pool_t *p, const jm_jws_t *jws, jm_str_t token)
{
    jm_str_t rest = token, octets;
    jm_str_t header = fuzz_cut(&rest, '.');
    jm_str_t payload = fuzz_cut(&rest, '.');

    must(jm_str_eq(payload, jws->payload) && jm_str_eq(rest, jws->signature));
    must(!memchr(rest.ptr, '.', rest.len) && rest.len && header.len);
    must(jws->signing_input.ptr == token.ptr
         && jws->signing_input.len == header.len + 1 + payload.len);
    must(jm_b64_decode(&octets, p, header) == APR_SUCCESS);
    must(jm_str_eq(jm_b64_encode(p, octets), header));
    must(jws->header->type == JM_JSON_OBJECT && jws->alg);
    must(jm_alg_find(jm_json_get(jws->header, jm_str("alg"))->text)
         == jws->alg);
    must(!jm_json_get(jws->header, jm_str("crit")));
}

static jm_verdict_e verify(apr_pool_t *p, const jm_jws_t *jws,
                           const jm_keyset_t *keys, jm_algs_t allowed)
{
    const jm_key_t *key;
    jm_verdict_e verdict = jm_jws_verify(&key, p, jws, keys, allowed);

    must(!ERR_peek_error());
    must(verdict != JM_INTERNAL && !key == (verdict != JM_OK));
    must(!key || (key >= keys->keys && key < keys->keys + keys->count));
    must(!key || (key->algs & allowed & jws->alg->bit));
    return verdict;
}

static void check_token(apr_pool_t *p, jm_str_t token)
{
    const jm_json_t *claims;
    jm_jws_t jws;
    jm_verdict_e verdict = jm_jws_parse(&jws, p, token);
    unsigned i;

    must(verdict != JM_INTERNAL);
    must(!jws.header == (verdict != JM_OK));
    if (!jws.header) {
        for (i = 0; i < SIGNED_COUNT; i++) {
            must(!jm_str_eq(token, signed_token(i)));
        }
        return;
    }
    check_form(p, &jws, token);
    for (i = 0; i < SIGNED_COUNT; i++) {
        verdict = verify(p, &jws, signed_keys(i), JM_ALGS_ALL);
        must((verdict == JM_OK) == jm_str_eq(token, signed_token(i)));
        must(verify(p, &jws, signed_keys(i), JM_ALGS_ALL & ~jws.alg->bit)
             == JM_ALGORITHM);
    }
    verdict = jm_jws_payload(&claims, p, &jws);
    must(verdict == JM_OK || verdict == JM_MALFORMED);
    must(!claims == (verdict != JM_OK));
    (void)jm_jws_unverified_issuer(p, &jws);
}

/* A signed token with edits. */
static void check_edits(apr_pool_t *p, jm_str_t edits)
{
    jm_str_t token;
    char *text;

    if (!edits.len) {
        return;
    }
    token = signed_token((unsigned char)*edits.ptr % SIGNED_COUNT);
    text = apr_palloc(p, token.len + edits.len);
    memcpy(text, token.ptr, token.len);
    token.ptr = text;
    for (edits = jm_strn(edits.ptr + 1, edits.len - 1); edits.len >= 4;
         edits = jm_strn(edits.ptr + 4, edits.len - 4)) {
        const unsigned char *edit = (const unsigned char *)edits.ptr;
        apr_size_t at = (edit[1] * 256u + edit[2]) % (token.len + 1);

        if (edit[0] % 3 == 0) {
            memmove(text + at + 1, text + at, token.len++ - at);
        }
        if (edit[0] % 3 == 1 && at < token.len) {
            memmove(text + at, text + at + 1, --token.len - at);
        }
        else if (at < token.len) {
            text[at] = edits.ptr[3];
        }
    }
    /* exactly its size, for the sanitizer */
    check_token(p, jm_strn(apr_pmemdup(p, text, token.len), token.len));
}

static int is_string_or_absent(const jm_json_t *header, const char *name)
{
    const jm_json_t *node = jm_json_get(header, jm_str(name));

    return !node || node->type == JM_JSON_STRING;
}

/* RFC 7515 4.1, and what we leave out of it. */
static int is_good_header(apr_pool_t *p, jm_str_t text)
{
    const jm_json_t *header, *alg;

    if (text.len > JM_JOSE_HEADER_MAX
        || jm_json_parse(&header, NULL, p, text) != APR_SUCCESS
        || header->type != JM_JSON_OBJECT) {
        return 0;
    }
    alg = jm_json_get(header, jm_str("alg"));
    return alg && alg->type == JM_JSON_STRING && jm_str_is(alg->text, "HS256")
           && is_string_or_absent(header, "kid")
           && is_string_or_absent(header, "typ")
           && is_string_or_absent(header, "cty")
           && !jm_json_get(header, jm_str("crit"))
           && !jm_json_get(header, jm_str("b64"))
           && !jm_json_get(header, jm_str("zip"))
           && !jm_json_get(header, jm_str("enc"));
}

/* A token of that header and payload, signed with HS256, holds where the
 * header is a good one for that, and does not with its last octet changed. */
static void check_header(apr_pool_t *p, jm_str_t payload)
{
    static const jm_keyset_t *keys;
    static jm_mint_t *key;
    jm_str_t header = fuzz_cut(&payload, '\n');
    jm_str_t token;
    jm_jws_t jws;
    int verifies;

    if (!key) {
        must(jm_mint_load_secret(&key, fuzz_root(), jm_str(SECRET))
             == APR_SUCCESS);
        must(jm_keyset_secret(&keys, fuzz_root(), jm_str(SECRET), report,
                              NULL) == APR_SUCCESS);
    }
    must(jm_mint_sign(&token, p, key, jm_alg_find(jm_str("HS256")), header,
                      payload) == APR_SUCCESS);
    verifies = jm_jws_parse(&jws, p, token) == JM_OK
               && verify(p, &jws, keys, JM_ALGS_ALL) == JM_OK;
    must(verifies == (is_good_header(p, header)
                      && token.len <= JM_TOKEN_MAX));
    ((char *)token.ptr)[token.len - 2] ^= 1;
    must(jm_jws_parse(&jws, p, token) != JM_OK
         || verify(p, &jws, keys, JM_ALGS_ALL) != JM_OK);
    check_token(p, token);
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    jm_str_t rest = input;
    jm_str_t kind = fuzz_cut(&rest, '\n');

    if (jm_str_is(kind, "token")) {
        check_token(p, rest);
    }
    else if (jm_str_is(kind, "edit")) {
        check_edits(p, rest);
    }
    else if (jm_str_is(kind, "header")) {
        check_header(p, rest);
    }
}
