/*
 * remote.c: URLs, answers and snapshots of fetched key sets, without network.
 */
#include "jm_remote.h"
#include "tap.h"

#define RSA_N \
    "u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7" \
    "QkrmBL7jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRni" \
    "WaoLcyehkd3qqGElvW_VDL5AaWTg0nLVkjRo9z-40RQzuVaE8AkAFmxZzow3x-VJYKdjyk" \
    "kJ0iT9wCS0DRTXu269V264Vf_3jvredZiKRkgwlL9xNAwxXFg0x_XFw005UWVRIkdgcKWT" \
    "jpBP2dPwVZ4WWC-9aGVd-Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbcmw"
#define RSA_KEY "{\"kty\":\"RSA\",\"kid\":\"a\",\"e\":\"AQAB\",\"n\":\"" \
    RSA_N "\"}"

static void test_urls(void)
{
    static const char *const good[] = {
        "https://issuer.example/jwks.json", "HTTPS://issuer.example",
        "https://issuer.example:8443/a/b?tenant=x&y=%20",
        "https://[2001:db8::1]:443/", "http://127.0.0.1/jwks",
        "http://127.255.0.9:80/", "http://[::1]:8080/x",
        "http://localhost/", "http://LOCALHOST:1?x", NULL
    };
    static const char *const bad[] = {
        "", "issuer.example", "//issuer.example/", "ftp://issuer.example/",
        "file:///etc/passwd", "https:/issuer.example", "https://",
        "https:///jwks", "https://?x", "https://:443/", "https://[::1",
        "https://[::1]x/", "https://a@b/", "https://a:b@c/",
        "https://host:/", "https://host:x/", "https://host:1234567/",
        "https://host/#f", "https://host/a b", "https://host/\t",
        "https://host/\x7f", "https://host/\xc3\xa4", "https://host\\@x/",
        "http://issuer.example/", "http://127.0.0.1.example/",
        "http://127.0.0.1@evil.example/", "http://127.1/", "http://127./",
        "http://127.0..1/", "http://0.0.0.0/", "http://localhost.evil/",
        "http://localhost:80@evil/", "http://128.0.0.1/", NULL
    };
    unsigned i;

    for (i = 0; good[i]; i++) {
        ok(!jm_remote_check_url(good[i]), "may be fetched: %s", good[i]);
    }
    for (i = 0; bad[i]; i++) {
        ok(jm_remote_check_url(bad[i]) != NULL, "may not be fetched: %s",
           bad[i]);
    }
    is_str(jm_str(jm_remote_discovery_url(tap_pool, "https://a.example/r/")),
           "https://a.example/r/.well-known/openid-configuration",
           "the final slash of an issuer does not count for discovery");
    is_str(jm_str(jm_remote_for_log(tap_pool, "https://a/b?secret")),
           "https://a/b", "a query is not for the log");
}

static const char *discovered(const char *document, const char *issuer)
{
    const char *url, *error = "";
    apr_status_t rv = jm_remote_discovered(&url, &error, tap_pool,
                                           jm_str(document), issuer);

    if (rv != APR_SUCCESS) {
        ok(!url && *error, "a refusal gives a reason and no URL");
    }
    return url ? url : "refused";
}

