/*
 * expr_request.h: one fixed request, whose values the tests of jm_expr
 * compile and evaluate.
 */
#ifndef EXPR_REQUEST_H
#define EXPR_REQUEST_H

#include "tap.h"

#include "jm_expr.h"
#include "jm_json.h"

static jm_diags_t diags;

static const char claims_text[] =
    "{\"sub\":\"alice\",\"n\":12345678901234567890123,\"f\":1.50,\"t\":true,"
    "\"z\":null,\"e\":\"\",\"roles\":[\"a\",\"b\",3,false],\"none\":[],"
    "\"mixed\":[\"a\",null],\"deep\":[[\"a\"]],\"objs\":[{}],"
    "\"comma\":[\"a,b\",\"c\"],\"gap\":[\"a b\",\"c\"],\"one\":[\"\"],"
    "\"o\":{\"x\":\"in\",\"a.b\":\"dot\",\"u\":\"/p\"},\"o.x\":\"flat\","
    "\"o.z\":null,\"https://ns/role\":\"admin\",\"it's\":\"quote\","
    "\"back\\\\slash\":\"bs\",\"crlf\":\"a\\r\\nx: y\",\"nul\":\"a\\u0000b\","
    "\"del\":\"a\\u007f\",\"lead\":\" a\",\"trail\":\"a \",\"inner\":\"a b\","
    "\"utf\":\"\xC3\xA9\",\"expr\":\"$request.jwt.sub ${config.k} $$\","
    "\"csvish\":\"a,b\",\"pct\":\"50% \xC3\xA9~\",\"Sub\":\"other\","
    "\"q\":\"say \\\"hi\\\"\\\\\",\"ctl\":\"a\\u0001\"}";

static const char jose_text[] =
    "{\"alg\":\"RS256\",\"kid\":\"key 1\",\"x\":{\"y\":1},\"z\":null}";

static const char table_vars_text[] =
    "{\"k\":\"global\",\"g\":\"only global\",\"hidden\":\"h\",\"list\":[1,2],"
    "\"tree\":{\"leaf\":\"l\",\"num\":7},\"tree.flat\":\"tf\",\"o\":{},"
    "\"dollar\":\"$request.jwt.sub\",\"gone\":null,\"two words\":\"tw\","
    "\"bad\":\"a\\nb\",\"lead\":\" x\",\"empty\":\"\",\"obj\":{\"in\":\"v\"},"
    "\"obj2\":{\"in\":\"v2\"},\"commas\":[\"a,b\"]}";

static const char route_vars_text[] =
    "{\"k\":\"route\",\"hidden\":null,\"obj\":null,\"obj2\":{\"x\":1}}";

static inline const jm_json_t *json(const char *text)
{
    const jm_json_t *root;
    jm_json_error_t error = { 0, "", "" };

    if (jm_json_parse(&root, &error, tap_pool, jm_str(text))) {
        printf("Bail out! %s in %s\n", error.message, text);
        exit(1);
    }
    return root;
}

static jm_names_t names;
static jm_inputs_t inputs;

static inline void set_up(void)
{
    static jm_str_t params[2];
    static jm_str_t values[2];
    apr_table_t *headers = apr_table_make(tap_pool, 8);

    params[0] = jm_str("id");
    params[1] = jm_str("name");
    values[0] = jm_str("a b/c");
    values[1] = jm_strn("n\0l", 3);
    names.params = params;
    names.param_count = 2;
    names.route_vars = json(route_vars_text);
    names.table_vars = json(table_vars_text);
    apr_table_add(headers, "X-One", "first");
    apr_table_add(headers, "X-Two", "a");
    apr_table_add(headers, "x-two", "b");
    apr_table_add(headers, "X-Empty", "");
    apr_table_add(headers, "X-Bad", "\xC3");
    apr_table_add(headers, "X-Dotted.Name", "dotted");
    apr_table_add(headers, "Cookie", "sid2=no; Sid=no; sid; sid = \"a b\" ;"
                                     "sid=later; e=; q=\"; w=\"\"; v=a=b");
    apr_table_add(headers, "Cookie", "\tlast=%41, j1=1; j2=a,b=c, d,, j3=3,"
                                     " , j1=2, =, j4");
    inputs.method = "PATCH";
    inputs.headers = headers;
    inputs.query = jm_str("a=1&b=%41+c&a=2&e&n=x%00y&odd.name=o");
    inputs.params = values;
    inputs.claims = json(claims_text);
    inputs.jose = json(jose_text);
}

static inline const jm_value_t *compile_as(const char *text, jm_target_e target)
{
    const jm_value_t *value;
    apr_status_t rv;

    jm_diag_init(&diags, tap_pool, "t.json", jm_str(text));
    rv = jm_value_compile(&value, tap_pool, json(text), target, &names,
                          &diags);
    if ((rv == APR_SUCCESS) != (value != NULL)
        || (rv == APR_SUCCESS) != (diags.errors == 0)) {
        ok(0, "status, value and diagnostics of %s agree", text);
    }
    return value;
}

static inline const jm_value_t *compile(const char *text)
{
    return compile_as(text, JM_TARGET_HEADER);
}

#define OMIT "(omit)"
#define REJECT "(reject)"
#define UNMAPPABLE "(unmappable)"
#define FAULT "(fault)"

static inline const char *outcome(const jm_value_t *value,
                                  const jm_inputs_t *in)
{
    jm_str_t out = jm_str("old");
    jm_eval_e eval = jm_value_eval(&out, tap_pool, value, in);

    if (eval == JM_EVAL_OK) {
        return out.ptr[out.len] ? "(no NUL behind)" : out.ptr;
    }
    if (out.ptr || out.len) {
        return "(text without JM_EVAL_OK)";
    }
    return eval == JM_EVAL_OMIT ? OMIT : eval == JM_EVAL_REJECT ? REJECT
           : eval == JM_EVAL_UNMAPPABLE ? UNMAPPABLE : FAULT;
}

typedef struct case_t {
    const char *value;             /* JSON */
    const char *want;
} case_t;

#endif
