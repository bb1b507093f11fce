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

    if (rv != APR_SUCCESS || !ctx || !ends_body(bb)) {
        return rv;
    }
    jm_headers_strip(f->r->trailers_in, f->r->pool, ctx->table,
                     ctx->decision ? ctx->decision->fields : NULL,
                     ctx->decision ? ctx->decision->field_count : 0);
    jm_apply_headers(f->r->headers_in, f->r->pool, ctx);
    return rv;
}

/* --- responses --- */

/* Where an own route's upstream is, as the client sees it. */
static const char *front_of(request_rec *r, const jm_route_t *route)
{
    return ap_construct_url(r->pool, route->prefix ? route->prefix : "", r);
}

static void edit_personal(request_rec *r, const jm_decision_t *d)
{
    const jm_route_t *route = d->route;
    unsigned i, j;

    r->no_cache = 1;
    jm_response_private(r->headers_out, r->pool);
    for (i = 0; route && i < route->authorizer_count; i++) {
        for (j = 0; j < route->authorizers[i]->header_count; j++) {
            jm_response_vary(r->headers_out, r->pool,
                             route->authorizers[i]->headers[j].header);
        }
    }
}

static void set_response_fields(request_rec *r, const jm_decision_t *d)
{
    unsigned i;

    for (i = 0; i < d->response_count; i++) {
        const jm_field_t *field = &d->response_fields[i];

        apr_table_unset(r->err_headers_out, field->name);
        if (field->value) {
            apr_table_setn(r->headers_out, field->name, field->value);
        }
        else {
            apr_table_unset(r->headers_out, field->name);
        }
    }
}

static void edit_response(request_rec *r, const jm_ctx_t *ctx)
{
    const jm_decision_t *d = ctx->decision;
    const char *back;

    jm_answer_cors(r, ctx);
    if (d->action == JM_ACTION_REFUSE) {
        return;
    }
    if (jm_decision_is_personal(d)) {
        edit_personal(r, d);
    }
    jm_response_unreflect(r->headers_out, r->pool, d->params, d->param_count);
    jm_response_unreflect(r->err_headers_out, r->pool, d->params,
                          d->param_count);
    back = d->route && d->route->server ? jm_proxy_back(r, d->route->server)
                                        : NULL;
    if (back) {
        jm_response_map_back(r->headers_out, r->pool, back,
                             front_of(r, d->route));
    }
    set_response_fields(r, d);
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

static void insert_filter(request_rec *r)
{
    if (jm_ctx_decided(r)) {
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
