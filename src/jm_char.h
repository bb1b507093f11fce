/*
 * jm_char.h: classes of octets that several formats share, and %XX. ASCII
 * only, whatever the locale; NUL is in no class.
 */
#ifndef JM_CHAR_H
#define JM_CHAR_H

#include "jm.h"

/* RFC 5234 ALPHA. */
static inline int jm_char_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 5234 DIGIT. */
static inline int jm_char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline int jm_char_is_alnum(char c)
{
    return jm_char_is_alpha(c) || jm_char_is_digit(c);
}

/* What a name has in paths, claim paths and expressions. */
static inline int jm_char_is_name(char c)
{
    return jm_char_is_alnum(c) || c == '_' || c == '-';
}

/* RFC 3986 2.3: never encoded in a URL. */
static inline int jm_char_is_unreserved(char c)
{
    return jm_char_is_name(c) || c == '.' || c == '~';
}

/* RFC 9110 5.6.2: tchar. */
static inline int jm_char_is_token(char c)
{
    return jm_char_is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* RFC 9110 5.6.2: token, at least one octet. */
static inline int jm_char_all_token(jm_str_t text)
{
    apr_size_t i = 0;

    while (i < text.len && jm_char_is_token(text.ptr[i])) {
        i++;
    }
    return text.len > 0 && i == text.len;
}

/* RFC 5234 CTL: what no header field and no log line may hold. */
static inline int jm_char_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F;
}

/* Eight octets as a word, the first one lowest, and one octet eight times. */
#define JM_CHAR_EACH(c) (APR_UINT64_C(0x0101010101010101) * (c))

static inline apr_uint64_t jm_char_word(const char *text)
{
    apr_uint64_t word;

    memcpy(&word, text, sizeof(word));
    return APR_IS_BIGENDIAN ? __builtin_bswap64(word) : word;
}

/* The highest bit of each octet of a word that is neither visible ASCII nor a
 * space. No sum carries into the next octet. */
static inline apr_uint64_t jm_char_word_other(apr_uint64_t word)
{
    apr_uint64_t low = word & JM_CHAR_EACH(0x7F);

    return (~(low + JM_CHAR_EACH(0x60)) | (low + JM_CHAR_EACH(1)) | word)
           & JM_CHAR_EACH(0x80);
}

/* The highest bit of the first octet of a word that is c; those above may be
 * set or not. 0: there is none. */
static inline apr_uint64_t jm_char_word_has(apr_uint64_t word, char c)
{
    apr_uint64_t zero = word ^ JM_CHAR_EACH((unsigned char)c);

    return (zero - JM_CHAR_EACH(1)) & ~zero & JM_CHAR_EACH(0x80);
}

/* Which octet the lowest bit of a word that is not 0 is in, from 0. */
static inline apr_size_t jm_char_word_first(apr_uint64_t bits)
{
    return (apr_size_t)__builtin_ctzll(bits) / 8;
}

/* How many octets text begins with that are visible ASCII or a space. */
static inline apr_size_t jm_char_plain_span(jm_str_t text)
{
    apr_size_t at;

    for (at = 0; at + 8 <= text.len; at += 8) {
        apr_uint64_t other = jm_char_word_other(jm_char_word(text.ptr + at));

        if (other) {
            return at + jm_char_word_first(other);
        }
    }
    while (at < text.len && text.ptr[at] >= 0x20 && text.ptr[at] < 0x7F) {
        at++;
    }
    return at;
}

static inline int jm_char_has_control(jm_str_t text)
{
    apr_size_t at = jm_char_plain_span(text);

    while (at < text.len && !jm_char_is_control(text.ptr[at])) {
        at++;
    }
    return at < text.len;
}

/* The value of a hex digit, either case; -1: it is none. */
static inline int jm_char_hex(char c)
{
    if (jm_char_is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Writes c as %XX (RFC 3986 2.1); behind it. */
static inline char *jm_char_percent(char *to, char c)
{
    static const char hex[] = "0123456789ABCDEF";

    *to++ = '%';
    *to++ = hex[(unsigned char)c >> 4];
    *to++ = hex[(unsigned char)c & 15];
    return to;
}

#endif
