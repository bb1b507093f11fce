/*
 * jm_utf8.h: UTF-8 by RFC 3629: no overlong form, no surrogate, nothing
 * beyond U+10FFFF. NUL is a character like others. Touches nothing.
 */
#ifndef JM_UTF8_H
#define JM_UTF8_H

#include "jm.h"

/* The octets of the sequence at s (len octets are there): 1 to 4, or 0 if it
 * is not well-formed. */
apr_size_t jm_utf8_length(const char *s, apr_size_t len);

/* 1 if s is valid UTF-8; the empty text is. */
int jm_utf8_valid(jm_str_t s);

#endif
