/*
 * jm_key.h: what the key readers (jm_key.c, jm_jwk.c, jm_pem.c) share:
 * building one key, and the set with its index. Not for other parts: those
 * include jm_jwk.h.
 */
#ifndef JM_KEY_H
#define JM_KEY_H

#include "jm_jwk.h"

/* Makes *key an HMAC key of the secret (borrowed, not kept). Owned by p.
 * APR_EINVAL: too short, with *pwhy (in p) a sentence that says so;
 * APR_ENOMEM. */
apr_status_t jm_key_hmac(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                         jm_str_t secret);

/* Makes *key the public key pkey, which it takes over in any case; owned by
 * p. Settles family, curve and algs and prepares the contexts. APR_EINVAL
 * with *pwhy (a sentence): a type, curve or size that is not ours, explicit
 * EC parameters, a point off the curve, a weak key; APR_ENOMEM. */
apr_status_t jm_key_public(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                           EVP_PKEY *pkey);

/* The set of keys (of jm_key_t, at least one, owned by p) with its index. */
const jm_keyset_t *jm_keyset_make(apr_pool_t *p,
                                  const apr_array_header_t *keys,
                                  int match_kid);

/* 1 if text holds the start of a PEM block anywhere. */
int jm_pem_looks_like(jm_str_t text);

#endif
