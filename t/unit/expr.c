/*
 * expr.c: jm_expr: the language of mapped values: what evaluates to what text
 * over one fixed request.
 */
#include "expr_request.h"

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
    test_unverified();
    test_copies();
    test_text();
    test_default_limit();
    return tap_done();
}
