/*
 * jm_response.h: the response headers that go to the client: nothing of one
 * user in a shared cache, no mapped value in a redirect, own locations
 * mapped back. Works on an APR table, whose new values are in p; touches
 * nothing else.
 */
#ifndef JM_RESPONSE_H
#define JM_RESPONSE_H

#include "jm.h"
#include "jm_query.h"

/* Cache-Control (RFC 9111 5.2.2) gains `private` and loses `public`,
 * `s-maxage` and a `private` that names fields only; the rest stays. */
void jm_response_private(apr_table_t *fields, apr_pool_t *p);

/* Takes out what speaks to shared caches past Cache-Control: targeted fields
 * (RFC 9213: CDN-Cache-Control and others of that ending), and
 * Surrogate-Control. */
void jm_response_untarget(apr_table_t *fields);

/* Adds name to Vary (RFC 9110 12.5.5), unless it is there or `*` is. */
void jm_response_vary(apr_table_t *fields, apr_pool_t *p, const char *name);

/* Takes the count parameters, which are ours, however they are encoded, out of
 * the URLs in Location, Content-Location, Refresh (as browsers read it, with
 * or without `url=`) and Link (RFC 8288); all other octets stay. */
void jm_response_unreflect(apr_table_t *fields, apr_pool_t *p,
                           const jm_param_t *params, unsigned count);

/* Location, Content-Location and URI: a URL that begins with back (the
 * upstream's, whole path segments) begins with front instead. */
void jm_response_map_back(apr_table_t *fields, apr_pool_t *p,
                          const char *back, const char *front);

#endif
