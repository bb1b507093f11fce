/*
 * jm_httpd_fetch.h: fetches key sets with libcurl, several at a time, in one
 * thread that never blocks for longer than it is told to. Each fetch has
 * JM_FETCH_MS in all, discovery included.
 */
#ifndef JM_HTTPD_FETCH_H
#define JM_HTTPD_FETCH_H

#include "jm_remote.h"

#define JM_FETCH_MS 2000            /* milliseconds, one fetch in all */
#define JM_FETCH_ANSWER_MAX (1 << 20) /* octets of an answer */
#define JM_FETCH_HEAD_MAX (1 << 16) /* octets of its header fields */
#define JM_FETCH_PARALLEL 64        /* fetches under way, a count */
#define JM_FETCH_FAILING (JM_FETCH_PARALLEL / 2) /* of providers that failed */

typedef struct jm_fetcher_t jm_fetcher_t;

/* What became of a fetch; valid during the call only. */
typedef struct jm_fetched_t {
    const char *error;              /* NULL: it is good. May hold text of the
                                     * provider: escape it for a log */
    jm_str_t answer;                /* a JWK Set with a usable key */
    const char *ignored;            /* as jm_remote_keys says it */
    apr_int64_t max_age;            /* seconds, -1: the answer says none */
} jm_fetched_t;

typedef void jm_fetch_done_t(void *baton, const jm_fetched_t *fetched);

/* NULL: out of memory. For the thread that calls, and to be ended by it. */
jm_fetcher_t *jm_fetcher_make(void);

/* Ends it, and what is under way, of which nothing is heard any more. */
void jm_fetcher_end(jm_fetcher_t *fetcher);

/* How many fetches are under way. */
unsigned jm_fetcher_running(const jm_fetcher_t *fetcher);

/* Starts a fetch; jm_fetcher_run, or this, will call done(baton) once. remote
 * is borrowed until then. APR_ENOMEM: done will not be called. */
apr_status_t jm_fetcher_start(jm_fetcher_t *fetcher,
                              const jm_remote_t *remote,
                              jm_fetch_done_t *done, void *baton);

/* Goes on with all fetches; waits at most ms for something to happen. The
 * count of those still under way. */
unsigned jm_fetcher_run(jm_fetcher_t *fetcher, int ms);

#endif
