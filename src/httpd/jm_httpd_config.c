/*
 * jm_httpd_config.c: what stands in httpd.conf: the configuration records,
 * the directives that fill them, and what a start says of the result.
 */
#include <apr_file_info.h>
#include <openssl/crypto.h>

#include "mod_jwtmap.h"

#include "jm_compile.h"

APLOG_USE_MODULE(jwtmap);

/* --- configuration records --- */

void *jm_conf_create_dir(apr_pool_t *p, char *dir)
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

void *jm_conf_merge_dir(apr_pool_t *p, void *vbase, void *vadd)
{
    return jm_conf_merge(p, vbase, vadd);
}

void *jm_conf_create_server(apr_pool_t *p, server_rec *s)
{
    jm_server_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)s;
    conf->tables = apr_array_make(p, 2, sizeof(const jm_table_t *));
    return conf;
}

void *jm_conf_merge_server(apr_pool_t *p, void *vbase, void *vadd)
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

const command_rec jm_conf_directives[] = {
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

static int denies(const jm_dir_conf_t *conf)
{
    return conf->table && !conf->table->unmatched_pass
           && conf->engine != JM_ENGINE_OFF
           && conf->engine != JM_ENGINE_REPORT_ONLY;
}

static void say_server(apr_pool_t *ptemp, const server_rec *s)
{
    const core_server_config *core = ap_get_core_module_config(
        s->module_config);
    jm_dir_conf_t *base = ap_get_module_config(s->lookup_defaults,
                                               &jwtmap_module);
    const jm_table_t *denying = denies(base) ? base->table : NULL;
    int i;

    say_settings(s, base);
    for (i = 0; i < core->sec_url->nelts; i++) {
        jm_dir_conf_t *add = ap_get_module_config(
            APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *),
            &jwtmap_module);

        if (add && (add->table || add->engine != JM_ENGINE_UNSET)) {
            const jm_dir_conf_t *conf = jm_conf_merge(ptemp, base, add);

            say_settings(s, conf);
            denying = !denying && denies(conf) ? conf->table : denying;
        }
    }
    if (denying) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, "%s, host %s: a path "
                     "that no route names is 404 (\"unmatched\": \"deny\")",
                     denying->file, s->server_hostname);
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

void jm_conf_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
}
