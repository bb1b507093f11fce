/*
 * jm_httpd_remote.c: fetched key sets at a start, in the parent: which there
 * are, the counters that its children share, the state directory; and the
 * clock of all of them. Touches that directory, and what outlives a restart:
 * the pool of the process.
 */
#include <time.h>

#include <apr_shm.h>

#include "jm_httpd_remote.h"

#include <unixd.h>

#include "jm_httpd_state.h"

APLOG_USE_MODULE(jwtmap);

#define BACKOFF_MAX 30     /* seconds */
#define CELLS_KEY "mod_jwtmap:cells"
#define STATE_DIR_KEY "mod_jwtmap:state_dir"

/* --- time --- */

apr_uint32_t jm_tick(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_uint32_t)((apr_uint64_t)now.tv_sec * 1000
                          + (apr_uint64_t)now.tv_nsec / 1000000);
}

/* 1, 2, 4 … times min_refresh, at most 30 s, unless that is asked for. */
apr_uint32_t jm_remote_pause(const jm_remote_t *remote,
                             apr_uint32_t failures)
{
    apr_int64_t seconds = remote->min_refresh;

    for (; failures > 1 && seconds < BACKOFF_MAX; failures--) {
        seconds *= 2;
    }
    if (seconds > BACKOFF_MAX) {
        seconds = remote->min_refresh > BACKOFF_MAX ? remote->min_refresh
                                                    : BACKOFF_MAX;
    }
    return (apr_uint32_t)seconds * 1000;
}

/* --- which sets there are --- */

static void be_patient(jm_remote_t *all, const jm_remote_t *one)
{
    if (one->cache_duration < all->cache_duration) {
        all->cache_duration = one->cache_duration;
    }
    if (one->min_refresh > all->min_refresh) {
        all->min_refresh = one->min_refresh;
    }
    if (one->stale_grace > all->stale_grace) {
        all->stale_grace = one->stale_grace;
    }
}

static void add_reader(jm_remotes_t *remotes, apr_hash_t *by_id,
                       apr_pool_t *p, const jm_authorizer_t *authorizer)
{
    const jm_remote_t *remote = authorizer->remote;
    jm_set_t *set = apr_hash_get(by_id, remote->id, APR_HASH_KEY_STRING);
    jm_reader_t *reader;

    if (!set) {
        set = apr_pcalloc(p, sizeof(*set));
        set->remote = *remote;
        set->readers = apr_array_make(p, 1, sizeof(jm_reader_t));
        apr_hash_set(by_id, remote->id, APR_HASH_KEY_STRING, set);
        APR_ARRAY_PUSH(remotes->sets, jm_set_t *) = set;
    }
    be_patient(&set->remote, remote);
    reader = apr_array_push(set->readers);
    reader->authorizer = authorizer;
    reader->until = 0;
    apr_hash_set(remotes->set_of, apr_pmemdup(p, &authorizer,
                                              sizeof(authorizer)),
                 sizeof(authorizer), set);
}

jm_set_t *jm_remotes_set(const jm_remotes_t *remotes,
                         const jm_authorizer_t *authorizer)
{
    return apr_hash_get(remotes->set_of, &authorizer, sizeof(authorizer));
}

static void add_table(jm_remotes_t *remotes, apr_hash_t *by_id,
                      apr_pool_t *p, const jm_table_t *table)
{
    unsigned i;

    for (i = 0; i < table->authorizer_count; i++) {
        const jm_authorizer_t *authorizer = table->authorizers[i];

        if (authorizer->remote && !jm_remotes_set(remotes, authorizer)) {
            add_reader(remotes, by_id, p, authorizer);
        }
    }
}

static jm_server_conf_t *conf_of(server_rec *s)
{
    return ap_get_module_config(s->module_config, &jwtmap_module);
}

/* All sets of all tables; NULL: there are none. */
static jm_remotes_t *find_sets(apr_pool_t *p, server_rec *main_server)
{
    jm_remotes_t *remotes = apr_pcalloc(p, sizeof(*remotes));
    apr_hash_t *by_id = apr_hash_make(p);
    server_rec *s;
    int i;

    remotes->server = main_server;
    remotes->sets = apr_array_make(p, 4, sizeof(jm_set_t *));
    remotes->set_of = apr_hash_make(p);
    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *tables = conf_of(s)->tables;

        for (i = 0; i < tables->nelts; i++) {
            add_table(remotes, by_id, p,
                      APR_ARRAY_IDX(tables, i, const jm_table_t *));
        }
    }
    return remotes->sets->nelts ? remotes : NULL;
}

/* --- the shared counters --- */

/* They outlive the configuration: a graceful restart is no reason to ask a
 * provider again. */
typedef struct cells_t {
    apr_shm_t *shm;
    apr_pool_t *pool;
    apr_size_t size;           /* octets of a cell: that of the module which
                                * made it */
    apr_hash_t *by_id;         /* id -> jm_cell_t * */
} cells_t;

static void take_over(jm_cell_t *cell, const cells_t *former, const char *id)
{
    const jm_cell_t *old = former && former->size == sizeof(*cell)
                           ? apr_hash_get(former->by_id, id,
                                          APR_HASH_KEY_STRING) : NULL;

    if (old) {
        *cell = *old;
    }
}

