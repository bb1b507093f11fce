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
typedef char *worker_name_t(apr_pool_t *p, void *worker);

typedef struct proxy_calls_t {
    define_worker_t *define;
    get_worker_t *get;
    worker_name_t *name;
} proxy_calls_t;

/* For one server at start; returns what is wrong, or NULL. */
typedef const char *for_server_t(apr_pool_t *pconf, apr_pool_t *ptemp,
                                 const proxy_calls_t *calls,
                                 void *proxy_conf,
                                 const jm_server_t *server);

/* Of mod_proxy's own hook, by the name that APR_OPTIONAL_HOOK wants. */
typedef int proxy_HOOK_fixups_t(request_rec *r);

static int starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

static int ends_with_slash(const char *text)
{
    return *text && text[strlen(text) - 1] == '/';
}

/* --- the way of a request --- */

int jm_proxy_is_proxied(const request_rec *r)
{
    return r->proxyreq != PROXYREQ_NONE && r->filename
           && starts_with(r->filename, "proxy:");
}

/* The URL behind a socket's path. */
static const char *without_socket(const char *url)
{
    const char *bar = strncasecmp(url, "unix:", 5) ? NULL : strchr(url, '|');

    return bar ? bar + 1 : url;
}

/* The URL of a server as it stands in r->filename: mod_proxy encodes the path
 * there, so it has to be decoded. */
static const char *decoded_url(apr_pool_t *p, const char *url)
{
    char *copy;
    char *path;

    if (!strchr(without_socket(url), '%')) {
        return url;
    }
    copy = apr_pstrdup(p, url);
    path = strstr(copy + (without_socket(url) - url), "://") + 3;
    path = strchr(path, '/');
    if (path) {
        ap_unescape_url_keep2f(path, 0);
    }
    return copy;
}

void jm_proxy_set_upstream(request_rec *r, const jm_match_t *match)
{
    const char *base = decoded_url(r->pool, match->route->server->url);

    r->filename = apr_pstrcat(r->pool, "proxy:",
                              jm_uri_upstream(r->pool, match, base, r->uri),
                              NULL);
    r->proxyreq = PROXYREQ_REVERSE;
    r->handler = "proxy-server";
    /* Of a ProxyPass or [P] that was there before: this path is decoded. */
    apr_table_unset(r->notes, "proxy-nocanon");
    apr_table_unset(r->notes, "proxy-noencode");
}

/* What an upstream calls the schemes that we reach it by. */
static const char *answered_scheme(const char *url)
{
    int secure = !strncasecmp(url, "https:", 6) || !strncasecmp(url, "wss:", 4)
                 || !strncasecmp(url, "h2:", 3);

    return secure ? "https" : "http";
}

const char *jm_proxy_back(const request_rec *r, const jm_server_t *server)
{
    const char *url = without_socket(server->url);
    const char *path = NULL;

    if (!strcmp(server->scheme, "balancer")) {
        path = strchr(strstr(url, "://") + 3, '/');
        url = apr_table_get(r->subprocess_env, "BALANCER_WORKER_NAME");
        if (!url || !strstr(url, "://")) {
            return NULL;
        }
        url = without_socket(url);
        if (path && ends_with_slash(url)) {
            path++;
        }
    }
    return apr_pstrcat(r->pool, answered_scheme(url), strstr(url, "://"),
                       path, NULL);
}

/* CGI-style backends take the query from r->args alone, and make variables
 * of r->the_request. */
static int is_cgi_style(const char *url)
{
    url = without_socket(url);
    return starts_with(url, "fcgi:") || starts_with(url, "scgi:")
           || starts_with(url, "uwsgi:");
}

/* 1 if mod_proxy forwards r->filename with the query that stands there. */
static int has_query_in_filename(const request_rec *r)
{
    return apr_table_get(r->notes, "proxy-nocanon")
           && !is_cgi_style(r->filename + 6);
}

void jm_proxy_edit_filename(request_rec *r, const jm_ctx_t *ctx)
{
    if (has_query_in_filename(r)) {
        r->filename = (char *)jm_request_edit_url(r, ctx, r->filename, 0,
                                                  strlen(r->filename));
    }
}

