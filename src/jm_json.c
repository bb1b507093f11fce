/*
 * jm_json.c: strict JSON as an immutable tree: scan, json-c, copy; and what
 * reads the tree. The only file that knows json-c. Touches only the pools it
 * was given. Recursion is bounded by JM_JSON_DEPTH_MAX.
 */
#include "jm_json.h"

#include <stdarg.h>

#include <openssl/crypto.h>

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <json-c/linkhash.h>
#include <json-c/printbuf.h>

#include "jm_json_scan.h"
#include "jm_number.h"

/* Octets of a name shown in a message. */
#define NAME_SHOWN_MAX 64

/* The state of one parse. */
typedef struct parse_t {
    apr_pool_t *p;                  /* owns what results */
    apr_pool_t *ptemp;              /* ends with the parse */
    jm_json_scan_t scan;
    const jm_json_mark_t *marks;    /* those of scan */
    apr_uint32_t next;              /* of marks: not yet copied */
    jm_json_error_t error;
} parse_t;

static apr_status_t copy_value(parse_t *c, jm_json_t *node,
                               json_object *from);

/* pointer and one more reference token, RFC 6901 section 3. */
static const char *pointer_add(apr_pool_t *p, const char *pointer,
                               jm_str_t token)
{
    apr_size_t len = strlen(pointer);
    char *out = apr_palloc(p, len + 1 + token.len * 2 + 1);
    char *to = out + len;
    apr_size_t i;

    memcpy(out, pointer, len);
    *to++ = '/';
    for (i = 0; i < token.len; i++) {
        char c = token.ptr[i];

        if (c == '~' || c == '/') {
            *to++ = '~';
            c = c == '~' ? '0' : '1';
        }
        *to++ = c;
    }
    *to = '\0';
    return out;
}

/* Decodes the name whose quote is at an offset into ptemp; 1, or 0 if json-c
 * has no memory. Leaves decoding to json-c, so that two names are the same
 * here if and only if they are the same there. */
static int decode_name(jm_str_t *pname, parse_t *c, json_tokener *tokener,
                       apr_size_t offset)
{
    jm_str_t source = c->scan.source;
    json_object *name = json_tokener_parse_ex(tokener, source.ptr + offset,
                                              (int)(source.len - offset));
    int good = json_object_is_type(name, json_type_string);

    if (good) {
        int len = json_object_get_string_len(name);

        *pname = jm_str_dup(c->ptemp, jm_strn(json_object_get_string(name),
                                              (apr_size_t)len));
    }
    json_object_put(name);
    json_tokener_reset(tokener);
    return good;
}

/* The pointer of what the scan was reading when it failed. */
static const char *scan_pointer(parse_t *c)
{
    json_tokener *tokener = json_tokener_new();
    const char *pointer = "";
    unsigned i;

    for (i = 0; tokener && i < c->scan.depth; i++) {
        const jm_json_step_t *step = &c->scan.trail[i];
        jm_str_t name;

        if (step->place == JM_JSON_AT_INDEX) {
            pointer = apr_psprintf(c->p, "%s/%u", pointer, step->index);
        }
        else if (step->place == JM_JSON_AT_NAME
                 && decode_name(&name, c, tokener, step->name_offset)) {
            pointer = pointer_add(c->p, pointer, name);
        }
        else {
            break;
        }
    }
    if (tokener) {
        json_tokener_free(tokener);
    }
    return pointer;
}

/* What json-c parses: the source with each number, which it might refuse or
 * clamp, replaced by 0 and blanks, and a NUL behind it. */
static char *without_numbers(parse_t *c)
{
    jm_str_t source = c->scan.source;
    char *text = apr_pstrmemdup(c->ptemp, source.ptr, source.len);
    int i;

    for (i = 0; i < c->scan.marks->nelts; i++) {
        char *at = text + c->marks[i].offset;

        if (*at == '-' || (*at >= '0' && *at <= '9')) {
            memset(at, ' ', c->marks[i].count);
            *at = '0';
        }
    }
    return text;
}

