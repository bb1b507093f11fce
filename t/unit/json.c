/*
 * json.c: jm_json_parse takes all that RFC 8259 allows, nothing else, says
 * where and what is wrong, and keeps every octet and digit.
 */
#include <time.h>

#include "tap.h"

#include <apr_time.h>

#include "jm_json.h"

/* A C string with its NULs. */
#define T(s) { s, sizeof(s) - 1 }

static apr_status_t parse(const jm_json_t **proot, jm_json_error_t *err,
                          jm_str_t text)
{
    /* A copy of exact size: a sanitizer sees each octet read too many. */
    char *copy = malloc(text.len ? text.len : 1);
    apr_status_t rv;

    if (text.len) {
        memcpy(copy, text.ptr, text.len);
    }
    rv = jm_json_parse(proot, err, tap_pool, jm_strn(copy, text.len));
    free(copy);
    return rv;
}

/* Text as it may stand in the name of a test. */
static const char *shown(jm_str_t text)
{
    char *out = apr_palloc(tap_pool, text.len * 4 + 1);
    char *to = out;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        to += sprintf(to, c < 0x20 || c > 0x7E || c == '#' ? "\\x%02X" : "%c",
                      c);
    }
    *to = '\0';
    return out;
}

/* Compact text of what text is parsed to, or "" if it is refused. */
static jm_str_t round_trip(jm_str_t text)
{
    const jm_json_t *root;

    if (parse(&root, NULL, text) != APR_SUCCESS) {
        return jm_str("");
    }
    return jm_json_compact(tap_pool, root);
}

typedef struct valid_t {
    jm_str_t text;
    const char *compact;           /* NULL: as text */
} valid_t;

static const valid_t valid[] = {
    { T("{}"), NULL },
    { T("[]"), NULL },
    { T("null"), NULL },
    { T("true"), NULL },
    { T("false"), NULL },
    { T("\"\""), NULL },
    { T("\"asd\""), NULL },
    { T("0"), NULL },
    { T(" \t\r\n[ \t\r\n] \t\r\n"), "[]" },
    { T(" { \"a\" : 1 , \"b\" : [ ] } "), "{\"a\":1,\"b\":[]}" },
    { T("42 "), "42" },
    { T("[[],[[]],{}]"), NULL },
    { T("[\"a\",\"a\",null,1,true,false]"), NULL },
    { T("[1,null,null,2]"), NULL },
    { T("{\"\":0}"), NULL },
    { T("{\"a\":{\"a\":{\"a\":[]}}}"), NULL },
    { T("[{\"a\":1},{\"a\":1}]"), NULL },
    { T("{\"a\":1,\"A\":1,\"a \":1}"), NULL },
    { T("{\"z\":1,\"a\":2,\"m\":3}"), NULL },
    /* numbers: each digit stays */
    { T("[0,-0,1,-1,10,0.0,-0.0,0e0,0E+1,0e-1]"), NULL },
    { T("[1e1,1E1,1E+1,1e-1,1.5,-1.25e+03,123e65,20e1]"), NULL },
    { T("[18446744073709551615,18446744073709551616]"), NULL },
    { T("[-9223372036854775808,-9223372036854775809]"), NULL },
    { T("[100000000000000000000000000000,0.1e400,1e400,-1e400]"), NULL },
    { T("[1e-400,1e999999999999999999999,1e-999999999999999999999]"), NULL },
    { T("-0.00000000000000000000000000000000000000000000000001"), NULL },
    { T("{\"a\":1.000000000000000000000000000000000000001}"), NULL },
    /* strings */
    { T("\"/\\/\""), "\"//\"" },
    { T("\"\\\"\\\\\\b\\f\\n\\r\\t\""), NULL },
    { T("\"\\u0041\\u00e9\\u20AC\""), "\"A\xC3\xA9\xE2\x82\xAC\"" },
    { T("\"\\u0022\\u005C\\u002f\""), "\"\\\"\\\\/\"" },
    { T("\"\\u0000\\u001f\\u0008\\u007F\""),
      "\"\\u0000\\u001f\\b\x7F\"" },
    { T("\"\\ud83d\\ude00\\uDBFF\\uDFFF\\uD800\\uDC00\""),
      "\"\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\xF0\x90\x80\x80\"" },
    { T("\"\\uFFFF\\uFFFE\\uFDD0\\uD7FF\\uE000\""),
      "\"\xEF\xBF\xBF\xEF\xBF\xBE\xEF\xB7\x90\xED\x9F\xBF\xEE\x80\x80\"" },
    { T("\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\""), NULL },
    { T("\"\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""),
      NULL },
    { T("\"a/*b*/c//d#e\""), NULL },
    { T("\"\xEF\xBB\xBF\""), NULL },
    { T("\"\\\\u0000\""), NULL },
    { T("{\"\xE2\x82\xAC\":\"\\u20ac\"}"),
      "{\"\xE2\x82\xAC\":\"\xE2\x82\xAC\"}" },
    { T("{\"\\u0061\\t\\\"\":0}"), "{\"a\\t\\\"\":0}" },
    { T("\"\xC3\xA9\\ud836\\uDC00\\uD836\\udfff\\\\ud83d\\\"\\ud877\\uDE03\""),
      "\"\xC3\xA9\xF0\x9D\xA0\x80\xF0\x9D\xAF\xBF\\\\ud83d\\\"\xF0\xAD\xB8\x83\"" },
    { T("{\"\\ud83d\\ude00\":0}"), "{\"\xF0\x9F\x98\x80\":0}" },
    { T("{\"a\\u0001\":0,\"a\\u0002\":0}"), NULL },
};

static void test_valid(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(valid) / sizeof(*valid); i++) {
        const valid_t *v = &valid[i];
        jm_str_t want = v->compact ? jm_str(v->compact) : v->text;
        jm_str_t got = round_trip(v->text);

        ok(jm_str_eq(got, want), "valid %d: %s is taken, and written as "
           "it should be", (int)i, shown(v->text));
        ok(jm_str_eq(round_trip(got), want), "valid %d: what is written is "
           "read as the same", (int)i);
    }
}

