/*
 * bench.h: what the benchmarks are made of: a token of 900 octets (RS256) as
 * identity providers make them, a table that maps five headers of it, and a
 * clock that does not count what other processes do.
 */
#ifndef BENCH_H
#define BENCH_H

#include <time.h>

#include "jm_compile.h"
#include "jm_decide.h"
#include "routes.h"
#include "tokens.h"

#define BENCH_NOW 1700000000     /* seconds since 1970 */

/* A payload of 378 octets; any two numbers make two tokens. */
static inline const char *bench_payload(unsigned number)
{
    return apr_psprintf(
        tap_pool, "{\"iss\":\"https://issuer.example\",\"sub\":\"%010u\","
        "\"aud\":[\"api://gateway\",\"https://issuer.example/userinfo\"],"
        "\"iat\":1699990000,\"exp\":4102444800,\"jti\":\"4bd3c2a1-%08x\","
        "\"azp\":\"client\",\"scope\":\"openid profile email\","
        "\"email\":\"alice@example.org\",\"email_verified\":true,"
        "\"tenant\":\"north\",\"name\":\"Alice B. Example\",\"locale\":\"en-GB\","
        "\"roles\":[\"user\",\"editor\"],\"sid\":\"77c5e5a0-0d29-4f0b\"}",
        number, number);
}

static inline jm_str_t bench_token(unsigned row, unsigned number)
{
    const char *header = apr_psprintf(
        tap_pool, "{\"alg\":\"%s\",\"kid\":\"one\",\"typ\":\"JWT\"}",
        jm_alg_at(row)->name);

    return mint(row, header, bench_payload(number));
}

/* Five headers of claims, for tokens of the algorithm in that row. */
static inline const jm_table_t *bench_table(unsigned row)
{
    int symmetric = jm_alg_at(row)->family == JM_FAMILY_HMAC;
    jm_str_t key = symmetric ? jm_str(SECRET) : minted_pem(row);

    return compile(apr_psprintf(
        tap_pool, "{'authorizer':{'type':'jwt','audience':'api://gateway',"
        "'issuer':'https://issuer.example','algorithms':['%s'],'%s':%s},"
        "'paths':[{'method':'GET','path':'/api/{.+}','mapping':{'headers':{"
        "'x-user-id':'$request.jwt.sub','x-email':'$request.jwt.email',"
        "'x-tenant':'$request.jwt.tenant','x-scope':'$request.jwt.scope',"
        "'x-name':'$request.jwt.name'}}}]}", jm_alg_at(row)->name,
        symmetric ? "secret" : "public_key",
        jm_json_quote(tap_pool, key).ptr));
}

/* Nanoseconds of processor time of this thread. */
static inline double bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline double bench_median(double *samples, unsigned count)
{
    qsort(samples, count, sizeof(*samples), bench_compare);
    return samples[count / 2];
}

#endif
