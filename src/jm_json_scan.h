/*
 * jm_json_scan.h: the scan that goes before the tree: validates a text by the
 * grammar of RFC 8259 and UTF-8 by RFC 3629, and records where each value
 * and name stands. Private to jm_json.c.
 */
#ifndef JM_JSON_SCAN_H
#define JM_JSON_SCAN_H

#include "jm.h"

/* One value, in the order of the text: a value, then all that is in it. */
typedef struct jm_json_mark_t {
    apr_uint32_t offset;       /* of its first octet */
    apr_uint32_t name_offset;  /* of its name's opening quote; 0: no name */
    apr_uint32_t name_len;     /* of the name, decoded */
    apr_uint32_t count;        /* children; octets of a number, or of a
                                * string, decoded; else 0 */
    apr_uint32_t next;         /* index of the mark behind all in it */
    unsigned plain : 1;        /* a number; a string of visible ASCII and
                                * spaces without an escape */
    unsigned plain_name : 1;   /* the name is such a string */
} jm_json_mark_t;

/* Where in an open array or object the scan is. */
typedef enum jm_json_place_e {
    JM_JSON_BETWEEN,           /* at no child in particular */
    JM_JSON_AT_INDEX,
    JM_JSON_AT_NAME
} jm_json_place_e;

typedef struct jm_json_step_t {
    jm_json_place_e place;
    apr_uint32_t index;        /* AT_INDEX */
    apr_uint32_t name_offset;  /* AT_NAME: of a name that is well-formed */
    apr_uint32_t name_len;     /* and its octets, decoded */
    int plain_name;            /* as in a mark */
} jm_json_step_t;

typedef struct jm_json_scan_t {
    apr_pool_t *p;             /* owns marks and message */
    jm_str_t source;           /* borrowed */
    apr_size_t at;             /* offset of the octet to be read */
    apr_uint32_t decoded;      /* octets of the last string, decoded */
    int plain;                 /* as in a mark */
    apr_array_header_t *marks; /* of jm_json_mark_t */
    jm_json_step_t trail[JM_JSON_DEPTH_MAX];
    unsigned depth;            /* steps of trail in use */
    apr_size_t offset;         /* where it went wrong */
    const char *message;       /* what is wrong, what to write instead */
} jm_json_scan_t;

/* Scans the whole of source in linear time, with memory from p. APR_EINVAL:
 * not strict JSON (but names that stand twice are not looked for), or over
 * JM_TABLE_FILE_MAX octets; then offset, message and trail say where. */
apr_status_t jm_json_scan(jm_json_scan_t *s, apr_pool_t *p, jm_str_t source);

#endif