void jm_proxy_undo_filename(request_rec *r, const jm_decision_t *d)
{
    char *mark = strchr(r->filename, '?');
    jm_str_t query;

    if (!mark || !has_query_in_filename(r)) {
        return;
    }
    query = jm_query_unreflect(r->pool, jm_str(mark + 1), d->params,
                               d->param_count);
    r->filename = apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, r->filename,
                                  (apr_size_t)(mark - r->filename)),
                              query.ptr ? "?" : "",
                              query.ptr ? apr_pstrmemdup(r->pool, query.ptr,
                                                         query.len) : "",
                              NULL);
}

/* The URL that mod_proxy sends r to, also where it becomes r->filename in its
 * handler only (SetHandler proxy:URL); NULL: none. */
static const char *upstream_of(const request_rec *r)
{
    if (jm_proxy_is_proxied(r)) {
        return r->filename + 6;
    }
    return r->handler && starts_with(r->handler, "proxy:") ? r->handler + 6
                                                           : NULL;
}

/* A balancer's members may be of any kind. */
int jm_proxy_reads_line(const request_rec *r)
{
    const char *url = upstream_of(r);

    return !url || is_cgi_style(url) || starts_with(url, "balancer:");
}

void jm_proxy_hold_interim(request_rec *r, const jm_ctx_t *ctx)
{
    if (ctx->decision && ctx->decision->param_count && upstream_of(r)) {
        apr_table_setn(r->subprocess_env, "proxy-interim-response",
                       "Suppress");
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

/* What SSLProxyEngine says at this level of the configuration tree, the last
 * one or a <Proxy> block that says On: 1 On, 0 Off, -1 nothing. */
static int ssl_proxy_at(const ap_directive_t *directive)
{
    int said = -1;

    for (; directive; directive = directive->next) {
        if (!strcasecmp(directive->directive, "SSLProxyEngine")
            && directive->args) {
            said = !strncasecmp(directive->args, "on", 2);
        }
        if (!strncasecmp(directive->directive, "<Proxy", 6)
            && ssl_proxy_at(directive->first_child) == 1) {
            return 1;
        }
    }
    return said;
}

static int ssl_proxy_on(const server_rec *s)
{
    const ap_directive_t *directive = ap_conftree;
    int said = ssl_proxy_at(directive);

    for (; directive && s->is_virtual; directive = directive->next) {
        if (!strcasecmp(directive->directive, "<VirtualHost")
            && directive->line_num == (int)s->defn_line_number
            && s->defn_name && !strcmp(directive->filename, s->defn_name)) {
            int own = ssl_proxy_at(directive->first_child);

            said = own >= 0 ? own : said;
        }
    }
    return said == 1;
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

/* 1 if two URLs have the same socket, or none. */
static int same_socket(const char *a, const char *b)
{
    apr_size_t len = (apr_size_t)(without_socket(a) - a);

    if (len != (apr_size_t)(without_socket(b) - b)) {
        return 0;
    }
    return len == 0 || !strncmp(a + 5, b + 5, len - 5);
}

/* The URL for a server's worker. mod_proxy finds a worker by its URL being
 * the start of the request's, which may be percent-encoded otherwise. */
static const char *worker_url(apr_pool_t *p, const char *url)
{
    const char *end = strchr(without_socket(url), '%');

    return end ? apr_pstrmemdup(p, url, (apr_size_t)(end - url)) : url;
}

/* 0: mod_proxy is there, but not all of it. */
static int find_calls(proxy_calls_t *calls)
{
    /* POSIX has no other way from a data to a function pointer. */
    *(void **)&calls->define = dlsym(RTLD_DEFAULT, "ap_proxy_define_worker");
    *(void **)&calls->get = dlsym(RTLD_DEFAULT, "ap_proxy_get_worker");
    *(void **)&calls->name = dlsym(RTLD_DEFAULT, "ap_proxy_worker_name");
    /* cppcheck-suppress uninitvar; it does not see through the casts */
    return calls->define && calls->get && calls->name;
}

/* The worker for the requests of a server, with its own name (socket, lower
 * case, no default port) in *pname. NULL: none. */
static void *worker_of(const char **pname, apr_pool_t *ptemp,
                       const proxy_calls_t *calls, void *proxy_conf,
                       const char *url)
{
    const char *error;
    void *named;

    /* without a configuration to put it into: for its name only */
    error = calls->define(ptemp, &named, NULL, NULL, url, 0);
    *pname = error ? url : calls->name(ptemp, named);
    return calls->get(ptemp, NULL, proxy_conf,
                      ends_with_slash(*pname)
                      ? *pname : apr_pstrcat(ptemp, *pname, "/", NULL));
}

/* A pooled worker for a server, unless there is one for its URL: of the
 * administrator (a <Proxy> block, ProxyPass), or of another server. */
static const char *define_worker(apr_pool_t *pconf, apr_pool_t *ptemp,
                                 const proxy_calls_t *calls,
                                 void *proxy_conf, const jm_server_t *server)
{
    const char *url = worker_url(ptemp, server->url);
    const char *name;
    void *worker = worker_of(&name, ptemp, calls, proxy_conf, url);

    if (worker && same_socket(calls->name(ptemp, worker), name)) {
        return NULL;
    }
    /* cppcheck-suppress returnDanglingLifetime; it returns a message */
    return calls->define(pconf, &worker, NULL, proxy_conf, url, 0);
}

/* Two sockets behind one URL are one worker: one application would get the
 * requests of the other. */
static const char *check_worker(apr_pool_t *pconf, apr_pool_t *ptemp,
                                const proxy_calls_t *calls,
                                void *proxy_conf, const jm_server_t *server)
{
    const char *url = worker_url(ptemp, server->url);
    const char *name;
    void *worker = worker_of(&name, ptemp, calls, proxy_conf, url);

    (void)pconf;
    if (!worker || same_socket(calls->name(ptemp, worker), name)) {
        return NULL;
    }
    return apr_psprintf(ptemp, "mod_proxy takes it for %s, because it tells "
                        "workers apart by the URL behind the socket: give "
                        "each a host name of its own, as in "
                        "unix:/run/b.sock|http://b.localhost",
                        calls->name(ptemp, worker));
}

/* Does that for each server of the tables of s, in order. */
static int for_servers(for_server_t *call, apr_pool_t *pconf,
                       apr_pool_t *ptemp, server_rec *s)
{
    const module *proxy = ap_find_linked_module("mod_proxy.c");
    const jm_server_conf_t *conf = ap_get_module_config(s->module_config,
                                                        &jwtmap_module);
    const char *error;
    proxy_calls_t calls;
    unsigned j;
    int i;

    if (!proxy || !find_calls(&calls)) {
        return OK;
    }
    for (i = 0; i < conf->tables->nelts; i++) {
        const jm_table_t *table = APR_ARRAY_IDX(conf->tables, i,
                                                const jm_table_t *);

        for (j = 0; j < table->server_count; j++) {
            const jm_server_t *server = table->servers[j];

            error = !strcmp(server->scheme, "balancer")
                    ? NULL
                    : call(pconf, ptemp, &calls,
                           ap_get_module_config(s->module_config, proxy),
                           server);
            if (error) {
                ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s,
                             "%s: server \"%s\" (%s): %s", table->file,
                             server->alias, server->url, error);
                return HTTP_INTERNAL_SERVER_ERROR;
            }
        }
    }
    return OK;
}

/* Also under `apachectl configtest`, which runs no post_config. */
static int check_config(apr_pool_t *pconf, apr_pool_t *plog,
                        apr_pool_t *ptemp, server_rec *base)
{
    server_rec *s;
    int i;

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
        if (for_servers(define_worker, pconf, ptemp, s) != OK
            || for_servers(check_worker, pconf, ptemp, s) != OK) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

void jm_proxy_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(proxy, fixups, proxy_fixups, NULL, NULL,
                      APR_HOOK_REALLY_LAST);
}
