/*
 * jwtmapctl.h: what the verbs of the command line share: options, exit
 * statuses, input, and output that no terminal obeys. The verbs call the
 * core just as the module does; none of them needs httpd.
 *
 * Nothing that came from a token, a table or an operand goes to a terminal
 * as it is: text through jwtmapctl_safe, JSON through jwtmapctl_json. The
 * value of an option is never part of a message: it may be a secret.
 */
#ifndef JWTMAPCTL_H
#define JWTMAPCTL_H

#include <apr_file_info.h>

#include "jm.h"
#include "jm_compile.h"
#include "jm_diag.h"
#include "jm_json.h"

typedef enum jwtmapctl_exit_e {
    JWTMAPCTL_OK = 0,
    JWTMAPCTL_NO = 1,          /* the table, token or request does not hold */
    JWTMAPCTL_USAGE = 2        /* usage, or a file that cannot be read */
} jwtmapctl_exit_e;

/* Options without a letter. Those with one have it as their code. */
typedef enum jwtmapctl_code_e {
    JWTMAPCTL_OPT_JSON = 256,
    JWTMAPCTL_OPT_SECRETS_DIR,
    JWTMAPCTL_OPT_PLACEHOLDERS,
    JWTMAPCTL_OPT_AUTHORIZER,
    JWTMAPCTL_OPT_NOW,
    JWTMAPCTL_OPT_SIGNATURE_ONLY,
    JWTMAPCTL_OPT_TOKEN,
    JWTMAPCTL_OPT_ALG,
    JWTMAPCTL_OPT_KEY,
    JWTMAPCTL_OPT_SECRET_FILE,
    JWTMAPCTL_OPT_SECRET,
    JWTMAPCTL_OPT_NEW_KEY,
    JWTMAPCTL_OPT_BITS,
    JWTMAPCTL_OPT_PUBLIC_OUT,
    JWTMAPCTL_OPT_JWKS_OUT,
    JWTMAPCTL_OPT_FORCE,
    JWTMAPCTL_OPT_KID,
    JWTMAPCTL_OPT_TYP,
    JWTMAPCTL_OPT_HEADER,
    JWTMAPCTL_OPT_HEADER_RAW,
    JWTMAPCTL_OPT_CLAIMS,
    JWTMAPCTL_OPT_SUB,
    JWTMAPCTL_OPT_ISS,
    JWTMAPCTL_OPT_AUD,
    JWTMAPCTL_OPT_EXP,
    JWTMAPCTL_OPT_NBF,
    JWTMAPCTL_OPT_IAT,
    JWTMAPCTL_OPT_NO_EXP,
    JWTMAPCTL_OPT_CLAIM,
    JWTMAPCTL_OPT_CLAIM_JSON,
    JWTMAPCTL_OPT_PAYLOAD_RAW
} jwtmapctl_code_e;

typedef struct jwtmapctl_option_t {
    const char *name;          /* without its dashes; NULL ends a table */
    int code;                  /* a letter, or a jwtmapctl_code_e */
    const char *arg;           /* what its argument is called; NULL: none */
    int many;                  /* 1: may stand more than once */
    const char *help;
} jwtmapctl_option_t;

typedef struct jwtmapctl_t jwtmapctl_t;

typedef struct jwtmapctl_verb_t {
    const char *name;
    const char *operands;      /* for the usage line */
    const char *summary;
    const jwtmapctl_option_t *const *options; /* tables, NULL-terminated */
    jwtmapctl_exit_e (*run)(jwtmapctl_t *ctl);
} jwtmapctl_verb_t;

/* One option as it was given. */
typedef struct jwtmapctl_given_t {
    int code;
    const char *arg;           /* "" for an option without an argument */
} jwtmapctl_given_t;

struct jwtmapctl_t {
    apr_pool_t *p;
    const jwtmapctl_verb_t *verb;
    const apr_array_header_t *given;  /* of jwtmapctl_given_t, in order */
    const char *const *operands;
    int operand_count;
};

/* --help and --json; -D and --secrets-dir. */
extern const jwtmapctl_option_t jwtmapctl_common_options[];
extern const jwtmapctl_option_t jwtmapctl_table_options[];

extern const jwtmapctl_verb_t jwtmapctl_check_verb;
extern const jwtmapctl_verb_t jwtmapctl_verify_verb;
extern const jwtmapctl_verb_t jwtmapctl_token_verb;
extern const jwtmapctl_verb_t jwtmapctl_explain_verb;

