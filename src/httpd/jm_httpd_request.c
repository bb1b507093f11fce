/*
 * jm_httpd_request.c: shows a request_rec to the core as a jm_request_t,
 * keeps the decision, and edits r->args. Touches r, its notes and ctx.
 */
#include "mod_jwtmap.h"

APLOG_USE_MODULE(jwtmap);

static const request_rec *parent_of(const request_rec *r)
{
    return r->prev ? r->prev : r->main;
}

/* The method is that of the main request: subrequests are always GET. */
static const char *method_of(const request_rec *r)
{
    while (r->main) {
        r = r->main;
    }
    return r->method;
}

/* r->uri decoded exactly once; mapping=encoded left it encoded. What stands
 * for a slash stays encoded, so that the path rule sees it. */
static apr_status_t decoded_path(jm_str_t *ppath, request_rec *r)
{
    char *copy;

    *ppath = jm_str(r->uri);
    if (!apr_table_get(r->notes, "proxy-noencode")) {
        return APR_SUCCESS;
    }
    copy = apr_pstrdup(r->pool, r->uri);
    *ppath = jm_strn(NULL, 0);
    if (ap_unescape_url_keep2f(copy, 0) != OK) {
        return APR_EINVAL;
    }
    *ppath = jm_str(copy);
    return APR_SUCCESS;
}

static int merges_slashes(const request_rec *r)
{
    const core_server_config *core = ap_get_core_module_config(
        r->server->module_config);

    return core->merge_slashes != AP_CORE_CONFIG_OFF;
}

/* The path as the client wrote it; a target may be absolute. */
static jm_str_t target_path(const request_rec *r)
{
    const char *path = r->unparsed_uri ? r->unparsed_uri : "";
    const char *scheme = *path != '/' ? strstr(path, "://") : NULL;

    if (scheme) {
        path = scheme + 3 + strcspn(scheme + 3, "/?#");
    }
    return jm_strn(path, strcspn(path, "?"));
}

/* The path that goes upstream where r->uri does not: under nocanon as it
 * came, under mapping=servlet with the `;...` that r->uri has lost. */
static jm_str_t raw_path(const request_rec *r)
{
    jm_str_t raw = { NULL, 0 };

    if (apr_table_get(r->notes, "proxy-nocanon")) {
        return target_path(r);
    }
    if (apr_table_get(r->notes, "proxy-noencode")) {
        raw = jm_uri_normalize(r->pool, target_path(r), merges_slashes(r), 1);
        if (jm_str_is(raw, r->uri)) {
            raw = jm_strn(NULL, 0);
        }
    }
    return raw;
}

apr_status_t jm_request_match(jm_match_t *match, request_rec *r,
                              const jm_dir_conf_t *conf)
{
    jm_str_t path;
    apr_status_t rv = decoded_path(&path, r);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    return jm_router_match(match, r->pool, conf->table->router, path,
                           method_of(r));
}

void jm_request_decode_uri(request_rec *r, jm_ctx_t *ctx)
{
    jm_str_t path;

    if (decoded_path(&path, r) == APR_SUCCESS) {
        r->uri = (char *)path.ptr;
        ctx->uri = apr_pstrdup(r->pool, r->uri);
    }
}

/* The decision that r inherits where no route names it; NULL: none. */
static const jm_decision_t *origin_of(const request_rec *r,
                                      const jm_ctx_t *ctx,
                                      const jm_table_t *table)
{
    const request_rec *parent = parent_of(r);
    const jm_ctx_t *from;

    if (ctx->decision && ctx->table == table) {
        return ctx->decision;    /* r->uri was changed under us */
    }
    from = parent ? jm_ctx_decided(parent) : NULL;
    return from && from->table == table ? from->decision : NULL;
}

static const jm_decision_t *refusal(apr_pool_t *p, jm_verdict_e verdict)
{
    jm_decision_t *d = apr_pcalloc(p, sizeof(*d));

    d->verdict = verdict;
    d->token_verdict = JM_NO_TOKEN;
    return d;
}

/* What a subrequest decides serves the main request too (the token, the
 * answer to a refusal), and lives on when the subrequest is gone. */
static apr_pool_t *decision_pool(const request_rec *r)
{
    while (r->main) {
        r = r->main;
    }
    return r->pool;
}

