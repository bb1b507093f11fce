/*
 * jm_cors.h: CORS (Fetch standard 3.2) of the table: preflight answers and
 * the fields of other responses. Touches only the pool it was given.
 */
#ifndef JM_CORS_H
#define JM_CORS_H

#include "jm.h"
#include "jm_header.h"
#include "jm_route.h"

/* 1 if this is a preflight: OPTIONS with Origin and
 * Access-Control-Request-Method. */
int jm_cors_is_preflight(const char *method, const apr_table_t *headers);

/* Fields for a response to a request with these headers, as an array of
 * jm_field_t in p: Access-Control-* for an allowed origin, none otherwise.
 * "Vary" is not among them: the caller merges `Origin` into it whenever
 * cors is not NULL. preflight: 1 gives -Allow-Methods, -Allow-Headers and
 * -Max-Age, 0 -Expose-Headers (which the Fetch standard reads there only);
 * methods: those of the path ("GET, HEAD, POST"), used where the table does
 * not say. */
const apr_array_header_t *jm_cors_fields(const jm_cors_t *cors,
                                         apr_pool_t *p,
                                         const apr_table_t *headers,
                                         int preflight, const char *methods);

/* 1 if origin matches one of the globs: the whole origin, case-sensitive,
 * `*` stands for any octets but `/` and `:`. A lone "*" matches all, but
 * none with credentials. Octets other than visible ASCII, a comma (several
 * origins), NULL or "": 0. */
int jm_cors_allowed(const jm_cors_t *cors, const char *origin);

#endif
