/*
 * jm_expr_part.h: what the three files behind jm_expr.h share: the parts of
 * a compiled value. jm_expr_parse.c makes them from a string, jm_expr.c
 * settles what is constant at load, jm_expr_eval.c runs them. Internal.
 */
#ifndef JM_EXPR_PART_H
#define JM_EXPR_PART_H

#include "jm_expr.h"
#include "jm_json.h"

typedef enum jm_part_e {
    JM_PART_TEXT,                /* constant: text is the octets */
    JM_PART_NOTHING,             /* always missing */
    JM_PART_CONFIG,              /* while compiling: node is the value */
    JM_PART_CLAIM,               /* path below the claims */
    JM_PART_JOSE,                /* text is a member of the JOSE header */
    JM_PART_HEADER,              /* text is a token, NUL behind it */
    JM_PART_QUERY,               /* text is the decoded name */
    JM_PART_PATH,                /* index into the route's {names} */
    JM_PART_COOKIE,              /* text is the name */
    JM_PART_METHOD,
    JM_PART_COUNT
} jm_part_e;

/* Owned by the value's pool, immutable once compiled. */
typedef struct jm_part_t {
    jm_part_e kind;
    jm_str_t text;
    jm_path_t path;
    unsigned index;
    const jm_json_t *node;
    const char *written;         /* CLAIM: the path as written; NUL behind it */
} jm_part_t;

typedef enum jm_format_e {
    JM_FORMAT_TEXT,
    JM_FORMAT_JSON,
    JM_FORMAT_CSV,
    JM_FORMAT_SPACE,
    JM_FORMAT_PERCENT,
    JM_FORMAT_COUNT
} jm_format_e;

typedef enum jm_missing_e {
    JM_MISSING_OMIT,
    JM_MISSING_EMPTY,
    JM_MISSING_REJECT,
    JM_MISSING_DEFAULT
} jm_missing_e;

struct jm_value_t {
    const jm_part_t *parts;
    unsigned count;              /* at least 1 */
    int is_literal;              /* written without any expression */
    jm_target_e target;
    jm_format_e format;
    jm_missing_e on_missing;
    jm_str_t fallback;           /* JM_MISSING_DEFAULT */
    apr_size_t max_bytes;
};

/* Reads node, a string, into *pparts (of jm_part_t, in p, at least one; its
 * strings are copies). JM_PART_TEXT is a literal here, `$$` undone, and never
 * two in a row. APR_EINVAL: an error was reported. */
apr_status_t jm_expr_parse(apr_array_header_t **pparts, apr_pool_t *p,
                           const jm_json_t *node, const jm_names_t *names,
                           jm_diags_t *diags);

/* Text of a value that is not missing, by format, in p or borrowed from
 * node. APR_EINVAL: it has none (an object as csv, say). */
apr_status_t jm_expr_format(jm_str_t *pout, apr_pool_t *p,
                            const jm_json_t *node, jm_format_e format);

/* Why text may not stand in target, for a message; NULL: it may. plain: it is
 * known to be visible ASCII and spaces. */
const char *jm_expr_unmappable(jm_str_t text, int plain, jm_target_e target);

#endif
