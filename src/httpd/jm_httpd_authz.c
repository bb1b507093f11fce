/*
 * jm_httpd_authz.c: `AuthType Bearer` with `Require jwtmap-claim` and
 * `Require jwtmap-scope`: authorization in Apache's own terms, on the one
 * verification. Touches the state of the request that it decides for.
 */
#include <ap_provider.h>
#include <mod_auth.h>

#include "mod_jwtmap.h"

#include "jm_json.h"

APLOG_USE_MODULE(jwtmap);

/* A Require line, parsed at start: any of the entries has to hold. */
typedef struct require_line_t {
    const jm_require_t *entries;
    unsigned count;
    jm_verdict_e verdict;     /* where none does */
} require_line_t;

/* --- the Require line --- */

/* A word of httpd.conf means a string, and a number or boolean too where it
 * reads as one. */
static void add_value(apr_array_header_t *values, apr_pool_t *p,
                      const char *word)
{
    const jm_json_t *node;

    if (jm_json_parse(&node, NULL, p, jm_json_quote(p, jm_str(word)))
        == APR_SUCCESS) {
        APR_ARRAY_PUSH(values, const jm_json_t *) = node;
    }
    if (jm_json_parse(&node, NULL, p, jm_str(word)) == APR_SUCCESS
        && (node->type == JM_JSON_NUMBER || node->type == JM_JSON_BOOL)) {
        APR_ARRAY_PUSH(values, const jm_json_t *) = node;
    }
}

static const apr_array_header_t *read_values(apr_pool_t *p, const char *line)
{
    apr_array_header_t *values = apr_array_make(p, 4,
                                                sizeof(const jm_json_t *));

    while (*line) {
        add_value(values, p, ap_getword_conf(p, &line));
    }
    return values;
}

static const char *set_entry(jm_require_t *entry, apr_pool_t *p,
                             const char *name,
                             const apr_array_header_t *values)
{
    const char *error;

    entry->name = name;
    entry->values = (const jm_json_t *const *)values->elts;
    entry->count = (unsigned)values->nelts;
    return jm_path_of_name(&entry->path, &error, p, jm_str(name))
           == APR_SUCCESS ? NULL : error;
}

static const char *parse_claim(cmd_parms *cmd, const char *line,
                               const void **pparsed)
{
    require_line_t *parsed = apr_pcalloc(cmd->pool, sizeof(*parsed));
    jm_require_t *entry = apr_pcalloc(cmd->pool, sizeof(*entry));
    const char *name = ap_getword_conf(cmd->pool, &line);
    const apr_array_header_t *values = read_values(cmd->pool, line);

    if (!*name || !values->nelts) {
        return "Require jwtmap-claim takes a claim and one or more values";
    }
    parsed->entries = entry;
    parsed->count = 1;
    parsed->verdict = JM_REQUIRE;
    *pparsed = parsed;
    return set_entry(entry, cmd->pool, name, values);
}

static const char *parse_scope(cmd_parms *cmd, const char *line,
                               const void **pparsed)
{
    require_line_t *parsed = apr_pcalloc(cmd->pool, sizeof(*parsed));
    jm_require_t *entries = apr_pcalloc(cmd->pool, 2 * sizeof(*entries));
    const apr_array_header_t *values = read_values(cmd->pool, line);

    if (!values->nelts) {
        return "Require jwtmap-scope takes one or more scopes";
    }
    set_entry(&entries[0], cmd->pool, "scope", values);
    set_entry(&entries[1], cmd->pool, "scp", values);
    parsed->entries = entries;
    parsed->count = 2;
    parsed->verdict = JM_SCOPE;
    *pparsed = parsed;
    return NULL;
}

static authz_status check_line(request_rec *r, const char *text,
                               const void *vparsed)
{
    const require_line_t *parsed = vparsed;
    jm_ctx_t *ctx = jm_ctx_decided(r);
    const char *name;
    unsigned i;

    (void)text;
    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    if (!ctx || !ctx->decision || !ctx->decision->token) {
        return AUTHZ_DENIED;
    }
    for (i = 0; i < parsed->count; i++) {
        if (jm_require_check(&name, &parsed->entries[i], 1,
                             ctx->decision->token->claims) == JM_OK) {
            return AUTHZ_GRANTED;
        }
    }
    ctx->denied = parsed->verdict;
    ctx->denied_by = parsed->entries[0].name;
    return AUTHZ_DENIED;
}

/* --- hooks --- */

static int is_bearer(const request_rec *r)
{
    const char *type = ap_auth_type((request_rec *)r);

    return type && !strcasecmp(type, "Bearer");
}

/* Verifies before fixups does: authorization comes earlier. */
static int check_authn(request_rec *r)
{
    const jm_dir_conf_t *conf;
    jm_ctx_t *ctx;
    int status;

    if (!is_bearer(r)) {
        return DECLINED;
    }
    conf = jm_scope(r);
    if (!conf) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "AuthType Bearer where no "
                      "JwtMapConfig is in force: %s", r->uri);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ctx = jm_ctx(r);
    status = jm_request_settle(r, ctx, conf);
    if (status != OK || r->user || !ctx->decision) {
        return status;
    }
    return jm_answer_refuse_as(r, ctx, ctx->decision->token ? JM_CLAIM
                                                            : JM_NO_TOKEN,
                               NULL);
}

/* A preflight carries no credentials: where a Require line asks for them, it
 * is answered before. */
static int check_access(request_rec *r)
{
    const jm_dir_conf_t *conf = is_bearer(r) ? jm_scope(r) : NULL;
    jm_ctx_t *ctx;
    int status;

    if (!conf) {
        return DECLINED;
    }
    ctx = jm_ctx(r);
    status = jm_request_settle(r, ctx, conf);
    if (status != OK) {
        return status;
    }
    return ctx->decision && ctx->decision->action == JM_ACTION_PREFLIGHT
           ? OK : DECLINED;
}

/* mod_authz_core says 401 whatever was denied; a good token with the wrong
 * claim is 403. */
static int check_authz(request_rec *r)
{
    jm_ctx_t *ctx = jm_ctx_decided(r);
    int status;

    if (!ctx || ctx->in_authz || !is_bearer(r)) {
        return DECLINED;
    }
    ctx->in_authz = 1;
    status = ap_run_auth_checker(r);
    ctx->in_authz = 0;
    if ((status != HTTP_UNAUTHORIZED && status != HTTP_FORBIDDEN)
        || !ctx->decision || !ctx->decision->token) {
        return status;
    }
    apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    return jm_answer_refuse_as(r, ctx, ctx->denied != JM_INTERNAL
                                       ? ctx->denied : JM_REQUIRE,
                               ctx->denied_by);
}

static int note_auth_failure(request_rec *r, const char *type)
{
    if (strcasecmp(type, "Bearer")) {
        return DECLINED;
    }
    jm_answer_challenge(r, JM_NO_TOKEN);
    return OK;
}

void jm_authz_register_hooks(apr_pool_t *p)
{
    static const authz_provider claim = { check_line, parse_claim };
    static const authz_provider scope = { check_line, parse_scope };
    static const char *const after_core[] = { "mod_authz_core.c", NULL };

    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, "jwtmap-claim",
                              AUTHZ_PROVIDER_VERSION, &claim,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, "jwtmap-scope",
                              AUTHZ_PROVIDER_VERSION, &scope,
                              AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(check_access, after_core, NULL, APR_HOOK_LAST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(check_authz, NULL, NULL, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(note_auth_failure, NULL, NULL, APR_HOOK_MIDDLE);
}
