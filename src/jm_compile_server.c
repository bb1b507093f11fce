/*
 * jm_compile_server.c: `servers` of the route table: aliases, and the URL of
 * each. Touches the state of the compilation only.
 */
#include "jm_char.h"
#include "jm_compile_state.h"

/* Octets of a socket's path (sun_path, less its NUL). */
#define SOCKET_PATH_MAX 107

static const char *const server_members[] = { "alias", "url", NULL };

static const char *const schemes[] = {
    "http", "https", "h2", "h2c", "ws", "wss", "balancer", NULL
};

static apr_size_t find(jm_str_t text, char c)
{
    const char *at = text.len ? memchr(text.ptr, c, text.len) : NULL;

    return at ? (apr_size_t)(at - text.ptr) : text.len;
}

static jm_str_t from(jm_str_t text, apr_size_t start)
{
    return jm_strn(text.ptr + start, text.len - start);
}

/* RFC 3986 3.2.3; empty behind a colon is an error here. */
static const char *check_port(jm_str_t port)
{
    unsigned value = 0;
    apr_size_t i;

    for (i = 0; i < port.len && port.len <= 5; i++) {
        if (port.ptr[i] < '0' || port.ptr[i] > '9') {
            break;
        }
        value = value * 10 + (unsigned)(port.ptr[i] - '0');
    }
    if (port.len == 0 || i < port.len || value < 1 || value > 65535) {
        return "the port must be a number from 1 to 65535";
    }
    return NULL;
}

static const char *check_address(jm_str_t host)
{
    apr_size_t i;

    for (i = 1; i + 1 < host.len; i++) {
        if (jm_char_hex(host.ptr[i]) < 0 && host.ptr[i] != ':'
            && host.ptr[i] != '.') {
            return "an IPv6 address in brackets has hex digits, \":\" and "
                   "\".\" only";
        }
    }
    return host.len < 4 ? "the brackets hold no IPv6 address: write [::1]"
                        : NULL;
}

static const char *check_name(jm_str_t host)
{
    apr_size_t i;

    if (host.len == 0) {
        return "the host is missing: write SCHEME://HOST";
    }
    for (i = 0; i < host.len; i++) {
        char c = host.ptr[i];

        if (!jm_char_is_alnum(c) && c != '-' && c != '.' && c != '_') {
            return "a host has letters, digits, \"-\", \".\" and \"_\" only";
        }
    }
    return NULL;
}

static const char *check_authority(jm_str_t authority)
{
    apr_size_t end;
    const char *message;

    if (find(authority, '@') < authority.len) {
        return "a user or password has no place in it: remove all up to the "
               "\"@\"";
    }
    if (authority.len > 0 && authority.ptr[0] == '[') {
        end = find(authority, ']') + 1;
        if (end > authority.len) {
            return "the bracket of the IPv6 address is not closed: write [::1]";
        }
        message = check_address(jm_strn(authority.ptr, end));
    }
    else {
        end = find(authority, ':');
        message = check_name(jm_strn(authority.ptr, end));
    }
    if (message || end == authority.len) {
        return message;
    }
    if (authority.ptr[end] != ':') {
        return "only a port can follow the IPv6 address: write [::1]:8080";
    }
    return check_port(from(authority, end + 1));
}

static int is_dots(jm_str_t segment)
{
    return jm_str_is(segment, ".") || jm_str_is(segment, "..");
}

/* The octet that a "%" at text stands for must be one that mod_proxy encodes
 * to the same again. */
static const char *check_percent(jm_str_t text)
{
    if (text.len < 3 || jm_char_hex(text.ptr[1]) < 0
        || jm_char_hex(text.ptr[2]) < 0) {
        return "a \"%\" in its path needs two hex digits behind it";
    }
    if (!strncmp(text.ptr, "%00", 3) || !strncasecmp(text.ptr, "%2f", 3)) {
        return "%00 and %2F have no place in its path";
    }
    return NULL;
}

static const char *check_path(jm_str_t path)
{
    const char *message;
    apr_size_t i;
    apr_size_t start = 0;

    for (i = 0; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '/') {
            message = path.ptr[i] == '%' ? check_percent(from(path, i)) : NULL;
            if (message) {
                return message;
            }
            continue;
        }
        if (is_dots(jm_strn(path.ptr + start, i - start))) {
            return "\".\" and \"..\" have no place in its path: write the "
                   "path that is meant";
        }
        start = i + 1;
    }
    return NULL;
}

