/*
 * mod_jwtmap.c: the httpd side, to be read top-down: the state of a request,
 * its hooks, the module record. What a hook does in detail is in src/httpd,
 * as are the directives (jm_httpd_config.c); what is decided, in src (no
 * httpd there).
 *
 *   translate_name   own routes: choose the upstream
 *   fixups, first    decide; refuse, or edit the query of a proxied request
 *   fixups, last     reserved headers out, ours in; edit the query
 *   handler, first   gate: still what was decided? Also static responses
 *   proxy fixups     mod_proxy's hook: headers again, on its copy
 *   log_transaction  r->args and the request line as the client sent them
 */
#include "src/httpd/mod_jwtmap.h"

/* --- the state of a request --- */

const jm_dir_conf_t *jm_scope(const request_rec *r)
{
    const jm_dir_conf_t *conf = ap_get_module_config(r->per_dir_config,
                                                     &jwtmap_module);

    if (!conf->table || conf->engine == JM_ENGINE_OFF
        || r->proxyreq == PROXYREQ_PROXY) {
        return NULL;
    }
    return conf;
}

static jm_client_t *client_of(request_rec *r)
{
    jm_client_t *client = apr_pcalloc(r->pool, sizeof(*client));

    client->method = r->method;
    client->args = r->args;
    client->headers = apr_table_copy(r->pool, r->headers_in);
    return client;
}

jm_ctx_t *jm_ctx(request_rec *r)
{
    jm_ctx_t *ctx = ap_get_module_config(r->request_config, &jwtmap_module);
    request_rec *parent = r->prev ? r->prev : r->main;

    if (!ctx) {
        ctx = apr_pcalloc(r->pool, sizeof(*ctx));
        ctx->client = parent ? jm_ctx(parent)->client : client_of(r);
        ap_set_module_config(r->request_config, &jwtmap_module, ctx);
    }
    return ctx;
}

jm_ctx_t *jm_ctx_decided(const request_rec *r)
{
    jm_ctx_t *ctx = ap_get_module_config(r->request_config, &jwtmap_module);

    return ctx && ctx->table && (ctx->decision || ctx->strip_only) ? ctx
                                                                   : NULL;
}

/* What is set or taken out for ctx beside what is reserved. */
static const jm_field_t *fields_of(const jm_ctx_t *ctx, unsigned *pcount)
{
    *pcount = ctx->decision ? ctx->decision->field_count
                            : ctx->left_out != NULL;
    return ctx->decision ? ctx->decision->fields : ctx->left_out;
}

void jm_apply_headers(apr_table_t *fields, apr_pool_t *p, const jm_ctx_t *ctx)
{
    unsigned count;
    const jm_field_t *set = fields_of(ctx, &count);

    jm_headers_apply(fields, p, ctx->table, set, count);
}

void jm_strip_trailers(request_rec *r, const jm_ctx_t *ctx)
{
    unsigned count;
    const jm_field_t *set = fields_of(ctx, &count);

    jm_headers_strip_trailers(r->trailers_in, r->pool, ctx->table, set, count);
}

/* All that an upstream of any kind is told of: what SetEnv made of a header
 * counts as one, and a body may have been read by now, with its trailers. */
static void apply_everywhere(request_rec *r, const jm_ctx_t *ctx)
{
    unsigned count;
    const jm_field_t *set = fields_of(ctx, &count);

    jm_apply_headers(r->headers_in, r->pool, ctx);
    jm_headers_strip_env(r->subprocess_env, ctx->table, set, count);
    jm_strip_trailers(r, ctx);
}

/* --- hooks of a request --- */

/* Before mod_headers' early hook: what the client sent, not what others make
 * of it. */
static int keep_client(request_rec *r)
{
    const jm_server_conf_t *server = ap_get_module_config(
        r->server->module_config, &jwtmap_module);

    if (server->in_use) {
        jm_ctx(r);
    }
    return DECLINED;
}

