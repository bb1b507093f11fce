/*
 * jm_slot.h: a place for something immutable that is replaced while requests
 * read it: a key set, a revocation list. Every snapshot lives in a pool of
 * its own with a count of its readers. Safe on threads; a lock is held for a
 * few instructions only, and never across processes: each child of a fork has
 * a slot of its own, with what was in it at the time of the fork.
 */
#ifndef JM_SLOT_H
#define JM_SLOT_H

#include "jm.h"

/* A new slot, empty, generation 0. The slot is owned by p; with p goes its
 * hold on the snapshot that it has then. NULL: out of memory. */
jm_slot_t *jm_slot_make(apr_pool_t *p);

/* A pool for a snapshot: without parent, with an allocator of its own, so
 * that any thread may end it. NULL: out of memory. */
apr_pool_t *jm_slot_pool(void);

/* Puts data, which lives in pool (of jm_slot_pool), into the slot, as a new
 * generation. Takes pool over: it is destroyed, by whatever thread that is,
 * once the snapshot was replaced and its last reader is gone. Both NULL: the
 * slot is empty then. */
void jm_slot_set(jm_slot_t *slot, apr_pool_t *pool, const void *data);

/* What is in the slot, valid until p is cleared; NULL: it is empty.
 * *pgeneration (NULL: not wanted) is the generation it belongs to. */
const void *jm_slot_get(jm_slot_t *slot, apr_pool_t *p,
                        apr_uint32_t *pgeneration);

/* The generation of what is in the slot now: how often it was set. */
apr_uint32_t jm_slot_generation(const jm_slot_t *slot);

#endif
