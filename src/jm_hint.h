/*
 * jm_hint.h: what to write instead, for those who write a route table as they
 * know it from another gateway, or with a value of the wrong type. Touches
 * nothing but the pool that it is given.
 */
#ifndef JM_HINT_H
#define JM_HINT_H

#include "jm.h"
#include "jm_json.h"

/* What to do about a member that is none of names (NULL-terminated): behind a
 * message, with what joins the two. Never empty. */
const char *jm_hint_member(apr_pool_t *p, const char *name,
                           const char *const *names);

/* What to write where node has the wrong type: with ": " before it, or "". */
const char *jm_hint_value(apr_pool_t *p, const jm_json_t *node, jm_json_e want);

#endif
