/*
 * jm_pem.c: the reader of one PEM public key or certificate. Reads text that
 * it is handed, no file; no passphrase is ever asked for, because a private
 * key is refused by its label. Touches the pool and the OpenSSL error queue.
 */
#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "jm_key.h"

#define BEGIN "-----BEGIN "
#define BEGIN_LEN (sizeof(BEGIN) - 1)
#define DER_SEQUENCE 0x30

/* The first place of needle in text, or NULL. */
static const char *find(jm_str_t text, const char *needle)
{
    apr_size_t len = strlen(needle);
    const char *at;

    while (text.len >= len) {
        at = memchr(text.ptr, needle[0], text.len - len + 1);
        if (!at || !memcmp(at, needle, len)) {
            return at;
        }
        text = jm_strn(at + 1, text.len - (apr_size_t)(at + 1 - text.ptr));
    }
    return NULL;
}

int jm_pem_looks_like(jm_str_t text)
{
    return find(text, BEGIN) != NULL;
}

/* --- what a text is, by its labels --- */

typedef struct blocks_t {
    unsigned count;
    int is_private;       /* any of them */
} blocks_t;

static blocks_t count_blocks(jm_str_t text)
{
    blocks_t blocks = { 0, 0 };
    const char *at;

    while ((at = find(text, BEGIN))) {
        const char *end = text.ptr + text.len;
        const char *label = at + BEGIN_LEN;
        const char *eol = memchr(label, '-', (apr_size_t)(end - label));

        blocks.count++;
        eol = eol ? eol : end;
        if (find(jm_strn(label, (apr_size_t)(eol - label)), "PRIVATE KEY")) {
            blocks.is_private = 1;
        }
        text = jm_strn(eol, (apr_size_t)(end - eol));
    }
    return blocks;
}

static int is_der(jm_str_t text)
{
    return text.len > 1 && text.ptr[0] == DER_SEQUENCE
           && memchr(text.ptr, 0, text.len) != NULL;
}

/* What is wrong with text before anything is decoded, or NULL. */
static const char *text_objection(jm_str_t text)
{
    blocks_t blocks = count_blocks(text);

    if (blocks.is_private) {
        return "this is a private key, and only the issuer may have it; give "
               "its public half: openssl pkey -in FILE -pubout";
    }
    if (blocks.count > 1) {
        return "more than one PEM block; give exactly one public key or "
               "certificate (several keys go into a JWK Set: jwks)";
    }
    if (blocks.count == 0 && is_der(text)) {
        return "this is DER, not PEM; convert it: openssl pkey -pubin "
               "-inform DER -in FILE (a certificate: openssl x509 -inform "
               "DER -in FILE)";
    }
    if (blocks.count == 0 || memchr(text.ptr, 0, text.len)) {
        return "this is no PEM text; it should hold one block that begins "
               "with -----BEGIN PUBLIC KEY-----";
    }
    return NULL;
}

/* --- decoding --- */

static EVP_PKEY *decode_der(const unsigned char *der, size_t len,
                            const char *type, const char *structure)
{
    EVP_PKEY *pkey = NULL;
    OSSL_DECODER_CTX *ctx =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, "DER", structure, type,
                                      EVP_PKEY_PUBLIC_KEY, NULL, NULL);

    if (!ctx || OSSL_DECODER_from_data(ctx, &der, &len) != 1 || len != 0) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    OSSL_DECODER_CTX_free(ctx);
    return pkey;
}

static EVP_PKEY *decode_spki(const unsigned char *der, size_t len)
{
    return decode_der(der, len, NULL, "SubjectPublicKeyInfo");
}

static EVP_PKEY *decode_pkcs1(const unsigned char *der, size_t len)
{
    return decode_der(der, len, "RSA", "type-specific");
}

static EVP_PKEY *decode_certificate(const unsigned char *der, size_t len)
{
    const unsigned char *end = der + len;
    X509 *cert = d2i_X509(NULL, &der, (long)len);
    EVP_PKEY *pkey = cert && der == end ? X509_get_pubkey(cert) : NULL;

    X509_free(cert);
    return pkey;
}

static const struct {
    const char *label;
    EVP_PKEY *(*decode)(const unsigned char *der, size_t len);
} labels[] = {
    { "PUBLIC KEY", decode_spki },
    { "RSA PUBLIC KEY", decode_pkcs1 },
    { "CERTIFICATE", decode_certificate }
};

/* The key of a block, or NULL with *pwhy. */
static EVP_PKEY *decode_block(const char **pwhy, const char *label,
                              const char *header, const unsigned char *der,
                              long len)
{
    EVP_PKEY *pkey = NULL;
    unsigned i;

    *pwhy = "the PEM block is of another kind; give a PUBLIC KEY, an RSA "
            "PUBLIC KEY or a CERTIFICATE";
    for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (!strcmp(label, labels[i].label)) {
            *pwhy = "the PEM block does not hold a key that can be read "
                    "(damaged, or of an unknown type or curve)";
            pkey = *header ? NULL : labels[i].decode(der, (size_t)len);
        }
    }
    return pkey;
}

static EVP_PKEY *read_block(const char **pwhy, jm_str_t text)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    char *label = NULL, *header = NULL;
    unsigned char *der = NULL;
    EVP_PKEY *pkey = NULL;
    long len = 0;

    if (bio && PEM_read_bio(bio, &label, &header, &der, &len) == 1) {
        pkey = decode_block(pwhy, label, header, der, len);
    }
    else {
        *pwhy = "the PEM block is damaged: its BEGIN line, base64 text or END "
                "line is wrong";
    }
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    return pkey;
}

/* --- the reader --- */

static apr_status_t read_pem(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                             jm_str_t pem)
{
    EVP_PKEY *pkey;

    *pwhy = text_objection(pem);
    if (*pwhy) {
        return APR_EINVAL;
    }
    pkey = read_block(pwhy, pem);
    return pkey ? jm_key_public(key, pwhy, p, pkey) : APR_EINVAL;
}

apr_status_t jm_keyset_pem(const jm_keyset_t **pset, apr_pool_t *p,
                           jm_str_t pem, jm_key_report_t *report,
                           void *baton)
{
    apr_array_header_t *keys = apr_array_make(p, 1, sizeof(jm_key_t));
    const char *why = "the PEM text is too large";
    apr_status_t rv = APR_EINVAL;

    *pset = NULL;
    if (pem.len <= JM_KEY_FILE_MAX) {
        rv = read_pem(apr_array_push(keys), &why, p, pem);
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
