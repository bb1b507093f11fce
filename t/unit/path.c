/*
 * path.c: claim paths and `require`.
 */
#include "jm_claims.h"
#include "jm_json.h"
#include "tap.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const jm_json_t *json(const char *text)
{
    const jm_json_t *root;

    if (jm_json_parse(&root, NULL, tap_pool, jm_str(text)) != APR_SUCCESS) {
        printf("Bail out! no JSON: %s\n", text);
        exit(2);
    }
    return root;
}

/* The flat name, then each part, as "flat|part|part". */
static const char *shown(const jm_path_t *path)
{
    const char *text = apr_pstrmemdup(tap_pool,
                                      path->flat.len ? path->flat.ptr : "",
                                      path->flat.len);
    unsigned i;

    for (i = 0; i < path->count; i++) {
        text = apr_pstrcat(tap_pool, text, "|", path->parts[i].ptr, NULL);
    }
    return text;
}

/* --- parsing --- */

static const struct {
    const char *text;
    const char *shown;         /* NULL: an error */
    apr_size_t used;
} paths[] = {
    { "sub", "sub|sub", 3 },
    { "a.b", "a.b|a|b", 3 },
    { "a.b.c-d_9", "a.b.c-d_9|a|b|c-d_9", 9 },
    { "0", "0|0", 1 },
    { "-_", "-_|-_", 2 },
    { "a}b", "a|a", 1 },
    { "a b", "a|a", 1 },
    { "a$b", "a|a", 1 },
    { "a:b", "a|a", 1 },
    { "a]", "a|a", 1 },
    { "a\xc3\xa9", "a|a", 1 },
    { "['x']", "|x", 5 },
    { "['https://ns/role']", "|https://ns/role", 19 },
    { "a['b.c']", "|a|b.c", 8 },
    { "a['b'].c", "|a|b|c", 8 },
    { "a['b']['c'].d}", "|a|b|c|d", 13 },
    { "['it\\'s']", "|it's", 9 },
    { "['a\\\\']", "|a\\", 7 },
    { "[']']", "|]", 5 },
    { "['']']", NULL, 0 },
    { "", NULL, 0 },
    { ".", NULL, 0 },
    { ".a", NULL, 0 },
    { "a.", NULL, 0 },
    { "a..b", NULL, 0 },
    { "a.}", NULL, 0 },
    { "a.['b']", NULL, 0 },
    { "}", NULL, 0 },
    { "$", NULL, 0 },
    { "[", NULL, 0 },
    { "a[", NULL, 0 },
    { "a[0]", NULL, 0 },
    { "a[b]", NULL, 0 },
    { "a[\"b\"]", NULL, 0 },
    { "['", NULL, 0 },
    { "['a", NULL, 0 },
    { "['a'", NULL, 0 },
    { "['a'}", NULL, 0 },
    { "['a\\']", NULL, 0 },
    { "['a\\", NULL, 0 },
    { "['a\\n']", NULL, 0 },
    { "['']", NULL, 0 },
    { "a['']", NULL, 0 }
};

static void test_parse(apr_pool_t *p)
{
    const char *error;
    jm_path_t path;
    apr_size_t used;
    apr_status_t rv;
    unsigned i;

    for (i = 0; i < COUNT(paths); i++) {
        rv = jm_path_parse(&path, &used, &error, p, jm_str(paths[i].text));
        if (paths[i].shown) {
            ok(rv == APR_SUCCESS && !error && used == paths[i].used
               && !strcmp(shown(&path), paths[i].shown),
               "a path: %s", paths[i].text);
        }
        else {
            ok(rv == APR_EINVAL && error && used == 0 && path.count == 0,
               "no path: %s", paths[i].text);
        }
    }
    rv = jm_path_parse(&path, &used, &error, p, jm_strn("abc", 2));
    ok(rv == APR_SUCCESS && used == 2, "the text ends where it ends");
    rv = jm_path_parse(&path, &used, &error, p, jm_strn("['a']", 4));
    ok(rv == APR_EINVAL, "also inside of a bracket");
    rv = jm_path_parse(&path, &used, &error, p, jm_strn("a\0b", 3));
    ok(rv == APR_SUCCESS && used == 1, "a NUL is no part of a name");
}

static const struct {
    const char *name;
    const char *shown;         /* NULL: an error */
} names[] = {
    { "sub", "sub|sub" },
    { "realm_access.roles", "realm_access.roles|realm_access|roles" },
    { "a['b.c']", "|a|b.c" },
    { "https://ns.example/role", "https://ns.example/role|"
      "https://ns.example/role" },
    { "urn:x", "urn:x|urn:x" },
    { "@id", "@id|@id" },
    { "a b", "a b|a b" },
    { "a[0]", "a[0]|a[0]" },
    { "", NULL },
    { "a.", NULL },
    { ".a", NULL },
    { "a..b", NULL },
    { "a['b", NULL },
    { "a['b']c", NULL },
    { "urn:x['b']", NULL }
};

