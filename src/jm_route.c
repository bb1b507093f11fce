/*
 * jm_route.c: reads the path of a route, at load, and looks at its methods.
 * Touches only the pool it was given.
 */
#include "jm_route.h"

#include "jm_char.h"

unsigned jm_route_split(jm_str_t *segments, jm_str_t path)
{
    const char *end;
    const char *at = path.ptr;
    unsigned count = 0;

    if (path.len == 0 || path.ptr[0] != '/') {
        return 0;
    }
    end = path.ptr + path.len;
    while (at < end && count < JM_ROUTE_SEGMENTS_MAX) {
        const char *next;

        at++;
        next = memchr(at, '/', (apr_size_t)(end - at));
        if (!next) {
            next = end;
        }
        segments[count++] = jm_strn(at, (apr_size_t)(next - at));
        at = next;
    }
    return at < end ? count + 1 : count;
}

int jm_route_is_param(jm_str_t segment)
{
    return segment.len >= 2 && segment.ptr[0] == '{'
           && segment.ptr[segment.len - 1] == '}';
}

int jm_route_names(const jm_route_t *route, jm_str_t method)
{
    unsigned i;

    for (i = 0; !route->any_method && i < route->method_count; i++) {
        if (jm_str_is(method, route->methods[i])) {
            return 1;
        }
    }
    return 0;
}

/* Octets that no path of a route may hold, and what to do about them. */
static const struct {
    char octet;
    const char *message;
} misplaced[] = {
    { '%', "\"%\" in a path never matches, because routes are compared with "
           "decoded paths: write the octets themselves" },
    { '\\', "a request with \"\\\" in its path is refused: write \"/\"" },
    { '?', "a path has no query: end it before the \"?\"" },
    { '#', "a path has no fragment: end it before the \"#\"" },
};

static const char *check_octet(unsigned char octet)
{
    unsigned i;

    if (octet < 0x20 || octet == 0x7F) {
        return "a control character in a path never matches: take it out";
    }
    for (i = 0; i < sizeof(misplaced) / sizeof(misplaced[0]); i++) {
        if (octet == (unsigned char)misplaced[i].octet) {
            return misplaced[i].message;
        }
    }
    return NULL;
}

static const char *check_octets(jm_str_t path)
{
    apr_size_t i;

    for (i = 0; i < path.len; i++) {
        const char *message = check_octet((unsigned char)path.ptr[i]);

        if (message) {
            return message;
        }
    }
    return NULL;
}

/* name: what stands between the braces. */
static const char *check_name(apr_pool_t *p, jm_str_t name,
                              const jm_str_t *params, unsigned count)
{
    apr_size_t i;

    if (name.len == 0) {
        return "a path parameter has no name: write {name}";
    }
    for (i = 0; i < name.len; i++) {
        if (!jm_char_is_name(name.ptr[i])) {
            return apr_psprintf(p, "\"{%s}\" is no path parameter: a name has "
                                "letters, digits, \"_\" and \"-\"; the rest "
                                "of a path is {.+}", jm_str_dup(p, name).ptr);
        }
    }
    for (i = 0; i < count; i++) {
        if (jm_str_eq(name, params[i])) {
            return apr_psprintf(p, "the path parameter \"%s\" stands twice: "
                                "rename one", jm_str_dup(p, name).ptr);
        }
    }
    return NULL;
}

static const char *check_literal(apr_pool_t *p, jm_str_t segment)
{
    if (jm_str_is(segment, ".") || jm_str_is(segment, "..")) {
        return "\".\" and \"..\" are resolved before a path is matched: "
               "write it without them";
    }
    if (segment.len > 0 && (memchr(segment.ptr, '{', segment.len)
                            || memchr(segment.ptr, '}', segment.len))) {
        return apr_psprintf(p, "braces inside the segment \"%s\": {name} is "
                            "a whole segment", jm_str_dup(p, segment).ptr);
    }
    return NULL;
}

/* Checks a segment before the {.+}; a {name} joins the *pcount params. */
static const char *read_segment(apr_pool_t *p, jm_str_t segment,
                                jm_str_t *params, unsigned *pcount)
{
    const char *message;
    jm_str_t name;

    if (jm_str_is(segment, "{.+}")) {
        return "{.+} is the rest of a path: it can only be the last segment";
    }
    if (!jm_route_is_param(segment)) {
        return check_literal(p, segment);
    }
    name = jm_strn(segment.ptr + 1, segment.len - 2);
    message = check_name(p, name, params, *pcount);
    if (!message) {
        params[(*pcount)++] = name;
    }
    return message;
}

static const char *read_path(jm_route_t *route, apr_pool_t *p, jm_str_t path)
{
    jm_str_t segments[JM_ROUTE_SEGMENTS_MAX] = { { NULL, 0 } };
    unsigned count = jm_route_split(segments, path);
    unsigned param_count = 0;
    jm_str_t *params;
    unsigned i;
    int tail;

    if (count == 0) {
        return apr_psprintf(p, "a path begins with \"/\": write \"/%s\"",
                            path.ptr);
    }
    if (count > JM_ROUTE_SEGMENTS_MAX) {
        return apr_psprintf(p, "a path has at most %d segments: put {.+} in "
                            "the place of the last ones",
                            JM_ROUTE_SEGMENTS_MAX);
    }
    tail = jm_str_is(segments[count - 1], "{.+}");
    params = apr_palloc(p, count * sizeof(*params));
    for (i = 0; i + (unsigned)tail < count; i++) {
        const char *message = read_segment(p, segments[i], params,
                                           &param_count);

        if (message) {
            return message;
        }
    }
    route->path = path.ptr;
    route->params = params;
    route->param_count = param_count;
    route->tail = tail;
    route->prefix = tail && param_count == 0
                        ? apr_pstrmemdup(p, path.ptr,
                                         path.len - strlen("/{.+}"))
                        : NULL;
    return NULL;
}

apr_status_t jm_route_parse(jm_route_t *route, const char **message,
                            apr_pool_t *p, jm_str_t path)
{
    *message = check_octets(path);
    if (!*message) {
        *message = read_path(route, p, jm_str_dup(p, path));
    }
    return *message ? APR_EINVAL : APR_SUCCESS;
}
