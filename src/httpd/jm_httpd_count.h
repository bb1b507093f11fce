/*
 * jm_httpd_count.h: what is counted, and where. One segment of shared memory
 * holds the counters of all tables: the parent makes it in post_config, its
 * children inherit it, nobody locks it. It outlives a child that crashes; a
 * restart, also a graceful one, begins with a new segment of zeros, so that
 * numbers always belong to the tables in force.
 *
 * A decision is counted once, by one atomic increment, where it takes effect;
 * all sums are made by those who read. A request that is decided for again
 * (subrequest, internal redirect, DirectoryIndex) and let through again is a
 * JM_PASS_INTERNAL of the route that the later pass is for; a later refusal
 * is counted as what it is, like its line in the log.
 */
#ifndef JM_HTTPD_COUNT_H
#define JM_HTTPD_COUNT_H

#include <httpd.h>

#include "jm_decide.h"
#include "jm_table.h"

/* A machine word, whose atomics need no lock on any platform; where that is
 * 32 bits it wraps, which monitoring takes for a restart. */
typedef unsigned long jm_counter_t;

/* How a request was let through. */
typedef enum jm_pass_e {
    JM_PASS_VERIFIED = 0,   /* with a verified token */
    JM_PASS_ANONYMOUS,      /* without one, where none is required */
    JM_PASS_PREFLIGHT,      /* answered as a CORS preflight */
    JM_PASS_INTERNAL,       /* a later pass of a request counted before */
    JM_PASS_COUNT
} jm_pass_e;

/* What became of the requests for one route. */
typedef struct jm_row_t {
    jm_counter_t passed[JM_PASS_COUNT];
    jm_counter_t refused[JM_VERDICT_COUNT];
    jm_counter_t would_refuse[JM_VERDICT_COUNT];   /* ReportOnly */
} jm_row_t;

#define JM_LATENCY_BOUNDS 12   /* upper bounds of the histogram, a count */

/* How long verifications took, refused ones too. */
typedef struct jm_latency_t {
    jm_counter_t buckets[JM_LATENCY_BOUNDS + 1]; /* each without those before
                                                  * it; last: above all */
    jm_counter_t nanoseconds;                    /* their sum */
    jm_counter_t cached;                         /* those of the cache */
} jm_latency_t;

/* The counters of one table. */
typedef struct jm_cells_t {
    jm_latency_t latency;
    jm_row_t rows[];        /* by jm_route_t.index, then one for requests that
                             * have no route: route_count + 1 in all */
} jm_cells_t;

typedef struct jm_counters_t {
    const jm_table_t *table;
    apr_time_t loaded;      /* when the table and its keys were read */
    jm_cells_t *cells;      /* in the segment; NULL until post_config */
} jm_counters_t;

/* The counters of a table, the same for all who ask; owned by pconf. */
jm_counters_t *jm_count_table(apr_pool_t *pconf, const jm_table_t *table);

/* All of them, jm_counters_t *, in the order of the configuration; or NULL:
 * there is no table. */
const apr_array_header_t *jm_count_tables(apr_pool_t *pconf);

/* Makes the segment; it goes with pconf. Errors: those of apr_shm_create. */
apr_status_t jm_count_start(apr_pool_t *pconf);

/* Counts what was decided for r, unless it was; call it once the decision
 * takes effect. */
void jm_count_decision(const request_rec *r);

/* Counts the verification of a decision that was just made, if any. */
void jm_count_verification(const jm_counters_t *counters,
                           const jm_decision_t *decision);

/* Nanoseconds since some time, never going back: for jm_request_t. */
apr_uint64_t jm_count_clock(void);

/* A copy of the counters in p, as they are now; zeros before there are any. */
const jm_cells_t *jm_count_copy(apr_pool_t *p, const jm_counters_t *counters);

/* Upper bound of a bucket in nanoseconds; i below JM_LATENCY_BOUNDS. */
apr_uint64_t jm_count_bound(unsigned i);

void jm_count_register_hooks(apr_pool_t *p);

#endif
