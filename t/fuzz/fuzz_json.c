/*
 * What is accepted is strict JSON to another strict parser as well, with the
 * same values; what that one accepts is accepted, but for our two limits (NUL
 * in a name, depth). It is written out, and reads as the same again.
 */
#include "fuzz.h"

#include "jm_char.h"
#include "jm_json_block.h"

static void same(const jm_json_t *a, const jm_json_t *b)
{
    unsigned i;

    must(a->type == b->type && a->count == b->count);
    must(a->truth == b->truth && jm_str_eq(a->text, b->text));
    must(jm_str_eq(a->name, b->name));
    must(!a->plain || jm_char_plain_span(a->text) == a->text.len);
    must(!a->plain_name || jm_char_plain_span(a->name) == a->name.len);
    for (i = 0; i < a->count; i++) {
        must(a->items[i].parent == a && a->items[i].index == i);
        same(&a->items[i], &b->items[i]);
    }
}

#ifdef JM_HAVE_JANSSON
#include <jansson.h>

#define FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL)

static void same_value(const jm_json_t *ours, const json_t *theirs)
{
    static const jm_json_e types[] = {
        [JSON_OBJECT] = JM_JSON_OBJECT, [JSON_ARRAY] = JM_JSON_ARRAY,
        [JSON_STRING] = JM_JSON_STRING, [JSON_INTEGER] = JM_JSON_NUMBER,
        [JSON_REAL] = JM_JSON_NUMBER, [JSON_TRUE] = JM_JSON_BOOL,
        [JSON_FALSE] = JM_JSON_BOOL, [JSON_NULL] = JM_JSON_NULL
    };
    apr_size_t i;

    must(ours->type == types[json_typeof(theirs)]);
    must(ours->truth == json_is_true(theirs));
    if (json_is_string(theirs)) {
        must(jm_str_eq(ours->text, jm_strn(json_string_value(theirs),
                                           json_string_length(theirs))));
    }
    if (json_is_integer(theirs)) {
        must(strtoll(ours->text.ptr, NULL, 10)
             == json_integer_value(theirs));
    }
    if (json_is_real(theirs)) {
        double d = strtod(ours->text.ptr, NULL);

        must(!(d < json_real_value(theirs)) && !(d > json_real_value(theirs)));
    }
    must(ours->count == (json_is_object(theirs) ? json_object_size(theirs)
                                                : json_array_size(theirs)));
    for (i = 0; i < ours->count; i++) {
        const jm_json_t *item = &ours->items[i];
        json_t *other;

        if (json_is_array(theirs)) {
            other = json_array_get(theirs, i);
        }
        else {
            /* not json_object_get, which is the name of one of json-c's, too */
            must(!json_unpack((json_t *)theirs, "{s:o}", item->name.ptr,
                              &other));
            must(jm_json_get(ours, item->name) == item);
        }
        same_value(item, other);
    }
}

/* 1 if the message is about one of our limits. */
static int is_limit(const jm_json_error_t *error)
{
    return strstr(error->message, "deeper") || strstr(error->message, "NUL");
}

static void check_other(const jm_json_t *root, const jm_json_error_t *error,
                        jm_str_t input)
{
    json_error_t why;
    json_t *other = json_loadb(input.ptr, input.len, FLAGS, &why);

    if (other && root) {
        same_value(root, other);
    }
    else if (other) {
        /* a NUL is the end of a text to jansson */
        must(is_limit(error) || memchr(input.ptr, '\0', input.len));
    }
    else if (root) {
        /* a number that fits into no double or 64 bits */
        must(json_error_code(&why) == json_error_numeric_overflow);
    }
    json_decref(other);
}
#else
static void check_other(const jm_json_t *root, const jm_json_error_t *error,
                        jm_str_t input)
{
    (void)root;
    (void)error;
    (void)input;
}
#endif

/* Offsets point at what they say. */
static void check_offsets(const jm_json_t *node, jm_str_t input)
{
    static const char *const starts[] = {
        [JM_JSON_NULL] = "n", [JM_JSON_BOOL] = "tf",
        [JM_JSON_NUMBER] = "-0123456789", [JM_JSON_STRING] = "\"",
        [JM_JSON_ARRAY] = "[", [JM_JSON_OBJECT] = "{"
    };
    unsigned i;

    must(node->offset < input.len);
    must(strchr(starts[node->type], input.ptr[node->offset]));
    must(node->type != JM_JSON_NUMBER
         || !memcmp(input.ptr + node->offset, node->text.ptr,
                    node->text.len));
    for (i = 0; i < node->count; i++) {
        must(node->type != JM_JSON_OBJECT
             || input.ptr[node->items[i].name_offset] == '"');
        check_offsets(&node->items[i], input);
    }
}

static void check_copy(const jm_json_t *root)
{
    apr_size_t size = jm_json_block_size(root);
    void *block = malloc(size);

    must(size % 16 == 0);
    same(root, jm_json_block_copy(block, root));
    free(block);
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    const jm_json_t *root, *again;
    jm_json_error_t error;
    apr_status_t rv = jm_json_parse(&root, &error, p, input);
    jm_str_t out;

    must(rv == APR_SUCCESS || rv == APR_EINVAL);
    must(!root == (rv != APR_SUCCESS));
    check_other(root, &error, input);
    if (!root) {
        must(error.message && error.pointer);
        must(error.offset <= input.len);
        return;
    }
    must(jm_utf8_valid(input));
    check_offsets(root, input);
    out = jm_json_compact(p, root);
    must(out.len <= 6 * input.len);
    must(jm_json_parse(&again, &error, p, out) == APR_SUCCESS);
    same(root, again);
    must(jm_str_eq(out, jm_json_compact(p, again)));
    check_copy(root);
}
