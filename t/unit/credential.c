/* The one credential of a request: found, refused, taken out. */
#include "tap.h"

#include "jm_credential.h"

static const jm_source_t bearer = { "Authorization", { "Bearer ", 7 }, 1 };
static const jm_source_t prefixed = { "X-Token", { "tok:", 4 }, 0 };
static const char *const session[] = { "session" };

static const jm_authorizer_t by_bearer = {
    .name = "bearer", .headers = &bearer, .header_count = 1
};
static const jm_authorizer_t by_prefix = {
    .name = "prefix", .headers = &prefixed, .header_count = 1
};
static const jm_authorizer_t by_cookie = {
    .name = "cookie", .cookies = session, .cookie_count = 1
};
static const jm_authorizer_t *const all[] = {
    &by_bearer, &by_prefix, &by_cookie, &by_bearer
};

static jm_credential_t cred;

/* What is said of a credential that does not verify; JM_OK: nothing, but
 * that. */
static jm_verdict_e find(apr_pool_t *p, const char *name, const char *value,
                         const char *name2, const char *value2)
{
    apr_table_t *headers = apr_table_make(p, 4);
    jm_verdict_e verdict;

    if (name) {
        apr_table_add(headers, name, value);
    }
    if (name2) {
        apr_table_add(headers, name2, value2);
    }
    verdict = jm_credential_find(&cred, p, headers, all, 4);
    if (verdict == JM_OK
        && jm_credential_blame(&cred, JM_MALFORMED) != JM_MALFORMED) {
        verdict = jm_credential_blame(&cred, JM_MALFORMED);
        memset(&cred, 0, sizeof(cred));
    }
    return verdict;
}

static void test_bearer(apr_pool_t *p)
{
    static const struct {
        const char *value;
        jm_verdict_e verdict;
        const char *token;
    } rows[] = {
        { "Bearer a.b.c", JM_OK, "a.b.c" },
        { "bearer a.b.c", JM_OK, "a.b.c" },
        { "BEARER   a.b.c", JM_OK, "a.b.c" },
        { "Bearer a-._~+/9==", JM_OK, "a-._~+/9==" },
        { "", JM_NO_TOKEN, "" },
        { "Basic YTpi", JM_NO_TOKEN, "" },
        { "Bearertoken x", JM_NO_TOKEN, "" },
        { "Bearers", JM_NO_TOKEN, "" },
        { "Digest a=b, c=d", JM_NO_TOKEN, "" },
        { "Digest a=b, bearers x", JM_NO_TOKEN, "" },
        { "Bearer", JM_CREDENTIALS, "" },
        { "Bearer ", JM_CREDENTIALS, "" },
        { "Bearer\ta.b.c", JM_CREDENTIALS, "" },
        { "Bearer \ta.b.c", JM_CREDENTIALS, "" },
        { "Bearer a.b.c d", JM_CREDENTIALS, "" },
        { "Bearer a.b.c ", JM_CREDENTIALS, "" },
        { "Bearer a=b", JM_CREDENTIALS, "" },
        { "Bearer =", JM_CREDENTIALS, "" },
        { "Bearer a,b", JM_CREDENTIALS, "" },
        { "Bearer, a", JM_CREDENTIALS, "" },
        { "Bearer a.b.c, Bearer d.e.f", JM_CREDENTIALS, "" },
        { "Bearer a.b.c, Basic YTpi", JM_CREDENTIALS, "" },
        { "Basic YTpi, Bearer a.b.c", JM_CREDENTIALS, "" },
        { "Basic YTpi,bEaReR a.b.c", JM_CREDENTIALS, "" },
        { "Bearer \"a.b.c\"", JM_CREDENTIALS, "" },
        { "Bearer a.\xc3\xa9.c", JM_CREDENTIALS, "" },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ok(find(p, "Authorization", rows[i].value, NULL, NULL)
           == rows[i].verdict && jm_str_is(cred.token, rows[i].token),
           "Authorization: %s", rows[i].value);
    }
    ok(find(p, NULL, NULL, NULL, NULL) == JM_NO_TOKEN, "no field, no token");
    ok(find(p, "authorization", "Bearer a.b.c", "Authorization",
            "Bearer a.b.c") == JM_CREDENTIALS,
       "the same token on two lines is two credentials");
}

