/*
 * cache.c: the cache of verified tokens: what it keeps, what it never
 * confuses, and that it changes nothing but speed. The part with threads is
 * for a thread sanitizer, too: see t/README.
 */
#include <apr_thread_proc.h>

#include "jm_cache.h"
#include "jm_json_block.h"
#include "jm_revoked.h"
#include "jm_slot.h"
#include "jm_verify.h"
#include "tokens.h"

#define THREADS 4
#define ROUNDS 20000           /* of each thread */
#define TOKENS 64              /* that they use */

static const jm_json_t *json(const char *text)
{
    const jm_json_t *root = NULL;

    if (jm_json_parse(&root, NULL, tap_pool, jm_str(text)) != APR_SUCCESS) {
        printf("Bail out! no JSON: %s\n", text);
        exit(2);
    }
    return root;
}

static jm_authorizer_t *authorizer_of(const char *issuer)
{
    jm_authorizer_t *a = apr_pcalloc(tap_pool, sizeof(*a));
    jm_str_t *issuers = apr_palloc(tap_pool, sizeof(*issuers));

    *issuers = jm_str(issuer);
    a->name = issuer;
    a->policy.issuers = issuers;
    a->policy.issuer_count = 1;
    return a;
}

static jm_choice_t only(const jm_authorizer_t *a)
{
    jm_choice_t choice = { apr_pmemdup(tap_pool, &a, sizeof(a)), 1, NULL };

    return choice;
}

static jm_cache_key_t key_of(const jm_cache_t *cache, const char *token)
{
    return jm_cache_key(cache, jm_str(token));
}

static void put_json(jm_cache_t *cache, const char *token,
                     const jm_authorizer_t *a, const jm_json_t *claims)
{
    jm_cached_t cached = { a, 1, { 10, 20 }, claims, claims, { NULL, 0 } };
    jm_cache_key_t key = key_of(cache, token);

    jm_cache_put(cache, &key, &cached);
}

static void put(jm_cache_t *cache, const char *token,
                const jm_authorizer_t *a, const char *claims)
{
    put_json(cache, token, a, json(claims));
}

/* The claims of a token, as text; "" if it is not there. */
static jm_str_t got(jm_cache_t *cache, apr_pool_t *p, const char *token,
                    const jm_choice_t *choice)
{
    jm_cache_key_t key = key_of(cache, token);
    const jm_cached_t *cached = jm_cache_get(cache, p, &key, choice);

    return cached ? jm_json_compact(p, cached->claims) : jm_str("");
}

/* --- keeping and finding --- */

/* 1 if neither node nor what is below it points out of a block. */
static int is_inside(const jm_json_t *node, const char *block,
                     apr_size_t size)
{
    const char *const pointers[] = { node->text.ptr, node->name.ptr,
                                     (const char *)node->parent,
                                     (const char *)node->items };
    unsigned i;

    for (i = 0; i < sizeof(pointers) / sizeof(*pointers); i++) {
        if (pointers[i]
            && (pointers[i] < block || pointers[i] >= block + size)) {
            return 0;
        }
    }
    for (i = 0; i < node->count; i++) {
        if (!is_inside(&node->items[i], block, size)) {
            return 0;
        }
    }
    return 1;
}

static void test_block(void)
{
    static const char text[] =
        "{\"a\":[1,[true,null,{}],\"x\\u0000y\"],\"\":{\"b\":-1.50e3},"
        "\"c\":\"\"}";
    const jm_json_t *node = json(text);
    apr_size_t size = jm_json_block_size(node);
    void *block = malloc(size);
    const jm_json_t *copy = jm_json_block_copy(block, node);

    ok(is_inside(copy, block, size), "a copied tree is one block");
    is_str(jm_json_compact(tap_pool, copy), jm_json_compact(tap_pool,
           node).ptr, "and says what the tree said");
    ok(copy->items[2].plain && copy->items[2].plain_name
       && !copy->items[0].items[2].plain, "and what is known of its texts");
    ok(!copy->parent && copy->items[0].parent == copy
       && jm_json_get(copy, jm_str("a"))->items[2].text.len == 3,
       "with its own parents, and NUL in a text");
    free(block);
}

