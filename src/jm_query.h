/*
 * jm_query.h: edits a query string without touching the other octets:
 * removes parameters in every spelling that a server may take for the
 * name, appends ours. Touches only the pool it was given.
 */
#ifndef JM_QUERY_H
#define JM_QUERY_H

#include "jm.h"

/* A set of parameter names. A name counts as one of the set if any known
 * reader may take it for one: it is cut at NUL, leading spaces are dropped,
 * `.` and space are equal to `_`, and so is a lone `[` (PHP); `name[x]`,
 * `name[x][y]` and `name[` are the name (PHP, Rack, qs), and so are
 * `[name]` and `name]` (qs, Rack 2). Case counts. A name of the set may hold
 * brackets: `a[]` is `a`, `a[b]` leaves `a` and `a[c]` alone. */
typedef struct jm_query_names_t jm_query_names_t;

/* An empty set in p. */
jm_query_names_t *jm_query_names_make(apr_pool_t *p);

/* Adds a decoded name; copied. Returns 1, or 0 if a name that counts as the
 * same was there already. */
int jm_query_names_add(jm_query_names_t *names, jm_str_t name);

/* 1 if a decoded name counts as one of the set (NULL: an empty one). */
int jm_query_names_has(const jm_query_names_t *names, jm_str_t name);

/* How many are in the set. */
unsigned jm_query_names_count(const jm_query_names_t *names);

typedef struct jm_param_t {
    jm_str_t name;               /* decoded */
    jm_str_t value;              /* decoded */
} jm_param_t;

/* Takes out of args (split at `&` and `;`, names percent and `+` decoded
 * once) every parameter that counts as a name in remove which is not in keep
 * as well (either may be NULL), with the separator after it, or the one
 * before it if it was last; then appends count parameters, each as
 * name=value, percent-encoded (RFC 3986 unreserved octets raw, all others
 * %XX). Each has one `&` of ours before it, except where nothing stands
 * before it: `a=1&` becomes `a=1&&name=value`. All other octets stay, in
 * order; an empty parameter (`&&`) is never taken out. The result is in p
 * with a NUL behind it; it is args itself when nothing changed. Empty and
 * absent (ptr NULL) args are both fine; the result's ptr is NULL if args'
 * was and nothing was appended, and also if everything was removed and
 * nothing appended. */
jm_str_t jm_query_edit(apr_pool_t *p, jm_str_t args,
                       const jm_query_names_t *remove,
                       const jm_query_names_t *keep,
                       const jm_param_t *append, unsigned count);

/* The first value of the parameter of exactly that decoded name, split at
 * `&` only, percent and `+` decoded (a broken `%` stays as it is), in p with
 * a NUL behind it. 1 if there is one (without `=`: an empty value), else 0
 * and *pvalue empty. */
int jm_query_get(jm_str_t *pvalue, apr_pool_t *p, jm_str_t args,
                 jm_str_t name);

/* Takes out of args exactly those parameters whose decoded name and value are
 * those of one of params (count of them), however they are encoded: for what
 * an upstream reflects. Same rules for separators and result as
 * jm_query_edit. */
jm_str_t jm_query_unreflect(apr_pool_t *p, jm_str_t args,
                            const jm_param_t *params, unsigned count);

#endif
