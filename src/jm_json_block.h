/*
 * jm_json_block.h: how a JSON tree lies in memory: its nodes and, behind them,
 * its text, in one block with no pointer to the outside. So a copy is the same
 * octets, with each pointer moved by as much as the block.
 */
#ifndef JM_JSON_BLOCK_H
#define JM_JSON_BLOCK_H

#include "jm_json.h"

/* A block in p for nodes, which are zero, the first of them the root that is
 * returned, and text, of which *ptext is a copy with a NUL behind. Whoever
 * fills it points names, texts, items and parents into the block only. */
jm_json_t *jm_json_block_make(char **ptext, apr_pool_t *p, unsigned nodes,
                              jm_str_t text);

/* Octets of the block of a root that jm_json_parse or jm_json_block_copy
 * returned, rounded up to a multiple of 16. */
apr_size_t jm_json_block_size(const jm_json_t *root);

/* The root of a copy in block, of so many octets, aligned as malloc's are. */
const jm_json_t *jm_json_block_copy(void *block, const jm_json_t *root);

#endif
