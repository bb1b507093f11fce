/*
 * lint.c: advice on tables: every case of t/routes/lint (as in routes.h;
 * expect is what the compiler and the advice say together), and its cost. The
 * cases are found in argv[1], else $JM_CASES, else $srcdir/t/routes.
 */
#include <apr_time.h>

#include "jm_lint.h"
#include "routes.h"

static const char *cases_dir(apr_pool_t *p, int argc, char **argv)
{
    const char *srcdir = getenv("srcdir");

    if (argc > 1) {
        return argv[1];
    }
    if (getenv("JM_CASES")) {
        return getenv("JM_CASES");
    }
    return apr_pstrcat(p, srcdir ? srcdir : ".", "/t/routes", NULL);
}

static void run_case(const char *dir, const char *name)
{
    apr_pool_t *p = case_pool();
    const jm_table_t *table;
    const char *expect;
    const char *lines;
    const char *source;
    jm_diags_t diags;
    case_t k;

    case_open(&k, p, apr_pstrcat(p, dir, "/", name, NULL));
    expect = case_file(&k, "expect");
    expect = expect ? expect : "";
    source = case_file(&k, "table.json");
    jm_compile_text(&table, &diags, p, p, "table.json", jm_str(source),
                    &k.env);
    if (ok(table && jm_lint(&diags, table, p) == APR_SUCCESS,
           "%s is a table", name)) {
        lines = case_lines(p, &diags);
        if (!ok(!strcmp(lines, expect), "%s has exactly the expected "
                "warnings", name)) {
            print_lines("got", lines, p);
            print_lines("want", expect, p);
        }
    }
    apr_pool_destroy(p);
}

static void test_twice(void)
{
    const jm_table_t *table = compile(
        "{" AUTHORIZER ",'paths':["
        "{'method':'GET','path':'/a','auth':true},"
        "{'method':'ANY','path':'/{.+}','auth':false}]}");
    int count;

    jm_lint(&diags, table, tap_pool);
    count = diags.list->nelts;
    jm_lint(&diags, table, tap_pool);
    ok(count == 2 && diags.list->nelts == count,
       "advice that was given is not given again");
}

static void test_placeholders(void)
{
    const jm_compile_env_t env = { .placeholders = 1 };
    const jm_table_t *table = compile_env(
        "{" AUTHORIZER ",'paths':["
        "{'method':'GET','path':'$env.PATH_','auth':true},"
        "{'method':'$env.METHOD','path':'/b','auth':true},"
        "{'method':'ANY','path':'/{.+}','auth':false}]}", &env);

    ok(table && jm_lint(&diags, table, tap_pool) == APR_SUCCESS,
       "a path that is not known is passed over");
}

/* --- size --- */

/* form: of routes, with at most two %u. */
static const char *many(unsigned count, const char *form, const char *last)
{
    apr_array_header_t *parts = apr_array_make(tap_pool, 64,
                                               sizeof(const char *));
    unsigned i;

    APR_ARRAY_PUSH(parts, const char *) = "{" AUTHORIZER ",'paths':[\n";
    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(parts, const char *) = apr_psprintf(tap_pool, form, i,
                                                            i);
    }
    APR_ARRAY_PUSH(parts, const char *) = last;
    APR_ARRAY_PUSH(parts, const char *) = "]}";
    return apr_array_pstrcat(tap_pool, parts, 0);
}

static void time_lint(const char *what, const char *json, int warnings)
{
    const jm_table_t *table = compile(json);
    apr_time_t start = apr_time_now();
    apr_status_t rv = jm_lint(&diags, table, tap_pool);
    apr_time_t took = apr_time_now() - start;

    ok(rv == APR_SUCCESS && diags.list->nelts == warnings,
       "%s: %d warnings (%d)", what, warnings, diags.list->nelts);
    /* A tenth of that without a sanitizer. */
    ok(took < apr_time_from_sec(3 * tap_slow()), "%s: in time (%d ms)", what,
       (int)(took / 1000));
}

static void test_size(void)
{
    time_lint("10,000 protected routes below a public wildcard",
              many(10000, "{'method':'ANY','path':'/a%u','auth':true},\n",
                   "{'method':'ANY','path':'/{.+}','auth':false}"), 1);
    time_lint("10,000 public wildcards beside protected ones",
              many(10000, "{'method':'GET','path':'/a%u/{x}','auth':false},\n",
                   "{'method':'GET','path':'/{t}/b','auth':true}"), 10000);
    time_lint("5,000 wildcards beside 5,000 literals",
              many(5000, "{'method':'GET','path':'/{x}/a%u/{y}',"
                   "'auth':false},{'method':'GET','path':'/b%u/{t}/c',"
                   "'auth':true},\n",
                   "{'method':'GET','path':'/z','auth':true}"), 0);
}

int main(int argc, char **argv)
{
    apr_pool_t *p = tap_start();
    const char *dir = apr_pstrcat(p, cases_dir(p, argc, argv), "/lint", NULL);
    int count;
    const char **name = case_names(p, dir, &count);

    ok(count >= 13, "there are at least 13 cases");
    for (; *name; name++) {
        run_case(dir, *name);
    }
    test_twice();
    test_placeholders();
    test_size();
    return tap_done();
}
