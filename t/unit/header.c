/* Reserved request headers: what is taken out, what is set. */
#include <apr_hash.h>

#include "tap.h"

#include "jm_header.h"

static jm_table_t *make_table(apr_pool_t *p, const char *const *names)
{
    jm_table_t *table = apr_pcalloc(p, sizeof(*table));

    for (; *names; names++) {
        jm_header_reserve(&table->reserved_headers, p, *names);
    }
    return table;
}

static void test_kinds(void)
{
    static const struct {
        const char *name;
        jm_header_e kind;
    } rows[] = {
        { "x-user-id", JM_HEADER_OK }, { "X_User.Id", JM_HEADER_OK },
        { "Authorization", JM_HEADER_CLIENT }, { "cookie", JM_HEADER_CLIENT },
        { "Accept-Language", JM_HEADER_CLIENT },
        { "If-None-Match", JM_HEADER_CLIENT },
        { "Content-Type", JM_HEADER_CLIENT },
        { "Content-Length", JM_HEADER_FRAMING },
        { "host", JM_HEADER_FRAMING }, { "TE", JM_HEADER_FRAMING },
        { "Proxy-Authorization", JM_HEADER_FRAMING },
        { "Hosts", JM_HEADER_OK }, { "X-Forwarded-For", JM_HEADER_PROXY },
        { "X-Forwarded-Proto", JM_HEADER_OK }, { "via", JM_HEADER_PROXY },
        { "", JM_HEADER_SYNTAX }, { "a b", JM_HEADER_SYNTAX },
        { "a:b", JM_HEADER_SYNTAX }, { "a\tb", JM_HEADER_SYNTAX },
        { "na\xc3\xafve", JM_HEADER_SYNTAX }, { "a(b", JM_HEADER_SYNTAX }
    };
    char longest[256];
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ok(jm_header_kind(jm_str(rows[i].name)) == rows[i].kind,
           "the kind of \"%s\"", rows[i].name);
    }
    memset(longest, 'x', 255);
    ok(jm_header_kind(jm_strn(longest, 255)) == JM_HEADER_OK,
       "a name of 255 octets can be mapped");
    memset(longest, 'x', 256);
    ok(jm_header_kind(jm_strn(longest, 256)) == JM_HEADER_SYNTAX,
       "a name of 256 octets cannot");
}

static void test_reserved(apr_pool_t *p)
{
    static const char *const names[] = { "x-user-id", NULL };
    static const char *const twins[] = {
        "x-user-id", "X-USER-ID", "x_user_id", "X.User.Id", "x-User_id", NULL
    };
    static const char *const others[] = {
        "x-user-i", "x-user-idd", "xuser-id", "x--user-id", "", "x user-id",
        NULL
    };
    static const char *const marks[] = { "_id", NULL };
    const jm_table_t *table = make_table(p, names);
    int i;

    ok(jm_header_reserved(make_table(p, marks), "-ID")
       && jm_header_reserved(make_table(p, marks), ".id")
       && !jm_header_reserved(make_table(p, marks), "xid"),
       "a name that begins with a mark has its spellings, too");
    for (i = 0; twins[i]; i++) {
        ok(jm_header_reserved(table, twins[i]), "%s is reserved", twins[i]);
    }
    for (i = 0; others[i]; i++) {
        ok(!jm_header_reserved(table, others[i]), "\"%s\" is not reserved",
           others[i]);
    }
}

