/*
 * jm_decide.c: the coordinator. Calls the parts in order and fills in the
 * decision; parses nothing itself and touches only the pool it is given.
 */
#include "jm_decide.h"

#include "jm_allow.h"
#include "jm_cors.h"
#include "jm_json.h"

/* One run of jm_decide. */
typedef struct run_t {
    apr_pool_t *p;
    const jm_table_t *table;
    const jm_request_t *request;
    jm_decision_t *d;
    int fault;                   /* a value could not be evaluated: 500 */
} run_t;

/* --- the token --- */

/* 1 if an earlier pass verified this very credential for this route. */
static int is_shared(const run_t *run, const jm_credential_t *cred)
{
    const jm_token_t *shared = run->request->shared;
    const jm_route_t *route = run->d->route;
    unsigned i;

    if (!shared || !jm_str_eq(shared->credential.token, cred->token)
        || !jm_credential_from(cred, shared->authorizer)) {
        return 0;
    }
    for (i = 0; i < route->authorizer_count; i++) {
        if (route->authorizers[i] == shared->authorizer) {
            return 1;
        }
    }
    return 0;
}

static jm_verdict_e verify_timed(jm_verified_t *verified, run_t *run,
                                 jm_str_t text)
{
    const jm_request_t *request = run->request;
    const jm_route_t *route = run->d->route;
    jm_verify_t with = {
        { route->authorizers, route->authorizer_count, route->issuers },
        request->now, 0, request->cache, request->refresh,
        request->refresh_baton
    };
    apr_uint64_t start = request->clock ? request->clock() : 0;
    jm_verdict_e verdict = jm_verify_token(verified, run->p, text, &with);

    if (request->clock) {
        run->d->timed = 1;
        run->d->nanoseconds = request->clock() - start;
        run->d->cached = verified->cached;
    }
    return verdict;
}

static jm_verdict_e verify_credential(run_t *run, const jm_credential_t *cred)
{
    jm_verified_t verified;
    jm_token_t *kept;
    jm_verdict_e verdict;

    if (is_shared(run, cred)) {
        run->d->token = run->request->shared;
        run->d->authorizer = run->request->shared->authorizer;
        return JM_OK;
    }
    verdict = verify_timed(&verified, run, cred->token);
    run->d->authorizer = verified.authorizer;
    run->d->kid = verified.kid;
    if (verdict != JM_OK) {
        return jm_credential_blame(cred, verdict);
    }
    if (!jm_credential_from(cred, verified.authorizer)) {
        return JM_ISSUER;
    }
    kept = apr_pmemdup(run->p, verified.token, sizeof(*kept));
    kept->credential = *cred;
    run->d->token = kept;
    return JM_OK;
}

/* Sets token_verdict, token and authorizer. */
static void authenticate(run_t *run)
{
    const jm_route_t *route = run->d->route;
    jm_credential_t cred;

    run->d->token_verdict = JM_NO_TOKEN;
    if (route->auth == JM_AUTH_NONE) {
        return;
    }
    run->d->token_verdict = jm_credential_find(&cred, run->p,
                                               run->request->headers,
                                               route->searched,
                                               route->searched_count);
    if (run->d->token_verdict == JM_OK) {
        run->d->token_verdict = verify_credential(run, &cred);
    }
}

/* What the route's auth and require say of the token. */
static jm_verdict_e authorize(run_t *run)
{
    jm_decision_t *d = run->d;
    const jm_route_t *route = d->route;

    if (d->token) {
        return jm_require_check(&d->detail, route->require,
                                route->require_count, d->token->claims);
    }
    if (d->token_verdict != JM_NO_TOKEN) {
        return d->token_verdict;
    }
    return route->auth == JM_AUTH_REQUIRED || route->require_count
           ? JM_NO_TOKEN : JM_OK;
}

/* --- the values --- */

static jm_inputs_t make_inputs(const run_t *run)
{
    const jm_decision_t *d = run->d;
    jm_inputs_t inputs;
    jm_str_t *params = apr_palloc(run->p, sizeof(*params)
                                          * (d->route->param_count + 1));
    unsigned i;

    for (i = 0; i < d->route->param_count; i++) {
        params[i] = jm_uri_param(run->p, d->match.params[i]);
    }
    inputs.method = run->request->client_method
                        ? run->request->client_method : run->request->method;
    inputs.headers = run->request->headers;
    inputs.query = run->request->client_args;
    inputs.params = params;
    inputs.claims = d->token ? d->token->claims : NULL;
    inputs.jose = d->token ? d->token->jose : NULL;
    return inputs;
}

static jm_verdict_e eval_verdict(jm_eval_e eval)
{
    switch (eval) {
    case JM_EVAL_OK:
    case JM_EVAL_OMIT:
        return JM_OK;
    case JM_EVAL_REJECT:
        return JM_MISSING;
    case JM_EVAL_UNMAPPABLE:
        return JM_UNMAPPABLE;
    default:
        return JM_INTERNAL;
    }
}

/* Evaluates count mappings; values[i].ptr is NULL where the name is absent.
 * The first that may not be handed on is the verdict, and the rest is still
 * evaluated: report-only sets what can be set. */
