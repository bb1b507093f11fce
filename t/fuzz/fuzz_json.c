/* What is accepted is written out, and reads as the same again. */
#include "fuzz.h"

#include "jm_json.h"

static void same(const jm_json_t *a, const jm_json_t *b)
{
    unsigned i;

    must(a->type == b->type && a->count == b->count);
    must(a->truth == b->truth && jm_str_eq(a->text, b->text));
    must(jm_str_eq(a->name, b->name));
    for (i = 0; i < a->count; i++) {
        must(a->items[i].parent == a && a->items[i].index == i);
        same(&a->items[i], &b->items[i]);
    }
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    const jm_json_t *root, *again;
    jm_json_error_t error;
    jm_str_t text;

    if (jm_json_parse(&root, &error, p, input) != APR_SUCCESS) {
        must(!root && error.message && error.pointer);
        must(error.offset <= input.len);
        return;
    }
    must(jm_utf8_valid(input));
    text = jm_json_compact(p, root);
    must(text.len <= 6 * input.len);
    must(jm_json_parse(&again, &error, p, text) == APR_SUCCESS);
    same(root, again);
    must(jm_str_eq(text, jm_json_compact(p, again)));
}
