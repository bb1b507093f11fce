/*
 * claims.c: claim policy at its boundaries.
 */
#include "jm_claims.h"
#include "jm_json.h"
#include "tap.h"

#define NOW 1700000000
#define LIVE "\"exp\":1700000100"

static const jm_key_t any_key;         /* without an issuer of its own */

static const jm_json_t *json(const char *text)
{
    const jm_json_t *root;

    if (jm_json_parse(&root, NULL, tap_pool, jm_str(text)) != APR_SUCCESS) {
        printf("Bail out! no JSON: %s\n", text);
        exit(2);
    }
    return root;
}

static jm_policy_t usual(void)
{
    jm_policy_t policy = { 0 };

    policy.leeway = JM_LEEWAY_DEFAULT;
    policy.require_expiration = 1;
    return policy;
}

typedef struct case_t {
    jm_verdict_e verdict;
    const char *json;
    const char *sentence;
} case_t;

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static jm_verdict_e check(const jm_policy_t *policy, const jm_key_t *key,
                          const jm_json_t *header, const jm_json_t *claims,
                          apr_int64_t now)
{
    jm_window_t window;

    return jm_claims_check(&window, policy, key, header, claims, now);
}

/* Each case's claims under one policy. */
static void run(const jm_policy_t *policy, const jm_key_t *key,
                const case_t *cases, apr_size_t count)
{
    apr_size_t i;

    for (i = 0; i < count; i++) {
        jm_verdict_e got = check(policy, key, json("{}"), json(cases[i].json),
                                 NOW);

        if (!ok(got == cases[i].verdict, "%s: %s",
                jm_error(cases[i].verdict)->name, cases[i].sentence)) {
            printf("# got %s: %s\n", jm_error(got)->name, cases[i].json);
        }
    }
}

/* --- typ --- */

typedef struct typ_case_t {
    jm_verdict_e verdict;
    const char *typ;           /* configured; "" is the default */
    const char *header;
} typ_case_t;

static const typ_case_t typs[] = {
    { JM_OK, "", "{}" },
    { JM_OK, "", "{\"typ\":\"JWT\"}" },
    { JM_OK, "", "{\"typ\":\"jwt\"}" },
    { JM_OK, "", "{\"typ\":\"application/JWT\"}" },
    { JM_OK, "", "{\"typ\":\"APPLICATION/jwt\"}" },
    { JM_OK, "", "{\"typ\":\"at+jwt\"}" },
    { JM_OK, "", "{\"typ\":\"application/at+JWT\"}" },
    { JM_TYP, "", "{\"typ\":\"\"}" },
    { JM_TYP, "", "{\"typ\":null}" },
    { JM_TYP, "", "{\"typ\":[\"JWT\"]}" },
    { JM_TYP, "", "{\"typ\":\"JWT \"}" },
    { JM_TYP, "", "{\"typ\":\"JWT\\u0000\"}" },
    { JM_TYP, "", "{\"typ\":\"JW\"}" },
    { JM_TYP, "", "{\"typ\":\"jwt+at\"}" },
    { JM_TYP, "", "{\"typ\":\"application/\"}" },
    { JM_TYP, "", "{\"typ\":\"application/application/JWT\"}" },
    { JM_TYP, "", "{\"typ\":\"text/JWT\"}" },
    { JM_TYP, "", "{\"typ\":\"/JWT\"}" },
    { JM_TYP, "", "{\"typ\":\"applicationJWT\"}" },
    { JM_TYP, "", "{\"typ\":\"logout+jwt\"}" },
    { JM_TYP, "", "{\"typ\":\"dpop+jwt\"}" },
    { JM_TYP, "", "{\"typ\":\"\\u212aWT\"}" },
    { JM_OK, "at+jwt", "{\"typ\":\"at+jwt\"}" },
    { JM_OK, "at+jwt", "{\"typ\":\"Application/AT+JWT\"}" },
    { JM_OK, "application/at+jwt", "{\"typ\":\"at+jwt\"}" },
    { JM_TYP, "at+jwt", "{\"typ\":\"JWT\"}" },
    { JM_TYP, "at+jwt", "{\"typ\":\"\"}" },
    { JM_TYP, "at+jwt", "{}" },
    { JM_OK, "JWT", "{\"typ\":\"jwt\"}" },
    { JM_TYP, "JWT", "{}" },
    { JM_TYP, "JWT", "{\"typ\":\"at+jwt\"}" },
    { JM_OK, "text/x", "{\"typ\":\"text/X\"}" },
    { JM_TYP, "text/x", "{\"typ\":\"application/text/x\"}" },
    { JM_TYP, "text/x", "{\"typ\":\"x\"}" }
};

