/*
 * jm_compile_method.c: names of request methods in the route table. Touches
 * the state of the compilation only.
 */
#include "jm_compile_state.h"

/* RFC 9110, 5789, and those of WebDAV (RFC 4918, 3253, 3744, 3648, 4437,
 * 5323, 5842), which httpd has numbers for or passes on. */
static const char *const methods[] = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
    "CONNECT", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK",
    "UNLOCK", "VERSION-CONTROL", "CHECKOUT", "UNCHECKOUT", "CHECKIN",
    "UPDATE", "LABEL", "REPORT", "MKWORKSPACE", "MKACTIVITY",
    "BASELINE-CONTROL", "MERGE", "SEARCH", "ACL", "ORDERPATCH",
    "MKREDIRECTREF", "UPDATEREDIRECTREF", "BIND", "UNBIND", "REBIND",
    "LINK", "UNLINK", "MKCALENDAR", "QUERY", NULL
};

/* What a mistaken name may have been meant to be, ANY among them. */
static const char *const words[] = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
    "CONNECT", "ANY", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE",
    "LOCK", "UNLOCK", "REPORT", "SEARCH", "MERGE", NULL
};

static int is_any(jm_str_t text)
{
    return jm_str_is(text, "ANY") || jm_str_is(text, "*");
}

int jm_compile_method_known(jm_compile_t *c, const jm_item_t *item)
{
    const char *const *name;
    const char *hint;

    for (name = methods; *name; name++) {
        if (jm_str_is(item->text, *name)) {
            return 1;
        }
    }
    if (item->unknown) {
        return 1;
    }
    hint = is_any(item->text) ? ": write \"*\" for all of them"
                              : jm_diag_hint(c->ptemp, item->text.ptr, words);
    jm_json_diag(c->diags, JM_ERROR, item->node, "\"%s\" is no request "
                 "method%s", item->node->text.ptr,
                 *hint ? hint : ": write a name such as \"GET\"; several "
                 "are an array, [\"GET\", \"POST\"]");
    return 0;
}

static int is_twice(jm_route_t *route, const char *name)
{
    unsigned i;

    for (i = 0; i < route->method_count; i++) {
        if (!strcmp(route->methods[i], name)) {
            return 1;
        }
    }
    return 0;
}

void jm_compile_methods(jm_route_t *route, jm_compile_t *c,
                        const jm_json_t *node)
{
    const jm_item_t *items;
    const char **names;
    unsigned count;
    unsigned i;

    if (jm_member_items(&items, &count, &c->subst, node, "method", 1, 0)
        == JM_MEMBER_ABSENT) {
        jm_json_diag(c->diags, JM_ERROR, node, "\"method\" is missing: write "
                     "\"method\": \"GET\", or \"ANY\"");
        return;
    }
    names = apr_pcalloc(c->p, (count + 1) * sizeof(*names));
    route->methods = names;
    for (i = 0; i < count; i++) {
        if (is_any(items[i].text)) {
            route->any_method = 1;
            if (count > 1) {
                jm_json_diag(c->diags, JM_ERROR, items[i].node, "\"%s\" holds "
                             "all methods: write it alone, or name the "
                             "methods", items[i].node->text.ptr);
            }
        }
        else if (is_twice(route, items[i].text.ptr)) {
            jm_json_diag(c->diags, JM_ERROR, items[i].node, "\"%s\" stands "
                         "twice: remove one", items[i].node->text.ptr);
        }
        else if (jm_compile_method_known(c, &items[i])) {
            names[route->method_count++] = jm_str_dup(c->p,
                                                      items[i].text).ptr;
        }
    }
}