static const char *check_octets(jm_str_t url)
{
    apr_size_t i;

    for (i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];

        if (c == '?' || c == '#') {
            return "a query or fragment has no place in it: use mapping.query";
        }
        if (c == '{') {
            return "nothing is replaced in the middle of it: write all of it "
                   "as \"$env.NAME\"";
        }
        if (c <= 0x20 || c >= 0x7F || strchr("\\\"<>^`{}|", c)) {
            return "it holds an octet that no URL has: percent-encode it";
        }
    }
    return NULL;
}

static const char *bad_scheme(apr_pool_t *p, jm_str_t scheme, int given)
{
    const char *word = jm_str_dup(p, scheme).ptr;
    const char *hint = given ? jm_diag_hint(p, word, schemes) : "";

    if (!given) {
        return "it has no scheme: write \"http://HOST:PORT\"";
    }
    return apr_psprintf(p, "its scheme is none of http, https, h2, h2c, ws, "
                        "wss, unix:PATH|http, balancer%s", hint);
}

/* One of the schemes, in lower case, or NULL. */
static const char *find_scheme(jm_str_t text)
{
    const char *const *name;

    for (name = schemes; *name; name++) {
        if (text.len == strlen(*name)
            && !strncasecmp(text.ptr, *name, text.len)) {
            return *name;
        }
    }
    return NULL;
}

/* SCHEME://HOST[:PORT][/PATH]; *pscheme is a constant. */
static const char *check_url(const char **pscheme, apr_size_t *phost,
                             apr_pool_t *p, jm_str_t url)
{
    const char *sep = strstr(url.ptr, "://");
    const char *message = check_octets(url);
    apr_size_t slash;
    jm_str_t rest;

    if (message) {
        return message;
    }
    if (!sep) {
        return bad_scheme(p, url, 0);
    }
    rest = jm_strn(url.ptr, (apr_size_t)(sep - url.ptr));
    *pscheme = find_scheme(rest);
    if (!*pscheme) {
        return bad_scheme(p, rest, 1);
    }
    *phost = rest.len + 3;
    rest = from(url, *phost);
    slash = find(rest, '/');
    message = check_authority(jm_strn(rest.ptr, slash));
    return message ? message : check_path(from(rest, slash));
}

static const char *check_socket(jm_str_t path)
{
    if (path.len == 0 || path.ptr[0] != '/') {
        return "the path of the socket must begin with \"/\": write "
               "\"unix:/run/app.sock|http://localhost\"";
    }
    if (path.len > SOCKET_PATH_MAX) {
        return "the path of the socket has more than 107 octets: use a shorter "
               "one";
    }
    return NULL;
}

/* unix:PATH|URL, or a URL alone. */
static const char *check_server(const char **pscheme, apr_size_t *phost,
                                apr_pool_t *p, jm_str_t url)
{
    const char *message;
    apr_size_t bar;

    if (url.len < 5 || strncasecmp(url.ptr, "unix:", 5)) {
        return check_url(pscheme, phost, p, url);
    }
    bar = find(url, '|');
    if (bar == url.len) {
        return "the URL behind the socket is missing: write "
               "\"unix:/run/app.sock|http://localhost\"";
    }
    message = check_socket(jm_strn(url.ptr + 5, bar - 5));
    if (!message) {
        message = check_url(pscheme, phost, p, from(url, bar + 1));
        *phost += bar + 1;
    }
    if (!message && jm_str_is(jm_str(*pscheme), "balancer")) {
        message = "a balancer has no socket of its own: write "
                  "\"balancer://NAME\"";
    }
    return message;
}

