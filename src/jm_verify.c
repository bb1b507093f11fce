/*
 * jm_verify.c: one token, in order: choice of the authorizer, signature,
 * payload, policy. Touches only the pool it is given.
 */
#include "jm_verify.h"

#include "jm_b64.h"
#include "jm_jws.h"
#include "jm_slot.h"

apr_hash_t *jm_issuers_make(apr_pool_t *p,
                            const jm_authorizer_t *const *authorizers,
                            unsigned count)
{
    apr_hash_t *issuers = apr_hash_make(p);
    unsigned i, k;

    for (i = 0; i < count; i++) {
        const jm_policy_t *policy = &authorizers[i]->policy;

        for (k = 0; k < policy->issuer_count; k++) {
            const void *key = policy->issuers[k].ptr;
            apr_ssize_t len = (apr_ssize_t)policy->issuers[k].len;

            if (!apr_hash_get(issuers, key, len)) {
                apr_hash_set(issuers, key, len, authorizers[i]);
            }
        }
    }
    return issuers;
}

/* The authorizer for a token: the only one, or that of its iss. */
static const jm_authorizer_t *choose_authorizer(apr_pool_t *p,
                                                const jm_jws_t *jws,
                                                const jm_verify_t *with)
{
    jm_str_t issuer;

    if (with->count == 1) {
        return with->authorizers[0];
    }
    issuer = jm_jws_unverified_issuer(p, jws);
    return issuer.ptr ? apr_hash_get(with->issuers, issuer.ptr,
                                     (apr_ssize_t)issuer.len) : NULL;
}

/* The keys as they are now, for as long as p; NULL: there are none. */
static const jm_keyset_t *keys_of(const jm_authorizer_t *authorizer,
                                  apr_pool_t *p)
{
    return authorizer->key_slot ? jm_slot_get(authorizer->key_slot, p, NULL)
                                : authorizer->keys;
}

/* Signature, then payload, then policy: nothing of the payload is looked at
 * before the signature holds. */
static jm_verdict_e verify_with(jm_token_t *token, apr_pool_t *p,
                                const jm_jws_t *jws,
                                const jm_authorizer_t *authorizer,
                                const jm_verify_t *with)
{
    const jm_keyset_t *keys = keys_of(authorizer, p);
    const jm_key_t *key;
    jm_verdict_e verdict;

    if (!keys) {
        return JM_NO_KEYS;
    }
    verdict = jm_jws_verify(&key, p, jws, keys, authorizer->algs);
    if (verdict != JM_OK) {
        return verdict;
    }
    verdict = jm_jws_payload(&token->claims, p, jws);
    if (with->signature_only && verdict == JM_MALFORMED) {
        jm_str_t octets;    /* any may be signed, RFC 7515 section 5.2 */

        return jm_b64_decode(&octets, p, jws->payload) == APR_SUCCESS
               ? JM_OK : JM_MALFORMED;
    }
    if (verdict != JM_OK || with->signature_only) {
        return verdict;
    }
    return jm_claims_check(&authorizer->policy, key, jws->header,
                           token->claims, with->now, p);
}

jm_verdict_e jm_verify_token(jm_verified_t *verified, apr_pool_t *p,
                             jm_str_t text, const jm_verify_t *with)
{
    jm_token_t *token = apr_pcalloc(p, sizeof(*token));
    jm_verdict_e verdict;
    jm_jws_t jws;

    memset(verified, 0, sizeof(*verified));
    verified->authorizer = with->count == 1 ? with->authorizers[0] : NULL;
    verdict = jm_jws_parse(&jws, p, text);
    if (verdict != JM_OK) {
        return verdict;
    }
    verified->kid = jws.kid;
    verified->authorizer = choose_authorizer(p, &jws, with);
    if (!verified->authorizer) {
        return JM_ISSUER;
    }
    verdict = verify_with(token, p, &jws, verified->authorizer, with);
    if (verdict == JM_OK) {
        token->authorizer = verified->authorizer;
        token->jose = jws.header;
        verified->token = token;
    }
    return verdict;
}
