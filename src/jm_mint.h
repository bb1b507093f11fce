/*
 * jm_mint.h: makes test keys and test tokens, for `jwtmapctl token` and the
 * tests. Not linked into the module: what verifies cannot sign. Signs what
 * it is told, also a token that must be refused; checks no policy.
 */
#ifndef JM_MINT_H
#define JM_MINT_H

#include "jm.h"
#include "jm_alg.h"

#define JM_MINT_RSA_BITS 2048          /* of an RSA key where nobody says */

/* A private key or an HMAC secret; owned by its pool, cleared with it. */
typedef struct jm_mint_t jm_mint_t;

/* All makers: *pkey is NULL unless APR_SUCCESS, and owned by p. The OpenSSL
 * error queue is left empty. */

/* A new key for alg; RSA: of that many bits (0: JM_MINT_RSA_BITS); a secret
 * has as many random octets as the hash. APR_EGENERAL: OpenSSL could not make
 * one. */
apr_status_t jm_mint_generate(jm_mint_t **pkey, apr_pool_t *p,
                              const jm_alg_t *alg, unsigned bits);

/* A private key (PKCS#8, PKCS#1 or SEC 1, not encrypted) from PEM. APR_EINVAL
 * with *perror (a sentence): no such key, or of a type that no algorithm
 * takes. */
apr_status_t jm_mint_load_pem(jm_mint_t **pkey, const char **perror,
                              apr_pool_t *p, jm_str_t pem);

/* Any octets as an HMAC secret; copied. */
apr_status_t jm_mint_load_secret(jm_mint_t **pkey, apr_pool_t *p,
                                 jm_str_t secret);

/* The algorithm that is usual for a key: RS256, ES256/384/512 by curve,
 * EdDSA, PS256 for RSASSA-PSS, the longest HS that the secret allows (HS256
 * for a short one). Never NULL. */
const jm_alg_t *jm_mint_alg(const jm_mint_t *key);

/* The secret's octets, borrowed; empty for others. */
jm_str_t jm_mint_secret(const jm_mint_t *key);

/* PKCS#8 PEM and SubjectPublicKeyInfo PEM, in p. APR_EINVAL: a secret has no
 * such form; APR_EGENERAL. */
apr_status_t jm_mint_private_pem(jm_str_t *ppem, apr_pool_t *p,
                                 const jm_mint_t *key);
apr_status_t jm_mint_public_pem(jm_str_t *ppem, apr_pool_t *p,
                                const jm_mint_t *key);

/* The public JWK as compact JSON, in p; for a secret the oct JWK, which is
 * the secret. alg and kid are written unless NULL; kid is UTF-8. */
apr_status_t jm_mint_jwk(jm_str_t *pjwk, apr_pool_t *p, const jm_mint_t *key,
                         const char *alg, const jm_str_t *kid);

/* {"alg":ALG,"typ":"JWT","kid":KID} as compact JSON, in p; kid may be NULL;
 * alg is a name as it shall stand there, also "Ed25519". */
jm_str_t jm_mint_header(apr_pool_t *p, const char *alg, const jm_str_t *kid);

/* The compact token in p: header and payload are signed as they are, with
 * alg, whatever the header says. APR_EINVAL: alg is not for this kind of key
 * or curve; APR_EGENERAL. */
apr_status_t jm_mint_sign(jm_str_t *ptoken, apr_pool_t *p,
                          const jm_mint_t *key, const jm_alg_t *alg,
                          jm_str_t header, jm_str_t payload);

#endif