typedef struct invalid_t {
    jm_str_t text;
    apr_size_t offset;
    const char *pointer;
    const char *message;           /* a part of it */
} invalid_t;

static const invalid_t invalid[] = {
    { T(""), 0, "", "the text ends where a value" },
    { T(" \n"), 2, "", "the text ends where a value" },
    { T("\0"), 0, "", "not the octet 0x00" },
    { T("{}\0"), 2, "", "nothing may stand after" },
    { T("{}\0{}"), 2, "", "nothing may stand after" },
    { T("{} {}"), 3, "", "nothing may stand after" },
    { T("{}}"), 2, "", "nothing may stand after" },
    { T("[1],"), 3, "", "nothing may stand after" },
    { T("1 2"), 2, "", "nothing may stand after" },
    { T("\"a\"x"), 3, "", "nothing may stand after" },
    { T("{}\v"), 2, "", "nothing may stand after" },
    { T("{}\f"), 2, "", "nothing may stand after" },
    { T("{}\xC2\xA0"), 2, "", "nothing may stand after" },
    { T("\v{}"), 0, "", "not the octet 0x0b" },
    { T("\xC2\xA0{}"), 0, "", "not the octet 0xc2" },
    { T("\xEF\xBB\xBF{}"), 0, "", "byte order mark" },
    { T("\xFF\xFE{\0}\0"), 0, "", "UTF-16" },
    { T("\xFE\xFF\0{\0}"), 0, "", "UTF-16" },
    { T("{\0}\0"), 1, "", "not the octet 0x00" },
    /* comments */
    { T("{} // x"), 3, "", "comments are not JSON" },
    { T("{} # x"), 3, "", "comments are not JSON" },
    { T("/* x */ {}"), 0, "", "comments are not JSON" },
    { T("{/**/}"), 1, "", "comments are not JSON" },
    { T("{\"a\":/**/1}"), 5, "/a", "comments are not JSON" },
    { T("{\"a\"/**/:1}"), 4, "/a", "comments are not JSON" },
    { T("[1//\n]"), 2, "", "comments are not JSON" },
    { T("[1/**/,2]"), 2, "", "comments are not JSON" },
    /* literals and words */
    { T("nul"), 0, "", "double quotes" },
    { T("nullx"), 0, "", "double quotes" },
    { T("true1"), 0, "", "double quotes" },
    { T("fals"), 0, "", "double quotes" },
    { T("TRUE"), 0, "", "lower case" },
    { T("[True]"), 1, "/0", "lower case" },
    { T("[False]"), 1, "/0", "lower case" },
    { T("Null"), 0, "", "lower case" },
    { T("[NaN]"), 1, "/0", "NaN is not JSON" },
    { T("[-NaN]"), 1, "/0", "NaN is not JSON" },
    { T("[nan]"), 1, "/0", "double quotes" },
    { T("[Infinity]"), 1, "/0", "Infinity is not JSON" },
    { T("{\"a\":-Infinity}"), 5, "/a", "Infinity is not JSON" },
    { T("undefined"), 0, "", "write null" },
    { T("[None]"), 1, "/0", "write null" },
    { T("[a]"), 1, "/0", "strings must be in double quotes" },
    { T("['a']"), 1, "/0", "strings must be in double quotes" },
    { T("[\xE2\x80\x9C" "a\xE2\x80\x9D]"), 1, "/0", "typographic" },
    { T("*"), 0, "", "a value must stand here, not *" },
    { T("\xE5"), 0, "", "not the octet 0xe5" },
    /* arrays */
    { T("["), 1, "/0", "the text ends where a value" },
    { T("[1"), 2, "", "the text ends where a comma or ]" },
    { T("[1,"), 3, "/1", "the text ends where a value" },
    { T("[1,]"), 2, "", "a comma must not stand before ]" },
    { T("[1 ,\n ]"), 3, "", "a comma must not stand before ]" },
    { T("[,1]"), 1, "/0", "a value is missing before the comma" },
    { T("[,]"), 1, "/0", "a value is missing before the comma" },
    { T("[1,,2]"), 3, "/1", "a value is missing before the comma" },
    { T("[1 2]"), 3, "", "a comma is missing before this" },
    { T("[1 true]"), 3, "", "a comma is missing before this" },
    { T("[\"a\" \"b\"]"), 5, "", "a comma is missing before this" },
    { T("[[1] [2]]"), 5, "", "a comma is missing before this" },
    { T("[3[4]]"), 2, "", "a comma is missing before this" },
    { T("[1:2]"), 2, "", "a comma or ] must stand here, not :" },
    { T("[1}"), 2, "", "a comma or ] must stand here, not }" },
    { T("]"), 0, "", "a value is missing before ]" },
    { T("[[[1,2],[3,}]]]"), 11, "/0/1/1", "a value is missing before }" },
    /* objects */
    { T("{"), 1, "", "the text ends where a name" },
    { T("{\"a\""), 4, "/a", "the text ends where a colon" },
    { T("{\"a\":"), 5, "/a", "the text ends where a value" },
    { T("{\"a\":1"), 6, "", "the text ends where a comma or }" },
    { T("{\"a\":1,"), 7, "", "the text ends where a name" },
    { T("{\"a\":1,}"), 6, "", "a comma must not stand before }" },
    { T("{\"a\":1,,\"b\":2}"), 7, "", "a member is missing" },
    { T("{,\"a\":1}"), 1, "", "a member is missing" },
    { T("{\"a\" 1}"), 5, "/a", "a colon must stand here, not 1" },
    { T("{\"a\",1}"), 4, "/a", "a colon must stand here, not ," },
    { T("{\"a\"=1}"), 4, "/a", "a colon must stand here, not =" },
    { T("{\"a\"::1}"), 5, "/a", "a value must stand here, not :" },
    { T("{\"a\":}"), 5, "/a", "a value is missing before }" },
    { T("{\"a\":1 \"b\":2}"), 7, "", "a comma is missing before this" },
    { T("{\"a\":1]"), 6, "", "a comma or } must stand here, not ]" },
    { T("{\"x\":{\"a\":1 \"b\":2}}"), 12, "/x", "a comma is missing" },
    { T("{a:1}"), 1, "", "names must be in double quotes" },
    { T("{'a':1}"), 1, "", "names must be in double quotes" },
    { T("{1:1}"), 1, "", "names must be in double quotes" },
    { T("{null:1}"), 1, "", "names must be in double quotes" },
    { T("{:1}"), 1, "", "a name in double quotes is missing" },
    { T("{[]:1}"), 1, "", "a name in double quotes must stand here" },
    { T("{]"), 1, "", "{ must be closed by }" },
    { T("}"), 0, "", "a value is missing before }" },
    { T("{\"a\\u0000b\":1}"), 3, "", "must not hold NUL" },
    { T("{\"\\u0000\":1}"), 2, "", "must not hold NUL" },
    /* numbers */
    { T("-"), 1, "", "a digit must stand after -" },
    { T("[-]"), 2, "/0", "a digit must stand after -" },
    { T("--1"), 1, "", "a digit must stand after -" },
    { T("- 1"), 1, "", "a digit must stand after -" },
    { T("-a"), 1, "", "a digit must stand after -" },
    { T("+1"), 0, "", "must not begin with +" },
    { T("[01]"), 1, "/0", "leading 0" },
    { T("[-01]"), 2, "/0", "leading 0" },
    { T("00"), 0, "", "leading 0" },
    { T("0x1F"), 0, "", "hexadecimal" },
    { T(".5"), 0, "", "write 0.5" },
    { T("-.5"), 1, "", "a digit must stand after -" },
    { T("1."), 2, "", "after the decimal point" },
    { T("[1.]"), 3, "/0", "after the decimal point" },
    { T("1.e1"), 2, "", "after the decimal point" },
    { T("0.e1"), 2, "", "after the decimal point" },
    { T("1e"), 2, "", "in the exponent" },
    { T("1e+"), 3, "", "in the exponent" },
    { T("[1E-]"), 4, "/0", "in the exponent" },
    { T("1e1.5"), 3, "", "does not belong into a number" },
    { T("1e1e1"), 3, "", "does not belong into a number" },
    { T("1.2.3"), 3, "", "does not belong into a number" },
    { T("1_000"), 1, "", "does not belong into a number" },
    { T("12abc"), 2, "", "does not belong into a number" },
    { T("1+2"), 1, "", "does not belong into a number" },
    { T("0-1"), 1, "", "does not belong into a number" },
    { T("1\0"), 1, "", "nothing may stand after" },
    { T("[1\0]"), 2, "", "not the octet 0x00" },
    { T("[\xEF\xBC\x91]"), 1, "/0", "not the octet 0xef" },
    /* strings */
    { T("\""), 1, "", "its closing \" is missing" },
    { T("\"a"), 2, "", "its closing \" is missing" },
    { T("\"a\\\""), 4, "", "its closing \" is missing" },
    { T("\"a\nb\""), 2, "", "raw control" },
    { T("\"a\tb\""), 2, "", "write \\u0009" },
    { T("\"a\0b\""), 2, "", "write \\u0000" },
    { T("\"\x1F\""), 1, "", "write \\u001f" },
    { T("{\"a\nb\":1}"), 3, "", "raw control" },
    { T("\"\\"), 1, "", "not an escape" },
    { T("\"\\a\""), 1, "", "not an escape" },
    { T("\"\\x41\""), 1, "", "not an escape" },
    { T("\"\\'\""), 1, "", "not an escape" },
    { T("\"\\U0041\""), 1, "", "not an escape" },
    { T("\"\\\0\""), 1, "", "not an escape" },
    { T("\"\\\n\""), 1, "", "not an escape" },
    { T("\"\\\xC3\xA9\""), 1, "", "not an escape" },
    { T("\"\\u\""), 1, "", "four hexadecimal digits" },
    { T("\"\\u00A\""), 1, "", "four hexadecimal digits" },
    { T("\"\\u00G0\""), 1, "", "four hexadecimal digits" },
    { T("\"\\u+041\""), 1, "", "four hexadecimal digits" },
    { T("\"\\u 041\""), 1, "", "four hexadecimal digits" },
    { T("\"\\u004"), 1, "", "four hexadecimal digits" },
    { T("\"\\ud800\""), 1, "", "half a surrogate pair" },
    { T("\"\\udc00\""), 1, "", "half a surrogate pair" },
    { T("\"\\uDFFF\\uD800\""), 1, "", "half a surrogate pair" },
    { T("\"\\ud800\\ud800\\udc00\""), 1, "", "half a surrogate pair" },
    { T("\"\\ud800\\u0041\""), 1, "", "half a surrogate pair" },
    { T("\"\\ud800\\n\""), 1, "", "half a surrogate pair" },
    { T("\"\\ud800 \\udc00\""), 1, "", "half a surrogate pair" },
    { T("\"\\ud800\\udc0\""), 1, "", "half a surrogate pair" },
    { T("\"\\ud83d\xED\xB8\x80\""), 1, "", "half a surrogate pair" },
    { T("{\"\\ud800\":1}"), 2, "", "half a surrogate pair" },
    { T("\"\x80\""), 1, "", "UTF-8 (octet 0x80)" },
    { T("\"\xFF\""), 1, "", "UTF-8 (octet 0xff)" },
    { T("\"\xC0\x80\""), 1, "", "UTF-8 (octet 0xc0)" },
    { T("\"\xC1\xBF\""), 1, "", "UTF-8 (octet 0xc1)" },
    { T("\"\xE0\x9F\xBF\""), 1, "", "UTF-8 (octet 0xe0)" },
    { T("\"\xED\xA0\x80\""), 1, "", "UTF-8 (octet 0xed)" },
    { T("\"\xF0\x8F\xBF\xBF\""), 1, "", "UTF-8 (octet 0xf0)" },
    { T("\"\xF4\x90\x80\x80\""), 1, "", "UTF-8 (octet 0xf4)" },
    { T("\"\xF8\x88\x80\x80\x80\""), 1, "", "UTF-8 (octet 0xf8)" },
    { T("\"a\xE2\x82\""), 2, "", "UTF-8 (octet 0xe2)" },
    { T("\"a\xE2\x82"), 2, "", "UTF-8 (octet 0xe2)" },
    { T("{\"\xC3\":1}"), 2, "", "UTF-8 (octet 0xc3)" },
    /* names that stand twice */
    { T("{\"a\":1,\"a\":1}"), 7, "/a", "stands twice: \"a\"" },
    { T("{\"a\":1,\"b\":{\"a\":2},\"a\":1}"), 19, "/a", "twice: \"a\"" },
    { T("{\"a\":1,\"\\u0061\":2}"), 7, "/a", "stands twice: \"a\"" },
    { T("{\"/\":1,\"\\/\":2}"), 7, "/~1", "stands twice: \"/\"" },
    { T("{\"\":1,\"\":2}"), 6, "/", "stands twice: \"\"" },
    { T("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}"), 18,
      "/\xF0\x9F\x98\x80", "stands twice" },
    { T("[0,{\"x\":[{\"k\":[],\"k\":{}}]}]"), 17, "/1/x/0/k",
      "stands twice: \"k\"" },
    { T("{\"a\":null,\"a\":null}"), 10, "/a", "stands twice" },
    { T("{\"a\":1,\"a\":1,\"a\":1}"), 7, "/a", "stands twice" },
    { T("{\"a~/b\":[0,{\"c\":x}]}"), 16, "/a~0~1b/1/c", "double quotes" },
    { T("{\"\\u0061\\n\":x}"), 12, "/a\n", "double quotes" },
};

