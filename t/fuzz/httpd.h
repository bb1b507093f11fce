/*
 * httpd.h: the octets of a request as httpd 2.4 hands them to a module, with
 * HttpProtocolOptions Strict: request line, obs-fold, fields of one name
 * merged, the path normalised and decoded once. Written from httpd's
 * documentation and behaviour, so that a target gets what a client can send.
 */
#ifndef FUZZ_HTTPD_H
#define FUZZ_HTTPD_H

#include "readers.h"

#include "jm_decide.h"

/* How the server is configured. */
typedef struct httpd_t {
    int merge_slashes;           /* MergeSlashes */
    int keep_encoded_slashes;    /* AllowEncodedSlashes NoDecode */
    int decode_encoded_slashes;  /* AllowEncodedSlashes On */
    int raw;                     /* ProxyPass … nocanon */
} httpd_t;

static inline int httpd_is_token(jm_str_t name)
{
    apr_size_t i;

    for (i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];

        if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c)) {
            return 0;
        }
    }
    return name.len > 0;
}

static inline int httpd_has_control(jm_str_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return 1;
        }
    }
    return 0;
}

static inline jm_str_t httpd_line(jm_str_t *rest)
{
    jm_str_t line = fuzz_cut(rest, '\n');

    line.len -= line.len && line.ptr[line.len - 1] == '\r';
    return line;
}