/* 1 if the module answers itself, so that no file is looked for. */
static int is_own_answer(const jm_match_t *match)
{
    return match->route && match->route->response.ptr;
}

static int translate_name(request_rec *r)
{
    const jm_dir_conf_t *conf = jm_scope(r);
    jm_match_t match;
    jm_ctx_t *ctx;

    if (!conf || !conf->table->has_own || r->proxyreq != PROXYREQ_NONE
        || r->uri[0] != '/'
        || jm_request_match(&match, r, conf) != APR_SUCCESS || !match.route) {
        return DECLINED;
    }
    ctx = jm_ctx(r);
    if (match.route->server) {
        jm_proxy_set_upstream(r, &match);
    }
    else if (is_own_answer(&match)) {
        r->filename = apr_pstrdup(r->pool, r->uri);
        r->handler = "jwtmap-response";
    }
    else {
        return DECLINED;
    }
    ctx->own = match.route;
    ctx->own_conf = conf;
    return OK;
}

/* No directory is walked for an answer of ours, as for a proxied request. */
static int map_to_storage(request_rec *r)
{
    const jm_ctx_t *ctx = ap_get_module_config(r->request_config,
                                               &jwtmap_module);

    return ctx && ctx->own && ctx->own->response.ptr ? OK : DECLINED;
}

static int keep_start(request_rec *r)
{
    const jm_dir_conf_t *conf = jm_scope(r);

    if (conf) {
        jm_ctx_t *ctx = jm_ctx(r);

        ctx->start_uri = apr_pstrdup(r->pool, r->uri);
        ctx->start_conf = conf;
    }
    return DECLINED;
}

/* The upstream that translate_name chose must be that of the decision: a
 * rewrite may have changed the URL, and with it the table, in between. */
static int confirm_own(request_rec *r, jm_ctx_t *ctx,
                       const jm_dir_conf_t *conf)
{
    const jm_decision_t *d = ctx->decision;

    if (!d || d->action != JM_ACTION_PASS || d->inherited
        || d->route == ctx->own) {
        return OK;
    }
    if (!d->route && d->match.route == ctx->own) {
        return OK;    /* ReportOnly: refused there, but it is the one chosen */
    }
    if (d->route && d->route->server) {
        jm_request_decode_uri(r, ctx);
        jm_proxy_set_upstream(r, &d->match);
        return OK;
    }
    if (!ctx->own) {
        return OK;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "the route changed after its "
                  "upstream was chosen: %s is not answered",
                  ctx->own->id);
    return jm_request_fail(r, ctx, conf);
}

/* mod_negotiation puts a variant in the place of what was asked for, which is
 * decided first. */
static int decide_start(request_rec *r, jm_ctx_t *ctx)
{
    char *uri = r->uri;
    int status;

    if (!ctx->start_uri || !strcmp(ctx->start_uri, uri)
        || jm_ctx_decided(r)) {
        return OK;
    }
    r->uri = (char *)ctx->start_uri;
    status = jm_request_decide(r, ctx, ctx->start_conf);
    r->uri = uri;
    return status;
}

/* A path that is out of scope goes nowhere that a route chose before it was
 * rewritten. */
static int leaves_scope(request_rec *r)
{
    jm_ctx_t *ctx = ap_get_module_config(r->request_config, &jwtmap_module);

    if (!ctx || !ctx->own) {
        return DECLINED;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "JwtMapEngine is off where "
                  "the path was rewritten to: %s is not answered",
                  ctx->own->id);
    return jm_request_fail(r, ctx, ctx->own_conf);
}

/* The nearest pass whose edits stand in r: an internal redirect shares
 * headers_in and often the query, a subrequest copies them; NULL: none. */
static const jm_ctx_t *applied_to(const request_rec *r)
{
    for (; r; r = r->prev ? r->prev : r->main) {
        const jm_ctx_t *ctx = ap_get_module_config(r->request_config,
                                                   &jwtmap_module);

        if (ctx && ctx->applied) {
            return ctx;
        }
    }
    return NULL;
}

