/*
 * jm_cache.h: tokens that were verified, of one process. Bounded in entries
 * and octets, constant in time; a thread never waits for another: if a place
 * is busy, nothing is found there and nothing kept. It does not know whether
 * a token still holds: whoever takes one out looks at its generation, its
 * times and the revocations.
 */
#ifndef JM_CACHE_H
#define JM_CACHE_H

#include "jm.h"
#include "jm_choice.h"
#include "jm_claims.h"
#include "jm_note.h"

#define JM_CACHE_OCTETS (8 << 20)     /* what all entries together may take,
                                       * with what malloc takes for them */
#define JM_CACHE_ENTRIES_DEFAULT 4096 /* a count */
#define JM_CACHE_ENTRIES_MAX 8192     /* more do not fit into the octets */

typedef struct jm_cache_t jm_cache_t;

/* A verified token. */
typedef struct jm_cached_t {
    const jm_authorizer_t *authorizer; /* that verified it */
    apr_uint32_t generation;   /* of the keys that it was verified with; 0:
                                * they are for good */
    jm_window_t window;        /* when its times hold */
    const jm_json_t *jose;
    const jm_json_t *claims;
    jm_notes_t notes;          /* of the claims; made when it is kept */
} jm_cached_t;

/* A whole token, borrowed: no two are taken for one another. */
typedef struct jm_cache_key_t {
    jm_str_t token;
    apr_uint64_t hash;         /* of it and of a secret of the cache */
} jm_cache_key_t;

/* Totals since the cache was made; may be a little behind. */
typedef struct jm_cache_stats_t {
    unsigned long hits;        /* found; it may not have held any more */
    unsigned long misses;
    unsigned long busy;        /* not looked for, or not kept */
    unsigned long entries;     /* now */
    unsigned long octets;      /* now */
} jm_cache_stats_t;

/* A new cache for that many entries (1 to JM_CACHE_ENTRIES_MAX, rounded down
 * to a multiple of 8 where it is more than 8). Owned by p, which must go
 * before the tables whose authorizers are cached. NULL: no memory. */
jm_cache_t *jm_cache_make(apr_pool_t *p, unsigned entries);

/* The key of a token, for this cache only. */
jm_cache_key_t jm_cache_key(const jm_cache_t *cache, jm_str_t token);

/* The token of that key as its authorizer among choice verified it, or NULL.
 * Valid until p is cleared, whatever becomes of the entry. */
const jm_cached_t *jm_cache_get(jm_cache_t *cache, apr_pool_t *p,
                                const jm_cache_key_t *key,
                                const jm_choice_t *choice);

/* Keeps a copy, in place of one of the same key and authorizer, or of those
 * that were not asked for the longest. May keep nothing. */
void jm_cache_put(jm_cache_t *cache, const jm_cache_key_t *key,
                  const jm_cached_t *cached);

void jm_cache_stats(jm_cache_stats_t *stats, const jm_cache_t *cache);

#endif
