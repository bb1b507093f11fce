/*
 * jm_httpd_answer.c: the answers that the module makes itself: refusals,
 * static responses, preflights. Touches the response side of r, its
 * connection's keep-alive, and the log.
 */
#include <apr_lib.h>

#include "mod_jwtmap.h"

#include <mod_core.h>

#include "jm_cors.h"
#include "jm_json.h"
#include "jm_response.h"

APLOG_USE_MODULE(jwtmap);

static ap_filter_rec_t *json_filter;

/* --- the log line --- */

/* Octets for a log line: quotes, backslashes and all but visible ASCII as
 * \xHH, cut at JM_LOG_KID_MAX. */
static const char *for_log(apr_pool_t *p, jm_str_t text)
{
    apr_size_t len = text.len < JM_LOG_KID_MAX ? text.len : JM_LOG_KID_MAX;
    char *out = apr_palloc(p, 4 * len + 4);
    char *end = out;
    apr_size_t i;

    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c > ' ' && c < 0x7f && c != '"' && c != '\\') {
            *end++ = (char)c;
        }
        else {
            end += apr_snprintf(end, 5, "\\x%02x", c);
        }
    }
    memcpy(end, "...", sizeof("..."));
    if (len == text.len) {
        *end = '\0';
    }
    return out;
}

void jm_answer_log(request_rec *r, const jm_ctx_t *ctx)
{
    const jm_decision_t *d = ctx->decision;
    const jm_error_t *error = jm_error(d->verdict);
    int level = d->verdict == JM_INTERNAL ? APLOG_ERR : APLOG_INFO;

    ap_log_rerror(APLOG_MARK, level, 0, r,
                  "%s: %s (%s%s%s)%s%s%s%s%s%s",
                  d->action == JM_ACTION_REFUSE ? "refused" : "would refuse",
                  error->name, error->log,
                  d->detail ? ": " : "", d->detail ? d->detail : "",
                  d->route ? ", route " : "", d->route ? d->route->id : "",
                  d->authorizer ? ", authorizer " : "",
                  d->authorizer ? d->authorizer->name : "",
                  d->kid.len ? ", kid " : "",
                  d->kid.len ? for_log(r->pool, d->kid) : "");
    jm_count_decision(r);
}

/* --- headers --- */

/* A quoted-string (RFC 9110 5.6.4); what cannot stand in one is left out. In
 * an AuthName httpd has escaped the quotes already. */
static const char *quoted(apr_pool_t *p, const char *text)
{
    char *out = apr_palloc(p, 2 * strlen(text) + 3);
    char *end = out;

    *end++ = '"';
    for (; *text; text++) {
        if (apr_iscntrl(*text)) {
            continue;
        }
        if (*text == '\\' && text[1] && !apr_iscntrl(text[1])) {
            *end++ = *text++;
        }
        else if (*text == '"' || *text == '\\') {
            *end++ = '\\';
        }
        *end++ = *text;
    }
    *end++ = '"';
    *end = '\0';
    return out;
}

/* Never the name that the client sent: no answer shows text of a request. */
static const char *realm_of(request_rec *r)
{
    const char *name = ap_auth_name(r);

    return quoted(r->pool, name ? name : r->server->server_hostname);
}

/* RFC 6750 section 3 */
static const char *challenge_of(request_rec *r, const jm_error_t *error)
{
    if (!error->challenge) {
        return apr_pstrcat(r->pool, "Bearer realm=", realm_of(r), NULL);
    }
    return apr_pstrcat(r->pool, "Bearer realm=", realm_of(r), ", error=\"",
                       error->challenge, "\", error_description=\"",
                       error->text, "\"", NULL);
}

void jm_answer_challenge(request_rec *r, jm_verdict_e verdict)
{
    apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                   challenge_of(r, jm_error(verdict)));
}

