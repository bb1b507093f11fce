/*
 * A mapped value. Input, a line each: options (`h`, `q`: header or query;
 * `b`: built here from a plan, else a value as it stands in a table); the plan
 * or value; the claims; the query; two path parameters with `/` between; then
 * fields. In a plan each digit is one of `sources`, all else is literal.
 *
 * A built value is its literals and what the sources hold, put one behind the
 * other, and nothing in that is read as an expression again. Whatever value is
 * handed on may stand in a field; without verified claims none shows one.
 */
#include "httpd.h"

#include "jm_expr.h"
#include "jm_json.h"

#define CONFIG_TEXT "${request.method}$request.jwt.sub$$ {x}"

static const char vars_text[] =
    "{\"v\":\"" CONFIG_TEXT "\",\"n\":null,\"o\":{\"k\":[1,\"a\"]}}";

typedef struct case_t {
    jm_target_e target;
    jm_names_t names;
    jm_inputs_t inputs;
    jm_str_t params[2];
} case_t;

/* --- what a source holds; 0: it is missing --------------------------------- */

typedef int source_fn(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in);

static int text_of(jm_str_t *pout, apr_pool_t *p, const jm_json_t *node)
{
    if (!node || node->type == JM_JSON_NULL) {
        return 0;
    }
    *pout = node->type == JM_JSON_STRING || node->type == JM_JSON_NUMBER
                ? node->text : jm_json_compact(p, node);
    return 1;
}

static int get_sub(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    return text_of(pout, p, jm_json_get(in->claims, jm_str("sub")));
}

static int get_path_claim(jm_str_t *pout, apr_pool_t *p,
                          const jm_inputs_t *in)
{
    const jm_json_t *flat = jm_json_get(in->claims, jm_str("a.b"));

    return text_of(pout, p, flat ? flat : jm_json_get(
        jm_json_get(in->claims, jm_str("a")), jm_str("b")));
}

static int get_header(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    const char *value = apr_table_getm(p, in->headers, "X-A");

    *pout = jm_str(value);
    return value != NULL;
}

static int get_query(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    jm_str_t rest = in->query;

    while (rest.len) {
        jm_str_t value = fuzz_cut(&rest, '&');
        jm_str_t name = fuzz_cut(&value, '=');

        if (jm_str_is(reader_decode(p, name), "p")) {
            *pout = reader_decode(p, value);
            return 1;
        }
    }
    return 0;
}

static int get_param(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    (void)p;
    *pout = in->params[0];
    return 1;
}

/* Cuts *prest where a cookie ends: at `;`, and where httpd joined two lines,
 * which is `, ` before what is a token and `=`. */
static jm_str_t cut_cookie(jm_str_t *prest)
{
    static const char token[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~";
    apr_size_t i;

    for (i = 0; i < prest->len; i++) {
        const char *at = prest->ptr + i;    /* NUL stands behind it */

        if (*at == ';' || (at[0] == ',' && at[1] == ' '
                           && strspn(at + 2, token)
                           && at[2 + strspn(at + 2, token)] == '=')) {
            jm_str_t head = jm_strn(prest->ptr, i);

            *prest = jm_strn(at + 1, prest->len - i - 1);
            return head;
        }
    }
    return fuzz_cut(prest, ';');
}

static int get_cookie(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    const apr_array_header_t *array = apr_table_elts(in->headers);
    int i;

    (void)p;
    for (i = 0; i < array->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(array, i, apr_table_entry_t);
        jm_str_t rest = jm_str(entry->val);

        while (!strcasecmp(entry->key, "Cookie") && rest.len) {
            jm_str_t value = cut_cookie(&rest);
            int has_value = value.len && memchr(value.ptr, '=', value.len);
            jm_str_t name = fuzz_cut(&value, '=');

            value = httpd_trim(value);
            if (!has_value || !jm_str_is(httpd_trim(name), "c")) {
                continue;
            }
            if (value.len >= 2 && *value.ptr == '"'
                && value.ptr[value.len - 1] == '"') {
                value = jm_strn(value.ptr + 1, value.len - 2);
            }
            *pout = value;
            return 1;
        }
    }
    return 0;
}

static int get_method(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    (void)p;
    *pout = jm_str(in->method);
    return 1;
}

static int get_config(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    (void)p;
    (void)in;
    *pout = jm_str(CONFIG_TEXT);
    return 1;
}

static int get_kid(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    return text_of(pout, p, jm_json_get(in->jose, jm_str("kid")));
}

static int get_nothing(jm_str_t *pout, apr_pool_t *p, const jm_inputs_t *in)
{
    (void)pout;
    (void)p;
    (void)in;
    return 0;
}

static const struct {
    const char *text;
    source_fn *get;
} sources[10] = {
    { "${request.jwt.sub}", get_sub },
    { "${request.jwt.a.b}", get_path_claim },
    { "${request.header.x-a}", get_header },
    { "${request.query['p']}", get_query },
    { "${request.path.id}", get_param },
    { "${request.cookie.c}", get_cookie },
    { "${request.method}", get_method },
    { "${config.v}", get_config },
    { "${request.jwt_header.kid}", get_kid },
    { "${config.n}", get_nothing }
};

/* --- what may stand in a field --------------------------------------------- */

/* RFC 3629, by the table of its section 4. */
static int is_utf8(jm_str_t text)
{
    apr_size_t i = 0;

    while (i < text.len) {
        const unsigned char *s = (const unsigned char *)text.ptr + i;
        unsigned more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2
                                                                        : 3;
        unsigned low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
        unsigned high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
        unsigned k;

        if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4
            || text.len - i <= more
            || (more && (s[1] < low || s[1] > high))) {
            return 0;
        }
        for (k = 2; k <= more; k++) {
            if (s[k] < 0x80 || s[k] > 0xbf) {
                return 0;
            }
        }
        i += more + 1;
    }
    return 1;
}

