/*
 * expr.c: jm_expr: the language of mapped values. What compiles to what
 * text over one fixed request; what is refused at load, and with which
 * advice.
 */
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

static const jm_json_t *json(const char *text)
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

static void set_up(void)
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

static const jm_value_t *compile_as(const char *text, jm_target_e target)
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

static const jm_value_t *compile(const char *text)
{
    return compile_as(text, JM_TARGET_HEADER);
}

/* ---- what a value evaluates to ---- */

#define OMIT "(omit)"
#define REJECT "(reject)"
#define UNMAPPABLE "(unmappable)"
#define FAULT "(fault)"

static const char *outcome(const jm_value_t *value, const jm_inputs_t *in)
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

static void try_case(const char *value, const char *want, jm_target_e target)
{
    const jm_value_t *compiled = compile_as(value, target);
    const char *got = compiled ? outcome(compiled, &inputs) : "(error)";

    if (!ok(!strcmp(got, want), "%s is %s", value, want)) {
        printf("# got %s\n", got);
    }
}

static const case_t texts[] = {
    { "\"plain\"", "plain" },
    { "\"\"", "" },
    { "\"a $$ b $$$$\"", "a $ b $$" },
    { "\"$$request.jwt.sub\"", "$request.jwt.sub" },
    { "\"$${request.jwt.sub}\"", "${request.jwt.sub}" },
    { "\"$$${request.jwt.sub}\"", "$alice" },
    { "\"$request.jwt.sub\"", "alice" },
    { "\"${request.jwt.sub}\"", "alice" },
    { "\"<${request.jwt.sub}|${request.method}>\"", "<alice|PATCH>" },
    { "\"${request.jwt.sub}${request.jwt.sub}\"", "alicealice" },
    { "\"}${request.jwt.sub}}{\"", "}alice}{" },
    { "{\"from\":\"$request.jwt.sub\"}", "alice" },
    { "{\"from\":\"x\",\"x-note\":1,\"description\":[],\"summary\":null,"
      "\"tags\":{}}", "x" },
    /* claims */
    { "\"$request.jwt.n\"", "12345678901234567890123" },
    { "\"$request.jwt.f\"", "1.50" },
    { "\"$request.jwt.t\"", "true" },
    { "\"$request.jwt.e\"", "" },
    { "\"$request.jwt.Sub\"", "other" },
    { "\"$request.jwt.SUB\"", OMIT },
    { "\"$request.jwt.z\"", OMIT },
    { "\"$request.jwt.absent\"", OMIT },
    { "\"$request.jwt.sub.length\"", OMIT },
    { "\"$request.jwt.roles.length\"", OMIT },
    { "\"$request.jwt.roles\"", "[\"a\",\"b\",3,false]" },
    { "\"$request.jwt.o\"", "{\"x\":\"in\",\"a.b\":\"dot\",\"u\":\"/p\"}" },
    { "\"$request.jwt.o.x\"", "flat" },
    { "\"$request.jwt.o['x']\"", "in" },
    { "\"$request.jwt.o.u\"", "/p" },
    { "\"$request.jwt.o['a.b']\"", "dot" },
    { "\"$request.jwt.o.z\"", OMIT },
    { "\"$request.jwt['https://ns/role']\"", "admin" },
    { "\"${request.jwt['https://ns/role']}!\"", "admin!" },
    { "\"$request.jwt['it\\\\'s']\"", "quote" },
    { "\"$request.jwt['back\\\\\\\\slash']\"", "bs" },
    { "\"$request.jwt['}']\"", OMIT },
    { "\"$request.jwt.utf\"", "\xC3\xA9" },
    { "\"$request.jwt.inner\"", "a b" },
    { "\"$request.jwt.expr\"", "$request.jwt.sub ${config.k} $$" },
    { "\"$request.jwt.crlf\"", UNMAPPABLE },
    { "\"$request.jwt.nul\"", UNMAPPABLE },
    { "\"$request.jwt.del\"", UNMAPPABLE },
    { "\"$request.jwt.ctl\"", UNMAPPABLE },
    { "\"$request.jwt.lead\"", UNMAPPABLE },
    { "\"$request.jwt.trail\"", UNMAPPABLE },
    { "\"${request.jwt.lead}.\"", UNMAPPABLE },
    { "\".${request.jwt.lead}\"", ". a" },
    { "\"x${request.jwt.z}y\"", OMIT },
    { "\"x${request.jwt.e}y\"", "xy" },
    { "\"${request.jwt.crlf}${request.jwt.z}\"", OMIT },
    /* JOSE header */
    { "\"$request.jwt_header.kid\"", "key 1" },
    { "\"$request.jwt_header['kid']\"", "key 1" },
    { "\"$request.jwt_header.x\"", "{\"y\":1}" },
    { "\"$request.jwt_header.z\"", OMIT },
    { "\"$request.jwt_header.typ\"", OMIT },
    /* header */
    { "\"$request.header.x-one\"", "first" },
    { "\"$request.header.X-TWO\"", "a, b" },
    { "\"$request.header.x-empty\"", "" },
    { "\"$request.header.x-none\"", OMIT },
    { "\"$request.header.x-bad\"", UNMAPPABLE },
    { "\"$request.header['x-dotted.name']\"", "dotted" },
    { "\"$request.header.x_one\"", OMIT },
    /* query */
    { "\"$request.query.a\"", "1" },
    { "\"$request.query.b\"", "A c" },
    { "\"$request.query.e\"", "" },
    { "\"$request.query.A\"", OMIT },
    { "\"$request.query.n\"", UNMAPPABLE },
    { "\"$request.query['odd.name']\"", "o" },
    /* path */
    { "\"$request.path.id\"", "a b/c" },
    { "\"$request.path['id']\"", "a b/c" },
    { "\"$request.path.name\"", UNMAPPABLE },
    /* cookie */
    { "\"$request.cookie.sid\"", "a b" },
    { "\"$request.cookie.Sid\"", "no" },
    { "\"$request.cookie.SID\"", OMIT },
    { "\"$request.cookie.e\"", "" },
    { "\"$request.cookie.q\"", "\"" },
    { "\"$request.cookie.w\"", "" },
    { "\"$request.cookie.v\"", "a=b" },
    { "\"$request.cookie.last\"", "%41" },
    { "\"$request.cookie.j1\"", "1" },
    { "\"$request.cookie.j2\"", "a,b=c, d," },
    { "\"$request.cookie.j3\"", "3," },
    { "\"$request.cookie.j4\"", OMIT },
    { "\"$request.cookie.b\"", OMIT },
    { "\"$request.cookie.none\"", OMIT },
    { "\"$request.method\"", "PATCH" },
    /* config */
    { "\"$config.k\"", "route" },
    { "\"$config.g\"", "only global" },
    { "\"$config.hidden\"", OMIT },
    { "\"$config.gone\"", OMIT },
    { "\"x$${config.k}\"", "x${config.k}" },
    { "\"x${config.k}\"", "xroute" },
    { "\"x${config.gone}\"", OMIT },
    { "\"$config.list\"", "[1,2]" },
    { "\"$config.tree.leaf\"", "l" },
    { "\"$config.tree.num\"", "7" },
    { "\"$config.tree.flat\"", "tf" },
    { "\"$config['two words']\"", "tw" },
    { "\"$config.dollar\"", "$request.jwt.sub" },
    { "\"${config.dollar}\"", "$request.jwt.sub" },
    { "\"$config.empty\"", "" },
    { "\"$config.obj.in\"", OMIT },
    { "\"$config.obj2.in\"", "v2" },
};

