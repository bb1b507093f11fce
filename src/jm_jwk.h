/*
 * jm_jwk.h: verification keys. Each kind of source has its own reader, so
 * that no function takes "key bytes" for both HMAC and a public key; the
 * result knows its family and the algorithms it may serve, and that is
 * settled here, before any cryptography. Uses OpenSSL; reads no file.
 */
#ifndef JM_JWK_H
#define JM_JWK_H

#include <apr_hash.h>
#include <openssl/evp.h>

#include "jm.h"
#include "jm_alg.h"
#include "jm_diag.h"

#define JM_JWKS_REMOTE_KEYS_MAX 100  /* entries of a set from a URL, a count */

/* A key holds its prepared contexts by row of the algorithm table, set where
 * algs has the bit. A verification works on a copy; they never change, and
 * are freed with the pool. An HMAC secret lives nowhere but in its contexts,
 * which clear it when they are freed. */
struct jm_key_t {
    jm_family_e family;
    int curve;            /* EC: OpenSSL NID; else 0 */
    jm_algs_t algs;       /* all it may verify: family, curve, length, its
                           * own alg, use and key_ops already applied */
    int has_kid;
    jm_str_t kid;         /* opaque octets */
    jm_str_t issuer;      /* member "issuer" (may hold {tenantid}); or empty */
    unsigned size;        /* octets of the RSA modulus; else 0 */
    EVP_MAC_CTX *mac[JM_ALG_COUNT];    /* HMAC */
    EVP_MD_CTX *verify[JM_ALG_COUNT];  /* RSA, EC, Ed */
};

/* By row of the algorithm table, the only key that fits; NULL where none or
 * more than one does. */
typedef struct jm_fit_t {
    const jm_key_t *key[JM_ALG_COUNT];
    jm_algs_t ambiguous;  /* rows that are NULL because several fit */
} jm_fit_t;

struct jm_keyset_t {
    const jm_key_t *keys;
    unsigned count;       /* at least 1 */
    int match_kid;        /* 1: a JWK Set, or a JWK with a kid: a token's kid
                           * chooses, and an entry without kid serves only
                           * tokens without one. 0: one secret, one PEM or
                           * one bare JWK without kid: kid is ignored */
    jm_algs_t algs;       /* union over the keys */
    jm_fit_t fit;         /* among all keys */
    apr_hash_t *kids;     /* kid -> const jm_fit_t *, among the keys with it;
                           * NULL where match_kid is 0 */
};

/* Where a reader says what it does not like. at is a node of the JSON that
 * the caller handed in, or NULL; text is owned by the reader's pool. */
typedef void jm_key_report_t(void *baton, jm_severity_e severity,
                             const jm_json_t *at, const char *text);

/* All readers: the set is owned by p (OpenSSL objects through a cleanup,
 * secrets cleared by one). *pset is NULL unless APR_SUCCESS. APR_EINVAL:
 * reported through report at least once with severity JM_ERROR. APR_ENOMEM:
 * OpenSSL had no memory. The OpenSSL error queue is left empty. */

/* An HMAC secret (RFC 7518 3.2): at least 32 octets; algs are those HS whose
 * hash is not longer than it. A text that is a PEM block is an error: a
 * public key must not become a secret. */
apr_status_t jm_keyset_secret(const jm_keyset_t **pset, apr_pool_t *p,
                              jm_str_t secret, jm_key_report_t *report,
                              void *baton);

/* One PEM block: SubjectPublicKeyInfo, PKCS#1 "RSA PUBLIC KEY" or a
 * CERTIFICATE (its dates are not looked at). Errors: a private key, two
 * blocks, DER, text that is no PEM, explicit EC parameters, an unknown type
 * or curve, RSA out of limits. An id-RSASSA-PSS key is for PS only (and for
 * its own hash where it has parameters). White space and explanatory text
 * before the block are fine (RFC 7468). */
apr_status_t jm_keyset_pem(const jm_keyset_t **pset, apr_pool_t *p,
                           jm_str_t pem, jm_key_report_t *report,
                           void *baton);

/* A JWK Set, or one bare JWK (RFC 7517). remote: it came from a URL. A weak,
 * malformed or unusable entry of a set is ignored with a warning (an unknown
 * kty, or use other than "sig", silently), from a URL also oct and private
 * keys, and more than JM_JWKS_REMOTE_KEYS_MAX entries fail it. Static sets: a
 * private key, or oct beside asymmetric keys, is an error. What a set would
 * ignore is an error in a bare JWK. No usable key left: error. Values of the
 * set never stand in a reported text. */
apr_status_t jm_keyset_jwks(const jm_keyset_t **pset, apr_pool_t *p,
                            const jm_json_t *jwks, int remote,
                            jm_key_report_t *report, void *baton);

/* The same of a static set as text, which what is reported calls name, with
 * line and column; at is always NULL. */
apr_status_t jm_keyset_jwks_text(const jm_keyset_t **pset, apr_pool_t *p,
                                 apr_pool_t *ptemp, jm_str_t text,
                                 const char *name, jm_key_report_t *report,
                                 void *baton);

#endif