/* At most NAME_SHOWN_MAX octets of a name, no UTF-8 sequence cut. */
static const char *shown_name(apr_pool_t *p, jm_str_t name)
{
    apr_size_t len = NAME_SHOWN_MAX;

    if (name.len <= len) {
        return apr_pstrmemdup(p, name.ptr, name.len);
    }
    while (len > 0 && ((unsigned char)name.ptr[len] & 0xC0) == 0x80) {
        len--;
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, name.ptr, len), "...", NULL);
}

/* Fails with the name that stands twice in an object, whose mark is at an
 * index; with APR_ENOMEM if there is none, and so json-c lost a member. */
static apr_status_t fail_twice(parse_t *c, const jm_json_t *object,
                               apr_uint32_t at)
{
    json_tokener *tokener = json_tokener_new();
    apr_hash_t *seen = apr_hash_make(c->ptemp);
    apr_status_t rv = APR_ENOMEM;
    apr_uint32_t i = at + 1;
    jm_str_t name;

    while (tokener && rv == APR_ENOMEM && i < c->marks[at].next
           && decode_name(&name, c, tokener, c->marks[i].name_offset)) {
        if (apr_hash_get(seen, name.ptr, (apr_ssize_t)name.len)) {
            c->error.offset = c->marks[i].name_offset;
            c->error.pointer = pointer_add(c->p,
                                           jm_json_pointer(c->ptemp, object),
                                           name);
            c->error.message = apr_psprintf(c->p, "a member name stands "
                                            "twice: \"%s\"; keep one",
                                            shown_name(c->ptemp, name));
            rv = APR_EINVAL;
        }
        apr_hash_set(seen, name.ptr, (apr_ssize_t)name.len, c);
        i = c->marks[i].next;
    }
    if (tokener) {
        json_tokener_free(tokener);
    }
    return rv;
}

static jm_json_t *make_items(parse_t *c, jm_json_t *node)
{
    jm_json_t *items = apr_pcalloc(c->p, node->count * sizeof(*items));
    unsigned i;

    for (i = 0; i < node->count; i++) {
        items[i].parent = node;
        items[i].index = i;
    }
    node->items = items;
    return items;
}

