/*
 * jm_choice.c: which authorizer a token is for. Touches nothing.
 */
#include "jm_choice.h"

apr_hash_t *jm_choice_issuers(apr_pool_t *p,
                              const jm_authorizer_t *const *list,
                              unsigned count)
{
    apr_hash_t *issuers = apr_hash_make(p);
    unsigned i;
    unsigned k;

    for (i = 0; i < count; i++) {
        const jm_policy_t *policy = &list[i]->policy;

        for (k = 0; k < policy->issuer_count; k++) {
            const void *key = policy->issuers[k].ptr;
            apr_ssize_t len = (apr_ssize_t)policy->issuers[k].len;

            if (!apr_hash_get(issuers, key, len)) {
                apr_hash_set(issuers, key, len, list[i]);
            }
        }
    }
    return issuers;
}

const jm_authorizer_t *jm_choice_of(const jm_choice_t *choice,
                                    jm_str_t issuer)
{
    if (choice->count == 1) {
        return choice->list[0];
    }
    return issuer.len ? apr_hash_get(choice->issuers, issuer.ptr,
                                     (apr_ssize_t)issuer.len) : NULL;
}
