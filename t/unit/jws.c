/*
 * jws.c: compact JWS: the vectors of the RFCs, each algorithm beside its
 * neighbours, signatures of wrong form.
 */
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tokens.h"

/* --- vectors --- */

static void test_vectors(void)
{
    unsigned i, j;

    for (i = 0; i < VECTOR_COUNT; i++) {
        jm_str_t token = jm_str(vectors[i].token);

        expect(JM_OK, token, jwks(vectors[i].jwk), JM_ALGS_ALL,
               vectors[i].sentence);
        for (j = 0; j < VECTOR_COUNT; j++) {
            if (j != i && check(token, jwks(vectors[j].jwk), JM_ALGS_ALL)
                          != JM_ALGORITHM) {
                ok(0, "%s: the key of %s", vectors[i].sentence,
                   vectors[j].sentence);
            }
        }
    }
}

/* --- each algorithm beside its neighbours --- */

/* Whether two rows are of one key in these tests. */
static int same_key(unsigned a, unsigned b)
{
    return minted(a) == minted(b);
}

static void test_claimed_algorithm(unsigned row)
{
    const jm_keyset_t *set = set_of(row);
    const char *name = jm_alg_at(row)->name;
    unsigned other;

    for (other = 0; other < JM_ALG_COUNT; other++) {
        const char *claimed = jm_alg_at(other)->name;

        if (other == row) {
            continue;
        }
        expect(same_key(row, other) ? JM_SIGNATURE : JM_ALGORITHM,
               mint(row, fmt("{\"alg\":\"%s\"}", claimed).ptr, CLAIMS), set,
               JM_ALGS_ALL, fmt("signed with %s, says %s", name,
                                claimed).ptr);
        if (!same_key(row, other)) {
            expect(JM_ALGORITHM, token_of(other), set, JM_ALGS_ALL,
                   fmt("a %s token and a %s key", claimed, name).ptr);
        }
    }
}

static void test_sources(unsigned row)
{
    const char *name = jm_alg_at(row)->name;
    jm_str_t token = token_of(row);
    const char *jwk = minted_jwk(row, NULL, NULL);

    expect(JM_OK, token, set_of(row), JM_ALGS_ALL,
           fmt("%s, PEM or secret", name).ptr);
    expect(JM_OK, token, jwks(jwk), JM_ALGS_ALL,
           fmt("%s, bare JWK", name).ptr);
    expect(JM_OK, token, jwks(fmt("{\"keys\":[%s]}", jwk).ptr),
           jm_alg_at(row)->bit, fmt("%s, JWK Set", name).ptr);
    expect(JM_OK, token, jwks(minted_jwk(row, name, "k")), JM_ALGS_ALL,
           fmt("%s, JWK with that alg", name).ptr);
    expect(JM_ALGORITHM, token, set_of(row),
           JM_ALGS_ALL & ~jm_alg_at(row)->bit,
           fmt("%s, not in the allow-list", name).ptr);
    expect(JM_ALGORITHM, token, set_of(row), 0,
           fmt("%s, an empty allow-list", name).ptr);
}

static void test_narrowed(unsigned row)
{
    unsigned other;

    for (other = 0; other < JM_ALG_COUNT; other++) {
        if (other != row && same_key(row, other)) {
            expect(JM_ALGORITHM, token_of(row),
                   jwks(minted_jwk(row, jm_alg_at(other)->name, NULL)),
                   JM_ALGS_ALL, fmt("%s, and the JWK says %s",
                                    jm_alg_at(row)->name,
                                    jm_alg_at(other)->name).ptr);
        }
    }
}

static jm_str_t grown(jm_str_t raw, int before, int after)
{
    char *out = apr_pcalloc(tap_pool, raw.len + 2);

    memcpy(out + before, raw.ptr, raw.len);
    return jm_strn(out, raw.len + (apr_size_t)(before + after));
}

static jm_str_t flipped(jm_str_t raw, apr_size_t at, int mask)
{
    char *out = apr_pstrmemdup(tap_pool, raw.ptr, raw.len);

    out[at] = (char)(out[at] ^ mask);
    return jm_strn(out, raw.len);
}

