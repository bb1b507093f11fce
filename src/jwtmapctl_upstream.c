/*
 * jwtmapctl_upstream.c: the request line that `jwtmapctl explain` shows: what
 * mod_proxy makes of the module's decision. Touches the pool.
 */
#include "jwtmapctl_explain.h"

/* The path of a server's URL as the module hands it to mod_proxy, which
 * encodes it. *phost: all before it. */
static const char *base_path(const char **phost, apr_pool_t *p,
                             const char *url)
{
    const char *bar = strncasecmp(url, "unix:", 5) ? NULL : strchr(url, '|');
    const char *host = strstr(bar ? bar : url, "://") + 3;
    const char *path = strchr(host, '/');
    int broken;

    path = path ? path : host + strlen(host);
    *phost = apr_pstrmemdup(p, url, (apr_size_t)(path - url));
    return jm_str_dup(p, jm_uri_decode(p, jwtmapctl_keep_slashes(
        p, jm_str(path)), &broken)).ptr;
}

static const char *query_of(const jwtmapctl_explain_t *x)
{
    jm_str_t args = x->decision->args;

    return args.ptr ? apr_pstrcat(x->p, "?", jm_str_dup(x->p, args).ptr, NULL)
                    : "";
}

static int is_http2(const jm_server_t *server)
{
    return server && (!strcmp(server->scheme, "h2")
                      || !strcmp(server->scheme, "h2c"));
}

void jwtmapctl_set_upstream(jwtmapctl_explain_t *x)
{
    const jm_match_t *match = &x->decision->match;
    const jm_server_t *server = match->route ? match->route->server : NULL;
    const char *path = jm_str_dup(x->p, x->request.uri.path).ptr;
    const char *host = NULL;

    if (server) {
        path = jm_uri_upstream(x->p, match, base_path(&host, x->p,
                                                      server->url), path);
    }
    path = apr_pstrcat(x->p, jm_uri_escape(x->p, jm_str(path), 1),
                       query_of(x), NULL);
    x->line = apr_pstrcat(x->p, x->request.method, " ", path,
                          is_http2(server) ? " HTTP/2" : " HTTP/1.1", NULL);
    x->url = server ? apr_pstrcat(x->p, host, path, NULL) : NULL;
}
