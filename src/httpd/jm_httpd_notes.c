/*
 * jm_httpd_notes.c: claims and verdict as request notes, and r->user. Notes
 * are an export for logs and other modules; nothing is ever read back.
 */
#include "mod_jwtmap.h"

#include "jm_json.h"

typedef void put_fn(apr_table_t *notes, const char *name, const char *text);

/* 1 if there may be a note of ours already, of an earlier decision or of
 * another module. */
static int has_ours(const apr_table_t *notes)
{
    const apr_array_header_t *array = apr_table_elts(notes);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    int i;

    for (i = 0; i < array->nelts; i++) {
        if (!strncasecmp(entry[i].key, "jwt", 3)) {
            return 1;
        }
    }
    return 0;
}

/* Two notes of a token have one name only where that was escaped or cut. */
static void export_claims(request_rec *r, const jm_token_t *token,
                          put_fn *put)
{
    jm_notes_t notes = token->notes;
    unsigned i;

    if (!notes.list) {
        notes = jm_notes_make(apr_palloc(r->pool,
                                         jm_notes_size(token->claims)),
                              token->claims);
    }
    for (i = 0; i < notes.count; i++) {
        put(r->notes, notes.list[i].name, notes.list[i].text);
    }
}

/* Any part of its path may be shared. */
static int shares_path(const jm_json_t *claim)
{
    for (; claim->parent; claim = claim->parent) {
        if (claim->shared) {
            return 1;
        }
    }
    return 0;
}

static int is_composite(const jm_json_t *claim)
{
    return claim->type == JM_JSON_ARRAY || claim->type == JM_JSON_OBJECT;
}

static void export_path(request_rec *r, const jm_json_t *claims,
                        const jm_path_t *path, const char *name)
{
    const jm_json_t *claim = jm_path_find(claims, path);

    if (claim && claim->type != JM_JSON_NULL && !shares_path(claim)) {
        jm_str_t text = jm_value_text(r->pool, claim);

        apr_table_setn(r->notes, apr_pstrcat(r->pool, "jwt.", name, NULL),
                       jm_note_text(r->pool, text));
    }
}

static int is_one_name(const jm_path_t *path)
{
    return path->count == 1 && path->flat.len > 0;
}

/* An array or object at the top level, where the route maps it. */
static void export_composite(request_rec *r, const jm_json_t *claims,
                             const jm_json_t *claim, const jm_route_t *route)
{
    unsigned i;

    for (i = 0; i < route->note_count; i++) {
        const jm_path_t *path = &route->note_paths[i];

        if (is_one_name(path) && jm_str_eq(path->flat, claim->name)) {
            export_path(r, claims, path, route->note_names[i]);
        }
    }
}

/* The claims that the route maps, whatever their type and place, but for what
 * export_claims did. */
static void export_mapped(request_rec *r, const jm_json_t *claims,
                          const jm_route_t *route)
{
    int all = claims->count > JM_NOTES_MAX;
    unsigned i;

    for (i = 0; i < route->note_count; i++) {
        const jm_path_t *path = &route->note_paths[i];

        if (all || !is_one_name(path)) {
            export_path(r, claims, path, route->note_names[i]);
        }
    }
    for (i = 0; !all && i < claims->count; i++) {
        if (is_composite(&claims->items[i])) {
            export_composite(r, claims, &claims->items[i], route);
        }
    }
}

void jm_notes_export(request_rec *r, const jm_ctx_t *ctx)
{
    const jm_decision_t *d = ctx->decision;
    jm_verdict_e verdict = d->verdict != JM_OK ? d->verdict
                                               : d->token_verdict;
    /* apr_table_setn compares each name with all before it that begin with
     * the same four octets. */
    put_fn *put = has_ours(r->notes) ? apr_table_setn : apr_table_addn;

    put(r->notes, "jwtmap.verdict", jm_error(verdict)->name);
    if (d->route) {
        put(r->notes, "jwtmap.route", d->route->id);
    }
    if (d->authorizer) {
        put(r->notes, "jwtmap.authorizer", d->authorizer->name);
    }
    if (!d->token) {
        return;
    }
    export_claims(r, d->token, put);
    if (d->route) {
        export_mapped(r, d->token->claims, d->route);
    }
    if (d->user) {
        r->user = apr_pstrdup(r->pool, d->user);
        r->ap_auth_type = "Bearer";
    }
}
