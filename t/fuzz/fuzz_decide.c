/*
 * A whole request against one table. Input: a line of options (see
 * has_option), then the octets that a client sends. `{{…}}` in a field
 * stands for a token with that payload, signed with the key of the table: all
 * other tokens are not.
 *
 * Whatever the client sends: a name of the table is upstream with the value
 * of the decision or not at all, a claim is one that was signed, and a
 * protected path is passed with a token only, however it is spelt.
 */
#include "decide_upstream.h"

#include "jm_cache.h"
#include "jm_json.h"

/* --- what was verified -------------------------------------------------- */

static int says(const jm_json_t *claims, const char *name, const char *value)
{
    const jm_json_t *claim = jm_json_get(claims, jm_str(name));
    unsigned i;

    for (i = 0; claim && claim->type == JM_JSON_ARRAY && i < claim->count;
         i++) {
        if (claim->items[i].type == JM_JSON_STRING
            && jm_str_is(claim->items[i].text, value)) {
            return !strcmp(name, "aud");
        }
    }
    return claim && claim->type == JM_JSON_STRING
           && jm_str_is(claim->text, value);
}

/* The number of claims that have a note: scalars, but for those whose names
 * differ in case only. */
static unsigned count_notes(const jm_json_t *claims)
{
    unsigned count = 0, i, k;

    for (i = 0; i < claims->count; i++) {
        const jm_json_t *claim = &claims->items[i];
        unsigned twins = 0;

        for (k = 0; k < claims->count; k++) {
            jm_str_t name = claims->items[k].name;

            twins += name.len == claim->name.len
                     && !strncasecmp(name.ptr, claim->name.ptr, name.len);
        }
        count += twins == 1 && claim->type != JM_JSON_NULL
                 && claim->type != JM_JSON_ARRAY
                 && claim->type != JM_JSON_OBJECT;
    }
    return count < JM_NOTES_MAX ? count : JM_NOTES_MAX;
}

/* The notes of claims fit into the octets that they ask for: malloc's, so that
 * a sanitizer sees one more. Those that the cache made, if it did, are the
 * same. */
static void check_notes(const jm_json_t *claims, jm_notes_t cached)
{
    void *block = malloc(jm_notes_size(claims));
    jm_notes_t notes = jm_notes_make(block, claims);
    unsigned i;

    must(notes.count == count_notes(claims));
    must(!cached.list || cached.count == notes.count);
    for (i = 0; i < notes.count; i++) {
        const jm_note_t *note = &notes.list[i];

        must(!strncmp(note->name, "jwt.", 4));
        must(strlen(note->name) <= JM_NOTE_VALUE_MAX + 4);
        must(strlen(note->text) <= JM_NOTE_VALUE_MAX);
        must(!httpd_has_control(jm_str(note->name)));
        must(!httpd_has_control(jm_str(note->text)));
        must(!cached.list || (!strcmp(note->name, cached.list[i].name)
                              && !strcmp(note->text, cached.list[i].text)));
    }
    free(block);
}

/* The claims of a decision are those of a token that was signed here and
 * that the client sent, and they hold. */
static void check_token(apr_pool_t *p, const jm_decision_t *d)
{
    const jm_json_t *claims, *exp;
    apr_int64_t until;
    unsigned i = 0;

    while (i < token_count
           && !jm_str_eq(tokens[i], d->token->credential.token)) {
        i++;
    }
    must(i < token_count);
    must(jm_json_parse(&claims, NULL, p, payloads[i]) == APR_SUCCESS);
    must(jm_str_eq(jm_json_compact(p, claims),
                   jm_json_compact(p, d->token->claims)));
    must(says(claims, "aud", "a"));
    must(says(claims, "iss", strcmp(d->token->authorizer->name, "jim")
                             ? "joe" : "jim"));
    exp = jm_json_get(claims, jm_str("exp"));
    must(exp && jm_json_seconds(&until, exp) == APR_SUCCESS);
    must(NOW < until + JM_LEEWAY_DEFAULT);
    must(!d->user || says(claims, "sub", d->user));
    check_notes(claims, d->token->notes);
}

/* What shows nothing but a claim is that claim, or is not there. */
static void check_claim(apr_pool_t *p, const jm_decision_t *d,
                        const char *name, jm_str_t value)
{
    const jm_json_t *claim;
    unsigned i;

    for (i = 0; claim_of[i][0]; i++) {
        if (strcmp(claim_of[i][0], name) || !value.ptr) {
            continue;
        }
        must(d->token);
        claim = jm_json_get(d->token->claims, jm_str(claim_of[i][1]));
        must(claim && claim->type != JM_JSON_NULL);
        must(!strcmp(name, "x-roles")
             || jm_str_eq(value, jm_value_text(p, claim)));
    }
}

static void check_claims(apr_pool_t *p, const jm_decision_t *d)
{
    unsigned i;

    must(d->token || !d->user);
    for (i = 0; i < d->field_count; i++) {
        check_claim(p, d, d->fields[i].name, jm_str(d->fields[i].value));
    }
    for (i = 0; i < d->param_count; i++) {
        check_claim(p, d, d->params[i].name.ptr, d->params[i].value);
    }
    for (i = 0; i < d->response_count; i++) {
        check_claim(p, d, d->response_fields[i].name,
                    jm_str(d->response_fields[i].value));
    }
}