static void undo_fields(request_rec *r, const jm_ctx_t *from)
{
    const jm_decision_t *d = from->applied;
    unsigned i;

    for (i = 0; i < d->field_count; i++) {
        const char *name = d->fields[i].name;
        const char *value = apr_table_getm(r->pool, from->client->headers,
                                           name);

        if (value && !jm_header_reserved(from->table, name)) {
            apr_table_setn(r->headers_in, name, value);
        }
        else {
            apr_table_unset(r->headers_in, name);
        }
    }
}

/* What an earlier pass set was for its upstream alone, be the next one in
 * scope or not: it goes, and of what every client sends (Authorization, say)
 * the client's own comes back. */
static void undo_applied(request_rec *r)
{
    const jm_ctx_t *from = applied_to(r);
    const jm_decision_t *d;
    jm_str_t args;

    if (!from) {
        return;
    }
    d = from->applied;
    undo_fields(r, from);
    if (r->prev) {
        jm_request_restore_line(r->prev);
        r->the_request = r->prev->the_request;
    }
    args = jm_query_unreflect(r->pool, jm_str(r->args), d->params,
                              d->param_count);
    r->args = args.ptr ? apr_pstrmemdup(r->pool, args.ptr, args.len) : NULL;
    if (jm_proxy_is_proxied(r)) {
        jm_proxy_undo_filename(r, d);
    }
}

/* Decides, and edits the query where mod_proxy is about to take it. */
static int decide_first(request_rec *r)
{
    const jm_dir_conf_t *conf = jm_scope(r);
    jm_ctx_t *ctx;
    int status;

    undo_applied(r);
    if (!conf) {
        return leaves_scope(r);
    }
    ctx = jm_ctx(r);
    status = decide_start(r, ctx);
    if (status == OK) {
        status = jm_request_settle(r, ctx, conf);
    }
    if (status == OK) {
        status = confirm_own(r, ctx, conf);
    }
    if (status != OK || !jm_ctx_decided(r)) {
        return status;
    }
    jm_count_decision(r);
    if (jm_proxy_is_proxied(r)) {
        ctx->args_lent = 1;
        ctx->args = r->args;
        jm_request_edit_args(r, ctx);
        jm_proxy_edit_filename(r, ctx);
    }
    return OK;
}

/* After mod_proxy took the query into its URL: a redirect that httpd makes of
 * r->args from here on shows the client's. */
static int take_args_back(request_rec *r)
{
    jm_ctx_t *ctx = ap_get_module_config(r->request_config, &jwtmap_module);

    if (ctx && ctx->args_lent) {
        r->args = (char *)ctx->args;
        ctx->args_lent = 0;
    }
    return DECLINED;
}

/* After mod_headers and mod_dir. */
static int apply_last(request_rec *r)
{
    const jm_dir_conf_t *conf = jm_scope(r);
    jm_ctx_t *ctx;
    int status;

    if (!conf) {
        return DECLINED;
    }
    ctx = jm_ctx(r);
    status = jm_request_settle(r, ctx, conf);
    if (status != OK || !jm_ctx_decided(r)) {
        return status;
    }
    undo_applied(r);
    jm_count_decision(r);
    apply_everywhere(r, ctx);
    ctx->applied = ctx->decision;
    jm_request_edit_args(r, ctx);
    return OK;
}

/* Before core's handler: where that switches to h2c, the same request comes
 * once more, made of r->headers_in, and has to be what the client sent. */
static int show_client(request_rec *r)
{
    jm_ctx_t *ctx = jm_ctx_decided(r);

    if (ctx && apr_table_get(r->headers_in, "Upgrade")) {
        ctx->edited = r->headers_in;
        r->headers_in = apr_table_copy(r->pool, ctx->client->headers);
    }
    return DECLINED;
}

/* After it: nothing was switched. */
static void hide_client(request_rec *r)
{
    jm_ctx_t *ctx = ap_get_module_config(r->request_config, &jwtmap_module);

    if (ctx && ctx->edited) {
        r->headers_in = ctx->edited;
        ctx->edited = NULL;
    }
}

