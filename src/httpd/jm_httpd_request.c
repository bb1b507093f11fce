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

/* Under nocanon the path goes upstream as the client wrote it. */
static jm_str_t raw_path(const request_rec *r)
{
    jm_str_t raw = { NULL, 0 };

    if (apr_table_get(r->notes, "proxy-nocanon") && r->unparsed_uri
        && r->unparsed_uri[0] == '/') {
        raw = jm_strn(r->unparsed_uri, strcspn(r->unparsed_uri, "?"));
    }
    return raw;
}

static int merges_slashes(const request_rec *r)
{
    const core_server_config *core = ap_get_core_module_config(
        r->server->module_config);

    return core->merge_slashes != AP_CORE_CONFIG_OFF;
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

static const jm_decision_t *path_refusal(apr_pool_t *p)
{
    jm_decision_t *d = apr_pcalloc(p, sizeof(*d));

    d->verdict = JM_PATH;
    d->token_verdict = JM_NO_TOKEN;
    return d;
}

static const jm_decision_t *run_decide(request_rec *r, const jm_ctx_t *ctx,
                                       const jm_dir_conf_t *conf)
{
    jm_request_t request;

    memset(&request, 0, sizeof(request));
    if (decoded_path(&request.uri.path, r) != APR_SUCCESS) {
        return path_refusal(r->pool);
    }
    request.uri.raw = raw_path(r);
    request.method = method_of(r);
    request.merge_slashes = merges_slashes(r);
    request.args = jm_str(r->args);
    request.client_args = jm_str(ctx->client->args);
    request.headers = ctx->client->headers;
    request.now = apr_time_sec(apr_time_now());
    request.report_only = conf->engine == JM_ENGINE_REPORT_ONLY;
    request.shared = ctx->client->token;
    request.origin = origin_of(r, ctx, conf->table);
    return jm_decide(conf->table, &request, r->pool);
}

/* After a refusal the ErrorDocument is served without claims and without a
 * decision; so is all that it includes. */
static int follows_refusal(const request_rec *r)
{
    const request_rec *parent = parent_of(r);
    const jm_ctx_t *from = parent ? jm_ctx_decided(parent) : NULL;

    return from && (from->strip_only || (from->refused && r->prev));
}

int jm_request_decide(request_rec *r, jm_ctx_t *ctx,
                      const jm_dir_conf_t *conf)
{
    if (follows_refusal(r)) {
        ctx->table = conf->table;
        ctx->strip_only = 1;
        ctx->uri = apr_pstrdup(r->pool, r->uri);
        return OK;
    }
    ctx->decision = run_decide(r, ctx, conf);
    ctx->table = conf->table;
    ctx->uri = apr_pstrdup(r->pool, r->uri);
    if (ctx->decision->token) {
        ctx->client->token = ctx->decision->token;
    }
    if (jm_decision_is_personal(ctx->decision)) {
        r->no_cache = 1;
    }
    jm_notes_export(r, ctx);
    if (ctx->decision->verdict != JM_OK) {
        jm_answer_log(r, ctx);
    }
    if (ctx->decision->action == JM_ACTION_REFUSE) {
        return jm_answer_refuse(r, ctx);
    }
    return OK;
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
    return jm_request_is_settled(r, ctx, conf) ? OK
                                               : jm_request_decide(r, ctx,
                                                                   conf);
}

void jm_request_edit_args(request_rec *r, jm_ctx_t *ctx)
{
    jm_str_t args = jm_decision_query(ctx->table, ctx->decision, r->pool,
                                      jm_str(r->args));

    if (!ctx->args_saved) {
        ctx->args = r->args;
        ctx->args_saved = 1;
    }
    r->args = args.ptr ? apr_pstrmemdup(r->pool, args.ptr, args.len) : NULL;
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
