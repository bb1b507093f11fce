/*
 * jm_member.h: typed access to the members of an object of the route table.
 * Each function reports at the right place what is wrong; absent and wrong
 * type are different results. Touches the diagnostics and pools only.
 */
#ifndef JM_MEMBER_H
#define JM_MEMBER_H

#include "jm.h"
#include "jm_json.h"
#include "jm_subst.h"

typedef enum jm_member_e {
    JM_MEMBER_WRONG = 0,          /* reported */
    JM_MEMBER_ABSENT,
    JM_MEMBER_OK,
    JM_MEMBER_UNKNOWN             /* an unset $env or $secret that placeholders
                                   * let pass: the value is not to be judged */
} jm_member_e;

/* 1 if name is free for comments: x-…, description, summary, tags. */
int jm_member_is_comment(jm_str_t name);

/* Reports each member of object that is neither in the NULL-terminated list
 * nor a comment. */
void jm_member_check(const jm_subst_t *s, const jm_json_t *object,
                     const char *const *names);

/* The member, whatever its type; NULL: absent. */
const jm_json_t *jm_member_find(const jm_json_t *object, const char *name);

/* Reports that node is not what it must be ("a string"). */
void jm_member_wrong(const jm_subst_t *s, const jm_json_t *node,
                     const char *what);

/* The member if it has the type. */
jm_member_e jm_member_typed(const jm_json_t **pnode, const jm_subst_t *s,
                            const jm_json_t *object, const char *name,
                            jm_json_e type);

/* A node that must be a non-empty string without NUL, $env and $secret
 * replaced; *pout in s->p or borrowed from the tree, with a NUL behind it. */
jm_member_e jm_member_text(jm_str_t *pout, const jm_subst_t *s,
                           const jm_json_t *node);

/* jm_member_text for a member; *pnode, if asked for, is its node. */
jm_member_e jm_member_string(jm_str_t *pout, const jm_json_t **pnode,
                             const jm_subst_t *s, const jm_json_t *object,
                             const char *name);

/* One entry of a list of strings. */
typedef struct jm_item_t {
    jm_str_t text;
    const jm_json_t *node;
    int unknown;                  /* as JM_MEMBER_UNKNOWN */
} jm_item_t;

/* A member that is an array of non-empty strings, at least one if not
 * may_be_empty; or, if lone is set, one string. *pitems in s->p holds those
 * that are right. JM_MEMBER_OK or _WRONG as soon as the member is there. */
jm_member_e jm_member_items(const jm_item_t **pitems, unsigned *pcount,
                            const jm_subst_t *s, const jm_json_t *object,
                            const char *name, int lone, int may_be_empty);

/* *pout stays as it is unless JM_MEMBER_OK. */
jm_member_e jm_member_bool(int *pout, const jm_subst_t *s,
                           const jm_json_t *object, const char *name);

/* 1 if node is a whole number (1.0 and 1e1 are), which *pout is then; scratch
 * memory from p. */
int jm_member_is_whole(apr_int64_t *pout, apr_pool_t *p,
                       const jm_json_t *node);

/* A whole number from min to max; *pout stays as it is
 * unless JM_MEMBER_OK. */
jm_member_e jm_member_int(apr_int64_t *pout, const jm_subst_t *s,
                          const jm_json_t *object, const char *name,
                          apr_int64_t min, apr_int64_t max);

#endif