static void test_typ(void)
{
    const jm_json_t *claims = json("{" LIVE "}");
    jm_policy_t policy = usual();
    unsigned i;

    for (i = 0; i < COUNT(typs); i++) {
        policy.typ = jm_str(typs[i].typ);
        ok(check(&policy, &any_key, json(typs[i].header), claims,
                           NOW) == typs[i].verdict,
           "%s: %s where typ is \"%s\"", jm_error(typs[i].verdict)->name,
           typs[i].header, typs[i].typ);
    }
}

/* --- types --- */

static const case_t types[] = {
    { JM_OK, "{" LIVE "}", "only exp" },
    { JM_CLAIM, "{}", "no exp" },
    { JM_OK, "{" LIVE ",\"iss\":\"\",\"sub\":\"\",\"jti\":\"\"}",
      "empty strings" },
    { JM_CLAIM, "{" LIVE ",\"iss\":1}", "iss as a number" },
    { JM_CLAIM, "{" LIVE ",\"iss\":null}", "iss null" },
    { JM_CLAIM, "{" LIVE ",\"iss\":[\"a\"]}", "iss as an array" },
    { JM_CLAIM, "{" LIVE ",\"sub\":1}", "sub as a number" },
    { JM_CLAIM, "{" LIVE ",\"sub\":{}}", "sub as an object" },
    { JM_CLAIM, "{" LIVE ",\"jti\":true}", "jti true" },
    { JM_CLAIM, "{" LIVE ",\"jti\":null}", "jti null" },
    { JM_OK, "{" LIVE ",\"aud\":\"a\"}", "aud as a string" },
    { JM_OK, "{" LIVE ",\"aud\":[]}", "aud as an empty array" },
    { JM_OK, "{" LIVE ",\"aud\":[\"a\",\"b\"]}", "aud as an array" },
    { JM_CLAIM, "{" LIVE ",\"aud\":[\"a\",1]}", "a number in aud" },
    { JM_CLAIM, "{" LIVE ",\"aud\":[\"a\",[\"b\"]]}", "an array in aud" },
    { JM_CLAIM, "{" LIVE ",\"aud\":null}", "aud null" },
    { JM_CLAIM, "{" LIVE ",\"aud\":{\"a\":1}}", "aud as an object" },
    { JM_CLAIM, "{\"exp\":\"1700000100\"}", "exp as a string" },
    { JM_CLAIM, "{\"exp\":\"9999999999\"}", "exp as a string far away" },
    { JM_CLAIM, "{\"exp\":true}", "exp true" },
    { JM_CLAIM, "{\"exp\":null}", "exp null" },
    { JM_CLAIM, "{\"exp\":[1700000100]}", "exp as an array" },
    { JM_CLAIM, "{\"exp\":1e400}", "exp 1e400" },
    { JM_CLAIM, "{\"exp\":1e999999999999}", "exp with a huge exponent" },
    { JM_OK, "{\"exp\":9223372036854775807}", "exp 2^63 - 1" },
    { JM_CLAIM, "{\"exp\":9223372036854775808}", "exp 2^63" },
    { JM_CLAIM, "{\"exp\":18446744073709551616}", "exp 2^64" },
    { JM_CLAIM, "{\"exp\":1700000100000000000000000000000}", "exp of 31 "
      "digits" },
    { JM_OK, "{\"exp\":1.7000001e9}", "exp with an exponent" },
    { JM_EXPIRED, "{\"exp\":0}", "exp 0" },
    { JM_EXPIRED, "{\"exp\":-1}", "exp -1" },
    { JM_EXPIRED, "{\"exp\":-9223372036854775807}", "exp -(2^63 - 1)" },
    { JM_CLAIM, "{\"exp\":-9223372036854775808}", "exp -2^63" },
    { JM_EXPIRED, "{\"exp\":1e-400}", "exp 1e-400" },
    { JM_CLAIM, "{" LIVE ",\"nbf\":\"0\"}", "nbf as a string" },
    { JM_CLAIM, "{" LIVE ",\"nbf\":null}", "nbf null" },
    { JM_CLAIM, "{" LIVE ",\"nbf\":9223372036854775808}", "nbf 2^63" },
    { JM_CLAIM, "{" LIVE ",\"iat\":\"0\"}", "iat as a string" },
    { JM_CLAIM, "{" LIVE ",\"iat\":false}", "iat false" },
    { JM_CLAIM, "{" LIVE ",\"iat\":1e19}", "iat 1e19" }
};