static void test_apply(apr_pool_t *p)
{
    static const char *const names[] = { "x-user-id", "x-region", NULL };
    const jm_field_t set[] = {
        { "x-user-id", "alice", 1 }, { "x-region", NULL, 1 },
        { "Authorization", NULL, 0 }
    };
    const jm_table_t *table = make_table(p, names);
    apr_table_t *fields = apr_table_make(p, 8);

    apr_table_add(fields, "X-User-Id", "mallory");
    apr_table_add(fields, "X_USER_ID", "mallory");
    apr_table_add(fields, "x-user-id", "mallory");
    apr_table_add(fields, "x.region", "mars");
    apr_table_add(fields, "Authorization", "Bearer x");
    apr_table_add(fields, "X-Other", "kept");
    apr_table_add(fields, "Connection",
                  "close, x-user-id,X_Region ,  keep-alive,authorization");
    jm_headers_apply(fields, p, table, set, 3);
    ok(apr_table_elts(fields)->nelts == 3,
       "all spellings of reserved names are gone");
    is_str(jm_str(apr_table_get(fields, "x-user-id")), "alice",
           "ours is set");
    ok(!apr_table_get(fields, "Authorization"), "a field is taken out");
    is_str(jm_str(apr_table_get(fields, "Connection")), "close, keep-alive",
           "no Connection member nominates ours, the others stay");
    is_str(jm_str(apr_table_get(fields, "X-Other")), "kept",
           "another field stays");
    jm_headers_apply(fields, p, table, set, 3);
    ok(apr_table_elts(fields)->nelts == 3, "a second time changes nothing");
}

static void test_connection(apr_pool_t *p)
{
    static const char *const names[] = { "x-user-id", NULL };
    const jm_table_t *table = make_table(p, names);
    apr_table_t *fields = apr_table_make(p, 8);

    apr_table_add(fields, "Connection", "x-user-id");
    apr_table_add(fields, "connection", ", ,X-User_Id,,");
    jm_headers_strip(fields, p, table, NULL, 0);
    ok(!apr_table_get(fields, "Connection"),
       "a Connection that held only ours is gone, in all its lines");
    apr_table_add(fields, "Connection", "close;x-user-id;\"X_User_Id\"");
    jm_headers_strip(fields, p, table, NULL, 0);
    is_str(jm_str(apr_table_get(fields, "Connection")), "close",
           "a nomination behind a semicolon or in quotes goes, too");
    apr_table_unset(fields, "Connection");
    apr_table_add(fields, "Connection", "a,b,c");
    jm_headers_strip(fields, p, table, NULL, 0);
    is_str(jm_str(apr_table_get(fields, "Connection")), "a, b, c",
           "a list without blanks keeps its members");
}

/* A table of n times each field of set, at the very same pointers. */
static apr_table_t *copies(apr_pool_t *p, const jm_field_t *set, unsigned count,
                           unsigned n)
{
    apr_table_t *fields = apr_table_make(p, 8);

    while (n--) {
        unsigned i;

        for (i = 0; i < count; i++) {
            apr_table_addn(fields, set[i].name, set[i].value);
        }
    }
    return fields;
}

static int holds_once(const apr_table_t *fields, const char *name,
                      const char *value)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    int found = 0;
    int i;

    for (i = 0; i < array->nelts; i++) {
        if (!strcasecmp(entry[i].key, name)) {
            found += !strcmp(entry[i].val, value) ? 1 : 2;
        }
    }
    return found == 1;
}

/* What was applied before is taken as it is only if nothing else is there. */
static void test_again(apr_pool_t *p)
{
    static const char *const names[] = { "x-user-id", "x-role", NULL };
    const jm_field_t set[] = {
        { "x-user-id", "alice", 1 }, { "x-role", "user", 1 },
        { "Accept-Language", "en", 0 }
    };
    static const struct {
        const char *name;
        const char *sentence;
    } posed[] = {
        { "X-Role", "one in another case" },
        { "X_Role", "one in another spelling" },
        { "accept-language", "a field that clients send" },
    };
    const jm_table_t *table = make_table(p, names);
    apr_table_t *fields = copies(p, set, 3, 1);
    unsigned i;

    jm_headers_apply(fields, p, table, set, 3);
    ok(apr_table_elts(fields)->nelts == 3
       && holds_once(fields, "x-user-id", "alice"),
       "what is applied already stays");
    fields = copies(p, set, 3, 2);
    jm_headers_apply(fields, p, table, set, 3);
    ok(apr_table_elts(fields)->nelts == 3, "what is there twice is once");
    fields = copies(p, set, 3, 1);
    apr_table_unset(fields, "x-user-id");
    apr_table_setn(fields, set[0].name, set[0].value);
    jm_headers_apply(fields, p, table, set, 3);
    ok(apr_table_elts(fields)->nelts == 3
       && holds_once(fields, "x-user-id", "alice")
       && holds_once(fields, "x-role", "user"),
       "what is there in another order is there once");
    fields = copies(p, set, 2, 1);
    jm_headers_apply(fields, p, table, set, 3);
    ok(holds_once(fields, "Accept-Language", "en"),
       "what is missing is set");
    for (i = 0; i < 3; i++) {
        fields = copies(p, set, 3, 1);
        apr_table_addn(fields, posed[i].name, "posed");
        jm_headers_apply(fields, p, table, set, 3);
        ok(apr_table_elts(fields)->nelts == 3
           && holds_once(fields, "x-role", "user")
           && holds_once(fields, "accept-language", "en"),
           "beside what is applied, %s goes", posed[i].sentence);
    }
    fields = copies(p, set, 3, 1);
    apr_table_addn(fields, "connection", "close, x-role");
    jm_headers_apply(fields, p, table, set, 3);
    ok(holds_once(fields, "Connection", "close"),
       "and so does a nomination");
}

