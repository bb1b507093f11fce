/*
 * jm_choice.h: the authorizers that a token may be verified with, and which
 * of them it is for. Touches nothing.
 */
#ifndef JM_CHOICE_H
#define JM_CHOICE_H

#include "jm.h"
#include "jm_table.h"

/* One authorizer, or several that are told apart by their issuers. Borrowed
 * from a table. */
typedef struct jm_choice_t {
    const jm_authorizer_t *const *list;
    unsigned count;
    apr_hash_t *issuers;       /* of jm_choice_issuers; NULL where count is
                                * 1 */
} jm_choice_t;

/* The authorizer for a token with this iss (empty: none): the only one,
 * whatever the iss; of several, that of the iss, or NULL. */
const jm_authorizer_t *jm_choice_of(const jm_choice_t *choice,
                                    jm_str_t issuer);

/* iss -> const jm_authorizer_t *, in p. Of two with the same, the first. */
apr_hash_t *jm_choice_issuers(apr_pool_t *p,
                              const jm_authorizer_t *const *list,
                              unsigned count);

#endif
