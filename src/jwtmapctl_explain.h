/*
 * jwtmapctl_explain.h: what `jwtmapctl explain` has found out, between the
 * part that asks the core and the part that prints.
 */
#ifndef JWTMAPCTL_EXPLAIN_H
#define JWTMAPCTL_EXPLAIN_H

#include "jm_decide.h"
#include "jwtmapctl.h"

typedef struct jwtmapctl_explain_t {
    const jwtmapctl_t *ctl;
    apr_pool_t *p;
    const jm_table_t *table;
    jm_request_t request;
    apr_table_t *headers;            /* request.headers, while it is made */
    const char *token;               /* of --token, not to be shown; or NULL */
    const jm_decision_t *decision;
    const jm_route_t *const *shapes; /* routes of the path, best first */
    apr_table_t *upstream;           /* the fields that go upstream */
    const char *line;                /* the request line that goes there */
    const char *url;                 /* where an own route sends it: may begin
                                      * with unix:…| or balancer: ; NULL: the
                                      * request goes where httpd sends it */
} jwtmapctl_explain_t;

/* A path as it is to be decoded where %2f stays as it is, in p. */
jm_str_t jwtmapctl_keep_slashes(apr_pool_t *p, jm_str_t path);

/* Sets line and url of what was decided. */
void jwtmapctl_set_upstream(jwtmapctl_explain_t *x);

/* Print it to standard output. */
void jwtmapctl_explain_text(const jwtmapctl_explain_t *x);
void jwtmapctl_explain_json(const jwtmapctl_explain_t *x);

#endif
