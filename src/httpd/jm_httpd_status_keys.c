/*
 * jm_httpd_status_keys.c: the part of the status page on keys: where they are
 * from, how old they are, when they are renewed, and what went wrong. Touches
 * the response.
 */
#include "jm_httpd_status.h"

static void put_source(request_rec *r, const jm_status_source_t *source)
{
    ap_rprintf(r, "<td><code>%s</code>", source->member);
    if (source->place) {
        ap_rputs("<span class=\"sub place\">", r);
        jm_page_code(r, source->place);
        ap_rputs("</span>", r);
    }
    ap_rputs("</td>", r);
}

static void put_next(request_rec *r, const jm_status_t *status,
                     const jm_status_source_t *source)
{
    if (source->next <= status->now) {
        ap_rputs("<span class=\"sub\">next fetch now</span>", r);
        return;
    }
    ap_rprintf(r, "<span class=\"sub\">next fetch in %s</span>",
               jm_status_duration(r->pool, source->next - status->now));
}

static void put_age(request_rec *r, const jm_status_t *status,
                    const jm_status_source_t *source)
{
    ap_rputs("<td class=\"age\">", r);
    ap_rputs(source->read
             ? jm_status_duration(r->pool, status->now - source->read)
             : "none yet", r);
    if (source->is_fetched) {
        put_next(r, status, source);
    }
    ap_rputs("</td>", r);
}

static const char *outlook(request_rec *r, const jm_status_t *status,
                           const jm_status_source_t *source)
{
    if (!source->read) {
        return "There are none from before.";
    }
    if (!source->is_fetched) {
        return "What was read before goes on.";
    }
    if (source->until <= status->now) {
        return "What was fetched before is too old to be used.";
    }
    return apr_psprintf(r->pool, "What was fetched before goes on for %s.",
                        jm_status_duration(r->pool,
                                           source->until - status->now));
}

/* A row of its own: such texts are long. */
static void put_error(request_rec *r, const jm_status_t *status,
                      const jm_status_source_t *source)
{
    if (!source->failed) {
        return;
    }
    ap_rprintf(r, "<tr class=\"problem\"><td colspan=\"4\"><b>Failed %s ago:"
               "</b> ", jm_status_duration(r->pool,
                                           status->now - source->failed));
    jm_page_text(r, source->error);
    ap_rprintf(r, ". %s</td></tr>\n", outlook(r, status, source));
}

static void put_authorizer(request_rec *r, const jm_status_t *status,
                           const jm_status_keys_t *keys)
{
    ap_rputs("<tr><th scope=\"row\">", r);
    jm_page_code(r, keys->authorizer);
    ap_rprintf(r, "<span class=\"sub wide\">%s</span></th>",
               keys->algorithms);
    put_source(r, &keys->source);
    jm_page_number(r, "", keys->count);
    put_age(r, status, &keys->source);
    ap_rputs("</tr>\n", r);
    put_error(r, status, &keys->source);
}

static void put_revoked(request_rec *r, const jm_status_t *status,
                        const jm_status_keys_t *keys)
{
    ap_rputs("<tr><th scope=\"row\">", r);
    jm_page_code(r, keys->authorizer);
    ap_rputs("<span class=\"sub\">revocation list</span></th>", r);
    put_source(r, keys->revoked);
    ap_rputs("<td></td>", r);
    put_age(r, status, keys->revoked);
    ap_rputs("</tr>\n", r);
    put_error(r, status, keys->revoked);
}

void jm_status_keys_html(request_rec *r, const jm_status_t *status,
                         const jm_status_table_t *table)
{
    unsigned i;

    if (!table->table->authorizer_count) {
        return;
    }
    jm_page_open_table(r, apr_pstrcat(r->pool, "Keys of ", table->name, NULL),
                       "<th scope=\"col\">Authorizer</th>"
                       "<th scope=\"col\">Keys from</th>"
                       "<th scope=\"col\" class=\"num\">Keys</th>"
                       "<th scope=\"col\">Age</th>");
    for (i = 0; i < table->table->authorizer_count; i++) {
        put_authorizer(r, status, &table->keys[i]);
        if (table->keys[i].revoked) {
            put_revoked(r, status, &table->keys[i]);
        }
    }
    jm_page_close_table(r);
}
