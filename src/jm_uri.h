/*
 * jm_uri.h: the path rule: which spellings of a path are refused, because
 * another server might read another path in them. Touches only the pool it
 * was given.
 */
#ifndef JM_URI_H
#define JM_URI_H

#include "jm.h"
#include "jm_error.h"
#include "jm_route.h"

typedef struct jm_uri_t {
    jm_str_t path;           /* normalised, decoded exactly once */
    jm_str_t raw;            /* the path as the client sent it where that is
                              * what goes upstream (nocanon), else empty */
} jm_uri_t;

/* Applies the rule to a path for which match is the router's answer.
 * JM_OK, or JM_PATH:
 * - raw is not its own normalised form (dot segments, `//` merged only if
 *   merge_slashes, encoded unreserved octets), or holds %2f %5c %25 %00;
 * - control characters, NUL, `\`, residual %2e %25 %00 (either case);
 * - residual %2f %5c unless the route has strict_path 0;
 * - the path with every `;…` cut from its segments, dot segments then
 *   removed, selects another route (none counts as one) for method, unless
 *   the route has strict_path 0.
 * Under table->unmatched_pass a path without a route is refused only if
 * another spelling has one: `;…` cut, decoded once more, `\` as `/`, in any
 * combination, dot segments then removed. JM_INTERNAL: out of memory. */
jm_verdict_e jm_uri_check(const jm_table_t *table, const jm_uri_t *uri,
                          const jm_match_t *match, const char *method,
                          int merge_slashes, apr_pool_t *p);

/* Removes dot segments (RFC 3986 5.2.4; never above the root) and, if asked,
 * merges slashes; decodes encoded unreserved octets first if asked. In p. */
jm_str_t jm_uri_normalize(apr_pool_t *p, jm_str_t path, int merge_slashes,
                          int decode_unreserved);

/* Decodes %XX once in p; *pbroken is 1 if a `%` had no two hex digits behind
 * it (it stays as it is). */
jm_str_t jm_uri_decode(apr_pool_t *p, jm_str_t path, int *pbroken);

/* A path parameter as $request.path.NAME shows it: the residual %2f and %5c
 * of an AllowEncodedSlashes NoDecode path decoded, nothing else. */
jm_str_t jm_uri_param(apr_pool_t *p, jm_str_t segment);

/* Where an own route sends a request for path, whose match it is: base (the
 * URL of its server) and what follows, with one slash between them. No part
 * of it is encoded. In p. */
const char *jm_uri_upstream(apr_pool_t *p, const jm_match_t *match,
                            const char *base, const char *path);

/* Percent-encodes a decoded path for an upstream URL: unreserved,
 * sub-delims, `:` `@` `/` raw, and an existing %2f or %5c kept as it is if
 * keep_encoded_slashes; all else %XX (upper case). In p. */
const char *jm_uri_escape(apr_pool_t *p, jm_str_t path,
                          int keep_encoded_slashes);

#endif
