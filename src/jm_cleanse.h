/*
 * jm_cleanse.h: octets that may be a secret, and go with their pool.
 */
#ifndef JM_CLEANSE_H
#define JM_CLEANSE_H

#include "jm.h"

/* A copy in p with a NUL behind it that len does not count; cleared when p
 * is. */
jm_str_t jm_cleanse_dup(apr_pool_t *p, jm_str_t text);

/* The texts of a tree, which is owned by p, are cleared when p is. */
void jm_cleanse_tree(apr_pool_t *p, const jm_json_t *root);

#endif
