/*
 * jm_json.h: strict JSON (RFC 8259) as an immutable tree in a pool.
 * json-c alone accepts what must be refused (duplicate names, NaN, single
 * quotes, trailing NUL, raw controls, overlong UTF-8, lone surrogates) and
 * clamps numbers, so a scan of our own validates and records where each value
 * stands; the tree is made of that, and json-c decodes the strings that have
 * escapes (jm_json_decode.c), which nothing else knows.
 */
#ifndef JM_JSON_H
#define JM_JSON_H

#include "jm.h"
#include "jm_diag.h"
#include "jm_utf8.h"

typedef enum jm_json_e {
    JM_JSON_NULL,
    JM_JSON_BOOL,
    JM_JSON_NUMBER,
    JM_JSON_STRING,
    JM_JSON_ARRAY,
    JM_JSON_OBJECT
} jm_json_e;

struct jm_json_t {
    jm_json_e type;
    unsigned truth : 1;       /* BOOL: 0 or 1 */
    unsigned shared : 1;      /* another member of parent has this name but
                               * for case */
    unsigned plain : 1;       /* text is visible ASCII and spaces, and stands
                               * so in the source; 0: it may be so, too */
    unsigned plain_name : 1;  /* name is, likewise */
    jm_str_t text;            /* STRING: decoded UTF-8, may hold NUL; NUMBER:
                               * the digits of the source. Followed by a NUL
                               * that len does not count. */
    jm_str_t name;            /* member name where parent is an object; no
                               * NUL inside, NUL behind */
    const jm_json_t *parent;  /* NULL: top level */
    const jm_json_t *items;   /* ARRAY, OBJECT: count children, in order */
    unsigned count;
    unsigned index;           /* place among the parent's items */
    apr_uint32_t offset;      /* of the value's first octet in the source */
    apr_uint32_t name_offset; /* of the member name's opening quote */
};

typedef struct jm_json_error_t {
    apr_size_t offset;        /* of the octet at which it went wrong */
    const char *pointer;      /* RFC 6901, as far as it is known; never NULL */
    const char *message;      /* "a member name stands twice: "alg"", … */
} jm_json_error_t;

/* Parses the whole of source; everything that results is owned by p and
 * independent of source. *proot is NULL unless APR_SUCCESS. APR_EINVAL: not
 * strict JSON (duplicate names, trailing octets, NaN, comments, bad UTF-8,
 * lone surrogates, raw controls, NUL in a name, depth over
 * JM_JSON_DEPTH_MAX), with err filled in (err may be NULL); APR_ENOMEM:
 * json-c had no memory. Linear in source. An UTF-8 BOM is an error. */
apr_status_t jm_json_parse(const jm_json_t **proot, jm_json_error_t *err,
                           apr_pool_t *p, jm_str_t source);

/* The member of that name, or NULL: absent, or object is NULL or not an
 * object. A member that is null is found (type JM_JSON_NULL). */
const jm_json_t *jm_json_get(const jm_json_t *object, jm_str_t name);

/* RFC 6901 pointer of a node, in p; "" for the top level. */
const char *jm_json_pointer(apr_pool_t *p, const jm_json_t *node);

/* "a string", "an array", "null", … for messages. */
const char *jm_json_type_name(const jm_json_t *node);

/* Compact JSON text in p: no blanks, `/` not escaped, numbers as in the
 * source, strings with the short escapes and \u00xx (lower case) for other
 * controls, all else raw. */
jm_str_t jm_json_compact(apr_pool_t *p, const jm_json_t *node);

/* One string as a JSON string with its quotes, escaped as above. */
jm_str_t jm_json_quote(apr_pool_t *p, jm_str_t text);

/* A NUMBER as seconds, rounded up to a whole one, computed from its digits
 * without a double. APR_EINVAL: NULL or not a number; APR_ERANGE: its
 * magnitude is not below 2^63. */
apr_status_t jm_json_seconds(apr_int64_t *pseconds, const jm_json_t *node);

/* 1 if two scalars are equal by value and of one type: numbers by their
 * mathematical value (1, 1.0 and 10e-1 are equal), never across types. 0 for
 * arrays and objects. */
int jm_json_scalar_eq(const jm_json_t *a, const jm_json_t *b);

/* jm_diag_add at a node's value, or (jm_json_diag_name) at its name. */
void jm_json_diag(jm_diags_t *d, jm_severity_e severity,
                  const jm_json_t *node, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void jm_json_diag_name(jm_diags_t *d, jm_severity_e severity,
                       const jm_json_t *node, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
