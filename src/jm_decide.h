/*
 * jm_decide.h: the coordinator: path rule, route, credential, verification,
 * require, values, edits. One jm_request_t goes in, one jm_decision_t comes
 * out; the module, the command line, the fuzzers and the benchmark all call
 * this one function.
 */
#ifndef JM_DECIDE_H
#define JM_DECIDE_H

#include "jm.h"
#include "jm_error.h"
#include "jm_header.h"
#include "jm_route.h"
#include "jm_table.h"
#include "jm_uri.h"
#include "jm_verify.h"

/* Nanoseconds since some time, never going back. */
typedef apr_uint64_t jm_clock_t(void);

/* What the client sent and where it is to go. All borrowed, for as long as
 * the decision is used. */
struct jm_request_t {
    const char *method;          /* of the main request: routes */
    const char *client_method;   /* as the client sent it: expressions (httpd
                                  * makes an ErrorDocument a GET); NULL: as
                                  * method */
    jm_uri_t uri;                /* of this pass */
    int merge_slashes;           /* httpd's MergeSlashes */
    jm_str_t args;               /* of this pass, to be edited; ptr NULL: no
                                  * `?` */
    jm_str_t client_args;        /* as the client sent them: expressions */
    const apr_table_t *headers;  /* as the client sent them */
    apr_int64_t now;             /* seconds since 1970 */
    jm_clock_t *clock;           /* times the verification; NULL: no need */
    int report_only;             /* JwtMapEngine ReportOnly */
    jm_cache_t *cache;           /* of verified tokens, or NULL */
    jm_refresh_t *refresh;       /* of keys that are fetched, or NULL */
    void *refresh_baton;
    const jm_token_t *shared;    /* token of an earlier pass, or NULL */
    const jm_decision_t *origin; /* decision of the request that this one came
                                  * from (subrequest, internal redirect): a
                                  * path that no route names inherits it; NULL:
                                  * the client asked for this path itself */
};

typedef enum jm_action_e {
    JM_ACTION_REFUSE = 0,        /* answer with jm_error(verdict) */
    JM_ACTION_PASS,              /* go on, with the edits */
    JM_ACTION_RESPONSE,          /* answer 200 with route->response */
    JM_ACTION_PREFLIGHT          /* answer 204 with the CORS fields */
} jm_action_e;

struct jm_decision_t {
    jm_action_e action;
    jm_verdict_e verdict;        /* JM_OK, or why it is, or under report_only
                                  * would be, refused */
    jm_verdict_e token_verdict;  /* JM_OK: verified; JM_NO_TOKEN: none, or not
                                  * looked for; else what was wrong */
    int timed;                   /* 1: a token was verified, or refused, for
                                  * this decision, which took so many */
    apr_uint64_t nanoseconds;    /* of request->clock */
    int cached;                  /* timed: 1: the cache knew the token */
    int inherited;               /* 1: route, token and edits come from
                                  * request->origin */
    const jm_route_t *route;     /* NULL: none */
    const jm_authorizer_t *authorizer; /* chosen for the token, or NULL */
    const jm_token_t *token;     /* NULL: no verified claims */
    jm_match_t match;
    jm_str_t kid;                /* of the token, verified or not: for the log,
                                  * escaped; empty: none */
    const char *detail;          /* what a refusal was about: a mapped name, a
                                  * claim name of `require`; of the table, never
                                  * of the request; or NULL */
    const jm_field_t *fields;    /* set (or, value NULL, remove) upstream,
                                  * after all reserved names were removed */
    unsigned field_count;
    jm_str_t args;               /* query to send upstream; ptr NULL: no ? */
    const jm_param_t *params;    /* the query parameters that are ours */
    unsigned param_count;
    const jm_field_t *response_fields; /* mapping.response_headers; NULL value:
                                        * remove the upstream's */
    unsigned response_count;
    const char *const *allow;    /* JM_METHOD and preflight: the methods of the
                                  * path, NULL-terminated; else NULL */
    const char *user;            /* for r->user, or NULL */
};

/* Decides. The decision is in p and borrows from request and table. Never
 * NULL and never a half-done one: what goes wrong inside is JM_INTERNAL with
 * JM_ACTION_REFUSE. */
const jm_decision_t *jm_decide(const jm_table_t *table,
                               const jm_request_t *request, apr_pool_t *p);

/* A query string as decision has it, in p: what any route maps is out, its
 * own parameters are in. decision NULL (the ErrorDocument of a refusal): out
 * only. A path that no route names, let through on purpose: untouched. */
jm_str_t jm_decision_query(const jm_table_t *table,
                           const jm_decision_t *decision, apr_pool_t *p,
                           jm_str_t query);

/* 1 if a response to this request is for one user: it has verified claims,
 * or would have had them with a (good) token. */
int jm_decision_is_personal(const jm_decision_t *decision);

#endif
