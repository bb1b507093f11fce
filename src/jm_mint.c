/*
 * jm_mint.c: test keys and test tokens. Draws random octets from OpenSSL;
 * touches the pool and the OpenSSL error queue, which it leaves empty.
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "jm_b64.h"
#include "jm_json.h"
#include "jm_mint.h"

#define ED_LEN 32              /* octets of an Ed25519 public key */

struct jm_mint_t {
    jm_family_e family;
    const jm_alg_t *alg;       /* the usual one */
    int pss_only;
    jm_str_t secret;           /* HMAC; cleared with the pool */
    EVP_PKEY *pkey;            /* others; freed with the pool */
};

static apr_status_t destroy(void *data)
{
    jm_mint_t *key = data;

    EVP_PKEY_free(key->pkey);
    OPENSSL_cleanse((char *)key->secret.ptr, key->secret.len);
    return APR_SUCCESS;
}

static jm_mint_t *make(apr_pool_t *p)
{
    jm_mint_t *key = apr_pcalloc(p, sizeof(*key));

    key->secret = jm_str("");
    apr_pool_cleanup_register(p, key, destroy, apr_pool_cleanup_null);
    return key;
}

/* --- which algorithm a key is for --- */

static const struct {
    const char *type;          /* as OpenSSL calls it */
    const char *group;
    const char *alg;
    const char *crv;           /* as a JWK calls it */
} kinds[] = {
    { "RSA", NULL, "RS256", NULL },
    { "RSA-PSS", NULL, "PS256", NULL },
    { "EC", "prime256v1", "ES256", "P-256" },
    { "EC", "secp384r1", "ES384", "P-384" },
    { "EC", "secp521r1", "ES512", "P-521" },
    { "ED25519", NULL, "EdDSA", "Ed25519" }
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static unsigned find_kind(const EVP_PKEY *pkey)
{
    char group[64] = "";
    size_t len = 0;
    unsigned i;

    if (EVP_PKEY_is_a(pkey, "EC")) {
        EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len);
    }
    for (i = 0; i < KIND_COUNT; i++) {
        if (EVP_PKEY_is_a(pkey, kinds[i].type)
            && (!kinds[i].group || !strcmp(group, kinds[i].group))) {
            break;
        }
    }
    return i;
}

/* Takes pkey over. */
static apr_status_t adopt(jm_mint_t **pkey, apr_pool_t *p, EVP_PKEY *pkey_in)
{
    unsigned kind = find_kind(pkey_in);
    jm_mint_t *key = make(p);

    key->pkey = pkey_in;
    if (kind == KIND_COUNT) {
        return APR_EINVAL;
    }
    key->alg = jm_alg_find(jm_str(kinds[kind].alg));
    key->family = key->alg->family;
    key->pss_only = key->alg->pss;
    *pkey = key;
    return APR_SUCCESS;
}

const jm_alg_t *jm_mint_alg(const jm_mint_t *key)
{
    return key->alg;
}

jm_str_t jm_mint_secret(const jm_mint_t *key)
{
    return key->secret;
}

/* --- makers --- */

apr_status_t jm_mint_load_secret(jm_mint_t **pkey, apr_pool_t *p,
                                 jm_str_t secret)
{
    jm_mint_t *key = make(p);
    const jm_alg_t *alg;
    unsigned i;

    key->family = JM_FAMILY_HMAC;
    key->secret = jm_str_dup(p, secret);
    for (i = 0; (alg = jm_alg_at(i)); i++) {
        if (alg->family == JM_FAMILY_HMAC
            && (!key->alg || secret.len >= alg->digest_len)) {
            key->alg = alg;
        }
    }
    *pkey = key;
    return APR_SUCCESS;
}

static apr_status_t generate_secret(jm_mint_t **pkey, apr_pool_t *p,
                                    const jm_alg_t *alg)
{
    unsigned char octets[EVP_MAX_MD_SIZE];
    apr_status_t rv = APR_EGENERAL;

    if (RAND_priv_bytes(octets, (int)alg->digest_len) == 1) {
        rv = jm_mint_load_secret(pkey, p, jm_strn((char *)octets,
                                                  alg->digest_len));
    }
    OPENSSL_cleanse(octets, sizeof(octets));
    return rv;
}

