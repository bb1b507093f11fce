/*
 * jm_httpd_refresh.c: the one child that fetches key sets: when, and what
 * becomes of the answer. mod_watchdog sees to it that there is one, and that
 * another takes over when it is gone. Touches the shared counters and the
 * state directory.
 */
#include <curl/curl.h>

#include "jm_httpd_remote.h"

#include <ap_mpm.h>

#include "jm_file.h"
#include "jm_httpd_fetch.h"
#include "jm_httpd_state.h"

APLOG_USE_MODULE(jwtmap);

#define AHEAD_MAX 30           /* seconds before its end that a set is
                                * replaced, or a tenth of its time */
#define RUN_MS 1000            /* milliseconds that a call lasts at most, */
#define STEP_MS 50             /* and between two looks at what is wanted */

/* What the fetching child knows of a set. */
typedef struct job_t {
    struct refresher_t *refresher;
    jm_set_t *set;
    apr_int64_t fetched;       /* seconds since 1970; 0: never */
    apr_int64_t expires;       /* of what was fetched then */
    apr_int64_t due;           /* when it is fetched next, unless it fails */
    int running;
    int abandoned;             /* its last fetch died with another child */
    apr_uint32_t seen;         /* a sum of what was said of ignored keys */
} job_t;

typedef struct refresher_t {
    jm_remotes_t *remotes;
    jm_fetcher_t *fetcher;     /* NULL: it is not this child */
    job_t *jobs;
    int turn;                  /* the job after the one that began last */
    apr_pool_t *scratch;       /* of the present call */
} refresher_t;

/* --- when --- */

static apr_int64_t now_seconds(void)
{
    return apr_time_sec(apr_time_now());
}

static void plan(job_t *job, const jm_snapshot_t *snapshot)
{
    apr_int64_t seconds = jm_remote_lifetime(
        &job->set->remote, snapshot->expires - snapshot->fetched);
    apr_int64_t ahead = seconds / 10 < AHEAD_MAX ? seconds / 10 : AHEAD_MAX;

    job->fetched = snapshot->fetched;
    job->expires = snapshot->expires;
    job->due = snapshot->fetched + seconds - ahead;
}

/* min_refresh holds across a restart, which only the snapshot remembers, and
 * after a fetch that was broken off: the provider may have seen it, and for as
 * long as one takes, it may be under way still. */
static int is_too_early(const job_t *job, apr_int64_t now)
{
    const jm_remote_t *remote = &job->set->remote;
    const jm_cell_t *cell = job->set->cell;
    apr_uint32_t pause = (apr_uint32_t)remote->min_refresh * 1000;

    if (jm_cell_get(&cell->started) == 0) {
        return job->fetched <= now
               && now < job->fetched + remote->min_refresh;
    }
    if (job->abandoned && pause < JM_FETCH_MS + RUN_MS) {
        pause = JM_FETCH_MS + RUN_MS;
    }
    return jm_tick() - jm_cell_get(&cell->tick) < pause;
}

static int is_due(const job_t *job)
{
    const jm_cell_t *cell = job->set->cell;
    apr_int64_t now = now_seconds();
    apr_uint32_t failures = jm_cell_get(&cell->failures);

    if (job->running || is_too_early(job, now)) {
        return 0;
    }
    if (job->abandoned || jm_cell_get(&cell->wanted)) {
        return 1;
    }
    if (failures) {
        return jm_tick() - jm_cell_get(&cell->tick)
               >= jm_remote_pause(&job->set->remote, failures);
    }
    return now >= job->due || job->fetched > now;
}

/* --- what the status page shows --- */

/* When the next fetch begins, for all that is known now; seconds since
 * 1970. */
static apr_int64_t next_fetch(const job_t *job)
{
    const jm_remote_t *remote = &job->set->remote;
    apr_uint32_t failures = jm_cell_get(&job->set->cell->failures);
    apr_uint32_t pause, since;

    if (!failures) {
        return job->due > job->fetched + remote->min_refresh
               ? job->due : job->fetched + remote->min_refresh;
    }
    pause = jm_remote_pause(remote, failures);
    since = jm_tick() - jm_cell_get(&job->set->cell->tick);
    return now_seconds() + (since < pause ? (pause - since) / 1000 : 0);
}

/* With the error of a report that is given, which is otherwise made anew. */
static void tell(const job_t *job, jm_report_t *report)
{
    report->read = (apr_uint32_t)job->fetched;
    report->expires = (apr_uint32_t)job->expires;
    report->next = (apr_uint32_t)next_fetch(job);
    jm_report_put(&job->set->cell->report, report);
}

