/*
 * jm_json_pack.c: a JSON tree as one block of memory. Touches the block it
 * is given.
 */
#include "jm_json.h"

#define ALIGNMENT 16           /* octets */

/* The block, from which nodes are taken at one end and octets behind them. */
typedef struct pack_t {
    jm_json_t *node;           /* the next one that is free */
    char *text;                /* the next octet */
} pack_t;

static int has_text(const jm_json_t *node)
{
    return node->type == JM_JSON_STRING || node->type == JM_JSON_NUMBER;
}

static void measure(apr_size_t *pnodes, apr_size_t *poctets,
                    const jm_json_t *node)
{
    unsigned i;

    *pnodes += 1;
    *poctets += node->name.len + 1;
    if (has_text(node)) {
        *poctets += node->text.len + 1;
    }
    for (i = 0; i < node->count; i++) {
        measure(pnodes, poctets, &node->items[i]);
    }
}

static jm_str_t pack_text(pack_t *pack, jm_str_t text)
{
    char *copy = pack->text;

    if (text.len) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    pack->text += text.len + 1;
    return jm_strn(copy, text.len);
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
    apr_size_t nodes = 0;
    apr_size_t octets = 0;

    measure(&nodes, &octets, node);
    return (nodes * sizeof(jm_json_t) + octets + ALIGNMENT - 1)
           / ALIGNMENT * ALIGNMENT;
}

const jm_json_t *jm_json_pack(void *block, const jm_json_t *node)
{
    apr_size_t nodes = 0;
    apr_size_t octets = 0;
    jm_json_t *root = block;
    pack_t pack;

    measure(&nodes, &octets, node);
    pack.node = root + 1;
    pack.text = (char *)(root + nodes);
    pack_node(&pack, root, node, NULL);
    return root;
}
