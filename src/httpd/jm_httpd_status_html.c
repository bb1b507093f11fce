/*
 * jm_httpd_status_html.c: the status as a page for people: well-formed as XML
 * too, without script, image or any other file. Bars are SVG, because a
 * style attribute would need a weaker Content-Security-Policy.
 */
#include "jm_httpd_status.h"

#define ROUTES_OPEN 20   /* rows of a table shown unfolded, at most */

static void put_number(request_rec *r, jm_counter_t number)
{
    jm_page_number(r, "", number);
}

static void put_bar(request_rec *r, const char *kind, double width)
{
    ap_rputs("<td class=\"bar wide\"><svg height=\"8\" aria-hidden=\"true\">",
             r);
    jm_page_piece(r, kind, 0, width);
    ap_rputs("</svg></td>", r);
}

/* --- head --- */

static void put_head(request_rec *r, const jm_status_t *status)
{
    ap_rputs("<!DOCTYPE html>\n<html lang=\"en\"><head>"
             "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
             "content=\"width=device-width, initial-scale=1\"/>\n"
             "<title>mod_jwtmap on ", r);
    jm_page_text(r, status->host);
    ap_rprintf(r, "</title>\n<style>%s</style></head>\n<body>\n<header>"
               "<h1>mod_jwtmap on ", jm_status_style());
    jm_page_text(r, status->host);
    ap_rputs("</h1>\n<p class=\"dim\">", r);
    if (status->since) {
        ap_rprintf(r, "Counting for %s, since %s",
                   jm_status_duration(r->pool, status->now - status->since),
                   jm_status_time(r->pool, status->since));
    }
    ap_rputs("</p>\n<nav aria-label=\"Formats\">"
             "<a href=\"?format=json\">JSON</a>"
             "<a href=\"?format=prometheus\">Prometheus</a>"
             "<a href=\"?refresh=5\">Reload every 5 s</a></nav>"
             "</header>\n<main>\n", r);
}

/* --- summary --- */

static void put_tile(request_rec *r, const char *kind, const char *name,
                     const char *value, const char *below)
{
    ap_rprintf(r, "<div class=\"tile %s\"><dt>%s</dt><dd class=\"n\">%s</dd>"
               "<dd class=\"sub\">%s</dd></div>\n", kind, name, value, below);
}

static void put_share(request_rec *r, const char *kind, const char *name,
                      jm_counter_t part, jm_counter_t whole,
                      const char *below)
{
    put_tile(r, kind, name, jm_status_number(r->pool, part),
             apr_psprintf(r->pool, "%.1f %% \xC2\xB7 %s",
                          jm_status_percent(part, whole), below));
}

static void put_verify_tile(request_rec *r, const jm_latency_t *latency)
{
    jm_counter_t count = jm_status_verifications(latency);

    put_tile(r, "", "Verification takes",
             count ? jm_status_nanoseconds(r->pool,
                                           (double)latency->nanoseconds
                                           / (double)count)
                   : "\xE2\x80\x93",
             apr_psprintf(r->pool, "mean of %s",
                          jm_status_number(r->pool, count)));
}

static void put_cache_tile(request_rec *r, const jm_status_t *status)
{
    jm_counter_t count = jm_status_verifications(&status->latency);
    jm_counter_t hits = count - jm_status_misses(&status->latency);

    if (!status->has_cache) {
        put_tile(r, "", "From the cache", "Off", "of verified tokens");
        return;
    }
    put_tile(r, "", "From the cache",
             count ? apr_psprintf(r->pool, "%.1f %%",
                                  jm_status_percent(hits, count))
                   : "\xE2\x80\x93",
             apr_psprintf(r->pool, "%s of %s tokens",
                          jm_status_number(r->pool, hits),
                          jm_status_number(r->pool, count)));
}

static void put_keys_tile(request_rec *r, const jm_status_t *status)
{
    put_tile(r, status->failed_count ? "bad" : "", "Key sources",
             jm_status_number(r->pool, status->source_count),
             status->failed_count
             ? apr_psprintf(r->pool, "%u failed, see below",
                            status->failed_count)
             : "all in order");
}