static const case_t formats[] = {
    { "{\"from\":\"$request.jwt.roles\",\"format\":\"text\"}",
      "[\"a\",\"b\",3,false]" },
    { "{\"from\":\"$request.jwt.roles\",\"format\":\"csv\"}", "a,b,3,false" },
    { "{\"from\":\"$request.jwt.roles\",\"format\":\"space\"}",
      "a b 3 false" },
    { "{\"from\":\"$request.jwt.none\",\"format\":\"csv\"}", "" },
    { "{\"from\":\"$request.jwt.one\",\"format\":\"csv\"}", "" },
    { "{\"from\":\"$request.jwt.comma\",\"format\":\"csv\"}", UNMAPPABLE },
    { "{\"from\":\"$request.jwt.comma\",\"format\":\"space\"}", "a,b c" },
    { "{\"from\":\"$request.jwt.gap\",\"format\":\"space\"}", UNMAPPABLE },
    { "{\"from\":\"$request.jwt.gap\",\"format\":\"csv\"}", "a b,c" },
    { "{\"from\":\"$request.jwt.mixed\",\"format\":\"csv\"}", UNMAPPABLE },
    { "{\"from\":\"$request.jwt.deep\",\"format\":\"csv\"}", UNMAPPABLE },
    { "{\"from\":\"$request.jwt.objs\",\"format\":\"space\"}", UNMAPPABLE },
    { "{\"from\":\"$request.jwt.o\",\"format\":\"csv\"}", UNMAPPABLE },
    { "{\"from\":\"$request.jwt.sub\",\"format\":\"csv\"}", "alice" },
    { "{\"from\":\"$request.jwt.csvish\",\"format\":\"csv\"}", "a,b" },
    { "{\"from\":\"$request.jwt.inner\",\"format\":\"space\"}", "a b" },
    { "{\"from\":\"$request.jwt.f\",\"format\":\"csv\"}", "1.50" },
    { "{\"from\":\"$request.jwt.z\",\"format\":\"csv\"}", OMIT },
    { "{\"from\":\"<${request.jwt.roles}>, $$\",\"format\":\"csv\"}",
      "<a,b,3,false>, $" },
    { "{\"from\":\"$request.jwt.sub\",\"format\":\"json\"}", "\"alice\"" },
    { "{\"from\":\"$request.jwt.q\",\"format\":\"json\"}",
      "\"say \\\"hi\\\"\\\\\"" },
    { "{\"from\":\"$request.jwt.n\",\"format\":\"json\"}",
      "12345678901234567890123" },
    { "{\"from\":\"$request.jwt.t\",\"format\":\"json\"}", "true" },
    { "{\"from\":\"$request.jwt.z\",\"format\":\"json\"}", OMIT },
    { "{\"from\":\"$request.jwt.nul\",\"format\":\"json\"}",
      "\"a\\u0000b\"" },
    { "{\"from\":\"$request.jwt.lead\",\"format\":\"json\"}", "\" a\"" },
    { "{\"from\":\"{\\\"s\\\":${request.jwt.sub}}\",\"format\":\"json\"}",
      "{\"s\":\"alice\"}" },
    { "{\"from\":\"a \\\"b\\\"\",\"format\":\"json\"}", "\"a \\\"b\\\"\"" },
    { "{\"from\":\"$request.header.x-one\",\"format\":\"json\"}",
      "\"first\"" },
    { "{\"from\":\"$request.header.x-bad\",\"format\":\"json\"}",
      UNMAPPABLE },
    { "{\"from\":\"$config.list\",\"format\":\"csv\"}", "1,2" },
    { "{\"from\":\"$config.k\",\"format\":\"json\"}", "\"route\"" },
    { "{\"from\":\"$request.jwt.pct\",\"format\":\"percent\"}",
      "50%25%20%C3%A9~" },
    { "{\"from\":\"$request.jwt.crlf\",\"format\":\"percent\"}",
      "a%0D%0Ax:%20y" },
    { "{\"from\":\"$request.jwt.lead\",\"format\":\"percent\"}", "%20a" },
    { "{\"from\":\"$request.header.x-bad\",\"format\":\"percent\"}", "%C3" },
    { "{\"from\":\"$request.jwt.del\",\"format\":\"percent\"}", "a%7F" },
    { "{\"from\":\" % ${request.jwt.sub}\",\"format\":\"percent\"}",
      "%20%25%20alice" },
    { "{\"from\":\" 100% \",\"format\":\"percent\"}", "%20100%25%20" },
    { "{\"from\":\"$config.bad\",\"format\":\"percent\"}", "a%0Ab" },
    { "{\"from\":\"$request.jwt.roles\",\"format\":\"percent\"}",
      "[\"a\",\"b\",3,false]" },
};

