/*
 * jm_httpd_filter.c: the trailer filter (what the client sends after the
 * body may not pose as a mapped header either) and JWTMAP, the output filter
 * of the response side. Neither buffers a body.
 */
#include "mod_jwtmap.h"

#include "jm_response.h"

APLOG_USE_MODULE(jwtmap);

static ap_filter_rec_t *trailer_filter;
static ap_filter_rec_t *response_filter;

/* --- trailers --- */

static int ends_body(const apr_bucket_brigade *bb)
{
    return !APR_BRIGADE_EMPTY(bb) && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
}

/* Trailers are complete with the end of the body: h2 backends are sent
 * r->trailers_in then, and under MergeTrailers they are in r->headers_in. */
static apr_status_t filter_trailers(ap_filter_t *f, apr_bucket_brigade *bb,
                                    ap_input_mode_t mode,
                                    apr_read_type_e block, apr_off_t readbytes)
{
    apr_status_t rv = ap_get_brigade(f->next, bb, mode, block, readbytes);
    const jm_ctx_t *ctx = jm_ctx_decided(f->r);

    if (rv != APR_SUCCESS || !ctx || apr_is_empty_table(f->r->trailers_in)
        || !ends_body(bb)) {
        return rv;
    }
    jm_strip_trailers(f->r, ctx);
    jm_apply_headers(f->r->headers_in, f->r->pool, ctx);
    return rv;
}

/* HTTP/1 has them behind a chunked body only (RFC 9112 7.1.2), of which an
 * earlier pass may have read a part: what the client sent counts. */
static int may_have_trailers(const request_rec *r, const jm_ctx_t *ctx)
{
    return r->proto_num >= HTTP_VERSION(2, 0)
           || apr_table_get(ctx->client->headers, "Transfer-Encoding");
}

/* --- responses --- */

/* Where an own route's upstream is, as the client sees it. */
static const char *front_of(request_rec *r, const jm_route_t *route)
{
    const char *prefix = route->prefix ? route->prefix : "";

    return ap_construct_url(r->pool, ap_escape_uri(r->pool, prefix), r);
}

/* What CGI-style handlers leave in err_headers_out would be sent beside ours:
 * into headers_out with it. */
static void gather(request_rec *r, const char *name)
{
    if (apr_table_get(r->err_headers_out, name)) {
        apr_table_mergen(r->headers_out, name,
                         apr_table_getm(r->pool, r->err_headers_out, name));
        apr_table_unset(r->err_headers_out, name);
    }
}

/* The answer depends on every place where a token may be. */
static void vary_on_sources(request_rec *r, const jm_route_t *route)
{
    unsigned i, j;

    for (i = 0; route && i < route->searched_count; i++) {
        const jm_authorizer_t *authorizer = route->searched[i];

        for (j = 0; j < authorizer->header_count; j++) {
            jm_response_vary(r->headers_out, r->pool,
                             authorizer->headers[j].header);
        }
        if (authorizer->cookie_count) {
            jm_response_vary(r->headers_out, r->pool, "Cookie");
        }
    }
}

static void edit_personal(request_rec *r, const jm_decision_t *d)
{
    r->no_cache = 1;
    gather(r, "Cache-Control");
    jm_response_private(r->headers_out, r->pool);
    jm_response_untarget(r->headers_out);
    jm_response_untarget(r->err_headers_out);
    vary_on_sources(r, d->route);
}

static void set_response_field(request_rec *r, const jm_field_t *field)
{
    apr_table_unset(r->err_headers_out, field->name);
    if (field->value) {
        apr_table_setn(r->headers_out, field->name, field->value);
    }
    else {
        apr_table_unset(r->headers_out, field->name);
    }
    if (!strcasecmp(field->name, "Content-Type")) {
        ap_set_content_type(r, field->value);
    }
}