static void test_invalid(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(invalid) / sizeof(*invalid); i++) {
        const invalid_t *v = &invalid[i];
        const jm_json_t *root = (const jm_json_t *)&i;
        jm_json_error_t err = { 0, NULL, NULL };
        apr_status_t rv = parse(&root, &err, v->text);

        ok(rv == APR_EINVAL && !root, "invalid %d: %s is refused", (int)i,
           shown(v->text));
        ok(err.offset == v->offset, "invalid %d: at octet %d, not %d", (int)i,
           (int)v->offset, (int)err.offset);
        ok(!strcmp(err.pointer, v->pointer), "invalid %d: in \"%s\", not "
           "\"%s\"", (int)i, shown(jm_str(v->pointer)),
           shown(jm_str(err.pointer)));
        ok(strstr(err.message, v->message) != NULL, "invalid %d: the message "
           "\"%s\" says \"%s\"", (int)i, err.message, v->message);
    }
}

static jm_str_t nested(unsigned depth, const char *open, const char *close)
{
    apr_size_t a = strlen(open);
    apr_size_t b = strlen(close);
    char *text = apr_palloc(tap_pool, depth * (a + b) + 2);
    char *to = text;
    unsigned i;

    for (i = 0; i < depth; i++, to += a) {
        memcpy(to, open, a);
    }
    *to++ = '1';
    for (i = 0; i < depth; i++, to += b) {
        memcpy(to, close, b);
    }
    return jm_strn(text, (apr_size_t)(to - text));
}