/* No slash at its end unless that is its whole path. */
static const char *without_slash(apr_pool_t *p, jm_str_t url,
                                 apr_size_t host)
{
    apr_size_t path = host + find(from(url, host), '/');

    while (url.len > path + 1 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    return jm_str_dup(p, url).ptr;
}

/* Messages quote nothing of the URL: it may hold a password. */
static void read_url(jm_compile_t *c, const jm_compile_server_t *s)
{
    const jm_json_t *node;
    const char *message;
    apr_size_t host = 0;
    jm_str_t url;

    switch (jm_member_string(&url, &node, &c->subst, s->node, "url")) {
    case JM_MEMBER_ABSENT:
        jm_json_diag(c->diags, JM_ERROR, s->node, "\"url\" is missing: "
                     "write \"url\": \"http://HOST:PORT\"");
        return;
    case JM_MEMBER_OK:
        break;
    case JM_MEMBER_UNKNOWN:
        s->server->url = jm_str_dup(c->p, url).ptr;
        s->server->scheme = schemes[0];
        return;
    default:
        return;
    }
    message = check_server(&s->server->scheme, &host, c->ptemp, url);
    if (message) {
        jm_json_diag(c->diags, JM_ERROR, node, "is no URL of a server: %s",
                     message);
        return;
    }
    s->server->url = without_slash(c->p, url, host);
}

static void read_server(jm_compile_t *c, const jm_json_t *node)
{
    jm_compile_server_t s = { NULL, node, 0, 0 };
    const jm_json_t *at;
    jm_member_e e;
    jm_str_t alias;

    if (node->type != JM_JSON_OBJECT) {
        jm_member_wrong(&c->subst, node, "an object");
        return;
    }
    jm_member_check(&c->subst, node, server_members);
    e = jm_member_string(&alias, &at, &c->subst, node, "alias");
    if (e == JM_MEMBER_ABSENT) {
        jm_json_diag(c->diags, JM_ERROR, node, "\"alias\" is missing: write "
                     "the name that routes have for this server");
    }
    s.server = apr_pcalloc(c->p, sizeof(*s.server));
    APR_ARRAY_PUSH(c->servers, jm_compile_server_t) = s;
    if (e == JM_MEMBER_WRONG || e == JM_MEMBER_ABSENT) {
        return;
    }
    s.server->alias = jm_str_dup(c->p, alias).ptr;
    if (apr_hash_get(c->server_names, alias.ptr, (apr_ssize_t)alias.len)) {
        jm_json_diag(c->diags, JM_ERROR, at, "another server has the alias "
                     "\"%s\": rename one of them", at->text.ptr);
        return;
    }
    apr_hash_set(c->server_names, s.server->alias, (apr_ssize_t)alias.len,
                 (void *)(apr_uintptr_t)c->servers->nelts);
}

void jm_compile_servers(jm_compile_t *c)
{
    const jm_json_t *node;
    unsigned i;

    if (jm_member_typed(&node, &c->subst, c->root, "servers",
                        JM_JSON_ARRAY) != JM_MEMBER_OK) {
        return;
    }
    for (i = 0; i < node->count; i++) {
        read_server(c, &node->items[i]);
    }
}

void jm_compile_server_urls(jm_compile_t *c)
{
    int i;

    for (i = 0; i < c->servers->nelts; i++) {
        const jm_compile_server_t *s = &APR_ARRAY_IDX(c->servers, i,
                                                      jm_compile_server_t);

        if (s->used || !s->unserved) {
            read_url(c, s);
        }
    }
}

static const char *const *all_aliases(const jm_compile_t *c)
{
    apr_array_header_t *words = apr_array_make(c->ptemp, 8, sizeof(char *));
    int i;

    for (i = 0; i < c->servers->nelts; i++) {
        const char *alias = APR_ARRAY_IDX(c->servers, i,
                                          jm_compile_server_t).server->alias;

        if (alias) {
            APR_ARRAY_PUSH(words, const char *) = alias;
        }
    }
    APR_ARRAY_PUSH(words, const char *) = NULL;
    return (const char *const *)words->elts;
}

const jm_server_t *jm_compile_server_find(jm_compile_t *c,
                                          const jm_json_t *node,
                                          jm_str_t alias, int served)
{
    apr_uintptr_t place = (apr_uintptr_t)
        apr_hash_get(c->server_names, alias.ptr, (apr_ssize_t)alias.len);
    jm_compile_server_t *s;
    const char *hint;

    if (!place) {
        hint = jm_diag_hint(c->ptemp, alias.ptr, all_aliases(c));
        jm_json_diag(c->diags, JM_ERROR, node, "no server has the alias "
                     "\"%s\"%s", node->text.ptr,
                     *hint ? hint : ": add it to \"servers\"");
        return NULL;
    }
    s = &APR_ARRAY_IDX(c->servers, (int)place - 1, jm_compile_server_t);
    s->used |= served;
    s->unserved |= !served;
    return s->server;
}