static void test_entries(void)
{
    apr_pool_t *p = jm_slot_pool();
    apr_pool_t *reader = jm_slot_pool();
    jm_cache_t *cache = jm_cache_make(p, 1);
    jm_authorizer_t *a = authorizer_of("a");
    jm_authorizer_t *b = authorizer_of("b");
    jm_choice_t for_a = only(a);
    jm_choice_t for_b = only(b);
    const jm_authorizer_t *both[2] = { b, a };
    jm_choice_t for_both = { both, 2, jm_choice_issuers(tap_pool, both, 2) };
    jm_cache_key_t key = key_of(cache, "token");
    const jm_cached_t *held;
    jm_cache_stats_t stats;

    is_str(got(cache, p, "token", &for_a), "", "a new cache has nothing");
    put(cache, "token", a, "{\"iss\":\"a\",\"n\":1}");
    held = jm_cache_get(cache, reader, &key, &for_a);
    ok(held && held->authorizer == a && held->generation == 1
       && held->window.from == 10 && held->window.until == 20, "what was put is found");
    is_str(got(cache, p, "Token", &for_a), "", "another token is not");
    is_str(got(cache, p, "token", &for_b), "",
           "nor is it for another authorizer");
    is_str(got(cache, p, "token", &for_both), "{\"iss\":\"a\",\"n\":1}",
           "among several it is found for that of its issuer");
    put(cache, "token", a, "{\"iss\":\"a\",\"n\":2}");
    is_str(got(cache, p, "token", &for_a), "{\"iss\":\"a\",\"n\":2}",
           "a second put replaces the first");
    put(cache, "other", b, "{\"iss\":\"b\"}");
    is_str(got(cache, p, "token", &for_a), "",
           "the one place of this cache is taken by the next");
    is_str(got(cache, p, "other", &for_b), "{\"iss\":\"b\"}", "which is there");
    jm_cache_stats(&stats, cache);
    ok(stats.entries == 1 && stats.hits == 4 && stats.misses == 4
       && stats.busy == 0, "it counts");
    apr_pool_destroy(p);
    is_str(jm_json_compact(tap_pool, held->claims), "{\"iss\":\"a\",\"n\":1}",
           "who holds an entry keeps it, even past the cache");
    apr_pool_destroy(reader);
}

static void test_same_token(void)
{
    apr_pool_t *p = jm_slot_pool();
    jm_cache_t *cache = jm_cache_make(p, 8);
    jm_authorizer_t *a = authorizer_of("a");
    jm_authorizer_t *b = authorizer_of("a");
    jm_choice_t for_a = only(a);
    jm_choice_t for_b = only(b);

    put(cache, "token", a, "{\"iss\":\"a\",\"table\":1}");
    put(cache, "token", b, "{\"iss\":\"a\",\"table\":2}");
    is_str(got(cache, p, "token", &for_a), "{\"iss\":\"a\",\"table\":1}",
           "one token of two tables is two entries");
    is_str(got(cache, p, "token", &for_b), "{\"iss\":\"a\",\"table\":2}",
           "of which each table sees its own");
    apr_pool_destroy(p);
}

static void test_least_used(void)
{
    apr_pool_t *p = jm_slot_pool();
    jm_cache_t *cache = jm_cache_make(p, 8);
    jm_authorizer_t *a = authorizer_of("a");
    jm_choice_t choice = only(a);
    unsigned i;

    for (i = 0; i < 8; i++) {
        put(cache, apr_psprintf(p, "t%u", i), a, "{\"iss\":\"a\"}");
    }
    for (i = 0; i < 8; i++) {
        if (i != 3) {
            got(cache, p, apr_psprintf(p, "t%u", i), &choice);
        }
    }
    put(cache, "t8", a, "{\"iss\":\"a\"}");
    is_str(got(cache, p, "t3", &choice), "",
           "the one that was not asked for the longest makes room");
    for (i = 0; i < 9; i++) {
        if (i != 3 && !got(cache, p, apr_psprintf(p, "t%u", i),
                           &choice).len) {
            break;
        }
    }
    ok(i == 9, "and no other");
    apr_pool_destroy(p);
}