static void put_summary(request_rec *r, const jm_status_t *status)
{
    const jm_row_t *sum = &status->sum;
    jm_counter_t requests = jm_status_requests(sum);
    jm_counter_t open = sum->passed[JM_PASS_ANONYMOUS]
                        + sum->passed[JM_PASS_PREFLIGHT];
    jm_counter_t refused = jm_status_refused(sum);
    jm_counter_t would = jm_status_would_refuse(sum);
    double at = 0;

    ap_rputs("<h2 class=\"unseen\">Summary</h2>\n<dl class=\"tiles\">\n", r);
    put_tile(r, "", "Requests", jm_status_number(r->pool, requests),
             apr_psprintf(r->pool, "and %s internal passes",
                          jm_status_number(r->pool,
                                           sum->passed[JM_PASS_INTERNAL])));
    put_share(r, "ok", "Verified", sum->passed[JM_PASS_VERIFIED], requests,
              "good token");
    put_share(r, "open", "Open", open, requests, "no token needed");
    put_share(r, "bad", "Refused", refused, requests, "not let through");
    put_share(r, "would", "Would be refused", would, requests, "ReportOnly");
    put_verify_tile(r, &status->latency);
    put_cache_tile(r, status);
    put_keys_tile(r, status);
    ap_rputs("</dl>\n<svg height=\"12\" aria-hidden=\"true\">", r);
    at = jm_page_piece(r, "ok", at,
                       jm_status_percent(sum->passed[JM_PASS_VERIFIED],
                                         requests));
    at = jm_page_piece(r, "open", at, jm_status_percent(open, requests));
    at = jm_page_piece(r, "bad", at, jm_status_percent(refused, requests));
    jm_page_piece(r, "would", at, jm_status_percent(would, requests));
    ap_rputs("</svg>\n", r);
}

/* --- reasons --- */

static void put_reason(request_rec *r, const jm_row_t *sum,
                       jm_verdict_e verdict, jm_counter_t most)
{
    const jm_error_t *error = jm_error(verdict);
    jm_counter_t refused = sum->refused[verdict];
    jm_counter_t would = sum->would_refuse[verdict];
    double at;

    ap_rprintf(r, "<tr><th scope=\"row\"><b><code>%s</code></b> "
               "<span class=\"dim\">%d</span> %s.<span class=\"sub\">",
               error->name, error->status, error->log);
    jm_page_words(r, jm_status_advice(verdict));
    ap_rputs("</span></th>", r);
    put_number(r, refused);
    put_number(r, would);
    ap_rputs("<td class=\"bar wide\"><svg height=\"8\" aria-hidden=\"true\">",
             r);
    at = jm_page_piece(r, "bad", 0, jm_status_percent(refused, most));
    jm_page_piece(r, "would", at, jm_status_percent(would, most));
    ap_rputs("</svg></td></tr>\n", r);
}

static jm_counter_t of_reason(const jm_row_t *sum, unsigned verdict)
{
    return sum->refused[verdict] + sum->would_refuse[verdict];
}

/* The reason after last, most frequent first, then in the order of the
 * verdicts; JM_VERDICT_COUNT stands before the first one and after the last
 * one that happened. */
static unsigned next_reason(const jm_row_t *sum, unsigned last)
{
    unsigned found = JM_VERDICT_COUNT;
    unsigned i;

    for (i = 0; i < JM_VERDICT_COUNT; i++) {
        jm_counter_t n = of_reason(sum, i);
        int is_later = last == JM_VERDICT_COUNT
                       || n < of_reason(sum, last)
                       || (n == of_reason(sum, last) && i > last);

        if (n && is_later && (found == JM_VERDICT_COUNT
                              || n > of_reason(sum, found))) {
            found = i;
        }
    }
    return found;
}

static void put_reasons(request_rec *r, const jm_row_t *sum)
{
    unsigned first = next_reason(sum, JM_VERDICT_COUNT);
    unsigned i;

    ap_rputs("<section><h2>Refusals by reason</h2>\n", r);
    if (first == JM_VERDICT_COUNT) {
        ap_rputs("<p class=\"dim\">Nothing was refused.</p></section>\n", r);
        return;
    }
    ap_rputs("<p class=\"dim\">Each has a line in the error log at "
             "<code>LogLevel jwtmap:info</code>, with its route, authorizer "
             "and <code>kid</code>.</p>\n", r);
    jm_page_open_table(r, "Refusals by reason",
                       "<th scope=\"col\">Reason, and what to do</th>"
                       "<th scope=\"col\" class=\"num\">Refused</th>"
                       "<th scope=\"col\" class=\"num\">Would be</th>"
                       "<td class=\"wide\"></td>");
    for (i = first; i < JM_VERDICT_COUNT; i = next_reason(sum, i)) {
        put_reason(r, sum, (jm_verdict_e)i, of_reason(sum, first));
    }
    jm_page_close_table(r);
    ap_rputs("</section>\n", r);
}

