/*
 * jm_json_scan.c: the scan that goes before the tree: grammar, UTF-8, escapes,
 * depth, and where everything stands. Touches only the pool it was given.
 * Recursion is bounded by JM_JSON_DEPTH_MAX.
 */
#include "jm_json_scan.h"

#include <stdarg.h>

#include "jm_char.h"
#include "jm_json_mistake.h"
#include "jm_utf8.h"

static apr_status_t scan_value(jm_json_scan_t *s, const jm_json_step_t *step);

static apr_status_t fail(jm_json_scan_t *s, apr_size_t offset,
                         const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static apr_status_t fail(jm_json_scan_t *s, apr_size_t offset,
                         const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    s->message = apr_pvsprintf(s->p, fmt, ap);
    va_end(ap);
    s->offset = offset;
    return APR_EINVAL;
}

/* The octet to be read, or -1 at the end: no octet of a text is that. */
static int peek(const jm_json_scan_t *s)
{
    if (s->at >= s->source.len) {
        return -1;
    }
    return (unsigned char)s->source.ptr[s->at];
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
           || c == '$';
}

static void skip_blanks(jm_json_scan_t *s)
{
    int c = peek(s);

    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        s->at++;
        c = peek(s);
    }
}

/* What is wrong with the text from an offset on, if it is a usual mistake. */
static const char *mistake_at(const jm_json_scan_t *s, apr_size_t offset,
                              jm_json_want_e want)
{
    apr_size_t len = s->source.len - offset;

    return len ? jm_json_mistake(jm_strn(s->source.ptr + offset, len), want)
               : NULL;
}

/* Something else stands where `want` must. */
static apr_status_t fail_unexpected(jm_json_scan_t *s, jm_json_want_e place,
                                    const char *want)
{
    const char *message = mistake_at(s, s->at, place);
    int c = peek(s);

    if (message) {
        return fail(s, s->at, "%s", message);
    }
    if (c < 0) {
        return fail(s, s->at, "the text ends where %s must stand", want);
    }
    if (c > 0x20 && c < 0x7F) {
        return fail(s, s->at, "%s must stand here, not %c", want, c);
    }
    return fail(s, s->at, "%s must stand here, not the octet 0x%02x", want,
                (unsigned)c);
}

/* The value of \uXXXX at an offset, or -1 if no such escape stands there. */
static int unicode_escape(const jm_json_scan_t *s, apr_size_t offset)
{
    const char *text = s->source.ptr + offset;
    int value = 0;
    int i;

    if (s->source.len - offset < 6 || text[0] != '\\' || text[1] != 'u') {
        return -1;
    }
    for (i = 2; i < 6; i++) {
        int digit = jm_char_hex(text[i]);

        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

static apr_status_t scan_unicode(jm_json_scan_t *s, int is_name)
{
    int value = unicode_escape(s, s->at);
    int low;

    if (value < 0) {
        return fail(s, s->at, "four hexadecimal digits must stand after \\u");
    }
    if (value == 0 && is_name) {
        return fail(s, s->at, "a member name must not hold NUL");
    }
    s->at += 6;
    if (value < 0xD800 || value > 0xDFFF) {
        s->decoded += value < 0x80 ? 1 : value < 0x800 ? 2 : 3;
        return APR_SUCCESS;
    }
    low = value < 0xDC00 ? unicode_escape(s, s->at) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        return fail(s, s->at - 6, "\\u%04x is half a surrogate pair: write the "
                    "character itself", value);
    }
    s->at += 6;
    s->decoded += 4;
    return APR_SUCCESS;
}

static apr_status_t scan_escape(jm_json_scan_t *s, int is_name)
{
    int c = s->source.len - s->at < 2 ? -1
            : (unsigned char)s->source.ptr[s->at + 1];

    if (c == 'u') {
        return scan_unicode(s, is_name);
    }
    /* memchr, since strchr would find the NUL of its own string. */
    if (c >= 0 && memchr("\"\\/bfnrt", c, 8)) {
        s->at += 2;
        s->decoded++;
        return APR_SUCCESS;
    }
    return fail(s, s->at, "this is not an escape of JSON: write \\\\ for a "
                          "backslash");
}

/* The next octet of a string that is more than itself; end: none. */
static const char *find_more(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        apr_uint64_t word = jm_char_word(at);
        apr_uint64_t more = jm_char_word_other(word)
                            | jm_char_word_has(word, '"')
                            | jm_char_word_has(word, '\\');

        if (more) {
            return at + jm_char_word_first(more);
        }
    }
    while (at < end && *at >= 0x20 && *at < 0x7F && *at != '"'
           && *at != '\\') {
        at++;
    }
    return at;
}

static void skip_plain(jm_json_scan_t *s)
{
    const char *start = s->source.ptr + s->at;
    const char *at = find_more(start, s->source.ptr + s->source.len);

    s->at += (apr_size_t)(at - start);
    s->decoded += (apr_uint32_t)(at - start);
}

