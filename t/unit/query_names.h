/* query_names.h: names of query parameters for the tests. */
#ifndef QUERY_NAMES_H
#define QUERY_NAMES_H

#include "tap.h"

#include "jm_query.h"

static inline jm_query_names_t *names_of(const char *const *words)
{
    jm_query_names_t *names = jm_query_names_make(tap_pool);

    for (; *words; words++) {
        jm_query_names_add(names, jm_str(*words));
    }
    return names;
}

#endif
