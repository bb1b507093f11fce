/*
 * jm_httpd_proxy.c: everything that knows mod_proxy. There is no link-time
 * tie to it: the module loads before, after and without mod_proxy, whose
 * functions are looked up by name once all modules are loaded. Its structs
 * differ between patch levels and stay opaque.
 */
#include <dlfcn.h>

#include "mod_jwtmap.h"

#include <apr_optional_hooks.h>

APLOG_USE_MODULE(jwtmap);

/* Of mod_proxy.h, with its types opaque. */
typedef char *define_worker_t(apr_pool_t *p, void **worker, void *balancer,
                              void *conf, const char *url, int do_malloc);
typedef void *get_worker_t(apr_pool_t *p, void *balancer, void *conf,
                           const char *url);

/* Of mod_proxy's own hook, by the name that APR_OPTIONAL_HOOK wants. */
typedef int proxy_HOOK_fixups_t(request_rec *r);

static int starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

/* --- the way of a request --- */

int jm_proxy_is_proxied(const request_rec *r)
{
    return r->proxyreq != PROXYREQ_NONE && r->filename
           && starts_with(r->filename, "proxy:");
}

void jm_proxy_set_upstream(request_rec *r, const jm_match_t *match)
{
    const jm_route_t *route = match->route;
    const char *url = route->server->url;
    const char *rest = r->uri;

    if (route->prefix) {
        rest = match->rest.len
               ? apr_pstrmemdup(r->pool, match->rest.ptr, match->rest.len)
               : "/";
    }
    /* "http://host/" and "/x" have one slash between them. */
    if (*rest == '/' && url[strlen(url) - 1] == '/') {
        rest++;
    }
    r->filename = apr_pstrcat(r->pool, "proxy:", url, rest, NULL);
    r->proxyreq = PROXYREQ_REVERSE;
    r->handler = "proxy-server";
}

/* CGI-style backends take the query from r->args alone. */
static int has_query_in_url(const char *url)
{
    return !starts_with(url, "fcgi:") && !starts_with(url, "scgi:")
           && !starts_with(url, "uwsgi:");
}

void jm_proxy_edit_filename(request_rec *r, const jm_ctx_t *ctx)
{
    if (apr_table_get(r->notes, "proxy-nocanon")
        && has_query_in_url(r->filename + 6)) {
        r->filename = (char *)jm_request_edit_url(r, ctx, r->filename, 0,
                                                  strlen(r->filename));
    }
}

/* On mod_proxy's copy of the headers, after it dropped what Connection
 * nominates; also for each try of a balancer. */
static int proxy_fixups(request_rec *r)
{
    const jm_ctx_t *ctx = jm_ctx_decided(r);

    if (ctx) {
        jm_apply_headers(r->headers_in, r->pool, ctx);
    }
    return OK;
}

/* --- start-up --- */

/* The module that speaks a scheme to an upstream; NULL: none needed. */
static const struct {
    const char *scheme;
    const char *module;
    const char *name;      /* for a2enmod */
} speakers[] = {
    { "http", "mod_proxy_http.c", "proxy_http" },
    { "https", "mod_proxy_http.c", "proxy_http" },
    { "ws", "mod_proxy_http.c", "proxy_http" },
    { "wss", "mod_proxy_http.c", "proxy_http" },
    { "h2", "mod_proxy_http2.c", "proxy_http2" },
    { "h2c", "mod_proxy_http2.c", "proxy_http2" },
    { "balancer", "mod_proxy_balancer.c", "proxy_balancer" },
};

static const char *check_server(apr_pool_t *p, const jm_server_t *server)
{
    apr_size_t i;

    for (i = 0; i < sizeof(speakers) / sizeof(speakers[0]); i++) {
        if (!strcmp(server->scheme, speakers[i].scheme)
            && !ap_find_linked_module(speakers[i].module)) {
            return apr_psprintf(p, "server \"%s\" (%s) needs %s: enable it "
                                "(a2enmod %s)", server->alias, server->url,
                                speakers[i].module, speakers[i].name);
        }
    }
    return NULL;
}

/* 1 if a directive named SSLProxyEngine that says On stands at this level of
 * the configuration tree, or in a <Proxy> block of it. */
static int ssl_proxy_at(const ap_directive_t *directive)
{
    for (; directive; directive = directive->next) {
        if (!strcasecmp(directive->directive, "SSLProxyEngine")
            && directive->args && !strncasecmp(directive->args, "on", 2)) {
            return 1;
        }
        if (!strncasecmp(directive->directive, "<Proxy", 6)
            && ssl_proxy_at(directive->first_child)) {
            return 1;
        }
    }
    return 0;
}

