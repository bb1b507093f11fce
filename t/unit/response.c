/* Response headers: private, Vary, reflected parameters, mapping back. */
#include "tap.h"

#include "jm_response.h"

static apr_table_t *one(apr_pool_t *p, const char *name, const char *value)
{
    apr_table_t *fields = apr_table_make(p, 4);

    if (value) {
        apr_table_add(fields, name, value);
    }
    return fields;
}

static void test_private(apr_pool_t *p)
{
    static const struct {
        const char *value;
        const char *want;
    } rows[] = {
        { NULL, "private" }, { "public", "private" },
        { "max-age=60, public, s-maxage=9", "max-age=60, private" },
        { "PUBLIC,S-MaxAge=9", "private" }, { "no-store", "no-store, private" },
        { "private", "private" }, { "private=\"a, public\"", "private" },
        { "no-cache=\"public\"", "no-cache=\"public\", private" },
        { "publicity", "publicity, private" }, { "x", "x, private" }
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_table_t *fields = one(p, "Cache-Control", rows[i].value);

        jm_response_private(fields, p);
        is_str(jm_str(apr_table_get(fields, "cache-control")), rows[i].want,
               rows[i].value ? rows[i].value : "no Cache-Control");
    }
}

static void test_vary(apr_pool_t *p)
{
    static const struct {
        const char *value;
        const char *want;
    } rows[] = {
        { NULL, "Authorization" }, { "*", "*" },
        { "Accept", "Accept, Authorization" },
        { "Accept, authorization", "Accept, authorization" }
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_table_t *fields = one(p, "Vary", rows[i].value);

        jm_response_vary(fields, p, "Authorization");
        is_str(jm_str(apr_table_get(fields, "Vary")), rows[i].want,
               rows[i].value ? rows[i].value : "no Vary");
    }
}

static void test_unreflect(apr_pool_t *p)
{
    const jm_param_t ours[] = { { { "actor", 5 }, { "a b", 3 } } };
    static const struct {
        const char *name;
        const char *value;
        const char *want;
    } rows[] = {
        { "Location", "/x?actor=a%20b", "/x" },
        { "Location", "/x?q=1&actor=a%20b#f", "/x?q=1#f" },
        { "Location", "http://h/x?actor=a%20b&q=%31", "http://h/x?q=%31" },
        { "Location", "/x?actor=other", "/x?actor=other" },
        { "Location", "/x#?actor=a%20b", "/x#?actor=a%20b" },
        { "Location", "/actor=a%20b", "/actor=a%20b" },
        { "Content-Location", "?actor=a%20b", "?" },
        { "Location", "?actor=a%20b#f", "?#f" },
        { "Refresh", "5; url=/x?actor=a%20b", "5; url=/x" },
        { "Refresh", "5; URL=\"/x?actor=a%20b&y\"", "5; URL=\"/x?y\"" },
        { "Refresh", "5", "5" },
        { "Refresh", "5;", "5;" },
        { "Refresh", "", "" },
        { "Refresh", "0; /x?actor=a+b", "0; /x" },
        { "Refresh", "0,URL = '/x?actor=a%20b'; y", "0,URL = '/x'; y" },
        { "Refresh", "0; url=/x?url=/y&actor=a%20b", "0; url=/x?url=/y" },
        { "Refresh", "1.5 ; url?actor=a%20b", "1.5 ; url" },
        { "Refresh", "0; url=\"/x?actor=a%20b", "0; url=\"/x" },
        { "Link", "</x?actor=a%20b>; rel=next, </y?z=1&actor=a%20b>; rel=a",
          "</x>; rel=next, </y?z=1>; rel=a" },
        { "Link", "<broken?actor=a%20b", "<broken?actor=a%20b" },
        { "X-Other", "/x?actor=a%20b", "/x?actor=a%20b" }
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_table_t *fields = one(p, rows[i].name, rows[i].value);

        jm_response_unreflect(fields, p, ours, 1);
        is_str(jm_str(apr_table_get(fields, rows[i].name)), rows[i].want,
               rows[i].value);
    }
}

static void test_map_back(apr_pool_t *p)
{
    static const struct {
        const char *value;
        const char *want;
    } rows[] = {
        { "http://up:9000/base/x?y", "http://gw/p/x?y" },
        { "http://up:9000/base", "http://gw/p" },
        { "HTTP://UP:9000/base/", "http://gw/p/" },
        { "http://up:9000/basement", "http://up:9000/basement" },
        { "http://up:9000/other", "http://up:9000/other" },
        { "/base/x", "/base/x" }
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        apr_table_t *fields = one(p, "Location", rows[i].value);

        jm_response_map_back(fields, p, "http://up:9000/base", "http://gw/p");
        is_str(jm_str(apr_table_get(fields, "Location")), rows[i].want,
               rows[i].value);
    }
}

static void test_untarget(apr_pool_t *p)
{
    apr_table_t *fields = apr_table_make(p, 4);

    apr_table_add(fields, "CDN-Cache-Control", "max-age=60");
    apr_table_add(fields, "surrogate-control", "max-age=60");
    apr_table_add(fields, "Surrogate-Control", "content=\"ESI/1.0\"");
    apr_table_add(fields, "Cache-Control", "private");
    apr_table_add(fields, "X-Cache-Controlled", "1");
    apr_table_add(fields, "Any-cache-control", "public");
    jm_response_untarget(fields);
    ok(apr_table_elts(fields)->nelts == 2
       && apr_table_get(fields, "Cache-Control")
       && apr_table_get(fields, "X-Cache-Controlled"),
       "fields for shared caches go, others stay");
}

int main(void)
{
    apr_pool_t *p = tap_start();

    test_private(p);
    test_vary(p);
    test_untarget(p);
    test_unreflect(p);
    test_map_back(p);
    return tap_done();
}