static const case_t missing[] = {
    { "{\"from\":\"$request.jwt.z\",\"on_missing\":\"omit\"}", OMIT },
    { "{\"from\":\"$request.jwt.z\",\"on_missing\":\"empty\"}", "" },
    { "{\"from\":\"$request.jwt.z\",\"on_missing\":\"reject\"}", REJECT },
    { "{\"from\":\"$request.jwt.z\",\"default\":\"none\"}", "none" },
    { "{\"from\":\"$request.jwt.z\",\"default\":\"\"}", "" },
    { "{\"from\":\"$request.jwt.z\",\"default\":\"$$ $config.k\"}",
      "$$ $config.k" },
    { "{\"from\":\"$request.jwt.z\",\"default\":\"a b\","
      "\"format\":\"percent\"}", "a b" },
    { "{\"from\":\"a${request.jwt.z}\",\"default\":\"d\"}", "d" },
    { "{\"from\":\"$request.jwt.e\",\"default\":\"d\"}", "" },
    { "{\"from\":\"$request.jwt.e\",\"on_missing\":\"reject\"}", "" },
    { "{\"from\":\"$request.jwt.sub\",\"on_missing\":\"reject\"}", "alice" },
    { "{\"from\":\"$request.jwt.crlf\",\"default\":\"d\"}", UNMAPPABLE },
    { "{\"from\":\"$config.gone\",\"on_missing\":\"reject\"}", REJECT },
};