static int ssl_proxy_on(const server_rec *s)
{
    const ap_directive_t *directive = ap_conftree;

    if (ssl_proxy_at(directive)) {
        return 1;
    }
    for (; directive && s->is_virtual; directive = directive->next) {
        if (!strcasecmp(directive->directive, "<VirtualHost")
            && directive->line_num == (int)s->defn_line_number
            && s->defn_name && !strcmp(directive->filename, s->defn_name)
            && ssl_proxy_at(directive->first_child)) {
            return 1;
        }
    }
    return 0;
}

static const char *check_table(apr_pool_t *p, const server_rec *s,
                               const jm_table_t *table)
{
    unsigned i;

    if (table->server_count && !ap_find_linked_module("mod_proxy.c")) {
        return "its `servers` need mod_proxy: enable it (a2enmod proxy "
               "proxy_http)";
    }
    for (i = 0; i < table->server_count; i++) {
        const jm_server_t *server = table->servers[i];
        const char *error = check_server(p, server);

        if (error) {
            return error;
        }
        if ((!strcmp(server->scheme, "https") || !strcmp(server->scheme, "h2")
             || !strcmp(server->scheme, "wss")) && !ssl_proxy_on(s)) {
            return apr_psprintf(p, "server \"%s\" (%s) needs "
                                "`SSLProxyEngine On` in httpd.conf",
                                server->alias, server->url);
        }
    }
    return NULL;
}

/* Also under `apachectl configtest`, which runs no post_config. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog,
                        apr_pool_t *ptemp, server_rec *base)
{
    server_rec *s;
    int i;

    (void)pconf;
    (void)plog;
    for (s = base; s; s = s->next) {
        const jm_server_conf_t *conf = ap_get_module_config(s->module_config,
                                                            &jwtmap_module);

        for (i = 0; i < conf->tables->nelts; i++) {
            const jm_table_t *table = APR_ARRAY_IDX(conf->tables, i,
                                                    const jm_table_t *);
            const char *error = check_table(ptemp, s, table);

            if (error) {
                ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "%s: %s",
                             table->file, error);
                return HTTP_INTERNAL_SERVER_ERROR;
            }
        }
    }
    return OK;
}

/* A pooled worker for each server of a table, unless the administrator has
 * one for its URL (a <Proxy> block, ProxyPass). */
static int define_workers(apr_pool_t *pconf, apr_pool_t *ptemp, server_rec *s,
                          void *proxy_conf, const jm_table_t *table)
{
    /* POSIX has no other way from a data to a function pointer. */
    define_worker_t *define_worker;
    get_worker_t *get_worker;
    unsigned i;

    *(void **)&define_worker = dlsym(RTLD_DEFAULT, "ap_proxy_define_worker");
    *(void **)&get_worker = dlsym(RTLD_DEFAULT, "ap_proxy_get_worker");
    for (i = 0; i < table->server_count; i++) {
        const jm_server_t *server = table->servers[i];
        const char *error;
        void *worker;

        if (!strcmp(server->scheme, "balancer") || !define_worker
            || !get_worker
            || get_worker(ptemp, NULL, proxy_conf, server->url)) {
            continue;
        }
        error = define_worker(pconf, &worker, NULL, proxy_conf, server->url,
                              0);
        if (error) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                         "%s: server \"%s\" (%s): %s", table->file,
                         server->alias, server->url, error);
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                       server_rec *base)
{
    const module *proxy = ap_find_linked_module("mod_proxy.c");
    server_rec *s;
    int i;

    (void)plog;
    for (s = base; s && proxy; s = s->next) {
        const jm_server_conf_t *conf = ap_get_module_config(s->module_config,
                                                            &jwtmap_module);
        void *proxy_conf = ap_get_module_config(s->module_config, proxy);

        for (i = 0; i < conf->tables->nelts; i++) {
            int rv = define_workers(pconf, ptemp, s, proxy_conf,
                                    APR_ARRAY_IDX(conf->tables, i,
                                                  const jm_table_t *));

            if (rv != OK) {
                return rv;
            }
        }
    }
    return OK;
}

void jm_proxy_register_hooks(apr_pool_t *p)
{
    static const char *const before_proxy[] = { "mod_proxy.c", NULL };

    (void)p;
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, before_proxy, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(proxy, fixups, proxy_fixups, NULL, NULL,
                      APR_HOOK_REALLY_LAST);
}