static void test_names(apr_pool_t *p)
{
    const char *error;
    jm_path_t path;
    apr_status_t rv;
    unsigned i;

    for (i = 0; i < COUNT(names); i++) {
        rv = jm_path_of_name(&path, &error, p, jm_str(names[i].name));
        if (names[i].shown) {
            ok(rv == APR_SUCCESS && !error
               && !strcmp(shown(&path), names[i].shown),
               "a name for require: %s", names[i].name);
        }
        else {
            ok(rv == APR_EINVAL && error && path.count == 0,
               "no name for require: %s", names[i].name);
        }
    }
}

/* --- following --- */

#define TREE "{\"a\":{\"b\":1,\"x.y\":2,\"n\":null,\"l\":[{\"c\":9}],\"s\":" \
    "\"t\"},\"a.b\":3,\"n\":null,\"p.q\":null,\"p\":{\"q\":4},\"u.v\":{" \
    "\"w\":5},\"\":6,\"length\":7}"

static const struct {
    const char *path;
    const char *found;         /* compact; NULL: absent */
} finds[] = {
    { "length", "7" },
    { "a.b", "3" },
    { "a['b']", "1" },
    { "['a']['b']", "1" },
    { "['a.b']", "3" },
    { "a['x.y']", "2" },
    { "a.x.y", NULL },
    { "a.n", "null" },
    { "n", "null" },
    { "p.q", "null" },
    { "p['q']", "4" },
    { "u.v.w", NULL },
    { "['u.v'].w", "5" },
    { "a.missing", NULL },
    { "missing", NULL },
    { "missing.b", NULL },
    { "n.b", NULL },
    { "A", NULL },
    { "a.l.0", NULL },
    { "a.l.c", NULL },
    { "a.l.length", NULL },
    { "a.s.length", NULL },
    { "a.b.c", NULL }
};

static void test_find(apr_pool_t *p)
{
    const jm_json_t *tree = json(TREE), *node;
    const char *error;
    jm_path_t path;
    apr_size_t used;
    unsigned i;

    for (i = 0; i < COUNT(finds); i++) {
        if (jm_path_parse(&path, &used, &error, p, jm_str(finds[i].path))
            != APR_SUCCESS) {
            ok(0, "%s is a path", finds[i].path);
            continue;
        }
        node = jm_path_find(tree, &path);
        ok(finds[i].found ? node && jm_str_is(jm_json_compact(p, node),
                                              finds[i].found)
                          : !node,
           "%s is %s", finds[i].path,
           finds[i].found ? finds[i].found : "absent");
    }
    ok(!jm_path_find(NULL, &path), "below nothing there is nothing");
    memset(&path, 0, sizeof(path));
    ok(!jm_path_find(tree, &path), "an empty path finds nothing");
}

/* --- require --- */

