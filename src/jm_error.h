/*
 * jm_error.h: verdicts. Everything that can become of a token or a request
 * has one name here, and one table says what the log, the client and
 * RFC 6750 call it. Touches nothing.
 */
#ifndef JM_ERROR_H
#define JM_ERROR_H

#include "jm.h"

/* A zeroed result is a failure: JM_INTERNAL is 0. */
typedef enum jm_verdict_e {
    JM_INTERNAL = 0,     /* our own fault, out of memory: never let through */
    JM_OK,               /* verified, or nothing to object */
    JM_NO_TOKEN,         /* no credentials */
    JM_CREDENTIALS,      /* two credentials, or Bearer with no b64token */
    JM_MALFORMED,        /* not a compact JWS, base64url or strict JSON */
    JM_HEADER,           /* crit, b64, wrong type of a header parameter */
    JM_ALGORITHM,        /* unknown or not allowed */
    JM_KEY,              /* no key fits, or the kid is unknown */
    JM_SIGNATURE,
    JM_TYP,
    JM_CLAIM,            /* a registered claim is missing or of wrong type */
    JM_ISSUER,
    JM_AUDIENCE,
    JM_NOT_YET,          /* nbf or iat in the future */
    JM_LIFETIME,         /* exp - iat over max_lifetime */
    JM_BOUND,            /* cnf: sender-constrained, not a plain bearer */
    JM_REVOKED,
    JM_EXPIRED,
    JM_NO_KEYS,          /* no usable key set */
    JM_REQUIRE,          /* `require` not met */
    JM_SCOPE,            /* `require` on scope or scp not met */
    JM_UNMAPPABLE,       /* a value may not be handed on */
    JM_MISSING,          /* a value is missing and on_missing is reject */
    JM_NOT_FOUND,        /* no route */
    JM_METHOD,           /* routes, but not for this method */
    JM_PATH,             /* ambiguous or forbidden spelling of the path */
    JM_NOT_IMPLEMENTED,  /* a route of the origin that we do not serve */
    JM_VERDICT_COUNT
} jm_verdict_e;

typedef struct jm_error_t {
    const char *name;       /* the note jwtmap.verdict, metrics: "expired" */
    const char *log;        /* a sentence for the log */
    int status;             /* HTTP status; 0 where the verdict is no refusal */
    const char *code;       /* member "code" of the answer's body */
    const char *text;       /* member "error" of the answer's body */
    const char *challenge;  /* RFC 6750 3.1 error, or NULL: none */
} jm_error_t;

/* The row of a verdict; never NULL (out of range: that of JM_INTERNAL). */
const jm_error_t *jm_error(jm_verdict_e verdict);

#endif
