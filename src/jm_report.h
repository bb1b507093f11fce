/*
 * jm_report.h: how a key set or a file of a table is doing, told by the one
 * process that looked to all that show it, in memory that they share. Readers
 * take no lock and are never waited for; a writer may be killed at any moment,
 * and leaves nothing half-written to be read.
 */
#ifndef JM_REPORT_H
#define JM_REPORT_H

#include "jm.h"

#define JM_REPORT_ERROR_MAX 199 /* octets of a text; the rest is cut off */

/* Times are seconds since 1970, as long as they fit; 0: not known, never. */
typedef struct jm_report_t {
    apr_uint32_t version;      /* of the shared one only; odd: it is just being
                                * written */
    apr_uint32_t read;         /* when what is in use was read or fetched */
    apr_uint32_t expires;      /* fetched: when it should be replaced, */
    apr_uint32_t next;         /* and when the next fetch is planned */
    apr_uint32_t failed;       /* when the last try failed; 0: it was good */
    char error[JM_REPORT_ERROR_MAX + 1]; /* why; octets of anybody */
} jm_report_t;

/* Notes a failure in a report that is not shared yet. */
void jm_report_fail(jm_report_t *report, apr_int64_t now, const char *error);

/* Puts a report into the shared place, which began as zeros. Only one writer
 * at a time, in all processes. */
void jm_report_put(jm_report_t *shared, const jm_report_t *report);

/* Copies it. 0: it is being written, again and again, or its writer died;
 * *report is zeros then. */
int jm_report_get(jm_report_t *report, const jm_report_t *shared);

#endif
