/*
 * jm_httpd_reload.c: what a child has of its own while a table is in force:
 * the look at files that may have changed (a mod_watchdog thread), and the
 * cache of verified tokens. Touches the slots of the files and the log.
 */
#include <errno.h>

#include <apr_lib.h>
#include <apr_shm.h>

#include "mod_jwtmap.h"

#include "jm_httpd_watchdog.h"
#include "jm_reload.h"

APLOG_USE_MODULE(jwtmap);

#define TICK apr_time_from_msec(200)   /* and the next look at a file that is
                                        * just being written */
#define RELOAD_DEFAULT 5               /* seconds */
#define RELOAD_MAX 86400

/* The files of all tables. The parent makes it; each child goes on with its
 * own copy. */
struct jm_files_t {
    server_rec *server;
    jm_reload_t *reload;
    jm_share_t *share;         /* NULL: each child is on its own */
    apr_time_t interval;
    apr_time_t due;            /* of the next look */
};

static jm_server_conf_t *conf_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &jwtmap_module);
}

/* --- directives --- */

/* A number from 1 to max, or Off, which is 0; NULL, or what is wrong. */
static const char *read_number(apr_int64_t *pnumber, cmd_parms *cmd,
                               const char *arg, apr_int64_t max)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    char *end;

    if (error) {
        return error;
    }
    *pnumber = 0;
    if (!strcasecmp(arg, "Off")) {
        return NULL;
    }
    errno = 0;
    *pnumber = apr_isdigit(*arg) ? apr_strtoi64(arg, &end, 10) : 0;
    if (*pnumber < 1 || *pnumber > max || *end || errno) {
        return apr_psprintf(cmd->pool, "%s takes Off or a number from 1 to "
                            "%" APR_INT64_T_FMT ", not \"%s\"",
                            cmd->cmd->name, max, arg);
    }
    return NULL;
}

const char *jm_files_set_reload(cmd_parms *cmd, void *vconf, const char *arg)
{
    apr_int64_t seconds;
    const char *error = read_number(&seconds, cmd, arg, RELOAD_MAX);

    (void)vconf;
    if (!error) {
        conf_of(cmd->server)->reload = seconds ? (int)seconds : JM_OFF;
    }
    return error;
}

const char *jm_files_set_cache(cmd_parms *cmd, void *vconf, const char *arg)
{
    apr_int64_t entries;
    const char *error = read_number(&entries, cmd, arg, APR_INT32_MAX);

    (void)vconf;
    if (!error) {
        /* More would not fit into its octets: no reason not to start. */
        entries = entries < JM_CACHE_ENTRIES_MAX ? entries
                                                 : JM_CACHE_ENTRIES_MAX;
        conf_of(cmd->server)->cache_entries = entries ? (int)entries : JM_OFF;
    }
    return error;
}

/* --- the log, and the status page --- */

#define FORBIDDEN "cannot be read by the children: what was read at start " \
                  "goes on until a restart"

static void tell(const jm_files_t *files, unsigned number, jm_reload_e what,
                 const char *text)
{
    apr_int64_t now = apr_time_sec(apr_time_now());
    jm_report_t report;

    jm_share_told(&report, files->share, number);
    if (what == JM_RELOAD_TAKEN) {
        memset(&report, 0, sizeof(report));
        report.read = (apr_uint32_t)now;
    }
    else {
        jm_report_fail(&report, now, text ? text : FORBIDDEN);
    }
    jm_share_tell(files->share, number, &report);
}

static void say(void *baton, unsigned number, const jm_watch_t *watch,
                jm_reload_e what, apr_uint32_t mark, const char *text)
{
    const jm_files_t *files = baton;
    const char *member = jm_watch_member(watch->kind);
    const char *name = watch->authorizer->name;

    /* Once for all children. */
    if (files->share && !jm_share_is_news(files->share, number, mark)) {
        return;
    }
    if (files->share) {
        tell(files, number, what, text);
    }
    switch (what) {
    case JM_RELOAD_TAKEN:
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, files->server,
                     "authorizer %s: %s %s was read again and is in use",
                     name, member, watch->path);
        break;
    case JM_RELOAD_REFUSED:
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, files->server,
                     "authorizer %s: %s %s is not taken over, what was read "
                     "before goes on: %s", name, member, watch->path, text);
        break;
    case JM_RELOAD_FORBIDDEN:
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, files->server,
                     "authorizer %s: %s %s " FORBIDDEN, name, member,
                     watch->path);
        break;
    }
}

/* --- looking --- */

static void look(jm_files_t *files, apr_time_t now)
{
    int again = jm_reload_look(files->reload, now, say, files);

    files->due = now + (again ? TICK : files->interval);
}

/* mod_watchdog, in each child. A clock may be set back. */
static apr_status_t look_if_due(int state, void *data, apr_pool_t *pool)
{
    jm_files_t *files = data;
    apr_time_t now = apr_time_now();

    (void)pool;
    if (state == AP_WATCHDOG_STATE_RUNNING
        && (now >= files->due || now < files->due - files->interval)) {
        look(files, now);
    }
    return APR_SUCCESS;
}

