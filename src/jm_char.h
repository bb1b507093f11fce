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