static jm_verdict_e eval_all(run_t *run, jm_str_t *values,
                             const jm_mapping_t *mappings, unsigned count,
                             const jm_inputs_t *inputs)
{
    jm_verdict_e first = JM_OK;
    unsigned i;

    for (i = 0; i < count; i++) {
        jm_eval_e eval = jm_value_eval(&values[i], run->p, mappings[i].value,
                                       inputs);
        jm_verdict_e verdict = eval_verdict(eval);

        if (eval != JM_EVAL_OK) {
            values[i] = jm_strn(NULL, 0);
        }
        if (verdict == JM_INTERNAL) {
            run->fault = 1;
        }
        if (verdict != JM_OK && first == JM_OK) {
            first = verdict;
            run->d->detail = run->d->detail ? run->d->detail
                                            : mappings[i].name;
        }
    }
    return first;
}

static jm_str_t *new_values(const run_t *run, unsigned count)
{
    return apr_palloc(run->p, sizeof(jm_str_t) * count);
}

static jm_field_t *new_fields(const run_t *run, unsigned count)
{
    return apr_palloc(run->p, sizeof(jm_field_t) * count);
}

/* Fields for mappings, behind those that are in fields already. */
static unsigned add_fields(jm_field_t *fields, unsigned used,
                           const jm_mapping_t *mappings, unsigned count,
                           const jm_str_t *values)
{
    unsigned i;

    for (i = 0; i < count; i++, used++) {
        fields[used].name = mappings[i].name;
        fields[used].value = values[i].ptr;
        fields[used].reserved = mappings[i].reserved;
    }
    return used;
}

static jm_verdict_e map_headers(run_t *run, const jm_inputs_t *inputs)
{
    jm_decision_t *d = run->d;
    const jm_route_t *route = d->route;
    jm_str_t *values = new_values(run, route->header_count);
    /* and the credential */
    jm_field_t *fields = new_fields(run, route->header_count + 1);
    jm_verdict_e verdict = eval_all(run, values, route->headers,
                                    route->header_count, inputs);

    /* The credential goes before a mapped field of the same name comes. */
    if (d->token && !route->forward_token && !run->request->report_only) {
        fields[d->field_count++] = jm_credential_removed(
            &d->token->credential, run->p, run->request->headers);
    }
    d->field_count = add_fields(fields, d->field_count, route->headers,
                                route->header_count, values);
    d->fields = fields;
    return verdict;
}

static jm_verdict_e map_query(run_t *run, const jm_inputs_t *inputs)
{
    jm_decision_t *d = run->d;
    const jm_route_t *route = d->route;
    jm_str_t *values;
    jm_param_t *params;
    jm_verdict_e verdict;
    unsigned i;

    if (!route->query_count) {
        return JM_OK;
    }
    values = new_values(run, route->query_count);
    params = apr_palloc(run->p, sizeof(*params) * route->query_count);
    verdict = eval_all(run, values, route->query, route->query_count, inputs);
    for (i = 0; i < route->query_count; i++) {
        if (values[i].ptr) {
            params[d->param_count].name = jm_str(route->query[i].name);
            params[d->param_count++].value = values[i];
        }
    }
    d->params = params;
    return verdict;
}

static jm_verdict_e map_response(run_t *run, const jm_inputs_t *inputs)
{
    jm_decision_t *d = run->d;
    const jm_route_t *route = d->route;
    jm_str_t *values;
    jm_field_t *fields;
    jm_verdict_e verdict;

    if (!route->response_count) {
        return JM_OK;
    }
    values = new_values(run, route->response_count);
    fields = new_fields(run, route->response_count);
    verdict = eval_all(run, values, route->response_headers,
                       route->response_count, inputs);
    d->response_count = add_fields(fields, 0, route->response_headers,
                                   route->response_count, values);
    d->response_fields = fields;
    return verdict;
}

static jm_verdict_e map_values(run_t *run)
{
    jm_inputs_t inputs = make_inputs(run);
    jm_verdict_e headers = map_headers(run, &inputs);
    jm_verdict_e query = map_query(run, &inputs);
    jm_verdict_e response = map_response(run, &inputs);

    if (run->fault) {
        return JM_INTERNAL;
    }
    return headers != JM_OK ? headers : query != JM_OK ? query : response;
}

static void find_user(run_t *run)
{
    const jm_token_t *token = run->d->token;
    const jm_json_t *claim;

    if (!token) {
        return;
    }
    claim = jm_path_find(token->claims, &token->authorizer->user_claim);
    if (claim && claim->type == JM_JSON_STRING && claim->text.len
        && claim->text.len <= JM_VALUE_MAX_DEFAULT
        && jm_value_mappable(claim->text, JM_TARGET_HEADER)) {
        run->d->user = claim->text.ptr;
    }
}

/* --- the order of things --- */