static EVP_PKEY *generate_pkey(const jm_alg_t *alg, unsigned bits)
{
    switch (alg->family) {
    case JM_FAMILY_RSA:
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
                                 (size_t)(bits ? bits : JM_MINT_RSA_BITS));
    case JM_FAMILY_EC:
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", OBJ_nid2sn(alg->curve));
    case JM_FAMILY_ED:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case JM_FAMILY_HMAC:
        break;
    }
    return NULL;
}

apr_status_t jm_mint_generate(jm_mint_t **pkey, apr_pool_t *p,
                              const jm_alg_t *alg, unsigned bits)
{
    EVP_PKEY *made;
    apr_status_t rv = APR_EGENERAL;

    *pkey = NULL;
    if (alg->family == JM_FAMILY_HMAC) {
        return generate_secret(pkey, p, alg);
    }
    made = generate_pkey(alg, bits);
    if (made) {
        rv = adopt(pkey, p, made);
    }
    if (rv == APR_SUCCESS) {
        (*pkey)->alg = alg;
    }
    ERR_clear_error();
    return rv;
}

/* In place of OpenSSL's own, which asks at the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *data)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

apr_status_t jm_mint_load_pem(jm_mint_t **pkey, const char **perror,
                              apr_pool_t *p, jm_str_t pem)
{
    EVP_PKEY *read = NULL;
    BIO *bio = NULL;
    apr_status_t rv = APR_EINVAL;

    *pkey = NULL;
    *perror = "this is no private key in PEM that can be read (encrypted "
              "ones cannot)";
    if (pem.len <= JM_KEY_FILE_MAX) {
        bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    }
    if (bio) {
        read = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    }
    if (read) {
        rv = adopt(pkey, p, read);
        *perror = rv == APR_SUCCESS
                  ? NULL : "the type or curve of the key is unknown; use "
                           "RSA, P-256, P-384, P-521 or Ed25519";
    }
    BIO_free(bio);
    ERR_clear_error();
    return rv;
}

/* --- PEM --- */

static apr_status_t write_pem(jm_str_t *ppem, apr_pool_t *p,
                              const jm_mint_t *key, int is_private)
{
    apr_status_t rv = APR_EGENERAL;
    char *octets;
    int written;
    BIO *bio;

    *ppem = jm_str(NULL);
    if (!key->pkey) {
        return APR_EINVAL;
    }
    bio = BIO_new(BIO_s_mem());
    written = bio && (is_private
                      ? PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL,
                                                      NULL, 0, NULL, NULL)
                      : PEM_write_bio_PUBKEY(bio, key->pkey)) == 1;
    if (written) {
        long len = BIO_get_mem_data(bio, &octets);

        *ppem = jm_str_dup(p, jm_strn(octets, (apr_size_t)len));
        rv = APR_SUCCESS;
    }
    BIO_free(bio);
    ERR_clear_error();
    return rv;
}

apr_status_t jm_mint_private_pem(jm_str_t *ppem, apr_pool_t *p,
                                 const jm_mint_t *key)
{
    return write_pem(ppem, p, key, 1);
}

apr_status_t jm_mint_public_pem(jm_str_t *ppem, apr_pool_t *p,
                                const jm_mint_t *key)
{
    return write_pem(ppem, p, key, 0);
}

/* --- JWK --- */

/* ,"name":"base64url of octets" */
static const char *octets_member(apr_pool_t *p, const char *name,
                                 jm_str_t octets)
{
    return apr_pstrcat(p, ",\"", name, "\":\"",
                       jm_b64_encode(p, octets).ptr, "\"", NULL);
}