/* httpd says TRACE itself, where TraceEnable lets it. */
static void allow_methods(request_rec *r, const char *const *methods)
{
    ap_method_list_t *list = r->allowed_methods;

    ap_clear_method_list(list);
    for (; *methods; methods++) {
        if (strcmp(*methods, "TRACE")) {
            ap_method_list_add(list, *methods);
        }
    }
    r->allowed = list->method_mask;
}

void jm_answer_fields(request_rec *r, const jm_decision_t *d)
{
    const jm_error_t *error = jm_error(d->verdict);
    apr_table_t *out = r->err_headers_out;

    apr_table_setn(out, "Cache-Control", "no-store");
    if (error->status == HTTP_UNAUTHORIZED || error->challenge) {
        jm_answer_challenge(r, d->verdict);
    }
    if (error->status == HTTP_SERVICE_UNAVAILABLE) {
        const jm_server_conf_t *server = ap_get_module_config(
            r->server->module_config, &jwtmap_module);

        apr_table_setn(out, "Retry-After",
                       apr_itoa(r->pool,
                                jm_remotes_retry_after(server->remotes,
                                                       d->authorizer)));
    }
    if (d->allow) {
        allow_methods(r, d->allow);
    }
}

/* --- the body of a refusal --- */

static const char *body_of(apr_pool_t *p, const jm_error_t *error)
{
    return apr_pstrcat(p, "{\"error\":\"", error->text, "\",\"code\":\"",
                       error->code, "\"}\n", NULL);
}

static void make_ready(request_rec *r, const jm_decision_t *d)
{
    const jm_error_t *error = jm_error(d->verdict);
    int index = ap_index_of_response(error->status);

    jm_answer_fields(r, d);
    /* The administrator's ErrorDocument wins. */
    if (!ap_response_code_string(r, index)) {
        ap_custom_response(r, error->status, body_of(r->pool, error));
        apr_table_setn(r->notes, "jwtmap.json", "1");
    }
}

static int has_body(const request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    return apr_table_get(r->headers_in, "Transfer-Encoding")
           || (length && strcmp(length, "0"));
}

/* The client may wait with its body for an answer: neither httpd nor the
 * handler of an ErrorDocument waits for the body then. */
static void give_up_body(request_rec *r)
{
    request_rec *top = r;

    while (top->main) {
        top = top->main;
    }
    if (!has_body(top) || r->proto_num >= HTTP_VERSION(2, 0)) {
        return;
    }
    r->connection->keepalive = AP_CONN_CLOSE;
    if (top == r) {
        apr_table_unset(r->headers_in, "Transfer-Encoding");
        apr_table_unset(r->headers_in, "Content-Length");
        apr_table_unset(r->headers_in, "Expect");
        r->expecting_100 = 0;
    }
}

int jm_answer_refuse(request_rec *r, jm_ctx_t *ctx)
{
    const jm_decision_t *d = ctx->decision;

    ctx->refused = 1;
    if (r->main) {
        jm_ctx(r->main)->below = apr_pmemdup(r->main->pool, d, sizeof(*d));
    }
    give_up_body(r);
    make_ready(r, d);
    return jm_error(d->verdict)->status;
}

int jm_answer_refuse_as(request_rec *r, jm_ctx_t *ctx, jm_verdict_e verdict,
                        const char *detail)
{
    jm_decision_t *d = apr_pmemdup(r->pool, ctx->decision, sizeof(*d));

    d->verdict = verdict;
    d->detail = detail;
    d->action = JM_ACTION_REFUSE;
    ctx->decision = d;
    jm_notes_export(r, ctx);
    jm_answer_log(r, ctx);
    return jm_answer_refuse(r, ctx);
}

