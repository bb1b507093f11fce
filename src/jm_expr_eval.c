/*
 * jm_expr_eval.c: runs the parts of a compiled value over one request. What
 * it reads is hostile: text is counted, never expanded again, and looked at
 * as a whole before it is handed on. Touches only the pool it was given.
 */
#include "jm_char.h"
#include "jm_cookie.h"
#include "jm_expr_part.h"
#include "jm_query.h"

/* One part of one request. */
typedef struct fetched_t {
    const jm_json_t *node; /* claims' or scratch; has a value */
    jm_json_t scratch;     /* holds what is text at its source */
} fetched_t;

typedef enum fetch_e {
    FETCH_FAULT = 0,
    FETCH_MISSING,
    FETCH_OK,
} fetch_e;

typedef fetch_e fetch_fn(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                         const jm_inputs_t *inputs);

static fetch_e found_text(fetched_t *f, jm_str_t text)
{
    f->scratch.type = JM_JSON_STRING;
    f->scratch.text = text;
    f->node = &f->scratch;
    return FETCH_OK;
}

static fetch_e found_node(fetched_t *f, const jm_json_t *node)
{
    if (!node || node->type == JM_JSON_NULL) {
        return FETCH_MISSING;
    }
    f->node = node;
    return FETCH_OK;
}

static fetch_e fetch_text(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                          const jm_inputs_t *inputs)
{
    (void)p;
    (void)inputs;
    return found_text(f, part->text);
}

static fetch_e fetch_nothing(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                             const jm_inputs_t *inputs)
{
    (void)f;
    (void)p;
    (void)part;
    (void)inputs;
    return FETCH_MISSING;
}

static fetch_e fetch_claim(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                           const jm_inputs_t *inputs)
{
    (void)p;
    if (!inputs->claims) {
        return FETCH_MISSING;
    }
    return found_node(f, jm_path_find(inputs->claims, &part->path));
}

static fetch_e fetch_jose(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                          const jm_inputs_t *inputs)
{
    (void)p;
    return found_node(f, jm_json_get(inputs->jose, part->text));
}

static int push_line(void *lines, const char *name, const char *value)
{
    (void)name;
    APR_ARRAY_PUSH((apr_array_header_t *)lines, jm_str_t) = jm_str(value);
    return 1;
}

/* The values of all fields of that name, in order; no allocation for none. */
static const apr_array_header_t *
header_lines(apr_pool_t *p, const jm_inputs_t *inputs, const char *name)
{
    apr_array_header_t *lines;

    if (!inputs->headers || !apr_table_get(inputs->headers, name)) {
        return NULL;
    }
    lines = apr_array_make(p, 1, sizeof(jm_str_t));
    apr_table_do(push_line, lines, inputs->headers, name, NULL);
    return lines;
}

/* All texts, with separator between two. */
static jm_str_t join(apr_pool_t *p, const jm_str_t *texts, int count,
                     const char *separator)
{
    apr_size_t gap = strlen(separator);
    apr_size_t len = 0;
    char *buf;
    int i;

    for (i = 0; i < count; i++) {
        len += texts[i].len + gap;
    }
    buf = apr_palloc(p, len + 1);
    len = 0;
    for (i = 0; i < count; i++) {
        if (i) {
            memcpy(buf + len, separator, gap);
            len += gap;
        }
        if (texts[i].len) {
            memcpy(buf + len, texts[i].ptr, texts[i].len);
            len += texts[i].len;
        }
    }
    buf[len] = '\0';
    return jm_strn(buf, len);
}

static fetch_e fetch_header(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                            const jm_inputs_t *inputs)
{
    const apr_array_header_t *lines;

    lines = header_lines(p, inputs, part->text.ptr);
    if (!lines) {
        return FETCH_MISSING;
    }
    if (lines->nelts == 1) {
        return found_text(f, APR_ARRAY_IDX(lines, 0, jm_str_t));
    }
    return found_text(
        f, join(p, (const jm_str_t *)lines->elts, lines->nelts, ", "));
}

static fetch_e fetch_query(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                           const jm_inputs_t *inputs)
{
    jm_str_t value;

    if (!jm_query_get(&value, p, inputs->query, part->text)) {
        return FETCH_MISSING;
    }
    return found_text(f, value);
}

static fetch_e fetch_path(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                          const jm_inputs_t *inputs)
{
    (void)p;
    if (!inputs->params) {
        return FETCH_FAULT;
    }
    return found_text(f, inputs->params[part->index]);
}

/* 1 if text begins with NAME=. */
static int begins_cookie(const char *text, const char *end)
{
    const char *at = text;

    while (at < end && jm_char_is_token(*at)) {
        at++;
    }
    return at > text && at < end && *at == '=';
}

/* Takes the first field line off *prest: httpd joins two with a comma and a
 * blank, of which no cookie holds either (RFC 6265 4.1.1). */