int jm_files_report(jm_report_t *report, const jm_files_t *files,
                    const jm_watch_t *watch)
{
    unsigned number;

    if (!files || !files->share
        || !jm_reload_number(&number, files->reload, watch)) {
        return 0;
    }
    jm_share_told(report, files->share, number);
    return report->read || report->failed;
}

/* --- start --- */

static int is_known(const apr_array_header_t *tables, const jm_table_t *table)
{
    int i;

    for (i = 0; i < tables->nelts; i++) {
        if (APR_ARRAY_IDX(tables, i, const jm_table_t *) == table) {
            return 1;
        }
    }
    return 0;
}

/* The files of all tables, each once; NULL: there are none. */
static jm_files_t *find_files(apr_pool_t *p, apr_pool_t *ptemp,
                              server_rec *main_server)
{
    jm_files_t *files = apr_pcalloc(p, sizeof(*files));
    apr_array_header_t *known = apr_array_make(ptemp, 4,
                                               sizeof(const jm_table_t *));
    const server_rec *s;
    unsigned count;
    int i;

    files->server = main_server;
    files->reload = jm_reload_make(p);
    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *tables = conf_of(s)->tables;

        for (i = 0; i < tables->nelts; i++) {
            const jm_table_t *table = APR_ARRAY_IDX(tables, i,
                                                    const jm_table_t *);

            if (!is_known(known, table)) {
                APR_ARRAY_PUSH(known, const jm_table_t *) = table;
                jm_reload_add(files->reload, table);
            }
        }
    }
    jm_reload_sizes(&count, ptemp, files->reload);
    return count ? files : NULL;
}

static apr_status_t clear_share(void *baton)
{
    jm_share_clear(baton);
    return APR_SUCCESS;
}

/* For as long as children of this configuration are forked. */
static void make_share(jm_files_t *files, apr_pool_t *pconf,
                       apr_pool_t *ptemp)
{
    unsigned count;
    const apr_size_t *sizes = jm_reload_sizes(&count, ptemp, files->reload);
    apr_size_t size = jm_share_size(sizes, count);
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, size, NULL, pconf);

    if (rv == APR_SUCCESS) {
        void *memory = apr_shm_baseaddr_get(shm);

        files->share = jm_share_make(memory, sizes, count);
    }
    if (files->share) {
        apr_pool_cleanup_register(pconf, files->share, clear_share,
                                  apr_pool_cleanup_null);
        jm_reload_share(files->reload, files->share);
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, files->server, "no shared "
                 "memory: each child looks at key files for itself");
}

/* Without mod_watchdog files change with a restart only, which is worth a
 * word and no reason not to start. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog,
                       apr_pool_t *ptemp, server_rec *s)
{
    jm_server_conf_t *conf = conf_of(s);
    jm_files_t *files;

    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG
        || conf->reload == JM_OFF
        || !(files = find_files(pconf, ptemp, s))) {
        return OK;
    }
    /* Some ticks early: within it all that changed is in use. */
    files->interval = apr_time_from_sec(conf->reload ? conf->reload
                                                     : RELOAD_DEFAULT)
                      - 2 * TICK;
    if (jm_watchdog_add(pconf, "_jwtmap_files_", JM_WATCHDOG_EACH, TICK,
                        look_if_due, files) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "key files are not "
                     "looked at for changes, because mod_watchdog is not "
                     "loaded: restart after a change, or add LoadModule "
                     "watchdog_module modules/mod_watchdog.so");
        return OK;
    }
    make_share(files, pconf, ptemp);
    conf->files = files;
    return OK;
}

static void make_cache(apr_pool_t *p, server_rec *s)
{
    int entries = conf_of(s)->cache_entries;
    jm_cache_t *cache;

    if (entries == JM_OFF) {
        return;
    }
    cache = jm_cache_make(p, entries ? (unsigned)entries
                                     : JM_CACHE_ENTRIES_DEFAULT);
    for (; s; s = s->next) {
        conf_of(s)->cache = cache;
    }
}

/* A child that is forked later starts with what was read at start. */
static void child_init(apr_pool_t *p, server_rec *s)
{
    jm_files_t *files = conf_of(s)->files;
    const server_rec *any = s;

    while (any && !conf_of(any)->in_use) {
        any = any->next;
    }
    if (any) {
        make_cache(p, s);
    }
    if (files) {
        jm_reload_catch_up(files->reload);
        look(files, apr_time_now());
    }
}

void jm_files_register_hooks(apr_pool_t *p)
{
    static const char *const before_watchdog[] = { "mod_watchdog.c", NULL };

    (void)p;
    ap_hook_post_config(post_config, NULL, before_watchdog, APR_HOOK_MIDDLE);
    /* mod_watchdog starts its threads in this hook. */
    ap_hook_child_init(child_init, NULL, before_watchdog, APR_HOOK_FIRST);
}
