/*
 * jm_b64.h: base64url without padding (RFC 7515 section 2, RFC 4648
 * section 5), strictly: one text for each octet string. Touches nothing.
 */
#ifndef JM_B64_H
#define JM_B64_H

#include "jm.h"

/* Decodes all of in into p, with a NUL behind it that len does not count.
 * APR_EINVAL, *pout empty: an octet outside the alphabet (also `=`, `+`,
 * `/`, white space), length mod 4 = 1, or unused bits that are not zero.
 * An empty text is an empty result. */
apr_status_t jm_b64_decode(jm_str_t *pout, apr_pool_t *p, jm_str_t in);

/* 1 if jm_b64_decode would decode it. */
int jm_b64_is_valid(jm_str_t in);

/* Encodes into p, with a NUL behind it that len does not count. */
jm_str_t jm_b64_encode(apr_pool_t *p, jm_str_t in);

#endif
