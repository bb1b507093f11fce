/*
 * jwtmapctl.c: the command line: verbs and options. Touches its arguments
 * and prints.
 */
#include "jwtmapctl.h"

#include <stdarg.h>
#include <stdio.h>

#include <apr_general.h>
#include <apr_getopt.h>

const jwtmapctl_option_t jwtmapctl_common_options[] = {
    { "json", JWTMAPCTL_OPT_JSON, NULL, 0, "prints the result as JSON" },
    { "help", 'h', NULL, 0, "prints this text" },
    { NULL, 0, NULL, 0, NULL }
};

const jwtmapctl_option_t jwtmapctl_table_options[] = {
    { "secrets-dir", JWTMAPCTL_OPT_SECRETS_DIR, "DIR", 0,
      "$secret.NAME is the content of DIR/NAME" },
    { "define", 'D', "NAME=VALUE", 1,
      "$env.NAME is VALUE, whatever the environment says" },
    { NULL, 0, NULL, 0, NULL }
};

static const jwtmapctl_verb_t *const verbs[] = {
    &jwtmapctl_check_verb, &jwtmapctl_verify_verb, &jwtmapctl_token_verb,
    &jwtmapctl_explain_verb, NULL
};

const char *jwtmapctl_value(const jwtmapctl_t *ctl, int code)
{
    int i;

    for (i = 0; i < ctl->given->nelts; i++) {
        const jwtmapctl_given_t *given = &APR_ARRAY_IDX(ctl->given, i,
                                                        jwtmapctl_given_t);

        if (given->code == code) {
            return given->arg;
        }
    }
    return NULL;
}

static void usage_line(FILE *to, const jwtmapctl_verb_t *verb)
{
    fprintf(to, "usage: jwtmapctl %s [OPTION]...%s%s\n", verb->name,
            *verb->operands ? " " : "", verb->operands);
}

static void say(const jwtmapctl_t *ctl, const char *fmt, va_list ap)
{
    fflush(stdout);
    fprintf(stderr, "jwtmapctl %s: %s\n", ctl->verb->name,
            jwtmapctl_safe(ctl->p, jm_str(apr_pvsprintf(ctl->p, fmt, ap))));
}

jwtmapctl_exit_e jwtmapctl_usage(const jwtmapctl_t *ctl, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(ctl, fmt, ap);
    va_end(ap);
    usage_line(stderr, ctl->verb);
    fprintf(stderr, "try: jwtmapctl %s --help\n", ctl->verb->name);
    return JWTMAPCTL_USAGE;
}

jwtmapctl_exit_e jwtmapctl_fail(const jwtmapctl_t *ctl, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(ctl, fmt, ap);
    va_end(ap);
    return JWTMAPCTL_USAGE;
}

static const jwtmapctl_option_t *option_of(const jwtmapctl_verb_t *verb,
                                           int code)
{
    const jwtmapctl_option_t *const *set;
    const jwtmapctl_option_t *option;

    for (set = verb->options; *set; set++) {
        for (option = *set; option->name; option++) {
            if (option->code == code) {
                return option;
            }
        }
    }
    return NULL;
}

static void help(const jwtmapctl_verb_t *verb)
{
    const jwtmapctl_option_t *const *set;
    const jwtmapctl_option_t *option;

    usage_line(stdout, verb);
    printf("%s\n\n", verb->summary);
    for (set = verb->options; *set; set++) {
        for (option = *set; option->name; option++) {
            char letter[] = "  ";
            char word[40];

            if (option->code < 256) {
                letter[0] = '-';
                letter[1] = (char)option->code;
            }
            apr_snprintf(word, sizeof(word), "%s --%s%s%s", letter,
                         option->name, option->arg ? " " : "",
                         option->arg ? option->arg : "");
            printf("  %-30s %s\n", word, option->help);
        }
    }
}

/* APR's table of the verb's options; *pnames are their names. */
static const apr_getopt_option_t *apr_options(apr_pool_t *p,
                                              const jwtmapctl_verb_t *verb,
                                              const char *const **pnames)
{
    apr_array_header_t *opts = apr_array_make(p, 32,
                                              sizeof(apr_getopt_option_t));
    apr_array_header_t *names = apr_array_make(p, 32, sizeof(char *));
    const jwtmapctl_option_t *const *set;
    const jwtmapctl_option_t *option;

    for (set = verb->options; *set; set++) {
        for (option = *set; option->name; option++) {
            apr_getopt_option_t *opt = apr_array_push(opts);

            opt->name = option->name;
            opt->optch = option->code;
            opt->has_arg = option->arg != NULL;
            APR_ARRAY_PUSH(names, const char *) = option->name;
        }
    }
    memset(apr_array_push(opts), 0, sizeof(apr_getopt_option_t));
    APR_ARRAY_PUSH(names, const char *) = NULL;
    *pnames = (const char *const *)names->elts;
    return (const apr_getopt_option_t *)opts->elts;
}

/* Names an option that getopt did not take: without what is behind `=`, and
 * of letters only the first: the rest may be a secret. */
