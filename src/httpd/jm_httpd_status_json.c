/*
 * jm_httpd_status_json.c: the status as JSON, for scripts. Numbers are those
 * of the page; routes that nothing happened to are there with zeros, their
 * reasons without.
 */
#include "jm_httpd_status.h"

#include "jm_json.h"

/* Text that is clean already, as a JSON string. */
static const char *quoted(request_rec *r, const char *text)
{
    jm_str_t out = jm_json_quote(r->pool, jm_str(text));

    return apr_pstrmemdup(r->pool, out.ptr, out.len);
}

static void put_verdicts(request_rec *r, const char *name,
                         const jm_counter_t *counters)
{
    const char *comma = "";
    unsigned i;

    ap_rprintf(r, ",\"%s\":{", name);
    for (i = 0; i < JM_VERDICT_COUNT; i++) {
        if (counters[i]) {
            ap_rprintf(r, "%s\"%s\":%lu", comma,
                       jm_error((jm_verdict_e)i)->name, counters[i]);
            comma = ",";
        }
    }
    ap_rputs("}", r);
}

/* Members without braces around them. */
static void put_row(request_rec *r, const jm_row_t *row)
{
    ap_rprintf(r, "\"requests\":%lu,\"verified\":%lu,\"anonymous\":%lu,"
               "\"preflight\":%lu,\"internal\":%lu,\"refused\":%lu,"
               "\"would_refuse\":%lu", jm_status_requests(row),
               row->passed[JM_PASS_VERIFIED], row->passed[JM_PASS_ANONYMOUS],
               row->passed[JM_PASS_PREFLIGHT], row->passed[JM_PASS_INTERNAL],
               jm_status_refused(row), jm_status_would_refuse(row));
    put_verdicts(r, "refused_by", row->refused);
    put_verdicts(r, "would_refuse_by", row->would_refuse);
}

static void put_latency(request_rec *r, const jm_latency_t *latency)
{
    unsigned i;

    ap_rprintf(r, "{\"count\":%lu,\"seconds\":%.9f,\"buckets\":[",
               jm_status_verifications(latency),
               (double)latency->nanoseconds / 1e9);
    for (i = 0; i < JM_LATENCY_BOUNDS; i++) {
        ap_rprintf(r, "{\"up_to\":%.6f,\"count\":%lu},",
                   (double)jm_count_bound(i) / 1e9, latency->buckets[i]);
    }
    ap_rprintf(r, "{\"up_to\":null,\"count\":%lu}]}", latency->buckets[i]);
}

static const char *quoted_or_null(request_rec *r, const char *text)
{
    return text ? quoted(r, text) : "null";
}

/* name: with the comma before it. A time of 0 is null. */
static void put_time(request_rec *r, const char *name, apr_time_t time)
{
    if (time) {
        ap_rprintf(r, "%s:%" APR_TIME_T_FMT, name, apr_time_sec(time));
    }
    else {
        ap_rprintf(r, "%s:null", name);
    }
}

/* Members without braces around them. */
static void put_source(request_rec *r, const jm_status_source_t *source)
{
    ap_rprintf(r, "\"source\":\"%s\",\"place\":%s", source->member,
               quoted_or_null(r, source->place));
    put_time(r, ",\"loaded\"", source->read);
    if (source->is_fetched) {
        put_time(r, ",\"next\"", source->next);
        put_time(r, ",\"until\"", source->until);
    }
    put_time(r, ",\"failed\"", source->failed);
    ap_rprintf(r, ",\"error\":%s", quoted_or_null(r, source->error));
}

static void put_revoked(request_rec *r, const jm_status_source_t *revoked)
{
    if (revoked) {
        ap_rputs(",\"revoked\":{", r);
        put_source(r, revoked);
        ap_rputs("}", r);
    }
}

static void put_keys(request_rec *r, const jm_status_table_t *table)
{
    unsigned i;

    ap_rputs(",\"authorizers\":[", r);
    for (i = 0; i < table->table->authorizer_count; i++) {
        const jm_status_keys_t *keys = &table->keys[i];

        ap_rprintf(r, "%s\n{\"name\":%s,\"algorithms\":\"%s\",\"keys\":%u,",
                   i ? "," : "", quoted(r, keys->authorizer),
                   keys->algorithms, keys->count);
        put_source(r, &keys->source);
        put_revoked(r, keys->revoked);
        ap_rputs("}", r);
    }
    ap_rputs("]", r);
}

/* Null where there is no cache. */
static void put_cache(request_rec *r, const jm_status_t *status,
                      const jm_latency_t *latency)
{
    jm_counter_t misses = jm_status_misses(latency);

    if (!status->has_cache) {
        ap_rputs(",\"cache\":null", r);
        return;
    }
    ap_rprintf(r, ",\"cache\":{\"hits\":%lu,\"misses\":%lu}",
               jm_status_verifications(latency) - misses, misses);
}

static void put_routes(request_rec *r, const jm_status_table_t *table)
{
    unsigned i;

    ap_rputs(",\"routes\":[", r);
    for (i = 0; i <= table->table->route_count; i++) {
        const char *route = jm_status_route(r->pool, table, i);

        ap_rprintf(r, "%s\n{\"route\":%s,", i ? "," : "",
                   quoted_or_null(r, route));
        put_row(r, &table->cells->rows[i]);
        ap_rputs("}", r);
    }
    ap_rputs("]", r);
}

static void put_table(request_rec *r, const jm_status_t *status,
                      const jm_status_table_t *table)
{
    ap_rprintf(r, "{\"file\":%s,\"loaded\":%" APR_TIME_T_FMT
               ",\"unmatched\":\"%s\",", quoted(r, table->file),
               apr_time_sec(table->loaded),
               table->table->unmatched_pass ? "pass" : "deny");
    put_row(r, &table->sum);
    ap_rputs(",\"verification\":", r);
    put_latency(r, &table->cells->latency);
    put_cache(r, status, &table->cells->latency);
    put_keys(r, table);
    put_routes(r, table);
    ap_rputs("}", r);
}

static void put_places(request_rec *r, const jm_status_t *status)
{
    unsigned i;

    ap_rputs(",\n\"in_force\":[", r);
    for (i = 0; i < status->place_count; i++) {
        const jm_status_place_t *place = &status->places[i];

        ap_rprintf(r, "%s\n{\"server\":%s,\"section\":%s,\"engine\":\"%s\","
                   "\"table\":%s}", i ? "," : "", quoted(r, place->server),
                   quoted_or_null(r, place->section),
                   place->engine, quoted(r, place->file));
    }
    ap_rputs("]", r);
}

void jm_status_json(request_rec *r, const jm_status_t *status)
{
    unsigned i;

    ap_rprintf(r, "{\"version\":\"" JM_VERSION "\",\"now\":%" APR_TIME_T_FMT
               ",", apr_time_sec(status->now));
    if (status->since) {
        ap_rprintf(r, "\"since\":%" APR_TIME_T_FMT ",",
                   apr_time_sec(status->since));
    }
    put_row(r, &status->sum);
    ap_rputs(",\"verification\":", r);
    put_latency(r, &status->latency);
    put_cache(r, status, &status->latency);
    put_places(r, status);
    ap_rputs(",\n\"tables\":[", r);
    for (i = 0; i < status->table_count; i++) {
        ap_rputs(i ? ",\n" : "\n", r);
        put_table(r, status, &status->tables[i]);
    }
    ap_rputs("]}\n", r);
}