static const case_t lengths[] = {
    { "{\"from\":\"$request.jwt.sub\",\"max_bytes\":5}", "alice" },
    { "{\"from\":\"$request.jwt.sub\",\"max_bytes\":4}", UNMAPPABLE },
    { "{\"from\":\"$request.jwt.sub\",\"max_bytes\":5.0}", "alice" },
    { "{\"from\":\"$request.jwt.sub\",\"max_bytes\":65536}", "alice" },
    { "{\"from\":\"$request.jwt.sub\",\"max_bytes\":6,\"format\":\"json\"}",
      UNMAPPABLE },
    { "{\"from\":\"${request.jwt.sub}x\",\"max_bytes\":6}", "alicex" },
    { "{\"from\":\"${request.jwt.sub}x\",\"max_bytes\":5}", UNMAPPABLE },
    { "{\"from\":\"$request.jwt.pct\",\"max_bytes\":15,"
      "\"format\":\"percent\"}", "50%25%20%C3%A9~" },
    { "{\"from\":\"$request.jwt.pct\",\"max_bytes\":14,"
      "\"format\":\"percent\"}", UNMAPPABLE },
    { "{\"from\":\"abc\",\"max_bytes\":3}", "abc" },
};

static const case_t query_targets[] = {
    { "\"$request.jwt.lead\"", " a" },
    { "\"$request.jwt.trail\"", "a " },
    { "\" literal \"", " literal " },
    { "\"$config.lead\"", " x" },
    { "{\"from\":\"$request.jwt.z\",\"default\":\" d\"}", " d" },
    { "\"$request.jwt.crlf\"", UNMAPPABLE },
    { "\"$request.jwt.nul\"", UNMAPPABLE },
    { "\"$request.jwt.utf\"", "\xC3\xA9" },
};

static void test_cases(const case_t *cases, unsigned count, jm_target_e target)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        try_case(cases[i].value, cases[i].want, target);
    }
}

#define TEST_CASES(table, target) \
    test_cases(table, sizeof(table) / sizeof(*table), target)

/* ---- what is refused at load ---- */

