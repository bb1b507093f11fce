/*
 * report.c: a report that is read while it is written. For a thread sanitizer,
 * too: see t/README.
 */
#include <string.h>

#include <apr_thread_proc.h>

#include "jm_report.h"
#include "tap.h"

#define READERS 2
#define WRITES 20000

static jm_report_t shared;
static unsigned stop;

/* All of it says the same number. */
static void make(jm_report_t *report, apr_uint32_t number)
{
    memset(report, 0, sizeof(*report));
    report->read = report->expires = report->next = report->failed = number;
    memset(report->error, 'a' + (int)(number % 26), JM_REPORT_ERROR_MAX);
}

static int is_whole(const jm_report_t *report)
{
    jm_report_t want;

    make(&want, report->read);
    want.version = report->version;
    return report->read == 0 || !memcmp(report, &want, sizeof(want));
}

typedef struct reader_t {
    unsigned got;
    unsigned torn;
} reader_t;

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *baton)
{
    reader_t *reader = baton;
    jm_report_t report;

    (void)thread;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE) || !reader->got) {
        if (jm_report_get(&report, &shared)) {
            reader->got++;
            reader->torn += is_whole(&report) ? 0 : 1;
        }
    }
    return NULL;
}

static void test_threads(apr_pool_t *p)
{
    apr_thread_t *threads[READERS];
    reader_t readers[READERS];
    jm_report_t report;
    apr_status_t rv;
    apr_uint32_t i;

    memset(readers, 0, sizeof(readers));
    for (i = 0; i < READERS; i++) {
        apr_thread_create(&threads[i], NULL, run, &readers[i], p);
    }
    for (i = 1; i <= WRITES; i++) {
        make(&report, i);
        jm_report_put(&shared, &report);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (i = 0; i < READERS; i++) {
        apr_thread_join(&rv, threads[i]);
        ok(readers[i].got > 0 && readers[i].torn == 0,
           "%u reports were read while others were written, none of two "
           "halves", readers[i].got);
    }
    ok(jm_report_get(&report, &shared) && report.read == WRITES,
       "the last one stays");
}

static void test_death(void)
{
    jm_report_t place, report;

    memset(&place, 0, sizeof(place));
    ok(jm_report_get(&report, &place) && !report.read && !report.failed
       && !*report.error, "a new place says nothing");
    make(&report, 7);
    jm_report_put(&place, &report);
    place.version |= 1;
    ok(!jm_report_get(&report, &place) && !report.read && !*report.error,
       "what a killed writer left is not read");
    make(&report, 8);
    jm_report_put(&place, &report);
    ok(jm_report_get(&report, &place) && report.read == 8,
       "the next writer makes it good");
}

static void test_text(void)
{
    char text[2 * JM_REPORT_ERROR_MAX];
    jm_report_t report;

    memset(&report, 0, sizeof(report));
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    jm_report_fail(&report, 5, text);
    ok(report.failed == 5 && strlen(report.error) == JM_REPORT_ERROR_MAX,
       "a long text is cut off");
    jm_report_fail(&report, 6, "no");
    ok(!strcmp(report.error, "no") && report.error[10] == '\0',
       "nothing is left of it");
}

int main(void)
{
    apr_pool_t *p = tap_start();

    test_death();
    test_text();
    test_threads(p);
    return tap_done();
}