/* --- times; leeway is 10 --- */

static const case_t times[] = {
    { JM_OK, "{\"exp\":1700000001}", "exp in a second" },
    { JM_OK, "{\"exp\":1700000000}", "exp now" },
    { JM_OK, "{\"exp\":1699999991}", "now = exp + leeway - 1" },
    { JM_EXPIRED, "{\"exp\":1699999990}", "now = exp + leeway" },
    { JM_EXPIRED, "{\"exp\":1699999989}", "now = exp + leeway + 1" },
    { JM_OK, "{\"exp\":1699999990.001}", "now just before exp + leeway" },
    { JM_OK, "{\"exp\":1699999990.9}", "half a second more" },
    { JM_EXPIRED, "{\"exp\":1699999990.000}", "a fraction of zeros" },
    { JM_OK, "{" LIVE ",\"nbf\":1700000009}", "nbf = now + leeway - 1" },
    { JM_OK, "{" LIVE ",\"nbf\":1700000010}", "nbf = now + leeway" },
    { JM_NOT_YET, "{" LIVE ",\"nbf\":1700000010.1}", "nbf just after that" },
    { JM_NOT_YET, "{" LIVE ",\"nbf\":1700000011}", "nbf = now + leeway + 1" },
    { JM_NOT_YET, "{" LIVE ",\"nbf\":9223372036854775807}",
      "nbf 2^63 - 1" },
    { JM_OK, "{" LIVE ",\"nbf\":-9223372036854775807}", "nbf -(2^63 - 1)" },
    { JM_OK, "{" LIVE ",\"iat\":1700000010}", "iat = now + leeway" },
    { JM_NOT_YET, "{" LIVE ",\"iat\":1700000011}", "iat = now + leeway + 1" },
    { JM_NOT_YET, "{\"exp\":0,\"nbf\":1700000011}", "expired is said last" }
};

static void check_at(jm_verdict_e want, const char *claims, apr_int64_t now,
                     apr_int64_t leeway, const char *sentence)
{
    jm_policy_t policy = usual();

    policy.leeway = leeway;
    ok(check(&policy, &any_key, json("{}"), json(claims), now) == want,
       "%s: %s", jm_error(want)->name, sentence);
}

static void test_limits(void)
{
    check_at(JM_EXPIRED, "{\"exp\":100}", 100, 0, "no leeway, exp now");
    check_at(JM_OK, "{\"exp\":101}", 100, 0, "no leeway, exp in a second");
    check_at(JM_NOT_YET, "{\"exp\":999,\"nbf\":101}", 100, 0,
             "no leeway, nbf in a second");
    check_at(JM_OK, "{\"exp\":999,\"nbf\":100}", 100, 0,
             "no leeway, nbf now");
    check_at(JM_OK, "{\"exp\":9223372036854775807}", NOW, 3600,
             "exp + leeway does not wrap");
    check_at(JM_EXPIRED, "{\"exp\":-9223372036854775807}", NOW, 3600,
             "nor at the other end");
    check_at(JM_OK, "{\"exp\":9223372036854775807,"
             "\"nbf\":9223372036854775806}", APR_INT64_MAX - 1, 3600,
             "now + leeway does not wrap");
    check_at(JM_EXPIRED, "{\"exp\":100}", APR_INT64_MAX, 3600,
             "the end of time");
}

/* 1 if claims pass at this time. */
static int pass_at(const jm_policy_t *policy, const jm_json_t *claims,
                   apr_int64_t now)
{
    return check(policy, &any_key, json("{}"), claims, now) == JM_OK;
}