static void test_discovery(void)
{
    is_str(jm_str(discovered("{\"issuer\":\"https://a/\",\"x\":1,"
                             "\"jwks_uri\":\"https://keys.b/k?t=1\"}",
                             "https://a/")),
           "https://keys.b/k?t=1", "the set may lie on another host");
    is_str(jm_str(discovered("{\"issuer\":\"https://a\","
                             "\"jwks_uri\":\"https://a/k\"}", "https://a/")),
           "refused", "an issuer that differs in a slash is another one");
    is_str(jm_str(discovered("{\"jwks_uri\":\"https://a/k\"}", "https://a")),
           "refused", "no issuer is another one");
    is_str(jm_str(discovered("{\"issuer\":[\"https://a\"],"
                             "\"jwks_uri\":\"https://a/k\"}", "https://a")),
           "refused", "an array of issuers is none");
    is_str(jm_str(discovered("{\"issuer\":\"https://a\"}", "https://a")),
           "refused", "a document without jwks_uri is refused");
    is_str(jm_str(discovered("{\"issuer\":\"https://a\","
                             "\"jwks_uri\":\"http://b/k\"}", "https://a")),
           "refused", "a jwks_uri over plain http is refused");
    is_str(jm_str(discovered("{\"issuer\":\"https://a\","
                             "\"jwks_uri\":\"https://a/k\\u0000.b\"}",
                             "https://a")),
           "refused", "a jwks_uri with a NUL is refused");
    is_str(jm_str(discovered("[]", "https://a")), "refused",
           "an array is no document");
    is_str(jm_str(discovered("{\"issuer\":\"https://a\",\"issuer\":"
                             "\"https://a\",\"jwks_uri\":\"https://a/k\"}",
                             "https://a")),
           "refused", "a name that stands twice makes no document");
}

static const jm_keyset_t *keys(const char *answer, const char **pignored)
{
    const jm_keyset_t *set;
    const char *error = "";
    apr_status_t rv = jm_remote_keys(&set, &error, pignored, tap_pool,
                                     tap_pool, jm_str(answer));

    if (rv != APR_SUCCESS) {
        ok(!set && *error, "a failure has a reason: %s", error);
    }
    return set;
}

static void test_keys(void)
{
    const char *ignored;
    const char *many = RSA_KEY;
    const jm_keyset_t *set;
    int i;

    set = keys("{\"keys\":[" RSA_KEY "]}", &ignored);
    ok(set && set->count == 1 && !ignored, "a key is read");
    set = keys("{\"keys\":[" RSA_KEY ",{\"kty\":\"AKP\",\"kid\":\"b\"},"
               "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
               "AAAAAAA\"},{\"kty\":\"RSA\",\"kid\":\"hush\"}]}", &ignored);
    ok(set && set->count == 1, "what is unknown, weak or symmetric is left "
       "out");
    ok(ignored && strstr(ignored, "/keys/2: ") && strstr(ignored, "/keys/3: ")
       && !strstr(ignored, "/keys/1") && !strstr(ignored, "hush"),
       "what is left out is said without its text, an unknown kty is not");
    ok(!keys("{\"keys\":[]}", NULL), "an empty set is a failure");
    ok(!keys("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAA"
             "AAAAAAAAAAAAAAAA\"}]}", NULL),
       "a set of symmetric keys is a failure");
    ok(!keys("{\"error\":\"x\"}", NULL), "another object is a failure");
    ok(!keys("\x1f\x8b\x08", NULL), "gzip is a failure");
    ok(!keys("", NULL), "nothing is a failure");
    for (i = 1; i < JM_JWKS_REMOTE_KEYS_MAX; i++) {
        many = apr_pstrcat(tap_pool, many, ",", "{\"kty\":\"x\"}", NULL);
    }
    ok(keys(apr_pstrcat(tap_pool, "{\"keys\":[", many, "]}", NULL), NULL)
       != NULL, "100 keys are fine");
    ok(!keys(apr_pstrcat(tap_pool, "{\"keys\":[", many, ",{\"kty\":\"x\"}]}",
                         NULL), NULL), "101 are a failure");
}

static void test_max_age(void)
{
    static const struct {
        const char *value;
        int seconds;
    } cases[] = {
        { NULL, -1 }, { "", -1 }, { "no-cache", -1 }, { "max-age=60", 60 },
        { "public, MAX-AGE=60 , must-revalidate", 60 }, { "max-age=0", 0 },
        { "max-age=\"60\"", 60 }, { "max-age=90, max-age=60", 60 },
        { "s-maxage=5", -1 }, { "max-age=-1", -1 }, { "max-age=", -1 },
        { "max-age=6x", -1 }, { "x-max-age=5", -1 }, { ",,,", -1 },
        { "max-age=99999999999999999999", APR_INT32_MAX }
    };
    jm_remote_t *remote = jm_remote_make(tap_pool, "https://a/", NULL, NULL);
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(jm_remote_max_age(cases[i].value) == cases[i].seconds,
           "Cache-Control: %s", cases[i].value ? cases[i].value : "(none)");
    }
    ok(jm_remote_lifetime(remote, -1) == 600, "without max-age, the default");
    ok(jm_remote_lifetime(remote, 60) == 60, "a shorter max-age counts");
    ok(jm_remote_lifetime(remote, 6000) == 600, "a longer one does not");
    ok(jm_remote_lifetime(remote, 0) == 10, "min_refresh is the floor");
}

