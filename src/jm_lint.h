/*
 * jm_lint.h: advice on a route table that compiles: routes that never
 * answer, protected paths that a public wildcard reaches, methods that are
 * refused, names that pass, wildcards as others write them. Nothing here is an
 * error: each may be meant. Touches the diagnostics and pools only.
 */
#ifndef JM_LINT_H
#define JM_LINT_H

#include "jm.h"
#include "jm_diag.h"
#include "jm_json.h"
#include "jm_table.h"

/* Adds warnings about table to diags, in which it was compiled without an
 * error and whose source is still there. Everything else lives in ptemp. The
 * work is linear in the routes (but for JM_ROUTE_BEATEN_NODES and the depth
 * of the paths). APR_SUCCESS, or APR_ENOMEM. */
apr_status_t jm_lint(jm_diags_t *diags, const jm_table_t *table,
                     apr_pool_t *ptemp);

/* Warns at the method of route, whose place in the file is node, if other
 * methods of its path are answered 405 because the route that has them asks
 * for less. */
void jm_lint_methods(jm_diags_t *diags, const jm_json_t *node,
                     const jm_router_t *router, const jm_route_t *route,
                     apr_pool_t *ptemp);

#endif
