/*
 * pem.c: public keys and certificates in PEM, and what is none.
 */
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "keys.h"

static void need(int good, const char *what)
{
    if (!good) {
        printf("Bail out! OpenSSL: %s\n", what);
        exit(2);
    }
}

/* The octets of a memory BIO, which is freed. */
static jm_str_t drain(BIO *bio)
{
    char *octets;
    long len = BIO_get_mem_data(bio, &octets);
    jm_str_t out = jm_str_dup(tap_pool, jm_strn(octets, (apr_size_t)len));

    BIO_free(bio);
    return out;
}

static EVP_PKEY *minted_pkey(unsigned row)
{
    jm_str_t pem;
    EVP_PKEY *pkey;
    BIO *bio;

    need(jm_mint_private_pem(&pem, tap_pool, minted(row)) == APR_SUCCESS,
         "private PEM");
    bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    need(pkey != NULL, "private PEM again");
    return pkey;
}

/* Encodes pkey, which is freed: format PEM or DER, a structure of OpenSSL. */
static jm_str_t encode(EVP_PKEY *pkey, int selection, const char *format,
                       const char *structure)
{
    OSSL_ENCODER_CTX *ctx = OSSL_ENCODER_CTX_new_for_pkey(
        pkey, selection, format, structure, NULL);
    BIO *bio = BIO_new(BIO_s_mem());

    need(ctx && OSSL_ENCODER_to_bio(ctx, bio) == 1, structure);
    OSSL_ENCODER_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return drain(bio);
}

static jm_str_t private_pem(unsigned row)
{
    jm_str_t pem;

    need(jm_mint_private_pem(&pem, tap_pool, minted(row)) == APR_SUCCESS,
         "private PEM");
    return pem;
}

static jm_str_t spki(EVP_PKEY *pkey)
{
    return encode(pkey, EVP_PKEY_PUBLIC_KEY, "PEM", "SubjectPublicKeyInfo");
}

static jm_str_t certificate(EVP_PKEY *pkey, int trusted)
{
    X509 *cert = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());

    need(cert && X509_set_version(cert, X509_VERSION_3)
         && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1)
         && X509_gmtime_adj(X509_getm_notBefore(cert), -20)
         && X509_gmtime_adj(X509_getm_notAfter(cert), -10)
         && X509_set_pubkey(cert, pkey)
         && X509_sign(cert, pkey, EVP_PKEY_is_a(pkey, "ED25519")
                                  ? NULL : EVP_sha256()), "certificate");
    need(trusted ? PEM_write_bio_X509_AUX(bio, cert)
                 : PEM_write_bio_X509(bio, cert), "certificate PEM");
    X509_free(cert);
    EVP_PKEY_free(pkey);
    return drain(bio);
}

/* The text with the first place of from replaced. */
static jm_str_t edit(jm_str_t text, const char *from, const char *to)
{
    const char *at = strstr(text.ptr, from);

    need(at != NULL, from);
    return jm_str(apr_pstrcat(tap_pool,
                              apr_pstrmemdup(tap_pool, text.ptr,
                                             (apr_size_t)(at - text.ptr)),
                              to, at + strlen(from), NULL));
}

/* --- what is fine --- */

static void good(jm_str_t pem, jm_algs_t algs, const char *sentence)
{
    heard_t heard;
    const jm_keyset_t *set = read_pem(&heard, pem);

    if (!ok(set && set->algs == algs && !set->match_kid && set->count == 1,
            "%s", sentence)) {
        printf("# %s\n", heard.text ? heard.text : "other algorithms");
    }
}

static EVP_PKEY *with_param(EVP_PKEY *pkey, const char *name,
                            const char *value)
{
    need(EVP_PKEY_set_utf8_string_param(pkey, name, value) == 1, name);
    return pkey;
}

static void test_good(apr_pool_t *p)
{
    unsigned i;

    for (i = 3; i < JM_ALG_COUNT; i++) {
        jm_algs_t algs = i < 9 ? ALGS_RS | ALGS_PS : 1u << i;

        good(minted_pem(i), algs,
             apr_psprintf(p, "a public key for %s", jm_alg_at(i)->name));
        good(certificate(minted_pkey(i), 0), algs,
             apr_psprintf(p, "a certificate, though expired, for %s",
                          jm_alg_at(i)->name));
    }
    good(encode(minted_pkey(3), EVP_PKEY_PUBLIC_KEY, "PEM", "type-specific"),
         ALGS_RS | ALGS_PS, "PKCS#1 RSA PUBLIC KEY");
    good(spki(with_param(minted_pkey(9),
                         OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                         "compressed")),
         ALGS_ES256, "a compressed point");
    good(jm_str(apr_pstrcat(p, "# the key of the issuer\n\n",
                            minted_pem(12).ptr, "\n\n trailing text\n",
                            NULL)), ALGS_ED, "text around the block");
    good(edit(minted_pem(12), "KEY-----\n", "KEY-----\r\n"), ALGS_ED,
         "a line that ends with CR LF");
}