static apr_status_t scan_string(jm_json_scan_t *s, int is_name)
{
    s->at++;
    s->decoded = 0;
    s->plain = 1;
    for (;;) {
        apr_status_t rv = APR_SUCCESS;
        apr_size_t n;
        int c;

        skip_plain(s);
        c = peek(s);
        if (c < 0) {
            return fail(s, s->at, "the text ends within a string: its closing "
                                  "\" is missing");
        }
        if (c == '"') {
            s->at++;
            return APR_SUCCESS;
        }
        s->plain = 0;
        if (c < 0x20) {
            return fail(s, s->at, "a string must not hold a raw control "
                        "character: write \\u%04x, or close the string",
                        (unsigned)c);
        }
        n = jm_utf8_length(s->source.ptr + s->at, s->source.len - s->at);
        if (n == 0) {
            return fail(s, s->at, "not valid UTF-8 (octet 0x%02x)",
                        (unsigned)c);
        }
        if (c == '\\') {
            rv = scan_escape(s, is_name);
        }
        else {
            s->at += n;
            s->decoded += (apr_uint32_t)n;
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

static apr_status_t scan_digits(jm_json_scan_t *s, const char *where)
{
    if (!is_digit(peek(s))) {
        return fail(s, s->at, "a digit must stand %s", where);
    }
    while (is_digit(peek(s))) {
        s->at++;
    }
    return APR_SUCCESS;
}

static apr_status_t scan_exponent(jm_json_scan_t *s)
{
    s->at++;
    if (peek(s) == '+' || peek(s) == '-') {
        s->at++;
    }
    return scan_digits(s, "in the exponent of a number");
}

/* The part of a number before point and exponent. */
static apr_status_t scan_integer(jm_json_scan_t *s)
{
    const char *message = NULL;
    apr_size_t start = s->at;

    if (peek(s) == '-') {
        s->at++;
        if (is_letter(peek(s))) {
            message = mistake_at(s, start, JM_JSON_WANT_VALUE);
        }
    }
    if (message) {
        return fail(s, start, "%s", message);
    }
    if (peek(s) != '0') {
        return scan_digits(s, "after -");
    }
    s->at++;
    if (is_digit(peek(s))) {
        return fail(s, s->at - 1, "a number must not have a leading 0");
    }
    if (peek(s) == 'x' || peek(s) == 'X') {
        return fail(s, s->at - 1, "hexadecimal numbers are not JSON: write "
                                  "decimal digits");
    }
    return APR_SUCCESS;
}

static apr_status_t scan_number(jm_json_scan_t *s)
{
    apr_status_t rv = scan_integer(s);

    if (rv == APR_SUCCESS && peek(s) == '.') {
        s->at++;
        rv = scan_digits(s, "after the decimal point");
    }
    if (rv == APR_SUCCESS && (peek(s) == 'e' || peek(s) == 'E')) {
        rv = scan_exponent(s);
    }
    if (rv == APR_SUCCESS
        && (is_letter(peek(s)) || peek(s) == '.' || peek(s) == '+'
            || peek(s) == '-')) {
        rv = fail(s, s->at, "this does not belong into a number: write "
                            "digits, or a string in double quotes");
    }
    return rv;
}

static apr_status_t scan_literal(jm_json_scan_t *s)
{
    static const char *const literals[] = { "true", "false", "null" };
    apr_size_t start = s->at;
    unsigned i;

    for (i = 0; i < 3; i++) {
        apr_size_t len = strlen(literals[i]);

        if (s->source.len - s->at >= len
            && !memcmp(s->source.ptr + s->at, literals[i], len)) {
            s->at += len;
            break;
        }
    }
    if (i < 3 && !is_letter(peek(s)) && !is_digit(peek(s))) {
        return APR_SUCCESS;
    }
    s->at = start;
    if (is_letter(peek(s)) && !mistake_at(s, s->at, JM_JSON_WANT_VALUE)) {
        return fail(s, s->at, "strings must be in double quotes");
    }
    return fail_unexpected(s, JM_JSON_WANT_VALUE, "a value");
}

/* What stands between two children, or behind the last one. Sets *pmore. A
 * comma before the closing bracket is told at the comma: it must go. */
static apr_status_t scan_separator(jm_json_scan_t *s, int *pmore, char close)
{
    apr_size_t comma = s->at;
    int c = peek(s);

    *pmore = c == ',';
    if (c != ',' && c != close) {
        if (c == '"' || c == '{' || c == '[' || c == '-' || is_digit(c)
            || is_letter(c)) {
            return fail(s, s->at, "a comma is missing before this");
        }
        return fail_unexpected(s, JM_JSON_WANT_OTHER,
                               close == ']' ? "a comma or ]"
                                            : "a comma or }");
    }
    s->at++;
    if (c == ',') {
        skip_blanks(s);
        if (peek(s) == close) {
            return fail(s, comma, "a comma must not stand before %c", close);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t scan_name(jm_json_scan_t *s, jm_json_step_t *step)
{
    apr_uint32_t start = (apr_uint32_t)s->at;
    apr_status_t rv;

    if (is_letter(peek(s)) || is_digit(peek(s))) {
        return fail(s, s->at, "names must be in double quotes");
    }
    if (peek(s) != '"') {
        return fail_unexpected(s, JM_JSON_WANT_NAME, "a name in double quotes");
    }
    rv = scan_string(s, 1);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    step->place = JM_JSON_AT_NAME;
    step->name_offset = start;
    step->name_len = s->decoded;
    step->plain_name = s->plain;
    skip_blanks(s);
    if (peek(s) != ':') {
        return fail_unexpected(s, JM_JSON_WANT_OTHER, "a colon");
    }
    s->at++;
    skip_blanks(s);
    return APR_SUCCESS;
}

/* One element, or one member with its name. */
static apr_status_t scan_child(jm_json_scan_t *s, jm_json_step_t *step,
                               char close)
{
    apr_status_t rv = APR_SUCCESS;

    if (close == ']') {
        step->place = JM_JSON_AT_INDEX;
    }
    else {
        rv = scan_name(s, step);
    }
    if (rv == APR_SUCCESS) {
        rv = scan_value(s, step);
    }
    if (rv == APR_SUCCESS) {
        step->place = JM_JSON_BETWEEN;
        skip_blanks(s);
    }
    return rv;
}

static apr_status_t scan_children(jm_json_scan_t *s, apr_uint32_t *pcount,
                                  char close)
{
    jm_json_step_t *step = &s->trail[s->depth];
    apr_status_t rv = APR_SUCCESS;
    int more = 1;

    if (s->depth == JM_JSON_DEPTH_MAX) {
        return fail(s, s->at, "arrays and objects nested deeper than %d: "
                    "make it flatter",
                    JM_JSON_DEPTH_MAX);
    }
    memset(step, 0, sizeof(*step));
    s->depth++;
    s->at++;
    skip_blanks(s);
    if (peek(s) == close) {
        s->at++;
        more = 0;
    }
    while (rv == APR_SUCCESS && more) {
        step->index = *pcount;
        rv = scan_child(s, step, close);
        if (rv == APR_SUCCESS) {
            ++*pcount;
            rv = scan_separator(s, &more, close);
        }
    }
    if (rv == APR_SUCCESS) {
        s->depth--;
    }
    return rv;
}

/* step is that of the parent; at the top level, one of zeros. */
static apr_status_t scan_value(jm_json_scan_t *s, const jm_json_step_t *step)
{
    jm_json_mark_t mark = { (apr_uint32_t)s->at, step->name_offset,
                            step->name_len, 0, 0, 0,
                            step->plain_name != 0 };
    int index = s->marks->nelts;
    int c = peek(s);
    apr_status_t rv;

    APR_ARRAY_PUSH(s->marks, jm_json_mark_t) = mark;
    if (c == '{' || c == '[') {
        rv = scan_children(s, &mark.count, c == '{' ? '}' : ']');
    }
    else if (c == '"') {
        rv = scan_string(s, 0);
        mark.count = s->decoded;
        mark.plain = s->plain != 0;
    }
    else if (c == '-' || is_digit(c)) {
        rv = scan_number(s);
        mark.count = (apr_uint32_t)s->at - mark.offset;
        mark.plain = 1;
    }
    else {
        rv = scan_literal(s);
    }
    mark.next = (apr_uint32_t)s->marks->nelts;
    APR_ARRAY_IDX(s->marks, index, jm_json_mark_t) = mark;
    return rv;
}

apr_status_t jm_json_scan(jm_json_scan_t *s, apr_pool_t *p, jm_str_t source)
{
    static const jm_json_step_t top;
    apr_status_t rv;

    s->p = p;
    s->source = source;
    s->at = s->offset = 0;
    s->depth = 0;
    s->message = NULL;
    s->marks = apr_array_make(p, 64, sizeof(jm_json_mark_t));
    if (source.len > JM_TABLE_FILE_MAX) {
        return fail(s, 0, "the text is larger than %d octets",
                    JM_TABLE_FILE_MAX);
    }
    skip_blanks(s);
    rv = scan_value(s, &top);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    skip_blanks(s);
    if (s->at < source.len) {
        const char *message = mistake_at(s, s->at, JM_JSON_WANT_OTHER);

        return fail(s, s->at, "%s", message ? message
                                            : "nothing may stand after the "
                                              "JSON value: remove it");
    }
    return APR_SUCCESS;
}