static const case_t refused[] = {
    { "1", "a value is a number: write a string" },
    { "null", "a value is null: write a string" },
    { "[\"a\"]", "a value is an array: write a string" },
    { "{}", "`from` is missing" },
    { "{\"from\":1}", "`from` is a number: write a string" },
    { "{\"from\":null}", "`from` is null: write a string" },
    { "{\"from\":\"a\",\"form\":\"b\"}", "(did you mean \"from\"?)" },
    { "{\"from\":\"a\",\"onmissing\":\"omit\"}",
      "(did you mean \"on_missing\"?)" },
    { "{\"from\":\"a\",\"default\":1}", "`default` is a number: write" },
    { "{\"from\":\"a\",\"default\":null}", "`default` is null: write" },
    { "{\"from\":\"a\",\"default\":\"d\",\"on_missing\":\"omit\"}",
      "`on_missing` and `default` say two things" },
    { "{\"from\":\"a\",\"on_missing\":\"drop\"}",
      "write omit, empty or reject" },
    { "{\"from\":\"a\",\"on_missing\":\"default\"}",
      "write omit, empty or reject" },
    { "{\"from\":\"a\",\"on_missing\":true}", "`on_missing` is" },
    { "{\"from\":\"a\",\"format\":\"cvs\"}", "(did you mean \"csv\"?)" },
    { "{\"from\":\"a\",\"format\":\"TEXT\"}", "(did you mean \"text\"?)" },
    { "{\"from\":\"a\",\"format\":1}", "`format` is a number: write" },
    { "{\"from\":\"a\",\"max_bytes\":0}", "from 1 to 65536" },
    { "{\"from\":\"a\",\"max_bytes\":-1}", "from 1 to 65536" },
    { "{\"from\":\"a\",\"max_bytes\":65537}", "from 1 to 65536" },
    { "{\"from\":\"a\",\"max_bytes\":1.5}", "from 1 to 65536" },
    { "{\"from\":\"a\",\"max_bytes\":1e99}", "from 1 to 65536" },
    { "{\"from\":\"a\",\"max_bytes\":\"9\"}", "from 1 to 65536" },
    /* dollars */
    { "\"$\"", "write $$ for a dollar" },
    { "\"5 $\"", "write $$ for a dollar" },
    { "\"$5\"", "write $$ for a dollar" },
    { "\"$ request.jwt.sub\"", "write $$ for a dollar" },
    { "\"$$$\"", "write $$ for a dollar" },
    { "\"a $request.jwt.sub\"", "write ${request.jwt.sub}" },
    { "\"$request.jwt.sub!\"", "\"!\" cannot follow an expression" },
    { "\"$request.jwt.sub and\"", "cannot follow an expression" },
    { "\"$request.jwt.sub$request.jwt.sub\"", "cannot follow an expression" },
    { "\"${request.jwt.sub\"", "${ is not closed" },
    { "\"${request.jwt.sub }\"", "cannot follow an expression" },
    { "\"${ request.jwt.sub}\"", "write ${request.jwt.sub}" },
    { "\"${$request.jwt.sub}\"", "write ${request.jwt.sub}" },
    { "\"${}\"", "write ${request.jwt.sub}" },
    { "\"${\"", "write ${request.jwt.sub}" },
    /* sources */
    { "\"$env.X\"", "$env is read outside `mapping` only: put it in "
      "`variables` and write $config.NAME" },
    { "\"a${secret.X}\"", "$secret is read outside `mapping` only" },
    { "\"$secrets.X\"", "$secrets is read outside `mapping` only" },
    { "\"$jwt.sub\"", "(did you mean \"$request.jwt.sub\"?)" },
    { "\"${jwt.sub}\"", "(did you mean \"${request.jwt.sub}\"?)" },
    { "\"$header.x-id\"", "(did you mean \"$request.header.x-id\"?)" },
    { "\"$headers.x-id\"", "(did you mean \"$request.header.x-id\"?)" },
    { "\"$claims.sub\"", "(did you mean \"$request.jwt.sub\"?)" },
    { "\"$request.headers.x\"", "(did you mean \"$request.header.x\"?)" },
    { "\"$request.jwt-header.kid\"",
      "(did you mean \"$request.jwt_header.kid\"?)" },
    { "\"$request.cookies.sid\"", "(did you mean \"$request.cookie.sid\"?)" },
    { "\"$request.params.id\"", "(did you mean \"$request.path.id\"?)" },
    { "\"$requst.jwt.sub\"", "(did you mean \"$request.jwt.sub\"?)" },
    { "\"$conf.k\"", "(did you mean \"$config.k\"?)" },
    { "\"$vars.k\"", "(did you mean \"$config.k\"?)" },
    { "\"$cofig.k\"", "(did you mean \"$config.k\"?)" },
    { "\"$Request.jwt.sub\"", "(did you mean \"$request.jwt.sub\"?)" },
    { "\"$request.body.x\"", "$request.body is unknown; write $request.jwt" },
    { "\"$wholly.else\"", "$wholly is unknown; write $request.jwt" },
    { "\"$request\"", "$request needs a source" },
    { "\"$request.\"", "$request needs a source" },
    { "\"$request..jwt\"", "$request needs a source" },
    { "\"$request['jwt'].sub\"", "$request needs a source" },
    { "\"$request.jwt\"", "name a claim" },
    { "\"x${request.jwt}\"", "name a claim" },
    { "\"$request.jwt.\"", "empty" },
    { "\"$request.jwt..sub\"", "empty" },
    { "\"$request.jwt.sub.\"", "empty" },
    { "\"$request.jwt.['a']\"", "empty" },
    { "\"$request.jwt['']\"", "empty" },
    { "\"$request.jwt['a'\"", "bracket is open" },
    { "\"$request.jwt['a\"", "bracket is open" },
    { "\"$request.jwt.roles[0]\"", "no array index" },
    { "\"$request.header\"", "a name is missing" },
    { "\"$request.header.\"", "empty" },
    { "\"$request.header.a.b\"", "no members" },
    { "\"$request.header['a'].b\"", "no members" },
    { "\"$request.header['a b']\"", "no header field can have that name" },
    { "\"$request.header['a\\u0000b']\"", "no header field can have" },
    { "\"$request.header['a:']\"", "no header field can have that name" },
    { "\"$request.query.a.b\"", "no members" },
    { "\"$request.cookie.a.b\"", "no members" },
    { "\"$request.jwt_header.x.y\"", "no members" },
    { "\"$request.path.idd\"", "no {idd} (did you mean \"id\"?)" },
    { "\"$request.path.other\"", "the route's path has no {other}" },
    { "\"$request.path.ID\"", "(did you mean \"id\"?)" },
    { "\"$request.path\"", "a name is missing" },
    { "\"$request.method.x\"", "cannot follow an expression" },
    { "\"$request.method[0]\"", "cannot follow an expression" },
    { "\"$config\"", "a name is missing" },
    { "\"$config.\"", "empty" },
    /* constants */
    { "\"a\\nb\"", "holds a control character" },
    { "\"a\\u0000\"", "holds a control character" },
    { "\"a\\u007fb\"", "holds a control character" },
    { "\"a\\tb\"", "holds a control character" },
    { "\" a\"", "begins or ends with a blank" },
    { "\"a \"", "begins or ends with a blank" },
    { "\" \"", "begins or ends with a blank" },
    { "\" ${request.jwt.sub}\"", "begins or ends with a blank" },
    { "\"${request.jwt.sub} \"", "begins or ends with a blank" },
    { "\"${config.empty} ${request.jwt.sub}\"", "begins or ends with" },
    { "\"${config.lead}${request.jwt.sub}\"", "begins or ends with a blank" },
    { "\"${request.jwt.sub}\\n\"", "holds a control character" },
    { "\"$config.bad\"", "holds a control character" },
    { "\"${request.jwt.sub}${config.bad}\"", "holds a control character" },
    { "\"$config.lead\"", "begins or ends with a blank" },
    { "{\"from\":\"$config.o\",\"format\":\"csv\"}", "no text as csv" },
    { "{\"from\":\"x${config.tree}\",\"format\":\"space\"}",
      "no text as space" },
    { "{\"from\":\"$config.commas\",\"format\":\"csv\"}", "no text as csv" },
    { "{\"from\":\"abcd\",\"max_bytes\":3}", "4 octets, more than max_bytes" },
    { "{\"from\":\"ab${request.jwt.sub}cd\",\"max_bytes\":3}",
      "4 octets, more than max_bytes" },
    { "{\"from\":\"$request.jwt.z\",\"default\":\"a\\rb\"}",
      "holds a control character" },
    { "{\"from\":\"$request.jwt.z\",\"default\":\" d\"}",
      "begins or ends with a blank" },
    { "{\"from\":\"$request.jwt.z\",\"default\":\"abcd\",\"max_bytes\":3}",
      "4 octets, more than max_bytes" },
};

