/*
 * jm_httpd_notes.c: claims and verdict as request notes, and r->user. Notes
 * are an export for logs and other modules; nothing is ever read back.
 */
#include <apr_lib.h>

#include "mod_jwtmap.h"

#include "jm_json.h"

/* Octets of a note that a character takes whose first octet is c. */
static apr_size_t note_width(unsigned char c)
{
    if (c < 0x20 || c == 0x7f || c >= 0xf0) {
        return 4;
    }
    return c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
}

/* Text for a note: controls as \xHH, cut at JM_NOTE_VALUE_MAX octets and
 * never inside a character. */
static const char *note_text(apr_pool_t *p, jm_str_t text)
{
    char *out = apr_palloc(p, (text.len < JM_NOTE_VALUE_MAX / 4
                               ? 4 * text.len : JM_NOTE_VALUE_MAX) + 1);
    char *end = out;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((apr_size_t)(end - out) + note_width(c) > JM_NOTE_VALUE_MAX) {
            break;
        }
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

/* The same for a claim in an object: any part of its path may be shared. */
static int shares_path(const jm_json_t *claim)
{
    for (; claim->parent; claim = claim->parent) {
        if (shares_name(claim->parent, claim)) {
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

static const char *lower_name(apr_pool_t *p, const jm_json_t *claim)
{
    char *name = apr_pstrmemdup(p, claim->name.ptr, claim->name.len);

    ap_str_tolower(name);
    return name;
}

/* Claims by the name that their notes would have; those that share one are
 * NULL there. A token may hold thousands: no comparison of each with each. */
static apr_hash_t *by_note_name(apr_pool_t *p, const jm_json_t *claims)
{
    apr_hash_t *names = apr_hash_make(p);
    apr_hash_t *seen = apr_hash_make(p);
    unsigned i;

    for (i = 0; i < claims->count; i++) {
        const char *name = lower_name(p, &claims->items[i]);

        apr_hash_set(names, name, APR_HASH_KEY_STRING,
                     apr_hash_get(seen, name, APR_HASH_KEY_STRING)
                     ? NULL : &claims->items[i]);
        apr_hash_set(seen, name, APR_HASH_KEY_STRING, name);
    }
    return names;
}

static void export_claims(request_rec *r, const jm_json_t *claims)
{
    apr_hash_t *names = by_note_name(r->pool, claims);
    unsigned exported = 0;
    unsigned i;

    for (i = 0; i < claims->count && exported < JM_NOTES_MAX; i++) {
        const jm_json_t *claim = &claims->items[i];

        if (is_scalar(claim)
            && apr_hash_get(names, lower_name(r->pool, claim),
                            APR_HASH_KEY_STRING)) {
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

        if (claim && claim->type != JM_JSON_NULL && !shares_path(claim)) {
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
