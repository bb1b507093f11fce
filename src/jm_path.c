/*
 * jm_path.c: reads and follows claim paths. Touches only the pool it was
 * given.
 */
#include "jm_path.h"

#include "jm_char.h"
#include "jm_json.h"

typedef struct cursor_t {
    jm_str_t text;
    apr_size_t at;               /* octets read */
    apr_array_header_t *parts;   /* of jm_str_t */
    int brackets;                /* a part was written ['...'] */
    const char *error;
} cursor_t;

/* 1 if octet c comes next. */
static int at_octet(const cursor_t *c, char octet)
{
    return c->at < c->text.len && c->text.ptr[c->at] == octet;
}

static apr_status_t fail(cursor_t *c, const char *error)
{
    c->error = error;
    return APR_EINVAL;
}

static void add_part(cursor_t *c, jm_str_t part)
{
    *(jm_str_t *)apr_array_push(c->parts) = part;
}

static apr_status_t read_name(cursor_t *c)
{
    apr_size_t start = c->at;

    while (c->at < c->text.len && jm_char_is_name(c->text.ptr[c->at])) {
        c->at++;
    }
    if (c->at == start) {
        return fail(c, "a part of the path is empty; a name is letters, "
                    "digits, _ and -, any other is written ['name']");
    }
    add_part(c, jm_str_dup(c->parts->pool, jm_strn(c->text.ptr + start,
                                                   c->at - start)));
    return APR_SUCCESS;
}

/* *pend is the place of the closing quote, or the end of the text. */
static apr_status_t find_quote(cursor_t *c, apr_size_t *pend)
{
    apr_size_t i;

    for (i = c->at; i < c->text.len && c->text.ptr[i] != '\''; i++) {
        if (c->text.ptr[i] == '\\') {
            i++;
            if (i == c->text.len || (c->text.ptr[i] != '\''
                                     && c->text.ptr[i] != '\\')) {
                return fail(c, "a backslash in ['name'] stands only before "
                            "' or another backslash");
            }
        }
    }
    *pend = i;
    return APR_SUCCESS;
}

/* The octets up to end without their escapes, in the pool of the parts. */
static jm_str_t unescape(cursor_t *c, apr_size_t end)
{
    char *out = apr_palloc(c->parts->pool, end - c->at + 1);
    apr_size_t len = 0;

    while (c->at < end) {
        if (c->text.ptr[c->at] == '\\') {
            c->at++;
        }
        out[len++] = c->text.ptr[c->at++];
    }
    out[len] = '\0';
    return jm_strn(out, len);
}

static apr_status_t read_bracket(cursor_t *c)
{
    apr_size_t end = 0;
    apr_status_t rv;

    c->at++;
    if (!at_octet(c, '\'')) {
        return fail(c, "[ must be followed by a quoted name, ['name']; there "
                    "is no array index");
    }
    c->at++;
    rv = find_quote(c, &end);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (end == c->at && end < c->text.len) {
        return fail(c, "a part of the path is empty: ['']");
    }
    if (end + 1 >= c->text.len || c->text.ptr[end + 1] != ']') {
        return fail(c, "a bracket is open; close it with ']");
    }
    add_part(c, unescape(c, end));
    c->at = end + 2;
    c->brackets = 1;
    return APR_SUCCESS;
}

static apr_status_t read_parts(cursor_t *c)
{
    apr_status_t rv = at_octet(c, '[') ? read_bracket(c) : read_name(c);

    while (rv == APR_SUCCESS) {
        if (at_octet(c, '[')) {
            rv = read_bracket(c);
        }
        else if (at_octet(c, '.')) {
            c->at++;
            rv = read_name(c);
        }
        else {
            break;
        }
    }
    return rv;
}

apr_status_t jm_path_parse(jm_path_t *path, apr_size_t *pused,
                           const char **perror, apr_pool_t *p, jm_str_t text)
{
    cursor_t c = { 0 };
    apr_status_t rv;

    memset(path, 0, sizeof(*path));
    *pused = 0;
    *perror = NULL;
    c.text = text;
    c.parts = apr_array_make(p, 4, sizeof(jm_str_t));
    rv = read_parts(&c);
    if (rv != APR_SUCCESS) {
        *perror = c.error;
        return rv;
    }
    *pused = c.at;
    path->parts = (const jm_str_t *)c.parts->elts;
    path->count = (unsigned)c.parts->nelts;
    if (!c.brackets) {
        path->flat = jm_str_dup(p, jm_strn(text.ptr, c.at));
    }
    return APR_SUCCESS;
}

/* 1 if name can only have been meant as a path: it has nothing but names and
 * dots, or a bracket with a quote. */
static int is_meant_as_path(jm_str_t name)
{
    apr_size_t i;
    int plain = 1;

    for (i = 0; i < name.len; i++) {
        if (name.ptr[i] == '[' && i + 1 < name.len
            && name.ptr[i + 1] == '\'') {
            return 1;
        }
        plain = plain && (name.ptr[i] == '.' || jm_char_is_name(name.ptr[i]));
    }
    return plain;
}

apr_status_t jm_path_of_name(jm_path_t *path, const char **perror,
                             apr_pool_t *p, jm_str_t name)
{
    jm_str_t *part;
    apr_size_t used;
    apr_status_t rv = jm_path_parse(path, &used, perror, p, name);

    if (rv == APR_SUCCESS && used == name.len) {
        return APR_SUCCESS;
    }
    memset(path, 0, sizeof(*path));
    if (is_meant_as_path(name)) {
        if (!*perror) {
            *perror = "this is no path; write a name with other octets than "
                      "letters, digits, _ and - as ['name']";
        }
        return APR_EINVAL;
    }
    *perror = NULL;
    part = apr_palloc(p, sizeof(*part));
    *part = jm_str_dup(p, name);
    path->flat = *part;
    path->parts = part;
    path->count = 1;
    return APR_SUCCESS;
}

const jm_json_t *jm_path_find(const jm_json_t *object, const jm_path_t *path)
{
    const jm_json_t *node = NULL;
    unsigned i;

    if (path->flat.len) {
        node = jm_json_get(object, path->flat);
        if (node || path->count == 1) {
            return node;
        }
    }
    node = object;
    for (i = 0; i < path->count; i++) {
        node = jm_json_get(node, path->parts[i]);
    }
    return path->count ? node : NULL;
}