static void test_refused(void)
{
    unsigned i;

    for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        const jm_value_t *value = compile(refused[i].value);
        const jm_diag_t *first = (const jm_diag_t *)diags.list->elts;
        int good = !value && diags.errors == 1
                   && strstr(first->message, refused[i].want);

        if (!ok(good, "%s is refused: %s", refused[i].value,
                refused[i].want)) {
            printf("# %u errors: %s\n", diags.errors,
                   diags.list->nelts ? first->message : "");
        }
    }
}

static void test_errors(void)
{
    const jm_value_t *value;

    value = compile("{\"form\":1,\"max_bytes\":0,\"format\":\"x\"}");
    ok(!value && diags.errors == 4, "all mistakes of a value are reported");
    compile("{\n \"from\": \"$env.X\" }");
    ok(APR_ARRAY_IDX(diags.list, 0, jm_diag_t).line == 2
       && !strcmp(APR_ARRAY_IDX(diags.list, 0, jm_diag_t).pointer, "/from"),
       "a mistake in the string is reported at `from`");
    compile("{\"from\":\"a\",\n\"extra\":1}");
    ok(APR_ARRAY_IDX(diags.list, 0, jm_diag_t).line == 2
       && APR_ARRAY_IDX(diags.list, 0, jm_diag_t).col == 1,
       "an unknown member is reported at its name");
    value = compile("\"$env.X\"");
    ok(jm_value_compile(&value, tap_pool, json("\"$env.X\""),
                        JM_TARGET_HEADER, &names, &diags) == APR_EINVAL
       && !value && diags.errors == 1,
       "the same mistake once more is reported once, and refused again");
}

