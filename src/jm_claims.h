/*
 * jm_claims.h: claim policy (RFC 7519 section 4.1, RFC 8725) and `require`.
 * Works on claims that are already verified; touches nothing else.
 */
#ifndef JM_CLAIMS_H
#define JM_CLAIMS_H

#include "jm.h"
#include "jm_error.h"
#include "jm_jwk.h"
#include "jm_path.h"

/* What an authorizer asks of a verified token. Built at load, immutable. */
typedef struct jm_policy_t {
    const jm_str_t *issuers;     /* any of them; issuer_count 0: not checked */
    unsigned issuer_count;
    const jm_str_t *audiences;   /* any of them; audience_count 0: not
                                  * checked */
    unsigned audience_count;
    apr_int64_t leeway;          /* seconds, 0 … 3600 */
    int require_expiration;
    apr_int64_t max_lifetime;    /* seconds from iat to exp; 0: no limit */
    jm_str_t typ;                /* empty: absent, JWT or at+jwt */
    int allow_bound;             /* 1: a token with cnf passes as a bearer */
} jm_policy_t;

/* A span of time: from <= now < until, seconds since 1970. */
typedef struct jm_window_t {
    apr_int64_t from;
    apr_int64_t until;
} jm_window_t;

/* Checks, in this order: typ of the header (media type rule of RFC 7515
 * 4.1.9: "application/" may be omitted, ASCII case does not count); types of
 * iss, sub, jti (strings), aud (a string or an array of strings), exp, nbf,
 * iat (numbers below 2^63); iss; the key's own issuer ({tenantid} stands for
 * the string claim tid); aud; cnf; max_lifetime (iat and exp needed); nbf
 * and iat not after now + leeway; exp present if required; now < exp +
 * leeway. Expired is last: whoever renews such a token will pass.
 * now in seconds since 1970. JM_OK, JM_TYP, JM_CLAIM, JM_ISSUER,
 * JM_AUDIENCE, JM_BOUND, JM_LIFETIME, JM_NOT_YET, JM_EXPIRED. *window is set
 * with JM_OK only: when the same claims pass the checks of times. */
jm_verdict_e jm_claims_check(jm_window_t *window, const jm_policy_t *policy,
                             const jm_key_t *key, const jm_json_t *header,
                             const jm_json_t *claims, apr_int64_t now);

/* One entry of `require`. */
typedef struct jm_require_t {
    const char *name;               /* as written */
    jm_path_t path;
    const jm_json_t *const *values; /* any of them; scalars */
    unsigned count;
} jm_require_t;

/* JM_OK if all hold over claims; else JM_SCOPE if the first that does not
 * is scope or scp, else JM_REQUIRE, with its name in *pname (NULL: JM_OK). A
 * scalar claim holds if equal to one of the values, an array claim if it
 * contains one; scope and scp as a string are a space-separated set (RFC 6749
 * 3.3). */
jm_verdict_e jm_require_check(const char **pname, const jm_require_t *require,
                              unsigned count, const jm_json_t *claims);

#endif