static apr_status_t make_cells(jm_remotes_t *remotes, apr_pool_t *process)
{
    apr_size_t size = (apr_size_t)remotes->sets->nelts * sizeof(jm_cell_t);
    apr_pool_t *pool;
    cells_t *cells;
    void *former;
    jm_cell_t *cell;
    apr_status_t rv;
    int i;

    apr_pool_userdata_get(&former, CELLS_KEY, process);
    apr_pool_create(&pool, process);
    cells = apr_pcalloc(pool, sizeof(*cells));
    cells->pool = pool;
    cells->size = sizeof(*cell);
    cells->by_id = apr_hash_make(pool);
    rv = apr_shm_create(&cells->shm, size, NULL, pool);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    cell = apr_shm_baseaddr_get(cells->shm);
    memset(cell, 0, size);
    for (i = 0; i < remotes->sets->nelts; i++, cell++) {
        jm_set_t *set = APR_ARRAY_IDX(remotes->sets, i, jm_set_t *);

        take_over(cell, former, set->remote.id);
        set->cell = cell;
        apr_hash_set(cells->by_id, apr_pstrdup(pool, set->remote.id),
                     APR_HASH_KEY_STRING, cell);
    }
    /* With a copy of the key: a restart unloads the module, and ours. */
    apr_pool_userdata_set(cells, CELLS_KEY, NULL, process);
    if (former) {
        apr_pool_destroy(((cells_t *)former)->pool);
    }
    return APR_SUCCESS;
}

/* --- hooks --- */

static const char *state_dir(apr_pool_t *pconf)
{
    void *dir;

    apr_pool_userdata_get(&dir, STATE_DIR_KEY, pconf);
    return dir ? dir : JM_STATE_DIR;
}

const char *jm_remotes_set_dir(apr_pool_t *pconf, const char *dir)
{
    const char *path = ap_server_root_relative(pconf, dir);

    if (!path) {
        return apr_psprintf(pconf, "JwtMapStateDir: invalid path %s", dir);
    }
    apr_pool_userdata_setn(path, STATE_DIR_KEY, NULL, pconf);
    return NULL;
}

static int say_dir(const server_rec *s, const char *dir, const char *error)
{
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "JwtMapStateDir %s cannot "
                     "be used: %s", dir, error);
    }
    return error ? HTTP_INTERNAL_SERVER_ERROR : OK;
}

/* Who the children are: where root does not start them, the parent's user. */
static apr_uid_t children_uid(void)
{
    return geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
}

static int make_dir(const jm_remotes_t *remotes, apr_pool_t *ptemp)
{
    const char *error = jm_state_prepare(
        ptemp, remotes->dir, children_uid(),
        geteuid() == 0 ? ap_unixd_config.group_id : getegid());

    return say_dir(remotes->server, remotes->dir, error);
}

/* Anybody may ask for a configuration test of a server that root starts. */
static int check_dir(apr_pool_t *pconf, apr_pool_t *ptemp,
                     const server_rec *s)
{
    const char *dir = state_dir(pconf);
    const char *error = jm_state_check(ptemp, dir, children_uid());

    if (error && ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
        error = jm_state_check(ptemp, dir, ap_unixd_config.user_id);
    }
    return say_dir(s, dir, error);
}

/* Also under `apachectl configtest`, which runs no post_config: before a
 * restart that would end the server. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog,
                        apr_pool_t *ptemp, server_rec *s)
{
    (void)plog;
    if (!find_sets(ptemp, s)) {
        return OK;
    }
    if (!jm_watchdog_is_there()) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "a route table has keys "
                     "that are fetched, which needs mod_watchdog: add "
                     "LoadModule watchdog_module modules/mod_watchdog.so");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return check_dir(pconf, ptemp, s);
}

/* The callback in each child, and in one the fetches. */
static apr_status_t register_callbacks(jm_remotes_t *remotes,
                                       apr_pool_t *pconf)
{
    apr_status_t rv = jm_watchdog_add(pconf, "_jwtmap_keys_",
                                      JM_WATCHDOG_EACH, apr_time_from_sec(1),
                                      jm_remotes_look, remotes);

    return rv == APR_SUCCESS ? jm_refresh_register(remotes, pconf) : rv;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog,
                       apr_pool_t *ptemp, server_rec *s)
{
    jm_remotes_t *remotes;
    apr_status_t rv;

    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    remotes = find_sets(pconf, s);
    if (!remotes) {
        return OK;
    }
    remotes->dir = state_dir(pconf);
    if (make_dir(remotes, ptemp) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    rv = make_cells(remotes, s->process->pool);
    if (rv == APR_SUCCESS) {
        rv = register_callbacks(remotes, pconf);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "no keys can be fetched");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (; s; s = s->next) {
        conf_of(s)->remotes = remotes;
    }
    return OK;
}

static void child_init(apr_pool_t *p, server_rec *s)
{
    jm_remotes_t *remotes = conf_of(s)->remotes;

    if (remotes) {
        jm_remotes_start_child(remotes, p);
    }
}

void jm_remotes_register_hooks(apr_pool_t *p)
{
    static const char *const before_watchdog[] = { "mod_watchdog.c", NULL };

    (void)p;
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, before_watchdog, APR_HOOK_MIDDLE);
    /* mod_watchdog starts its threads in this hook. */
    ap_hook_child_init(child_init, NULL, before_watchdog, APR_HOOK_FIRST);
}
