/*
 * jm_kty.h: the kinds of JWK (RFC 7518 section 6.1, RFC 8037) as one const
 * table. Shared by jm_kty.c and jm_jwk.c only.
 */
#ifndef JM_KTY_H
#define JM_KTY_H

#include "jm_jwk.h"

typedef struct jm_kty_t {
    const char *name;            /* byte-exact */
    int symmetric;
    const char *const *secrets;  /* members of a private key, to NULL */

    /* Makes *key of the JWK; nothing beside the key is looked at. Owned by
     * p. APR_EINVAL with *pwhy (in p, or const) a sentence; APR_ENOMEM. */
    apr_status_t (*read)(jm_key_t *key, const char **pwhy, apr_pool_t *p,
                         const jm_json_t *jwk);
} jm_kty_t;

/* The row of that name, or NULL. */
const jm_kty_t *jm_kty_find(jm_str_t name);

/* 1 if a member of a private key is there, whatever its value. */
int jm_kty_is_private(const jm_kty_t *kty, const jm_json_t *jwk);

/* The text of a member, borrowed from jwk. APR_EINVAL with *pwhy (in p): it
 * is missing or not a string. */
apr_status_t jm_kty_string(jm_str_t *pout, const char **pwhy, apr_pool_t *p,
                           const jm_json_t *jwk, const char *name);

#endif
