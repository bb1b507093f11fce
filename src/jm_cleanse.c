/*
 * jm_cleanse.c: copies that are cleared with their pool. Touches that pool.
 */
#include "jm_cleanse.h"

#include <openssl/crypto.h>

#include "jm_json.h"

static apr_status_t cleanse(void *baton)
{
    const jm_str_t *text = baton;

    OPENSSL_cleanse((char *)text->ptr, text->len);
    return APR_SUCCESS;
}

static void cleanse_node(const jm_json_t *node)
{
    unsigned i;

    if (node->type == JM_JSON_STRING) {
        OPENSSL_cleanse((char *)node->text.ptr, node->text.len);
    }
    for (i = 0; i < node->count; i++) {
        cleanse_node(&node->items[i]);
    }
}

static apr_status_t cleanse_tree(void *baton)
{
    cleanse_node(baton);
    return APR_SUCCESS;
}

void jm_cleanse_tree(apr_pool_t *p, const jm_json_t *root)
{
    apr_pool_cleanup_register(p, root, cleanse_tree, apr_pool_cleanup_null);
}

jm_str_t jm_cleanse_dup(apr_pool_t *p, jm_str_t text)
{
    jm_str_t *copy = apr_palloc(p, sizeof(*copy));

    *copy = jm_str_dup(p, text);
    if (copy->len) {
        apr_pool_cleanup_register(p, copy, cleanse, apr_pool_cleanup_null);
    }
    return *copy;
}