static void test_limits(void)
{
    apr_pool_t *p = jm_slot_pool();
    jm_cache_t *cache = jm_cache_make(p, JM_CACHE_ENTRIES_DEFAULT);
    jm_authorizer_t *a = authorizer_of("a");
    jm_choice_t choice = only(a);
    jm_cache_stats_t stats;
    const jm_json_t *claims = json("{\"iss\":\"a\"}");
    char text[16000];
    char name[32];
    unsigned i;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (i = 0; i < 20000; i++) {
        apr_snprintf(name, sizeof(name), "small %u", i);
        put_json(cache, name, a, claims);
    }
    jm_cache_stats(&stats, cache);
    ok(stats.entries > 4000 && stats.entries <= JM_CACHE_ENTRIES_DEFAULT,
       "20000 tokens leave %lu entries of 4096", stats.entries);
    memcpy(text, "{\"iss\":\"a\",\"x\":\"", 16);
    memcpy(text + 2000, "\"}", 3);
    claims = json(text);
    for (i = 0; i < 20000; i++) {
        apr_snprintf(name, sizeof(name), "large %u", i);
        put_json(cache, name, a, claims);
    }
    jm_cache_stats(&stats, cache);
    ok(stats.octets > JM_CACHE_OCTETS / 2 && stats.octets <= JM_CACHE_OCTETS,
       "20000 large ones leave %lu octets of 8 MiB", stats.octets);
    memset(text + 2000, 'x', 13990);
    memcpy(text + 15990, "\"}", 3);
    put(cache, "huge", a, text);
    is_str(got(cache, p, "huge", &choice), "",
           "what is over the share of a place is not kept");
    apr_pool_destroy(p);
}

/* --- with the verification --- */

#define ISSUED 1000
#define EXPIRES 2000

static void set_keys(jm_slot_t *slot, const char *secret)
{
    apr_pool_t *pool = jm_slot_pool();
    const jm_keyset_t *set;
    heard_t heard = { 0, 0, NULL, NULL };

    jm_keyset_secret(&set, pool, jm_str(secret), hear, &heard);
    jm_slot_set(slot, pool, set);
}

static void set_revoked(jm_slot_t *slot, const char *text)
{
    apr_pool_t *pool = jm_slot_pool();
    const jm_revoked_t *list;
    const char *error;

    jm_revoked_parse(&list, &error, pool, jm_str(text));
    jm_slot_set(slot, pool, list);
}

static jm_str_t signed_with(const char *secret, const char *payload)
{
    jm_mint_t *key;
    jm_str_t token;

    jm_mint_load_secret(&key, tap_pool, jm_str(secret));
    jm_mint_sign(&token, tap_pool, key, jm_alg_find(jm_str("HS256")),
                 jm_str("{\"alg\":\"HS256\",\"kid\":\"k1\"}"),
                 jm_str(payload));
    return token;
}

#define ONE "0123456789abcdef0123456789abcdef"
#define TWO "fedcba9876543210fedcba9876543210"

static struct {
    jm_authorizer_t *a;
    jm_cache_t *cache;
} gate;

/* The verdict, which is the same without the cache. */
static jm_verdict_e verify_at(jm_str_t token, apr_int64_t now)
{
    jm_verify_t with = { only(gate.a), now, 0, gate.cache, NULL, NULL };
    jm_verified_t cached, plain;
    jm_verdict_e verdict = jm_verify_token(&cached, tap_pool, token, &with);

    with.cache = NULL;
    if (jm_verify_token(&plain, tap_pool, token, &with) != verdict
        || plain.authorizer != cached.authorizer
        || !jm_str_eq(plain.kid, cached.kid)
        || (plain.token != NULL) != (verdict == JM_OK)
        || (cached.token != NULL) != (verdict == JM_OK)
        || (plain.token
            && (!jm_str_eq(jm_json_compact(tap_pool, plain.token->claims),
                           jm_json_compact(tap_pool, cached.token->claims))
                || !jm_str_eq(jm_json_compact(tap_pool, plain.token->jose),
                              jm_json_compact(tap_pool,
                                              cached.token->jose))))) {
        ok(0, "the cache changes nothing at %" APR_INT64_T_FMT, now);
    }
    return verdict;
}

