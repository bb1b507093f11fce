/*
 * jm_httpd_remote_child.c: fetched key sets in each child, as User: reading
 * what the one that fetches wrote, and the requests that wait for it. Reads
 * the state directory; touches the slots of the authorizers and, of the shared
 * counters, `wanted` and `told`.
 */
#include <apr_time.h>

#include "jm_httpd_remote.h"

#include "jm_httpd_state.h"
#include "jm_slot.h"

APLOG_USE_MODULE(jwtmap);

#define WAIT_MS 2000       /* milliseconds that a request waits for keys */
#define WAIT_STEP_MS 10
#define WAITERS_MAX 8      /* requests of a child that wait for a kid */
#define RETRY_AFTER 10     /* seconds, for keys that are not fetched */

/* --- what a child has --- */

static void forget(jm_reader_t *reader)
{
    jm_slot_set(reader->authorizer->key_slot, NULL, NULL);
    reader->until = 0;
}

/* Each authorizer's slot owns its keys. */
static void fill(const jm_remotes_t *remotes, jm_reader_t *reader,
                 apr_pool_t *ptemp, const jm_snapshot_t *snapshot)
{
    apr_int64_t now = apr_time_sec(apr_time_now());
    apr_int64_t until = jm_snapshot_usable_until(
        snapshot, reader->authorizer->remote, now);
    apr_pool_t *pool = until > now ? jm_slot_pool() : NULL;
    const jm_keyset_t *keys;
    const char *error = "it is too old";

    if (pool && jm_remote_keys(&keys, &error, NULL, pool, ptemp,
                               snapshot->answer) == APR_SUCCESS) {
        jm_slot_set(reader->authorizer->key_slot, pool, keys);
        reader->until = until;
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, remotes->server, "authorizer %s: "
                 "the snapshot of its keys is not used: %s",
                 reader->authorizer->name, error);
    if (pool) {
        apr_pool_destroy(pool);
    }
}

/* Reads the snapshot of a set. Under lock. */
static void load(const jm_remotes_t *remotes, jm_set_t *set)
{
    apr_pool_t *scratch = jm_slot_pool();
    jm_snapshot_t snapshot;
    apr_status_t rv;
    int i;

    if (!scratch) {
        return;
    }
    rv = jm_state_read(&snapshot, scratch, remotes->dir, &set->remote);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, remotes->server, "the "
                     "snapshot %s.jwks in %s is not used", set->remote.id,
                     remotes->dir);
    }
    for (i = 0; rv == APR_SUCCESS && i < set->readers->nelts; i++) {
        fill(remotes, &APR_ARRAY_IDX(set->readers, i, jm_reader_t),
             scratch, &snapshot);
    }
    apr_pool_destroy(scratch);
}

/* Loads a snapshot that is newer than what this child has: 1. */
static int pick_up(jm_remotes_t *remotes, jm_set_t *set)
{
    apr_uint32_t good = jm_cell_get(&set->cell->good);
    int is_new;

    apr_thread_mutex_lock(remotes->lock);
    is_new = (apr_int32_t)(good - set->loaded) > 0;
    if (is_new) {
        set->loaded = good;
        load(remotes, set);
    }
    apr_thread_mutex_unlock(remotes->lock);
    return is_new;
}

/* One child says it aloud, of as many as there are. */
static void log_stale(const jm_remotes_t *remotes, const jm_set_t *set,
                      const jm_reader_t *reader)
{
    apr_uint32_t told = jm_cell_get(&set->cell->good) + 1;
    int is_first = __atomic_exchange_n(&set->cell->told, told,
                                       __ATOMIC_ACQ_REL) != told;

    ap_log_error(APLOG_MARK, is_first ? APLOG_ERR : APLOG_INFO, 0,
                 remotes->server, "authorizer %s: its keys are older than "
                 "stale_grace permits, and are used no more",
                 reader->authorizer->name);
}

static void drop_stale(jm_remotes_t *remotes, jm_set_t *set)
{
    apr_int64_t now = apr_time_sec(apr_time_now());
    int i;

    apr_thread_mutex_lock(remotes->lock);
    for (i = 0; i < set->readers->nelts; i++) {
        jm_reader_t *reader = &APR_ARRAY_IDX(set->readers, i, jm_reader_t);

        if (reader->until && reader->until <= now) {
            forget(reader);
            log_stale(remotes, set, reader);
        }
    }
    apr_thread_mutex_unlock(remotes->lock);
}

