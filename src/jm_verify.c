/*
 * jm_verify.c: one token, in order: cache, choice of the authorizer,
 * signature, payload, policy, revocation. Touches the pool and the cache that
 * it is given.
 */
#include "jm_verify.h"

#include "jm_b64.h"
#include "jm_json.h"
#include "jm_jws.h"
#include "jm_revoked.h"
#include "jm_slot.h"

/* One run of jm_verify_token. */
typedef struct run_t {
    apr_pool_t *p;
    const jm_verify_t *with;
    jm_cache_t *cache;         /* NULL: this token is not for it */
    jm_cache_key_t key;
    const jm_keyset_t *keys;   /* that were used; NULL: there are none */
    apr_uint32_t generation;   /* of them */
    jm_window_t window;        /* when the times of token hold */
    jm_token_t *token;
} run_t;

/* --- what changes while the table does not --- */

/* The keys as they are now, for as long as p; NULL: there are none. */
static const jm_keyset_t *keys_of(apr_uint32_t *pgeneration,
                                  const jm_authorizer_t *authorizer,
                                  apr_pool_t *p)
{
    *pgeneration = 0;
    return authorizer->key_slot ? jm_slot_get(authorizer->key_slot, p,
                                              pgeneration)
                                : authorizer->keys;
}

/* A list is never skipped: where it is lost nobody passes. */
static jm_verdict_e check_revoked(const jm_authorizer_t *authorizer,
                                  const jm_json_t *claims, apr_pool_t *p)
{
    const jm_revoked_t *list;

    if (!authorizer->revoked_slot) {
        return JM_OK;
    }
    list = jm_slot_get(authorizer->revoked_slot, p, NULL);
    if (!list) {
        return JM_NO_KEYS;
    }
    return jm_revoked_has(list, claims) ? JM_REVOKED : JM_OK;
}

/* --- the cache --- */

/* 1 if what was verified once would be again: with the same keys, at this
 * time. */
static int still_holds(const jm_cached_t *cached, apr_int64_t now)
{
    const jm_authorizer_t *authorizer = cached->authorizer;

    return now >= cached->window.from && now < cached->window.until
           && (!authorizer->key_slot
               || jm_slot_generation(authorizer->key_slot)
                  == cached->generation);
}

static jm_str_t kid_of(const jm_json_t *jose)
{
    const jm_json_t *kid = jm_json_get(jose, jm_str("kid"));

    return kid ? kid->text : jm_strn(NULL, 0);
}

/* JM_OK, JM_REVOKED, or JM_INTERNAL: it has to be verified. */
static jm_verdict_e from_cache(jm_verified_t *verified, run_t *run)
{
    const jm_cached_t *cached = jm_cache_get(run->cache, run->p, &run->key,
                                             &run->with->choice);
    jm_verdict_e verdict;

    if (!cached || !still_holds(cached, run->with->now)) {
        return JM_INTERNAL;
    }
    verdict = check_revoked(cached->authorizer, cached->claims, run->p);
    verified->cached = 1;
    verified->authorizer = cached->authorizer;
    verified->kid = kid_of(cached->jose);
    if (verdict == JM_OK) {
        run->token->authorizer = cached->authorizer;
        run->token->jose = cached->jose;
        run->token->claims = cached->claims;
        run->token->notes = cached->notes;
        verified->token = run->token;
    }
    return verdict;
}

static void into_cache(const run_t *run)
{
    const jm_token_t *token = run->token;
    jm_cached_t cached;

    cached.authorizer = token->authorizer;
    cached.generation = run->generation;
    cached.jose = token->jose;
    cached.claims = token->claims;
    cached.window = run->window;
    jm_cache_put(run->cache, &run->key, &cached);
}

/* --- verification --- */

/* Any octets may be signed, RFC 7515 section 5.2. */
static jm_verdict_e payload_of(const jm_json_t **pclaims, const run_t *run,
                               const jm_jws_t *jws)
{
    jm_verdict_e verdict = jm_jws_payload(pclaims, run->p, jws);

    return run->with->signature_only && verdict == JM_MALFORMED ? JM_OK
                                                                : verdict;
}

/* 1 if it is whole, as far as that can be said without a key. Nothing that
 * the payload says counts. */
static int is_whole(const run_t *run, const jm_jws_t *jws)
{
    const jm_json_t *claims;

    return jm_jws_may_hold(jws) && jm_b64_is_valid(jws->payload)
           && payload_of(&claims, run, jws) == JM_OK;
}

/* What can be said of a token without keys: one that no key would serve is
 * no reason to wait for them. */
