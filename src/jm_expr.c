/*
 * jm_expr.c: compiles a mapped value: reads its members, settles what is
 * constant, and refuses what could never be handed on. Runs at load. Touches
 * only the pool it was given and the diagnostics.
 */
#include <stdarg.h>

#include <openssl/crypto.h>

#include "jm_cleanse.h"
#include "jm_expr_part.h"
#include "jm_member.h"

/* One value while it is compiled. */
typedef struct build_t {
    apr_pool_t *p;
    jm_diags_t *diags;
    const jm_names_t *names;
    const jm_json_t *node; /* of the value as a whole */
    const jm_json_t *from;
    const jm_json_t *fallback;
    const jm_json_t *on_missing;
    int wrong; /* an error was reported */
    jm_value_t *value;
    apr_array_header_t *parts; /* of jm_part_t */
} build_t;

static const char *const format_names[JM_FORMAT_COUNT + 1] = {
    "text", "json", "csv", "space", "percent", NULL
};

/* In the order of jm_missing_e. */
static const char *const missing_names[] = {
    "omit",
    "empty",
    "reject",
    NULL,
};

static void fail(build_t *b, const jm_json_t *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(build_t *b, const jm_json_t *at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    jm_json_diag(b->diags, JM_ERROR, at, "%s", apr_pvsprintf(b->p, fmt, ap));
    va_end(ap);
    b->wrong = 1;
}

static int require_string(build_t *b, const jm_json_t *node, const char *what)
{
    if (node->type != JM_JSON_STRING) {
        fail(b, node, "%s is %s: write a string", what,
             jm_json_type_name(node));
        return 0;
    }
    return 1;
}

/* The index of the node's string among words, or -1 and an error. */
static int read_choice(build_t *b, const jm_json_t *node, const char *what,
                       const char *const *words)
{
    const char *list = words[0];
    int i;

    if (!require_string(b, node, what)) {
        return -1;
    }
    for (i = 0; words[i]; i++) {
        if (jm_str_is(node->text, words[i])) {
            return i;
        }
    }
    for (i = 1; words[i]; i++) {
        list = apr_pstrcat(b->p, list, words[i + 1] ? ", " : " or ", words[i],
                           NULL);
    }
    fail(b, node, "\"%s\" is no %s: write %s%s", node->text.ptr, what, list,
         jm_diag_hint(b->p, node->text.ptr, words));
    return -1;
}

static void read_from(build_t *b, const jm_json_t *node)
{
    if (require_string(b, node, "`from`")) {
        b->from = node;
    }
}

static void read_default(build_t *b, const jm_json_t *node)
{
    if (require_string(b, node, "`default`")) {
        b->fallback = node;
        b->value->fallback = jm_str_dup(b->p, node->text);
        b->value->on_missing = JM_MISSING_DEFAULT;
    }
}

static void read_on_missing(build_t *b, const jm_json_t *node)
{
    int i = read_choice(b, node, "`on_missing`", missing_names);

    if (i >= 0) {
        b->on_missing = node;
        b->value->on_missing = (jm_missing_e)i;
    }
}

static void read_format(build_t *b, const jm_json_t *node)
{
    int i = read_choice(b, node, "`format`", format_names);

    if (i >= 0) {
        b->value->format = (jm_format_e)i;
    }
}

static void read_max_bytes(build_t *b, const jm_json_t *node)
{
    apr_int64_t number;

    if (!jm_member_is_whole(&number, b->p, node) || number < 1
        || number > JM_VALUE_MAX_LIMIT) {
        fail(b, node, "`max_bytes` must be a whole number from 1 to %d",
             JM_VALUE_MAX_LIMIT);
        return;
    }
    b->value->max_bytes = (apr_size_t)number;
}

static const struct {
    const char *name;
    void (*read)(build_t *b, const jm_json_t *node);
} members[] = {
    { "from", read_from },
    { "default", read_default },
    { "on_missing", read_on_missing },
    { "format", read_format },
    { "max_bytes", read_max_bytes },
};

#define MEMBER_COUNT (sizeof(members) / sizeof(*members))

static void read_member(build_t *b, const jm_json_t *node)
{
    const char *words[MEMBER_COUNT + 1] = { NULL };
    apr_size_t i;

    for (i = 0; i < MEMBER_COUNT; i++) {
        if (jm_str_is(node->name, members[i].name)) {
            members[i].read(b, node);
            return;
        }
        words[i] = members[i].name;
    }
    if (!jm_member_is_comment(node->name)) {
        b->wrong = 1;
        jm_json_diag_name(b->diags, JM_ERROR, node,
                          "\"%s\" is unknown in a value: it has from, "
                          "default, on_missing, format and max_bytes%s",
                          node->name.ptr,
                          jm_diag_hint(b->p, node->name.ptr, words));
    }
}

static void read_members(build_t *b)
{
    unsigned i;

    for (i = 0; i < b->node->count; i++) {
        read_member(b, &b->node->items[i]);
    }
    if (!jm_json_get(b->node, jm_str("from"))) {
        fail(b, b->node,
             "`from` is missing: write what to map, as in "
             "{\"from\": \"$request.jwt.sub\"}");
    }
    if (jm_json_get(b->node, jm_str("default")) && b->on_missing) {
        fail(b, b->on_missing,
             "`on_missing` and `default` say two things: "
             "write one of them");
    }
}

static void read_node(build_t *b)
{
    if (b->node->type == JM_JSON_STRING) {
        b->from = b->node;
    }
    else if (b->node->type == JM_JSON_OBJECT) {
        read_members(b);
    }
    else {
        fail(b, b->node,
             "a value is %s: write a string such as "
             "\"$request.jwt.sub\", or an object with `from`",
             jm_json_type_name(b->node));
    }
}

/* A variable may be a secret, and so is what was made of it in between:
 * compact JSON, which is a text of its own. */
static jm_str_t keep_config(const build_t *b, const jm_json_t *node,
                            jm_str_t text)
{
    jm_format_e format = b->value->format;
    jm_str_t kept = jm_cleanse_dup(b->p, text);

    if ((node->type == JM_JSON_ARRAY || node->type == JM_JSON_OBJECT)
        && (format == JM_FORMAT_TEXT || format == JM_FORMAT_JSON)) {
        OPENSSL_cleanse((char *)text.ptr, text.len);
    }
    return kept;
}

/* A part whose octets are known now becomes text as `format` has it. */
static void settle_part(build_t *b, jm_part_t *part)
{
    jm_format_e format = b->value->format;
    jm_json_t literal = { .type = JM_JSON_STRING, .text = part->text };
    const jm_json_t *node = part->node;
    jm_str_t text;

    if (part->kind == JM_PART_TEXT) {
        /* Beside an expression a literal is the template around it. */
        if (b->parts->nelts > 1 && format != JM_FORMAT_PERCENT) {
            return;
        }
        node = &literal;
    }
    else if (part->kind != JM_PART_CONFIG) {
        return;
    }
    part->kind = JM_PART_TEXT;
    if (jm_expr_format(&text, b->p, node, format)) {
        fail(b, b->from,
             "this value of $config has no text as %s: it must "
             "be a scalar, or an array of scalars that do not hold the "
             "separator",
             format_names[format]);
        return;
    }
    part->text = keep_config(b, node, text);
    part->node = NULL;
}

/* An error for a constant that no request could hand on. */
static void check_text(build_t *b, const jm_json_t *at, jm_str_t text,
                       jm_target_e target)
{
    const char *why = jm_expr_unmappable(text, 0, target);

    if (why) {
        fail(b, at, "the constant text %s, so every request would be "
             "refused: take that out", why);
    }
}

static void check_length(build_t *b, const jm_json_t *at, apr_size_t len)
{
    if (len > b->value->max_bytes) {
        fail(b, at,
             "the constant text has %" APR_SIZE_T_FMT " octets, more "
             "than max_bytes (%" APR_SIZE_T_FMT "), so every request would be "
             "refused: write a shorter one, or a larger max_bytes",
             len, b->value->max_bytes);
    }
}

/* The constant part that stands at an end of every result (step 1: the
 * first, -1: the last), or NULL: it depends on the request. */
static const jm_part_t *constant_end(const build_t *b, int step)
{
    int i = step > 0 ? 0 : b->parts->nelts - 1;

    for (; i >= 0 && i < b->parts->nelts; i += step) {
        const jm_part_t *part = &APR_ARRAY_IDX(b->parts, i, jm_part_t);

        if (part->kind != JM_PART_TEXT) {
            return NULL;
        }
        if (part->text.len) {
            return part;
        }
    }
    return NULL;
}

static void check_ends(build_t *b)
{
    const jm_part_t *first = constant_end(b, 1);
    const jm_part_t *last = constant_end(b, -1);

    if ((first && first->text.ptr[0] == ' ')
        || (last && last->text.ptr[last->text.len - 1] == ' ')) {
        check_text(b, b->from, jm_str(" "), JM_TARGET_HEADER);
    }
}

static void check_constants(build_t *b)
{
    apr_size_t len = 0;
    int i;

    for (i = 0; i < b->parts->nelts; i++) {
        const jm_part_t *part = &APR_ARRAY_IDX(b->parts, i, jm_part_t);

        if (part->kind == JM_PART_TEXT) {
            check_text(b, b->from, part->text, JM_TARGET_QUERY);
            len += part->text.len;
        }
    }
    check_length(b, b->from, len);
    if (b->value->target == JM_TARGET_HEADER) {
        check_ends(b);
    }
}

static void compile_from(build_t *b)
{
    int i;

    if (jm_expr_parse(&b->parts, b->p, b->from, b->names, b->diags)) {
        b->wrong = 1;
        return;
    }
    b->value->is_literal =
        b->parts->nelts == 1
        && APR_ARRAY_IDX(b->parts, 0, jm_part_t).kind == JM_PART_TEXT;
    for (i = 0; i < b->parts->nelts; i++) {
        settle_part(b, &APR_ARRAY_IDX(b->parts, i, jm_part_t));
    }
    check_constants(b);
    b->value->parts = (const jm_part_t *)b->parts->elts;
    b->value->count = (unsigned)b->parts->nelts;
}

apr_status_t jm_value_compile(const jm_value_t **pvalue, apr_pool_t *p,
                              const jm_json_t *node, jm_target_e target,
                              const jm_names_t *names, jm_diags_t *diags)
{
    build_t b = { .p = p, .diags = diags, .names = names, .node = node };

    *pvalue = NULL;
    b.value = apr_pcalloc(p, sizeof(*b.value));
    b.value->target = target;
    b.value->max_bytes = JM_VALUE_MAX_DEFAULT;
    read_node(&b);
    if (b.from) {
        compile_from(&b);
    }
    if (b.fallback) {
        check_text(&b, b.fallback, b.value->fallback, target);
        check_length(&b, b.fallback, b.value->fallback.len);
    }
    if (b.wrong) {
        return APR_EINVAL;
    }
    *pvalue = b.value;
    return APR_SUCCESS;
}

int jm_value_reads_claims(const jm_value_t *value)
{
    unsigned i;

    for (i = 0; i < value->count; i++) {
        if (value->parts[i].kind == JM_PART_CLAIM
            || value->parts[i].kind == JM_PART_JOSE) {
            return 1;
        }
    }
    return 0;
}

int jm_value_is_literal(const jm_value_t *value)
{
    return value->is_literal;
}

void jm_value_claims(const jm_value_t *value,
                     void (*fn)(void *baton, const char *text,
                                const jm_path_t *path),
                     void *baton)
{
    unsigned i;

    for (i = 0; i < value->count; i++) {
        if (value->parts[i].kind == JM_PART_CLAIM) {
            fn(baton, value->parts[i].written, &value->parts[i].path);
        }
    }
}
