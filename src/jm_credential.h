/*
 * jm_credential.h: finds the one credential of a request (RFC 6750 section
 * 2) and takes it out again on the way upstream. Never the URL (RFC 9700).
 */
#ifndef JM_CREDENTIAL_H
#define JM_CREDENTIAL_H

#include "jm.h"
#include "jm_error.h"
#include "jm_header.h"
#include "jm_table.h"

typedef struct jm_credential_t {
    jm_str_t token;            /* in p of the call, or of the table */
    const char *header;        /* the field it came in ("Cookie": cookie) */
    const char *cookie;        /* the cookie's name, or NULL */
    const jm_source_t *source; /* NULL: a cookie */
} jm_credential_t;

/* Looks in all sources of the count authorizers. JM_OK: exactly one
 * credential, in *pcred. JM_NO_TOKEN: none (also: another scheme, an empty
 * field or cookie). JM_CREDENTIALS: two, or a field that names the scheme
 * without spaces and something behind it. JM_INTERNAL. */
jm_verdict_e jm_credential_find(jm_credential_t *pcred, apr_pool_t *p,
                                const apr_table_t *headers,
                                const jm_authorizer_t *const *authorizers,
                                unsigned count);

/* Why a credential that did not verify, with that verdict, is refused:
 * JM_CREDENTIALS where it is a field's and not exactly one b64token (two lines
 * arrive joined with a comma), which a token that verifies always is; else,
 * and for JM_INTERNAL, verdict itself. */
jm_verdict_e jm_credential_blame(const jm_credential_t *cred,
                                 jm_verdict_e verdict);

/* 1 if authorizer has the source that cred came from. */
int jm_credential_from(const jm_credential_t *cred,
                       const jm_authorizer_t *authorizer);

/* What the field that carried cred becomes upstream: absent, or for a cookie
 * the Cookie field without every cookie of that name. */
jm_field_t jm_credential_removed(const jm_credential_t *cred, apr_pool_t *p,
                                 const apr_table_t *headers);

#endif
