/*
 * routes.c: what a table of many routes costs: to compile, to keep, and to
 * look one up. A look-up is measured on ten paths that are asked over and
 * over, as a service's are, and on all paths in no order, where memory that
 * the processor has not at hand is a part of it.
 *
 *   routes                     a table
 *   routes COUNT ROUNDS        ten paths, for callgrind, which counts what is
 *                              called from run()
 */
#include "bench.h"

#include "jm_slot.h"

#define ASKED 10
#define BLOCKS 101
#define LOOKUPS 2000             /* of a block */

/* A table of count routes, and one path of each. */
typedef struct routes_t {
    apr_pool_t *p;
    const jm_table_t *table;
    unsigned count;
    double seconds;              /* that it took to compile */
    double octets;               /* that it takes */
    const char **paths;
} routes_t;

/* Ten routes of each of count / 10 services, with and without {name}, and
 * one with {.+}. */
static const char *route_of(apr_pool_t *p, unsigned i, int as_path)
{
    static const char *const shapes[ASKED] = {
        "", "/users", "/users/%s", "/users/%s/orders", "/orders/%s/items/%s",
        "/orders", "/health", "/files/%s", "/v2/users/%s", "/v2/search"
    };
    const char *shape = apr_pstrcat(p, "/service-%u", shapes[i % ASKED], NULL);

    if (i % ASKED == 7) {
        return apr_psprintf(p, "/service-%u/files/%s", i / ASKED,
                            as_path ? "a/b/c.txt" : "{.+}");
    }
    /* two names are two parameters of a route */
    return apr_psprintf(p, shape, i / ASKED, as_path ? "1234" : "{id}",
                        as_path ? "17" : "{item}");
}

static const char *table_text(apr_pool_t *p, unsigned count)
{
    apr_array_header_t *parts = apr_array_make(p, 1024, sizeof(char *));
    unsigned i;

    APR_ARRAY_PUSH(parts, const char *) = "{\"authorizer\":{\"type\":\"jwt\","
        "\"issuer\":\"https://i\",\"audience\":\"a\",\"secret\":\"" SECRET
        "\"},\"paths\":[";
    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(parts, const char *) = apr_psprintf(
            p, "%s{\"method\":\"GET\",\"path\":\"%s\",\"mapping\":{"
            "\"headers\":{\"x-user-id\":\"$request.jwt.sub\"}}}",
            i ? "," : "", route_of(p, i, 0));
    }
    APR_ARRAY_PUSH(parts, const char *) = "]}";
    return apr_array_pstrcat(p, parts, 0);
}

/* Octets of this process that are in memory: pools may be no business of
 * malloc. */
static double resident(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (!statm || fscanf(statm, "%*u %lu", &pages) != 1) {
        pages = 0;
    }
    if (statm) {
        fclose(statm);
    }
    return (double)pages * 4096;
}

static void compile_routes(routes_t *r, jm_str_t text)
{
    apr_pool_t *scratch = case_pool();
    jm_diags_t said;
    double start = bench_now();

    if (jm_compile_text(&r->table, &said, r->p, scratch, "routes.json", text,
                        NULL) != APR_SUCCESS) {
        fputs(case_lines(scratch, &said), stderr);
        exit(1);
    }
    apr_pool_destroy(scratch);
    r->seconds = (bench_now() - start) / 1e9;
}

static void prepare(routes_t *r, unsigned count)
{
    apr_pool_t *ptemp = case_pool();
    jm_str_t text = jm_str(table_text(ptemp, count));
    unsigned i;

    r->p = case_pool();
    r->count = count;
    r->octets = resident();
    compile_routes(r, text);
    r->octets = resident() - r->octets;
    apr_pool_destroy(ptemp);
    r->paths = apr_palloc(tap_pool, count * sizeof(char *));
    for (i = 0; i < count; i++) {
        r->paths[i] = route_of(tap_pool, i, 1);
    }
}

/* Nanoseconds of a look-up; step 1: the first ten paths in turn, else paths
 * that are step apart. */
static __attribute__((noinline)) double run(const routes_t *r, unsigned step,
                                            unsigned rounds)
{
    unsigned range = step == 1 ? ASKED : r->count;
    apr_pool_t *p = jm_slot_pool();
    double start = bench_now();
    jm_match_t match;
    unsigned at = 0;
    unsigned i;

    for (i = 0; i < rounds; i++) {
        at = (at + step) % range;
        if (jm_router_match(&match, p, r->table->router,
                            jm_str(r->paths[at]), "GET") != APR_SUCCESS
            || !match.route || match.route->index != at) {
            fprintf(stderr, "routes: a wrong answer\n");
            exit(1);
        }
        apr_pool_clear(p);
    }
    start = bench_now() - start;
    apr_pool_destroy(p);
    return start / rounds;
}

static int measure_all(void)
{
    static const unsigned counts[] = { 10, 1000, 100000 };
    static double samples[3][BLOCKS];
    static double far[3][BLOCKS];
    static routes_t routes[3];
    double base = 0;
    unsigned block, i;

    for (i = 0; i < 3; i++) {
        prepare(&routes[i], counts[i]);
    }
    for (block = 0; block < BLOCKS; block++) {
        for (i = 0; i < 3; i++) {
            samples[i][block] = run(&routes[i], 1, LOOKUPS);
            far[i][block] = run(&routes[i], 7919, LOOKUPS);
        }
    }
    printf("%8s %10s %12s %11s %6s %14s\n", "routes", "compile s",
           "bytes/route", "look-up us", "ratio", "in no order us");
    for (i = 0; i < 3; i++) {
        double us = bench_median(samples[i], BLOCKS) / 1000;

        base = i ? base : us;
        printf("%8u %10.3f %12.0f %11.3f %6.2f %14.3f\n", counts[i],
               routes[i].seconds, routes[i].octets / counts[i], us, us / base,
               bench_median(far[i], BLOCKS) / 1000);
    }
    return 0;
}

int main(int argc, char **argv)
{
    routes_t routes;

    keys_start();
    if (argc == 1) {
        return measure_all();
    }
    if (argc != 3 || atoi(argv[1]) < ASKED) {
        fprintf(stderr, "usage: routes [COUNT ROUNDS]\n");
        return 2;
    }
    prepare(&routes, (unsigned)atoi(argv[1]));
    run(&routes, 1, (unsigned)atoi(argv[2]));
    return 0;
}