/* Of claims that pass now, the window says when they pass, and when not. */
static void test_window(void)
{
    static const char *const cases[] = {
        "{" LIVE "}", "{" LIVE ",\"nbf\":1699999000}",
        "{" LIVE ",\"iat\":1699999000.5}",
        "{" LIVE ",\"nbf\":1699999000,\"iat\":1699998000}",
        "{" LIVE ",\"nbf\":1699998000,\"iat\":1699999000}"
    };
    static const apr_int64_t leeways[] = { 0, 10, 3600 };
    jm_policy_t policy = usual();
    jm_window_t window;
    unsigned i, k;

    for (i = 0; i < COUNT(cases); i++) {
        const jm_json_t *claims = json(cases[i]);

        for (k = 0; k < COUNT(leeways); k++) {
            policy.leeway = leeways[k];
            ok(jm_claims_check(&window, &policy, &any_key, json("{}"), claims,
                               NOW) == JM_OK
               && (window.from == APR_INT64_MIN
                   || (pass_at(&policy, claims, window.from)
                       && !pass_at(&policy, claims, window.from - 1)))
               && pass_at(&policy, claims, window.until - 1)
               && !pass_at(&policy, claims, window.until)
               && (window.from == APR_INT64_MIN) == (i == 0),
               "window: %s with %d s of leeway", cases[i], (int)leeways[k]);
        }
    }
    policy.require_expiration = 0;
    ok(jm_claims_check(&window, &policy, &any_key, json("{}"), json("{}"),
                       NOW) == JM_OK
       && window.from == APR_INT64_MIN && window.until == APR_INT64_MAX,
       "window: all of time where the claims name none");
}

static void test_no_expiration(void)
{
    static const case_t cases[] = {
        { JM_OK, "{}", "no exp, and none is required" },
        { JM_EXPIRED, "{\"exp\":1699999990}", "one that is there counts" },
        { JM_CLAIM, "{\"exp\":null}", "null is not absent" }
    };
    jm_policy_t policy = usual();

    policy.require_expiration = 0;
    run(&policy, &any_key, cases, COUNT(cases));
}

static void test_lifetime(void)
{
    static const case_t cases[] = {
        { JM_OK, "{\"iat\":1700000000,\"exp\":1700000300}", "300 s" },
        { JM_LIFETIME, "{\"iat\":1700000000,\"exp\":1700000301}", "301 s" },
        { JM_CLAIM, "{\"exp\":1700000300}", "no iat" },
        { JM_CLAIM, "{\"iat\":1700000000}", "no exp" },
        { JM_LIFETIME, "{\"iat\":-9223372036854775807,"
          "\"exp\":9223372036854775807}", "a difference over 2^63" },
        { JM_EXPIRED, "{\"iat\":1700000000,\"exp\":-9223372036854775807}",
          "a negative one" }
    };
    jm_policy_t policy = usual();

    policy.max_lifetime = 300;
    run(&policy, &any_key, cases, COUNT(cases));
    policy.require_expiration = 0;
    run(&policy, &any_key, &cases[3], 1);
}

/* --- iss, aud, cnf --- */