static apr_status_t copy_array(parse_t *c, jm_json_t *node,
                               json_object *from)
{
    jm_json_t *items;
    unsigned i;

    if (json_object_array_length(from) != node->count) {
        return APR_ENOMEM;
    }
    items = make_items(c, node);
    for (i = 0; i < node->count; i++) {
        apr_status_t rv = copy_value(c, &items[i],
                                     json_object_array_get_idx(from, i));

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t copy_object(parse_t *c, jm_json_t *node,
                                json_object *from)
{
    struct lh_entry *entry;
    jm_json_t *item;

    if (json_object_object_length(from) != (int)node->count) {
        return fail_twice(c, node, c->next - 1);
    }
    item = make_items(c, node);
    lh_foreach(json_object_get_object(from), entry) {
        const jm_json_mark_t *mark = &c->marks[c->next];
        apr_status_t rv = APR_ENOMEM;

        item->name_offset = mark->name_offset;
        item->name = jm_str_dup(c->p, jm_str(lh_entry_k(entry)));
        if (item->name.len == mark->name_len) {
            rv = copy_value(c, item, lh_entry_v(entry));
        }
        if (rv != APR_SUCCESS) {
            return rv;
        }
        item++;
    }
    return APR_SUCCESS;
}

/* len is what the scan counted: json-c cuts a string when it has no memory
 * to make its buffer larger, and does not tell. */
static apr_status_t copy_string(parse_t *c, jm_json_t *node,
                                json_object *from, apr_uint32_t len)
{
    jm_str_t text = jm_strn(json_object_get_string(from), (apr_size_t)
                            json_object_get_string_len(from));

    node->text = jm_str_dup(c->p, text);
    /* It may be a secret, and json-c frees it as it is. */
    OPENSSL_cleanse((char *)text.ptr, text.len);
    return text.len == len ? APR_SUCCESS : APR_ENOMEM;
}

static jm_json_e type_at(char c)
{
    switch (c) {
    case '{':
        return JM_JSON_OBJECT;
    case '[':
        return JM_JSON_ARRAY;
    case '"':
        return JM_JSON_STRING;
    case 't':
    case 'f':
        return JM_JSON_BOOL;
    case 'n':
        return JM_JSON_NULL;
    default:
        return JM_JSON_NUMBER;
    }
}

/* Copies the value of the next mark. json-c's tree must agree with the scan;
 * since its failures to allocate are not all told, that is one. */
static apr_status_t copy_value(parse_t *c, jm_json_t *node, json_object *from)
{
    static const json_type types[] = {
        [JM_JSON_NULL] = json_type_null, [JM_JSON_BOOL] = json_type_boolean,
        [JM_JSON_NUMBER] = json_type_int, [JM_JSON_STRING] = json_type_string,
        [JM_JSON_ARRAY] = json_type_array, [JM_JSON_OBJECT] = json_type_object
    };
    const jm_json_mark_t *mark = &c->marks[c->next++];
    const char *at = c->scan.source.ptr + mark->offset;

    node->offset = mark->offset;
    node->type = type_at(*at);
    if (json_object_get_type(from) != types[node->type]) {
        return APR_ENOMEM;
    }
    switch (node->type) {
    case JM_JSON_NULL:
        break;
    case JM_JSON_BOOL:
        node->truth = json_object_get_boolean(from) ? 1 : 0;
        break;
    case JM_JSON_NUMBER:
        node->text = jm_str_dup(c->p, jm_strn(at, mark->count));
        break;
    case JM_JSON_STRING:
        return copy_string(c, node, from, mark->count);
    case JM_JSON_ARRAY:
        node->count = mark->count;
        return copy_array(c, node, from);
    case JM_JSON_OBJECT:
        node->count = mark->count;
        return copy_object(c, node, from);
    }
    return APR_SUCCESS;
}

/* The scan has been through: json-c parses and its tree is copied. */
static apr_status_t build(jm_json_t *root, parse_t *c)
{
    json_tokener *tokener = json_tokener_new_ex(JM_JSON_DEPTH_MAX + 2);
    enum json_tokener_error error;
    json_object *from;
    char *source;
    apr_status_t rv;

    if (!tokener) {
        return APR_ENOMEM;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    source = without_numbers(c);
    /* With the NUL, since json-c wants to see that a number has ended. */
    from = json_tokener_parse_ex(tokener, source,
                                 (int)c->scan.source.len + 1);
    OPENSSL_cleanse(source, c->scan.source.len);
    error = json_tokener_get_error(tokener);
    if (error == json_tokener_success) {
        rv = copy_value(c, root, from);
    }
    else {
        c->error.offset = 0;
        c->error.message = json_tokener_error_desc(error);
        rv = APR_EINVAL;
    }
    json_object_put(from);
    /* The last string is in its buffer still. */
    OPENSSL_cleanse(tokener->pb->buf, (apr_size_t)tokener->pb->size);
    json_tokener_free(tokener);
    return rv;
}

apr_status_t jm_json_parse(const jm_json_t **proot, jm_json_error_t *err,
                           apr_pool_t *p, jm_str_t source)
{
    parse_t c = { p, NULL, { 0 }, NULL, 0, { 0, "", "out of memory" } };
    jm_json_t *root;
    apr_status_t rv = apr_pool_create(&c.ptemp, p);

    *proot = NULL;
    if (rv != APR_SUCCESS) {
        return APR_ENOMEM;
    }
    rv = jm_json_scan(&c.scan, c.ptemp, source);
    if (rv == APR_SUCCESS) {
        c.marks = (const jm_json_mark_t *)c.scan.marks->elts;
        root = apr_pcalloc(p, sizeof(*root));
        rv = build(root, &c);
        *proot = rv == APR_SUCCESS ? root : NULL;
    }
    else if (err) {
        c.error.offset = c.scan.offset;
        c.error.message = apr_pstrdup(p, c.scan.message);
        c.error.pointer = scan_pointer(&c);
    }
    if (err) {
        *err = c.error;
    }
    apr_pool_destroy(c.ptemp);
    return rv;
}

const jm_json_t *jm_json_get(const jm_json_t *object, jm_str_t name)
{
    unsigned i;

    if (!object || object->type != JM_JSON_OBJECT) {
        return NULL;
    }
    for (i = 0; i < object->count; i++) {
        if (jm_str_eq(object->items[i].name, name)) {
            return &object->items[i];
        }
    }
    return NULL;
}

const char *jm_json_pointer(apr_pool_t *p, const jm_json_t *node)
{
    const jm_json_t *way[JM_JSON_DEPTH_MAX];
    const char *pointer = "";
    int depth = 0;

    for (; node->parent && depth < JM_JSON_DEPTH_MAX; node = node->parent) {
        way[depth++] = node;
    }
    while (depth-- > 0) {
        node = way[depth];
        if (node->parent->type == JM_JSON_ARRAY) {
            pointer = apr_psprintf(p, "%s/%u", pointer, node->index);
        }
        else {
            pointer = pointer_add(p, pointer, node->name);
        }
    }
    return pointer;
}

const char *jm_json_type_name(const jm_json_t *node)
{
    static const char *const names[] = {
        [JM_JSON_NULL] = "null", [JM_JSON_BOOL] = "a boolean",
        [JM_JSON_NUMBER] = "a number", [JM_JSON_STRING] = "a string",
        [JM_JSON_ARRAY] = "an array", [JM_JSON_OBJECT] = "an object"
    };

    return node ? names[node->type] : "nothing";
}

apr_status_t jm_json_seconds(apr_int64_t *pseconds, const jm_json_t *node)
{
    *pseconds = 0;
    if (!node || node->type != JM_JSON_NUMBER) {
        return APR_EINVAL;
    }
    return jm_number_ceil(pseconds, node->text);
}

int jm_json_scalar_eq(const jm_json_t *a, const jm_json_t *b)
{
    if (!a || !b || a->type != b->type) {
        return 0;
    }
    switch (a->type) {
    case JM_JSON_NULL:
        return 1;
    case JM_JSON_BOOL:
        return a->truth == b->truth;
    case JM_JSON_NUMBER:
        return jm_number_eq(a->text, b->text);
    case JM_JSON_STRING:
        return jm_str_eq(a->text, b->text);
    default:
        return 0;
    }
}

/* By name or by value; a node that is not there is the whole document. */
static void diag(jm_diags_t *d, jm_severity_e severity,
                 const jm_json_t *node, int by_name, const char *fmt,
                 va_list ap)
{
    const char *message = apr_pvsprintf(d->p, fmt, ap);
    const char *pointer = node ? jm_json_pointer(d->p, node) : "";
    apr_size_t offset = node ? node->offset : 0;

    if (node && by_name && node->name_offset) {
        offset = node->name_offset;
    }
    jm_diag_add(d, severity, offset, pointer, "%s", message);
}

void jm_json_diag(jm_diags_t *d, jm_severity_e severity,
                  const jm_json_t *node, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diag(d, severity, node, 0, fmt, ap);
    va_end(ap);
}

void jm_json_diag_name(jm_diags_t *d, jm_severity_e severity,
                       const jm_json_t *node, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    diag(d, severity, node, 1, fmt, ap);
    va_end(ap);
}
