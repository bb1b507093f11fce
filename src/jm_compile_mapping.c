/*
 * jm_compile_mapping.c: `mapping` and `pass` of a route: names, values, what
 * becomes a note, and what the table reserves. Touches the state of the
 * compilation only.
 */
#include "jm_compile_state.h"

#include "jm_char.h"
#include "jm_expr.h"
#include "jm_header.h"
#include "jm_query.h"

static const char *const mapping_members[] = {
    "headers", "query", "response_headers", NULL
};

/* Claim paths that become notes. */
typedef struct notes_t {
    apr_array_header_t *names;   /* of const char * */
    apr_array_header_t *paths;   /* of jm_path_t */
} notes_t;

static void add_note(void *baton, const char *text, const jm_path_t *path)
{
    notes_t *notes = baton;
    int i;

    for (i = 0; i < notes->names->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(notes->names, i, const char *), text)) {
            return;
        }
    }
    APR_ARRAY_PUSH(notes->names, const char *) = text;
    APR_ARRAY_PUSH(notes->paths, jm_path_t) = *path;
}

static void collect_notes(notes_t *notes, const jm_mapping_t *list,
                          unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (list[i].value) {
            jm_value_claims(list[i].value, add_note, notes);
        }
    }
}

static void set_notes(jm_route_t *route, apr_pool_t *p)
{
    notes_t notes = { apr_array_make(p, 4, sizeof(const char *)),
                      apr_array_make(p, 4, sizeof(jm_path_t)) };

    collect_notes(&notes, route->headers, route->header_count);
    collect_notes(&notes, route->query, route->query_count);
    collect_notes(&notes, route->response_headers, route->response_count);
    route->note_names = (const char *const *)notes.names->elts;
    route->note_paths = (const jm_path_t *)notes.paths->elts;
    route->note_count = (unsigned)notes.names->nelts;
}

/* What is wrong with the name of a field for a target, or NULL. */
static const char *check_kind(jm_header_e kind, int is_response)
{
    switch (kind) {
    case JM_HEADER_SYNTAX:
        return "is no name of a header field: write letters, digits and "
               "\"-\"";
    case JM_HEADER_FRAMING:
        return "belongs to the connection or frames the message: map "
               "another name";
    case JM_HEADER_PROXY:
        return is_response ? NULL : "is written by mod_proxy itself: map "
                                    "another name";
    default:
        return NULL;
    }
}

/* A name that is plain as written, but is one of httpd's or the client's to
 * a server that reads `_` and `.` as `-`: stripping all its spellings would
 * take that one, too. */
static const char *check_folded(apr_pool_t *p, const char *name)
{
    const char *folded = jm_header_fold(p, name);

    if (jm_header_kind(jm_str(name)) != JM_HEADER_OK
        || jm_header_kind(jm_str(folded)) == JM_HEADER_OK) {
        return NULL;
    }
    return apr_psprintf(p, "is \"%s\" to servers that take \"_\" and \".\" "
                        "for \"-\": map another name", folded);
}

/* seen: folded names of this mapping. */
static void check_header(jm_compile_t *c, const jm_json_t *node,
                         apr_hash_t *seen, int is_response)
{
    const char *message = check_kind(jm_header_kind(node->name),
                                     is_response);
    const jm_json_t *other;
    const char *folded;

    if (!message && !is_response) {
        message = check_folded(c->ptemp, node->name.ptr);
    }
    if (message) {
        jm_json_diag_name(c->diags, JM_ERROR, node, "\"%s\" %s",
                          node->name.ptr, message);
        return;
    }
    folded = jm_header_fold(c->ptemp, node->name.ptr);
    other = apr_hash_get(seen, folded, APR_HASH_KEY_STRING);
    if (other) {
        jm_json_diag_name(c->diags, JM_ERROR, node, "\"%s\" and \"%s\" are "
                          "one name to a server that ignores case and takes "
                          "\"_\" and \".\" for \"-\": remove one of them",
                          node->name.ptr, other->name.ptr);
        return;
    }
    apr_hash_set(seen, folded, APR_HASH_KEY_STRING, node);
}

/* Of the members before node, the one whose name counts as the same. */
static const char *same_query_name(apr_pool_t *p, const jm_json_t *node)
{
    const jm_json_t *items = node->parent->items;
    unsigned i;

    for (i = 0; i < node->index; i++) {
        jm_query_names_t *one = jm_query_names_make(p);

        jm_query_names_add(one, items[i].name);
        if (!jm_query_names_add(one, node->name)) {
            return items[i].name.ptr;
        }
    }
    return "";
}

static void check_query(jm_compile_route_t *r, jm_compile_t *c,
                        const jm_json_t *node)
{
    if (node->name.len == 0 || jm_char_has_control(node->name)) {
        jm_json_diag_name(c->diags, JM_ERROR, node, "a query parameter needs "
                          "a name without control characters");
    }
    else if (!jm_query_names_add(r->query, node->name)) {
        jm_json_diag_name(c->diags, JM_ERROR, node, "\"%s\" and \"%s\" are "
                          "one name to PHP, which takes \".\", \" \" and "
                          "\"[\" for \"_\" and drops what follows a \"[\": "
                          "remove one of them", node->name.ptr,
                          same_query_name(c->ptemp, node));
    }
    else {
        jm_query_names_add(c->mapped_query, node->name);
    }
}

