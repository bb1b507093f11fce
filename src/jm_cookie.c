/*
 * jm_cookie.c: see jm_cookie.h. Touches nothing.
 */
#include "jm_cookie.h"

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static jm_str_t trimmed(jm_str_t text)
{
    while (text.len && is_blank(*text.ptr)) {
        text.ptr++;
        text.len--;
    }
    while (text.len && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

static jm_str_t unquoted(jm_str_t value)
{
    if (value.len >= 2 && value.ptr[0] == '"'
        && value.ptr[value.len - 1] == '"') {
        return jm_strn(value.ptr + 1, value.len - 2);
    }
    return value;
}

static int is_one_of(const char *octets, char c)
{
    return c && strchr(octets, c);
}

int jm_cookie_next(jm_cookie_t *pcookie, jm_str_t *prest,
                   const char *separators)
{
    jm_str_t rest = *prest;
    apr_size_t start, end;
    const char *equals;
    jm_str_t pair;

    if (!rest.len) {
        return 0;
    }
    start = is_one_of(separators, rest.ptr[0]) ? 1 : 0;
    for (end = start; end < rest.len && !is_one_of(separators, rest.ptr[end]);
         end++) {
    }
    pair = jm_strn(rest.ptr + start, end - start);
    equals = pair.len ? memchr(pair.ptr, '=', pair.len) : NULL;
    pcookie->whole = jm_strn(rest.ptr, end);
    pcookie->name = pcookie->value = jm_strn(pair.ptr, 0);
    if (equals) {
        apr_size_t len = (apr_size_t)(equals - pair.ptr);

        pcookie->name = trimmed(jm_strn(pair.ptr, len));
        pcookie->value = unquoted(trimmed(jm_strn(equals + 1,
                                                  pair.len - len - 1)));
    }
    *prest = jm_strn(rest.ptr + end, rest.len - end);
    return 1;
}