static inline jm_str_t httpd_trim(jm_str_t text)
{
    while (text.len && (*text.ptr == ' ' || *text.ptr == '\t')) {
        text = jm_strn(text.ptr + 1, text.len - 1);
    }
    while (text.len && (text.ptr[text.len - 1] == ' '
                        || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* The fields up to the empty line, each through value (NULL: as it is); NULL:
 * answered 400. */
static inline apr_table_t *
httpd_headers(apr_pool_t *p, jm_str_t rest,
              const char *(*value)(apr_pool_t *, jm_str_t))
{
    apr_table_t *headers = apr_table_make(p, 8);

    while (rest.len) {
        jm_str_t line = httpd_line(&rest);
        jm_str_t name;

        if (!line.len) {
            break;
        }
        /* obs-fold: one blank in its place */
        while (rest.len && (*rest.ptr == ' ' || *rest.ptr == '\t')) {
            jm_str_t more = httpd_trim(httpd_line(&rest));

            line = jm_str(apr_psprintf(p, "%.*s %.*s", (int)line.len,
                                       line.ptr, (int)more.len, more.ptr));
        }
        name = line;
        if (!memchr(line.ptr, ':', line.len)) {
            return NULL;
        }
        name = fuzz_cut(&line, ':');
        line = httpd_trim(line);
        if (!httpd_is_token(name) || httpd_has_control(line)) {
            return NULL;
        }
        apr_table_addn(headers, apr_pstrmemdup(p, name.ptr, name.len),
                       value(p, line));
    }
    apr_table_compress(headers, APR_OVERLAP_TABLES_MERGE);
    return headers;
}

/* RFC 3986 5.2.4 on a copy; *pabove: it went above the root. */
static inline jm_str_t httpd_dots(apr_pool_t *p, jm_str_t path, int *pabove)
{
    char *out = apr_palloc(p, path.len + 1);
    /* of the segments before; none is shorter than its slash */
    apr_size_t *starts = apr_palloc(p, (path.len + 1) * sizeof(*starts));
    apr_size_t depth = 0;
    apr_size_t n = 0, i = 0;

    while (i < path.len) {
        apr_size_t len = 1;

        while (i + len < path.len && path.ptr[i + len] != '/') {
            len++;
        }
        /* a slash and a segment */
        if (len == 2 && path.ptr[i + 1] == '.') {
            if (i + len == path.len) {
                out[n++] = '/';
            }
        }
        else if (len == 3 && path.ptr[i + 1] == '.'
                 && path.ptr[i + 2] == '.') {
            *pabove |= !depth;
            n = depth ? starts[--depth] : 0;
            if (i + len == path.len) {
                out[n++] = '/';
            }
        }
        else {
            starts[depth++] = n;
            memcpy(out + n, path.ptr + i, len);
            n += len;
        }
        i += len;
    }
    return jm_strn(n || !path.len ? out : "/", n || !path.len ? n : 1);
}

static inline jm_str_t httpd_merge(apr_pool_t *p, jm_str_t path)
{
    char *out = apr_palloc(p, path.len + 1);
    apr_size_t n = 0, i;

    for (i = 0; i < path.len; i++) {
        if (path.ptr[i] != '/' || !n || out[n - 1] != '/') {
            out[n++] = path.ptr[i];
        }
    }
    return jm_strn(out, n);
}

/* The octet of a %XX at i, or -1. */
static inline int httpd_encoded(jm_str_t path, apr_size_t i)
{
    if (path.ptr[i] != '%' || i + 2 >= path.len
        || reader_hex(path.ptr[i + 1]) < 0
        || reader_hex(path.ptr[i + 2]) < 0) {
        return -1;
    }
    return reader_hex(path.ptr[i + 1]) * 16 + reader_hex(path.ptr[i + 2]);
}

/* Decodes once; keep says which octets stay encoded. */
static inline jm_str_t httpd_decode(apr_pool_t *p, jm_str_t path,
                                    int (*keep)(int))
{
    char *out = apr_palloc(p, path.len + 1);
    apr_size_t n = 0, i;

    for (i = 0; i < path.len; i++) {
        int c = httpd_encoded(path, i);

        if (c < 0 || keep(c)) {
            out[n++] = path.ptr[i];
        }
        else {
            out[n++] = (char)c;
            i += 2;
        }
    }
    return jm_strn(out, n);
}

static inline int httpd_keep_none(int c)
{
    (void)c;
    return 0;
}

static inline int httpd_keep_slash(int c)
{
    return c == '/';
}

static inline int httpd_keep_reserved(int c)
{
    return !(apr_isalnum(c) || (c && strchr("-._~", c)));
}

/* 1 if httpd answers this path itself (400, 404). */
static inline int httpd_refuses(const httpd_t *httpd, jm_str_t path)
{
    apr_size_t i;

    for (i = 0; i < path.len; i++) {
        int c = httpd_encoded(path, i);

        if (path.ptr[i] == '%' && c <= 0) {
            return 1;
        }
        if (c == '/' && !httpd->keep_encoded_slashes
            && !httpd->decode_encoded_slashes) {
            return 1;
        }
    }
    return 0;
}

/* Sets method, uri and args from the request line; 0: answered 400 or 404,
 * or a forward proxy's. */
static inline int httpd_target(jm_request_t *request, apr_pool_t *p,
                               const httpd_t *httpd, jm_str_t line)
{
    jm_str_t method = fuzz_cut(&line, ' ');
    jm_str_t target = fuzz_cut(&line, ' ');
    jm_str_t whole, path;
    int above = 0;

    if (!httpd_is_token(method) || httpd_has_control(target) || !target.len
        || *target.ptr != '/' || memchr(target.ptr, '\t', target.len)) {
        return 0;
    }
    whole = fuzz_cut(&target, '#');
    path = fuzz_cut(&whole, '?');
    request->method = apr_pstrmemdup(p, method.ptr, method.len);
    if (path.ptr + path.len < whole.ptr) {
        request->args = jm_str_dup(p, whole);
    }
    request->client_args = request->args;
    if (httpd->raw) {
        request->uri.raw = jm_str_dup(p, path);
    }
    path = httpd_decode(p, path, httpd_keep_reserved);
    if (httpd->merge_slashes) {
        path = httpd_merge(p, path);
    }
    if (path.len > 255) {
        return 0;
    }
    path = httpd_dots(p, path, &above);
    if (above || httpd_refuses(httpd, path)) {
        return 0;
    }
    request->merge_slashes = httpd->merge_slashes;
    path = httpd_decode(p, path, httpd->decode_encoded_slashes
                                 ? httpd_keep_none : httpd_keep_slash);
    if (httpd->decode_encoded_slashes) {
        /* there may be new `//`, `/./` and `/../` */
        path = httpd->merge_slashes ? httpd_merge(p, path) : path;
        path = httpd_dots(p, path, &above);
    }
    request->uri.path = path;
    return 1;
}

/* Without the `;…` of its segments. */
static inline jm_str_t httpd_cut(apr_pool_t *p, jm_str_t path)
{
    char *out = apr_palloc(p, path.len + 1);
    apr_size_t n = 0, i;
    int inside = 0;

    for (i = 0; i < path.len; i++) {
        inside = path.ptr[i] != '/' && (inside || path.ptr[i] == ';');
        if (!inside) {
            out[n++] = path.ptr[i];
        }
    }
    return jm_strn(out, n);
}

/* The path as one of the servers behind httpd may read it; way has a bit for
 * each thing that some do. */
static inline jm_str_t httpd_read(apr_pool_t *p, jm_str_t path,
                                  unsigned way)
{
    int above = 0;

    if (way & 1) {
        path = httpd_cut(p, path);
    }
    if (way & 2) {
        path = httpd_decode(p, path, httpd_keep_none);
    }
    if (way & 4) {
        char *out = apr_pstrmemdup(p, path.ptr, path.len);
        apr_size_t i;

        for (i = 0; i < path.len; i++) {
            out[i] = out[i] == '\\' ? '/' : out[i];
        }
        path.ptr = out;
    }
    if (way & 8) {
        path = httpd_cut(p, path);
    }
    if (way & 16) {
        path = httpd_merge(p, path);
    }
    return httpd_dots(p, path, &above);
}

#endif