/* --- routes --- */

static const char *auth_text(apr_pool_t *p, const jm_route_t *route)
{
    const char *names = "";
    unsigned i;

    if (route->auth == JM_AUTH_NONE) {
        return "open";
    }
    for (i = 0; i < route->authorizer_count; i++) {
        names = apr_pstrcat(p, names, i ? ", " : "",
                            route->authorizers[i]->name, NULL);
    }
    return apr_pstrcat(p, route->auth == JM_AUTH_OPTIONAL ? "optional: "
                                                          : "token: ",
                       jm_status_clean(p, names), NULL);
}

static void put_route(request_rec *r, const jm_status_table_t *table,
                      unsigned index)
{
    const jm_row_t *row = &table->cells->rows[index];
    const char *route = jm_status_route(r->pool, table, index);

    ap_rputs("<tr><th scope=\"row\">", r);
    if (route) {
        jm_page_code(r, route);
        ap_rputs("<span class=\"sub\">", r);
        jm_page_text(r, auth_text(r->pool, table->table->routes[index]));
        ap_rputs("</span></th>", r);
    }
    else {
        ap_rprintf(r, "No route<span class=\"sub\">%s</span></th>",
                   table->table->unmatched_pass ? "let through"
                                                : "404, 405 or 400");
    }
    put_number(r, jm_status_requests(row));
    jm_page_number(r, " wide", row->passed[JM_PASS_VERIFIED]);
    jm_page_number(r, " wide", row->passed[JM_PASS_ANONYMOUS]
                         + row->passed[JM_PASS_PREFLIGHT]);
    put_number(r, jm_status_refused(row));
    put_number(r, jm_status_would_refuse(row));
    ap_rputs("</tr>\n", r);
}

static void put_route_rows(request_rec *r, const jm_status_table_t *table,
                           const char *name, unsigned from, unsigned to)
{
    unsigned i;

    jm_page_open_table(r, name, "<th scope=\"col\">Route</th>"
                       "<th scope=\"col\" class=\"num\">Requests</th>"
                       "<th scope=\"col\" class=\"num wide\">Verified</th>"
                       "<th scope=\"col\" class=\"num wide\">Open</th>"
                       "<th scope=\"col\" class=\"num\">Refused</th>"
                       "<th scope=\"col\" class=\"num\">Would be</th>");
    for (i = from; i < to; i++) {
        put_route(r, table, table->order[i]);
    }
    jm_page_close_table(r);
}

static jm_counter_t requests_from(const jm_status_table_t *table,
                                  unsigned from, unsigned to)
{
    jm_counter_t sum = 0;
    unsigned i;

    for (i = from; i < to; i++) {
        sum += jm_status_requests(&table->cells->rows[table->order[i]]);
    }
    return sum;
}

/* Rows that are shown unfolded: all of a short table, of a long one those
 * that were asked for. */
static unsigned rows_open(const jm_status_table_t *table, unsigned count)
{
    unsigned used = 0;

    if (count <= ROUTES_OPEN) {
        return count;
    }
    while (used < ROUTES_OPEN && requests_from(table, used, used + 1)) {
        used++;
    }
    return used ? used : ROUTES_OPEN;
}

static void put_routes(request_rec *r, const jm_status_table_t *table)
{
    unsigned count = table->table->route_count + 1;
    unsigned shown = rows_open(table, count);

    put_route_rows(r, table, apr_pstrcat(r->pool, "Routes of ", table->name,
                                         NULL), 0, shown);
    if (shown == count) {
        return;
    }
    ap_rprintf(r, "<details><summary>%s more routes, %s requests</summary>\n",
               jm_status_number(r->pool, count - shown),
               jm_status_number(r->pool, requests_from(table, shown, count)));
    put_route_rows(r, table, apr_pstrcat(r->pool, "More routes of ",
                                         table->name, NULL), shown, count);
    ap_rputs("</details>\n", r);
}