static jm_str_t next_cookie_line(jm_str_t *prest)
{
    const char *end = prest->ptr + prest->len;
    const char *at = prest->ptr;
    jm_str_t line = *prest;

    while ((at = memchr(at, ',', (apr_size_t)(end - at))) != NULL) {
        at++;
        if (at < end && *at == ' ' && begins_cookie(at + 1, end)) {
            line.len = (apr_size_t)(at - 1 - line.ptr);
            *prest = jm_strn(at + 1, (apr_size_t)(end - at - 1));
            return line;
        }
    }
    *prest = jm_strn(end, 0);
    return line;
}

/* The first cookie of that name in field: 1 if it is there. */
static int find_cookie(jm_str_t *pvalue, jm_str_t field, jm_str_t name)
{
    jm_cookie_t cookie;

    while (field.len) {
        jm_str_t line = next_cookie_line(&field);

        while (jm_cookie_next(&cookie, &line, ";")) {
            if (jm_str_eq(cookie.name, name)) {
                *pvalue = cookie.value;
                return 1;
            }
        }
    }
    return 0;
}

static fetch_e fetch_cookie(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                            const jm_inputs_t *inputs)
{
    const apr_array_header_t *lines = header_lines(p, inputs, "Cookie");
    jm_str_t value;
    int i;

    for (i = 0; lines && i < lines->nelts; i++) {
        if (find_cookie(&value, APR_ARRAY_IDX(lines, i, jm_str_t),
                        part->text)) {
            return found_text(f, value);
        }
    }
    return FETCH_MISSING;
}

static fetch_e fetch_method(fetched_t *f, apr_pool_t *p, const jm_part_t *part,
                            const jm_inputs_t *inputs)
{
    (void)p;
    (void)part;
    if (!inputs->method) {
        return FETCH_FAULT;
    }
    return found_text(f, jm_str(inputs->method));
}

static fetch_fn *const fetchers[JM_PART_COUNT] = {
    [JM_PART_TEXT] = fetch_text,     [JM_PART_NOTHING] = fetch_nothing,
    [JM_PART_CLAIM] = fetch_claim,   [JM_PART_JOSE] = fetch_jose,
    [JM_PART_HEADER] = fetch_header, [JM_PART_QUERY] = fetch_query,
    [JM_PART_PATH] = fetch_path,     [JM_PART_COOKIE] = fetch_cookie,
    [JM_PART_METHOD] = fetch_method,
};

jm_str_t jm_value_text(apr_pool_t *p, const jm_json_t *node)
{
    if (!node || node->type == JM_JSON_NULL) {
        return jm_str("");
    }
    if (node->type == JM_JSON_STRING || node->type == JM_JSON_NUMBER) {
        return node->text;
    }
    return jm_json_compact(p, node);
}

/* An array of scalars as one text; a scalar as itself. */
static apr_status_t format_list(jm_str_t *pout, apr_pool_t *p,
                                const jm_json_t *node, const char *separator)
{
    jm_str_t *texts;
    unsigned i;

    if (node->type != JM_JSON_ARRAY) {
        *pout = jm_value_text(p, node);
        return node->type == JM_JSON_OBJECT ? APR_EINVAL : APR_SUCCESS;
    }
    texts = apr_palloc(p, (node->count + 1) * sizeof(*texts));
    for (i = 0; i < node->count; i++) {
        const jm_json_t *item = &node->items[i];

        if (item->type == JM_JSON_NULL || item->type == JM_JSON_ARRAY
            || item->type == JM_JSON_OBJECT) {
            return APR_EINVAL;
        }
        texts[i] = jm_value_text(p, item);
        if (texts[i].len && memchr(texts[i].ptr, *separator, texts[i].len)) {
            return APR_EINVAL;
        }
    }
    *pout = join(p, texts, (int)node->count, separator);
    return APR_SUCCESS;
}

static apr_status_t format_text(jm_str_t *pout, apr_pool_t *p,
                                const jm_json_t *node)
{
    *pout = jm_value_text(p, node);
    return APR_SUCCESS;
}

static apr_status_t format_json(jm_str_t *pout, apr_pool_t *p,
                                const jm_json_t *node)
{
    *pout = jm_json_compact(p, node);
    return APR_SUCCESS;
}

static apr_status_t format_csv(jm_str_t *pout, apr_pool_t *p,
                               const jm_json_t *node)
{
    return format_list(pout, p, node, ",");
}

static apr_status_t format_space(jm_str_t *pout, apr_pool_t *p,
                                 const jm_json_t *node)
{
    return format_list(pout, p, node, " ");
}

