/*
 * jm_expr_parse.h: the reader of one mapping string, which jm_expr_parse.c
 * (a text and its expressions) and jm_expr_source.c (one expression) share.
 * Internal.
 */
#ifndef JM_EXPR_PARSE_H
#define JM_EXPR_PARSE_H

#include "jm_expr_part.h"

typedef struct jm_expr_parse_t {
    apr_pool_t *p;
    jm_diags_t *diags;
    const jm_json_t *node;       /* of the string: where a message points */
    const jm_names_t *names;
    jm_str_t text;               /* a copy of the string, in p */
    apr_size_t at;               /* octet to be read next */
    int braces;                  /* inside ${…} */
    apr_array_header_t *parts;   /* of jm_part_t */
} jm_expr_parse_t;

/* Reports an error at the string; always APR_EINVAL. */
apr_status_t jm_expr_parse_fail(jm_expr_parse_t *ps, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* 1 if the next octet is c. */
int jm_expr_parse_peek(const jm_expr_parse_t *ps, char c);

/* The octets from start to end as a C string in p for a message, not all if
 * they are many. */
const char *jm_expr_parse_quote(const jm_expr_parse_t *ps, apr_size_t start,
                                apr_size_t end);

/* Where the expression that goes on at ps->at ends, as far as that can be
 * told of a wrong one. */
apr_size_t jm_expr_parse_end(const jm_expr_parse_t *ps);

/* Reads one expression, from behind its `$` or `${`, and adds its part. */
apr_status_t jm_expr_source_read(jm_expr_parse_t *ps);

#endif