/* error: NULL, or why the last fetch brought nothing. */
static void tell_of_fetch(const job_t *job, const char *error)
{
    jm_report_t report;

    memset(&report, 0, sizeof(report));
    if (error) {
        jm_report_fail(&report, now_seconds(), error);
    }
    tell(job, &report);
}

/* --- what becomes of it --- */

/* Once for each outage, and once more when it is over. */
static void log_failure(const job_t *job, const char *error, apr_pool_t *p)
{
    const jm_remote_t *remote = &job->set->remote;
    const jm_reader_t *reader = &APR_ARRAY_IDX(job->set->readers, 0,
                                               jm_reader_t);
    int is_first = jm_cell_get(&job->set->cell->failures) == 1;

    ap_log_error(APLOG_MARK, is_first ? APLOG_WARNING : APLOG_INFO, 0,
                 job->refresher->remotes->server, "authorizer %s: no keys "
                 "from %s: %s; %s", reader->authorizer->name,
                 jm_remote_for_log(p, remote->url),
                 ap_escape_logitem(p, error),
                 job->fetched ? "the last good ones go on for stale_grace"
                              : "there are none from before");
}

static void log_success(job_t *job, const jm_fetched_t *fetched,
                        apr_pool_t *p)
{
    server_rec *s = job->refresher->remotes->server;
    const jm_reader_t *reader = &APR_ARRAY_IDX(job->set->readers, 0,
                                               jm_reader_t);
    const char *said = fetched->ignored ? fetched->ignored : "";
    apr_ssize_t len = APR_HASH_KEY_STRING;
    apr_uint32_t sum = apr_hashfunc_default(said, &len);

    if (jm_cell_get(&job->set->cell->failures)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "authorizer %s: its "
                     "keys can be fetched again", reader->authorizer->name);
    }
    if (*said && sum != job->seen) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "authorizer %s: keys "
                     "from %s: %s", reader->authorizer->name,
                     jm_remote_for_log(p, job->set->remote.url),
                     ap_escape_logitem(p, said));
    }
    job->seen = sum;
}

/* NULL, or why the answer could not be kept. */
static const char *keep(job_t *job, const jm_fetched_t *fetched,
                        apr_pool_t *p)
{
    const jm_remotes_t *remotes = job->refresher->remotes;
    jm_snapshot_t snapshot;
    apr_status_t rv;

    snapshot.fetched = now_seconds();
    snapshot.expires = snapshot.fetched
                       + jm_remote_lifetime(&job->set->remote,
                                            fetched->max_age);
    snapshot.answer = fetched->answer;
    rv = jm_state_write(p, remotes->dir, &job->set->remote, &snapshot);
    if (rv != APR_SUCCESS) {
        return apr_psprintf(p, "they cannot be written to %s: %s",
                            remotes->dir, jm_file_reason(p, rv));
    }
    plan(job, &snapshot);
    return NULL;
}

/* The counters in this order: who sees that a fetch is finished sees what it
 * brought. Who asked while it was under way has its answer, too. */
static void done(void *baton, const jm_fetched_t *fetched)
{
    job_t *job = baton;
    jm_cell_t *cell = job->set->cell;
    apr_pool_t *p = job->refresher->scratch;
    const char *error = fetched->error ? fetched->error
                                       : keep(job, fetched, p);

    job->running = 0;
    if (error) {
        jm_cell_set(&cell->failures, jm_cell_get(&cell->failures) + 1);
        log_failure(job, error, p);
    }
    else {
        log_success(job, fetched, p);
        jm_cell_set(&cell->failures, 0);
        jm_cell_set(&cell->good, jm_cell_get(&cell->good) + 1);
    }
    tell_of_fetch(job, error);
    jm_cell_set(&cell->wanted, 0);
    jm_cell_set(&cell->finished, jm_cell_get(&cell->started));
}

static void begin(job_t *job)
{
    jm_cell_t *cell = job->set->cell;

    job->running = 1;
    job->abandoned = 0;
    jm_cell_set(&cell->wanted, 0);
    jm_cell_set(&cell->tick, jm_tick());
    jm_cell_set(&cell->started, jm_cell_get(&cell->started) + 1);
    if (jm_fetcher_start(job->refresher->fetcher, &job->set->remote, done,
                         job) != APR_SUCCESS) {
        job->running = 0;
        jm_cell_set(&cell->started, jm_cell_get(&cell->started) - 1);
    }
}

/* --- the callback --- */

