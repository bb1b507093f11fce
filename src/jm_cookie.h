/*
 * jm_cookie.h: the cookie-pairs of a Cookie field (RFC 6265 4.2.1), one after
 * the other. What it gives points into the field.
 */
#ifndef JM_COOKIE_H
#define JM_COOKIE_H

#include "jm.h"

typedef struct jm_cookie_t {
    jm_str_t whole;            /* its octets, the separator before it first */
    jm_str_t name;             /* without blanks around it; empty: no `=` */
    jm_str_t value;            /* the same, and without a pair of quotes */
} jm_cookie_t;

/* Splits the next cookie-pair off *prest, at any octet of separators: ";",
 * or ";," where the field may be two lines that were joined with a comma. 0
 * at the end. */
int jm_cookie_next(jm_cookie_t *pcookie, jm_str_t *prest,
                   const char *separators);

#endif