static jm_verdict_e verify_without(const run_t *run, const jm_jws_t *jws,
                                   const jm_authorizer_t *authorizer)
{
    if (authorizer->algs && !(authorizer->algs & jws->alg->bit)) {
        return JM_ALGORITHM;
    }
    return is_whole(run, jws) ? JM_NO_KEYS : JM_MALFORMED;
}

/* Signature, then payload, then policy, then revocation: nothing of the
 * payload is looked at before the signature holds. */
static jm_verdict_e verify_with(run_t *run, const jm_jws_t *jws,
                                const jm_authorizer_t *authorizer)
{
    jm_token_t *token = run->token;
    const jm_key_t *key;
    jm_verdict_e verdict;

    run->keys = keys_of(&run->generation, authorizer, run->p);
    if (!run->keys) {
        return verify_without(run, jws, authorizer);
    }
    verdict = jm_jws_verify(&key, run->p, jws, run->keys, authorizer->algs);
    if (verdict == JM_OK) {
        verdict = payload_of(&token->claims, run, jws);
    }
    if (verdict != JM_OK || run->with->signature_only) {
        return verdict;
    }
    verdict = jm_claims_check(&run->window, &authorizer->policy, key,
                              jws->header, token->claims, run->with->now);
    if (verdict == JM_OK) {
        verdict = check_revoked(authorizer, token->claims, run->p);
    }
    return verdict;
}

/* 1 if newer keys might serve the token: there are none, or none has its kid
 * (the new one may be of an algorithm that none here is of). */
static int needs_keys(const run_t *run, const jm_jws_t *jws,
                      const jm_authorizer_t *authorizer,
                      jm_verdict_e verdict)
{
    if (verdict == JM_NO_KEYS) {
        return 1;
    }
    return (verdict == JM_KEY || verdict == JM_ALGORITHM) && run->keys
           && (authorizer->algs & jws->alg->bit)
           && jws->has_kid && run->keys->match_kid
           && !apr_hash_get(run->keys->kids, jws->kid.ptr,
                            (apr_ssize_t)jws->kid.len)
           && is_whole(run, jws);
}

/* Verifies, and once more if newer keys can be had. */
static jm_verdict_e verify_fresh(run_t *run, const jm_jws_t *jws,
                                 const jm_authorizer_t *authorizer)
{
    const jm_verify_t *with = run->with;
    jm_verdict_e verdict = verify_with(run, jws, authorizer);

    if (!with->refresh || !authorizer->remote
        || !needs_keys(run, jws, authorizer, verdict)) {
        return verdict;
    }
    with->refresh(with->refresh_baton, authorizer, verdict != JM_NO_KEYS);
    return jm_slot_generation(authorizer->key_slot) == run->generation
           ? verdict : verify_with(run, jws, authorizer);
}

static jm_verdict_e verify(jm_verified_t *verified, run_t *run,
                           jm_str_t text)
{
    const jm_choice_t *choice = &run->with->choice;
    jm_str_t issuer = { NULL, 0 };
    jm_verdict_e verdict;
    jm_jws_t jws;

    verified->authorizer = choice->count == 1 ? choice->list[0] : NULL;
    verdict = jm_jws_parse(&jws, run->p, text);
    if (verdict != JM_OK) {
        return verdict;
    }
    verified->kid = jws.kid;
    if (choice->count > 1) {
        issuer = jm_jws_unverified_issuer(run->p, &jws);
    }
    verified->authorizer = jm_choice_of(choice, issuer);
    if (!verified->authorizer) {
        return JM_ISSUER;
    }
    verdict = verify_fresh(run, &jws, verified->authorizer);
    if (verdict == JM_OK) {
        run->token->authorizer = verified->authorizer;
        run->token->jose = jws.header;
        verified->token = run->token;
    }
    return verdict;
}

jm_verdict_e jm_verify_token(jm_verified_t *verified, apr_pool_t *p,
                             jm_str_t text, const jm_verify_t *with)
{
    run_t run = { .p = p, .with = with };
    jm_verdict_e verdict;

    memset(verified, 0, sizeof(*verified));
    run.token = apr_pcalloc(p, sizeof(*run.token));
    if (with->cache && !with->signature_only && text.len <= JM_TOKEN_MAX) {
        run.cache = with->cache;
        run.key = jm_cache_key(with->cache, text);
        verdict = from_cache(verified, &run);
        if (verdict != JM_INTERNAL) {
            return verdict;
        }
    }
    verdict = verify(verified, &run, text);
    if (verdict == JM_OK && run.cache) {
        into_cache(&run);
    }
    return verdict;
}