static apr_status_t format_percent(jm_str_t *pout, apr_pool_t *p,
                                   const jm_json_t *node)
{
    jm_str_t text = jm_value_text(p, node);
    char *buf = apr_palloc(p, 3 * text.len + 1);
    char *to = buf;
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c > 0x20 && c < 0x7F && c != '%') {
            *to++ = (char)c;
        }
        else {
            to = jm_char_percent(to, (char)c);
        }
    }
    *pout = jm_strn(buf, (apr_size_t)(to - buf));
    return APR_SUCCESS;
}

typedef apr_status_t format_fn(jm_str_t *pout, apr_pool_t *p,
                               const jm_json_t *node);

static format_fn *const formats[JM_FORMAT_COUNT] = {
    [JM_FORMAT_TEXT] = format_text,       [JM_FORMAT_JSON] = format_json,
    [JM_FORMAT_CSV] = format_csv,         [JM_FORMAT_SPACE] = format_space,
    [JM_FORMAT_PERCENT] = format_percent,
};

apr_status_t jm_expr_format(jm_str_t *pout, apr_pool_t *p,
                            const jm_json_t *node, jm_format_e format)
{
    return formats[format](pout, p, node);
}

const char *jm_expr_unmappable(jm_str_t text, int plain, jm_target_e target)
{
    plain = plain || jm_char_plain_span(text) == text.len;
    if (!plain && jm_char_has_control(text)) {
        return "holds a control character";
    }
    if (target == JM_TARGET_HEADER && text.len
        && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ')) {
        return "begins or ends with a blank";
    }
    return plain || jm_utf8_valid(text) ? NULL : "is not valid UTF-8";
}

int jm_value_mappable(jm_str_t text, jm_target_e target)
{
    return !jm_expr_unmappable(text, 0, target);
}

static jm_eval_e eval_missing(jm_str_t *pout, apr_pool_t *p,
                              const jm_value_t *value)
{
    switch (value->on_missing) {
    case JM_MISSING_OMIT:
        return JM_EVAL_OMIT;
    case JM_MISSING_REJECT:
        return JM_EVAL_REJECT;
    case JM_MISSING_EMPTY:
    case JM_MISSING_DEFAULT:
        *pout = jm_str_dup(p, value->fallback);
        return JM_EVAL_OK;
    }
    return JM_EVAL_FAULT;
}

/* The octets of one part; a constant one was formatted at load. */
static apr_status_t part_text(jm_str_t *pout, apr_pool_t *p,
                              const jm_value_t *value, const jm_part_t *part,
                              const fetched_t *f)
{
    if (part->kind == JM_PART_TEXT) {
        *pout = part->text;
        return APR_SUCCESS;
    }
    return jm_expr_format(pout, p, f->node, value->format);
}

/* 1 if the text of value is known to be visible ASCII and spaces: it is that
 * of one claim, and the claim is. */
static int is_plain(const jm_value_t *value, const fetched_t *fetched)
{
    return value->count == 1 && value->parts->kind == JM_PART_CLAIM
           && value->format == JM_FORMAT_TEXT && fetched->node->plain;
}

/* All parts as one text, a copy: what an input or the table owns is not
 * handed out to code that may write into a header. */
static jm_eval_e eval_text(jm_str_t *pout, apr_pool_t *p,
                           const jm_value_t *value, const fetched_t *fetched)
{
    jm_str_t one = { NULL, 0 };
    jm_str_t *texts = &one;
    jm_str_t whole;
    unsigned i;

    if (value->count > 1) {
        texts = apr_palloc(p, value->count * sizeof(*texts));
    }
    for (i = 0; i < value->count; i++) {
        if (part_text(&texts[i], p, value, &value->parts[i], &fetched[i])) {
            return JM_EVAL_UNMAPPABLE;
        }
    }
    whole = value->count > 1 ? join(p, texts, (int)value->count, "")
                             : jm_str_dup(p, one);
    if (whole.len > value->max_bytes
        || jm_expr_unmappable(whole, is_plain(value, fetched),
                              value->target)) {
        return JM_EVAL_UNMAPPABLE;
    }
    *pout = whole;
    return JM_EVAL_OK;
}

jm_eval_e jm_value_eval(jm_str_t *pout, apr_pool_t *p, const jm_value_t *value,
                        const jm_inputs_t *inputs)
{
    fetched_t one;
    fetched_t *fetched = &one;
    unsigned i;

    *pout = jm_strn(NULL, 0);
    if (value->count > 1) {
        fetched = apr_palloc(p, value->count * sizeof(*fetched));
    }
    /* All are looked at before any is formatted: one that is missing makes
     * the whole missing, whatever the others hold. */
    for (i = 0; i < value->count; i++) {
        const jm_part_t *part = &value->parts[i];

        switch (fetchers[part->kind](&fetched[i], p, part, inputs)) {
        case FETCH_OK:
            break;
        case FETCH_MISSING:
            return eval_missing(pout, p, value);
        default:
            return JM_EVAL_FAULT;
        }
    }
    return eval_text(pout, p, value, fetched);
}