static void test_others(apr_pool_t *p)
{
    ok(find(p, "X-Token", "tok:a.b.c", NULL, NULL) == JM_OK
       && jm_str_is(cred.token, "a.b.c"), "a prefix goes before the token");
    ok(find(p, "X-Token", "a.b.c", NULL, NULL) == JM_NO_TOKEN,
       "without the prefix it is no credential");
    ok(find(p, "X-Token", "tok:", NULL, NULL) == JM_NO_TOKEN,
       "a prefix alone is an empty field");
    ok(find(p, "X-Token", "tok:a.b.c, tok:a.b.c", NULL, NULL)
       == JM_CREDENTIALS, "two joined lines are two credentials");
    ok(find(p, "Cookie", "a=1; session=x.y.z; b=2", NULL, NULL) == JM_OK
       && jm_str_is(cred.token, "x.y.z"), "a cookie among others");
    ok(find(p, "Cookie", "session=\"x.y.z\"", NULL, NULL) == JM_OK
       && jm_str_is(cred.token, "x.y.z"), "a quoted cookie");
    ok(find(p, "Cookie", "Session=x.y.z; sessions=a; xsession=b", NULL, NULL)
       == JM_NO_TOKEN, "cookie names are compared whole, with case");
    ok(find(p, "Cookie", "session=", NULL, NULL) == JM_NO_TOKEN,
       "an empty cookie is none");
    ok(find(p, "Cookie", "session=a; session=b", NULL, NULL)
       == JM_CREDENTIALS, "two cookies of the name are two credentials");
    ok(find(p, "Cookie", "a=1", "cookie", "session=x.y.z") == JM_OK
       && jm_str_is(cred.token, "x.y.z"), "a cookie on a second line");
    ok(find(p, "Cookie", "session=x.y.z, a=1", NULL, NULL) == JM_OK
       && jm_str_is(cred.token, "x.y.z"), "lines that httpd joined");
    ok(find(p, "Cookie", "session=a; b=1, session=b", NULL, NULL)
       == JM_CREDENTIALS, "a cookie of the name on each line are two");
    ok(find(p, "Cookie", "session=x.y.z", "Authorization", "Bearer a.b.c")
       == JM_CREDENTIALS, "a cookie and a field are two credentials");
    ok(find(p, "X-Token", "tok:a.b.c", "Authorization", "Bearer a.b.c")
       == JM_CREDENTIALS, "two fields are two credentials");
    ok(find(p, "X-Token", "tok:a.b.c", "Authorization", "Basic YTpi")
       == JM_OK, "Basic beside another source is no credential");
}

static const char *removed(apr_pool_t *p, const char *cookies)
{
    apr_table_t *headers = apr_table_make(p, 2);

    apr_table_add(headers, "Cookie", cookies);
    jm_credential_find(&cred, p, headers, all, 4);
    return jm_credential_removed(&cred, p, headers).value;
}

static void test_removed(apr_pool_t *p)
{
    apr_table_t *headers = apr_table_make(p, 2);
    jm_field_t field;

    apr_table_add(headers, "Authorization", "Bearer a.b.c");
    jm_credential_find(&cred, p, headers, all, 4);
    field = jm_credential_removed(&cred, p, headers);
    ok(!strcmp(field.name, "Authorization") && !field.value,
       "the field that carried the token goes");
    ok(!removed(p, "session=a"), "a Cookie field with only the token goes");
    is_str(jm_str(removed(p, "a=1; session=t; b=2")), "a=1; b=2",
           "the other cookies stay");
    is_str(jm_str(removed(p, "session=t; b=\"2\";c")), "b=\"2\";c",
           "as they were");
    is_str(jm_str(removed(p, "session=t; ,b=1, c=2,3; d")), "b=1, c=2,3; d",
           "also behind a comma of their own");
    ok(!removed(p, "session=; session=t, session="),
       "every cookie of the name goes");
    is_str(jm_str(removed(p, "a=1, session=t")), "a=1",
           "the token goes from a second line");
    is_str(jm_str(removed(p, "session=t, a=1")), "a=1",
           "and from the first of two");
}

static void test_from(apr_pool_t *p)
{
    find(p, "Cookie", "session=x.y.z", NULL, NULL);
    ok(jm_credential_from(&cred, &by_cookie)
       && !jm_credential_from(&cred, &by_bearer),
       "a cookie is from the authorizer that names it");
    find(p, "Authorization", "Bearer x.y.z", NULL, NULL);
    ok(jm_credential_from(&cred, &by_bearer)
       && !jm_credential_from(&cred, &by_prefix)
       && !jm_credential_from(&cred, &by_cookie),
       "a field is from the authorizer that names it");
}

int main(void)
{
    apr_pool_t *p = tap_start();

    test_bearer(p);
    test_others(p);
    test_removed(p);
    test_from(p);
    return tap_done();
}
