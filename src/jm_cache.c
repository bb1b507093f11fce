/*
 * jm_cache.c: a set-associative array. A key belongs into one set of WAYS
 * entries, which has a lock that is only ever tried, TRIES times. An entry is
 * one block of memory with a count of readers: whoever is the last one frees
 * it. The atomics are the compiler's, which a thread sanitizer sees into.
 */
#include "jm_cache.h"

#include <stdlib.h>

#include <openssl/rand.h>

#include "jm_json_block.h"

#define WAYS 8
#define TRIES 200
#define FOR_SETS (JM_CACHE_OCTETS / 16 * 15) /* malloc needs the rest */
#define HASHED 32              /* octets of a token that its hash is made of */
#define MULTIPLIER 0x9E3779B97F4A7C15u    /* odd, 2^64 / golden ratio */

typedef struct entry_t {
    jm_cached_t cached;        /* its JSON is in the same block, */
    jm_cache_key_t key;        /* and so is its token */
    jm_str_t issuer;           /* iss of the claims */
    apr_size_t size;           /* octets of the block */
    unsigned readers;          /* the cache is one of them */
} entry_t;

typedef struct set_t {
    unsigned busy;             /* the lock */
    unsigned tick;             /* counts uses: the time of the set */
    apr_size_t octets;         /* of all its entries */
    struct {
        entry_t *entry;        /* NULL: free */
        unsigned used;         /* tick of its last use */
    } ways[WAYS];
} set_t;

struct jm_cache_t {
    apr_uint64_t secret;       /* so that nobody knows who shares a set */
    set_t *sets;
    unsigned set_count;
    unsigned ways;             /* in use, of each set */
    apr_size_t octets;         /* that one set may hold */
    jm_cache_stats_t stats;
};

/* --- entries --- */

static apr_status_t release(void *baton)
{
    entry_t *entry = baton;

    if (__atomic_sub_fetch(&entry->readers, 1, __ATOMIC_ACQ_REL) == 0) {
        free(entry);
    }
    return APR_SUCCESS;
}

static jm_str_t issuer_of(const jm_json_t *claims)
{
    const jm_json_t *iss = jm_json_get(claims, jm_str("iss"));

    return iss && iss->type == JM_JSON_STRING ? iss->text : jm_strn(NULL, 0);
}

static entry_t *entry_make(const jm_cache_key_t *key,
                           const jm_cached_t *cached, apr_size_t limit)
{
    apr_size_t jose = jm_json_block_size(cached->jose);
    apr_size_t claims = jm_json_block_size(cached->claims);
    apr_size_t notes = jm_notes_size(cached->claims);
    apr_size_t size = sizeof(entry_t) + jose + claims + notes
                      + key->token.len;
    entry_t *entry = size <= limit ? malloc(size) : NULL;
    jm_cached_t *copy;
    char *at;

    if (!entry) {
        return NULL;
    }
    at = (char *)(entry + 1);
    copy = &entry->cached;
    *copy = *cached;
    copy->jose = jm_json_block_copy(at, cached->jose);
    at += jose;
    copy->claims = jm_json_block_copy(at, cached->claims);
    at += claims;
    copy->notes = jm_notes_make(at, copy->claims);
    at += notes;
    entry->key.hash = key->hash;
    entry->key.token = jm_strn(memcpy(at, key->token.ptr, key->token.len),
                               key->token.len);
    entry->issuer = issuer_of(copy->claims);
    entry->size = size;
    entry->readers = 1;
    return entry;
}

/* The hash first: nobody learns by the time that it takes how much of a token
 * was guessed, without its last HASHED octets. */
static int entry_is(const entry_t *entry, const jm_cache_key_t *key)
{
    return entry && entry->key.hash == key->hash
           && jm_str_eq(entry->key.token, key->token);
}

/* --- sets --- */

static void count(unsigned long *number, unsigned long step)
{
    __atomic_add_fetch(number, step, __ATOMIC_RELAXED);
}

/* The set of a key, locked; NULL: it is busy, also after TRIES looks, which
 * take less than the verification that is spared: it is held for the time of a
 * comparison, unless its holder lost the processor. */
static set_t *set_take(jm_cache_t *cache, const jm_cache_key_t *key)
{
    set_t *set = &cache->sets[key->hash % cache->set_count];
    unsigned i;

    for (i = 0; i < TRIES; i++) {
        if (!__atomic_load_n(&set->busy, __ATOMIC_RELAXED)
            && !__atomic_exchange_n(&set->busy, 1, __ATOMIC_ACQUIRE)) {
            return set;
        }
    }
    count(&cache->stats.busy, 1);
    return NULL;
}

static void set_leave(set_t *set)
{
    __atomic_store_n(&set->busy, 0, __ATOMIC_RELEASE);
}

/* The entry of a key, with a reader more; NULL: there is none. */
static entry_t *set_find(set_t *set, const jm_cache_key_t *key,
                         const jm_choice_t *choice)
{
    unsigned i;

    for (i = 0; i < WAYS; i++) {
        entry_t *entry = set->ways[i].entry;

        if (entry_is(entry, key)
            && jm_choice_of(choice, entry->issuer)
               == entry->cached.authorizer) {
            set->ways[i].used = ++set->tick;
            __atomic_add_fetch(&entry->readers, 1, __ATOMIC_RELAXED);
            return entry;
        }
    }
    return NULL;
}

