/*
 * revoked.c: revocation lists: what is a list, and whom it is for.
 */
#include "jm_json.h"
#include "jm_revoked.h"
#include "tap.h"

static const jm_revoked_t *parse(const char **perror, const char *text)
{
    const jm_revoked_t *list;
    apr_status_t rv = jm_revoked_parse(&list, perror, tap_pool, jm_str(text));

    if ((rv == APR_SUCCESS) != (list != NULL)
        || (rv == APR_EINVAL) != (*perror != NULL)) {
        ok(0, "a list or an error: %s", text);
    }
    return list;
}

static int has(const char *text, const char *claims)
{
    const char *error;
    const jm_revoked_t *list = parse(&error, text);
    const jm_json_t *json;

    if (!list || jm_json_parse(&json, NULL, tap_pool, jm_str(claims))
                 != APR_SUCCESS) {
        ok(0, "%s and %s are read: %s", text, claims, error ? error : "");
        return -1;
    }
    return jm_revoked_has(list, json);
}

static void test_values(void)
{
    static const char list[] =
        "# stolen\n\njti:one\n  \t\nsub:al ice#1\n   # more\nsid:s:1\r\n";
    static const char good[] = "jti:one\n# a comment\n\nsub:al ice#1\n"
                               "sid:s:1";

    ok(!has("", "{\"jti\":\"one\"}"), "an empty list has nobody");
    ok(!has("# jti:one\n\r\n", "{\"jti\":\"one\"}"),
       "a comment is no entry, and CR LF may end a line without one");
    ok(has(good, "{\"jti\":\"one\"}"), "a jti is found");
    ok(has(good, "{\"sub\":\"al ice#1\"}"),
       "a sub is the rest of its line");
    ok(has(good, "{\"sid\":\"s:1\"}"),
       "a sid may hold a colon, and the last line needs no end");
    ok(!has(good, "{\"jti\":\"One\"}"), "another case is another value");
    ok(!has(good, "{\"jti\":\"one \"}"), "a longer value is another one");
    ok(!has(good, "{\"jti\":\"on\"}"), "so is a shorter one");
    ok(!has(good, "{\"sub\":\"one\",\"sid\":\"one\"}"),
       "a value is for its claim only");
    ok(has("sid:77\n", "{\"sid\":77}") && !has("sid:77\n", "{\"sid\":7}"),
       "a sid may be a number");
    ok(!has(good, "{\"jti\":[\"one\"],\"sid\":true}"),
       "a claim that is neither is not found");
    ok(!has(good, "{}"), "no claims are not found");
    ok(has("jti:a\nsub:b\n", "{\"jti\":\"x\",\"sub\":\"b\"}"),
       "one entry is enough");
    ok(!parse(&(const char *){ NULL }, list), "CR LF behind an entry is an "
       "error");
}

static void test_before(void)
{
    static const char list[] = "iat<100\n";

    ok(has(list, "{\"iat\":99}"), "iat< has what was issued before");
    ok(!has(list, "{\"iat\":100}"), "and not what was issued then");
    ok(!has(list, "{\"iat\":101}"), "or later");
    ok(has(list, "{\"iat\":99.999}"), "a fraction of a second before counts");
    ok(!has(list, "{\"iat\":1e2}") && !has(list, "{\"iat\":100.0}"),
       "the spelling of a number does not");
    ok(has(list, "{\"iat\":-5}"), "a negative time is before");
    ok(has(list, "{}"), "a token without iat is refused");
    ok(has(list, "{\"iat\":\"200\"}"), "so is one whose iat is no number");
    ok(has("iat<100\niat<300\niat<200\n", "{\"iat\":299}"),
       "the latest of several counts");
    ok(has("iat<0", "{}") && !has("iat<0", "{\"iat\":0}"),
       "iat<0 asks for an iat");
    ok(!has("jti:a", "{}"), "without iat< no iat is asked for");
    ok(has("iat<999999999999999999", "{\"iat\":999999999999999998}"),
       "18 digits are a time");
}

static void test_errors(void)
{
    static const char *const cases[][2] = {
        { "jti:a\nexp:b\n", "line 2: write jti:VALUE, sub:VALUE, sid:VALUE "
                            "or iat<SECONDS" },
        { "jti", "line 1: write jti:VALUE, sub:VALUE, sid:VALUE or "
                 "iat<SECONDS" },
        { "JTI:a", "line 1: write jti:VALUE, sub:VALUE, sid:VALUE or "
                   "iat<SECONDS" },
        { " jti:a", "line 1: write jti:VALUE, sub:VALUE, sid:VALUE or "
                    "iat<SECONDS" },
        { "\xef\xbb\xbfjti:a", "line 1: write jti:VALUE, sub:VALUE, "
                               "sid:VALUE or iat<SECONDS" },
        { "\n\njti:\n", "line 3: the value is missing" },
        { "jti: a", "line 1: a blank stands before or behind the value: "
                    "remove it" },
        { "jti:a ", "line 1: a blank stands before or behind the value: "
                    "remove it" },
        { "jti:a # who", "line 1: a comment needs a line of its own" },
        { "jti:a\r\n", "line 1: the line ends in CR LF: write LF only" },
        { "jti:a\tb", "line 1: a control character stands in the value" },
        { "sub:\xff", "line 1: the value is not UTF-8" },
        { "iat<", "line 1: write the time as seconds since 1970, as in "
                  "iat<1767225600" },
        { "iat<-1", "line 1: write the time as seconds since 1970, as in "
                    "iat<1767225600" },
        { "iat<1.5", "line 1: write the time as seconds since 1970, as in "
                     "iat<1767225600" },
        { "iat<1000000000000000000", "line 1: write the time as seconds "
                                     "since 1970, as in iat<1767225600" },
        { "iat<100 ", "line 1: write the time as seconds since 1970, as in "
                      "iat<1767225600" }
    };
    const jm_revoked_t *list;
    const char *error;
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        parse(&error, cases[i][0]);
        is_str(jm_str(error), cases[i][1], apr_pstrcat(tap_pool,
               "a mistake: ", cases[i][1], NULL));
    }
    ok(jm_revoked_parse(&list, &error, tap_pool, jm_strn("jti:a\0b", 7))
       == APR_EINVAL, "NUL is a control character");
}

int main(void)
{
    tap_start();
    test_values();
    test_before();
    test_errors();
    return tap_done();
}
