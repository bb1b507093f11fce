/*
 * router_naive.c: a naive matcher, written here from the words of jm_route.h,
 * against the trie, over random routes and paths.
 */
#include "router_set.h"

static apr_uint32_t seed = 20240229;

static unsigned roll(unsigned n)
{
    seed = seed * 1664525U + 1013904223U;
    return (unsigned)((apr_uint64_t)(seed >> 8) * n >> 24);
}

typedef struct parts_t {
    char text[64];
    const char *part[16];
    unsigned count;
} parts_t;

static void cut_parts(parts_t *parts, const char *path)
{
    char *at = parts->text;

    apr_cpystrn(parts->text, path, sizeof(parts->text));
    parts->count = 0;
    while (at) {
        char *next = strchr(at + 1, '/');

        if (next) {
            *next = '\0';
        }
        parts->part[parts->count++] = at + 1;
        at = next;
    }
}

/* 1 if the shape of route matches path; its rank as text, which sorts as
 * jm_route.h says: the better the smaller. */
static int naive_rank(char *key, const jm_route_t *route, const char *path)
{
    parts_t r;
    parts_t s;
    unsigned i;
    unsigned fixed;

    cut_parts(&r, route->path);
    cut_parts(&s, path);
    fixed = r.count - (route->tail ? 1 : 0);
    if (route->tail ? s.count < fixed : s.count != fixed) {
        return 0;
    }
    *key++ = route->tail ? '1' : '0';
    *key++ = (char)('Z' - (int)fixed);
    for (i = 0; i < fixed; i++) {
        int name = r.part[i][0] == '{';

        if (name ? !*s.part[i] : strcmp(r.part[i], s.part[i])) {
            return 0;
        }
        *key++ = name ? '1' : '0';
    }
    *key = '\0';
    return 1;
}

static int naive_method(const jm_route_t *route, const char *method)
{
    unsigned i;
    int best = route->any_method;

    for (i = 0; !route->any_method && i < route->method_count; i++) {
        if (!strcmp(route->methods[i], method)) {
            return 3;
        }
        if (!strcmp(method, "HEAD") && !strcmp(route->methods[i], "GET")) {
            best = 2;
        }
    }
    return best;
}

/* Scans all routes shape by shape. */
static const jm_route_t *naive_match(const set_t *set, const char *method,
                                     const char *path)
{
    char last[32] = "";
    int guarded = 0;

    for (;;) {
        char next[32] = "~";
        const jm_route_t *best = NULL;
        int protects = 0;
        char key[32];
        unsigned i;

        for (i = 0; i < set->count; i++) {
            if (naive_rank(key, &set->routes[i], path)
                && strcmp(key, last) > 0 && strcmp(key, next) < 0) {
                strcpy(next, key);
            }
        }
        if (!strcmp(next, "~")) {
            return NULL;
        }
        for (i = 0; i < set->count; i++) {
            const jm_route_t *route = &set->routes[i];

            if (!naive_rank(key, route, path) || strcmp(key, next)) {
                continue;
            }
            protects |= route->auth == JM_AUTH_REQUIRED;
            if ((!guarded || route->auth == JM_AUTH_REQUIRED)
                && naive_method(route, method)
                       > (best ? naive_method(best, method) : 0)) {
                best = route;
            }
        }
        if (best) {
            return best;
        }
        guarded |= protects;
        strcpy(last, next);
    }
}

static const char *const methods[] = { "GET", "HEAD", "POST", "OPTIONS" };
#define METHOD_COUNT 4

static const char *random_path(int of_route)
{
    static const char *const segments[] = { "a", "b", "", "{x}", "{y}" };
    const char *path = "";
    unsigned count = 1 + roll(4);
    unsigned i;

    for (i = 0; i < count; i++) {
        const char *segment = segments[roll(of_route ? 5 : 3)];

        if (strchr(path, '{') && *segment == '{') {
            segment = apr_psprintf(scratch, "{n%u}", i);
        }
        path = apr_pstrcat(scratch, path, "/", segment, NULL);
    }
    return of_route && !roll(3) ? apr_pstrcat(scratch, path, "/{.+}", NULL)
                                : path;
}

static set_t *random_set(void)
{
    static const char *const lists[] = { "GET", "POST", "HEAD", "*",
                                         "GET POST", "OPTIONS" };
    set_t *set = make_set();
    unsigned count = 1 + roll(20);
    unsigned i;

    for (i = 0; i < count; i++) {
        if (add(set, lists[roll(6)],
                roll(12) ? random_path(1) : "/{.+}", (jm_auth_e)roll(3))) {
            set->count--;
        }
    }
    return set;
}

static int in_list(const char *const *list, const char *word)
{
    unsigned found = 0;

    for (; list && *list; list++) {
        found += !strcmp(*list, word);
    }
    return (int)found;
}

/* The values must stand in the path where the names stand in the route. */
static int values_fit(const jm_match_t *match, const char *path)
{
    parts_t r;
    parts_t s;
    unsigned n = 0;
    unsigned i;

    cut_parts(&r, match->route->path);
    cut_parts(&s, path);
    for (i = 0; i + (match->route->tail ? 1 : 0) < r.count; i++) {
        if (r.part[i][0] == '{'
            && !jm_str_is(match->params[n++], s.part[i])) {
            return 0;
        }
    }
    return n == match->route->param_count;
}

/* How many of the answers for a path are not those of the naive matcher. */
static unsigned compare(const set_t *set, const char *path,
                        const jm_route_t **seen)
{
    const jm_route_t *want[METHOD_COUNT];
    unsigned wrong = 0;
    unsigned m;

    for (m = 0; m < METHOD_COUNT; m++) {
        want[m] = naive_match(set, methods[m], path);
        seen[0] = want[m] ? want[m] : seen[0];
    }
    for (m = 0; m < METHOD_COUNT; m++) {
        jm_match_t match = find(set, methods[m], path);
        unsigned k;

        wrong += match.route != want[m];
        wrong += match.route && !values_fit(&match, path);
        for (k = 0; !match.route && match.shapes && k < METHOD_COUNT; k++) {
            wrong += in_list(match.allow, methods[k]) != (want[k] != NULL);
        }
    }
    return wrong;
}

static void test_random(void)
{
    unsigned wrong = 0;
    unsigned answered = 0;
    unsigned n;

    for (n = 0; n < 3000; n++) {
        set_t *set = random_set();
        unsigned i;

        for (i = 0; i < 20; i++) {
            const char *path = random_path(0);
            const jm_route_t *seen = NULL;
            unsigned w = compare(set, path, &seen);

            if (w && !wrong) {
                printf("# table %u, path %s\n", n, path);
            }
            wrong += w;
            answered += seen != NULL;
        }
    }
    ok(!wrong, "60000 paths of 3000 random tables select what is promised, "
               "and Allow names the methods that would be answered");
    ok(answered > 10000, "many of them select a route");
}

int main(void)
{
    tap_start();
    test_random();
    return tap_done();
}