static void test_value(apr_pool_t *p)
{
    apr_table_t *fields = apr_table_make(p, 4);

    ok(!jm_header_value(fields, p, "A"), "no field has no value");
    apr_table_addn(fields, "a", "1");
    apr_table_addn(fields, "ab", "2");
    ok(!strcmp(jm_header_value(fields, p, "A"), "1"), "one line is its own");
    apr_table_addn(fields, "A", "3");
    ok(!strcmp(jm_header_value(fields, p, "a"), "1,3"),
       "two lines are joined");
}

static void test_trailers(apr_pool_t *p)
{
    static const char *const names[] = { "x-user-id", NULL };
    static const jm_field_t set[] = { { "Cookie", "a=1", 0 },
                                      { "Authorization", NULL, 0 } };
    const jm_table_t *table = make_table(p, names);
    apr_table_t *trailers = apr_table_make(p, 8);

    apr_table_add(trailers, "X_User.Id", "root");
    apr_table_add(trailers, "cookie", "a=2");
    apr_table_add(trailers, "authorization", "Bearer x");
    apr_table_add(trailers, "X-Sum", "1");
    jm_headers_strip_trailers(trailers, p, table, set, 2);
    ok(apr_table_elts(trailers)->nelts == 1
       && apr_table_get(trailers, "X-Sum"),
       "what is reserved or set is no trailer, others stay");
}

static void test_env(apr_pool_t *p)
{
    static const char *const names[] = { "x-user-id", NULL };
    static const char *const stays[] = {
        "X_USER_ID", "HTTP_X_USER_IDS", "HTTP_X_USER", "HTTP_COOKIE", "HTTP_",
        "REMOTE_USER", "REDIRECT_STATUS"
    };
    static const char *const goes[] = {
        "HTTP_X_USER_ID", "http_x-user.id", "REDIRECT_HTTP_X_USER_ID",
        "REDIRECT_REDIRECT_HTTP_X_USER_ID", "HTTP_AUTHORIZATION",
        "REDIRECT_HTTP_AUTHORIZATION"
    };
    static const jm_field_t set[] = { { "Authorization", NULL, 0 } };
    apr_table_t *env = apr_table_make(p, 16);
    apr_size_t i;

    for (i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) {
        apr_table_add(env, stays[i], "root");
    }
    for (i = 0; i < sizeof(goes) / sizeof(goes[0]); i++) {
        apr_table_add(env, goes[i], "root");
    }
    jm_headers_strip_env(env, make_table(p, names), set, 1);
    for (i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) {
        ok(apr_table_get(env, stays[i]) != NULL, stays[i]);
    }
    for (i = 0; i < sizeof(goes) / sizeof(goes[0]); i++) {
        ok(!apr_table_get(env, goes[i]), goes[i]);
    }
}

int main(void)
{
    apr_pool_t *p = tap_start();

    test_kinds();
    test_reserved(p);
    test_apply(p);
    test_connection(p);
    test_again(p);
    test_value(p);
    test_trailers(p);
    test_env(p);
    return tap_done();
}
