/*
 * jm_revoked.c: reads a revocation list and looks claims up in it. Touches
 * the pool it is given.
 */
#include "jm_revoked.h"

#include "jm_json.h"
#include "jm_utf8.h"

#define KIND_COUNT 3
#define DIGITS_MAX 18          /* of a time: it fits into 64 bits */

static const char *const kinds[KIND_COUNT] = { "jti", "sub", "sid" };

struct jm_revoked_t {
    apr_hash_t *values[KIND_COUNT];  /* value -> itself */
    jm_json_t before;                /* NUMBER: the latest iat< */
    apr_int64_t seconds;             /* the same; -1: none */
};

/* 1 if text starts with prefix, which is then taken off. */
static int take(jm_str_t *text, const char *prefix)
{
    apr_size_t len = strlen(prefix);

    if (text->len < len || memcmp(text->ptr, prefix, len)) {
        return 0;
    }
    *text = jm_strn(text->ptr + len, text->len - len);
    return 1;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What is wrong with a value, or NULL. */
static const char *value_objection(jm_str_t value)
{
    apr_size_t i;

    if (value.len == 0) {
        return "the value is missing";
    }
    if (is_blank(value.ptr[0]) || is_blank(value.ptr[value.len - 1])) {
        return "a blank stands before or behind the value: remove it";
    }
    if (value.ptr[value.len - 1] == '\r') {
        return "the line ends in CR LF: write LF only";
    }
    for (i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (c < 0x20 || c == 0x7f) {
            return "a control character stands in the value";
        }
        if (c == '#' && i > 0 && is_blank(value.ptr[i - 1])) {
            return "a comment needs a line of its own";
        }
    }
    return jm_utf8_valid(value) ? NULL : "the value is not UTF-8";
}

static const char *read_before(jm_revoked_t *list, jm_str_t digits)
{
    apr_int64_t seconds = 0;
    apr_size_t i;

    if (digits.len == 0 || digits.len > DIGITS_MAX) {
        return "write the time as seconds since 1970, as in iat<1767225600";
    }
    for (i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return "write the time as seconds since 1970, as in "
                   "iat<1767225600";
        }
        seconds = seconds * 10 + (digits.ptr[i] - '0');
    }
    if (seconds > list->seconds) {
        list->seconds = seconds;
        list->before.type = JM_JSON_NUMBER;
        list->before.text = digits;
    }
    return NULL;
}

/* What is wrong with a line, or NULL. */
static const char *read_line(jm_revoked_t *list, jm_str_t line)
{
    jm_str_t rest = line;
    const char *objection;
    unsigned i;

    if (take(&rest, "iat<")) {
        return read_before(list, rest);
    }
    for (i = 0; i < KIND_COUNT; i++) {
        rest = line;
        if (take(&rest, kinds[i]) && take(&rest, ":")) {
            objection = value_objection(rest);
            if (!objection) {
                apr_hash_set(list->values[i], rest.ptr,
                             (apr_ssize_t)rest.len, rest.ptr);
            }
            return objection;
        }
    }
    return "write jti:VALUE, sub:VALUE, sid:VALUE or iat<SECONDS";
}

/* 1 if there is nothing on the line but blanks, or a comment. */
static int says_nothing(jm_str_t line)
{
    apr_size_t i;

    for (i = 0; i < line.len; i++) {
        if (!is_blank(line.ptr[i]) && line.ptr[i] != '\r') {
            return line.ptr[i] == '#';
        }
    }
    return 1;
}

static jm_str_t next_line(jm_str_t *rest)
{
    const char *end = memchr(rest->ptr, '\n', rest->len);
    apr_size_t len = end ? (apr_size_t)(end - rest->ptr) : rest->len;
    jm_str_t line = jm_strn(rest->ptr, len);

    len += end ? 1 : 0;
    *rest = jm_strn(rest->ptr + len, rest->len - len);
    return line;
}

apr_status_t jm_revoked_parse(const jm_revoked_t **plist, const char **perror,
                              apr_pool_t *p, jm_str_t text)
{
    jm_revoked_t *list = apr_pcalloc(p, sizeof(*list));
    unsigned number;
    unsigned i;

    *plist = NULL;
    *perror = NULL;
    list->seconds = -1;
    for (i = 0; i < KIND_COUNT; i++) {
        list->values[i] = apr_hash_make(p);
    }
    for (number = 1; text.len > 0; number++) {
        jm_str_t line = next_line(&text);
        const char *objection = says_nothing(line) ? NULL
                                                   : read_line(list, line);

        if (objection) {
            *perror = apr_psprintf(p, "line %u: %s", number, objection);
            return APR_EINVAL;
        }
    }
    *plist = list;
    return APR_SUCCESS;
}

/* Rounding up leaves only the last second in doubt. */
static int is_before(const jm_revoked_t *list, const jm_json_t *iat)
{
    apr_int64_t seconds;

    if (jm_json_seconds(&seconds, iat) != APR_SUCCESS) {
        return 1;
    }
    return seconds < list->seconds
           || (seconds == list->seconds
               && !jm_json_scalar_eq(iat, &list->before));
}

int jm_revoked_has(const jm_revoked_t *list, const jm_json_t *claims)
{
    unsigned i;

    for (i = 0; i < KIND_COUNT; i++) {
        const jm_json_t *claim = jm_json_get(claims, jm_str(kinds[i]));

        /* jti and sub are strings by then; of a sid nothing is checked. */
        if (claim && (claim->type == JM_JSON_STRING
                      || claim->type == JM_JSON_NUMBER)
            && apr_hash_get(list->values[i], claim->text.ptr,
                            (apr_ssize_t)claim->text.len)) {
            return 1;
        }
    }
    return list->seconds >= 0
           && is_before(list, jm_json_get(claims, jm_str("iat")));
}