static void test_depth(void)
{
    const jm_json_t *root;
    jm_json_error_t err;

    ok(parse(&root, NULL, nested(32, "[", "]")) == APR_SUCCESS,
       "32 nested arrays are taken");
    ok(parse(&root, &err, nested(33, "[", "]")) == APR_EINVAL
       && err.offset == 32, "33 nested arrays are refused at the last one");
    ok(strstr(err.message, "deeper than 32") != NULL,
       "the message names the limit: %s", err.message);
    ok(parse(&root, NULL, nested(32, "{\"a\":", "}")) == APR_SUCCESS,
       "32 nested objects are taken");
    ok(jm_str_is(jm_str(jm_json_pointer(tap_pool, root)), ""),
       "their top level has the pointer \"\"");
    ok(parse(&root, NULL, nested(33, "{\"a\":", "}")) == APR_EINVAL,
       "33 nested objects are refused");
    ok(parse(&root, NULL, nested(16, "{\"a\":[", "]}")) == APR_SUCCESS,
       "16 pairs of object and array are taken");
    ok(parse(&root, NULL, nested(17, "{\"a\":[", "]}")) == APR_EINVAL,
       "17 pairs are refused");
    ok(parse(&root, &err, nested(8192, "[", "]")) == APR_EINVAL
       && err.offset == 32, "16 KiB of brackets are refused at octet 32");
    ok(parse(&root, NULL, jm_strn(nested(1000000, "[", "]").ptr, 1000000))
       == APR_EINVAL, "a million open brackets are refused");
}