/* Location and the like: no parameter of ours, no address of an upstream. */
static void edit_urls(request_rec *r, const jm_decision_t *d,
                      apr_table_t *fields)
{
    const jm_route_t *route = d->route;
    const char *back;

    jm_response_unreflect(fields, r->pool, d->params, d->param_count);
    if (route && route->server) {
        back = jm_proxy_back(r, route->server);
        if (back) {
            jm_response_map_back(fields, r->pool, back, front_of(r, route));
        }
    }
}

/* Parts of the page (SSI) may be personal where the page is not, which is
 * known only when its headers are on their way. */
static int has_parts(const request_rec *r)
{
    const ap_filter_t *f = r->output_filters;

    while (f && strcasecmp(f->frec->name, "INCLUDES")) {
        f = f->next;
    }
    return f != NULL;
}

/* An earlier pass may have had claims where this one has none. */
static int is_personal(const request_rec *r, const jm_ctx_t *ctx)
{
    return jm_decision_is_personal(ctx->decision) || ctx->client->token
           || (ctx->table->authorizer_count && has_parts(r));
}

static void edit_response(request_rec *r, const jm_ctx_t *ctx)
{
    const jm_decision_t *d = ctx->decision;
    unsigned i;

    gather(r, "Vary");
    if (d->action != JM_ACTION_REFUSE) {
        edit_urls(r, d, r->headers_out);
        edit_urls(r, d, r->err_headers_out);
        for (i = 0; i < d->response_count; i++) {
            set_response_field(r, &d->response_fields[i]);
        }
        if (is_personal(r, ctx)) {
            edit_personal(r, d);
        }
    }
    jm_answer_cors(r, ctx);
}

/* An ErrorDocument from an upstream: mod_proxy puts that one's 200 in the
 * place of the refusal's status. A redirect is what the administrator wants. */
static void edit_error_page(request_rec *r, const jm_ctx_t *ctx)
{
    jm_answer_cors(r, ctx);
    if (r->prev && r->proxyreq != PROXYREQ_NONE
        && (ap_is_HTTP_SUCCESS(r->status)
            || r->status == HTTP_NOT_MODIFIED)) {
        r->status = r->prev->status;
        r->status_line = NULL;
    }
}

/* Runs once, on the headers, before the first octet goes out. */
static apr_status_t filter_response(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const jm_ctx_t *ctx = jm_ctx_decided(f->r);

    /* Who reads it has read it; mod_status would show it from here on. */
    jm_request_restore_line(f->r);
    if (ctx && ctx->decision) {
        edit_response(f->r, ctx);
    }
    else if (ctx) {
        edit_error_page(f->r, ctx);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

static void insert_response_filter(request_rec *r)
{
    if (jm_ctx_decided(r)) {
        ap_add_output_filter_handle(response_filter, NULL, r, r->connection);
    }
}

/* With a filter mod_proxy spools a body of known length, without one it streams
 * it: there is one only where it is needed. Also where the client waits for 100
 * (Continue): mod_proxy would leave that to the upstream, and lose the body
 * where interim responses are held (jm_proxy_hold_interim). */
static void insert_filter(request_rec *r)
{
    const jm_ctx_t *ctx = jm_ctx_decided(r);

    if (ctx && (may_have_trailers(r, ctx) || r->expecting_100)) {
        ap_add_input_filter_handle(trailer_filter, NULL, r, r->connection);
    }
    insert_response_filter(r);
}

void jm_filter_register_hooks(apr_pool_t *p)
{
    (void)p;
    trailer_filter = ap_register_input_filter("JWTMAP_TRAILERS",
                                              filter_trailers, NULL,
                                              AP_FTYPE_CONTENT_SET);
    /* before CACHE_SAVE, so that a cache sees what it may not store */
    response_filter = ap_register_output_filter("JWTMAP", filter_response,
                                                NULL,
                                                AP_FTYPE_CONTENT_SET - 2);
    ap_hook_insert_filter(insert_filter, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(insert_response_filter, NULL, NULL,
                                APR_HOOK_MIDDLE);
}