static const jm_decision_t *run_decide(request_rec *r, const jm_ctx_t *ctx,
                                       const jm_dir_conf_t *conf)
{
    const jm_server_conf_t *server = ap_get_module_config(
        r->server->module_config, &jwtmap_module);
    jm_request_t request;

    memset(&request, 0, sizeof(request));
    if (decoded_path(&request.uri.path, r) != APR_SUCCESS) {
        return refusal(decision_pool(r), JM_PATH);
    }
    request.uri.raw = raw_path(r);
    request.method = method_of(r);
    request.client_method = ctx->client->method;
    request.merge_slashes = merges_slashes(r);
    request.args = jm_str(r->args);
    request.client_args = jm_str(ctx->client->args);
    request.headers = ctx->client->headers;
    request.now = apr_time_sec(apr_time_now());
    request.clock = jm_count_clock;
    request.report_only = conf->engine == JM_ENGINE_REPORT_ONLY;
    if (server->remotes) {
        request.refresh = jm_remotes_refresh;
        request.refresh_baton = server->remotes;
    }
    request.cache = server->cache;
    request.shared = ctx->client->token;
    request.origin = origin_of(r, ctx, conf->table);
    return jm_decide(conf->table, &request, decision_pool(r));
}

/* After a refusal, ours or one that httpd made before us, the ErrorDocument
 * is served without claims and without a decision; what it includes, too, but
 * for what a route names. */
static int follows_refusal(request_rec *r, const jm_dir_conf_t *conf)
{
    const jm_ctx_t *from;
    jm_match_t match;

    if (r->prev) {
        from = jm_ctx_decided(r->prev);
        return from ? from->strip_only || from->refused
                      || jm_answer_is_below(r->prev, from)
                    : ap_is_HTTP_ERROR(r->prev->status);
    }
    from = r->main ? jm_ctx_decided(r->main) : NULL;
    return from && from->strip_only
           && jm_request_match(&match, r, conf) == APR_SUCCESS
           && !match.shapes;
}

static void remember(request_rec *r, jm_ctx_t *ctx, const jm_dir_conf_t *conf)
{
    ctx->table = conf->table;
    ctx->counters = conf->counters;
    ctx->uri = apr_pstrdup(r->pool, r->uri);
}

/* The credential that the refused pass verified, as left_out. */
static const jm_field_t *verified_credential(const request_rec *r,
                                             const jm_ctx_t *refused)
{
    const jm_decision_t *d = refused->decision;
    jm_field_t field;

    if (!d || !d->token || !d->route || d->route->forward_token) {
        return refused->left_out;
    }
    field = jm_credential_removed(&d->token->credential, r->pool,
                                  refused->client->headers);
    return apr_pmemdup(r->pool, &field, sizeof(field));
}

/* The access log shows the notes of the last pass. */
static void keep_verdict(request_rec *r)
{
    static const char *const notes[] = {
        "jwtmap.verdict", "jwtmap.route", "jwtmap.authorizer"
    };
    apr_size_t i;

    for (i = 0; r->prev && i < sizeof(notes) / sizeof(notes[0]); i++) {
        const char *value = apr_table_get(r->prev->notes, notes[i]);

        if (value) {
            apr_table_setn(r->notes, notes[i], value);
        }
    }
}

/* httpd shows an ErrorDocument query and user of the request that was refused;
 * restore_request gives the log both back. */
static void hide_refused(request_rec *refused, const jm_ctx_t *ctx)
{
    jm_str_t args = jm_decision_query(ctx->table, NULL, refused->pool,
                                      jm_str(refused->args));

    refused->args = args.ptr ? apr_pstrmemdup(refused->pool, args.ptr,
                                              args.len) : NULL;
    if (ctx->decision && ctx->decision->user) {
        refused->user = NULL;
    }
}

/* An ErrorDocument: neither claims nor what a client may have posed. */
static void serve_stripped(request_rec *r, jm_ctx_t *ctx,
                           const jm_dir_conf_t *conf)
{
    request_rec *parent = r->prev ? r->prev : r->main;
    const jm_ctx_t *from = parent ? jm_ctx_decided(parent) : NULL;

    ctx->strip_only = 1;
    remember(r, ctx, conf);
    if (!from) {
        return;
    }
    ctx->left_out = verified_credential(r, from);
    if (from->decision && from->decision->user) {
        r->user = NULL;
        r->ap_auth_type = NULL;
    }
    if (r->prev) {
        keep_verdict(r);
        hide_refused(parent, from);
        if (jm_answer_is_below(parent, from)) {
            jm_answer_fields(r, from->below);
        }
    }
}

