/*
 * mod_jwtmap.c: the httpd side, to be read top-down: configuration records,
 * directives, the hooks of a request, the module record. What a hook does in
 * detail is in src/httpd; what is decided, in src (no httpd there).
 *
 *   translate_name   own routes: choose the upstream
 *   fixups, first    decide; refuse, or edit the query of a proxied request
 *   fixups, last     reserved headers out, ours in; edit the query
 *   handler, first   gate: still what was decided? Also static responses
 *   proxy fixups     mod_proxy's hook: headers again, on its copy
 *   log_transaction  r->args and the request line as the client sent them
 */
#include <apr_file_info.h>
#include <openssl/crypto.h>

#include "src/httpd/mod_jwtmap.h"

#include "jm_compile.h"

/* --- configuration records --- */

static void *create_dir_conf(apr_pool_t *p, char *dir)
{
    (void)dir;
    return apr_pcalloc(p, sizeof(jm_dir_conf_t));
}

jm_dir_conf_t *jm_conf_merge(apr_pool_t *p, const jm_dir_conf_t *base,
                             const jm_dir_conf_t *add)
{
    jm_dir_conf_t *conf = apr_palloc(p, sizeof(*conf));

    conf->table = add->table ? add->table : base->table;
    conf->counters = add->table ? add->counters : base->counters;
    conf->engine = add->engine != JM_ENGINE_UNSET ? add->engine
                                                  : base->engine;
    return conf;
}

static void *merge_dir_conf(apr_pool_t *p, void *vbase, void *vadd)
{
    return jm_conf_merge(p, vbase, vadd);
}

static void *create_server_conf(apr_pool_t *p, server_rec *s)
{
    jm_server_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)s;
    conf->tables = apr_array_make(p, 2, sizeof(const jm_table_t *));
    return conf;
}

static void *merge_server_conf(apr_pool_t *p, void *vbase, void *vadd)
{
    const jm_server_conf_t *base = vbase;
    const jm_server_conf_t *add = vadd;
    jm_server_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    conf->in_use = base->in_use || add->in_use;
    conf->tables = apr_array_append(p, base->tables, add->tables);
    return conf;
}

/* --- directives --- */

/* Kept with the configuration pool: gone with the configuration. */
#define TABLES_KEY "mod_jwtmap:tables"

/* A table has to be in force when the URL is translated; the sections that
 * are merged later than that come too late. */
static const char *check_place(cmd_parms *cmd)
{
    static const char *const good[] = {
        "<VirtualHost", "<Location", "<LocationMatch"
    };
    const ap_directive_t *up;
    apr_size_t i;

    if (ap_check_cmd_context(cmd, NOT_IN_HTACCESS)) {
        return apr_psprintf(cmd->pool, "%s is not allowed in .htaccess: set "
                            "it in the server, a <VirtualHost> or a "
                            "<Location>", cmd->cmd->name);
    }
    for (up = cmd->directive->parent; up; up = up->parent) {
        for (i = 0; i < 3 && strcasecmp(up->directive, good[i]); i++) {
        }
        if (i == 3) {
            return apr_psprintf(cmd->pool, "%s is not allowed in %s>: set it "
                                "in the server, a <VirtualHost> or a "
                                "<Location>", cmd->cmd->name, up->directive);
        }
    }
    return NULL;
}

/* $env.NAME: what `Define` says, else the environment. */
static const char *resolve_env(void *baton, apr_pool_t *p, const char *name)
{
    const char *reference = apr_pstrcat(p, "${", name, "}", NULL);
    const char *value;

    (void)baton;
    if (strpbrk(name, "{}$")) {
        return NULL;
    }
    value = ap_resolve_env(p, reference);
    return value && strcmp(value, reference) ? value : NULL;
}

/* The last error, for httpd to show; those before it are shown here, a line
 * each: httpd writes a newline inside a message as \n, and cuts it at 8 KiB. */
static const char *show_errors(apr_pool_t *p, const jm_diags_t *diags)
{
    const char *last = NULL;
    int i;

    for (i = 0; i < diags->list->nelts; i++) {
        const jm_diag_t *diag = &APR_ARRAY_IDX(diags->list, i, jm_diag_t);

        if (diag->severity != JM_ERROR) {
            continue;
        }
        if (last) {
            ap_log_perror(APLOG_MARK, APLOG_STARTUP, 0, p, "%s", last);
        }
        last = jm_diag_line(p, diags, diag);
    }
    return last ? last : "JwtMapConfig: out of memory";
}

