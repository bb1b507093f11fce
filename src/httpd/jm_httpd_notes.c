/*
 * jm_httpd_notes.c: claims and verdict as request notes, and r->user. Notes
 * are an export for logs and other modules; nothing is ever read back.
 */
#include <apr_lib.h>

#include "mod_jwtmap.h"

#include "jm_json.h"

/* Text for a note: controls as \xHH, cut at JM_NOTE_VALUE_MAX octets of the
 * original and never inside a UTF-8 sequence. */
static const char *note_text(apr_pool_t *p, jm_str_t text)
{
    apr_size_t len = text.len < JM_NOTE_VALUE_MAX ? text.len
                                                  : JM_NOTE_VALUE_MAX;
    char *out, *end;
    apr_size_t i;

    while (len && len < text.len && (text.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    out = end = apr_palloc(p, 4 * len + 1);
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c == 0x7f) {
            end += apr_snprintf(end, 5, "\\x%02x", c);
        }
        else {
            *end++ = (char)c;
        }
    }
    *end = '\0';
    return out;
}

static int is_scalar(const jm_json_t *claim)
{
    return claim->type == JM_JSON_STRING || claim->type == JM_JSON_NUMBER
           || claim->type == JM_JSON_BOOL;
}

/* Note names ignore case, claims do not: 1 if another claim would share the
 * note of this one. Both are then left out. */
static int shares_name(const jm_json_t *claims, const jm_json_t *claim)
{
    unsigned i;

    for (i = 0; i < claims->count; i++) {
        const jm_json_t *other = &claims->items[i];

        if (other != claim && other->name.len == claim->name.len
            && !strncasecmp(other->name.ptr, claim->name.ptr,
                            claim->name.len)) {
            return 1;
        }
    }
    return 0;
}

static void set_note(request_rec *r, const char *name, const jm_json_t *claim)
{
    apr_table_setn(r->notes, apr_pstrcat(r->pool, "jwt.", name, NULL),
                   note_text(r->pool, jm_value_text(r->pool, claim)));
}

static void export_claims(request_rec *r, const jm_json_t *claims)
{
    unsigned exported = 0;
    unsigned i;

    for (i = 0; i < claims->count && exported < JM_NOTES_MAX; i++) {
        const jm_json_t *claim = &claims->items[i];

        if (is_scalar(claim) && !shares_name(claims, claim)) {
            set_note(r, note_text(r->pool, claim->name), claim);
            exported++;
        }
    }
}

/* The claims that the route maps, whatever their type and place. */
static void export_mapped(request_rec *r, const jm_decision_t *d)
{
    const jm_json_t *claims = d->token->claims;
    unsigned i;

    for (i = 0; d->route && i < d->route->note_count; i++) {
        const jm_json_t *claim = jm_path_find(claims, &d->route->note_paths[i]);

        if (claim && claim->type != JM_JSON_NULL
            && (claim->parent != claims || !shares_name(claims, claim))) {
            set_note(r, d->route->note_names[i], claim);
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
    export_claims(r, d->token->claims);
    export_mapped(r, d);
    if (d->user) {
        r->user = apr_pstrdup(r->pool, d->user);
        r->ap_auth_type = "Bearer";
    }
}