static void test_config(void)
{
    const jm_value_t *value = compile("\"$config.grl\"");
    const jm_diag_t *first = (const jm_diag_t *)diags.list->elts;
    jm_names_t none = { NULL, 0, NULL, NULL };

    ok(value && diags.list->nelts == 1 && first->severity == JM_WARNING,
       "a $config name that is nowhere is a warning");
    ok(value && !strcmp(outcome(value, &inputs), OMIT), "and missing");
    value = compile("\"$config.hiden\"");
    first = (const jm_diag_t *)diags.list->elts;
    ok(value && diags.list->nelts == 1
       && strstr(first->message, "(did you mean \"hidden\"?)"),
       "the warning has the nearest name");
    value = compile("\"$config.hidden\"");
    ok(value && !diags.list->nelts, "a null is no warning");
    value = compile("\"$config.obj.in\"");
    ok(value && !diags.list->nelts, "nor is a member of a null");
    value = compile("\"$config.k.x\"");
    ok(value && diags.list->nelts == 1, "a member of a string is nowhere");
    jm_diag_init(&diags, tap_pool, "t.json", jm_str("\"$config.k\""));
    ok(!jm_value_compile(&value, tap_pool, json("\"$config.k\""),
                         JM_TARGET_HEADER, &none, &diags)
       && !strcmp(outcome(value, &inputs), OMIT) && diags.list->nelts == 1,
       "without variables every name is nowhere");
}

static void count_claim(void *baton, const char *text, const jm_path_t *path)
{
    apr_array_header_t *seen = baton;

    APR_ARRAY_PUSH(seen, const char *) =
        apr_psprintf(tap_pool, "%s/%u", text, path->count);
}

static void test_questions(void)
{
    apr_array_header_t *seen = apr_array_make(tap_pool, 4, sizeof(char *));
    const jm_value_t *value;

    ok(jm_value_is_literal(compile("\"a $$\"")), "a text is a literal");
    ok(jm_value_is_literal(compile("\"\"")), "an empty text is a literal");
    ok(!jm_value_is_literal(compile("\"$config.k\"")),
       "a variable is no literal");
    ok(!jm_value_is_literal(compile("\"a${config.k}\"")),
       "a variable in a text is no literal");
    ok(!jm_value_is_literal(compile("\"$request.method\"")),
       "an expression is no literal");
    ok(jm_value_reads_claims(compile("\"a${request.jwt.sub}\"")),
       "a claim is read from the token");
    ok(jm_value_reads_claims(compile("\"$request.jwt_header.kid\"")),
       "a JOSE header parameter is read from the token");
    ok(!jm_value_reads_claims(compile("\"${request.header.jwt}\"")),
       "a header field is not");
    ok(!jm_value_reads_claims(compile("\"request.jwt.sub\"")),
       "a literal is not");
    value = compile("\"${request.jwt.a.b}${request.jwt['c.d'].e}"
                    "${request.jwt_header.kid}x\"");
    jm_value_claims(value, count_claim, seen);
    ok(seen->nelts == 2
       && !strcmp(APR_ARRAY_IDX(seen, 0, const char *), "a.b/2")
       && !strcmp(APR_ARRAY_IDX(seen, 1, const char *), "['c.d'].e/2"),
       "each claim path is told as it was written");
}

static void test_unverified(void)
{
    jm_inputs_t bare = { "GET", NULL, { NULL, 0 }, NULL, NULL, NULL };
    jm_inputs_t half = inputs;

    half.claims = NULL;
    ok(!strcmp(outcome(compile("\"$request.jwt.sub\""), &half), OMIT),
       "without verified claims a claim is missing");
    half.jose = NULL;
    ok(!strcmp(outcome(compile("\"$request.jwt_header.kid\""), &half), OMIT),
       "without a verified token its header is missing");
    ok(!strcmp(outcome(compile("{\"from\":\"$request.jwt.sub\","
                               "\"on_missing\":\"reject\"}"), &half), REJECT),
       "and on_missing applies");
    ok(!strcmp(outcome(compile("\"$request.header.x-one\""), &bare), OMIT)
       && !strcmp(outcome(compile("\"$request.cookie.sid\""), &bare), OMIT)
       && !strcmp(outcome(compile("\"$request.query.a\""), &bare), OMIT),
       "a request without fields and query has all of them missing");
    ok(!strcmp(outcome(compile("\"$request.path.id\""), &bare), FAULT),
       "path parameters that were not handed in are a fault");
    bare.method = NULL;
    ok(!strcmp(outcome(compile("\"$request.method\""), &bare), FAULT),
       "and so is a method");
}

