/*
 * jm_verify.h: one compact token: which authorizer, then header, signature,
 * claims and revocation; or all of that from a cache. Reads nothing but what
 * it is given.
 */
#ifndef JM_VERIFY_H
#define JM_VERIFY_H

#include "jm.h"
#include "jm_cache.h"
#include "jm_choice.h"
#include "jm_credential.h"
#include "jm_error.h"

/* A verified token; valid as long as the pool of the pass that verified it. */
struct jm_token_t {
    const jm_authorizer_t *authorizer;
    jm_credential_t credential;
    const jm_json_t *jose;
    const jm_json_t *claims;
    jm_notes_t notes;          /* where they are at hand; list NULL: not */
};

/* Asks for newer keys of an authorizer that has a jm_remote_t, and waits for
 * them where that is worth it; they come into its key_slot. has_keys: there
 * are some, but not the one that the token names. */
typedef void jm_refresh_t(void *baton, const jm_authorizer_t *authorizer,
                          int has_keys);

/* What a token is to be verified with. All borrowed for the call. */
typedef struct jm_verify_t {
    jm_choice_t choice;
    apr_int64_t now;           /* seconds since 1970 */
    int signature_only;        /* 1: the claim policy and the revocation list
                                * are not applied, and claims is NULL where
                                * the payload is not a JSON object */
    jm_cache_t *cache;         /* NULL: none; it changes nothing but speed */
    jm_refresh_t *refresh;     /* NULL: keys stay as they are */
    void *refresh_baton;
} jm_verify_t;

/* What became of it. */
typedef struct jm_verified_t {
    const jm_token_t *token;   /* with JM_OK only; credential left zeroed */
    const jm_authorizer_t *authorizer; /* NULL: not known */
    jm_str_t kid;              /* empty: none, or not known */
    int cached;                /* 1: it was in the cache, and held still */
} jm_verified_t;

/* Verifies a token. Several authorizers are chosen among by the unverified
 * iss, and it is bound to the choice by the verification. All in p. JM_OK,
 * or the verdicts of jm_jws.h and jm_claims.h, JM_ISSUER (no authorizer has
 * it), JM_NO_KEYS, JM_REVOKED, JM_INTERNAL. */
jm_verdict_e jm_verify_token(jm_verified_t *verified, apr_pool_t *p,
                             jm_str_t token, const jm_verify_t *with);

#endif