/* Start parses the configuration twice; one word is enough. Not for the
 * server: a virtual host has no log before the configuration is read. */
static void log_warnings(cmd_parms *cmd, const jm_diags_t *diags)
{
    int i;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG
        && ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST) {
        return;
    }
    for (i = 0; i < diags->list->nelts; i++) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, NULL, "%s",
                     jm_diag_line(cmd->temp_pool, diags,
                                  &APR_ARRAY_IDX(diags->list, i, jm_diag_t)));
    }
}

static apr_hash_t *known_tables(apr_pool_t *pconf)
{
    void *tables;

    apr_pool_userdata_get(&tables, TABLES_KEY, pconf);
    if (!tables) {
        tables = apr_hash_make(pconf);
        apr_pool_userdata_setn(tables, TABLES_KEY, NULL, pconf);
    }
    return tables;
}

/* NULL where none is set: the tree of all directives has it wherever it
 * stands, also behind the JwtMapConfig that needs it. */
static const char *find_secrets_dir(apr_pool_t *p)
{
    const ap_directive_t *at;
    const char *dir = NULL;

    for (at = ap_conftree; at; at = at->next) {
        if (!strcasecmp(at->directive, "JwtMapSecretsDir")) {
            const char *args = at->args;

            dir = ap_server_root_relative(p, ap_getword_conf(p, &args));
        }
    }
    return dir;
}

/* A file that is named twice is one table. */
static const char *load_table(const jm_table_t **ptable, cmd_parms *cmd,
                              const char *file)
{
    apr_hash_t *tables = known_tables(cmd->pool);
    jm_compile_env_t env = { NULL, resolve_env, NULL, NULL, 0, 1 };
    apr_pool_t *scratch;
    jm_diags_t diags;
    const char *errors = NULL;

    *ptable = apr_hash_get(tables, file, APR_HASH_KEY_STRING);
    if (*ptable) {
        return NULL;
    }
    env.secrets_dir = find_secrets_dir(cmd->pool);
    apr_pool_create(&scratch, cmd->temp_pool);
    if (jm_compile_file(ptable, &diags, cmd->pool, scratch, file, &env)
        != APR_SUCCESS) {
        errors = show_errors(cmd->pool, &diags);
    }
    else {
        log_warnings(cmd, &diags);
        apr_hash_set(tables, file, APR_HASH_KEY_STRING, *ptable);
    }
    apr_pool_destroy(scratch);
    return errors;
}

static const char *set_config(cmd_parms *cmd, void *vconf, const char *arg)
{
    jm_dir_conf_t *conf = vconf;
    jm_server_conf_t *server = ap_get_module_config(
        cmd->server->module_config, &jwtmap_module);
    const char *file = ap_server_root_relative(cmd->pool, arg);
    const char *error = check_place(cmd);

    if (error) {
        return error;
    }
    if (conf->table) {
        return "JwtMapConfig stands twice in one place: one table is in "
               "force there, name it once";
    }
    if (!file) {
        return apr_psprintf(cmd->pool, "JwtMapConfig: invalid path %s", arg);
    }
    error = load_table(&conf->table, cmd, file);
    if (!error) {
        conf->counters = jm_count_table(cmd->pool, conf->table);
        APR_ARRAY_PUSH(server->tables, const jm_table_t *) = conf->table;
        server->in_use = 1;
    }
    return error;
}

static const char *set_engine(cmd_parms *cmd, void *vconf, const char *arg)
{
    static const struct {
        const char *name;
        jm_engine_e engine;
    } engines[] = {
        { "On", JM_ENGINE_ON },
        { "Off", JM_ENGINE_OFF },
        { "ReportOnly", JM_ENGINE_REPORT_ONLY }
    };
    jm_dir_conf_t *conf = vconf;
    const char *error = check_place(cmd);
    apr_size_t i;

    for (i = 0; !error && i < 3; i++) {
        if (!strcasecmp(arg, engines[i].name)) {
            conf->engine = engines[i].engine;
            return NULL;
        }
    }
    return error ? error : apr_psprintf(cmd->pool, "JwtMapEngine takes On, "
                                        "Off or ReportOnly, not \"%s\"", arg);
}

