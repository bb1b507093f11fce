/*
 * jm_json.c: strict JSON as an immutable tree: the scan, then the tree, and
 * what reads the tree. Touches only the pool it was given. Recursion is
 * bounded by JM_JSON_DEPTH_MAX.
 */
#include "jm_json.h"

#include <stdarg.h>
#include <stdlib.h>

#include "jm_json_block.h"
#include "jm_json_decode.h"
#include "jm_json_scan.h"
#include "jm_number.h"

/* Octets of a name shown in a message. */
#define NAME_SHOWN_MAX 64

/* Members of an object whose names are compared each with each. */
#define PAIRS_MAX 24

/* The state of one parse. */
typedef struct parse_t {
    apr_pool_t *p;                  /* owns what results */
    jm_json_scan_t scan;
    const jm_json_mark_t *marks;    /* those of scan */
    jm_json_t *free;                /* the next node that is free */
    char *text;                     /* a copy of the source, in which strings
                                     * and numbers get their NUL */
    jm_json_decoder_t decoder;
    jm_json_error_t error;
} parse_t;

static apr_status_t read_value(parse_t *c, jm_json_t *node, apr_uint32_t at);

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

static apr_status_t decode_at(char *text, parse_t *c, apr_uint32_t quote,
                              apr_uint32_t len)
{
    return jm_json_decode(text, &c->decoder, c->p,
                          c->scan.source.ptr + quote, len);
}

