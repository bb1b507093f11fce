/*
 * utf8.c: UTF-8 by RFC 3629, checked against all that two octets can be and
 * at the borders of three and four.
 */
#include "tap.h"

#include "jm_utf8.h"

/* A C string with its NULs. */
#define T(s) { s, sizeof(s) - 1 }

typedef struct case_t {
    jm_str_t text;
    int valid;
    const char *what;
} case_t;

static const case_t cases[] = {
    { T(""), 1, "the empty text" },
    { T("a\0b"), 1, "NUL" },
    { T("\x7F"), 1, "U+007F" },
    { T("\xC2\x80"), 1, "U+0080" },
    { T("\xC1\xBF"), 0, "U+007F in two octets" },
    { T("\xC0\x80"), 0, "NUL in two octets" },
    { T("\xC0\xAF"), 0, "/ in two octets" },
    { T("\xDF\xBF"), 1, "U+07FF" },
    { T("\xE0\xA0\x80"), 1, "U+0800" },
    { T("\xE0\x9F\xBF"), 0, "U+07FF in three octets" },
    { T("\xE0\x80\xAF"), 0, "/ in three octets" },
    { T("\xED\x9F\xBF"), 1, "U+D7FF" },
    { T("\xED\xA0\x80"), 0, "U+D800, a surrogate" },
    { T("\xED\xBF\xBF"), 0, "U+DFFF, a surrogate" },
    { T("\xED\xA0\xBD\xED\xB8\x80"), 0, "a pair of surrogates" },
    { T("\xEE\x80\x80"), 1, "U+E000" },
    { T("\xEF\xBF\xBF"), 1, "U+FFFF" },
    { T("\xF0\x90\x80\x80"), 1, "U+10000" },
    { T("\xF0\x8F\xBF\xBF"), 0, "U+FFFF in four octets" },
    { T("\xF4\x8F\xBF\xBF"), 1, "U+10FFFF" },
    { T("\xF4\x90\x80\x80"), 0, "U+110000" },
    { T("\xF5\x80\x80\x80"), 0, "0xF5" },
    { T("\xF8\x88\x80\x80\x80"), 0, "five octets" },
    { T("\xFE"), 0, "0xFE" },
    { T("\xFF"), 0, "0xFF" },
    { T("\x80"), 0, "a continuation alone" },
    { T("\xC3"), 0, "the first of two octets" },
    { T("\xE2\x82"), 0, "two of three octets" },
    { T("\xF0\x9F\x98"), 0, "three of four octets" },
    { T("\xC3" "a"), 0, "a letter for the second octet" },
    { T("\xE2\x82" "a"), 0, "a letter for the third octet" },
    { T("\xF0\x9F\x98" "a"), 0, "a letter for the fourth octet" },
    { T("\xE2\xC3\xA9"), 0, "a character within another" },
    { T("\xC3\xA9\x80"), 0, "a continuation too many" },
    { T("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"), 1, "one of each length" },
};

/* A copy of exact size: a sanitizer sees each octet read too many. */
static int is_valid(jm_str_t text)
{
    char *copy = malloc(text.len ? text.len : 1);
    int valid;

    if (text.len) {
        memcpy(copy, text.ptr, text.len);
    }
    valid = jm_utf8_valid(jm_strn(copy, text.len));
    free(copy);
    return valid;
}

static void test_cases(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ok(is_valid(cases[i].text) == cases[i].valid, "%s is %s",
           cases[i].what, cases[i].valid ? "valid" : "not valid");
    }
    ok(jm_utf8_valid(jm_strn(NULL, 0)), "no text at all is valid");
}

static void test_length(void)
{
    ok(jm_utf8_length("a\xFF", 2) == 1, "a letter has one octet");
    ok(jm_utf8_length("\xC3\xA9\xFF", 3) == 2, "U+00E9 has two");
    ok(jm_utf8_length("\xE2\x82\xAC\xFF", 4) == 3, "U+20AC has three");
    ok(jm_utf8_length("\xF0\x9F\x98\x80\xFF", 5) == 4, "U+1F600 has four");
    ok(jm_utf8_length("\xC3\xA9", 1) == 0, "what is cut has none");
    ok(jm_utf8_length("", 0) == 0, "nothing has none");
}

/* Encodes each number below 2^21 in each length and counts what is valid. */
static void test_all(void)
{
    int one_to_four[5] = { 0, 0, 0, 0, 0 };
    unsigned u;

    for (u = 0; u < 1U << 21; u++) {
        char two[2] = { (char)(0xC0 | (u >> 6)), (char)(0x80 | (u & 0x3F)) };
        char three[3] = { (char)(0xE0 | (u >> 12)),
                          (char)(0x80 | (u >> 6 & 0x3F)),
                          (char)(0x80 | (u & 0x3F)) };
        char four[4] = { (char)(0xF0 | (u >> 18)),
                         (char)(0x80 | (u >> 12 & 0x3F)),
                         (char)(0x80 | (u >> 6 & 0x3F)),
                         (char)(0x80 | (u & 0x3F)) };

        one_to_four[2] += u < 0x800 && jm_utf8_valid(jm_strn(two, 2));
        one_to_four[3] += u < 0x10000 && jm_utf8_valid(jm_strn(three, 3));
        one_to_four[4] += jm_utf8_valid(jm_strn(four, 4));
    }
    ok(one_to_four[2] == 0x800 - 0x80, "U+0080 to U+07FF have two octets");
    ok(one_to_four[3] == 0x10000 - 0x800 - 0x800,
       "U+0800 to U+FFFF but surrogates have three");
    ok(one_to_four[4] == 0x110000 - 0x10000, "the rest up to U+10FFFF four");
}

int main(void)
{
    tap_start();
    test_cases();
    test_length();
    test_all();
    return tap_done();
}