static const struct {
    jm_verdict_e verdict;
    const char *name;
    const char *values;        /* an array of scalars */
    const char *claims;
} requires[] = {
    { JM_OK, "role", "[\"admin\"]", "{\"role\":\"admin\"}" },
    { JM_OK, "role", "[\"x\",\"admin\"]", "{\"role\":\"admin\"}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":null}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":\"Admin\"}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":\"admin2\"}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":\"admi\"}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":\"admin\\u0000\"}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":\"user admin\"}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":{\"admin\":true}}" },
    { JM_REQUIRE, "role", "[]", "{\"role\":\"admin\"}" },
    { JM_OK, "role", "[\"admin\"]", "{\"role\":[\"user\",\"admin\"]}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":[]}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":[\"user\"]}" },
    { JM_REQUIRE, "role", "[\"admin\"]", "{\"role\":[[\"admin\"]]}" },
    { JM_OK, "ok", "[true]", "{\"ok\":true}" },
    { JM_REQUIRE, "ok", "[true]", "{\"ok\":false}" },
    { JM_REQUIRE, "ok", "[true]", "{\"ok\":\"true\"}" },
    { JM_REQUIRE, "ok", "[true]", "{\"ok\":1}" },
    { JM_REQUIRE, "ok", "[\"true\"]", "{\"ok\":true}" },
    { JM_OK, "level", "[2]", "{\"level\":2.0}" },
    { JM_OK, "level", "[2]", "{\"level\":[1,2]}" },
    { JM_REQUIRE, "level", "[2]", "{\"level\":\"2\"}" },
    { JM_REQUIRE, "level", "[2]", "{\"level\":3}" },
    { JM_REQUIRE, "level", "[9007199254740992]",
      "{\"level\":9007199254740993}" },
    { JM_OK, "a.b", "[1]", "{\"a\":{\"b\":1}}" },
    { JM_OK, "scope", "[\"read\"]", "{\"scope\":\"read\"}" },
    { JM_OK, "scope", "[\"read\"]", "{\"scope\":\"write read\"}" },
    { JM_OK, "scope", "[\"read\"]", "{\"scope\":\"  read  write\"}" },
    { JM_OK, "scope", "[\"x\",\"read\"]", "{\"scope\":\"write read\"}" },
    { JM_OK, "scp", "[\"read\"]", "{\"scp\":\"write read\"}" },
    { JM_OK, "scp", "[\"read\"]", "{\"scp\":[\"write\",\"read\"]}" },
    { JM_OK, "['scope']", "[\"read\"]", "{\"scope\":\"write read\"}" },
    { JM_SCOPE, "scope", "[\"read\"]", "{}" },
    { JM_SCOPE, "scope", "[\"read\"]", "{\"scope\":\"\"}" },
    { JM_SCOPE, "scope", "[\"read\"]", "{\"scope\":\" \"}" },
    { JM_SCOPE, "scope", "[\"read\"]", "{\"scope\":\"reader\"}" },
    { JM_SCOPE, "scope", "[\"read\"]", "{\"scope\":\"read:all\"}" },
    { JM_SCOPE, "scope", "[\"read\"]", "{\"scope\":\"write,read\"}" },
    { JM_SCOPE, "scope", "[\"read\"]", "{\"scope\":\"write\\tread\"}" },
    { JM_SCOPE, "scope", "[\"\"]", "{\"scope\":\"a  b\"}" },
    { JM_SCOPE, "scope", "[\"write read\"]", "{\"scope\":\"write read\"}" },
    { JM_SCOPE, "scope", "[1]", "{\"scope\":\"1\"}" },
    { JM_SCOPE, "scp", "[\"read\"]", "{\"scp\":[\"write read\"]}" },
    { JM_SCOPE, "scp", "[\"read\"]", "{\"scope\":\"read\"}" },
    { JM_REQUIRE, "a.scope", "[\"read\"]",
      "{\"a\":{\"scope\":\"write read\"}}" },
    { JM_OK, "a.scope", "[\"read\"]", "{\"a\":{\"scope\":\"read\"}}" }
};

static jm_require_t make_require(const char *name, const char *values)
{
    const jm_json_t *array = json(values);
    const jm_json_t **list = apr_palloc(tap_pool, sizeof(*list)
                                                  * (array->count + 1));
    const char *error;
    jm_require_t require = { 0 };
    unsigned i;

    for (i = 0; i < array->count; i++) {
        list[i] = &array->items[i];
    }
    require.name = name;
    require.values = list;
    require.count = array->count;
    jm_path_of_name(&require.path, &error, tap_pool, jm_str(name));
    return require;
}

static void test_require(void)
{
    jm_require_t both[2];
    const char *name;
    unsigned i;

    for (i = 0; i < COUNT(requires); i++) {
        both[0] = make_require(requires[i].name, requires[i].values);
        ok(jm_require_check(&name, both, 1, json(requires[i].claims))
           == requires[i].verdict, "%s: %s in %s of %s",
           jm_error(requires[i].verdict)->name, requires[i].name,
           requires[i].values, requires[i].claims);
    }
    both[0] = make_require("scope", "[\"read\"]");
    both[1] = make_require("role", "[\"admin\"]");
    ok(jm_require_check(&name, both, 0, json("{}")) == JM_OK && !name,
       "ok: nothing asked");
    ok(jm_require_check(&name, both, 2, json("{\"scope\":\"read\",\"role\":"
                                             "\"admin\"}")) == JM_OK && !name,
       "ok: both hold");
    ok(jm_require_check(&name, both, 2, json("{\"scope\":\"read\"}"))
       == JM_REQUIRE && !strcmp(name, "role"),
       "require: the second does not hold, and is named");
    ok(jm_require_check(&name, both, 2, json("{}")) == JM_SCOPE
       && !strcmp(name, "scope"),
       "scope: the first that does not hold names the verdict");
}

int main(void)
{
    apr_pool_t *p = tap_start();

    test_parse(p);
    test_names(p);
    test_find(p);
    test_require();
    return tap_done();
}
