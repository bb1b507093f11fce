/*
 * tap.h: the few lines that a unit test needs to speak TAP. One program a
 * part; each test is a sentence. Ends with tap_done(), whose value is main's.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "jm.h"

static int tap_count;
static int tap_failed;
static apr_pool_t *tap_pool;

/* APR, and a pool for the whole program. */
static inline apr_pool_t *tap_start(void)
{
    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&tap_pool, NULL);
    return tap_pool;
}

/* What a bound of time is multiplied with: valgrind takes its own. */
static inline int tap_slow(void)
{
    return getenv("JWTMAP_MEMCHECK") ? 50 : 1;
}

static inline int tap_result(int good, const char *file, int line,
                             const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static inline int tap_result(int good, const char *file, int line,
                             const char *fmt, ...)
{
    va_list ap;

    printf("%sok %d - ", good ? "" : "not ", ++tap_count);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    if (!good) {
        tap_failed++;
        printf("# failed at %s:%d\n", file, line);
    }
    return good;
}

/* ok(condition, sentence as printf) */
#define ok(condition, ...) \
    tap_result((condition) ? 1 : 0, __FILE__, __LINE__, __VA_ARGS__)

/* The octets of got are those of the C string want. */
static inline int tap_is(jm_str_t got, const char *want, const char *file,
                         int line, const char *what)
{
    int good = jm_str_is(got, want);

    tap_result(good, file, line, "%s", what);
    if (!good) {
        printf("# got  \"%.*s\"\n# want \"%s\"\n", (int)got.len,
               got.ptr ? got.ptr : "", want);
    }
    return good;
}

#define is_str(got, want, what) tap_is((got), (want), __FILE__, __LINE__, what)

/* Prints the plan; the exit status of main. */
static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed ? 1 : 0;
}

#endif
