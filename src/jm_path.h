/*
 * jm_path.h: claim paths: PATH of `$request.jwt.PATH`, and the keys of
 * `require`. Parsed at load, followed per request. Touches only the pool it
 * was given.
 */
#ifndef JM_PATH_H
#define JM_PATH_H

#include "jm.h"

/* A path into JSON objects: PATH of `$request.jwt.PATH`. */
typedef struct jm_path_t {
    jm_str_t flat;            /* the whole as one name, tried first; empty
                               * where a part is written ['…'] */
    const jm_str_t *parts;    /* the parts, at least one */
    unsigned count;
} jm_path_t;

/* Reads a path from the start of text into p, text not kept:
 * NAME ( "." NAME | "['" any "']" )*, or a first part in brackets; NAME is
 * letters, digits, `_` and `-`; inside the quotes \' and \\ are escapes.
 * *pused is how many octets were read. Stops before the first octet that
 * cannot go on. APR_EINVAL with *perror, a constant: an empty part or an open
 * bracket. */
apr_status_t jm_path_parse(jm_path_t *path, apr_size_t *pused,
                           const char **perror, apr_pool_t *p, jm_str_t text);

/* A key of `require`: a path where the whole name is one, else that name as
 * it is ("https://ns.example/role"). In p. APR_EINVAL with *perror, a
 * constant: it can only have been meant as a path, and is none. */
apr_status_t jm_path_of_name(jm_path_t *path, const char **perror,
                             apr_pool_t *p, jm_str_t name);

/* The value at path below object: the flat name if it is a member, else by
 * parts through objects only. NULL: absent. A null is found. */
const jm_json_t *jm_path_find(const jm_json_t *object, const jm_path_t *path);

#endif