/* Checks only: load_table looks for it. */
static const char *set_secrets_dir(cmd_parms *cmd, void *vconf,
                                   const char *arg)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    const char *dir = ap_server_root_relative(cmd->pool, arg);
    apr_finfo_t info;

    (void)vconf;
    if (error) {
        return error;
    }
    if (!dir || apr_stat(&info, dir, APR_FINFO_TYPE, cmd->temp_pool)
                != APR_SUCCESS || info.filetype != APR_DIR) {
        return apr_psprintf(cmd->pool, "JwtMapSecretsDir: %s is not a "
                            "directory that can be read", arg);
    }
    return NULL;
}

static const char *set_state_dir(cmd_parms *cmd, void *vconf,
                                 const char *arg)
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)vconf;
    return error ? error : jm_remotes_set_dir(cmd->pool, arg);
}

static const command_rec directives[] = {
    AP_INIT_TAKE1("JwtMapConfig", set_config, NULL, RSRC_CONF | ACCESS_CONF,
                  "the route table, a JSON file"),
    AP_INIT_TAKE1("JwtMapEngine", set_engine, NULL, RSRC_CONF | ACCESS_CONF,
                  "On, Off or ReportOnly"),
    AP_INIT_TAKE1("JwtMapSecretsDir", set_secrets_dir, NULL, RSRC_CONF,
                  "directory whose files are $secret.NAME in route tables"),
    AP_INIT_TAKE1("JwtMapReload", jm_files_set_reload, NULL, RSRC_CONF,
                  "seconds between two looks at key files, or Off"),
    AP_INIT_TAKE1("JwtMapCache", jm_files_set_cache, NULL, RSRC_CONF,
                  "verified tokens that a child keeps, or Off"),
    AP_INIT_TAKE1("JwtMapStateDir", set_state_dir, NULL, RSRC_CONF,
                  "directory for snapshots of fetched key sets"),
    { NULL }
};

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

/* --- hooks of a start --- */

/* Children exit() with keys still in the configuration pool, which APR
 * destroys after OpenSSL's own exit handler: that one must not run. */
static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    return OK;
}

/* What the administrator should know of a server's settings, base or those
 * of a <Location>. */
static void say_settings(const server_rec *s, const jm_dir_conf_t *conf)
{
    if (!conf->table || conf->engine == JM_ENGINE_OFF) {
        return;
    }
    if (conf->engine == JM_ENGINE_REPORT_ONLY && conf->table->server_count) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "%s: JwtMapEngine "
                     "ReportOnly: routes with an `integration` are proxied "
                     "without authentication", conf->table->file);
    }
}

static void say_server(apr_pool_t *ptemp, const server_rec *s)
{
    const core_server_config *core = ap_get_core_module_config(
        s->module_config);
    jm_dir_conf_t *base = ap_get_module_config(s->lookup_defaults,
                                               &jwtmap_module);
    int i;

    say_settings(s, base);
    if (base->table && base->engine != JM_ENGINE_OFF
        && !base->table->unmatched_pass) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "%s: a path that no "
                     "route names is 404 (\"unmatched\": \"deny\")",
                     base->table->file);
    }
    for (i = 0; i < core->sec_url->nelts; i++) {
        jm_dir_conf_t *add = ap_get_module_config(
            APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *),
            &jwtmap_module);

        if (add && (add->table || add->engine != JM_ENGINE_UNSET)) {
            say_settings(s, jm_conf_merge(ptemp, base, add));
        }
    }
}

/* Not in the first of the two rounds of a start. */
static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *s)
{
    apr_status_t rv;

    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    rv = jm_count_start(pconf);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, "no shared memory for the "
                     "counters of the route tables");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (; s; s = s->next) {
        say_server(ptemp, s);
    }
    return OK;
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

    if (!conf || r->proxyreq != PROXYREQ_NONE || r->uri[0] != '/'
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
    if (d->verdict == JM_PATH && d->match.route == ctx->own) {
        return OK;    /* ReportOnly: no route, but the one that was chosen */
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

    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
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
    create_dir_conf,
    merge_dir_conf,
    create_server_conf,
    merge_server_conf,
    directives,
    register_hooks,
#if defined(AP_MODULE_FLAG_NONE)
    AP_MODULE_FLAG_NONE
#endif
};