typedef enum rank_e {
    RANK_WANTED,               /* a request waits */
    RANK_GOOD,
    RANK_FAILING
} rank_e;

static rank_e rank_of(const job_t *job)
{
    const jm_cell_t *cell = job->set->cell;

    if (jm_cell_get(&cell->failures)) {
        return RANK_FAILING;
    }
    return jm_cell_get(&cell->wanted) ? RANK_WANTED : RANK_GOOD;
}

/* Those of a rank in turn, until as many as `most` of all are under way. */
static void begin_rank(refresher_t *refresher, rank_e rank, unsigned most)
{
    int count = refresher->remotes->sets->nelts;
    int first = refresher->turn;
    int i;

    for (i = 0; i < count
                && jm_fetcher_running(refresher->fetcher) < most; i++) {
        int at = (first + i) % count;
        job_t *job = &refresher->jobs[at];

        if (rank_of(job) == rank && is_due(job)) {
            begin(job);
            refresher->turn = (at + 1) % count;
        }
    }
}

/* Hundreds of providers that hang must not take the room of the others. */
static void begin_due(refresher_t *refresher)
{
    begin_rank(refresher, RANK_WANTED, JM_FETCH_PARALLEL);
    begin_rank(refresher, RANK_GOOD, JM_FETCH_PARALLEL);
    begin_rank(refresher, RANK_FAILING, JM_FETCH_FAILING);
}

/* What others left: a snapshot, or a fetch that nobody ends. */
static void init_job(job_t *job, refresher_t *refresher, jm_set_t *set)
{
    jm_snapshot_t snapshot;
    jm_report_t report;

    memset(job, 0, sizeof(*job));
    job->refresher = refresher;
    job->set = set;
    job->abandoned = jm_cell_get(&set->cell->started)
                     != jm_cell_get(&set->cell->finished);
    if (jm_state_read(&snapshot, refresher->scratch, refresher->remotes->dir,
                      &set->remote) == APR_SUCCESS) {
        plan(job, &snapshot);
        jm_report_get(&report, &set->cell->report);
        tell(job, &report);
    }
}

static void take_over(refresher_t *refresher)
{
    const apr_array_header_t *sets = refresher->remotes->sets;
    int i;

    jm_state_sweep(refresher->scratch, refresher->remotes->dir);
    refresher->fetcher = jm_fetcher_make();
    for (i = 0; refresher->fetcher && i < sets->nelts; i++) {
        init_job(&refresher->jobs[i], refresher,
                 APR_ARRAY_IDX(sets, i, jm_set_t *));
    }
}

static int is_stopping(void)
{
    int state = AP_MPMQ_STOPPING;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS
           && state == AP_MPMQ_STOPPING;
}

/* A call ends when nothing is under way, or soon, so that mod_watchdog can
 * stop its thread. */
static void fetch(refresher_t *refresher)
{
    apr_uint32_t start = jm_tick();
    unsigned running;

    do {
        begin_due(refresher);
        running = jm_fetcher_run(refresher->fetcher, STEP_MS);
    } while (running && jm_tick() - start < RUN_MS && !is_stopping());
}

static apr_status_t tend(int state, void *data, apr_pool_t *pool)
{
    refresher_t *refresher = data;

    refresher->scratch = pool;
    if (state == AP_WATCHDOG_STATE_STOPPING) {
        if (refresher->fetcher) {
            jm_fetcher_end(refresher->fetcher);
            refresher->fetcher = NULL;
        }
        return APR_SUCCESS;
    }
    if (!refresher->fetcher) {
        take_over(refresher);
    }
    if (refresher->fetcher && state == AP_WATCHDOG_STATE_RUNNING) {
        fetch(refresher);
    }
    return APR_SUCCESS;
}

static apr_status_t end_curl(void *baton)
{
    (void)baton;
    curl_global_cleanup();
    return APR_SUCCESS;
}

apr_status_t jm_refresh_register(jm_remotes_t *remotes, apr_pool_t *pconf)
{
    refresher_t *refresher = apr_pcalloc(pconf, sizeof(*refresher));

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return APR_EINIT;
    }
    apr_pool_cleanup_register(pconf, NULL, end_curl, apr_pool_cleanup_null);
    refresher->remotes = remotes;
    refresher->jobs = apr_pcalloc(pconf, sizeof(job_t)
                                         * (apr_size_t)remotes->sets->nelts);
    return jm_watchdog_add(pconf, "_jwtmap_fetch_", JM_WATCHDOG_ONE,
                           AP_WD_TM_SLICE, tend, refresher);
}