static void test_copies(void)
{
    const jm_value_t *value = compile("\"$request.header.x-one\"");
    const char *header = apr_table_get(inputs.headers, "x-one");
    jm_str_t one, two;

    jm_value_eval(&one, tap_pool, value, &inputs);
    ok(one.ptr != header, "what is handed out is not the client's own text");
    value = compile("\"constant\"");
    jm_value_eval(&one, tap_pool, value, &inputs);
    jm_value_eval(&two, tap_pool, value, &inputs);
    ok(one.ptr != two.ptr, "nor the table's, which requests share");
}

static void test_text(void)
{
    const jm_json_t *claims = inputs.claims;

    is_str(jm_value_text(tap_pool, jm_json_get(claims, jm_str("n"))),
           "12345678901234567890123", "a number is its digits");
    is_str(jm_value_text(tap_pool, jm_json_get(claims, jm_str("z"))), "",
           "null is empty");
    is_str(jm_value_text(tap_pool, NULL), "", "absent is empty");
    is_str(jm_value_text(tap_pool, jm_json_get(claims, jm_str("mixed"))),
           "[\"a\",null]", "an array is compact JSON");
    ok(jm_value_mappable(jm_str(""), JM_TARGET_HEADER), "nothing is mappable");
    ok(jm_value_mappable(jm_str("a b\x7E"), JM_TARGET_HEADER),
       "0x20 inside and 0x7E are mappable");
    ok(!jm_value_mappable(jm_str("a\x1F"), JM_TARGET_QUERY), "0x1F is not");
    ok(!jm_value_mappable(jm_str("a\x7F"), JM_TARGET_QUERY), "0x7F is not");
    ok(!jm_value_mappable(jm_strn("a\0b", 3), JM_TARGET_QUERY), "NUL is not");
    ok(!jm_value_mappable(jm_str("\t"), JM_TARGET_QUERY), "a tab is not");
    ok(jm_value_mappable(jm_str(" a "), JM_TARGET_QUERY),
       "blanks at the ends are in a query");
    ok(!jm_value_mappable(jm_str("a "), JM_TARGET_HEADER)
       && !jm_value_mappable(jm_str(" a"), JM_TARGET_HEADER)
       && !jm_value_mappable(jm_str(" "), JM_TARGET_HEADER),
       "and are not in a header");
    ok(jm_value_mappable(jm_str("\xF0\x9F\x98\x80"), JM_TARGET_HEADER),
       "four octets of UTF-8 are");
    ok(!jm_value_mappable(jm_str("\xC0\xAF"), JM_TARGET_HEADER)
       && !jm_value_mappable(jm_str("\xED\xA0\x80"), JM_TARGET_HEADER)
       && !jm_value_mappable(jm_str("\xF4\x90\x80\x80"), JM_TARGET_HEADER),
       "an overlong form, a surrogate and what is past U+10FFFF are not");
}

static void test_default_limit(void)
{
    char *long_text = apr_palloc(tap_pool, JM_VALUE_MAX_DEFAULT + 2);
    jm_inputs_t in = inputs;

    memset(long_text, 'a', JM_VALUE_MAX_DEFAULT + 1);
    memcpy(long_text, "q=", 2);
    in.query = jm_strn(long_text, JM_VALUE_MAX_DEFAULT + 1);
    ok(strlen(outcome(compile("\"$request.query.q\""), &in))
       == JM_VALUE_MAX_DEFAULT - 1, "a text below the limit is whole");
    ok(strlen(outcome(compile("\"x${request.query.q}\""), &in))
       == JM_VALUE_MAX_DEFAULT, "4096 octets are mapped by default");
    ok(!strcmp(outcome(compile("\"xx${request.query.q}\""), &in), UNMAPPABLE),
       "4097 are not");
}

int main(void)
{
    tap_start();
    set_up();
    TEST_CASES(texts, JM_TARGET_HEADER);
    TEST_CASES(formats, JM_TARGET_HEADER);
    TEST_CASES(missing, JM_TARGET_HEADER);
    TEST_CASES(lengths, JM_TARGET_HEADER);
    TEST_CASES(query_targets, JM_TARGET_QUERY);
    test_refused();
    test_errors();
    test_config();
    test_questions();
    test_unverified();
    test_copies();
    test_text();
    test_default_limit();
    return tap_done();
}