static int has_blank_end(jm_str_t text)
{
    return text.len && (*text.ptr == ' ' || text.ptr[text.len - 1] == ' ');
}

static int is_mappable(jm_str_t text, jm_target_e target)
{
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return 0;
        }
    }
    return is_utf8(text)
           && (target == JM_TARGET_QUERY || !has_blank_end(text));
}

/* --- a value that is built here -------------------------------------------- */

/* The value as written in a table. */
static const jm_json_t *write_value(apr_pool_t *p, jm_str_t plan)
{
    const jm_json_t *node;
    char *text = apr_palloc(p, plan.len * 32 + 1);
    char *to = text;
    apr_size_t i;

    for (i = 0; i < plan.len; i++) {
        if (apr_isdigit(plan.ptr[i])) {
            const char *source = sources[plan.ptr[i] - '0'].text;

            memcpy(to, source, strlen(source));
            to += strlen(source);
            continue;
        }
        *to++ = plan.ptr[i];
        if (plan.ptr[i] == '$') {
            *to++ = '$';
        }
    }
    must(jm_json_parse(&node, NULL, p,
                       jm_json_quote(p, jm_strn(text, (apr_size_t)(to - text))))
         == APR_SUCCESS);
    return node;
}

/* Its text; 0: missing. */
static int expect_text(jm_str_t *pout, apr_pool_t *p, jm_str_t plan,
                       const jm_inputs_t *inputs)
{
    apr_array_header_t *out = apr_array_make(p, 64, 1);
    apr_size_t i, k;

    for (i = 0; i < plan.len; i++) {
        jm_str_t part = jm_strn(plan.ptr + i, 1);

        if (apr_isdigit(plan.ptr[i])
            && !sources[plan.ptr[i] - '0'].get(&part, p, inputs)) {
            return 0;
        }
        for (k = 0; k < part.len; k++) {
            APR_ARRAY_PUSH(out, char) = part.ptr[k];
        }
    }
    *pout = jm_strn(out->elts, (apr_size_t)out->nelts);
    return 1;
}

/* 1 if what is constant may not be handed on, which is an error at load. */
static int is_wrong(jm_str_t plan, jm_target_e target)
{
    apr_size_t i, constant = 0;

    for (i = 0; i < plan.len; i++) {
        char c = plan.ptr[i];

        constant += c == '7' ? sizeof(CONFIG_TEXT) - 1 : !apr_isdigit(c);
        if ((unsigned char)c < 0x20 || c == 0x7f) {
            return 1;
        }
    }
    return constant > JM_VALUE_MAX_DEFAULT
           || (target == JM_TARGET_HEADER && has_blank_end(plan));
}

static apr_status_t compile(const jm_value_t **pvalue, apr_pool_t *p,
                            const case_t *c, const jm_json_t *node)
{
    jm_diags_t diags;
    apr_status_t rv;

    jm_diag_init(&diags, p, "t", jm_str(""));
    rv = jm_value_compile(pvalue, p, node, c->target, &c->names, &diags);
    must(!*pvalue == (rv != APR_SUCCESS) && !diags.errors == !rv);
    return rv;
}

