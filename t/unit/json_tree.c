/*
 * json_tree.c: what reads the tree of jm_json.h: members, pointers, compact
 * text, seconds, equality, diagnostics.
 */
#include <time.h>

#include "tap.h"

#include "jm_json.h"

static const jm_json_t *parsed(const char *text)
{
    const jm_json_t *root;

    jm_json_parse(&root, NULL, tap_pool, jm_str(text));
    return root;
}

/* Where the values of a tree are, and that each knows its place. */
static void test_offsets(void)
{
    const jm_json_t *root = parsed(" {\"a\": [10, {\"b\" :null}], "
                                   "\"c\":\"x\"}");
    const jm_json_t *a = jm_json_get(root, jm_str("a"));
    const jm_json_t *b = jm_json_get(&a->items[1], jm_str("b"));
    const jm_json_t *c = jm_json_get(root, jm_str("c"));

    ok(root->offset == 1 && root->name_offset == 0 && !root->parent
       && root->count == 2, "the top level knows its place");
    ok(a->offset == 7 && a->name_offset == 2 && a->parent == root
       && a->index == 0 && a->count == 2, "an array member does");
    ok(a->items[0].offset == 8 && a->items[0].parent == a
       && a->items[0].name.len == 0, "a number element does");
    ok(b->offset == 18 && b->name_offset == 13 && b->parent == &a->items[1]
       && b->type == JM_JSON_NULL, "a null member does");
    ok(c->offset == 30 && c->name_offset == 26 && c->index == 1,
       "the last member does");
}

/* The tree must not hang on the source, nor on an err. */
static void test_independence(void)
{
    char source[] = "{\"name\":\"value\",\"n\":123}";
    const jm_json_t *root;

    jm_json_parse(&root, NULL, tap_pool, jm_strn(source, sizeof(source) - 1));
    memset(source, 'x', sizeof(source));
    is_str(jm_json_compact(tap_pool, root), "{\"name\":\"value\",\"n\":123}",
           "the tree outlives its source");
    ok(jm_json_parse(&root, NULL, tap_pool, jm_str("{\"a\":1,\"a\":2}"))
       == APR_EINVAL, "a name that stands twice is refused without err");
    ok(jm_json_parse(&root, NULL, tap_pool, jm_strn(NULL, 0)) == APR_EINVAL
       && !root, "no text at all is refused");
}

/* An object with 3^10 names of one length and, for hashes that multiply by 33
 * (APR's own), of one value: "Az", "BY" and "C8" are one to these. */
static jm_str_t colliding_names(void)
{
    static const char *const pairs[] = { "Az", "BY", "C8" };
    char *text = apr_palloc(tap_pool, 59049 * 25 + 1);
    char *to = text;
    unsigned i, k, rest;

    for (i = 0; i < 59049; i++) {
        *to++ = i ? ',' : '{';
        *to++ = '"';
        for (k = 0, rest = i; k < 10; k++, rest /= 3) {
            memcpy(to, pairs[rest % 3], 2);
            to += 2;
        }
        memcpy(to, "\":0", 3);
        to += 3;
    }
    *to++ = '}';
    return jm_strn(text, (apr_size_t)(to - text));
}

/* A key set of 1 MiB may be such an object: processor time, not time, so that
 * a busy machine does not matter. It is 0.1 s, and would be a minute. */
static void test_collisions(void)
{
    jm_str_t text = colliding_names();
    clock_t start = clock();
    jm_json_error_t err;
    const jm_json_t *root;
    char *twice;

    ok(jm_json_parse(&root, NULL, tap_pool, text) == APR_SUCCESS
       && root->count == 59049, "many names that share a hash are read");
    ok((clock() - start) / CLOCKS_PER_SEC < 5, "in a short time");
    /* the last becomes the second, and the one before it the third */
    twice = (char *)text.ptr;
    memcpy(twice + 59048 * 25 + 2, twice + 25 + 2, 20);
    memcpy(twice + 59047 * 25 + 2, twice + 2 * 25 + 2, 20);
    ok(jm_json_parse(&root, &err, tap_pool, text) == APR_EINVAL
       && err.offset == 59047 * 25 + 1,
       "of those that stand twice the first is told");
}

static void test_get(void)
{
    const jm_json_t *root = parsed("{\"a\":null,\"ab\":1,\"\":2,\"A\":3,"
                                   "\"list\":[{\"a\":1}]}");
    const jm_json_t *list = jm_json_get(root, jm_str("list"));

    ok(jm_json_get(root, jm_str("a")) == &root->items[0],
       "a member that is null is found");
    ok(jm_json_get(root, jm_str("ab")) == &root->items[1],
       "a longer name is another one");
    ok(jm_json_get(root, jm_str("")) == &root->items[2],
       "the empty name is found");
    ok(jm_json_get(root, jm_str("A")) == &root->items[3], "case counts");
    ok(!jm_json_get(root, jm_str("b")), "an absent name is not");
    ok(!jm_json_get(root, jm_strn("a\0", 2)), "nor a name with NUL behind it");
    ok(!jm_json_get(list, jm_str("a")), "an array has no members");
    ok(!jm_json_get(&root->items[1], jm_str("a")), "nor has a number");
    ok(!jm_json_get(NULL, jm_str("a")), "nor has nothing");
}