/* The (first) argument of an option, "" for one without, NULL: not given. */
const char *jwtmapctl_value(const jwtmapctl_t *ctl, int code);

/* Says what is wrong with the call, then the usage. JWTMAPCTL_USAGE. */
jwtmapctl_exit_e jwtmapctl_usage(const jwtmapctl_t *ctl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what went wrong. JWTMAPCTL_USAGE. */
jwtmapctl_exit_e jwtmapctl_fail(const jwtmapctl_t *ctl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* " (did you mean "X"?)" in p for a name of the table's authorizers and the
 * like: jm_diag_hint, safe to print. */
const char *jwtmapctl_hint(apr_pool_t *p, const char *word,
                           const char *const *words);

/* text in p, with all that is a control or bidi character or no UTF-8
 * written as \xHH. */
const char *jwtmapctl_safe(apr_pool_t *p, jm_str_t text);

/* A node as compact JSON in p, such characters as \uHHHH; NULL: "null". */
const char *jwtmapctl_json(apr_pool_t *p, const jm_json_t *node);

/* A text as a JSON string in p, with its quotes; no UTF-8 is \ufffd. */
const char *jwtmapctl_json_text(apr_pool_t *p, jm_str_t text);

/* Whole seconds, also negative ones. APR_EINVAL: anything else. */
apr_status_t jwtmapctl_seconds(apr_int64_t *pseconds, const char *text);

/* The time of --now, else the clock's. JWTMAPCTL_OK, or it has said why
 * not. */
jwtmapctl_exit_e jwtmapctl_now(apr_int64_t *pnow, const jwtmapctl_t *ctl);

/* All octets of file ("-": standard input) in ctl->p, up to max of them.
 * JWTMAPCTL_OK, or it has said why not. */
jwtmapctl_exit_e jwtmapctl_read(jm_str_t *pout, const jwtmapctl_t *ctl,
                                const char *file, apr_size_t max);

/* The argument of --token, or the standard input without its last newline
 * where that is "-". JWTMAPCTL_OK, or it has said why not. */
jwtmapctl_exit_e jwtmapctl_token(jm_str_t *ptoken, const jwtmapctl_t *ctl);

/* Reads the argument of --NAME, which must be a JSON object, into ctl->p.
 * JWTMAPCTL_OK, or it has said why not. */
jwtmapctl_exit_e jwtmapctl_object(const jm_json_t **pobject,
                                  const jwtmapctl_t *ctl, const char *name,
                                  const char *text);

/* Compiles file into p as the options say; diags is filled in (see
 * jm_compile_file, whose ptemp is p, too). JWTMAPCTL_OK: *ptable is set.
 * JWTMAPCTL_USAGE: the file as a whole cannot be read. Prints nothing. */
jwtmapctl_exit_e jwtmapctl_compile(const jm_table_t **ptable,
                                   jm_diags_t *diags, apr_pool_t *p,
                                   const jwtmapctl_t *ctl, const char *file);

/* Prints the diagnostics of at least that severity to standard error. */
void jwtmapctl_print_diags(apr_pool_t *p, const jm_diags_t *diags,
                           jm_severity_e least);

/* jwtmapctl_compile into ctl->p, with the errors printed. */
jwtmapctl_exit_e jwtmapctl_load(const jm_table_t **ptable,
                                const jwtmapctl_t *ctl, const char *file);

/* A file to create. */
typedef struct jwtmapctl_output_t {
    const char *path;
    jm_str_t text;
    apr_fileperms_t perms;     /* umask takes from them */
} jwtmapctl_output_t;

/* Creates the files, all or none. What is there already is an error; with
 * --force it is replaced if it is a file. JWTMAPCTL_OK, or it has said why
 * not. */
jwtmapctl_exit_e jwtmapctl_create(const jwtmapctl_t *ctl,
                                  const jwtmapctl_output_t *outputs,
                                  unsigned count);

/* The header of a token to mint, as the options describe it: alg and kid
 * (NULL: none) unless --header says otherwise. In ctl->p. JWTMAPCTL_OK, or
 * it has said why not. */
jwtmapctl_exit_e jwtmapctl_header(jm_str_t *pout, const jwtmapctl_t *ctl,
                                  const char *alg, const jm_str_t *kid);

/* The payload, in the same way. */
jwtmapctl_exit_e jwtmapctl_payload(jm_str_t *pout, const jwtmapctl_t *ctl);

#endif
