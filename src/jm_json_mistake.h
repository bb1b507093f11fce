/*
 * jm_json_mistake.h: what people write that is not JSON, and what they should
 * write instead. For jm_json_scan.c. Touches nothing.
 */
#ifndef JM_JSON_MISTAKE_H
#define JM_JSON_MISTAKE_H

#include "jm.h"

/* What must stand at a place. */
typedef enum jm_json_want_e {
    JM_JSON_WANT_VALUE,
    JM_JSON_WANT_NAME,
    JM_JSON_WANT_OTHER         /* a comma, a colon, a bracket, the end */
} jm_json_want_e;

/* A message about the start of text, which is not what must stand there; a
 * constant. NULL: it is none of the usual mistakes. */
const char *jm_json_mistake(jm_str_t text, jm_json_want_e want);

#endif
