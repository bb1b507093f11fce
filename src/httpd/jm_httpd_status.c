/*
 * jm_httpd_status.c: the handler jwtmap-status (which format, which header
 * fields) and the lines in mod_status' page. Touches the response.
 */
#include <mod_status.h>
#include <openssl/evp.h>

#include "jm_httpd_status.h"

#define REFRESH_MAX 3600   /* seconds of ?refresh=N, at most */

typedef struct format_t {
    const char *name;      /* ?format=NAME; "html" is the default */
    const char *type;
    void (*render)(request_rec *r, const jm_status_t *status);
} format_t;

static const format_t formats[] = {
    { "html", "text/html; charset=utf-8", jm_status_html },
    { "json", "application/json", jm_status_json },
    { "prometheus", "text/plain; version=0.0.4; charset=utf-8",
      jm_status_prometheus }
};

/* Value of a parameter of the query as it stands there, in r->pool; NULL:
 * there is none. */
static const char *param(request_rec *r, const char *name)
{
    const char *args = r->args ? r->args : "";
    apr_size_t len = strlen(name);

    while (*args) {
        const char *word = ap_getword(r->pool, &args, '&');

        if (!strncmp(word, name, len) && word[len] == '=') {
            return word + len + 1;
        }
    }
    return NULL;
}

static const format_t *format_of(request_rec *r)
{
    const char *name = param(r, "format");
    unsigned i;

    for (i = 0; name && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!strcmp(name, formats[i].name)) {
            return &formats[i];
        }
    }
    return name ? NULL : &formats[0];
}

/* The page may apply its own style sheet and nothing else. NULL: OpenSSL has
 * no memory. */
static const char *policy(apr_pool_t *p)
{
    const char *style = jm_status_style();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char text[2 * EVP_MAX_MD_SIZE];
    unsigned len;

    if (EVP_Digest(style, strlen(style), digest, &len, EVP_sha256(), NULL)
        != 1) {
        return NULL;
    }
    EVP_EncodeBlock(text, digest, (int)len);
    return apr_pstrcat(p, "default-src 'none'; style-src 'sha256-",
                       (char *)text, "'; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'", NULL);
}

static void set_refresh(request_rec *r)
{
    const char *text = param(r, "refresh");
    apr_int64_t seconds = text ? apr_atoi64(text) : 0;

    if (seconds > 0 && seconds <= REFRESH_MAX) {
        apr_table_setn(r->headers_out, "Refresh",
                       apr_psprintf(r->pool, "%" APR_INT64_T_FMT, seconds));
    }
}

static int handle_status(request_rec *r)
{
    const format_t *format;
    const char *csp;

    if (!r->handler || strcmp(r->handler, "jwtmap-status")) {
        return DECLINED;
    }
    ap_allow_methods(r, REPLACE_ALLOW, "GET", NULL);
    if (r->method_number != M_GET) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    format = format_of(r);
    csp = policy(r->pool);
    if (!format) {
        return HTTP_BAD_REQUEST;
    }
    if (!csp) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_set_content_type(r, format->type);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "Content-Security-Policy", csp);
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    r->no_local_copy = 1;
    set_refresh(r);
    if (!r->header_only) {
        format->render(r, jm_status_read(r));
    }
    return OK;
}

/* --- mod_status --- */

typedef struct line_t {
    const char *name;
    jm_counter_t number;
} line_t;

static void put_lines(request_rec *r, int flags, const line_t *lines,
                      unsigned count)
{
    unsigned i;

    if (!(flags & AP_STATUS_SHORT)) {
        ap_rputs("<hr />\n<h2>mod_jwtmap</h2>\n<dl>\n", r);
    }
    for (i = 0; i < count; i++) {
        ap_rprintf(r, flags & AP_STATUS_SHORT ? "JwtMap%s: %lu\n"
                                              : "<dt>%s: %lu</dt>\n",
                   lines[i].name, lines[i].number);
    }
    if (!(flags & AP_STATUS_SHORT)) {
        ap_rputs("</dl>\n", r);
    }
}

/* The sums of all tables, in mod_status' own form. */
static int add_status(request_rec *r, int flags)
{
    const jm_status_t *status = jm_status_read(r);
    jm_counter_t count = jm_status_verifications(&status->latency);
    jm_counter_t misses = jm_status_misses(&status->latency);
    const line_t lines[] = {
        { "Requests", jm_status_requests(&status->sum) },
        { "Verified", status->sum.passed[JM_PASS_VERIFIED] },
        { "Anonymous", status->sum.passed[JM_PASS_ANONYMOUS] },
        { "Preflights", status->sum.passed[JM_PASS_PREFLIGHT] },
        { "Refused", jm_status_refused(&status->sum) },
        { "WouldRefuse", jm_status_would_refuse(&status->sum) },
        { "Verifications", count },
        { "VerifyNanoseconds", count ? status->latency.nanoseconds / count
                                     : 0 },
        { "CacheHits", count - misses },
        { "CacheMisses", misses },
        { "SourcesFailed", status->failed_count }
    };

    if (!status->table_count) {
        return DECLINED;
    }
    put_lines(r, flags, lines, sizeof(lines) / sizeof(lines[0]));
    return OK;
}

void jm_status_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(handle_status, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ap, status_hook, add_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
