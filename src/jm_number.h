/*
 * jm_number.h: exact arithmetic on the digits of a JSON number. No double,
 * no strtod: a number is what its source says. Touches nothing.
 */
#ifndef JM_NUMBER_H
#define JM_NUMBER_H

#include "jm.h"

/* Both take texts that are numbers by the grammar of RFC 8259, in time
 * linear in their length. */

/* The least whole number that is not less than the number. APR_ERANGE,
 * *pout 0: it, or the number's magnitude, is not below 2^63. */
apr_status_t jm_number_ceil(apr_int64_t *pout, jm_str_t digits);

/* 1 if both are the same number: 1, 1.0 and 10e-1 are, 0 and -0 are.
 * Numbers with exponents of 10^17 and more are equal only as texts. */
int jm_number_eq(jm_str_t a, jm_str_t b);

#endif
