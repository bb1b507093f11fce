/*
 * jwtmapctl_check.c: `jwtmapctl check FILE...`: all that is wrong with route
 * tables. Reads the tables and the files that they name; prints.
 */
#include "jwtmapctl.h"

#include <stdio.h>

#include "jm_lint.h"

static const jwtmapctl_option_t check_options[] = {
    { "placeholders", JWTMAPCTL_OPT_PLACEHOLDERS, NULL, 0,
      "an unset $env or $secret is a warning, not an error" },
    { NULL, 0, NULL, 0, NULL }
};

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

static void print_text(apr_pool_t *p, const jm_table_t *table,
                       const jm_diags_t *diags)
{
    int warnings = diags->list->nelts;
    int routes;

    jwtmapctl_print_diags(p, diags, JM_WARNING);
    if (table) {
        routes = (int)table->route_count;
        printf("%s: ok, %d route%s, %d warning%s\n",
               jwtmapctl_safe(p, jm_str(diags->file)), routes,
               plural(routes), warnings, plural(warnings));
    }
}

/* Adds to the array that run() has opened; *pany: something is in it. */
static void print_json(apr_pool_t *p, const jm_diags_t *diags, int *pany)
{
    int i;

    for (i = 0; i < diags->list->nelts; i++) {
        const jm_diag_t *diag = &APR_ARRAY_IDX(diags->list, i, jm_diag_t);

        printf("%s\n{\"file\":%s,\"line\":%u,\"col\":%u,\"pointer\":%s,"
               "\"severity\":\"%s\",\"message\":%s}",
               *pany ? "," : "", jwtmapctl_json_text(p, jm_str(diags->file)),
               diag->line, diag->col,
               jwtmapctl_json_text(p, jm_str(diag->pointer)),
               diag->severity == JM_ERROR ? "error" : "warning",
               jwtmapctl_json_text(p, jm_str(diag->message)));
        *pany = 1;
    }
}

static jwtmapctl_exit_e run(jwtmapctl_t *ctl)
{
    int json = jwtmapctl_value(ctl, JWTMAPCTL_OPT_JSON) != NULL;
    jwtmapctl_exit_e worst = JWTMAPCTL_OK;
    int any = 0;
    int i;

    if (ctl->operand_count == 0) {
        return jwtmapctl_usage(ctl, "no FILE to check");
    }
    fputs(json ? "[" : "", stdout);
    for (i = 0; i < ctl->operand_count; i++) {
        const jm_table_t *table;
        jm_diags_t diags;
        apr_pool_t *p;
        jwtmapctl_exit_e one;

        apr_pool_create(&p, ctl->p);
        one = jwtmapctl_compile(&table, &diags, p, ctl, ctl->operands[i]);
        if (one == JWTMAPCTL_OK
            && jm_lint(&diags, table, p) != APR_SUCCESS) {
            return jwtmapctl_fail(ctl, "out of memory");
        }
        if (json) {
            print_json(p, &diags, &any);
        }
        else {
            print_text(p, table, &diags);
        }
        worst = one > worst ? one : worst;
        apr_pool_destroy(p);
    }
    fputs(json ? any ? "\n]\n" : "]\n" : "", stdout);
    return worst;
}

static const jwtmapctl_option_t *const options[] = {
    check_options, jwtmapctl_table_options, jwtmapctl_common_options, NULL
};

const jwtmapctl_verb_t jwtmapctl_check_verb = {
    "check", "FILE...", "says all that is wrong with route tables", options,
    run
};