static unsigned long hits(void)
{
    jm_cache_stats_t stats;

    jm_cache_stats(&stats, gate.cache);
    return stats.hits;
}

static unsigned long entries(void)
{
    jm_cache_stats_t stats;

    jm_cache_stats(&stats, gate.cache);
    return stats.entries;
}

static void test_verify(void)
{
    jm_str_t token = signed_with(ONE, "{\"iss\":\"a\",\"sub\":\"s\","
                                 "\"jti\":\"j\",\"iat\":1000,\"exp\":2000}");
    jm_str_t forged = signed_with(TWO, "{\"iss\":\"a\",\"sub\":\"s\","
                                  "\"jti\":\"j\",\"iat\":1000,"
                                  "\"exp\":2000}");
    jm_authorizer_t *a = authorizer_of("a");

    gate.a = a;
    gate.cache = jm_cache_make(tap_pool, 64);
    a->algs = ALGS_HS;
    a->policy.leeway = 10;
    a->policy.require_expiration = 1;
    a->key_slot = jm_slot_make(tap_pool);
    ok(verify_at(token, 1500) == JM_NO_KEYS, "an empty slot: no keys");
    set_keys(a->key_slot, ONE);
    ok(verify_at(forged, 1500) == JM_SIGNATURE && entries() == 0,
       "only what was verified enters");
    ok(verify_at(token, EXPIRES + 10) == JM_EXPIRED && entries() == 0,
       "what has expired does not");
    ok(verify_at(token, 1500) == JM_OK && hits() == 0 && entries() == 1,
       "a good token is verified");
    ok(verify_at(token, 1500) == JM_OK && hits() == 1, "once");
    ok(verify_at(forged, 1500) == JM_SIGNATURE && hits() == 1,
       "the same claims with another signature are another token");
    ok(verify_at(token, EXPIRES + 9) == JM_OK && hits() == 2,
       "the leeway counts on a hit");
    ok(verify_at(token, EXPIRES + 10) == JM_EXPIRED,
       "after it the token is refused, from the cache too");
    ok(verify_at(token, ISSUED - 10) == JM_OK
       && verify_at(token, ISSUED - 11) == JM_NOT_YET,
       "and before its time, if a clock is set back");
    ok(verify_at(token, 1500) == JM_OK, "it is good again in between");
}

static void test_rotation(void)
{
    jm_str_t token = signed_with(ONE, "{\"iss\":\"a\",\"sub\":\"s\","
                                 "\"jti\":\"j\",\"iat\":1000,\"exp\":2000}");
    jm_authorizer_t *a = gate.a;

    verify_at(token, 1500);
    set_keys(a->key_slot, TWO);
    ok(verify_at(token, 1500) == JM_SIGNATURE,
       "with its key a token goes, from the cache too");
    set_keys(a->key_slot, ONE);
    ok(verify_at(token, 1500) == JM_OK, "and comes back with it");
    jm_slot_set(a->key_slot, NULL, NULL);
    ok(verify_at(token, 1500) == JM_NO_KEYS, "without keys nothing holds");
    set_keys(a->key_slot, ONE);
}

static void test_revocation(void)
{
    static const char *const lists[] = {
        "jti:j", "sub:s", "iat<1001", "# one\n\nsid:x\njti:j\n"
    };
    jm_str_t token = signed_with(ONE, "{\"iss\":\"a\",\"sub\":\"s\","
                                 "\"jti\":\"j\",\"iat\":1000,\"exp\":2000}");
    jm_str_t undated = signed_with(ONE, "{\"iss\":\"a\",\"exp\":2000}");
    jm_authorizer_t *a = gate.a;
    unsigned long before = hits();
    unsigned i;

    a->revoked_slot = jm_slot_make(tap_pool);
    ok(verify_at(token, 1500) == JM_NO_KEYS,
       "without the list nobody passes");
    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        set_revoked(a->revoked_slot, "jti:other");
        ok(verify_at(token, 1500) == JM_OK
           && verify_at(token, 1500) == JM_OK, "who is not listed passes");
        set_revoked(a->revoked_slot, lists[i]);
        ok(verify_at(token, 1500) == JM_REVOKED, "who is listed is refused "
           "at once, from the cache too (list %u)", i);
    }
    ok(hits() > before + 4, "the cache was asked all the time");
    set_revoked(a->revoked_slot, "");
    ok(verify_at(token, 1500) == JM_OK && verify_at(undated, 1500) == JM_OK,
       "an empty list refuses nobody");
    set_revoked(a->revoked_slot, "iat<1");
    ok(verify_at(token, 1500) == JM_OK
       && verify_at(undated, 1500) == JM_REVOKED,
       "iat< refuses who has no iat");
    a->revoked_slot = NULL;
}