/* An array or object of n children; twice: the last name is the first. */
static jm_str_t wide(unsigned n, int is_object, int twice)
{
    char *text = apr_palloc(tap_pool, n * 20 + 3);
    char *to = text;
    unsigned i;

    *to++ = is_object ? '{' : '[';
    for (i = 0; i < n; i++) {
        unsigned name = twice && i == n - 1 ? 0 : i;

        to += sprintf(to, is_object ? "\"k%u\":1," : "%u,", name);
    }
    to[-1] = is_object ? '}' : ']';
    return jm_strn(text, (apr_size_t)(to - text));
}

/* Of the processor, whatever else it has to do. */
static double seconds_for(jm_str_t text, apr_status_t *prv)
{
    const jm_json_t *root;
    jm_json_error_t err;
    clock_t start = clock();

    *prv = parse(&root, &err, text);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Ten times the work may take far more than ten times as long on a busy
 * machine, but a quadratic loop over 100 000 takes minutes. */
static void test_wide(void)
{
    apr_status_t rv;
    double bound = 5 * tap_slow();
    double t = seconds_for(wide(100000, 1, 0), &rv);

    ok(rv == APR_SUCCESS && t < bound, "100 000 members take %.3f s", t);
    t = seconds_for(wide(100000, 1, 1), &rv);
    ok(rv == APR_EINVAL && t < bound, "100 000 members, the last one the first "
       "again, take %.3f s", t);
    t = seconds_for(wide(300000, 0, 0), &rv);
    ok(rv == APR_SUCCESS && t < bound, "300 000 elements take %.3f s", t);
    t = seconds_for(nested(31, "[[1],{\"a\":2},", "]"), &rv);
    ok(rv == APR_SUCCESS, "a deep and wide text is taken");
}

static void test_long(void)
{
    apr_size_t n = 1 << 20;
    char *digits = apr_palloc(tap_pool, n + 2);
    jm_str_t text;

    memset(digits, '9', n);
    ok(jm_str_eq(round_trip(jm_strn(digits, n)), jm_strn(digits, n)),
       "a number of a million digits keeps them all");
    digits[0] = '"';
    digits[n - 1] = '"';
    text = jm_strn(digits, n);
    ok(jm_str_eq(round_trip(text), text), "a string of a million octets stays");
    ok(round_trip(jm_strn(digits, n - 1)).len == 0,
       "and is refused without its closing quote");
}

static void test_too_large(void)
{
    apr_size_t n = JM_TABLE_FILE_MAX;
    char *text = malloc(n + 1);
    const jm_json_t *root;
    jm_json_error_t err;

    memset(text, ' ', n + 1);
    text[0] = '1';
    ok(jm_json_parse(&root, &err, tap_pool, jm_strn(text, n))
       == APR_SUCCESS, "a text of the largest size is taken");
    ok(jm_json_parse(&root, &err, tap_pool, jm_strn(text, n + 1))
       == APR_EINVAL, "one octet more is refused");
    ok(strstr(err.message, "larger than") != NULL, "it says so: %s",
       err.message);
    free(text);
}

static void test_long_name(void)
{
    const jm_json_t *root;
    jm_json_error_t err;
    char name[130];
    int i;

    for (i = 0; i < 64; i++) {
        memcpy(name + 2 * i, "\xC3\xA9", 2);
    }
    name[128] = '\0';
    parse(&root, &err, jm_str(apr_psprintf(tap_pool, "{\"x%s\":1,\"x%s\":2}",
                                           name, name)));
    ok(jm_utf8_valid(jm_str(err.message)) && strlen(err.message) < 110
       && strstr(err.message, "\xC3\xA9..."),
       "a long name is cut in the message, between characters: %s",
       err.message);
}

/* Whether a text and a name are known to be visible ASCII and spaces. */
static void test_plain(void)
{
    static const struct {
        const char *string;
        int plain;
    } rows[] = {
        { "", 1 }, { " a~", 1 }, { "a\\u0041", 0 }, { "\\n", 0 },
        { "a\\\\", 0 }, { "\x7F", 0 }, { "caf\xC3\xA9", 0 },
        { "\xC2\x80 end", 0 }
    };
    const jm_json_t *root;
    unsigned i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        parse(&root, NULL, jm_str(apr_psprintf(tap_pool,
              "{\"%s\":\"%s\", \"plain\":-1.5e3, \"other\":\"\\t\"}",
              rows[i].string, rows[i].string)));
        ok(root->items[0].plain == rows[i].plain
           && root->items[0].plain_name == rows[i].plain
           && root->items[1].plain && root->items[1].plain_name
           && !root->items[2].plain && root->items[2].plain_name,
           "\"%s\" is %splain, others beside it as they are",
           shown(jm_str(rows[i].string)), rows[i].plain ? "" : "not ");
    }
}

/* Strings of 0 to 20 times c before an end, in a text that goes on: 1 if each
 * is read as it is. */
static int is_read(char c, const char *end)
{
    char buf[40];
    const jm_json_t *root;
    unsigned n;

    for (n = 0; n <= 20; n++) {
        memset(buf, c, sizeof(buf));
        buf[0] = '"';
        strcpy(buf + 1 + n, end);
        if (parse(&root, NULL, jm_str(buf)) != APR_SUCCESS
            || root->text.len != n + (*end == '\\')
            || memchr(root->text.ptr, '"', root->text.len)
            || root->text.ptr[n] != (*end == '\\' ? '\n' : '\0')) {
            return 0;
        }
    }
    return 1;
}

static void test_ends(void)
{
    char c;

    for (c = ' '; c < 0x7F; c++) {
        if (c != '"' && c != '\\') {
            ok(is_read(c, "\"          ") && is_read(c, "\\n\"        "),
               "wherever it ends after '%s'", shown(jm_strn(&c, 1)));
        }
    }
}

int main(void)
{
    tap_start();
    test_valid();
    test_invalid();
    test_depth();
    test_wide();
    test_long();
    test_too_large();
    test_long_name();
    test_plain();
    test_ends();
    return tap_done();
}
