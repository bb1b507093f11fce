/*
 * jm_revoked.h: a list of tokens that are good no more, as the text of a
 * `revoked_file`: one entry a line, `jti:VALUE`, `sub:VALUE`, `sid:VALUE` or
 * `iat<SECONDS`; lines that begin with `#`, and blank lines, say nothing.
 */
#ifndef JM_REVOKED_H
#define JM_REVOKED_H

#include "jm.h"

#define JM_REVOKED_FILE_MAX (16 << 20)  /* octets */

typedef struct jm_revoked_t jm_revoked_t;

/* Reads a list into p; it borrows from text, which must live as long.
 * APR_EINVAL: *perror (in p) is "line 3: what is wrong, and what to write
 * instead"; *plist is NULL then. A value is the whole rest of its line,
 * byte for byte that of the claim: it is not empty, is UTF-8, and has no
 * control character and no blank at an end. SECONDS are decimal digits, since
 * 1970, below 10^18. */
apr_status_t jm_revoked_parse(const jm_revoked_t **plist, const char **perror,
                              apr_pool_t *p, jm_str_t text);

/* 1 if an entry is for these claims, which are verified. `iat<` is for those
 * that were issued before, to the fraction of a second, and for those that do
 * not say when. Constant in time but for the claims themselves. */
int jm_revoked_has(const jm_revoked_t *list, const jm_json_t *claims);

#endif