static void check_built(apr_pool_t *p, const case_t *c, jm_str_t plan)
{
    const jm_value_t *value;
    jm_str_t want, got;
    jm_eval_e eval;
    apr_status_t rv;

    if (!is_utf8(plan) || plan.len > 2 * JM_VALUE_MAX_DEFAULT) {
        return;
    }
    rv = compile(&value, p, c, write_value(p, plan));
    must((rv != APR_SUCCESS) == is_wrong(plan, c->target));
    if (rv != APR_SUCCESS) {
        return;
    }
    eval = jm_value_eval(&got, p, value, &c->inputs);
    if (!expect_text(&want, p, plan, &c->inputs)) {
        must(eval == JM_EVAL_OMIT);
    }
    else if (want.len > JM_VALUE_MAX_DEFAULT
             || !is_mappable(want, c->target)) {
        must(eval == JM_EVAL_UNMAPPABLE);
    }
    else {
        must(eval == JM_EVAL_OK && jm_str_eq(got, want));
        must(got.ptr[got.len] == '\0');
    }
}

/* --- a value as it is ------------------------------------------------------- */

static void check_eval(apr_pool_t *p, const case_t *c, const jm_json_t *node,
                       const jm_value_t *value, const jm_inputs_t *inputs)
{
    const jm_json_t *max = jm_json_get(node, jm_str("max_bytes"));
    const jm_json_t *fallback = jm_json_get(node, jm_str("default"));
    apr_int64_t limit = JM_VALUE_MAX_DEFAULT;
    jm_str_t text;
    jm_eval_e eval = jm_value_eval(&text, p, value, inputs);

    must(eval != JM_EVAL_FAULT);
    must((eval == JM_EVAL_OK) == (text.ptr != NULL));
    if (eval != JM_EVAL_OK) {
        return;
    }
    if (max && max->type == JM_JSON_NUMBER) {
        must(jm_json_seconds(&limit, max) == APR_SUCCESS);
        must(limit <= JM_VALUE_MAX_LIMIT);
    }
    must(text.len <= (apr_size_t)limit && is_mappable(text, c->target));
    must(text.ptr[text.len] == '\0');
    if (!inputs->claims && jm_value_reads_claims(value)) {
        must(!text.len || (fallback && jm_str_eq(text, fallback->text)));
    }
}

static void check_written(apr_pool_t *p, const case_t *c, jm_str_t text)
{
    jm_inputs_t unverified = c->inputs;
    const jm_value_t *value;
    const jm_json_t *node;

    if (jm_json_parse(&node, NULL, p, text) != APR_SUCCESS
        || compile(&value, p, c, node) != APR_SUCCESS) {
        return;
    }
    unverified.claims = NULL;
    unverified.jose = NULL;
    check_eval(p, c, node, value, &c->inputs);
    check_eval(p, c, node, value, &unverified);
}

static const char *as_it_is(apr_pool_t *p, jm_str_t value)
{
    return apr_pstrmemdup(p, value.ptr, value.len);
}

static const jm_json_t *get_json(const char *text)
{
    const jm_json_t *node;

    must(jm_json_parse(&node, NULL, fuzz_root(), jm_str(text))
         == APR_SUCCESS);
    return node;
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    static const jm_str_t params[] = { { "id", 2 }, { "b", 1 } };
    static const jm_json_t *vars, *jose;
    jm_str_t rest = input;
    jm_str_t options = httpd_line(&rest);
    jm_str_t value = httpd_line(&rest);
    jm_str_t claims = httpd_line(&rest);
    case_t c = { 0 };

    if (!vars) {
        vars = get_json(vars_text);
        jose = get_json("{\"alg\":\"HS256\",\"kid\":\"${request.method}\"}");
    }
    c.names.params = params;
    c.names.param_count = 2;
    c.names.table_vars = vars;
    c.inputs.method = "GET";
    c.inputs.query = httpd_line(&rest);
    c.params[1] = httpd_line(&rest);
    c.params[0] = fuzz_cut(&c.params[1], '/');
    c.inputs.params = c.params;
    c.inputs.headers = httpd_headers(p, rest, as_it_is);
    if (!c.inputs.headers) {
        return;
    }
    if (jm_json_parse(&c.inputs.claims, NULL, p, claims) == APR_SUCCESS) {
        c.inputs.jose = jose;
    }
    c.target = options.len && memchr(options.ptr, 'q', options.len)
                   ? JM_TARGET_QUERY : JM_TARGET_HEADER;
    if (options.len && memchr(options.ptr, 'b', options.len)) {
        check_built(p, &c, value);
    }
    else {
        check_written(p, &c, value);
    }
}