/* --- id-RSASSA-PSS --- */

/* hash NULL: without parameters. */
static EVP_PKEY *pss_key(const char *hash, const char *mgf1, int salt)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *pkey = NULL;

    need(ctx && EVP_PKEY_keygen_init(ctx) == 1
         && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1, "RSA-PSS");
    if (hash) {
        need(EVP_PKEY_CTX_set_rsa_pss_keygen_md_name(ctx, hash, NULL) == 1
             && EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md_name(ctx, mgf1) == 1
             && EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, salt) == 1,
             "RSA-PSS parameters");
    }
    need(EVP_PKEY_generate(ctx, &pkey) == 1, "RSA-PSS key");
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static void refused(jm_str_t pem, const char *word, const char *sentence)
{
    heard_t heard;
    const jm_keyset_t *set = read_pem(&heard, pem);

    if (!ok(!set && heard.text && strstr(heard.text, word), "%s",
            sentence)) {
        printf("# %s\n", heard.text ? heard.text : "accepted");
    }
}

static void test_pss(void)
{
    good(spki(pss_key(NULL, NULL, 0)), ALGS_PS,
         "an RSASSA-PSS key is for PS, never for RS");
    good(spki(pss_key("SHA256", "SHA256", 32)), 1u << 6,
         "one with the parameters of PS256 is for PS256");
    good(spki(pss_key("SHA384", "SHA384", 20)), 1u << 7,
         "a least salt that is shorter than the hash is fine");
    refused(spki(pss_key("SHA256", "SHA256", 33)), "RSASSA-PSS",
            "a least salt that is longer than the hash fits nothing");
    refused(spki(pss_key("SHA256", "SHA512", 32)), "RSASSA-PSS",
            "another hash in MGF1 fits nothing");
    refused(spki(pss_key("SHA1", "SHA1", 20)), "RSASSA-PSS",
            "SHA-1 fits nothing");
}

/* --- what is not --- */

