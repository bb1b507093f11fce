/*
 * jwtmapctl_verify.c: `jwtmapctl verify FILE --token T`: whether a token
 * holds, and which check failed. Claims are shown only of a token that
 * holds. Reads the table and the files that it names; prints.
 */
#include "jwtmapctl.h"

#include <stdio.h>

#include "jm_verify.h"

static const jwtmapctl_option_t verify_options[] = {
    { "token", JWTMAPCTL_OPT_TOKEN, "TOKEN", 0,
      "the token; - reads it from standard input" },
    { "authorizer", JWTMAPCTL_OPT_AUTHORIZER, "NAME", 0,
      "that authorizer instead of the default one" },
    { "now", JWTMAPCTL_OPT_NOW, "SECONDS", 0,
      "the time, in seconds since 1970, instead of the clock's" },
    { "signature-only", JWTMAPCTL_OPT_SIGNATURE_ONLY, NULL, 0,
      "looks at no claim: any issuer, audience and time" },
    { NULL, 0, NULL, 0, NULL }
};

/* Which key of the authorizer decides about a check. */
static const char *const hints[JM_VERDICT_COUNT] = {
    [JM_ALGORITHM] = "algorithms",
    [JM_TYP] = "typ",
    [JM_ISSUER] = "issuer",
    [JM_AUDIENCE] = "audience",
    [JM_NOT_YET] = "leeway",
    [JM_LIFETIME] = "max_lifetime",
    [JM_BOUND] = "bound_tokens",
    [JM_REVOKED] = "revoked_file",
    [JM_EXPIRED] = "leeway",
};

static const jm_authorizer_t *const *find(const jm_table_t *table,
                                          const char *name)
{
    unsigned i;

    for (i = 0; i < table->authorizer_count; i++) {
        if (!strcmp(table->authorizers[i]->name, name)) {
            return &table->authorizers[i];
        }
    }
    return NULL;
}

static const char *const *names_of(apr_pool_t *p, const jm_table_t *table)
{
    const char **names = apr_pcalloc(p, (table->authorizer_count + 1)
                                            * sizeof(*names));
    unsigned i;

    for (i = 0; i < table->authorizer_count; i++) {
        names[i] = table->authorizers[i]->name;
    }
    return names;
}

/* Without a name: the default authorizer; where there is none, all, and the
 * token's iss selects, as on a route that names several. */
static jwtmapctl_exit_e choose(jm_choice_t *choice, const jwtmapctl_t *ctl,
                               const jm_table_t *table)
{
    const char *name = jwtmapctl_value(ctl, JWTMAPCTL_OPT_AUTHORIZER);
    const jm_authorizer_t *const *one = find(table, name ? name : "default");

    if (table->authorizer_count == 0) {
        return jwtmapctl_fail(ctl, "the table has no authorizer");
    }
    if (name && !one) {
        return jwtmapctl_fail(ctl, "--authorizer names none of the table's"
                              "%s", jwtmapctl_hint(ctl->p, name,
                                                   names_of(ctl->p, table)));
    }
    choice->list = one ? one : table->authorizers;
    choice->count = one ? 1 : table->authorizer_count;
    choice->issuers = jm_choice_issuers(ctl->p, choice->list, choice->count);
    return JWTMAPCTL_OK;
}

static void print_ok(const jwtmapctl_t *ctl, const jm_verified_t *result)
{
    const jm_json_t *alg = jm_json_get(result->token->jose, jm_str("alg"));

    printf("ok: authorizer %s, alg %s",
           jwtmapctl_safe(ctl->p, jm_str(result->authorizer->name)),
           jwtmapctl_safe(ctl->p, alg ? alg->text : jm_str("")));
    if (result->kid.len) {
        printf(", kid %s", jwtmapctl_safe(ctl->p, result->kid));
    }
    putchar('\n');
}

static void print_refused(const jwtmapctl_t *ctl, jm_verdict_e verdict,
                          const jm_verified_t *result)
{
    const jm_error_t *error = jm_error(verdict);

    fprintf(stderr, "refused: %s: %s", error->name, error->log);
    if (result->authorizer && hints[verdict]) {
        fprintf(stderr, " (see \"%s\" of authorizer %s)", hints[verdict],
                jwtmapctl_safe(ctl->p, jm_str(result->authorizer->name)));
    }
    if (verdict == JM_NO_KEYS) {
        fputs(": jwtmapctl fetches none; save the set to a file and name it "
              "with \"jwks_file\"", stderr);
    }
    fputc('\n', stderr);
}

static void print_json(const jwtmapctl_t *ctl, jm_verdict_e verdict,
                       const jm_verified_t *result)
{
    const jm_error_t *error = jm_error(verdict);
    apr_pool_t *p = ctl->p;

    printf("{\"ok\":%s,\"verdict\":\"%s\",\"message\":\"%s\","
           "\"authorizer\":%s,\"kid\":%s",
           result->token ? "true" : "false", error->name, error->log,
           result->authorizer
               ? jwtmapctl_json_text(p, jm_str(result->authorizer->name))
               : "null",
           result->kid.len ? jwtmapctl_json_text(p, result->kid) : "null");
    if (result->token) {
        printf(",\"header\":%s,\"claims\":%s",
               jwtmapctl_json(p, result->token->jose),
               jwtmapctl_json(p, result->token->claims));
    }
    fputs("}\n", stdout);
}

static jwtmapctl_exit_e verify(const jwtmapctl_t *ctl,
                               const jm_choice_t *choice, jm_str_t token,
                               apr_int64_t now)
{
    jm_verify_t with = {
        .choice = *choice, .now = now,
        .signature_only = jwtmapctl_value(ctl, JWTMAPCTL_OPT_SIGNATURE_ONLY)
                          != NULL
    };
    jm_verified_t result;
    jm_verdict_e verdict = jm_verify_token(&result, ctl->p, token, &with);

    if (jwtmapctl_value(ctl, JWTMAPCTL_OPT_JSON)) {
        print_json(ctl, verdict, &result);
    }
    else if (result.token) {
        print_ok(ctl, &result);
    }
    else {
        print_refused(ctl, verdict, &result);
    }
    return result.token ? JWTMAPCTL_OK : JWTMAPCTL_NO;
}

static jwtmapctl_exit_e run(jwtmapctl_t *ctl)
{
    const jm_table_t *table;
    jm_choice_t choice = { NULL, 0, NULL };
    jm_str_t token;
    apr_int64_t now;
    jwtmapctl_exit_e rv;

    if (ctl->operand_count != 1) {
        return jwtmapctl_usage(ctl, "exactly one FILE is needed");
    }
    if (!jwtmapctl_value(ctl, JWTMAPCTL_OPT_TOKEN)) {
        return jwtmapctl_usage(ctl, "--token is needed");
    }
    if ((rv = jwtmapctl_now(&now, ctl)) != JWTMAPCTL_OK
        || (rv = jwtmapctl_load(&table, ctl, ctl->operands[0]))
           != JWTMAPCTL_OK
        || (rv = choose(&choice, ctl, table)) != JWTMAPCTL_OK
        || (rv = jwtmapctl_token(&token, ctl)) != JWTMAPCTL_OK) {
        return rv;
    }
    return verify(ctl, &choice, token, now);
}

static const jwtmapctl_option_t *const options[] = {
    verify_options, jwtmapctl_table_options, jwtmapctl_common_options, NULL
};

const jwtmapctl_verb_t jwtmapctl_verify_verb = {
    "verify", "FILE --token TOKEN", "verifies a token as a route would",
    options, run
};