/* httpd says text/html for what it calls a custom response. */
static apr_status_t say_json(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_set_content_type(f->r, "application/json");
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

int jm_answer_is_below(const request_rec *r, const jm_ctx_t *ctx)
{
    return ctx->below && !ctx->refused
           && jm_error(ctx->below->verdict)->status == r->status;
}

static void answer_for_subrequest(request_rec *r, jm_ctx_t *ctx)
{
    if (jm_answer_is_below(r, ctx)) {
        ctx->refused = 1;
        make_ready(r, ctx->below);
    }
}

static void insert_error_filter(request_rec *r)
{
    jm_ctx_t *ctx = ap_get_module_config(r->request_config, &jwtmap_module);

    if (!ctx) {
        return;
    }
    answer_for_subrequest(r, ctx);
    if (ctx->refused && apr_table_get(r->notes, "jwtmap.json")) {
        ap_add_output_filter_handle(json_filter, NULL, r, r->connection);
    }
}

/* --- other answers --- */

static const char *joined(apr_pool_t *p, const char *const *words)
{
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(char *));
    int i;

    for (i = 0; words && words[i]; i++) {
        if (i) {
            APR_ARRAY_PUSH(list, const char *) = ", ";
        }
        APR_ARRAY_PUSH(list, const char *) = words[i];
    }
    return apr_array_pstrcat(p, list, '\0');
}

/* 1 if an OPTIONS route of its own answers a preflight of an origin that the
 * table allows. */
static int is_own_preflight(const request_rec *r, const jm_ctx_t *ctx)
{
    const jm_client_t *client = ctx->client;

    return ctx->decision && ctx->decision->match.options_route
           && jm_cors_is_preflight(client->method, client->headers)
           && jm_cors_allowed(ctx->table->cors,
                              apr_table_getm(r->pool, client->headers,
                                             "Origin"));
}

/* What such a route says and the table does not. */
static int is_preflight_field(const char *name)
{
    return !strcasecmp(name, "Access-Control-Allow-Methods")
           || !strcasecmp(name, "Access-Control-Allow-Headers")
           || !strcasecmp(name, "Access-Control-Max-Age");
}

/* The table speaks for CORS, not the upstream. */
static void drop_cors_fields(apr_table_t *fields, int own_preflight)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    int i = 0;

    while (i < array->nelts) {
        if (!strncasecmp(entry[i].key, "Access-Control-", 15)
            && !(own_preflight && is_preflight_field(entry[i].key))) {
            apr_table_unset(fields, entry[i].key);
        }
        else {
            i++;
        }
    }
}

/* The answer varies with Origin also where there is none. */
void jm_answer_cors(request_rec *r, const jm_ctx_t *ctx)
{
    const jm_decision_t *d = ctx->decision;
    const apr_array_header_t *fields;
    int own_preflight;
    int i;

    if (!ctx->table->cors) {
        return;
    }
    own_preflight = is_own_preflight(r, ctx);
    drop_cors_fields(r->headers_out, own_preflight);
    drop_cors_fields(r->err_headers_out, own_preflight);
    fields = jm_cors_fields(ctx->table->cors, r->pool, ctx->client->headers,
                            d && d->action == JM_ACTION_PREFLIGHT,
                            joined(r->pool, d ? d->allow : NULL));
    for (i = 0; i < fields->nelts; i++) {
        const jm_field_t *field = &APR_ARRAY_IDX(fields, i, jm_field_t);

        apr_table_setn(r->headers_out, field->name, field->value);
    }
    jm_response_vary(r->headers_out, r->pool, "Origin");
}

int jm_answer_send(request_rec *r, const jm_ctx_t *ctx)
{
    const jm_decision_t *d = ctx->decision;
    int rv = ap_discard_request_body(r);

    if (rv != OK) {
        return rv;
    }
    if (d->action == JM_ACTION_PREFLIGHT) {
        r->status = HTTP_NO_CONTENT;
        return OK;
    }
    ap_set_content_type(r, "application/json");
    ap_set_content_length(r, (apr_off_t)d->route->response.len);
    if (!r->header_only) {
        ap_rwrite(d->route->response.ptr, (int)d->route->response.len, r);
    }
    return OK;
}

void jm_answer_register_hooks(apr_pool_t *p)
{
    (void)p;
    json_filter = ap_register_output_filter("JWTMAP_JSON", say_json, NULL,
                                            AP_FTYPE_CONTENT_SET);
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL,
                                APR_HOOK_MIDDLE);
}