static void test_private(void)
{
    refused(private_pem(3), "private key", "a PKCS#8 private key");
    refused(private_pem(12), "private key", "an Ed25519 private key");
    refused(encode(minted_pkey(3), EVP_PKEY_KEYPAIR, "PEM", "type-specific"),
            "private key", "a PKCS#1 private key");
    refused(encode(minted_pkey(9), EVP_PKEY_KEYPAIR, "PEM", "type-specific"),
            "private key", "a SEC 1 private key");
    refused(jm_str("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                   "-----END ENCRYPTED PRIVATE KEY-----\n"),
            "private key", "an encrypted one, without a question");
    refused(jm_str(apr_pstrcat(tap_pool, minted_pem(3).ptr,
                               private_pem(3).ptr, NULL)),
            "private key", "a private key behind a public one");
}

static void test_curves(void)
{
    EVP_PKEY *p224 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp224r1");
    EVP_PKEY *k256 = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");

    need(p224 && k256, "curves");
    refused(spki(p224), "unknown curve", "P-224");
    refused(spki(k256), "unknown curve", "secp256k1");
    refused(spki(with_param(minted_pkey(9), OSSL_PKEY_PARAM_EC_ENCODING,
                            "explicit")),
            "spells out", "explicit parameters of P-256");
    refused(certificate(with_param(minted_pkey(10),
                                   OSSL_PKEY_PARAM_EC_ENCODING, "explicit"),
                        0),
            "spells out", "explicit parameters of P-384 in a certificate");
    refused(spki(EVP_PKEY_Q_keygen(NULL, NULL, "X25519")), "unknown",
            "X25519");
    refused(spki(EVP_PKEY_Q_keygen(NULL, NULL, "ED448")), "unknown", "Ed448");
    refused(jm_str("-----BEGIN PUBLIC KEY-----\n"
                   "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                   "A=\n-----END PUBLIC KEY-----\n"),
            "small order", "the neutral point of Ed25519");
}

static void test_rsa(void)
{
    EVP_PKEY *weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    EVP_PKEY *again = EVP_PKEY_dup(weak);

    need(weak && again, "RSA 1024");
    refused(spki(weak), "too weak", "RSA of 1024 bits");
    refused(encode(again, EVP_PKEY_PUBLIC_KEY, "PEM", "type-specific"),
            "too weak", "also as PKCS#1");
}

static void test_text(apr_pool_t *p)
{
    jm_str_t pem = minted_pem(12);
    jm_str_t der = encode(minted_pkey(12), EVP_PKEY_PUBLIC_KEY, "DER",
                          "SubjectPublicKeyInfo");
    char *nul = apr_pstrmemdup(p, pem.ptr, pem.len);

    refused(der, "openssl pkey -pubin", "DER, with the way to convert it");
    refused(encode(minted_pkey(3), EVP_PKEY_PUBLIC_KEY, "DER",
                   "SubjectPublicKeyInfo"), "DER", "DER of an RSA key");
    refused(jm_str(""), "no PEM", "an empty text");
    refused(jm_strn(NULL, 0), "no PEM", "no text at all");
    refused(jm_str("0 is how DER begins"), "no PEM", "text that begins as "
            "DER does");
    refused(jm_str(apr_pstrcat(p, pem.ptr, pem.ptr, NULL)),
            "more than one", "the same block twice");
    refused(jm_str(apr_pstrcat(p, certificate(minted_pkey(9), 0).ptr,
                               certificate(minted_pkey(9), 0).ptr, NULL)),
            "more than one", "a certificate chain");
    refused(jm_str(apr_pstrcat(p, pem.ptr, "-----BEGIN ", NULL)),
            "more than one", "a second block that only begins");
    refused(certificate(minted_pkey(9), 1), "another kind",
            "a TRUSTED CERTIFICATE");
    refused(edit(edit(pem, "PUBLIC", "RSA PUBLIC"), "END PUBLIC",
                 "END RSA PUBLIC"), "can be read",
            "an Ed25519 key labelled as PKCS#1");
    refused(edit(pem, "END PUBLIC", "END RSA PUBLIC"), "damaged",
            "another label at the end");
    refused(edit(pem, "-----END PUBLIC KEY-----", ""), "damaged",
            "no end line");
    refused(edit(pem, "-----BEGIN", " -----BEGIN"), "damaged",
            "a blank before the block");
    refused(edit(pem, "MC", "M?"), "damaged", "a broken base64 text");
    refused(edit(pem, "MCow", "MCox"), "can be read", "broken DER");
    refused(jm_str("-----BEGIN PUBLIC KEY-----\n"
                   "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwuaaPcHUR"
                   "oAAA==\n-----END PUBLIC KEY-----\n"),
            "can be read", "octets behind the key in its block");
    refused(edit(pem, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n"
                 "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n"
                 "\n"), "can be read", "an encrypted public key");
    nul[pem.len - 1] = '\0';
    refused(jm_strn(nul, pem.len), "no PEM", "a NUL in the text");
    refused(jm_strn(apr_pcalloc(p, JM_KEY_FILE_MAX + 1),
                    JM_KEY_FILE_MAX + 1), "too large", "over 1 MiB");
}

/* --- minted private keys come back --- */

static void test_mint(void)
{
    jm_mint_t *key;
    const char *error;
    jm_str_t pem;
    unsigned i;

    for (i = 3; i < JM_ALG_COUNT; i++) {
        ok(jm_mint_load_pem(&key, &error, tap_pool, private_pem(i))
           == APR_SUCCESS
           && jm_mint_public_pem(&pem, tap_pool, key) == APR_SUCCESS
           && jm_str_eq(pem, minted_pem(i)),
           "a minted key for %s is the same when loaded again",
           jm_alg_at(i)->name);
    }
    ok(jm_mint_load_pem(&key, &error, tap_pool, minted_pem(3)) == APR_EINVAL
       && !key && error, "a public key cannot mint");
    ok(jm_mint_load_pem(&key, &error, tap_pool,
                        encode(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
                               EVP_PKEY_KEYPAIR, "PEM", "PrivateKeyInfo"))
       == APR_EINVAL && !key && error, "nor can X25519");
    ok(jm_mint_public_pem(&pem, tap_pool, minted(0)) == APR_EINVAL,
       "a secret has no PEM");
    ok(!ERR_peek_error(), "the error queue is empty");
}

int main(void)
{
    apr_pool_t *p = keys_start();

    test_good(p);
    test_pss();
    test_private();
    test_curves();
    test_rsa();
    test_text(p);
    test_mint();
    return tap_done();
}
