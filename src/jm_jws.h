/*
 * jm_jws.h: compact JWS (RFC 7515): split, header rules, key choice,
 * signature. Parses everything, then checks in order, cryptography last.
 * The payload is not looked at here.
 */
#ifndef JM_JWS_H
#define JM_JWS_H

#include "jm.h"
#include "jm_error.h"
#include "jm_jwk.h"

typedef struct jm_jws_t {
    jm_str_t signing_input;    /* octets up to the second dot, as received */
    jm_str_t payload;          /* base64url, as received */
    jm_str_t signature;        /* base64url, as received */
    const jm_json_t *header;   /* the JOSE header, an object */
    const jm_alg_t *alg;
    int has_kid;
    jm_str_t kid;              /* opaque octets */
} jm_jws_t;

/* Splits token (borrowed; jws points into it) and reads its header into p.
 * JM_OK, or, with jws->header NULL: JM_MALFORMED (not three parts, an empty
 * header or signature, over JM_TOKEN_MAX, base64url or JSON not strict, header
 * over JM_JOSE_HEADER_MAX), JM_HEADER (any crit, b64, zip or enc; alg, kid,
 * typ or cty of a wrong type), JM_ALGORITHM (alg absent or unknown),
 * JM_INTERNAL. jwk, jku, x5u, x5c are never used. An empty payload part is
 * well-formed here. */
jm_verdict_e jm_jws_parse(jm_jws_t *jws, apr_pool_t *p, jm_str_t token);

/* 1 if some key of its algorithm could have made the signature: base64url of
 * as many octets as such a signature has. */
int jm_jws_may_hold(const jm_jws_t *jws);

/* Chooses the key (RFC 7515 section 6; the rules of jm_keyset_t.match_kid)
 * and verifies. allowed: the authorizer's algorithms. *pkey, borrowed from
 * set, is set with JM_OK only. In this order, JM_ALGORITHM: not in allowed,
 * or in no key of set at all; JM_MALFORMED: payload or signature not base64url
 * (so that such a token never asks for a refresh of the keys); JM_KEY: unknown
 * kid, no or more than one key fits; JM_SIGNATURE; JM_INTERNAL. Leaves the
 * OpenSSL error queue empty. Thread-safe over one set; scratch memory from
 * p. */
jm_verdict_e jm_jws_verify(const jm_key_t **pkey, apr_pool_t *p,
                           const jm_jws_t *jws, const jm_keyset_t *set,
                           jm_algs_t allowed);

/* Decodes the payload into an object in p. Only after jm_jws_verify.
 * JM_OK, or *pclaims NULL with JM_MALFORMED or JM_INTERNAL. */
jm_verdict_e jm_jws_payload(const jm_json_t **pclaims, apr_pool_t *p,
                            const jm_jws_t *jws);

/* The unverified iss of the payload, only to select an authorizer: empty if
 * the payload is not strict JSON or iss is not a string. Owned by p. */
jm_str_t jm_jws_unverified_issuer(apr_pool_t *p, const jm_jws_t *jws);

#endif
