/*
 * b64.c: base64url without padding: one text for each octet string.
 */
#include "tap.h"

#include "jm_b64.h"

/* A C string with its NULs. */
#define T(s) { s, sizeof(s) - 1 }

typedef struct pair_t {
    jm_str_t octets;
    jm_str_t text;
} pair_t;

/* RFC 4648 section 10, RFC 7515 appendices A.1 and C, and the borders. */
static const pair_t pairs[] = {
    { T(""), T("") },
    { T("f"), T("Zg") },
    { T("fo"), T("Zm8") },
    { T("foo"), T("Zm9v") },
    { T("foob"), T("Zm9vYg") },
    { T("fooba"), T("Zm9vYmE") },
    { T("foobar"), T("Zm9vYmFy") },
    { T("\x03\xEC\xFF\xE0\xC1"), T("A-z_4ME") },
    { T("\0"), T("AA") },
    { T("\0\0"), T("AAA") },
    { T("\0\0\0"), T("AAAA") },
    { T("\xFF"), T("_w") },
    { T("\xFF\xFF"), T("__8") },
    { T("\xFF\xFF\xFF"), T("____") },
    { T("\xFB\xEF\xBE"), T("----") },
    { T("a\0b\0"), T("YQBiAA") },
    { T("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}"),
      T("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9") },
};

/* Decodes a copy of exact size: a sanitizer sees what is read too many. */
static apr_status_t decode(jm_str_t *pout, jm_str_t text)
{
    char *copy = malloc(text.len ? text.len : 1);
    apr_status_t rv;

    if (text.len) {
        memcpy(copy, text.ptr, text.len);
    }
    *pout = jm_str("not touched");
    rv = jm_b64_decode(pout, tap_pool, jm_strn(copy, text.len));
    if (jm_b64_is_valid(jm_strn(copy, text.len)) != (rv == APR_SUCCESS)) {
        ok(0, "jm_b64_is_valid says of \"%.*s\" what decoding says",
           (int)text.len, text.len ? text.ptr : "");
    }
    free(copy);
    return rv;
}

static int is_refused(jm_str_t text)
{
    jm_str_t out;

    return decode(&out, text) == APR_EINVAL && out.len == 0;
}

static void test_pairs(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        const pair_t *v = &pairs[i];
        jm_str_t out = jm_b64_encode(tap_pool, v->octets);

        ok(jm_str_eq(out, v->text) && out.ptr[out.len] == '\0',
           "%d octets are encoded as \"%s\"", (int)v->octets.len,
           v->text.ptr);
        ok(decode(&out, v->text) == APR_SUCCESS
           && jm_str_eq(out, v->octets) && out.ptr[out.len] == '\0',
           "\"%s\" is decoded to them", v->text.ptr);
    }
    ok(jm_b64_encode(tap_pool, jm_strn(NULL, 0)).len == 0,
       "no octets at all are encoded as nothing");
}

typedef struct refused_t {
    jm_str_t text;
    const char *why;
} refused_t;

static const refused_t refused[] = {
    { T("Z"), "one digit alone" },
    { T("Zm9vZ"), "one digit over" },
    { T("Zg=="), "padding" },
    { T("Zm8="), "padding" },
    { T("Zm9v===="), "padding that no text needs" },
    { T("="), "padding alone" },
    { T("===="), "padding alone" },
    { T("Zh"), "an unused bit set after one octet" },
    { T("Zv"), "all unused bits set after one octet" },
    { T("Zo"), "the highest unused bit set after one octet" },
    { T("Zm9"), "an unused bit set after two octets" },
    { T("Zm-"), "the highest unused bit set after two octets" },
    { T("Zm_"), "both unused bits set after two octets" },
    { T("++++"), "+ of the other alphabet" },
    { T("////"), "/ of the other alphabet" },
    { T("Zm9+"), "+ as the last digit" },
    { T(" Zm9v"), "a blank before" },
    { T("Zm9v "), "a blank behind" },
    { T("Zm 9"), "a blank within" },
    { T("Zm9v\n"), "a line feed behind" },
    { T("Zm9v\r\nZm9v"), "a line break within" },
    { T("Zm9\0"), "NUL as the last digit" },
    { T("Zm9v\0\0\0\0"), "NULs behind" },
    { T("Zg.a"), "a dot" },
    { T("Zg%3"), "a percent sign" },
    { T("\xC3\xA9Zg"), "UTF-8" },
};

static void test_refused(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        ok(is_refused(refused[i].text), "%s is refused (%d)", refused[i].why,
           (int)i);
    }
}

/* Of the 256 octets, exactly the 64 of the alphabet, at each place. */
static void test_alphabet(void)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789-_";
    int good[4] = { 0, 0, 0, 0 };
    int place;
    int c;

    for (place = 0; place < 4; place++) {
        for (c = 0; c < 256; c++) {
            char text[4] = { 'A', 'A', 'A', 'A' };
            int in = c && strchr(alphabet, c);

            text[place] = (char)c;
            good[place] += is_refused(jm_strn(text, 4)) == !in;
        }
        ok(good[place] == 256, "at place %d, the 64 digits and no other octet "
           "are taken", place + 1);
    }
}

/* One text for each octet string: of all texts of two and three digits, as
 * many are taken as there are strings of one and two octets. */
static void test_one_text_each(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789-_";
    char text[3];
    int two = 0;
    int three = 0;
    int i;

    for (i = 0; i < 64 * 64 * 64; i++) {
        text[0] = digits[i / 4096];
        text[1] = digits[i / 64 % 64];
        text[2] = digits[i % 64];
        three += !is_refused(jm_strn(text, 3));
        two += i < 4096 && !is_refused(jm_strn(text + 1, 2));
    }
    ok(two == 256, "of all texts of two digits, 256 are taken, not %d", two);
    ok(three == 65536, "of three digits, 65536, not %d", three);
}

static void test_every_length(void)
{
    unsigned char octets[300];
    int good = 0;
    apr_size_t i;

    for (i = 0; i < sizeof(octets); i++) {
        octets[i] = (unsigned char)(i * 167 + 13);
    }
    for (i = 0; i <= sizeof(octets); i++) {
        jm_str_t in = jm_strn((const char *)octets, i);
        jm_str_t out;

        good += decode(&out, jm_b64_encode(tap_pool, in)) == APR_SUCCESS
                && jm_str_eq(in, out);
    }
    ok(good == 301, "0 to 300 octets come back as they were");
}

int main(void)
{
    tap_start();
    test_pairs();
    test_refused();
    test_alphabet();
    test_one_text_each();
    test_every_length();
    return tap_done();
}
