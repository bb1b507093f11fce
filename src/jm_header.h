/*
 * jm_header.h: the request headers that go upstream: what is reserved is
 * taken out, ours is set, once. Works on APR tables, so that the module
 * applies it to each copy that a way of proxying reads.
 */
#ifndef JM_HEADER_H
#define JM_HEADER_H

#include "jm.h"
#include "jm_table.h"

typedef struct jm_field_t {
    const char *name;
    const char *value;         /* NULL: the name is absent */
    int reserved;              /* 1: jm_header_reserved has the name; 0: it
                                * may have it, or clients send it as well */
} jm_field_t;

/* Name rule (RFC 9110 5.1) and kind of a header field at load. */
typedef enum jm_header_e {
    JM_HEADER_OK,              /* becomes reserved where it is mapped */
    JM_HEADER_CLIENT,          /* every client sends it: Accept*, Cookie, … */
    JM_HEADER_FRAMING,         /* hop-by-hop or framing: never a target */
    JM_HEADER_PROXY,           /* mod_proxy writes it itself */
    JM_HEADER_SYNTAX           /* not a token */
} jm_header_e;
jm_header_e jm_header_kind(jm_str_t name);

/* Folded form in p: lower case, `_` and `.` as `-`. */
const char *jm_header_fold(apr_pool_t *p, const char *name);

/* Reserves a name, at load; p is the pool of set->names. The first spelling
 * stands for all. */
void jm_header_reserve(jm_reserved_t *set, apr_pool_t *p, const char *name);

/* 1 if name is reserved by the table, in any spelling. No allocation. */
int jm_header_reserved(const jm_table_t *table, const char *name);

/* The value of a field, all of its lines joined with "," (in p then), or
 * NULL: it is not there. */
const char *jm_header_value(const apr_table_t *fields, apr_pool_t *p,
                            const char *name);

/* Takes every reserved name out of fields, and every `Connection` member
 * that would nominate one of them, or one of set. */
void jm_headers_strip(apr_table_t *fields, apr_pool_t *p,
                      const jm_table_t *table, const jm_field_t *set,
                      unsigned count);

/* jm_headers_strip, then sets count fields (or removes, value NULL), in order:
 * of two with one name the last counts. A reserved one that is set stands
 * there once. The values are not copied. */
void jm_headers_apply(apr_table_t *fields, apr_pool_t *p,
                      const jm_table_t *table, const jm_field_t *set,
                      unsigned count);

/* Takes out of trailers (RFC 9110 6.5) what jm_headers_apply would set or
 * remove: every reserved name, and the names of set. */
void jm_headers_strip_trailers(apr_table_t *trailers, apr_pool_t *p,
                               const jm_table_t *table, const jm_field_t *set,
                               unsigned count);

/* Takes out of the variables env (RFC 3875 4.1.18) HTTP_NAME, also behind
 * REDIRECT_, for every reserved name and the names of set: CGI-style upstreams
 * get what the headers say, not what a SetEnv or SetEnvIf made of them. */
void jm_headers_strip_env(apr_table_t *env, const jm_table_t *table,
                          const jm_field_t *set, unsigned count);

#endif
