/*
 * jm_slot.c: snapshots with a count of readers. Touches the slot and the
 * pools of its snapshots. The counts are the compiler's atomics and not
 * APR's, which a thread sanitizer cannot see into.
 */
#include "jm_slot.h"

#include <apr_allocator.h>
#include <apr_thread_mutex.h>

typedef struct snapshot_t {
    apr_pool_t *pool;          /* that this and data live in */
    const void *data;
    unsigned readers;          /* the slot is one of them */
} snapshot_t;

struct jm_slot_t {
    apr_thread_mutex_t *lock;  /* around the choice of the snapshot and its
                                * first count */
    snapshot_t *current;       /* NULL: empty */
    apr_uint32_t generation;
};

static apr_status_t release(void *baton)
{
    snapshot_t *snapshot = baton;

    if (snapshot && __atomic_sub_fetch(&snapshot->readers, 1,
                                       __ATOMIC_ACQ_REL) == 0) {
        apr_pool_destroy(snapshot->pool);
    }
    return APR_SUCCESS;
}

static apr_status_t end_slot(void *baton)
{
    jm_slot_t *slot = baton;

    release(slot->current);
    slot->current = NULL;
    return APR_SUCCESS;
}

jm_slot_t *jm_slot_make(apr_pool_t *p)
{
    jm_slot_t *slot = apr_pcalloc(p, sizeof(*slot));

    if (apr_thread_mutex_create(&slot->lock, APR_THREAD_MUTEX_DEFAULT, p)
        != APR_SUCCESS) {
        return NULL;
    }
    apr_pool_cleanup_register(p, slot, end_slot, apr_pool_cleanup_null);
    return slot;
}

apr_pool_t *jm_slot_pool(void)
{
    apr_pool_t *pool;

    return apr_pool_create_unmanaged_ex(&pool, NULL, NULL) == APR_SUCCESS
           ? pool : NULL;
}

void jm_slot_set(jm_slot_t *slot, apr_pool_t *pool, const void *data)
{
    snapshot_t *snapshot = NULL;
    snapshot_t *former;

    if (pool) {
        snapshot = apr_palloc(pool, sizeof(*snapshot));
        snapshot->pool = pool;
        snapshot->data = data;
        snapshot->readers = 1;
    }
    apr_thread_mutex_lock(slot->lock);
    former = slot->current;
    slot->current = snapshot;
    __atomic_add_fetch(&slot->generation, 1, __ATOMIC_RELEASE);
    apr_thread_mutex_unlock(slot->lock);
    release(former);
}

const void *jm_slot_get(jm_slot_t *slot, apr_pool_t *p,
                        apr_uint32_t *pgeneration)
{
    snapshot_t *snapshot;
    apr_uint32_t generation;

    apr_thread_mutex_lock(slot->lock);
    snapshot = slot->current;
    generation = slot->generation;
    if (snapshot) {
        __atomic_add_fetch(&snapshot->readers, 1, __ATOMIC_RELAXED);
    }
    apr_thread_mutex_unlock(slot->lock);
    if (pgeneration) {
        *pgeneration = generation;
    }
    if (!snapshot) {
        return NULL;
    }
    apr_pool_cleanup_register(p, snapshot, release, apr_pool_cleanup_null);
    return snapshot->data;
}

apr_uint32_t jm_slot_generation(const jm_slot_t *slot)
{
    return __atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE);
}