static void test_tampering(unsigned row)
{
    const jm_keyset_t *set = set_of(row);
    const char *name = jm_alg_at(row)->name;
    jm_str_t token = token_of(row);
    jm_str_t raw = raw_signature(token);
    const struct {
        const char *what;
        jm_str_t raw;
    } cases[] = {
        { "the first bit flipped", flipped(raw, 0, 0x80) },
        { "the last bit flipped", flipped(raw, raw.len - 1, 1) },
        { "the last octet cut", jm_strn(raw.ptr, raw.len - 1) },
        { "the first octet cut", jm_strn(raw.ptr + 1, raw.len - 1) },
        { "cut to half", jm_strn(raw.ptr, raw.len / 2) },
        { "cut to one octet", jm_strn(raw.ptr, 1) },
        { "a zero octet before it", grown(raw, 1, 0) },
        { "a zero octet behind it", grown(raw, 0, 1) },
        { "all zero", jm_strn(apr_pcalloc(tap_pool, raw.len), raw.len) },
        { "all ones", jm_strn(memset(apr_palloc(tap_pool, raw.len), 0xff,
                                     raw.len), raw.len) }
    };
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        expect(JM_SIGNATURE, with_signature(token, cases[i].raw), set,
               JM_ALGS_ALL, fmt("%s, %s", name, cases[i].what).ptr);
    }
    expect(JM_OK, with_signature(token, raw), set, JM_ALGS_ALL,
           fmt("%s, put together again", name).ptr);
    expect(JM_SIGNATURE,
           with_signature(mint(row, fmt("{\"alg\":\"%s\"}", name).ptr, "{}"),
                          raw), set, JM_ALGS_ALL,
           fmt("%s, another payload", name).ptr);
}

static void test_other_key(unsigned row)
{
    jm_mint_t *key;
    jm_str_t token;

    ok(jm_mint_generate(&key, tap_pool, jm_alg_at(row), 0) == APR_SUCCESS
       && jm_mint_sign(&token, tap_pool, key, jm_alg_at(row),
                       jm_mint_header(tap_pool, jm_alg_at(row)->name, NULL),
                       jm_str(CLAIMS)) == APR_SUCCESS,
       "another key for %s", jm_alg_at(row)->name);
    expect(JM_SIGNATURE, token, set_of(row), JM_ALGS_ALL,
           "is not the key that signed");
}

/* --- ECDSA and EdDSA forms --- */

static jm_str_t der_of(jm_str_t raw)
{
    const unsigned char *octets = (const unsigned char *)raw.ptr;
    int half = (int)raw.len / 2;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    unsigned char *der = NULL;
    jm_str_t out;
    int len;

    ECDSA_SIG_set0(sig, BN_bin2bn(octets, half, NULL),
                   BN_bin2bn(octets + half, half, NULL));
    len = i2d_ECDSA_SIG(sig, &der);
    out = jm_str_dup(tap_pool, jm_strn((char *)der, (apr_size_t)len));
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    return out;
}

/* raw with r (first) or s replaced by a number of so many octets. */
static jm_str_t replaced(jm_str_t raw, int s, const BIGNUM *n)
{
    char *out = apr_pstrmemdup(tap_pool, raw.ptr, raw.len);
    apr_size_t half = raw.len / 2;

    BN_bn2binpad(n, (unsigned char *)out + (s ? half : 0), (int)half);
    return jm_strn(out, raw.len);
}

static void test_ecdsa(unsigned row)
{
    const jm_keyset_t *set = set_of(row);
    const char *name = jm_alg_at(row)->name;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(jm_alg_at(row)->curve);
    const BIGNUM *order = EC_GROUP_get0_order(group);
    BIGNUM *n = BN_new();
    jm_str_t token = token_of(row);
    jm_str_t raw = raw_signature(token);
    int s;

    expect(JM_SIGNATURE, with_signature(token, der_of(raw)), set,
           JM_ALGS_ALL, fmt("%s as DER", name).ptr);
    for (s = 0; s < 2; s++) {
        BN_zero(n);
        expect(JM_SIGNATURE, with_signature(token, replaced(raw, s, n)), set,
               JM_ALGS_ALL, fmt("%s, %c = 0", name, "rs"[s]).ptr);
        expect(JM_SIGNATURE, with_signature(token, replaced(raw, s, order)),
               set, JM_ALGS_ALL, fmt("%s, %c = order", name, "rs"[s]).ptr);
        BN_add(n, order, BN_value_one());
        expect(JM_SIGNATURE, with_signature(token, replaced(raw, s, n)), set,
               JM_ALGS_ALL, fmt("%s, %c = order + 1", name, "rs"[s]).ptr);
    }
    BN_free(n);
    EC_GROUP_free(group);
}