/* 1 for a look-up that a phase before our fixups makes (mod_negotiation, a
 * condition of mod_rewrite), while r->main waits for its decision. */
static int is_early(const request_rec *r)
{
    return r->main && jm_scope(r->main) && !jm_ctx_decided(r->main);
}

int jm_request_fail(request_rec *r, jm_ctx_t *ctx, const jm_dir_conf_t *conf)
{
    ctx->decision = refusal(decision_pool(r), JM_INTERNAL);
    remember(r, ctx, conf);
    jm_notes_export(r, ctx);
    jm_answer_log(r, ctx);
    return jm_answer_refuse(r, ctx);
}

int jm_request_decide(request_rec *r, jm_ctx_t *ctx,
                      const jm_dir_conf_t *conf)
{
    const jm_decision_t *d;

    if (follows_refusal(r, conf)) {
        serve_stripped(r, ctx, conf);
        return OK;
    }
    d = run_decide(r, ctx, conf);
    if (d->action == JM_ACTION_REFUSE && is_early(r)) {
        return OK;
    }
    ctx->decision = d;
    remember(r, ctx, conf);
    if (d->token) {
        ctx->client->token = d->token;
    }
    if (jm_decision_is_personal(d)) {
        r->no_cache = 1;
    }
    jm_notes_export(r, ctx);
    jm_count_verification(ctx->counters, d);
    if (d->action == JM_ACTION_REFUSE
        || (d->verdict != JM_OK && !d->inherited)) {
        jm_answer_log(r, ctx);
    }
    return d->action == JM_ACTION_REFUSE ? jm_answer_refuse(r, ctx) : OK;
}

int jm_request_is_settled(const request_rec *r, const jm_ctx_t *ctx,
                          const jm_dir_conf_t *conf)
{
    return ctx->table == conf->table && (ctx->decision || ctx->strip_only)
           && !strcmp(ctx->uri, r->uri);
}

int jm_request_settle(request_rec *r, jm_ctx_t *ctx,
                      const jm_dir_conf_t *conf)
{
    const jm_decision_t *d = ctx->decision;

    if (!jm_request_is_settled(r, ctx, conf)) {
        return jm_request_decide(r, ctx, conf);
    }
    return d && d->action == JM_ACTION_REFUSE ? jm_error(d->verdict)->status
                                              : OK;
}

void jm_request_edit_args(request_rec *r, const jm_ctx_t *ctx)
{
    jm_str_t args = jm_decision_query(ctx->table, ctx->decision, r->pool,
                                      jm_str(r->args));

    if (args.ptr != r->args) {
        r->args = args.ptr ? apr_pstrmemdup(r->pool, args.ptr, args.len)
                           : NULL;
    }
}

const char *jm_request_edit_url(request_rec *r, const jm_ctx_t *ctx,
                                const char *text, apr_size_t start,
                                apr_size_t end)
{
    const char *mark = memchr(text + start, '?', end - start);
    apr_size_t path = mark ? (apr_size_t)(mark - text) : end;
    jm_str_t query = { NULL, 0 };

    if (mark) {
        query = jm_strn(mark + 1, end - path - 1);
    }
    query = jm_decision_query(ctx->table, ctx->decision, r->pool, query);
    return apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, text, path),
                       query.ptr ? "?" : "",
                       query.ptr ? apr_pstrmemdup(r->pool, query.ptr,
                                                  query.len) : "",
                       text + end, NULL);
}

/* "GET /path?query HTTP/1.1": the second word, as httpd's original_uri()
 * finds it. */
void jm_request_edit_line(request_rec *r, jm_ctx_t *ctx)
{
    static const char blanks[] = " \t\n\v\f\r";
    const char *line = r->the_request;
    apr_size_t start, end;

    if (!line || ctx->line) {
        return;
    }
    start = strcspn(line, blanks);
    start += strspn(line + start, blanks);
    end = start + strcspn(line + start, blanks);
    ctx->line = line;
    r->the_request = (char *)jm_request_edit_url(r, ctx, line, start, end);
}

void jm_request_restore_line(request_rec *r)
{
    for (; r; r = r->prev) {
        const jm_ctx_t *ctx = ap_get_module_config(r->request_config,
                                                   &jwtmap_module);

        if (ctx && ctx->line) {
            r->the_request = (char *)ctx->line;
        }
    }
}
