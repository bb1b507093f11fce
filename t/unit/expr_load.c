/*
 * expr_load.c: jm_expr: what is refused at load, and with which advice, and
 * what a compiled value says of itself.
 */
#include "expr_request.h"

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

int main(void)
{
    tap_start();
    set_up();
    test_refused();
    test_errors();
    test_config();
    test_questions();
    return tap_done();
}