/* For a request that has a route: everything after the path. */
static jm_verdict_e decide_route(run_t *run)
{
    jm_verdict_e verdict, values;

    authenticate(run);
    verdict = authorize(run);
    find_user(run);
    if (run->d->token_verdict == JM_INTERNAL || verdict == JM_INTERNAL) {
        return JM_INTERNAL;
    }
    if (run->d->route->not_implemented
        && (verdict == JM_OK || run->request->report_only)) {
        return JM_NOT_IMPLEMENTED;
    }
    if (verdict != JM_OK && !run->d->token) {
        return verdict;
    }
    values = map_values(run);
    return verdict != JM_OK && values != JM_INTERNAL ? verdict : values;
}

static jm_verdict_e refuse_method(run_t *run, const char *const *methods)
{
    run->d->allow = jm_allow_options(run->p, run->table, methods);
    return JM_METHOD;
}

/* The path: JM_OK with a route, JM_OK without one (unmatched: pass), or why
 * it is refused. */
static jm_verdict_e decide_path(run_t *run)
{
    const jm_request_t *request = run->request;
    jm_match_t *match = &run->d->match;
    jm_verdict_e verdict;

    if (jm_router_match(match, run->p, run->table->router, request->uri.path,
                        request->method) != APR_SUCCESS) {
        return JM_INTERNAL;
    }
    verdict = jm_uri_check(run->table, &request->uri, match, request->method,
                           request->merge_slashes, run->p);
    if (verdict != JM_OK) {
        return verdict;
    }
    if (match->route && jm_allow_echoes(match->route, request->method)) {
        return refuse_method(run, jm_allow_path(run->p, run->table,
                                                request->uri.path, NULL));
    }
    run->d->route = match->route;
    if (match->route) {
        return JM_OK;
    }
    if (match->shapes) {
        static const char *const none[] = { NULL };

        return refuse_method(run, match->allow ? match->allow : none);
    }
    return run->table->unmatched_pass ? JM_OK : JM_NOT_FOUND;
}

static int is_preflight(const run_t *run)
{
    return run->table->cors && run->d->match.shapes
           && !run->d->match.options_route
           && jm_cors_is_preflight(run->request->method,
                                   run->request->headers);
}

static void answer_preflight(run_t *run)
{
    const char *asked = apr_table_get(run->request->headers,
                                      "Access-Control-Request-Method");

    run->d->verdict = JM_OK;
    run->d->action = JM_ACTION_PREFLIGHT;
    run->d->allow = jm_allow_path(run->p, run->table, run->request->uri.path,
                                  asked);
}

/* Report-only lets through what it would refuse, but for our own faults and
 * what we cannot do. */
static jm_action_e choose_action(const run_t *run)
{
    const jm_decision_t *d = run->d;
    const jm_route_t *route = d->route;

    if (d->verdict == JM_INTERNAL || d->verdict == JM_NOT_IMPLEMENTED) {
        return JM_ACTION_REFUSE;
    }
    if (d->verdict != JM_OK && !run->request->report_only) {
        return JM_ACTION_REFUSE;
    }
    return route && route->response.ptr ? JM_ACTION_RESPONSE
                                        : JM_ACTION_PASS;
}

jm_str_t jm_decision_query(const jm_table_t *table,
                           const jm_decision_t *decision, apr_pool_t *p,
                           jm_str_t query)
{
    const jm_decision_t *d = decision;

    if (!d) {
        return jm_query_edit(p, query, table->reserved_query, NULL, NULL, 0);
    }
    if (!d->route && d->verdict == JM_OK) {
        return query;
    }
    return jm_query_edit(p, query, table->reserved_query,
                         d->route ? d->route->pass : NULL, d->params,
                         d->param_count);
}

static void edit_query(run_t *run)
{
    jm_decision_t *d = run->d;

    d->args = run->request->args;
    if (d->action == JM_ACTION_PASS) {
        d->args = jm_decision_query(run->table, d, run->p, d->args);
    }
}

/* The decision of the request that this one came from, on this query. */
static void inherit(run_t *run)
{
    *run->d = *run->request->origin;
    run->d->inherited = 1;
    run->d->timed = 0;
    edit_query(run);
}

static void decide(run_t *run)
{
    jm_decision_t *d = run->d;

    d->token_verdict = JM_NO_TOKEN;
    d->verdict = decide_path(run);
    if (run->request->origin && !d->match.shapes && d->verdict != JM_PATH
        && d->verdict != JM_INTERNAL) {
        inherit(run);
        return;
    }
    if (d->verdict != JM_PATH && d->verdict != JM_INTERNAL
        && is_preflight(run)) {
        answer_preflight(run);
        return;
    }
    if (d->route) {
        d->verdict = decide_route(run);
    }
    d->action = choose_action(run);
    edit_query(run);
}

const jm_decision_t *jm_decide(const jm_table_t *table,
                               const jm_request_t *request, apr_pool_t *p)
{
    run_t run = { p, table, request, NULL, 0 };

    run.d = apr_pcalloc(p, sizeof(*run.d));
    decide(&run);
    return run.d;
}

int jm_decision_is_personal(const jm_decision_t *decision)
{
    return decision->token
           || (decision->route && decision->route->auth != JM_AUTH_NONE);
}