static void put_table(request_rec *r, const jm_status_t *status,
                      const jm_status_table_t *table)
{
    ap_rputs("<section><h2><code>", r);
    jm_page_text(r, table->name);
    ap_rprintf(r, "</code></h2>\n<p class=\"dim\">%s routes, %s requests. A "
               "path that no route names is %s.</p>\n",
               jm_status_number(r->pool, table->table->route_count),
               jm_status_number(r->pool, jm_status_requests(&table->sum)),
               table->table->unmatched_pass ? "let through" : "404");
    jm_status_keys_html(r, status, table);
    put_routes(r, table);
    ap_rputs("</section>\n", r);
}

/* --- verification --- */

static void put_bucket(request_rec *r, const jm_latency_t *latency,
                       unsigned i, jm_counter_t count)
{
    ap_rprintf(r, "<tr><th scope=\"row\">%s %s</th>",
               i < JM_LATENCY_BOUNDS ? "up to" : "over",
               jm_status_nanoseconds(r->pool, (double)jm_count_bound(
                   i < JM_LATENCY_BOUNDS ? i : JM_LATENCY_BOUNDS - 1)));
    put_number(r, latency->buckets[i]);
    ap_rprintf(r, "<td class=\"num\">%.1f %%</td>",
               jm_status_percent(latency->buckets[i], count));
    put_bar(r, "link", jm_status_percent(latency->buckets[i], count));
    ap_rputs("</tr>\n", r);
}

static void put_latency(request_rec *r, const jm_latency_t *latency)
{
    jm_counter_t count = jm_status_verifications(latency);
    unsigned first = 0;
    unsigned last = JM_LATENCY_BOUNDS;

    ap_rputs("<section><h2>Verification time</h2>\n", r);
    if (!count) {
        ap_rputs("<p class=\"dim\">No token was looked at.</p></section>\n",
                 r);
        return;
    }
    for (; !latency->buckets[first]; first++) {
    }
    for (; !latency->buckets[last]; last--) {
    }
    jm_page_open_table(r, "Verification time",
                       "<th scope=\"col\">One token</th>"
                       "<th scope=\"col\" class=\"num\">Tokens</th>"
                       "<th scope=\"col\" class=\"num\">Share</th>"
                       "<td class=\"wide\"></td>");
    for (; first <= last; first++) {
        put_bucket(r, latency, first, count);
    }
    jm_page_close_table(r);
    ap_rputs("</section>\n", r);
}

/* --- settings --- */

static void put_places(request_rec *r, const jm_status_t *status)
{
    unsigned i;

    ap_rputs("<section><h2>In force</h2>\n", r);
    jm_page_open_table(r, "Where a table is in force",
                       "<th scope=\"col\">Server</th>"
                       "<th scope=\"col\">Where</th>"
                       "<th scope=\"col\">JwtMapEngine</th>"
                       "<th scope=\"col\">JwtMapConfig</th>");
    for (i = 0; i < status->place_count; i++) {
        const jm_status_place_t *place = &status->places[i];

        ap_rputs("<tr><th scope=\"row\">", r);
        jm_page_text(r, place->server);
        ap_rputs("</th><td>", r);
        if (place->section) {
            jm_page_code(r, place->section);
        }
        else {
            ap_rputs("everywhere", r);
        }
        ap_rprintf(r, "</td><td>%s</td><td>", place->engine);
        jm_page_code(r, place->name);
        ap_rputs("</td></tr>\n", r);
    }
    jm_page_close_table(r);
    ap_rputs("</section>\n", r);
}

void jm_status_html(request_rec *r, const jm_status_t *status)
{
    unsigned i;

    put_head(r, status);
    if (status->table_count) {
        put_summary(r, status);
        put_reasons(r, &status->sum);
        for (i = 0; i < status->table_count; i++) {
            put_table(r, status, &status->tables[i]);
        }
        put_latency(r, &status->latency);
        put_places(r, status);
    }
    else {
        ap_rputs("<section><p>No route table is in force: name one with "
                 "<code>JwtMapConfig</code>.</p></section>\n", r);
    }
    ap_rprintf(r, "</main>\n<footer>mod_jwtmap " JM_VERSION ". Numbers begin "
               "anew with each restart, also a graceful one. Read at %s."
               "</footer>\n</body></html>\n",
               jm_status_time(r->pool, status->now));
}
