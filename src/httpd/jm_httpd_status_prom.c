/*
 * jm_httpd_status_prom.c: the status in Prometheus' text format 0.0.4. Each
 * table has all its series from the start, so that the first refusal is seen;
 * a route has those that something happened to, so that a table of many
 * routes is a page of few lines.
 */
#include "jm_httpd_status.h"

/* Clean text as a label value: `\` and `"` escaped. */
static const char *label(request_rec *r, const char *text)
{
    char *out = apr_palloc(r->pool, 2 * strlen(text) + 1);
    char *end = out;

    for (; *text; text++) {
        if (*text == '\\' || *text == '"') {
            *end++ = '\\';
        }
        *end++ = *text;
    }
    *end = '\0';
    return out;
}

static void put_head(request_rec *r, const char *name, const char *type,
                     const char *help)
{
    ap_rprintf(r, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_build(request_rec *r, const jm_status_t *status)
{
    put_head(r, "jwtmap_build_info", "gauge", "Version of the module.");
    ap_rputs("jwtmap_build_info{version=\"" JM_VERSION "\"} 1\n", r);
    if (status->since) {
        put_head(r, "jwtmap_start_time_seconds", "gauge",
                 "When counting began: the last start, restart or graceful "
                 "restart.");
        ap_rprintf(r, "jwtmap_start_time_seconds %" APR_TIME_T_FMT "\n",
                   apr_time_sec(status->since));
    }
}

/* --- per table --- */

static void put_outcomes(request_rec *r, const char *name, const char *labels,
                         const jm_row_t *row, int with_zeros)
{
    const struct {
        const char *outcome;
        jm_counter_t number;
    } outcomes[] = {
        { "verified", row->passed[JM_PASS_VERIFIED] },
        { "anonymous", row->passed[JM_PASS_ANONYMOUS] },
        { "preflight", row->passed[JM_PASS_PREFLIGHT] },
        { "refused", jm_status_refused(row) },
        { "would_refuse", jm_status_would_refuse(row) },
        { "internal", row->passed[JM_PASS_INTERNAL] }
    };
    unsigned i;

    for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (outcomes[i].number || with_zeros) {
            ap_rprintf(r, "%s{%s,outcome=\"%s\"} %lu\n", name, labels,
                       outcomes[i].outcome, outcomes[i].number);
        }
    }
}

static void put_verdicts(request_rec *r, const char *name, const char *labels,
                         const jm_counter_t *counters, int with_zeros)
{
    unsigned i;

    for (i = 0; i < JM_VERDICT_COUNT; i++) {
        if (i != JM_OK && (counters[i] || with_zeros)) {
            ap_rprintf(r, "%s{%s,verdict=\"%s\"} %lu\n", name, labels,
                       jm_error((jm_verdict_e)i)->name, counters[i]);
        }
    }
}

static const char *table_labels(request_rec *r, const jm_status_table_t *table)
{
    return apr_pstrcat(r->pool, "table=\"", label(r, table->file), "\"",
                       NULL);
}

static void put_tables(request_rec *r, const jm_status_t *status)
{
    unsigned i;

    put_head(r, "jwtmap_requests_total", "counter", "Decisions for requests "
             "by table and outcome; internal: later passes of a request.");
    for (i = 0; i < status->table_count; i++) {
        put_outcomes(r, "jwtmap_requests_total",
                     table_labels(r, &status->tables[i]),
                     &status->tables[i].sum, 1);
    }
    put_head(r, "jwtmap_refusals_total", "counter",
             "Refused requests by table and reason.");
    for (i = 0; i < status->table_count; i++) {
        put_verdicts(r, "jwtmap_refusals_total",
                     table_labels(r, &status->tables[i]),
                     status->tables[i].sum.refused, 1);
    }
    put_head(r, "jwtmap_would_refuse_total", "counter", "Requests that "
             "ReportOnly let through, by table and reason.");
    for (i = 0; i < status->table_count; i++) {
        put_verdicts(r, "jwtmap_would_refuse_total",
                     table_labels(r, &status->tables[i]),
                     status->tables[i].sum.would_refuse, 1);
    }
}

static void put_latency(request_rec *r, const jm_status_table_t *table)
{
    const jm_latency_t *latency = &table->cells->latency;
    const char *labels = table_labels(r, table);
    jm_counter_t count = 0;
    unsigned i;

    for (i = 0; i < JM_LATENCY_BOUNDS; i++) {
        count += latency->buckets[i];
        ap_rprintf(r, "jwtmap_verify_seconds_bucket{%s,le=\"%.6f\"} %lu\n",
                   labels, (double)jm_count_bound(i) / 1e9, count);
    }
    count += latency->buckets[i];
    ap_rprintf(r, "jwtmap_verify_seconds_bucket{%s,le=\"+Inf\"} %lu\n"
               "jwtmap_verify_seconds_sum{%s} %.9f\n"
               "jwtmap_verify_seconds_count{%s} %lu\n", labels, count, labels,
               (double)latency->nanoseconds / 1e9, labels, count);
}

static void put_cache(request_rec *r, const jm_status_table_t *table)
{
    const jm_latency_t *latency = &table->cells->latency;
    const char *labels = table_labels(r, table);
    jm_counter_t misses = jm_status_misses(latency);

    ap_rprintf(r, "jwtmap_cache_lookups_total{%s,result=\"hit\"} %lu\n"
               "jwtmap_cache_lookups_total{%s,result=\"miss\"} %lu\n", labels,
               jm_status_verifications(latency) - misses, labels, misses);
}

/* --- per authorizer --- */

static const char *source_labels(request_rec *r,
                                 const jm_status_table_t *table, unsigned i,
                                 const jm_status_source_t *source)
{
    return apr_psprintf(r->pool, "%s,authorizer=\"%s\",source=\"%s\"",
                        table_labels(r, table),
                        label(r, table->keys[i].authorizer), source->member);
}

static void put_keys(request_rec *r, const jm_status_table_t *table)
{
    unsigned i;

    for (i = 0; i < table->table->authorizer_count; i++) {
        const jm_status_keys_t *keys = &table->keys[i];

        ap_rprintf(r, "jwtmap_keys{%s} %u\n",
                   source_labels(r, table, i, &keys->source), keys->count);
    }
}

/* One line of name for each source of a table; a time that is not known has
 * none. */
static void put_sources(request_rec *r, const jm_status_table_t *table,
                        const char *name,
                        apr_int64_t (*value)(const jm_status_source_t *))
{
    unsigned i, n;

    for (i = 0; i < table->table->authorizer_count; i++) {
        const jm_status_source_t *both[2];

        both[0] = &table->keys[i].source;
        both[1] = table->keys[i].revoked;
        for (n = 0; n < 2 && both[n]; n++) {
            apr_int64_t number = value(both[n]);

            if (number >= 0) {
                ap_rprintf(r, "%s{%s} %" APR_INT64_T_FMT "\n", name,
                           source_labels(r, table, i, both[n]), number);
            }
        }
    }
}

static apr_int64_t seconds_of(apr_time_t time)
{
    return time ? apr_time_sec(time) : -1;
}

static apr_int64_t value_read(const jm_status_source_t *source)
{
    return seconds_of(source->read);
}

static apr_int64_t value_next(const jm_status_source_t *source)
{
    return seconds_of(source->next);
}

static apr_int64_t value_until(const jm_status_source_t *source)
{
    return seconds_of(source->until);
}

static apr_int64_t value_failed(const jm_status_source_t *source)
{
    return source->failed ? 1 : 0;
}

static void put_all_sources(request_rec *r, const jm_status_t *status)
{
    static const struct {
        const char *name;
        const char *help;
        apr_int64_t (*value)(const jm_status_source_t *);
    } families[] = {
        { "jwtmap_source_read_time_seconds", "When the keys or the "
          "revocation list in use were read or fetched.", value_read },
        { "jwtmap_source_next_time_seconds",
          "When keys are fetched next.", value_next },
        { "jwtmap_source_until_time_seconds", "When fetched keys are used no "
          "more unless a fetch succeeds.", value_until },
        { "jwtmap_source_failed", "1: the last fetch or reload failed; what "
          "was read before goes on.", value_failed }
    };
    unsigned i, n;

    for (n = 0; n < sizeof(families) / sizeof(families[0]); n++) {
        put_head(r, families[n].name, "gauge", families[n].help);
        for (i = 0; i < status->table_count; i++) {
            put_sources(r, &status->tables[i], families[n].name,
                        families[n].value);
        }
    }
}

/* --- per route --- */

static const char *route_labels(request_rec *r, const jm_status_table_t *table,
                                unsigned row)
{
    const char *route = jm_status_route(r->pool, table, row);

    return apr_pstrcat(r->pool, table_labels(r, table), ",route=\"",
                       route ? label(r, route) : "", "\"", NULL);
}

static int is_idle(const jm_row_t *row)
{
    return !jm_status_requests(row) && !row->passed[JM_PASS_INTERNAL];
}

static void put_routes(request_rec *r, const jm_status_table_t *table)
{
    unsigned i;

    for (i = 0; i <= table->table->route_count; i++) {
        if (!is_idle(&table->cells->rows[i])) {
            put_outcomes(r, "jwtmap_route_requests_total",
                         route_labels(r, table, i), &table->cells->rows[i],
                         0);
        }
    }
}

static void put_route_refusals(request_rec *r, const jm_status_table_t *table)
{
    unsigned i;

    for (i = 0; i <= table->table->route_count; i++) {
        if (!is_idle(&table->cells->rows[i])) {
            put_verdicts(r, "jwtmap_route_refusals_total",
                         route_labels(r, table, i),
                         table->cells->rows[i].refused, 0);
        }
    }
}

static void put_route_would(request_rec *r, const jm_status_table_t *table)
{
    unsigned i;

    for (i = 0; i <= table->table->route_count; i++) {
        if (!is_idle(&table->cells->rows[i])) {
            put_verdicts(r, "jwtmap_route_would_refuse_total",
                         route_labels(r, table, i),
                         table->cells->rows[i].would_refuse, 0);
        }
    }
}

static void put_each(request_rec *r, const jm_status_t *status,
                     void (*put)(request_rec *, const jm_status_table_t *))
{
    unsigned i;

    for (i = 0; i < status->table_count; i++) {
        put(r, &status->tables[i]);
    }
}

void jm_status_prometheus(request_rec *r, const jm_status_t *status)
{
    put_build(r, status);
    put_tables(r, status);
    put_head(r, "jwtmap_route_requests_total", "counter", "The same by "
             "route; route is empty for requests that no route names.");
    put_each(r, status, put_routes);
    put_head(r, "jwtmap_route_refusals_total", "counter",
             "Refused requests by route and reason.");
    put_each(r, status, put_route_refusals);
    put_head(r, "jwtmap_route_would_refuse_total", "counter",
             "Requests that ReportOnly let through, by route and reason.");
    put_each(r, status, put_route_would);
    put_head(r, "jwtmap_verify_seconds", "histogram",
             "Time that the verification of a token took.");
    put_each(r, status, put_latency);
    if (status->has_cache) {
        put_head(r, "jwtmap_cache_lookups_total", "counter",
                 "Verifications that the cache spared (hit), or did not.");
        put_each(r, status, put_cache);
    }
    put_head(r, "jwtmap_keys", "gauge", "Usable keys of an authorizer.");
    put_each(r, status, put_keys);
    put_all_sources(r, status);
}
