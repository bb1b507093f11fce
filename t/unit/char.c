/* Classes of octets: what looks at eight octets at a time against what looks
 * at each. */
#include "tap.h"

#include "jm_char.h"

#define LEN_MAX 20

static int is_plain(char c)
{
    return !jm_char_is_control(c) && !((unsigned char)c & 0x80);
}

/* 1 if c at each place of texts of each length is found, and just there. */
static int is_found(char c)
{
    char buf[LEN_MAX];
    apr_size_t len, at;

    for (len = 1; len <= LEN_MAX; len++) {
        for (at = 0; at < len; at++) {
            jm_str_t text = jm_strn(buf, len);

            memset(buf, '~', sizeof(buf));
            buf[at] = c;
            if (jm_char_plain_span(text) != (is_plain(c) ? len : at)
                || jm_char_has_control(text) != jm_char_is_control(c)) {
                return 0;
            }
        }
    }
    return 1;
}

/* 1 if the first c of eight octets is found, whatever stands beside it. */
static int is_first(char c)
{
    char buf[8];
    apr_size_t at;
    int other;

    for (other = 0; other < 256; other++) {
        for (at = 0; at < 8; at++) {
            memset(buf, other, sizeof(buf));
            buf[at] = c;
            if (jm_char_word_first(jm_char_word_has(jm_char_word(buf), c))
                != ((char)other == c ? 0 : at)) {
                return 0;
            }
        }
        memset(buf, other, sizeof(buf));
        if (!jm_char_word_has(jm_char_word(buf), c) != ((char)other != c)) {
            return 0;
        }
    }
    return 1;
}

int main(void)
{
    int c;

    tap_start();
    for (c = 0; c < 256; c++) {
        ok(is_found((char)c) && is_first((char)c), "octet 0x%02x",
           (unsigned)c);
    }
    ok(jm_char_is_control('\0') && jm_char_is_control('\x1F')
       && jm_char_is_control('\x7F') && !jm_char_is_control(' ')
       && !jm_char_is_control('\x80'), "controls are those of ASCII");
    ok(jm_char_plain_span(jm_strn(NULL, 0)) == 0
       && !jm_char_has_control(jm_strn(NULL, 0)), "nothing holds none");
    ok(jm_char_has_control(jm_str("\xC3\xA9t\xC3\xA9 \xC3\xA9t\xC3\xA9\t")),
       "a control behind other characters is found");
    return tap_done();
}