apr_status_t jm_remotes_look(int state, void *data, apr_pool_t *pool)
{
    jm_remotes_t *remotes = data;
    int i;

    (void)pool;
    for (i = 0; state == AP_WATCHDOG_STATE_RUNNING
                && i < remotes->sets->nelts; i++) {
        jm_set_t *set = APR_ARRAY_IDX(remotes->sets, i, jm_set_t *);

        pick_up(remotes, set);
        drop_stale(remotes, set);
    }
    return APR_SUCCESS;
}

void jm_remotes_start_child(jm_remotes_t *remotes, apr_pool_t *p)
{
    int i;

    apr_thread_mutex_create(&remotes->lock, APR_THREAD_MUTEX_DEFAULT, p);
    for (i = 0; i < remotes->sets->nelts; i++) {
        jm_set_t *set = APR_ARRAY_IDX(remotes->sets, i, jm_set_t *);

        set->loaded = jm_cell_get(&set->cell->good);
        load(remotes, set);
    }
}

/* --- the requests that wait --- */

static int is_under_way(const jm_cell_t *cell)
{
    return jm_cell_get(&cell->started) != jm_cell_get(&cell->finished);
}

/* Until a fetch ends that had not when there were `before`. */
static void wait_for_fetch(const jm_cell_t *cell, apr_uint32_t before)
{
    apr_uint32_t start = jm_tick();

    while (jm_cell_get(&cell->finished) == before
           && jm_tick() - start < WAIT_MS) {
        apr_sleep(apr_time_from_msec(WAIT_STEP_MS));
    }
}

/* 1 if a fetch may begin, for all that is known here. */
static int may_fetch(const jm_set_t *set)
{
    const jm_cell_t *cell = set->cell;

    return jm_cell_get(&cell->started) == 0
           || jm_tick() - jm_cell_get(&cell->tick)
              >= (apr_uint32_t)set->remote.min_refresh * 1000;
}

static void wait_for_kid(jm_remotes_t *remotes, jm_set_t *set)
{
    apr_uint32_t before = jm_cell_get(&set->cell->finished);

    if (!is_under_way(set->cell)) {
        if (!may_fetch(set)) {
            return;
        }
        jm_cell_set(&set->cell->wanted, 1);
    }
    if (__atomic_add_fetch(&remotes->waiting, 1, __ATOMIC_ACQ_REL)
        <= WAITERS_MAX) {
        wait_for_fetch(set->cell, before);
    }
    __atomic_sub_fetch(&remotes->waiting, 1, __ATOMIC_ACQ_REL);
}

/* Only the first fetch is worth waiting for, of which the others know that
 * somebody does. */
static void wait_for_first(jm_set_t *set)
{
    if (jm_cell_get(&set->cell->started) == 0) {
        jm_cell_set(&set->cell->wanted, 1);
    }
    wait_for_fetch(set->cell, 0);
}

void jm_remotes_refresh(void *baton, const jm_authorizer_t *authorizer,
                        int has_keys)
{
    jm_remotes_t *remotes = baton;
    jm_set_t *set = jm_remotes_set(remotes, authorizer);

    if (!set || pick_up(remotes, set)) {
        return;
    }
    if (has_keys) {
        wait_for_kid(remotes, set);
    }
    else {
        wait_for_first(set);
    }
    pick_up(remotes, set);
}

int jm_remotes_retry_after(const jm_remotes_t *remotes,
                           const jm_authorizer_t *authorizer)
{
    const jm_set_t *set = remotes && authorizer
                          ? jm_remotes_set(remotes, authorizer) : NULL;
    apr_uint32_t pause, since;

    if (!set) {
        return RETRY_AFTER;
    }
    pause = jm_remote_pause(&set->remote, jm_cell_get(&set->cell->failures));
    since = jm_tick() - jm_cell_get(&set->cell->tick);
    return since < pause ? (int)((pause - since) / 1000) + 1 : 1;
}

/* What is told of is what this child has. */
int jm_remotes_report(jm_report_t *report, jm_remotes_t *remotes,
                      const jm_authorizer_t *authorizer)
{
    jm_set_t *set = remotes ? jm_remotes_set(remotes, authorizer) : NULL;

    if (!set) {
        return 0;
    }
    pick_up(remotes, set);
    return jm_report_get(report, &set->cell->report);
}