/* Fields that every client sends are replaced on the route alone. */
static void reserve(jm_compile_t *c, jm_mapping_t *mapping)
{
    if (jm_header_kind(jm_str(mapping->name)) != JM_HEADER_CLIENT) {
        jm_header_reserve(&c->table->reserved_headers, c->p, mapping->name);
        mapping->reserved = 1;
    }
}

static const jm_value_t *read_value(jm_compile_route_t *r, jm_compile_t *c,
                                    const jm_json_t *node,
                                    jm_target_e target,
                                    const jm_names_t *names)
{
    const jm_value_t *value = NULL;

    jm_value_compile(&value, c->p, node, target, names, c->diags);
    if (value && r->route->auth == JM_AUTH_NONE
        && jm_value_reads_claims(value)) {
        jm_json_diag(c->diags, JM_WARNING, node, "the route is public, so "
                     "there are no claims, and this only removes the name: "
                     "write \"auth\": true or \"optional\"");
    }
    return value;
}

typedef enum section_e {
    SECTION_HEADERS,
    SECTION_QUERY,
    SECTION_RESPONSE
} section_e;

/* One of the objects of `mapping`. */
static const jm_mapping_t *read_section(unsigned *pcount, section_e section,
                                        jm_compile_route_t *r,
                                        jm_compile_t *c,
                                        const jm_json_t *mapping,
                                        const jm_names_t *names)
{
    jm_target_e target = section == SECTION_QUERY ? JM_TARGET_QUERY
                                                  : JM_TARGET_HEADER;
    const jm_json_t *node;
    apr_hash_t *seen;
    jm_mapping_t *list;
    unsigned i;

    if (jm_member_typed(&node, &c->subst, mapping, mapping_members[section],
                        JM_JSON_OBJECT) != JM_MEMBER_OK) {
        return NULL;
    }
    seen = apr_hash_make(c->ptemp);
    list = apr_pcalloc(c->p, (node->count + 1) * sizeof(*list));
    for (i = 0; i < node->count; i++) {
        const jm_json_t *item = &node->items[i];

        if (section == SECTION_QUERY) {
            check_query(r, c, item);
        }
        else {
            check_header(c, item, seen, section == SECTION_RESPONSE);
        }
        list[i].name = jm_str_dup(c->p, item->name).ptr;
        list[i].value = read_value(r, c, item, target, names);
        if (section == SECTION_HEADERS) {
            reserve(c, &list[i]);
        }
    }
    *pcount = node->count;
    return list;
}

void jm_compile_mapping(jm_compile_route_t *r, jm_compile_t *c,
                        const jm_names_t *names)
{
    const jm_json_t *node = jm_member_find(r->node, "mapping");
    jm_route_t *route = r->route;

    if (!node || node->type == JM_JSON_NULL) {
        return;
    }
    if (node->type != JM_JSON_OBJECT) {
        jm_member_wrong(&c->subst, node, "an object");
        return;
    }
    jm_member_check(&c->subst, node, mapping_members);
    r->query = jm_query_names_make(c->ptemp);
    route->headers = read_section(&route->header_count, SECTION_HEADERS, r,
                                  c, node, names);
    route->query = read_section(&route->query_count, SECTION_QUERY, r, c,
                                node, names);
    route->response_headers = read_section(&route->response_count,
                                           SECTION_RESPONSE, r, c, node,
                                           names);
    set_notes(route, c->p);
}

void jm_compile_pass(jm_compile_route_t *r, jm_compile_t *c)
{
    jm_query_names_t *pass;
    unsigned i;

    if (jm_member_items(&r->pass, &r->pass_count, &c->subst, r->node, "pass",
                        0, 1) == JM_MEMBER_ABSENT) {
        return;
    }
    pass = jm_query_names_make(c->p);
    for (i = 0; i < r->pass_count; i++) {
        const jm_item_t *item = &r->pass[i];

        if (jm_char_has_control(item->text)) {
            jm_json_diag(c->diags, JM_ERROR, item->node, "a query parameter "
                         "needs a name without control characters");
        }
        else if (jm_query_names_has(r->query, item->text)) {
            jm_json_diag(c->diags, JM_ERROR, item->node, "the route maps "
                         "\"%s\" itself: remove it here or in "
                         "\"mapping\"", item->node->text.ptr);
        }
        jm_query_names_add(pass, item->text);
    }
    r->route->pass = pass;
}

static void warn_of_pass(jm_compile_t *c, const jm_compile_route_t *r)
{
    unsigned i;

    for (i = 0; i < r->pass_count; i++) {
        if (!r->pass[i].unknown && !jm_char_has_control(r->pass[i].text)
            && !jm_query_names_has(c->mapped_query, r->pass[i].text)) {
            jm_json_diag(c->diags, JM_WARNING, r->pass[i].node, "no route "
                         "maps \"%s\", so it passes anyway: remove it",
                         r->pass[i].node->text.ptr);
        }
    }
}

void jm_compile_pass_check(jm_compile_t *c)
{
    int i;

    for (i = 0; i < c->routes->nelts; i++) {
        warn_of_pass(c, APR_ARRAY_IDX(c->routes, i, jm_compile_route_t *));
    }
}
