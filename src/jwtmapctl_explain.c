/*
 * jwtmapctl_explain.c: `jwtmapctl explain FILE METHOD TARGET`: runs the
 * module's own decision over a request that the command line describes, and
 * shows it. Credentials are not shown. Reads the table and the files that it
 * names; prints.
 */
#include "jwtmapctl_explain.h"

/* Stands for a token that --claims takes the place of. */
#define CLAIMS_TOKEN "claims"

static const jwtmapctl_option_t explain_options[] = {
    { "field", 'H', "NAME: VALUE", 1, "a header field of the request" },
    { "token", JWTMAPCTL_OPT_TOKEN, "TOKEN", 0,
      "a token where the route looks for one; - reads standard input" },
    { "claims", JWTMAPCTL_OPT_CLAIMS, "JSON", 0,
      "these claims, as if a token with them had been verified" },
    { "now", JWTMAPCTL_OPT_NOW, "SECONDS", 0,
      "the time, in seconds since 1970, instead of the clock's" },
    { "placeholders", JWTMAPCTL_OPT_PLACEHOLDERS, NULL, 0,
      "an unset $env or $secret is no error" },
    { NULL, 0, NULL, 0, NULL }
};

/* --- the request --- */

static jwtmapctl_exit_e add_field(jwtmapctl_explain_t *x, const char *line)
{
    const char *colon = strchr(line, ':');
    const char *name;
    const char *value;
    apr_size_t len;

    if (!colon) {
        return jwtmapctl_usage(x->ctl, "-H takes 'NAME: VALUE'");
    }
    name = apr_pstrmemdup(x->p, line, (apr_size_t)(colon - line));
    if (jm_header_kind(jm_str(name)) == JM_HEADER_SYNTAX) {
        return jwtmapctl_usage(x->ctl, "the name of a -H is not a token");
    }
    value = colon + 1 + strspn(colon + 1, " \t");
    len = strlen(value);
    while (len > 0 && strchr(" \t", value[len - 1])) {
        len--;
    }
    if (strcspn(value, "\r\n") < len) {
        return jwtmapctl_usage(x->ctl, "-H takes one field");
    }
    /* Two lines of a name arrive joined. */
    apr_table_mergen(x->headers, name, apr_pstrmemdup(x->p, value, len));
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e add_fields(jwtmapctl_explain_t *x)
{
    const apr_array_header_t *given = x->ctl->given;
    jwtmapctl_exit_e rv = JWTMAPCTL_OK;
    int i;

    x->headers = apr_table_make(x->p, 16);
    x->request.headers = x->headers;
    for (i = 0; i < given->nelts && rv == JWTMAPCTL_OK; i++) {
        const jwtmapctl_given_t *one = &APR_ARRAY_IDX(given, i,
                                                      jwtmapctl_given_t);

        rv = one->code == 'H' ? add_field(x, one->arg) : JWTMAPCTL_OK;
    }
    return rv;
}

/* httpd leaves %2f as it is (AllowEncodedSlashes NoDecode) or refuses it
 * before us: so it is kept here, decoding what stands for it. */
jm_str_t jwtmapctl_keep_slashes(apr_pool_t *p, jm_str_t path)
{
    char *out = apr_palloc(p, path.len * 5 / 3 + 1);
    apr_size_t len = 0;
    apr_size_t i;

    for (i = 0; i < path.len; i++) {
        out[len++] = path.ptr[i];
        if (path.len - i > 2 && path.ptr[i] == '%' && path.ptr[i + 1] == '2'
            && (path.ptr[i + 2] | 0x20) == 'f') {
            out[len++] = '2';
            out[len++] = '5';
        }
    }
    return jm_strn(out, len);
}

/* The target as httpd reads it: cut at `?`, normalised, decoded once. */
static jwtmapctl_exit_e set_target(jwtmapctl_explain_t *x, const char *target)
{
    apr_size_t len = strcspn(target, "?");
    jm_str_t path;
    int broken = 0;

    if (*target != '/' || strchr(target, '#')) {
        return jwtmapctl_usage(x->ctl, "TARGET is /PATH or /PATH?QUERY");
    }
    path = jm_uri_normalize(x->p, jm_strn(target, len), 1, 1);
    path = jm_uri_decode(x->p, jwtmapctl_keep_slashes(x->p, path), &broken);
    if (broken) {
        return jwtmapctl_fail(x->ctl, "TARGET has a %% without two hex digits:"
                              " httpd answers 400 by itself");
    }
    x->request.uri.path = path;
    if (target[len]) {
        x->request.args = jm_str(target + len + 1);
        x->request.client_args = x->request.args;
    }
    return JWTMAPCTL_OK;
}

/* Puts a token where the authorizer (NULL: none) looks for one. */
static void add_credential(jwtmapctl_explain_t *x,
                           const jm_authorizer_t *authorizer, const char *text)
{
    const jm_source_t *source = authorizer && authorizer->header_count
                                ? authorizer->headers : NULL;
    const char *name = source ? source->header : "Authorization";
    const char *before = "Bearer ";

    if (source && !source->bearer) {
        before = apr_pstrmemdup(x->p, source->prefix.ptr, source->prefix.len);
    }
    else if (authorizer && !source && authorizer->cookie_count) {
        name = "Cookie";
        before = apr_pstrcat(x->p, authorizer->cookies[0], "=", NULL);
    }
    apr_table_mergen(x->headers, name, apr_pstrcat(x->p, before, text, NULL));
}

/* The authorizer of the route that the claims' iss selects, or its first. */
static const jm_authorizer_t *authorizer_for(const jm_route_t *route,
                                             const jm_json_t *claims)
{
    const jm_json_t *iss = jm_json_get(claims, jm_str("iss"));
    const jm_authorizer_t *chosen = NULL;

    if (!route || !route->authorizer_count) {
        return NULL;
    }
    if (route->issuers && iss && iss->type == JM_JSON_STRING) {
        chosen = apr_hash_get(route->issuers, iss->text.ptr,
                              (apr_ssize_t)iss->text.len);
    }
    return chosen ? chosen : route->authorizers[0];
}

/* jm_decide takes the claims as those of a token that an earlier pass
 * verified. */
static jwtmapctl_exit_e set_claims(jwtmapctl_explain_t *x,
                                   const jm_route_t *route, const char *text)
{
    jm_token_t *token = apr_pcalloc(x->p, sizeof(*token));
    jwtmapctl_exit_e rv = jwtmapctl_object(&token->claims, x->ctl, "claims",
                                           text);

    if (rv != JWTMAPCTL_OK) {
        return rv;
    }
    token->authorizer = authorizer_for(route, token->claims);
    if (!token->authorizer) {
        return JWTMAPCTL_OK;
    }
    add_credential(x, token->authorizer, CLAIMS_TOKEN);
    /* A second credential, by -H, is left for jm_decide to refuse. */
    if (jm_credential_find(&token->credential, x->p, x->headers,
                           route->searched, route->searched_count)
        == JM_OK
        && jm_credential_blame(&token->credential, JM_OK) == JM_OK) {
        x->request.shared = token;
    }
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e set_token(jwtmapctl_explain_t *x)
{
    const char *claims = jwtmapctl_value(x->ctl, JWTMAPCTL_OPT_CLAIMS);
    jwtmapctl_exit_e rv;
    jm_match_t match;
    jm_str_t token;

    if (jm_router_match(&match, x->p, x->table->router, x->request.uri.path,
                        x->request.method) != APR_SUCCESS) {
        return jwtmapctl_fail(x->ctl, "out of memory");
    }
    if (claims) {
        return set_claims(x, match.route, claims);
    }
    if (!jwtmapctl_value(x->ctl, JWTMAPCTL_OPT_TOKEN)) {
        return JWTMAPCTL_OK;
    }
    rv = jwtmapctl_token(&token, x->ctl);
    if (rv == JWTMAPCTL_OK && memchr(token.ptr, '\0', token.len)) {
        return jwtmapctl_fail(x->ctl, "the token holds a NUL, which no "
                              "header field does");
    }
    if (rv == JWTMAPCTL_OK) {
        x->token = jm_str_dup(x->p, token).ptr;
        add_credential(x, authorizer_for(match.route, NULL), x->token);
    }
    return rv;
}

/* --- the run --- */

static jwtmapctl_exit_e check_call(const jwtmapctl_t *ctl)
{
    if (ctl->operand_count != 3) {
        return jwtmapctl_usage(ctl, "FILE METHOD TARGET are needed");
    }
    if (jm_header_kind(jm_str(ctl->operands[1])) == JM_HEADER_SYNTAX) {
        return jwtmapctl_usage(ctl, "METHOD is not the name of a method");
    }
    if (jwtmapctl_value(ctl, JWTMAPCTL_OPT_TOKEN)
        && jwtmapctl_value(ctl, JWTMAPCTL_OPT_CLAIMS)) {
        return jwtmapctl_usage(ctl, "--token and --claims cannot both be");
    }
    return JWTMAPCTL_OK;
}

static void decide(jwtmapctl_explain_t *x)
{
    x->decision = jm_decide(x->table, &x->request, x->p);
    x->shapes = jm_router_all(x->p, x->table->router, x->request.uri.path);
    x->upstream = apr_table_copy(x->p, x->headers);
    jm_headers_apply(x->upstream, x->p, x->table, x->decision->fields,
                     x->decision->field_count);
    jwtmapctl_set_upstream(x);
}

static jwtmapctl_exit_e run(jwtmapctl_t *ctl)
{
    jwtmapctl_explain_t x;
    jwtmapctl_exit_e rv = check_call(ctl);

    memset(&x, 0, sizeof(x));
    x.ctl = ctl;
    x.p = ctl->p;
    if (rv != JWTMAPCTL_OK) {
        return rv;
    }
    x.request.method = ctl->operands[1];
    x.request.merge_slashes = 1;
    if ((rv = jwtmapctl_now(&x.request.now, ctl)) != JWTMAPCTL_OK
        || (rv = add_fields(&x)) != JWTMAPCTL_OK
        || (rv = set_target(&x, ctl->operands[2])) != JWTMAPCTL_OK
        || (rv = jwtmapctl_load(&x.table, ctl, ctl->operands[0]))
           != JWTMAPCTL_OK
        || (rv = set_token(&x)) != JWTMAPCTL_OK) {
        return rv;
    }
    decide(&x);
    if (jwtmapctl_value(ctl, JWTMAPCTL_OPT_JSON)) {
        jwtmapctl_explain_json(&x);
    }
    else {
        jwtmapctl_explain_text(&x);
    }
    return x.decision->action == JM_ACTION_REFUSE ? JWTMAPCTL_NO
                                                  : JWTMAPCTL_OK;
}

static const jwtmapctl_option_t *const options[] = {
    explain_options, jwtmapctl_table_options, jwtmapctl_common_options, NULL
};

const jwtmapctl_verb_t jwtmapctl_explain_verb = {
    "explain", "FILE METHOD TARGET",
    "shows what becomes of a request, and why", options, run
};
