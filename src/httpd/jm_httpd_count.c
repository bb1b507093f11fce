/*
 * jm_httpd_count.c: the counters: makes their segment, increments, copies.
 * Touches the segment, and in the state of a request what was counted. The
 * atomics are the compiler's: those of APR may be a lock of one process.
 */
#include <time.h>

#include <apr_shm.h>

#include "mod_jwtmap.h"

#define COUNTERS_KEY "mod_jwtmap:counters"
#define CACHE_LINE 64   /* octets: no two tables share one */

/* Nanoseconds: a cached token and an HMAC take a few microseconds, RSA some
 * fifteen, elliptic curves fifty; what is longer waited for keys. */
static const apr_uint64_t bounds[JM_LATENCY_BOUNDS] = {
    5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
    10000000, 100000000, 1000000000
};

apr_uint64_t jm_count_bound(unsigned i)
{
    return bounds[i];
}

apr_uint64_t jm_count_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_uint64_t)now.tv_sec * 1000000000u + (apr_uint64_t)now.tv_nsec;
}

/* --- at start --- */

const apr_array_header_t *jm_count_tables(apr_pool_t *pconf)
{
    void *list;

    apr_pool_userdata_get(&list, COUNTERS_KEY, pconf);
    return list;
}

jm_counters_t *jm_count_table(apr_pool_t *pconf, const jm_table_t *table)
{
    apr_array_header_t *list;
    jm_counters_t *counters;
    void *found;
    int i;

    apr_pool_userdata_get(&found, COUNTERS_KEY, pconf);
    list = found ? found : apr_array_make(pconf, 4, sizeof(jm_counters_t *));
    for (i = 0; i < list->nelts; i++) {
        if (APR_ARRAY_IDX(list, i, jm_counters_t *)->table == table) {
            return APR_ARRAY_IDX(list, i, jm_counters_t *);
        }
    }
    counters = apr_pcalloc(pconf, sizeof(*counters));
    counters->table = table;
    counters->loaded = apr_time_now();
    APR_ARRAY_PUSH(list, jm_counters_t *) = counters;
    apr_pool_userdata_setn(list, COUNTERS_KEY, NULL, pconf);
    return counters;
}

static apr_size_t size_of(const jm_table_t *table)
{
    return sizeof(jm_cells_t) + (table->route_count + 1) * sizeof(jm_row_t);
}

static apr_size_t reserved_for(const jm_table_t *table)
{
    return (size_of(table) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* Anonymous memory is zeros. */
apr_status_t jm_count_start(apr_pool_t *pconf)
{
    const apr_array_header_t *list = jm_count_tables(pconf);
    apr_size_t size = 0;
    apr_shm_t *segment;
    apr_status_t rv;
    char *at;
    int i;

    for (i = 0; list && i < list->nelts; i++) {
        size += reserved_for(APR_ARRAY_IDX(list, i, jm_counters_t *)->table);
    }
    if (!size) {
        return APR_SUCCESS;
    }
    rv = apr_shm_create(&segment, size, NULL, pconf);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    at = apr_shm_baseaddr_get(segment);
    for (i = 0; i < list->nelts; i++) {
        jm_counters_t *counters = APR_ARRAY_IDX(list, i, jm_counters_t *);

        counters->cells = (jm_cells_t *)(void *)at;
        at += reserved_for(counters->table);
    }
    return APR_SUCCESS;
}

/* --- per request --- */

static void count(jm_counter_t *counter, jm_counter_t more)
{
    __atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

static jm_pass_e pass_of(const request_rec *r, const jm_ctx_t *ctx)
{
    if (r->main || r->prev || ctx->counted) {
        return JM_PASS_INTERNAL;
    }
    if (ctx->decision->action == JM_ACTION_PREFLIGHT) {
        return JM_PASS_PREFLIGHT;
    }
    return ctx->decision->token ? JM_PASS_VERIFIED : JM_PASS_ANONYMOUS;
}

/* The route of an inherited decision is that of the earlier pass. */
void jm_count_decision(const request_rec *r)
{
    jm_ctx_t *ctx = jm_ctx_decided(r);
    const jm_decision_t *d = ctx ? ctx->decision : NULL;
    jm_row_t *row;

    if (!d || ctx->counted == d || !ctx->counters->cells) {
        return;
    }
    row = &ctx->counters->cells->rows[d->route ? d->route->index
                                               : ctx->table->route_count];
    if (d->action == JM_ACTION_REFUSE) {
        count(&row->refused[d->verdict], 1);
    }
    else if (d->verdict != JM_OK && !d->inherited) {
        count(&row->would_refuse[d->verdict], 1);
    }
    else {
        count(&row->passed[pass_of(r, ctx)], 1);
    }
    ctx->counted = d;
}

void jm_count_verification(const jm_counters_t *counters,
                           const jm_decision_t *decision)
{
    unsigned i;

    if (!decision->timed || !counters->cells) {
        return;
    }
    for (i = 0; i < JM_LATENCY_BOUNDS && decision->nanoseconds > bounds[i];
         i++) {
    }
    count(&counters->cells->latency.buckets[i], 1);
    count(&counters->cells->latency.nanoseconds,
          (jm_counter_t)decision->nanoseconds);
    if (decision->cached) {
        count(&counters->cells->latency.cached, 1);
    }
}

/* What was let through here and never came to fixups: another module
 * refused it. */
static int count_rest(request_rec *r)
{
    for (; r; r = r->next) {
        jm_count_decision(r);
    }
    return DECLINED;
}

/* --- for those who read --- */

/* Counter by counter: the octets between two tables are not looked at. */
const jm_cells_t *jm_count_copy(apr_pool_t *p, const jm_counters_t *counters)
{
    apr_size_t size = size_of(counters->table);
    jm_counter_t *to = apr_pcalloc(p, size);
    jm_counter_t *from = (jm_counter_t *)(void *)counters->cells;
    apr_size_t i;

    for (i = 0; from && i < size / sizeof(*to); i++) {
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    }
    return (const jm_cells_t *)(void *)to;
}

void jm_count_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_log_transaction(count_rest, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
