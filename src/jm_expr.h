/*
 * jm_expr.h: mapped values. The language of `mapping` is parsed at load into
 * a flat list of parts; a request runs that list over what the client sent
 * and the verified claims. Nothing that is read is ever expanded again.
 */
#ifndef JM_EXPR_H
#define JM_EXPR_H

#include "jm.h"
#include "jm_diag.h"
#include "jm_path.h"

typedef enum jm_target_e {
    JM_TARGET_HEADER,            /* request or response header */
    JM_TARGET_QUERY              /* query parameter, encoded by jm_query */
} jm_target_e;

/* What a value may name, while it is compiled. */
typedef struct jm_names_t {
    const jm_str_t *params;      /* the route's {names}, param_count of them */
    unsigned param_count;
    const jm_json_t *route_vars; /* `variables` of the route, or NULL; */
    const jm_json_t *table_vars; /* of the table, or NULL: both with $env and
                                  * $secret resolved and living in p */
} jm_names_t;

/* What a request offers, while a value is evaluated. All borrowed. */
typedef struct jm_inputs_t {
    const char *method;          /* as the client sent it */
    const apr_table_t *headers;  /* as the client sent them */
    jm_str_t query;              /* as the client sent it, no `?` */
    const jm_str_t *params;      /* values of the route's {names} */
    const jm_json_t *claims;     /* NULL: not verified, all claims missing */
    const jm_json_t *jose;       /* JOSE header of the verified token or NULL */
} jm_inputs_t;

/* Compiles a string, or an object with from, default, on_missing, format,
 * max_bytes (docs/reference.md, "Values"), into p. APR_EINVAL, *pvalue NULL:
 * wrong, with at least one error in diags. $config is resolved here: a name
 * that is nowhere is a warning, and missing. What is constant (a literal,
 * $config, default) is checked here for what would make it unmappable. node's
 * strings are copied. */
apr_status_t jm_value_compile(const jm_value_t **pvalue, apr_pool_t *p,
                              const jm_json_t *node, jm_target_e target,
                              const jm_names_t *names, jm_diags_t *diags);

typedef enum jm_eval_e {
    JM_EVAL_FAULT = 0,           /* our own: answer 500 */
    JM_EVAL_OK,
    JM_EVAL_OMIT,                /* missing: the name is absent upstream */
    JM_EVAL_REJECT,              /* missing, and on_missing says reject */
    JM_EVAL_UNMAPPABLE
} jm_eval_e;

/* Evaluates. *pout (a copy in p, NUL behind it) is set with JM_EVAL_OK only.
 * A part that is missing makes the whole missing, even beside one that is
 * unmappable. */
jm_eval_e jm_value_eval(jm_str_t *pout, apr_pool_t *p,
                        const jm_value_t *value, const jm_inputs_t *inputs);

/* 1 if the value reads $request.jwt or $request.jwt_header. */
int jm_value_reads_claims(const jm_value_t *value);

/* 1 if the value was written as a literal without any expression. */
int jm_value_is_literal(const jm_value_t *value);

/* Calls fn for each claim path that the value reads from $request.jwt: the
 * paths whose values become notes. text is the path as written, in the
 * table's pool. */
void jm_value_claims(const jm_value_t *value,
                     void (*fn)(void *baton, const char *text,
                                const jm_path_t *path),
                     void *baton);

/* Text of a JSON value as `format: text` has it: strings verbatim, numbers
 * as their source digits, arrays and objects compact. NULL-type: empty. */
jm_str_t jm_value_text(apr_pool_t *p, const jm_json_t *node);

/* 1 if text may stand in a field (no octet < 0x20 or 0x7F, valid UTF-8, and
 * for a header no blank at either end). */
int jm_value_mappable(jm_str_t text, jm_target_e target);

#endif
