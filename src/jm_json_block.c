/*
 * jm_json_block.c: a JSON tree as one block of memory. Touches the pool or the
 * block it is given.
 */
#include "jm_json_block.h"

#include <stddef.h>

#define ALIGNMENT 16           /* octets */

typedef struct block_t {
    apr_size_t size;           /* of it all, in octets */
    unsigned count;            /* of nodes */
    jm_json_t nodes[];         /* the first is the root; the text is behind
                                * the last */
} block_t;

static const block_t *block_of(const jm_json_t *root)
{
    return (const block_t *)(const void *)((const char *)root
                                           - offsetof(block_t, nodes));
}

jm_json_t *jm_json_block_make(char **ptext, apr_pool_t *p, unsigned nodes,
                              jm_str_t text)
{
    apr_size_t before = sizeof(block_t) + nodes * sizeof(jm_json_t);
    apr_size_t size = before + text.len + 1;
    block_t *block = apr_palloc(p, size);

    memset(block, 0, before);
    block->size = size;
    block->count = nodes;
    *ptext = (char *)block + before;
    memcpy(*ptext, text.ptr, text.len);
    (*ptext)[text.len] = '\0';
    return block->nodes;
}

apr_size_t jm_json_block_size(const jm_json_t *root)
{
    return (block_of(root)->size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* What at, which points into the block from, is in the block to. */
static void *moved(block_t *to, const block_t *from, const void *at)
{
    return at ? (char *)to + ((const char *)at - (const char *)from) : NULL;
}

const jm_json_t *jm_json_block_copy(void *block, const jm_json_t *root)
{
    const block_t *from = block_of(root);
    block_t *to = memcpy(block, from, from->size);
    unsigned i;

    for (i = 0; i < to->count; i++) {
        jm_json_t *node = &to->nodes[i];

        node->text.ptr = moved(to, from, node->text.ptr);
        node->name.ptr = moved(to, from, node->name.ptr);
        node->parent = moved(to, from, node->parent);
        node->items = moved(to, from, node->items);
    }
    return to->nodes;
}
