/*
 * jm_report.c: a sequence lock. Touches the memory that it is given. Whoever
 * reads a word of a new report (acquire) sees the version that was set before
 * it was written (release): no fences, which a thread sanitizer cannot see.
 */
#include "jm_report.h"

#include <string.h>

#define WORDS (sizeof(jm_report_t) / sizeof(apr_uint32_t))
#define FIRST 1                /* word after the version */
#define TRIES 100              /* a writer needs a fraction of a microsecond */

/* The structure has no holes, and is a whole number of words. */
typedef char is_whole_t[sizeof(jm_report_t) == 5 * sizeof(apr_uint32_t)
                                               + JM_REPORT_ERROR_MAX + 1
                        && sizeof(jm_report_t) % sizeof(apr_uint32_t) == 0
                        ? 1 : -1];

void jm_report_fail(jm_report_t *report, apr_int64_t now, const char *error)
{
    report->failed = (apr_uint32_t)now;
    memset(report->error, 0, sizeof(report->error));
    apr_cpystrn(report->error, error, sizeof(report->error));
}

void jm_report_put(jm_report_t *shared, const jm_report_t *report)
{
    apr_uint32_t *to = (apr_uint32_t *)(void *)shared;
    apr_uint32_t version = __atomic_load_n(&shared->version,
                                           __ATOMIC_RELAXED) | 1;
    apr_uint32_t word;
    apr_size_t i;

    /* It is odd already where the last writer was killed. */
    __atomic_store_n(&shared->version, version, __ATOMIC_RELAXED);
    for (i = FIRST; i < WORDS; i++) {
        memcpy(&word, (const char *)report + i * sizeof(word), sizeof(word));
        __atomic_store_n(&to[i], word, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&shared->version, version + 1, __ATOMIC_RELEASE);
}

static int copy(jm_report_t *report, const jm_report_t *shared)
{
    const apr_uint32_t *from = (const apr_uint32_t *)(const void *)shared;
    apr_uint32_t version = __atomic_load_n(&shared->version,
                                           __ATOMIC_ACQUIRE);
    apr_uint32_t word;
    apr_size_t i;

    for (i = FIRST; i < WORDS; i++) {
        word = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
        memcpy((char *)report + i * sizeof(word), &word, sizeof(word));
    }
    return !(version & 1)
           && __atomic_load_n(&shared->version, __ATOMIC_RELAXED) == version;
}

int jm_report_get(jm_report_t *report, const jm_report_t *shared)
{
    unsigned i;

    memset(report, 0, sizeof(*report));
    for (i = 0; i < TRIES; i++) {
        if (copy(report, shared)) {
            report->error[JM_REPORT_ERROR_MAX] = '\0';
            return 1;
        }
    }
    memset(report, 0, sizeof(*report));
    return 0;
}
