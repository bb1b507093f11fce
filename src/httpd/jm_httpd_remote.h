/*
 * jm_httpd_remote.h: what the processes of one httpd know of its fetched key
 * sets. The parent finds them (jm_httpd_remote.c), one child fetches
 * (jm_httpd_refresh.c), all read what it wrote (jm_httpd_remote_child.c), and
 * a few counters in shared memory say what is new and what is wanted. No lock
 * is held across processes.
 */
#ifndef JM_HTTPD_REMOTE_H
#define JM_HTTPD_REMOTE_H

#include <apr_thread_mutex.h>
#include <httpd.h>

#include "mod_jwtmap.h"

#include "jm_httpd_watchdog.h"
#include "jm_remote.h"
#include "jm_report.h"

/* The shared counters of one set. Read and written through jm_cell_get and
 * jm_cell_set, the report through jm_report_get and jm_report_put only. */
typedef struct jm_cell_t {
    apr_uint32_t wanted;       /* 1: a request asks for a fetch */
    apr_uint32_t started;      /* fetches, a count */
    apr_uint32_t finished;     /* of those that came to an end */
    apr_uint32_t good;         /* of those that brought keys: the version of
                                * the snapshot */
    apr_uint32_t failures;     /* since the last good one */
    apr_uint32_t tick;         /* jm_tick() of the last start */
    apr_uint32_t told;         /* good + 1 of the snapshot whose end was said
                                * in the log */
    jm_report_t report;        /* for the status page; the child that fetches
                                * writes it */
} jm_cell_t;

/* An authorizer, and until when its keys may be used. */
typedef struct jm_reader_t {
    const jm_authorizer_t *authorizer;
    apr_int64_t until;         /* seconds since 1970; under lock */
} jm_reader_t;

/* One set, for all authorizers that take their keys from there. */
typedef struct jm_set_t {
    jm_remote_t remote;        /* the most patient limits of all of them */
    jm_cell_t *cell;
    apr_array_header_t *readers;   /* of jm_reader_t */
    apr_uint32_t loaded;       /* cell->good of what this child has; under
                                * lock */
} jm_set_t;

struct jm_remotes_t {
    server_rec *server;
    const char *dir;           /* JwtMapStateDir */
    apr_array_header_t *sets;  /* of jm_set_t *; at least one */
    apr_hash_t *set_of;        /* jm_authorizer_t * -> jm_set_t * */
    apr_thread_mutex_t *lock;  /* of this child: one thread loads */
    apr_uint32_t waiting;      /* requests of this child that wait for a key */
};

static inline apr_uint32_t jm_cell_get(const apr_uint32_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static inline void jm_cell_set(apr_uint32_t *counter, apr_uint32_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

/* Milliseconds of a clock that nobody sets, the same in all processes. It
 * wraps: take differences only. */
apr_uint32_t jm_tick(void);

/* Milliseconds from the start of a fetch to the next after so many failures
 * in a row. */
apr_uint32_t jm_remote_pause(const jm_remote_t *remote,
                             apr_uint32_t failures);

/* The set of an authorizer; NULL: it has none. */
jm_set_t *jm_remotes_set(const jm_remotes_t *remotes,
                         const jm_authorizer_t *authorizer);

/* --- jm_httpd_remote_child.c --- */

/* Reads what a fetch before this child brought; before its threads start. As
 * User: no file that it can write is read with the rights of root. */
void jm_remotes_start_child(jm_remotes_t *remotes, apr_pool_t *p);

/* mod_watchdog's callback in each child, once a second: data is the
 * jm_remotes_t. */
apr_status_t jm_remotes_look(int state, void *data, apr_pool_t *pool);

/* --- jm_httpd_refresh.c --- */

/* The child that fetches; for post_config, before mod_watchdog's. */
#ifdef JM_HAVE_CURL
apr_status_t jm_refresh_register(jm_remotes_t *remotes, apr_pool_t *pconf);
#else
static inline apr_status_t jm_refresh_register(jm_remotes_t *remotes,
                                               apr_pool_t *pconf)
{
    (void)remotes;
    (void)pconf;
    return APR_ENOTIMPL;
}
#endif

#endif