static void test_issuer(void)
{
    static const case_t cases[] = {
        { JM_OK, "{" LIVE ",\"iss\":\"https://a\"}", "one of two" },
        { JM_OK, "{" LIVE ",\"iss\":\"https://b/\"}", "the other" },
        { JM_ISSUER, "{" LIVE "}", "no iss" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"\"}", "an empty iss" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a/\"}", "a slash more" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://b\"}", "a slash less" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://A\"}", "another case" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a\\u0000\"}", "a NUL more" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://\"}", "a prefix" },
        { JM_CLAIM, "{" LIVE ",\"iss\":[\"https://a\"]}", "an array" }
    };
    const jm_str_t issuers[] = { jm_str("https://a"), jm_str("https://b/") };
    jm_policy_t policy = usual();

    policy.issuers = issuers;
    policy.issuer_count = 2;
    run(&policy, &any_key, cases, COUNT(cases));
}

static void test_key_issuer(void)
{
    static const case_t fixed[] = {
        { JM_OK, "{" LIVE ",\"iss\":\"https://a\"}", "that of the key" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://b\"}", "another" },
        { JM_ISSUER, "{" LIVE "}", "none" }
    };
    static const case_t tenant[] = {
        { JM_OK, "{" LIVE ",\"iss\":\"https://a/t/v2\",\"tid\":\"t\"}",
          "its tenant is tid" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a/t/v2\",\"tid\":\"u\"}",
          "another tenant" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a/t/v2\",\"tid\":\"t/v2\"}",
          "a tenant that takes more" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a/t/v2\"}", "no tid" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a/1/v2\",\"tid\":1}",
          "tid as a number" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a//v2\",\"tid\":\"\"}",
          "an empty tid" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a/{tenantid}/v2\"}",
          "the template itself" },
        { JM_OK, "{" LIVE ",\"iss\":\"https://a/{tenantid}/v2\","
          "\"tid\":\"{tenantid}\"}", "a tenant of that name, once" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a/t/v2x\",\"tid\":\"t\"}",
          "more behind it" },
        { JM_ISSUER, "{" LIVE ",\"iss\":\"https://a/t\",\"tid\":\"t\"}",
          "less behind it" }
    };
    const jm_str_t issuers[] = { jm_str("https://b") };
    jm_policy_t policy = usual();
    jm_key_t key = { 0 };

    key.issuer = jm_str("https://a/{tenantid}/v2");
    run(&policy, &key, tenant, COUNT(tenant));
    key.issuer = jm_str("https://a");
    run(&policy, &key, fixed, COUNT(fixed));
    policy.issuers = issuers;
    policy.issuer_count = 1;
    ok(check(&policy, &key, json("{}"), json(fixed[0].json), NOW)
       == JM_ISSUER
       && check(&policy, &key, json("{}"), json(fixed[1].json), NOW)
          == JM_ISSUER,
       "issuer: the key's and the configured one must both hold");
}

static void test_audience(void)
{
    static const case_t cases[] = {
        { JM_OK, "{" LIVE ",\"aud\":\"api\"}", "a string" },
        { JM_OK, "{" LIVE ",\"aud\":[\"x\",\"web\"]}", "one of an array" },
        { JM_AUDIENCE, "{" LIVE "}", "no aud" },
        { JM_AUDIENCE, "{" LIVE ",\"aud\":[]}", "an empty array" },
        { JM_AUDIENCE, "{" LIVE ",\"aud\":\"\"}", "an empty string" },
        { JM_AUDIENCE, "{" LIVE ",\"aud\":\"ap\"}", "a prefix" },
        { JM_AUDIENCE, "{" LIVE ",\"aud\":\"api2\"}", "more" },
        { JM_AUDIENCE, "{" LIVE ",\"aud\":\"API\"}", "another case" },
        { JM_AUDIENCE, "{" LIVE ",\"aud\":\"api web\"}", "a list in a "
          "string" },
        { JM_AUDIENCE, "{" LIVE ",\"aud\":[\"x\",\"api\\u0000\"]}", "a NUL "
          "more" },
        { JM_CLAIM, "{" LIVE ",\"aud\":[\"api\",1]}", "a number beside it" }
    };
    const jm_str_t audiences[] = { jm_str("api"), jm_str("web") };
    jm_policy_t policy = usual();

    policy.audiences = audiences;
    policy.audience_count = 2;
    run(&policy, &any_key, cases, COUNT(cases));
}

static void test_bound(void)
{
    static const case_t cases[] = {
        { JM_BOUND, "{" LIVE ",\"cnf\":{\"jkt\":\"x\"}}", "cnf" },
        { JM_BOUND, "{" LIVE ",\"cnf\":null}", "cnf null" },
        { JM_BOUND, "{\"exp\":0,\"cnf\":{}}", "before expired" }
    };
    jm_policy_t policy = usual();

    run(&policy, &any_key, cases, COUNT(cases));
    policy.allow_bound = 1;
    ok(check(&policy, &any_key, json("{}"), json(cases[0].json),
                       NOW) == JM_OK, "ok: cnf, where it may be");
}

int main(void)
{
    jm_policy_t policy = usual();

    tap_start();
    test_typ();
    run(&policy, &any_key, types, COUNT(types));
    run(&policy, &any_key, times, COUNT(times));
    test_limits();
    test_window();
    test_no_expiration();
    test_lifetime();
    test_issuer();
    test_key_issuer();
    test_audience();
    test_bound();
    return tap_done();
}