static void test_ids(void)
{
    const jm_remote_t *a = jm_remote_make(tap_pool, "https://a/", NULL, NULL);

    ok(strlen(a->id) == 64, "an id is 64 hex digits");
    is_str(jm_str(jm_remote_make(tap_pool, "https://a/", NULL, NULL)->id),
           a->id, "the same set has the same id");
    ok(strcmp(jm_remote_make(tap_pool, "https://a/", "https://a/", NULL)->id,
              a->id), "one that is discovered is another");
    ok(strcmp(jm_remote_make(tap_pool, "https://a/", NULL, "/ca")->id, a->id),
       "one that another authority vouches for is another");
    ok(strcmp(jm_remote_make(tap_pool, "https://a/", "/ca", NULL)->id,
              jm_remote_make(tap_pool, "https://a/", NULL, "/ca")->id),
       "the parts of an id do not run into each other");
}

static int parses(const char *text, const jm_remote_t *remote)
{
    jm_snapshot_t snapshot;

    return jm_snapshot_parse(&snapshot, jm_str(text), remote) == APR_SUCCESS;
}

static void test_snapshots(void)
{
    jm_remote_t *remote = jm_remote_make(tap_pool, "https://a/", NULL, NULL);
    const jm_remote_t *other = jm_remote_make(tap_pool, "https://b/", NULL,
                                              NULL);
    jm_snapshot_t out = { 1700000000, 1700000300, { NULL, 0 } };
    const char *head = jm_snapshot_head(tap_pool, remote, &out);
    const char *text = apr_pstrcat(tap_pool, head, "{\n\n}", NULL);
    jm_snapshot_t in;
    apr_size_t i;
    int cut = 0;

    ok(jm_snapshot_parse(&in, jm_str(text), remote) == APR_SUCCESS
       && in.fetched == out.fetched && in.expires == out.expires,
       "a snapshot is read as it was written");
    is_str(in.answer, "{\n\n}", "with the answer as it came");
    ok(!parses(text, other), "one of another set is refused");
    for (i = 0; i < strlen(head); i++) {
        cut += parses(apr_pstrmemdup(tap_pool, text, i), remote);
    }
    ok(cut == 0, "one that is cut in its head is refused");
    ok(!parses(apr_psprintf(tap_pool, "mod_jwtmap key set 1\nset %s\n"
                            "fetched 1700000000000\nexpires 1700000001000\n"
                            "\n{}", remote->id), remote),
       "a number of 13 digits is refused");
    ok(!parses(apr_psprintf(tap_pool, "mod_jwtmap key set 1\nset %s\n"
                            "fetched 5\nexpires 4\n\n{}", remote->id), remote),
       "one that expired before it came is refused");
    ok(jm_snapshot_usable_until(&in, remote, in.fetched) == in.expires + 3600,
       "it may be used for stale_grace past its time");
    remote->cache_duration = 100;
    ok(jm_snapshot_usable_until(&in, remote, in.fetched)
       == in.fetched + 100 + 3600, "a time that was made shorter counts");
    ok(jm_snapshot_usable_until(&in, remote, in.fetched - 61) == 0,
       "one of the future is not used");
    ok(jm_snapshot_usable_until(&in, remote, in.fetched - 59) > 0,
       "a clock that is a little late is no future");
}

int main(void)
{
    tap_start();
    test_urls();
    test_discovery();
    test_keys();
    test_max_age();
    test_ids();
    test_snapshots();
    return tap_done();
}
