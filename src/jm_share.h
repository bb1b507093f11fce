/*
 * jm_share.h: memory that the processes of one httpd share: what was last
 * taken over from each file, so that a child that is forked later has it too
 * even where the file is broken by then, and what was said of it in the log
 * and of the file by the status page. A process may be killed at any moment.
 * Not for requests, which never wait for a lock; what is told is read without.
 */
#ifndef JM_SHARE_H
#define JM_SHARE_H

#include "jm.h"
#include "jm_report.h"

#define JM_SHARE_DIGEST_LEN 32 /* octets of a SHA-256 */

typedef struct jm_share_t jm_share_t;

/* The octets of memory that are needed for count contents of at most
 * sizes[i] octets each. */
apr_size_t jm_share_size(const apr_size_t *sizes, unsigned count);

/* Makes a share of memory that is shared between processes and aligned for
 * any type. NULL: the system has no such locks. */
jm_share_t *jm_share_make(void *memory, const apr_size_t *sizes,
                          unsigned count);

/* Clears all contents, which may be secrets. */
void jm_share_clear(jm_share_t *share);

/* 1 if mark is another one than the last of that number, in any process. */
int jm_share_is_news(jm_share_t *share, unsigned number, apr_uint32_t mark);

/* Keeps what was taken over. digest: SHA-256 of text. */
void jm_share_put(jm_share_t *share, unsigned number,
                  const unsigned char *digest, jm_str_t text);

/* What was put last, in p, cleared with it. APR_ENOENT: nothing ever was.
 * APR_INCOMPLETE: it is lost, because it was too large or its writer was
 * killed. */
apr_status_t jm_share_get(jm_str_t *ptext, unsigned char *digest,
                          apr_pool_t *p, jm_share_t *share, unsigned number);

/* Tells the other processes how the file of that number is doing. */
void jm_share_tell(jm_share_t *share, unsigned number,
                   const jm_report_t *report);

/* What was told last, without a lock; zeros: nothing was. */
void jm_share_told(jm_report_t *report, const jm_share_t *share,
                   unsigned number);

#endif
