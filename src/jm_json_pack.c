/*
 * jm_json_pack.c: a JSON tree as one block of memory. Touches the block it
 * is given.
 */
#include "jm_json.h"

#define ALIGNMENT 16           /* octets */

/* The block, from which nodes are taken at one end and octets at the other. */
typedef struct pack_t {
    jm_json_t *node;           /* the next one that is free */
    char *end;                 /* of the octets that are free */
} pack_t;

static int has_text(const jm_json_t *node)
{
    return node->type == JM_JSON_STRING || node->type == JM_JSON_NUMBER;
}

static apr_size_t size_of(const jm_json_t *node)
{
    apr_size_t size = sizeof(*node) + node->name.len + 1;
    unsigned i;

    if (has_text(node)) {
        size += node->text.len + 1;
    }
    for (i = 0; i < node->count; i++) {
        size += size_of(&node->items[i]);
    }
    return size;
}

static jm_str_t pack_text(pack_t *pack, jm_str_t text)
{
    pack->end -= text.len + 1;
    if (text.len) {
        memcpy(pack->end, text.ptr, text.len);
    }
    pack->end[text.len] = '\0';
    return jm_strn(pack->end, text.len);
}

static void pack_node(pack_t *pack, jm_json_t *to, const jm_json_t *from,
                      const jm_json_t *parent)
{
    jm_json_t *items = pack->node;
    unsigned i;

    *to = *from;
    to->parent = parent;
    to->name = pack_text(pack, from->name);
    if (has_text(from)) {
        to->text = pack_text(pack, from->text);
    }
    to->items = from->count ? items : NULL;
    pack->node += from->count;
    for (i = 0; i < from->count; i++) {
        pack_node(pack, &items[i], &from->items[i], to);
    }
}

apr_size_t jm_json_packed_size(const jm_json_t *node)
{
    return (size_of(node) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

const jm_json_t *jm_json_pack(void *block, apr_size_t size,
                              const jm_json_t *node)
{
    jm_json_t *root = block;
    pack_t pack = { root + 1, (char *)block + size };

    pack_node(&pack, root, node, NULL);
    return root;
}