static jwtmapctl_exit_e bad_option(const jwtmapctl_t *ctl, const char *word,
                                   apr_status_t rv, const char *const *names)
{
    const char *near = NULL;
    apr_size_t len = strcspn(word, "=");

    if (rv == APR_BADARG) {
        return jwtmapctl_usage(ctl, "option %s %s", apr_pstrmemdup(
                                   ctl->p, word, len),
                               word[len] ? "takes no argument"
                                         : "needs an argument");
    }
    if (word[0] == '-' && word[1] == '-') {
        word = apr_pstrmemdup(ctl->p, word, len);
        near = jm_diag_nearest(word + 2, names);
    }
    else {
        word = apr_pstrndup(ctl->p, word, 2);
    }
    if (near) {
        return jwtmapctl_usage(ctl, "unknown option %s (did you mean "
                               "\"--%s\"?)", word, near);
    }
    return jwtmapctl_usage(ctl, "unknown option %s", word);
}

/* Adds one option. A second one where one is meant would be dropped
 * silently, so it is an error. */
static jwtmapctl_exit_e take(jwtmapctl_t *ctl, apr_array_header_t *given,
                             int code, const char *arg)
{
    const jwtmapctl_option_t *option = option_of(ctl->verb, code);
    jwtmapctl_given_t *one;

    if (option && !option->many && option->arg
        && jwtmapctl_value(ctl, code)) {
        return jwtmapctl_usage(ctl, "--%s stands twice", option->name);
    }
    if (code == 'D' && (!strchr(arg, '=') || *arg == '=')) {
        return jwtmapctl_usage(ctl, "-D takes NAME=VALUE");
    }
    one = apr_array_push(given);
    one->code = code;
    one->arg = arg ? arg : "";
    return JWTMAPCTL_OK;
}

/* Reads the options; *phelp: the help is asked for. */
static jwtmapctl_exit_e parse(jwtmapctl_t *ctl, int *phelp, int argc,
                              const char *const *argv)
{
    apr_array_header_t *given = apr_array_make(ctl->p, 8,
                                               sizeof(jwtmapctl_given_t));
    const char *const *names;
    const apr_getopt_option_t *opts = apr_options(ctl->p, ctl->verb, &names);
    jwtmapctl_exit_e result = JWTMAPCTL_OK;
    apr_getopt_t *os;
    apr_status_t rv;
    const char *arg;
    int code;

    ctl->given = given;
    apr_getopt_init(&os, ctl->p, argc, argv);
    os->errfn = NULL;
    os->interleave = 1;
    while (result == JWTMAPCTL_OK
           && (rv = apr_getopt_long(os, opts, &code, &arg)) != APR_EOF) {
        if (rv != APR_SUCCESS) {
            return bad_option(ctl, os->argv[os->ind - 1], rv, names);
        }
        if (code == 'h') {
            *phelp = 1;
            return JWTMAPCTL_OK;
        }
        result = take(ctl, given, code, arg);
    }
    ctl->operands = os->argv + os->ind;
    ctl->operand_count = os->argc - os->ind;
    return result;
}

static jwtmapctl_exit_e run_verb(apr_pool_t *p, const jwtmapctl_verb_t *verb,
                                 int argc, const char *const *argv)
{
    jwtmapctl_t ctl = { p, verb, NULL, NULL, 0 };
    int wants_help = 0;
    jwtmapctl_exit_e rv = parse(&ctl, &wants_help, argc, argv);

    if (rv == JWTMAPCTL_OK && wants_help) {
        help(verb);
    }
    else if (rv == JWTMAPCTL_OK) {
        rv = verb->run(&ctl);
    }
    return rv;
}

static void general_help(FILE *to)
{
    const jwtmapctl_verb_t *const *verb;

    fputs("usage: jwtmapctl VERB [OPTION]... [OPERAND]...\n"
          "       jwtmapctl VERB --help\n"
          "       jwtmapctl --version\n\n", to);
    for (verb = verbs; *verb; verb++) {
        fprintf(to, "  %-10s %s\n", (*verb)->name, (*verb)->summary);
    }
    fputs("\nexit status: 0 it holds, 1 it does not, 2 usage or a file that "
          "cannot be read\n", to);
}

static jwtmapctl_exit_e unknown_verb(apr_pool_t *p, const char *word)
{
    const char *names[sizeof(verbs) / sizeof(*verbs)] = { NULL };
    apr_size_t i;

    for (i = 0; verbs[i]; i++) {
        names[i] = verbs[i]->name;
    }
    fprintf(stderr, "jwtmapctl: unknown verb \"%s\"%s\n",
            jwtmapctl_safe(p, jm_str(word)), jwtmapctl_hint(p, word, names));
    general_help(stderr);
    return JWTMAPCTL_USAGE;
}

static jwtmapctl_exit_e dispatch(apr_pool_t *p, int argc,
                                 const char *const *argv)
{
    const jwtmapctl_verb_t *const *verb;

    if (argc < 2) {
        general_help(stderr);
        return JWTMAPCTL_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        general_help(stdout);
        return JWTMAPCTL_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("jwtmapctl " JM_VERSION);
        return JWTMAPCTL_OK;
    }
    for (verb = verbs; *verb; verb++) {
        if (!strcmp(argv[1], (*verb)->name)) {
            return run_verb(p, *verb, argc - 1, argv + 1);
        }
    }
    return unknown_verb(p, argv[1]);
}

int main(int argc, const char *const argv[])
{
    apr_pool_t *p;
    jwtmapctl_exit_e rv;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS) {
        fputs("jwtmapctl: APR does not start\n", stderr);
        return JWTMAPCTL_USAGE;
    }
    apr_pool_create(&p, NULL);
    rv = dispatch(p, argc, argv);
    if (fflush(stdout) || ferror(stdout)) {
        fputs("jwtmapctl: standard output cannot be written\n", stderr);
        rv = JWTMAPCTL_USAGE;
    }
    apr_terminate();
    return (int)rv;
}