/* The pointer of what the scan was reading when it failed. */
static const char *scan_pointer(parse_t *c)
{
    const char *pointer = "";
    unsigned i;

    for (i = 0; i < c->scan.depth; i++) {
        const jm_json_step_t *step = &c->scan.trail[i];

        if (step->place == JM_JSON_AT_INDEX) {
            pointer = apr_psprintf(c->p, "%s/%u", pointer, step->index);
        }
        else if (step->place == JM_JSON_AT_NAME) {
            char *name = apr_palloc(c->p, step->name_len);

            if (decode_at(name, c, step->name_offset, step->name_len)
                != APR_SUCCESS) {
                break;
            }
            pointer = pointer_add(c->p, pointer,
                                  jm_strn(name, step->name_len));
        }
        else {
            break;
        }
    }
    jm_json_decoder_end(&c->decoder);
    return pointer;
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

/* The copy of a string becomes the string itself: what an escape stands for is
 * shorter than the escape, so that a string that has one has a backslash among
 * its first len octets. */
static apr_status_t read_string(jm_str_t *ptext, parse_t *c,
                                apr_uint32_t quote, apr_uint32_t len,
                                int plain)
{
    char *text = c->text + quote + 1;
    apr_status_t rv = APR_SUCCESS;

    if (!plain && memchr(text, '\\', len)) {
        rv = decode_at(text, c, quote, len);
    }
    text[len] = '\0';
    *ptext = jm_strn(text, len);
    return rv;
}

static apr_status_t fail_twice(parse_t *c, const jm_json_t *object,
                               const jm_json_t *item)
{
    c->error.offset = item->name_offset;
    c->error.pointer = pointer_add(c->p, jm_json_pointer(c->p, object),
                                   item->name);
    c->error.message = apr_psprintf(c->p, "a member name stands twice: "
                                    "\"%s\"; keep one",
                                    shown_name(c->p, item->name));
    return APR_EINVAL;
}

/* Names without regard to case; most differ in length or first octet, which is
 * a NUL where there is none. */
static int is_like(jm_str_t a, jm_str_t b)
{
    return a.len == b.len && ((*a.ptr ^ *b.ptr) & ~('a' ^ 'A')) == 0
           && !strncasecmp(a.ptr, b.ptr, a.len);
}

/* Names that are alike stand together, those that are one by place. */
static int compare_names(const void *va, const void *vb)
{
    const jm_json_t *a = *(const jm_json_t *const *)va;
    const jm_json_t *b = *(const jm_json_t *const *)vb;
    int order;

    if (a->name.len != b->name.len) {
        return a->name.len < b->name.len ? -1 : 1;
    }
    order = strncasecmp(a->name.ptr, b->name.ptr, a->name.len);
    if (!order) {
        order = memcmp(a->name.ptr, b->name.ptr, a->name.len);
    }
    return order ? order : a->index < b->index ? -1 : 1;
}

/* Of two members that are alike, the second if both have one name; NULL: they
 * differ in case. */
static const jm_json_t *share(jm_json_t *first, jm_json_t *second)
{
    first->shared = second->shared = 1;
    return jm_str_eq(first->name, second->name) ? second : NULL;
}

/* Marks the members that share a name. Returns the first whose name stands
 * before it, or NULL. Sorted, since names that share a hash are easily
 * made. */
static const jm_json_t *find_shared(apr_pool_t *p, jm_json_t *items,
                                    unsigned count)
{
    jm_json_t **sorted = apr_palloc(p, count * sizeof(*sorted));
    const jm_json_t *twice = NULL;
    unsigned i;

    for (i = 0; i < count; i++) {
        sorted[i] = &items[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare_names);
    for (i = 1; i < count; i++) {
        if (is_like(sorted[i - 1]->name, sorted[i]->name)) {
            const jm_json_t *second = share(sorted[i - 1], sorted[i]);

            if (second && (!twice || second->index < twice->index)) {
                twice = second;
            }
        }
    }
    return twice;
}

/* The same for few: each with each. */
static const jm_json_t *find_shared_of_few(jm_json_t *items, unsigned count)
{
    unsigned i, k;

    for (i = 1; i < count; i++) {
        for (k = 0; k < i; k++) {
            if (is_like(items[k].name, items[i].name)
                && share(&items[k], &items[i])) {
                return &items[i];
            }
        }
    }
    return NULL;
}

/* The names of an object are looked at before what they name. */
static apr_status_t check_names(parse_t *c, const jm_json_t *object,
                                jm_json_t *items)
{
    const jm_json_t *twice = object->count > PAIRS_MAX
                             ? find_shared(c->p, items, object->count)
                             : find_shared_of_few(items, object->count);

    return twice ? fail_twice(c, object, twice) : APR_SUCCESS;
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

/* The children of node, whose marks begin behind that of node. */
static apr_status_t read_items(parse_t *c, jm_json_t *node,
                               apr_uint32_t first)
{
    jm_json_t *items = c->free;
    apr_status_t rv = APR_SUCCESS;
    apr_uint32_t at = first;
    unsigned i;

    c->free += node->count;
    node->items = items;
    for (i = 0; i < node->count && rv == APR_SUCCESS; i++) {
        const jm_json_mark_t *mark = &c->marks[at];

        items[i].parent = node;
        items[i].index = i;
        if (node->type == JM_JSON_OBJECT) {
            items[i].name_offset = mark->name_offset;
            items[i].plain_name = mark->plain_name;
            rv = read_string(&items[i].name, c, mark->name_offset,
                             mark->name_len, mark->plain_name);
        }
        at = mark->next;
    }
    if (rv == APR_SUCCESS && node->type == JM_JSON_OBJECT) {
        rv = check_names(c, node, items);
    }
    at = first;
    for (i = 0; i < node->count && rv == APR_SUCCESS; i++) {
        rv = read_value(c, &items[i], at);
        at = c->marks[at].next;
    }
    return rv;
}

/* Reads the value of a mark. */
static apr_status_t read_value(parse_t *c, jm_json_t *node, apr_uint32_t at)
{
    const jm_json_mark_t *mark = &c->marks[at];
    const char *source = c->scan.source.ptr + mark->offset;

    node->offset = mark->offset;
    node->plain = mark->plain;
    node->type = type_at(*source);
    switch (node->type) {
    case JM_JSON_NULL:
        break;
    case JM_JSON_BOOL:
        node->truth = *source == 't';
        break;
    case JM_JSON_NUMBER:
        node->text = jm_strn(c->text + mark->offset, mark->count);
        /* what stood behind it was read in the source */
        c->text[mark->offset + mark->count] = '\0';
        break;
    case JM_JSON_STRING:
        return read_string(&node->text, c, mark->offset, mark->count,
                           mark->plain);
    case JM_JSON_ARRAY:
    case JM_JSON_OBJECT:
        node->count = mark->count;
        return read_items(c, node, at + 1);
    }
    return APR_SUCCESS;
}

/* The scan has been through. */
static apr_status_t build(const jm_json_t **proot, parse_t *c)
{
    jm_json_t *root = jm_json_block_make(&c->text, c->p,
                                         (unsigned)c->scan.marks->nelts,
                                         c->scan.source);
    apr_status_t rv;

    c->marks = (const jm_json_mark_t *)c->scan.marks->elts;
    c->free = root + 1;
    rv = read_value(c, root, 0);
    jm_json_decoder_end(&c->decoder);
    *proot = rv == APR_SUCCESS ? root : NULL;
    return rv;
}

apr_status_t jm_json_parse(const jm_json_t **proot, jm_json_error_t *err,
                           apr_pool_t *p, jm_str_t source)
{
    static const jm_json_error_t no_memory = { 0, "", "out of memory" };
    parse_t c;
    apr_status_t rv;

    *proot = NULL;
    c.p = p;
    c.decoder.tokener = NULL;
    c.error = no_memory;
    rv = jm_json_scan(&c.scan, p, source);
    if (rv == APR_SUCCESS) {
        rv = build(proot, &c);
    }
    else if (err) {
        c.error.offset = c.scan.offset;
        c.error.message = c.scan.message;
        c.error.pointer = scan_pointer(&c);
    }
    if (err) {
        *err = c.error;
    }
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