static void test_signature_only(void)
{
    jm_str_t token = signed_with(ONE, "{\"iss\":\"elsewhere\"}");
    jm_verify_t with = { only(gate.a), 1500, 1, gate.cache, NULL, NULL };
    unsigned long before = entries();
    jm_verified_t verified;

    ok(jm_verify_token(&verified, tap_pool, token, &with) == JM_OK
       && entries() == before, "what only the signature vouches for does "
       "not enter");
    with.signature_only = 0;
    ok(jm_verify_token(&verified, tap_pool, token, &with) == JM_ISSUER,
       "and is refused by the policy afterwards");
}

/* --- threads --- */

typedef struct worker_t {
    jm_cache_t *cache;
    const jm_authorizer_t *a;
    jm_cache_key_t keys[TOKENS];
    const jm_json_t *jose;
    const jm_json_t *claims[TOKENS];
    unsigned random;
    unsigned broken;
} worker_t;

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    worker_t *w = baton;
    jm_choice_t choice = { &w->a, 1, NULL };
    unsigned i;

    (void)thread;
    for (i = 0; i < ROUNDS; i++) {
        apr_pool_t *p = jm_slot_pool();
        const jm_cached_t *cached;
        unsigned n;

        w->random = w->random * 1103515245u + 12345u;
        n = (w->random >> 16) % TOKENS;
        cached = jm_cache_get(w->cache, p, &w->keys[n], &choice);
        if (!cached) {
            jm_cached_t fresh = { w->a, n, { 0, 1 }, w->jose, w->claims[n],
                                  { NULL, 0 } };

            jm_cache_put(w->cache, &w->keys[n], &fresh);
        }
        else if (cached->generation != n
                 || !jm_str_eq(jm_json_get(cached->claims,
                                           jm_str("n"))->text,
                               jm_json_get(w->claims[n],
                                           jm_str("n"))->text)) {
            w->broken++;
        }
        apr_pool_destroy(p);
    }
    return NULL;
}

static void test_threads(void)
{
    apr_pool_t *owner = jm_slot_pool();
    jm_cache_t *cache = jm_cache_make(owner, 16);
    const jm_authorizer_t *a = authorizer_of("a");
    worker_t *workers = apr_pcalloc(tap_pool, THREADS * sizeof(*workers));
    apr_thread_t *threads[THREADS];
    jm_cache_stats_t stats;
    unsigned broken = 0;
    apr_status_t rv;
    unsigned i, n;

    for (i = 0; i < THREADS; i++) {
        worker_t *w = &workers[i];

        w->cache = cache;
        w->a = a;
        w->random = i;
        w->jose = json("{\"alg\":\"HS256\"}");
        for (n = 0; n < TOKENS; n++) {
            const char *text = apr_psprintf(tap_pool,
                                            "{\"iss\":\"a\",\"n\":%u}", n);

            w->keys[n] = key_of(cache, text);
            w->claims[n] = json(text);
        }
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_create(&threads[i], NULL, work, &workers[i], tap_pool);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
        broken += workers[i].broken;
    }
    jm_cache_stats(&stats, cache);
    ok(broken == 0, "%u threads find what belongs to their tokens", THREADS);
    ok(stats.hits > 0 && stats.entries <= 16
       && stats.hits + stats.misses + stats.busy >= THREADS * ROUNDS,
       "no lookup is lost: %lu hits, %lu misses, %lu busy", stats.hits,
       stats.misses, stats.busy);
    apr_pool_destroy(owner);
}

int main(void)
{
    keys_start();
    test_block();
    test_entries();
    test_same_token();
    test_least_used();
    test_limits();
    test_verify();
    test_rotation();
    test_revocation();
    test_signature_only();
    test_threads();
    return tap_done();
}
