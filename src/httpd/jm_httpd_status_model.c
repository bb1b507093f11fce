/*
 * jm_httpd_status_model.c: reads counters and configuration for a page. The
 * counters of a table are copied before anything is added up, so that the
 * numbers of one page agree with each other under load.
 */
#include <stdlib.h>

#include <http_main.h>

#include "jm_httpd_status.h"

#include "jm_alg.h"
#include "jm_remote.h"
#include "jm_slot.h"
#include "jm_watch.h"

static const jm_server_conf_t *conf_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &jwtmap_module);
}

/* --- numbers --- */

static jm_counter_t sum_of(const jm_counter_t *counters, unsigned count)
{
    jm_counter_t sum = 0;
    unsigned i;

    for (i = 0; i < count; i++) {
        sum += counters[i];
    }
    return sum;
}

jm_counter_t jm_status_refused(const jm_row_t *row)
{
    return sum_of(row->refused, JM_VERDICT_COUNT);
}

jm_counter_t jm_status_would_refuse(const jm_row_t *row)
{
    return sum_of(row->would_refuse, JM_VERDICT_COUNT);
}

jm_counter_t jm_status_requests(const jm_row_t *row)
{
    return sum_of(row->passed, JM_PASS_COUNT) - row->passed[JM_PASS_INTERNAL]
           + jm_status_refused(row) + jm_status_would_refuse(row);
}

jm_counter_t jm_status_verifications(const jm_latency_t *latency)
{
    return sum_of(latency->buckets, JM_LATENCY_BOUNDS + 1);
}

/* A request may be counted between the looks at the two numbers. */
jm_counter_t jm_status_misses(const jm_latency_t *latency)
{
    jm_counter_t count = jm_status_verifications(latency);

    return count > latency->cached ? count - latency->cached : 0;
}