static void test_pointer(void)
{
    const jm_json_t *root = parsed("{\"a/b\":[0,{\"m~n\":1,\"~1\":2,\"\":3,"
                                   "\" \":4}]}");
    const jm_json_t *list = &root->items[0];
    const jm_json_t *in = &list->items[1];

    ok(!strcmp(jm_json_pointer(tap_pool, root), ""), "the top level is \"\"");
    ok(!strcmp(jm_json_pointer(tap_pool, list), "/a~1b"), "/ becomes ~1");
    ok(!strcmp(jm_json_pointer(tap_pool, &list->items[0]), "/a~1b/0"),
       "an element is its index");
    ok(!strcmp(jm_json_pointer(tap_pool, &in->items[0]), "/a~1b/1/m~0n"),
       "~ becomes ~0");
    ok(!strcmp(jm_json_pointer(tap_pool, &in->items[1]), "/a~1b/1/~01"),
       "~1 becomes ~01");
    ok(!strcmp(jm_json_pointer(tap_pool, &in->items[2]), "/a~1b/1/"),
       "the empty name is an empty token");
    ok(!strcmp(jm_json_pointer(tap_pool, &in->items[3]), "/a~1b/1/ "),
       "a blank stays");
}

/* The deepest node there is: no pointer is cut. */
static void test_deep_pointer(void)
{
    char text[2 * JM_JSON_DEPTH_MAX + 2];
    char want[2 * JM_JSON_DEPTH_MAX + 1];
    const jm_json_t *node;
    int i;

    memset(text, '[', JM_JSON_DEPTH_MAX);
    text[JM_JSON_DEPTH_MAX] = '1';
    memset(text + JM_JSON_DEPTH_MAX + 1, ']', JM_JSON_DEPTH_MAX);
    text[sizeof(text) - 1] = '\0';
    for (i = 0; i < JM_JSON_DEPTH_MAX; i++) {
        memcpy(want + 2 * i, "/0", 2);
    }
    want[sizeof(want) - 1] = '\0';
    for (node = parsed(text); node->type == JM_JSON_ARRAY;) {
        node = &node->items[0];
    }
    ok(node->type == JM_JSON_NUMBER
       && !strcmp(jm_json_pointer(tap_pool, node), want),
       "the pointer of a value in 32 arrays has 32 tokens");
}

static void test_type_name(void)
{
    static const char *const names[] = { "null", "a boolean", "a number",
                                         "a string", "an array",
                                         "an object" };
    const jm_json_t *root = parsed("[null,true,1,\"\",[],{}]");
    unsigned i;

    for (i = 0; i < 6; i++) {
        ok(root->items[i].type == (jm_json_e)i
           && !strcmp(jm_json_type_name(&root->items[i]), names[i]),
           "%s is called so", names[i]);
    }
    ok(!strcmp(jm_json_type_name(NULL), "nothing"), "nothing is, too");
}

static void test_scalars(void)
{
    const jm_json_t *root = parsed("[true,false,\"a\\u0000b\",1E5]");

    ok(root->items[0].truth == 1 && root->items[1].truth == 0,
       "true is 1 and false is 0");
    ok(jm_str_eq(root->items[2].text, jm_strn("a\0b", 3)),
       "a string keeps its NUL");
    ok(root->items[2].text.ptr[3] == '\0', "and has one behind it");
    is_str(root->items[3].text, "1E5", "a number keeps its spelling");
    ok(root->items[3].text.ptr[3] == '\0', "and has a NUL behind it");
}

static void test_quote(void)
{
    char all[0x21];
    int i;

    for (i = 0; i < 0x21; i++) {
        all[i] = (char)i;
    }
    is_str(jm_json_quote(tap_pool, jm_strn(all, 0x21)),
           "\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t"
           "\\n\\u000b\\f\\r\\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014"
           "\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d"
           "\\u001e\\u001f \"", "all controls are escaped, the blank is not");
    is_str(jm_json_quote(tap_pool, jm_str("a/\"\\\x7F\xC3\xA9")),
           "\"a/\\\"\\\\\x7F\xC3\xA9\"",
           "quote and backslash are escaped, / and UTF-8 are not");
    is_str(jm_json_quote(tap_pool, jm_strn(NULL, 0)), "\"\"",
           "the empty text is two quotes");
}

typedef struct seconds_t {
    const char *text;
    apr_status_t rv;
    apr_int64_t value;
} seconds_t;