/* The credential that was verified stays here. */
static void check_credential(apr_pool_t *p, const jm_table_t *table,
                             const jm_request_t *request,
                             const jm_decision_t *d)
{
    apr_table_t *fields = apr_table_copy(p, request->headers);
    const char *rest;

    if (!d->token || d->route->forward_token || request->report_only) {
        return;
    }
    jm_headers_apply(fields, p, table, d->fields, d->field_count);
    if (!d->token->credential.cookie) {
        must(!apr_table_get(fields, d->token->credential.header));
        return;
    }
    rest = apr_table_getm(p, fields, "Cookie");
    while (rest && *rest) {
        jm_str_t pair = jm_strn(rest, strcspn(rest, ";,"));

        rest += pair.len + (rest[pair.len] != '\0');
        must(!pair.len || !memchr(pair.ptr, '=', pair.len)
             || !jm_str_is(httpd_trim(fuzz_cut(&pair, '=')), "t"));
    }
}

/* --- where it went ------------------------------------------------------ */

static int is_admin(jm_str_t path)
{
    return path.len >= 6 && !memcmp(path.ptr, "/admin", 6)
           && (path.len == 6 || path.ptr[6] == '/');
}

/* Who sends a bearer token where one is looked at is not taken for nobody. */
static void check_offered(const jm_request_t *request, const jm_decision_t *d)
{
    const char *value = apr_table_get(request->headers, "Authorization");

    must(!value || strncasecmp(value, "Bearer ", 7)
         || d->token_verdict != JM_NO_TOKEN || d->inherited || !d->route
         || strncmp(d->route->path, "/opt/", 5));
}

/* MergeSlashes Off: `//` is not `/`, and a way that does nothing else to the
 * path is none. */
static int is_way(apr_pool_t *p, const jm_request_t *request, unsigned way)
{
    jm_str_t path = request->uri.path;

    return request->merge_slashes || !(way & 16)
           || !jm_str_eq(path, httpd_read(p, path, way & 15));
}

/* No server may find the protected path in what passed without a token. */
static void check_path(apr_pool_t *p, const jm_request_t *request,
                       const jm_decision_t *d)
{
    unsigned way;

    if (d->token || request->report_only
        || (d->route && !d->route->strict_path)) {
        return;
    }
    must(!d->route || d->route->auth != JM_AUTH_REQUIRED);
    for (way = 0; way < 32; way++) {
        must(!is_admin(httpd_read(p, request->uri.path, way))
             || !is_way(p, request, way));
        if (request->uri.raw.len) {
            must(!is_admin(httpd_read(p, request->uri.raw, way)));
        }
    }
}

static void check_passed(apr_pool_t *p, const jm_table_t *table,
                         const jm_request_t *request, const jm_decision_t *d)
{
    check_headers(p, table, request, d);
    check_query(p, request, d);
    check_credential(p, table, request, d);
    check_claims(p, d);
    if (!d->inherited) {
        check_path(p, request, d);
        check_offered(request, d);
    }
}

static const jm_decision_t *decide(apr_pool_t *p, const jm_table_t *table,
                                   const jm_request_t *request)
{
    const jm_decision_t *d = jm_decide(table, request, p);

    must(d->verdict != JM_INTERNAL);
    must(d->action != JM_ACTION_REFUSE || d->verdict != JM_OK);
    must(d->verdict == JM_OK || d->action == JM_ACTION_REFUSE
         || request->report_only);
    must(d->action != JM_ACTION_PREFLIGHT
         || (!strcmp(request->method, "OPTIONS") && !d->token
             && !d->field_count && !d->param_count));
    must(!d->token == (d->token_verdict != JM_OK));
    must(d->action != JM_ACTION_PASS || request->report_only || d->token
         || d->token_verdict == JM_NO_TOKEN);
    if (d->token) {
        check_token(p, d);
    }
    if (d->action == JM_ACTION_PASS) {
        check_passed(p, table, request, d);
    }
    must(d->action != JM_ACTION_RESPONSE || d->token || request->report_only);
    return d;
}

static void same_decision(const jm_decision_t *a, const jm_decision_t *b)
{
    unsigned i;

    must(a->action == b->action && a->verdict == b->verdict
         && a->token_verdict == b->token_verdict && a->route == b->route
         && a->field_count == b->field_count && jm_str_eq(a->args, b->args));
    for (i = 0; i < a->field_count; i++) {
        must(!strcmp(a->fields[i].name, b->fields[i].name)
             && jm_str_eq(jm_str(a->fields[i].value),
                          jm_str(b->fields[i].value)));
    }
}

/* The later passes of a request that passed. */
static void check_later(apr_pool_t *p, const jm_table_t *table,
                        const jm_request_t *first, const jm_decision_t *d)
{
    jm_request_t later = *first;

    later.origin = d;
    later.shared = d->token;
    later.args = d->args;
    later.uri.raw = jm_strn(NULL, 0);
    later.uri.path = jm_str("/front.php");
    must(decide(p, table, &later)->inherited);
    later.uri.path = jm_str("/admin/front.php");
    must(!decide(p, table, &later)->inherited);
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    const jm_table_t *table = get_table();
    jm_str_t rest = input;
    jm_str_t options = fuzz_cut(&rest, '\n');
    const jm_decision_t *d;
    jm_request_t request;

    if (!read_request(&request, p, options, rest)) {
        return;
    }
    d = decide(p, table, &request);
    if (d->action == JM_ACTION_PASS) {
        check_later(p, table, &request, d);
    }
    if (token_count) {
        request.cache = jm_cache_make(p, 8);
        same_decision(d, decide(p, table, &request));
        same_decision(d, decide(p, table, &request));
    }
}
