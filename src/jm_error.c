/*
 * jm_error.c: the table of verdicts: what the log, the client and RFC 6750
 * call each. Touches nothing.
 */
#include "jm_error.h"

/* Each text stands in a JSON string as it is: no quote, backslash or
 * control character, and nothing that came from outside. */
#define MISSING_TOKEN "missing_token", "a bearer token is required"
#define INVALID_TOKEN "invalid_token", "the bearer token is not valid"
#define UNMAPPABLE "unmappable_value", "a value of the request cannot be used"

/* What could tell an attacker the cause of a refusal is in `name` and `log`
 * only: those rows share one macro for what the client sees. */
static const jm_error_t table[JM_VERDICT_COUNT] = {
    [JM_INTERNAL] = { "internal", "an internal fault", 500,
                      "internal_error", "internal error", NULL },
    [JM_OK] = { "ok", "nothing to object", 0, "", "", NULL },
    [JM_NO_TOKEN] = { "none", "no credentials", 401, MISSING_TOKEN, NULL },
    [JM_CREDENTIALS] = { "credentials",
                         "more than one credential, or no well-formed one",
                         400, "invalid_request",
                         "the request must carry one well-formed bearer token",
                         "invalid_request" },
    [JM_MALFORMED] = { "malformed",
                       "the token is not a compact JWS of strict JSON", 401,
                       INVALID_TOKEN, "invalid_token" },
    [JM_HEADER] = { "header",
                    "a parameter of the token's header is not supported or "
                    "of the wrong type", 401, INVALID_TOKEN, "invalid_token" },
    [JM_ALGORITHM] = { "algorithm",
                       "the token's algorithm is unknown or not allowed", 401,
                       INVALID_TOKEN, "invalid_token" },
    [JM_KEY] = { "key", "no key, or more than one, fits the token", 401,
                 INVALID_TOKEN, "invalid_token" },
    [JM_SIGNATURE] = { "signature", "the token's signature does not hold",
                       401, INVALID_TOKEN, "invalid_token" },
    [JM_TYP] = { "typ", "the token's typ is not the one that the authorizer's "
               "member typ names (else: JWT or at+jwt)", 401,
                 INVALID_TOKEN, "invalid_token" },
    [JM_CLAIM] = { "claim",
                   "a registered claim is missing or of the wrong type", 401,
                   INVALID_TOKEN, "invalid_token" },
    [JM_ISSUER] = { "issuer", "the token is of another issuer", 401,
                    INVALID_TOKEN, "invalid_token" },
    [JM_AUDIENCE] = { "audience", "the token is for none of the audiences that "
                      "the authorizer's member audience names", 401,
                      INVALID_TOKEN, "invalid_token" },
    [JM_NOT_YET] = { "not_yet", "the token's nbf or iat is in the future", 401,
                     INVALID_TOKEN, "invalid_token" },
    [JM_LIFETIME] = { "lifetime", "the token lives longer than max_lifetime",
                      401, INVALID_TOKEN, "invalid_token" },
    [JM_BOUND] = { "bound",
                   "the token is bound to its sender (cnf), not a plain "
                   "bearer token", 401, INVALID_TOKEN, "invalid_token" },
    [JM_REVOKED] = { "revoked", "the token is revoked", 401,
                     INVALID_TOKEN, "invalid_token" },
    [JM_EXPIRED] = { "expired", "the token has expired", 401,
                     "token_expired", "the bearer token has expired",
                     "invalid_token" },
    [JM_NO_KEYS] = { "keys_unavailable", "no usable key set", 503,
                     "keys_unavailable",
                     "bearer tokens cannot be verified at the moment", NULL },
    [JM_REQUIRE] = { "require", "a requirement on a claim is not met", 403,
                     "forbidden", "the bearer token does not permit this",
                     NULL },
    [JM_SCOPE] = { "scope", "a requirement on the scope is not met", 403,
                   "insufficient_scope",
                   "the scope of the bearer token does not permit this",
                   "insufficient_scope" },
    [JM_UNMAPPABLE] = { "unmappable", "a value may not be handed on", 403,
                        UNMAPPABLE, NULL },
    [JM_MISSING] = { "missing", "a value is missing that must be handed on",
                     403, UNMAPPABLE, NULL },
    [JM_NOT_FOUND] = { "not_found", "no route", 404,
                       "not_found", "there is nothing at this path", NULL },
    [JM_METHOD] = { "method", "no route for this method", 405,
                    "method_not_allowed",
                    "this path does not take this method", NULL },
    [JM_PATH] = { "path", "the path is spelled in an ambiguous way", 400,
                  "bad_path", "the path is not acceptable as it is spelled",
                  NULL },
    [JM_NOT_IMPLEMENTED] = { "not_implemented",
                             "the route's integration is not served here",
                             501, "not_implemented",
                             "this route is not implemented", NULL },
};

const jm_error_t *jm_error(jm_verdict_e verdict)
{
    /* The cast takes care of what is below 0, too. */
    if ((unsigned)verdict >= JM_VERDICT_COUNT) {
        verdict = JM_INTERNAL;
    }
    return &table[verdict];
}