static const seconds_t seconds[] = {
    { "0", APR_SUCCESS, 0 },
    { "-0", APR_SUCCESS, 0 },
    { "1700000000", APR_SUCCESS, 1700000000 },
    { "1700000000.000", APR_SUCCESS, 1700000000 },
    { "1700000000.0001", APR_SUCCESS, 1700000001 },
    { "-1700000000.9", APR_SUCCESS, -1700000000 },
    { "9223372036854775807", APR_SUCCESS, APR_INT64_MAX },
    { "9223372036854775807.1", APR_ERANGE, 0 },
    { "9223372036854775808", APR_ERANGE, 0 },
    { "1e400", APR_ERANGE, 0 },
    { "1e-400", APR_SUCCESS, 1 },
    { "\"9999999999\"", APR_EINVAL, 0 },
    { "true", APR_EINVAL, 0 },
    { "null", APR_EINVAL, 0 },
    { "[1]", APR_EINVAL, 0 },
    { "{}", APR_EINVAL, 0 },
};

static void test_seconds(void)
{
    apr_int64_t value = 7;
    apr_size_t i;

    for (i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
        const seconds_t *v = &seconds[i];
        apr_status_t rv = jm_json_seconds(&value, parsed(v->text));

        ok(rv == v->rv && value == v->value, "%s in seconds is %"
           APR_INT64_T_FMT ", %s", v->text, v->value, v->rv == APR_SUCCESS ? "good"
           : v->rv == APR_ERANGE ? "out of range" : "no number");
        value = 7;
    }
    ok(jm_json_seconds(&value, NULL) == APR_EINVAL && value == 0,
       "nothing is no number");
}

/* Two values in an array, and whether they are equal. */
typedef struct pair_t {
    const char *text;
    int equal;
} pair_t;

static const pair_t pairs[] = {
    { "[null,null]", 1 }, { "[null,false]", 0 }, { "[null,0]", 0 },
    { "[null,\"\"]", 0 }, { "[true,true]", 1 }, { "[true,false]", 0 },
    { "[true,1]", 0 }, { "[true,\"true\"]", 0 }, { "[false,0]", 0 },
    { "[1,1.0]", 1 }, { "[1,10e-1]", 1 }, { "[1,\"1\"]", 0 },
    { "[1,1.0000000000000000000000001]", 0 }, { "[0,-0.0e9]", 1 },
    { "[18446744073709551615,18446744073709551616]", 0 },
    { "[\"a\",\"a\"]", 1 }, { "[\"a\",\"\\u0061\"]", 1 },
    { "[\"a\",\"A\"]", 0 }, { "[\"a\",\"a\\u0000\"]", 0 },
    { "[\"a\\u0000b\",\"a\\u0000c\"]", 0 }, { "[\"\",\"\"]", 1 },
    { "[[],[]]", 0 }, { "[{},{}]", 0 }, { "[[1],1]", 0 },
};

static void test_scalar_eq(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        const jm_json_t *both = parsed(pairs[i].text);
        const jm_json_t *a = &both->items[0];
        const jm_json_t *b = &both->items[1];

        ok(jm_json_scalar_eq(a, b) == pairs[i].equal
           && jm_json_scalar_eq(b, a) == pairs[i].equal,
           "%s: the two are %s", pairs[i].text,
           pairs[i].equal ? "equal" : "not equal");
    }
    ok(!jm_json_scalar_eq(NULL, NULL), "nothing is not equal to nothing");
}

static void test_diag(void)
{
    const char *text = "{\n  \"a\": [\n    true\n  ]\n}";
    const jm_json_t *root = parsed(text);
    const jm_json_t *a = jm_json_get(root, jm_str("a"));
    jm_diags_t d;
    const jm_diag_t *list;

    jm_diag_init(&d, tap_pool, "f.json", jm_str(text));
    jm_json_diag(&d, JM_ERROR, &a->items[0], "not %s", "that");
    jm_json_diag_name(&d, JM_WARNING, a, "unknown");
    jm_json_diag_name(&d, JM_ERROR, &a->items[0], "no name");
    jm_json_diag(&d, JM_ERROR, NULL, "nothing");
    list = (const jm_diag_t *)d.list->elts;
    is_str(jm_str(jm_diag_line(tap_pool, &d, &list[0])),
           "f.json:3:5: /a/0: not that", "a diagnostic at a value");
    is_str(jm_str(jm_diag_line(tap_pool, &d, &list[1])),
           "f.json:2:3: /a: warning: unknown", "one at a name");
    is_str(jm_str(jm_diag_line(tap_pool, &d, &list[2])),
           "f.json:3:5: /a/0: no name", "an element has no name to be at");
    is_str(jm_str(jm_diag_line(tap_pool, &d, &list[3])),
           "f.json:1:1: /: nothing", "nothing is the whole document");
}

int main(void)
{
    tap_start();
    test_offsets();
    test_independence();
    test_collisions();
    test_get();
    test_pointer();
    test_deep_pointer();
    test_type_name();
    test_scalars();
    test_quote();
    test_seconds();
    test_scalar_eq();
    test_diag();
    return tap_done();
}