double jm_status_percent(jm_counter_t part, jm_counter_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void add_row(jm_row_t *sum, const jm_row_t *row)
{
    unsigned i;

    for (i = 0; i < JM_PASS_COUNT; i++) {
        sum->passed[i] += row->passed[i];
    }
    for (i = 0; i < JM_VERDICT_COUNT; i++) {
        sum->refused[i] += row->refused[i];
        sum->would_refuse[i] += row->would_refuse[i];
    }
}

static void add_latency(jm_latency_t *sum, const jm_latency_t *latency)
{
    unsigned i;

    for (i = 0; i <= JM_LATENCY_BOUNDS; i++) {
        sum->buckets[i] += latency->buckets[i];
    }
    sum->nanoseconds += latency->nanoseconds;
    sum->cached += latency->cached;
}

/* --- a table --- */

typedef struct ranked_t {
    jm_counter_t requests;
    unsigned row;
} ranked_t;

static int by_requests(const void *one, const void *other)
{
    const ranked_t *a = one;
    const ranked_t *b = other;

    if (a->requests != b->requests) {
        return a->requests > b->requests ? -1 : 1;
    }
    return a->row < b->row ? -1 : a->row > b->row;
}

static const unsigned *rank(apr_pool_t *p, const jm_cells_t *cells,
                            unsigned count)
{
    ranked_t *ranked = apr_palloc(p, count * sizeof(*ranked));
    unsigned *order = apr_palloc(p, count * sizeof(*order));
    unsigned i;

    for (i = 0; i < count; i++) {
        ranked[i].requests = jm_status_requests(&cells->rows[i]);
        ranked[i].row = i;
    }
    qsort(ranked, count, sizeof(*ranked), by_requests);
    for (i = 0; i < count; i++) {
        order[i] = ranked[i].row;
    }
    return order;
}

const char *jm_status_route(apr_pool_t *p, const jm_status_table_t *table,
                            unsigned row)
{
    return row < table->table->route_count
           ? jm_status_clean(p, table->table->routes[row]->id) : NULL;
}

/* A file as it may stand in httpd.conf. */
static const char *short_name(const char *file)
{
    apr_size_t len = strlen(ap_server_root);

    return !strncmp(file, ap_server_root, len) && file[len] == '/'
           ? file + len + 1 : file;
}

/* As many as requests find now; 0: none yet. */
static unsigned count_keys(apr_pool_t *p, const jm_authorizer_t *authorizer)
{
    const jm_keyset_t *keys = authorizer->keys;

    if (authorizer->key_slot) {
        keys = jm_slot_get(authorizer->key_slot, p, NULL);
    }
    return keys ? keys->count : 0;
}

/* --- keys --- */

static apr_time_t from_seconds(apr_uint32_t seconds)
{
    return apr_time_from_sec((apr_time_t)seconds);
}

static void read_report(jm_status_source_t *source, apr_pool_t *p,
                        const jm_report_t *report)
{
    if (report->read) {
        source->read = from_seconds(report->read);
    }
    if (report->failed) {
        source->failed = from_seconds(report->failed);
        source->error = jm_status_clean(p, report->error);
    }
}

static void read_file(jm_status_source_t *source, apr_pool_t *p,
                      const jm_watch_t *watch, apr_time_t loaded)
{
    jm_report_t report;

    source->member = jm_watch_member(watch->kind);
    source->place = jm_status_clean(p, watch->name);
    source->read = loaded;
    if (jm_files_report(&report, conf_of(ap_server_conf)->files, watch)) {
        read_report(source, p, &report);
    }
}

static void read_fetched(jm_status_source_t *source, apr_pool_t *p,
                         const jm_authorizer_t *authorizer)
{
    const jm_remote_t *remote = authorizer->remote;
    jm_snapshot_t snapshot = { 0, 0, { NULL, 0 } };
    jm_report_t report;

    source->member = authorizer->key_source;
    source->place = jm_status_clean(p, jm_remote_for_log(p, remote->url));
    source->is_fetched = 1;
    if (!jm_remotes_report(&report, conf_of(ap_server_conf)->remotes,
                           authorizer)) {
        return;
    }
    read_report(source, p, &report);
    source->next = from_seconds(report.next);
    if (report.read) {
        snapshot.fetched = report.read;
        snapshot.expires = report.expires;
        source->until = apr_time_from_sec(
            jm_snapshot_usable_until(&snapshot, remote, report.read));
    }
}

/* The file of an authorizer that holds its keys, or its revocation list;
 * NULL: there is none. */
static const jm_watch_t *find_watch(const jm_table_t *table,
                                    const jm_authorizer_t *authorizer,
                                    int is_revoked)
{
    unsigned i;

    for (i = 0; i < table->watch_count; i++) {
        const jm_watch_t *watch = table->watches[i];

        if (watch->authorizer == authorizer
            && (watch->kind == JM_WATCH_REVOKED) == is_revoked) {
            return watch;
        }
    }
    return NULL;
}

static void read_source(jm_status_source_t *source, apr_pool_t *p,
                        const jm_counters_t *counters,
                        const jm_authorizer_t *authorizer)
{
    const jm_watch_t *watch = find_watch(counters->table, authorizer, 0);

    if (authorizer->remote) {
        read_fetched(source, p, authorizer);
    }
    else if (watch) {
        read_file(source, p, watch, counters->loaded);
    }
    else {
        source->member = authorizer->key_source;
        source->read = counters->loaded;
    }
}

static const jm_status_source_t *read_revoked(apr_pool_t *p,
                                              const jm_counters_t *counters,
                                              const jm_authorizer_t *of)
{
    const jm_watch_t *watch = find_watch(counters->table, of, 1);
    jm_status_source_t *source;

    if (!watch) {
        return NULL;
    }
    source = apr_pcalloc(p, sizeof(*source));
    read_file(source, p, watch, counters->loaded);
    return source;
}

static const jm_status_keys_t *read_keys(apr_pool_t *p,
                                         const jm_counters_t *counters)
{
    const jm_table_t *table = counters->table;
    jm_status_keys_t *keys = apr_pcalloc(p, (table->authorizer_count + 1)
                                            * sizeof(*keys));
    unsigned i;

    for (i = 0; i < table->authorizer_count; i++) {
        const jm_authorizer_t *authorizer = table->authorizers[i];

        keys[i].authorizer = jm_status_clean(p, authorizer->name);
        keys[i].algorithms = jm_alg_list(p, authorizer->algs);
        read_source(&keys[i].source, p, counters, authorizer);
        keys[i].count = count_keys(p, authorizer);
        keys[i].revoked = read_revoked(p, counters, authorizer);
    }
    return keys;
}

static void read_table(jm_status_table_t *to, apr_pool_t *p,
                       const jm_counters_t *counters)
{
    unsigned i;

    to->table = counters->table;
    to->file = jm_status_clean(p, counters->table->file);
    to->name = jm_status_clean(p, short_name(counters->table->file));
    to->loaded = counters->loaded;
    to->cells = jm_count_copy(p, counters);
    for (i = 0; i <= to->table->route_count; i++) {
        add_row(&to->sum, &to->cells->rows[i]);
    }
    to->order = rank(p, to->cells, to->table->route_count + 1);
    to->keys = read_keys(p, counters);
}

static void count_source(jm_status_t *status,
                         const jm_status_source_t *source)
{
    status->source_count++;
    status->failed_count += source->failed ? 1 : 0;
}

static void count_sources(jm_status_t *status, const jm_status_table_t *table)
{
    unsigned i;

    for (i = 0; i < table->table->authorizer_count; i++) {
        count_source(status, &table->keys[i].source);
        if (table->keys[i].revoked) {
            count_source(status, table->keys[i].revoked);
        }
    }
}

/* --- where it is in force --- */

static const char *engine_name(jm_engine_e engine)
{
    return engine == JM_ENGINE_OFF ? "Off"
           : engine == JM_ENGINE_REPORT_ONLY ? "ReportOnly" : "On";
}

static void add_place(apr_array_header_t *places, apr_pool_t *p,
                      const server_rec *s, const char *section,
                      const jm_dir_conf_t *conf)
{
    jm_status_place_t *place;
    apr_port_t port = s->addrs ? s->addrs->host_port : s->port;

    if (!conf->table) {
        return;
    }
    place = apr_array_push(places);
    place->server = jm_status_clean(p, s->server_hostname);
    if (port) {
        place->server = apr_psprintf(p, "%s:%d", place->server, (int)port);
    }
    place->section = jm_status_clean(p, section);
    place->engine = engine_name(conf->engine);
    place->file = jm_status_clean(p, conf->table->file);
    place->name = jm_status_clean(p, short_name(conf->table->file));
}

static void add_server(apr_array_header_t *places, apr_pool_t *p,
                       const server_rec *s)
{
    const core_server_config *core = ap_get_core_module_config(
        s->module_config);
    const jm_dir_conf_t *base = ap_get_module_config(s->lookup_defaults,
                                                     &jwtmap_module);
    int i;

    add_place(places, p, s, NULL, base);
    for (i = 0; i < core->sec_url->nelts; i++) {
        ap_conf_vector_t *vector = APR_ARRAY_IDX(core->sec_url, i,
                                                 ap_conf_vector_t *);
        const core_dir_config *section = ap_get_core_module_config(vector);
        const jm_dir_conf_t *add = ap_get_module_config(vector,
                                                        &jwtmap_module);

        if (add && (add->table || add->engine != JM_ENGINE_UNSET)) {
            add_place(places, p, s, section->d, jm_conf_merge(p, base, add));
        }
    }
}

static void read_places(jm_status_t *status, apr_pool_t *p,
                        const server_rec *s)
{
    apr_array_header_t *places = apr_array_make(p, 8,
                                                sizeof(jm_status_place_t));

    for (; s; s = s->next) {
        add_server(places, p, s);
    }
    status->places = (const jm_status_place_t *)places->elts;
    status->place_count = (unsigned)places->nelts;
}

const jm_status_t *jm_status_read(request_rec *r)
{
    const apr_array_header_t *list = jm_count_tables(
        r->server->process->pconf);
    unsigned count = list ? (unsigned)list->nelts : 0;
    jm_status_t *status = apr_pcalloc(r->pool, sizeof(*status));
    jm_status_table_t *tables = apr_pcalloc(r->pool, (count + 1)
                                                     * sizeof(*tables));
    unsigned i;

    status->host = jm_status_clean(r->pool, r->server->server_hostname);
    status->now = r->request_time;
    status->tables = tables;
    status->table_count = count;
    for (i = 0; i < count; i++) {
        read_table(&tables[i], r->pool,
                   APR_ARRAY_IDX(list, i, const jm_counters_t *));
        add_row(&status->sum, &tables[i].sum);
        add_latency(&status->latency, &tables[i].cells->latency);
        count_sources(status, &tables[i]);
    }
    status->has_cache = conf_of(ap_server_conf)->cache != NULL;
    status->since = count ? tables[0].loaded : 0;
    read_places(status, r->pool, ap_server_conf);
    return status;
}