static void way_clear(jm_cache_t *cache, set_t *set, unsigned way)
{
    entry_t *entry = set->ways[way].entry;

    if (entry) {
        set->octets -= entry->size;
        count(&cache->stats.entries, 0ul - 1);
        count(&cache->stats.octets, 0ul - entry->size);
        set->ways[way].entry = NULL;
        release(entry);
    }
}

/* How long ago a way was used, in ticks, which may have wrapped around; a
 * free one is the oldest of all. */
static unsigned way_age(const set_t *set, unsigned way)
{
    return set->ways[way].entry ? set->tick - set->ways[way].used : ~0u;
}

static unsigned oldest_way(const jm_cache_t *cache, const set_t *set,
                           int in_use)
{
    unsigned oldest = 0;
    unsigned i;

    for (i = 1; i < cache->ways; i++) {
        if (in_use && !set->ways[i].entry) {
            continue;
        }
        if ((in_use && !set->ways[oldest].entry)
            || way_age(set, i) > way_age(set, oldest)) {
            oldest = i;
        }
    }
    return oldest;
}

/* Makes room for entry, which fits into an empty set, and puts it there. */
static void set_put(jm_cache_t *cache, set_t *set, entry_t *entry)
{
    unsigned i;

    for (i = 0; i < cache->ways; i++) {
        const entry_t *other = set->ways[i].entry;

        if (entry_is(other, &entry->key)
            && other->cached.authorizer == entry->cached.authorizer) {
            way_clear(cache, set, i);
        }
    }
    while (set->octets + entry->size > cache->octets) {
        way_clear(cache, set, oldest_way(cache, set, 1));
    }
    i = oldest_way(cache, set, 0);
    way_clear(cache, set, i);
    set->ways[i].entry = entry;
    set->ways[i].used = ++set->tick;
    set->octets += entry->size;
    count(&cache->stats.entries, 1);
    count(&cache->stats.octets, entry->size);
}

/* --- the cache --- */

static apr_status_t end_cache(void *baton)
{
    jm_cache_t *cache = baton;
    unsigned i;
    unsigned k;

    for (i = 0; i < cache->set_count; i++) {
        for (k = 0; k < WAYS; k++) {
            way_clear(cache, &cache->sets[i], k);
        }
    }
    return APR_SUCCESS;
}

jm_cache_t *jm_cache_make(apr_pool_t *p, unsigned entries)
{
    jm_cache_t *cache = apr_pcalloc(p, sizeof(*cache));

    if (RAND_bytes((unsigned char *)&cache->secret, sizeof(cache->secret))
        != 1) {
        return NULL;
    }
    cache->ways = entries < WAYS ? entries : WAYS;
    cache->set_count = entries / cache->ways;
    cache->sets = apr_pcalloc(p, cache->set_count * sizeof(set_t));
    cache->octets = FOR_SETS / cache->set_count - sizeof(set_t);
    apr_pool_cleanup_register(p, cache, end_cache, apr_pool_cleanup_null);
    return cache;
}

/* The end of a token is that of its signature, which is as good as random. */
jm_cache_key_t jm_cache_key(const jm_cache_t *cache, jm_str_t token)
{
    jm_cache_key_t key = { token, cache->secret };
    apr_size_t at = token.len > HASHED ? token.len - HASHED : 0;

    while (at < token.len) {
        apr_uint64_t word = 0;
        apr_size_t len = token.len - at < sizeof(word) ? token.len - at
                                                       : sizeof(word);

        memcpy(&word, token.ptr + at, len);
        key.hash = (key.hash ^ word) * MULTIPLIER;
        key.hash ^= key.hash >> 32;
        at += len;
    }
    return key;
}

const jm_cached_t *jm_cache_get(jm_cache_t *cache, apr_pool_t *p,
                                const jm_cache_key_t *key,
                                const jm_choice_t *choice)
{
    set_t *set = set_take(cache, key);
    entry_t *entry;

    if (!set) {
        return NULL;
    }
    entry = set_find(set, key, choice);
    set_leave(set);
    if (!entry) {
        count(&cache->stats.misses, 1);
        return NULL;
    }
    count(&cache->stats.hits, 1);
    apr_pool_cleanup_register(p, entry, release, apr_pool_cleanup_null);
    return &entry->cached;
}

void jm_cache_put(jm_cache_t *cache, const jm_cache_key_t *key,
                  const jm_cached_t *cached)
{
    entry_t *entry = entry_make(key, cached, cache->octets);
    set_t *set;

    if (!entry) {
        return;
    }
    set = set_take(cache, key);
    if (!set) {
        release(entry);
        return;
    }
    set_put(cache, set, entry);
    set_leave(set);
}

void jm_cache_stats(jm_cache_stats_t *stats, const jm_cache_t *cache)
{
    stats->hits = __atomic_load_n(&cache->stats.hits, __ATOMIC_RELAXED);
    stats->misses = __atomic_load_n(&cache->stats.misses, __ATOMIC_RELAXED);
    stats->busy = __atomic_load_n(&cache->stats.busy, __ATOMIC_RELAXED);
    stats->entries = __atomic_load_n(&cache->stats.entries,
                                     __ATOMIC_RELAXED);
    stats->octets = __atomic_load_n(&cache->stats.octets, __ATOMIC_RELAXED);
}
