/*
 * jm_alg.h: the 13 JWS algorithms (RFC 7518 section 3, RFC 8037, RFC 9864)
 * as one const table. There is no row, and no code path, for "none".
 */
#ifndef JM_ALG_H
#define JM_ALG_H

#include "jm.h"

typedef enum jm_family_e {
    JM_FAMILY_HMAC = 1,
    JM_FAMILY_RSA,
    JM_FAMILY_EC,
    JM_FAMILY_ED
} jm_family_e;

struct jm_alg_t {
    const char *name;       /* byte-exact */
    apr_uint32_t bit;       /* its place in a set of algorithms: 1 << row */
    unsigned row;           /* its place in the table, 0 … 12 */
    jm_family_e family;
    int curve;              /* EC: OpenSSL NID; else 0 */
    const char *digest;     /* OpenSSL name; NULL for EdDSA */
    unsigned digest_len;    /* octets; HMAC: also the shortest secret; PSS:
                             * also the salt */
    int pss;                /* RSA: 1 PSS, 0 PKCS#1 v1.5 */
    unsigned signature_len; /* octets; 0: that of the RSA modulus */
};

#define JM_ALG_COUNT 13     /* rows of the table */

/* A set of algorithms is the OR of their bits. */
typedef apr_uint32_t jm_algs_t;
#define JM_ALGS_ALL ((jm_algs_t)((1u << JM_ALG_COUNT) - 1))
#define JM_ALGS_SECRET ((jm_algs_t)7)  /* HS: the first rows */
#define JM_ALGS_PUBLIC (JM_ALGS_ALL & ~JM_ALGS_SECRET)

/* The algorithm of that name, compared byte for byte, or NULL. "Ed25519"
 * (RFC 9864) is the same row as "EdDSA". */
const jm_alg_t *jm_alg_find(jm_str_t name);

/* Row i of the table (0 … 12), or NULL past its end. */
const jm_alg_t *jm_alg_at(unsigned i);

/* The names, NULL-terminated, for messages and "did you mean"; the last one
 * is the second name "Ed25519". */
const char *const *jm_alg_names(void);

/* The names in a set, "RS256, RS384", in p. */
const char *jm_alg_list(apr_pool_t *p, jm_algs_t algs);

/* All algorithms of secrets, if algs has one of those, and all of public
 * keys, if it has one of those. */
jm_algs_t jm_alg_kin(jm_algs_t algs);

#endif