/* A number as octets: at least len of them, else as few as it takes. */
static const char *number_member(apr_pool_t *p, const char *name,
                                 const EVP_PKEY *pkey, const char *param,
                                 int len)
{
    BIGNUM *n = NULL;
    const char *member = NULL;
    unsigned char *octets;

    if (EVP_PKEY_get_bn_param(pkey, param, &n) == 1) {
        len = len ? len : BN_num_bytes(n);
        octets = apr_palloc(p, (apr_size_t)len);
        if (BN_bn2binpad(n, octets, len) == len) {
            member = octets_member(p, name, jm_strn((char *)octets,
                                                    (apr_size_t)len));
        }
    }
    BN_free(n);
    return member;
}

static const char *two_numbers(apr_pool_t *p, const char *start,
                               const char *one, const char *two)
{
    return one && two ? apr_pstrcat(p, start, one, two, NULL) : NULL;
}

static const char *ed_members(apr_pool_t *p, const EVP_PKEY *pkey)
{
    unsigned char x[ED_LEN];
    size_t len = sizeof(x);

    if (EVP_PKEY_get_raw_public_key(pkey, x, &len) != 1) {
        return NULL;
    }
    return apr_pstrcat(p, "\"kty\":\"OKP\",\"crv\":\"Ed25519\"",
                       octets_member(p, "x", jm_strn((char *)x, len)), NULL);
}

static const char *ec_members(apr_pool_t *p, const jm_mint_t *key)
{
    const char *crv = kinds[find_kind(key->pkey)].crv;
    int len = (int)(key->alg->signature_len / 2);

    return two_numbers(p,
                       apr_pstrcat(p, "\"kty\":\"EC\",\"crv\":\"", crv, "\"",
                                   NULL),
                       number_member(p, "x", key->pkey,
                                     OSSL_PKEY_PARAM_EC_PUB_X, len),
                       number_member(p, "y", key->pkey,
                                     OSSL_PKEY_PARAM_EC_PUB_Y, len));
}

static const char *key_members(apr_pool_t *p, const jm_mint_t *key)
{
    switch (key->family) {
    case JM_FAMILY_HMAC:
        return apr_pstrcat(p, "\"kty\":\"oct\"",
                           octets_member(p, "k", key->secret), NULL);
    case JM_FAMILY_RSA:
        return two_numbers(p, "\"kty\":\"RSA\"",
                           number_member(p, "n", key->pkey,
                                         OSSL_PKEY_PARAM_RSA_N, 0),
                           number_member(p, "e", key->pkey,
                                         OSSL_PKEY_PARAM_RSA_E, 0));
    case JM_FAMILY_EC:
        return ec_members(p, key);
    case JM_FAMILY_ED:
        return ed_members(p, key->pkey);
    }
    return NULL;
}

/* ,"alg":… or nothing */
static const char *alg_member(apr_pool_t *p, const char *alg)
{
    return alg ? apr_pstrcat(p, ",\"alg\":",
                             jm_json_quote(p, jm_str(alg)).ptr, NULL) : "";
}

/* ,"kid":… or nothing */
static const char *kid_member(apr_pool_t *p, const jm_str_t *kid)
{
    return kid ? apr_pstrcat(p, ",\"kid\":", jm_json_quote(p, *kid).ptr, NULL)
               : "";
}

apr_status_t jm_mint_jwk(jm_str_t *pjwk, apr_pool_t *p, const jm_mint_t *key,
                         const char *alg, const jm_str_t *kid)
{
    const char *members = key_members(p, key);

    *pjwk = jm_str(NULL);
    ERR_clear_error();
    if (!members) {
        return APR_EGENERAL;
    }
    *pjwk = jm_str(apr_pstrcat(p, "{", members, ",\"use\":\"sig\"",
                               alg_member(p, alg), kid_member(p, kid), "}",
                               NULL));
    return APR_SUCCESS;
}

jm_str_t jm_mint_header(apr_pool_t *p, const char *alg, const jm_str_t *kid)
{
    return jm_str(apr_pstrcat(p, "{\"alg\":", jm_json_quote(p, jm_str(alg)).ptr,
                              ",\"typ\":\"JWT\"", kid_member(p, kid), "}",
                              NULL));
}

/* --- signing --- */

static int set_padding(EVP_PKEY_CTX *pctx, const jm_alg_t *alg)
{
    if (alg->family != JM_FAMILY_RSA || !alg->pss) {
        return 1;
    }
    return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
           && EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx, alg->digest, NULL) == 1
           && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx,
                                               (int)alg->digest_len) == 1;
}

