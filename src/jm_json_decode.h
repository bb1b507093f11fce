/*
 * jm_json_decode.h: what a JSON string that has escapes stands for. Private to
 * jm_json.c; jm_json_decode.c is the only file that knows json-c.
 */
#ifndef JM_JSON_DECODE_H
#define JM_JSON_DECODE_H

#include "jm.h"

/* Zeros: nothing was decoded yet. */
typedef struct jm_json_decoder_t {
    struct json_tokener *tokener;
} jm_json_decoder_t;

/* Decodes (RFC 8259 section 7) to len octets at text the string whose opening
 * quote is at string and whose grammar, UTF-8 and len jm_json_scan has found.
 * Scratch memory from p. APR_ENOMEM: json-c has no memory. */
apr_status_t jm_json_decode(char *text, jm_json_decoder_t *decoder,
                            apr_pool_t *p, const char *string,
                            apr_uint32_t len);

/* Frees what it has of json-c, and leaves nothing of the strings there. */
void jm_json_decoder_end(jm_json_decoder_t *decoder);

#endif
