/*
 * jm_json_write.c: the tree of jm_json.h as compact JSON text. Touches only
 * the pool it was given. Recursion is bounded by JM_JSON_DEPTH_MAX, since a
 * tree is no deeper.
 */
#include "jm_json.h"

/* Counts octets, and keeps them once to is set. */
typedef struct sink_t {
    char *to;
    apr_size_t len;
} sink_t;

static void put(sink_t *out, const char *octets, apr_size_t len)
{
    if (out->to && len) {
        memcpy(out->to + out->len, octets, len);
    }
    out->len += len;
}

/* The letter of c's short escape, or 0. */
static char short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void put_escape(sink_t *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = { '\\', short_escape(c), '0', '0', 0, 0 };

    if (text[1]) {
        put(out, text, 2);
        return;
    }
    text[1] = 'u';
    text[4] = hex[(unsigned char)c >> 4];
    text[5] = hex[(unsigned char)c & 0xF];
    put(out, text, 6);
}

static void put_string(sink_t *out, jm_str_t text)
{
    apr_size_t from = 0;
    apr_size_t at;

    put(out, "\"", 1);
    for (at = 0; at < text.len; at++) {
        char c = text.ptr[at];

        if (c == '"' || c == '\\' || (unsigned char)c < 0x20) {
            put(out, text.ptr + from, at - from);
            put_escape(out, c);
            from = at + 1;
        }
    }
    if (from < at) {
        put(out, text.ptr + from, at - from);
    }
    put(out, "\"", 1);
}

static void put_value(sink_t *out, const jm_json_t *node)
{
    int is_object = node->type == JM_JSON_OBJECT;
    unsigned i;

    switch (node->type) {
    case JM_JSON_NULL:
        put(out, "null", 4);
        return;
    case JM_JSON_BOOL:
        put(out, node->truth ? "true" : "false", node->truth ? 4 : 5);
        return;
    case JM_JSON_NUMBER:
        put(out, node->text.ptr, node->text.len);
        return;
    case JM_JSON_STRING:
        put_string(out, node->text);
        return;
    case JM_JSON_ARRAY:
    case JM_JSON_OBJECT:
        break;
    }
    put(out, is_object ? "{" : "[", 1);
    for (i = 0; i < node->count; i++) {
        if (i > 0) {
            put(out, ",", 1);
        }
        if (is_object) {
            put_string(out, node->items[i].name);
            put(out, ":", 1);
        }
        put_value(out, &node->items[i]);
    }
    put(out, is_object ? "}" : "]", 1);
}

jm_str_t jm_json_compact(apr_pool_t *p, const jm_json_t *node)
{
    sink_t out = { NULL, 0 };

    put_value(&out, node);
    out.to = apr_palloc(p, out.len + 1);
    out.len = 0;
    put_value(&out, node);
    out.to[out.len] = '\0';
    return jm_strn(out.to, out.len);
}

jm_str_t jm_json_quote(apr_pool_t *p, jm_str_t text)
{
    sink_t out = { NULL, 0 };

    put_string(&out, text);
    out.to = apr_palloc(p, out.len + 1);
    out.len = 0;
    put_string(&out, text);
    out.to[out.len] = '\0';
    return jm_strn(out.to, out.len);
}