/* S + L holds in the group, but RFC 8032 5.1.7 wants S < L. */
static void test_eddsa(void)
{
    static const unsigned char order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
        0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0x10
    };
    jm_str_t token = token_of(12);
    jm_str_t raw = raw_signature(token);
    char *out = apr_pstrmemdup(tap_pool, raw.ptr, raw.len);
    unsigned carry = 0, i;

    for (i = 0; i < 32; i++) {
        carry += (unsigned)(unsigned char)raw.ptr[32 + i] + order[i];
        out[32 + i] = (char)(carry & 0xff);
        carry >>= 8;
    }
    expect(JM_SIGNATURE, with_signature(token, jm_strn(out, raw.len)),
           set_of(12), JM_ALGS_ALL, "EdDSA with S + L");
    expect(JM_OK, mint(12, "{\"alg\":\"Ed25519\"}", CLAIMS), set_of(12),
           JM_ALGS_ALL, "EdDSA by its name Ed25519");
    expect(JM_OK, mint(12, "{\"alg\":\"Ed25519\"}", CLAIMS),
           jwks(minted_jwk(12, "EdDSA", NULL)), JM_ALGS_ALL,
           "Ed25519 with a JWK that says EdDSA");
    expect(JM_OK, token_of(12), jwks(minted_jwk(12, "Ed25519", NULL)),
           JM_ALGS_ALL, "EdDSA with a JWK that says Ed25519");
}

/* --- PSS parameters --- */

/* A PS256 token with other parameters than RFC 7518 3.5 has. */
static jm_str_t odd_pss(const char *mgf1, int salt)
{
    jm_str_t input = signed_part(token_of(6)), pem;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    unsigned char sig[1024];
    size_t len = sizeof(sig);
    BIO *bio;
    EVP_PKEY *pkey;

    jm_mint_private_pem(&pem, tap_pool, minted(6));
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    ok(EVP_DigestSignInit_ex(ctx, &pctx, "SHA256", NULL, NULL, pkey, NULL) == 1
       && EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
       && EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx, mgf1, NULL) == 1
       && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt) == 1
       && EVP_DigestSign(ctx, sig, &len, (const unsigned char *)input.ptr,
                         input.len) == 1,
       "PSS with MGF1 over %s and a salt of %d", mgf1, salt);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    return with_signature(token_of(6), jm_strn((char *)sig, len));
}

static void test_pss(void)
{
    const jm_keyset_t *set = set_of(6);

    expect(JM_OK, odd_pss("SHA256", 32), set, JM_ALGS_ALL, "is PS256");
    expect(JM_SIGNATURE, odd_pss("SHA256", 0), set, JM_ALGS_ALL, "is not");
    expect(JM_SIGNATURE, odd_pss("SHA256", 31), set, JM_ALGS_ALL, "is not");
    expect(JM_SIGNATURE, odd_pss("SHA256", 222), set, JM_ALGS_ALL, "is not");
    expect(JM_SIGNATURE, odd_pss("SHA1", 32), set, JM_ALGS_ALL, "is not");
    expect(JM_SIGNATURE, odd_pss("SHA512", 32), set, JM_ALGS_ALL, "is not");
}

/* --- algorithm confusion --- */

static void test_confusion(void)
{
    jm_mint_t *forger;
    jm_str_t token;
    unsigned row;

    for (row = 3; row < JM_ALG_COUNT; row++) {
        jm_mint_load_secret(&forger, tap_pool, minted_pem(row));
        jm_mint_sign(&token, tap_pool, forger, jm_alg_at(0),
                     jm_str("{\"alg\":\"HS256\"}"), jm_str(CLAIMS));
        expect(JM_ALGORITHM, token, set_of(row), JM_ALGS_ALL,
               fmt("HS256 with the public PEM of %s as its secret",
                   jm_alg_at(row)->name).ptr);
    }
    expect(JM_ALGORITHM, mint(0, "{\"alg\":\"RS256\"}", CLAIMS), set_of(0),
           JM_ALGS_ALL, "RS256 and a secret");
}

int main(void)
{
    unsigned row;

    keys_start();
    test_vectors();
    for (row = 0; row < JM_ALG_COUNT; row++) {
        test_sources(row);
        test_claimed_algorithm(row);
        test_narrowed(row);
        test_tampering(row);
        test_other_key(row);
    }
    for (row = 9; row < 12; row++) {
        test_ecdsa(row);
    }
    test_eddsa();
    test_pss();
    test_confusion();
    return tap_done();
}
