/* A query is edited once: a second time changes nothing, ours is the last
 * parameter, and what was not taken out stays octet by octet. */
#include "fuzz.h"

#include "jm_query.h"

/* 1 if part stands in whole as a subsequence: in order, nothing added. */
static int is_kept(jm_str_t part, jm_str_t whole)
{
    apr_size_t i, j = 0;

    for (i = 0; i < whole.len && j < part.len; i++) {
        j += whole.ptr[i] == part.ptr[j];
    }
    return j == part.len;
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    static const char ours[] = "actor=a%20b%26c";
    const jm_param_t append = { { "actor", 5 }, { "a b&c", 5 } };
    jm_query_names_t *remove = jm_query_names_make(p);
    jm_str_t once, twice, gone, value;
    apr_size_t len = sizeof(ours) - 1;

    jm_query_names_add(remove, jm_str("actor"));
    jm_query_names_add(remove, jm_str("user_id"));
    gone = jm_query_edit(p, input, remove, NULL, NULL, 0);
    must(is_kept(gone, input));
    must(!jm_query_get(&value, p, gone, jm_str("actor")));
    must(!jm_query_get(&value, p, gone, jm_str("user_id")));
    must(jm_str_eq(jm_query_edit(p, gone, remove, NULL, NULL, 0), gone));
    once = jm_query_edit(p, input, remove, NULL, &append, 1);
    must(once.len >= len
         && !memcmp(once.ptr + once.len - len, ours, len));
    must(once.len == len || once.ptr[once.len - len - 1] == '&');
    must(jm_query_get(&value, p, once, jm_str("actor"))
         && jm_str_is(value, "a b&c"));
    twice = jm_query_edit(p, once, remove, NULL, &append, 1);
    must(jm_str_eq(once, twice));
    gone = jm_query_unreflect(p, once, &append, 1);
    must(!jm_query_get(&value, p, gone, jm_str("actor")));
}
