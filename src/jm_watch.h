/*
 * jm_watch.h: the files of a table that may change while it is in use: key
 * files and revocation lists. What is in a file is in a slot; this part reads
 * the file and fills the slot, at load and when it has changed. Reads files,
 * never within a request.
 */
#ifndef JM_WATCH_H
#define JM_WATCH_H

#include <apr_time.h>

#include "jm.h"
#include "jm_diag.h"
#include "jm_file.h"
#include "jm_table.h"

#define JM_WATCH_DIGEST_LEN 32 /* octets of a SHA-256 */

typedef enum jm_watch_e {
    JM_WATCH_SECRET = 0,       /* jm_keyset_t of an HMAC secret */
    JM_WATCH_PEM,              /* jm_keyset_t of one public key */
    JM_WATCH_JWKS,             /* jm_keyset_t of a JWK Set */
    JM_WATCH_REVOKED,          /* jm_revoked_t */
    JM_WATCH_COUNT
} jm_watch_e;

/* A file as it was read. */
typedef struct jm_watch_state_t {
    jm_file_stamp_t stamp;
    int settled;               /* 0: it was so young that another change may
                                * leave the stamp as it is */
    apr_size_t len;            /* octets of the content */
    unsigned char digest[JM_WATCH_DIGEST_LEN];  /* of them */
} jm_watch_state_t;

/* A file of a table; lives as long, and is immutable but for its slot. */
struct jm_watch_t {
    jm_watch_e kind;
    const char *name;          /* as written in the table */
    const char *path;          /* absolute, or relative to where we run */
    const jm_authorizer_t *authorizer;
    jm_slot_t *slot;
    jm_watch_state_t loaded;   /* as it was read at load */
};

/* "jwks_file": the member of the table that names such a file. */
const char *jm_watch_member(jm_watch_e kind);

/* Reads the file into p; *ptext is cleared with p. *pstate is set even where
 * the file cannot be read, as far as it is known. Else *perror, in p, says
 * why in a few words. A named pipe is refused and not opened: who looks at
 * files may not wait, and what was in it is there once. */
apr_status_t jm_watch_read(jm_str_t *ptext, jm_watch_state_t *pstate,
                           const char **perror, apr_pool_t *p,
                           const jm_watch_t *watch, apr_time_t now);

/* 1 if text is what was read as former, with more lines behind it. It is cut
 * at the end of its last whole line, and *pstate is then of that. */
int jm_watch_has_grown(jm_str_t *ptext, jm_watch_state_t *pstate,
                       const jm_watch_state_t *former);

/* What is wrong or odd in the text of a file. */
typedef void jm_watch_report_t(void *baton, jm_severity_e severity,
                               const char *text);

/* Parses text and puts the result into the slot. APR_EINVAL, with a
 * JM_ERROR reported, or APR_ENOMEM: the slot is as it was. Keys that serve
 * no algorithm of the authorizer (once it has some) are an error. */
apr_status_t jm_watch_use(const jm_watch_t *watch, apr_pool_t *ptemp,
                          jm_str_t text, jm_watch_report_t *report,
                          void *baton);

#endif