static apr_status_t sign_pkey(jm_str_t *pout, apr_pool_t *p,
                              const jm_mint_t *key, const jm_alg_t *alg,
                              jm_str_t input)
{
    const unsigned char *octets = (const unsigned char *)input.ptr;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    unsigned char *sig = NULL;
    size_t len = 0;
    apr_status_t rv = APR_EGENERAL;

    if (ctx && EVP_DigestSignInit_ex(ctx, &pctx, alg->digest, NULL, NULL,
                                     key->pkey, NULL) == 1
        && set_padding(pctx, alg)
        && EVP_DigestSign(ctx, NULL, &len, octets, input.len) == 1) {
        sig = apr_palloc(p, len);
        if (EVP_DigestSign(ctx, sig, &len, octets, input.len) == 1) {
            *pout = jm_strn((char *)sig, len);
            rv = APR_SUCCESS;
        }
    }
    EVP_MD_CTX_free(ctx);
    return rv;
}

/* DER to raw r || s (RFC 7518 3.4). */
static apr_status_t to_raw(jm_str_t *pout, apr_pool_t *p,
                           const jm_alg_t *alg)
{
    const unsigned char *der = (const unsigned char *)pout->ptr;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)pout->len);
    int half = (int)(alg->signature_len / 2);
    unsigned char *raw = apr_pcalloc(p, alg->signature_len);
    apr_status_t rv = APR_EGENERAL;

    if (sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, half) == half
        && BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, half) == half) {
        *pout = jm_strn((char *)raw, alg->signature_len);
        rv = APR_SUCCESS;
    }
    ECDSA_SIG_free(sig);
    return rv;
}

static apr_status_t sign_hmac(jm_str_t *pout, apr_pool_t *p,
                              const jm_mint_t *key, const jm_alg_t *alg,
                              jm_str_t input)
{
    unsigned char *mac = apr_palloc(p, EVP_MAX_MD_SIZE);
    size_t len = 0;

    if (!EVP_Q_mac(NULL, "HMAC", NULL, alg->digest, NULL, key->secret.ptr,
                   key->secret.len, (const unsigned char *)input.ptr,
                   input.len, mac, EVP_MAX_MD_SIZE, &len)) {
        return APR_EGENERAL;
    }
    *pout = jm_strn((char *)mac, len);
    return APR_SUCCESS;
}

static int fits(const jm_mint_t *key, const jm_alg_t *alg)
{
    return alg->family == key->family && alg->curve == key->alg->curve
           && (alg->pss || !key->pss_only);
}

static apr_status_t sign(jm_str_t *pout, apr_pool_t *p, const jm_mint_t *key,
                         const jm_alg_t *alg, jm_str_t input)
{
    apr_status_t rv;

    if (alg->family == JM_FAMILY_HMAC) {
        return sign_hmac(pout, p, key, alg, input);
    }
    rv = sign_pkey(pout, p, key, alg, input);
    return rv == APR_SUCCESS && alg->family == JM_FAMILY_EC
           ? to_raw(pout, p, alg) : rv;
}

apr_status_t jm_mint_sign(jm_str_t *ptoken, apr_pool_t *p,
                          const jm_mint_t *key, const jm_alg_t *alg,
                          jm_str_t header, jm_str_t payload)
{
    jm_str_t signature = { NULL, 0 };
    const char *input;
    apr_status_t rv;

    *ptoken = jm_str(NULL);
    if (!fits(key, alg)) {
        return APR_EINVAL;
    }
    input = apr_pstrcat(p, jm_b64_encode(p, header).ptr, ".",
                        jm_b64_encode(p, payload).ptr, NULL);
    rv = sign(&signature, p, key, alg, jm_str(input));
    ERR_clear_error();
    if (rv == APR_SUCCESS) {
        *ptoken = jm_str(apr_pstrcat(p, input, ".",
                                     jm_b64_encode(p, signature).ptr, NULL));
    }
    return rv;
}