/* Nothing is handled for which there is no decision. */
static int gate(request_rec *r)
{
    const jm_dir_conf_t *conf = jm_scope(r);
    jm_ctx_t *ctx;
    const jm_decision_t *d;

    hide_client(r);
    if (!conf) {
        return DECLINED;
    }
    ctx = jm_ctx(r);
    if (!jm_request_is_settled(r, ctx, conf)) {
        int status = apply_last(r);

        if (status != OK) {
            return status;
        }
        if (!jm_ctx_decided(r)) {
            return jm_request_fail(r, ctx, conf);
        }
    }
    d = ctx->decision;
    if (d && d->action == JM_ACTION_REFUSE) {
        return jm_error(d->verdict)->status;
    }
    if (d && (d->action == JM_ACTION_RESPONSE
              || d->action == JM_ACTION_PREFLIGHT)) {
        return jm_answer_send(r, ctx);
    }
    if (jm_proxy_reads_line(r)) {
        jm_request_edit_line(r, ctx);
    }
    jm_proxy_hold_interim(r, ctx);
    return DECLINED;
}

/* Logs show what the client sent, and the user also where an ErrorDocument was
 * served without. An internal redirect took over the request line as it was
 * then. */
static int restore_request(request_rec *r)
{
    const char *line = NULL;
    const char *user = NULL;

    for (; r; r = r->next) {
        const jm_ctx_t *ctx = ap_get_module_config(r->request_config,
                                                   &jwtmap_module);

        if (jm_ctx_decided(r)) {
            r->args = (char *)ctx->client->args;
        }
        if (ctx && ctx->decision && ctx->decision->user) {
            user = ctx->decision->user;
        }
        if (user && !r->user) {
            r->user = (char *)user;
        }
        if (ctx && ctx->line && !line) {
            line = ctx->line;
        }
        if (line) {
            r->the_request = (char *)line;
        }
    }
    return DECLINED;
}

static void register_hooks(apr_pool_t *p)
{
    static const char *const after_rewrite[] = { "mod_rewrite.c", NULL };
    static const char *const before_proxy[] = { "mod_proxy.c", NULL };
    static const char *const after_proxy[] = { "mod_proxy.c", NULL };
    static const char *const core[] = { "core.c", NULL };
    static const char *const after_others[] = {
        "mod_headers.c", "mod_dir.c", NULL
    };
    static const char *const before_handlers[] = {
        "mod_proxy.c", "mod_cache.c", NULL
    };

    jm_conf_register_hooks(p);
    ap_hook_post_read_request(keep_client, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(translate_name, after_rewrite, before_proxy,
                           APR_HOOK_FIRST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_post_perdir_config(keep_start, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(decide_first, after_rewrite, before_proxy, APR_HOOK_FIRST);
    ap_hook_fixups(take_args_back, after_proxy, NULL, APR_HOOK_FIRST);
    ap_hook_fixups(apply_last, after_others, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_handler(show_client, NULL, core, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(gate, core, before_handlers, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(restore_request, NULL, NULL, APR_HOOK_REALLY_FIRST);
    jm_count_register_hooks(p);
    jm_status_register_hooks(p);
    jm_answer_register_hooks(p);
    jm_proxy_register_hooks(p);
    jm_filter_register_hooks(p);
    jm_authz_register_hooks(p);
    jm_files_register_hooks(p);
    jm_remotes_register_hooks(p);
}

/* --- the module record --- */

AP_DECLARE_MODULE(jwtmap) = {
    STANDARD20_MODULE_STUFF,
    jm_conf_create_dir,
    jm_conf_merge_dir,
    jm_conf_create_server,
    jm_conf_merge_server,
    jm_conf_directives,
    register_hooks,
#if defined(AP_MODULE_FLAG_NONE)
    AP_MODULE_FLAG_NONE
#endif
};
