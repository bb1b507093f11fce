/*
 * jm_utf8.c: UTF-8 by RFC 3629 section 4. Touches nothing.
 */
#include "jm_utf8.h"

static int is_between(char c, unsigned char low, unsigned char high)
{
    return (unsigned char)c >= low && (unsigned char)c <= high;
}

apr_size_t jm_utf8_length(const char *s, apr_size_t len)
{
    unsigned char c = len ? (unsigned char)s[0] : 0xFF;
    apr_size_t need = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    apr_size_t i;

    if (c < 0x80) {
        return 1;
    }
    if (c < 0xC2 || c > 0xF4 || len < need) {
        return 0;
    }
    /* The second octet rules out overlong forms, surrogates and what is
     * beyond U+10FFFF. */
    low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : low;
    high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : high;
    if (!is_between(s[1], low, high)) {
        return 0;
    }
    for (i = 2; i < need; i++) {
        if (!is_between(s[i], 0x80, 0xBF)) {
            return 0;
        }
    }
    return need;
}

int jm_utf8_valid(jm_str_t s)
{
    apr_size_t at = 0;

    for (;;) {
        apr_size_t n;

        while (at < s.len && (unsigned char)s.ptr[at] < 0x80) {
            at++;
        }
        if (at == s.len) {
            return 1;
        }
        n = jm_utf8_length(s.ptr + at, s.len - at);

        if (n == 0) {
            return 0;
        }
        at += n;
    }
}
