/*
 * jm_httpd_notes.c: claims and verdict as request notes, and r->user. Notes
 * are an export for logs and other modules; nothing is ever read back.
 */
#include "mod_jwtmap.h"

#include "jm_json.h"

/* 1 if there may be a note of a claim already, of an earlier decision or of
 * another module: one that has a dot where those have it. */
static int has_claims(const apr_table_t *notes)
{
    const apr_array_header_t *array = apr_table_elts(notes);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    int i;

    for (i = 0; i < array->nelts; i++) {
        if (entry[i].key[0] && entry[i].key[1] && entry[i].key[2]
            && entry[i].key[3] == '.') {
            return 1;
        }
    }
    return 0;
}

/* apr_table_setn would compare each name with all before it: they begin with
 * the same four octets, which is what its index knows of a name. No two notes
 * of a token have one name. */
static void export_claims(request_rec *r, const jm_token_t *token)
{
    void (*put)(apr_table_t *, const char *, const char *)
        = has_claims(r->notes) ? apr_table_setn : apr_table_addn;
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

/* 1 if export_claims did what there is to do for a path: it is one name, and
 * that of a scalar or of nothing. */
static int is_exported(const jm_json_t *claims, const jm_path_t *path)
{
    unsigned i;

    if (path->count != 1 || !path->flat.len || claims->count > JM_NOTES_MAX) {
        return 0;
    }
    for (i = 0; i < claims->count; i++) {
        if (is_composite(&claims->items[i])
            && jm_str_eq(claims->items[i].name, path->flat)) {
            return 0;
        }
    }
    return 1;
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

/* The claims that the route maps, whatever their type and place. */
static void export_mapped(request_rec *r, const jm_decision_t *d)
{
    const jm_json_t *claims = d->token->claims;
    const jm_route_t *route = d->route;
    unsigned i;

    for (i = 0; route && i < route->note_count; i++) {
        if (!is_exported(claims, &route->note_paths[i])) {
            export_path(r, claims, &route->note_paths[i],
                        route->note_names[i]);
        }
    }
}

void jm_notes_export(request_rec *r, const jm_ctx_t *ctx)
{
    const jm_decision_t *d = ctx->decision;
    jm_verdict_e verdict = d->verdict != JM_OK ? d->verdict
                                               : d->token_verdict;

    apr_table_setn(r->notes, "jwtmap.verdict", jm_error(verdict)->name);
    if (d->route) {
        apr_table_setn(r->notes, "jwtmap.route", d->route->id);
    }
    if (d->authorizer) {
        apr_table_setn(r->notes, "jwtmap.authorizer", d->authorizer->name);
    }
    if (!d->token) {
        return;
    }
    export_claims(r, d->token);
    export_mapped(r, d);
    if (d->user) {
        r->user = apr_pstrdup(r->pool, d->user);
        r->ap_auth_type = "Bearer";
    }
}
