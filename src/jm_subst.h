/*
 * jm_subst.h: $env.NAME and $secret.NAME (also $secrets.NAME) of a route
 * table. Only a whole string is one, never a part of it; what takes its
 * place is text and is not looked at again. Reads the files of the secrets
 * directory, each once a compilation.
 */
#ifndef JM_SUBST_H
#define JM_SUBST_H

#include "jm.h"
#include "jm_compile.h"
#include "jm_diag.h"
#include "jm_json.h"

/* What substitution needs; one for a compilation. */
typedef struct jm_subst_t {
    apr_pool_t *p;                /* of the results */
    jm_diags_t *diags;
    const jm_compile_env_t *env;
    apr_hash_t *known;            /* private: string as written -> its text */
} jm_subst_t;

void jm_subst_init(jm_subst_t *s, apr_pool_t *p, jm_diags_t *diags,
                   const jm_compile_env_t *env);

typedef enum jm_subst_e {
    JM_SUBST_ERROR = 0,           /* reported at the node */
    JM_SUBST_OK,
    JM_SUBST_PLACEHOLDER          /* unset, and env->placeholders: a warning;
                                   * the text is the one of the node */
} jm_subst_e;

/* The text of a STRING node: its own, or what it stands for, in s->p.
 * octets: 1 for a key, which may be any octets; 0: substituted text that is
 * not UTF-8 is an error. A name is letters, digits and `_`, in a secret's
 * also `-` and `.`, but not `.` or `..`. Messages show names, never texts. */
jm_subst_e jm_subst_text(jm_str_t *pout, const jm_subst_t *s,
                         const jm_json_t *node, int octets);

/* A deep copy of node in p, its strings replaced (resolve 1) or as they are
 * (resolve 0). Offsets stay, and the copy's parent is that of node, so that
 * diagnostics find their place; the caller sets it to NULL before node's
 * tree goes. What could not be replaced was reported and stands as it was
 * written. Recursion is bounded by JM_JSON_DEPTH_MAX. */
jm_json_t *jm_subst_copy(const jm_subst_t *s, apr_pool_t *p,
                         const jm_json_t *node, int resolve);

#endif
