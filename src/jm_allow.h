/*
 * jm_allow.h: the methods that a path has: what Allow (RFC 9110 10.2.1) and
 * the answer to a preflight say. Lists are in p, NULL-terminated, each method
 * once; their strings are borrowed. Touches only the pool it was given.
 */
#ifndef JM_ALLOW_H
#define JM_ALLOW_H

#include "jm.h"
#include "jm_table.h"

/* 1 for TRACE on a route that maps: it echoes the request as the upstream was
 * sent it (RFC 9110 9.3.8), and what is mapped must not come back to the
 * client. */
int jm_allow_echoes(const jm_route_t *route, const char *method);

/* Methods of the path in any shape that a route answers, HEAD beside GET,
 * without those that echo. ANY stands for GET, HEAD, POST and, if not NULL,
 * the one that was asked for. */
const char *const *jm_allow_path(apr_pool_t *p, const jm_table_t *table,
                                 jm_str_t path, const char *asked);

/* methods, and OPTIONS where the table answers preflights. */
const char *const *jm_allow_options(apr_pool_t *p, const jm_table_t *table,
                                    const char *const *methods);

#endif
