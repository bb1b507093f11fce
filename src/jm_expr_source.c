/*
 * jm_expr_source.c: one expression of a mapped value, read at load: which
 * source, which name. $config is looked up here. Touches only the pool it
 * was given and the diagnostics.
 */
#include "jm_char.h"
#include "jm_expr_parse.h"

typedef apr_status_t read_fn(jm_expr_parse_t *ps, jm_part_t *part);

/* What stands behind `$` (roots) or `$request.` (sources). */
typedef struct source_t {
    const char *name;
    const char *usage; /* after the name, for messages */
    jm_part_e kind;
    read_fn *read;
} source_t;

static read_fn read_request, read_config, read_claim, read_member, read_field,
    read_param, read_nothing;

static const source_t sources[] = {
    { "jwt", ".sub", JM_PART_CLAIM, read_claim },
    { "jwt_header", ".kid", JM_PART_JOSE, read_member },
    { "header", ".x-name", JM_PART_HEADER, read_field },
    { "query", ".name", JM_PART_QUERY, read_member },
    { "path", ".name", JM_PART_PATH, read_param },
    { "cookie", ".name", JM_PART_COOKIE, read_member },
    { "method", "", JM_PART_METHOD, read_nothing },
    { NULL, NULL, JM_PART_NOTHING, NULL },
};

static const source_t roots[] = {
    { "request", ".jwt.sub", JM_PART_NOTHING, read_request },
    { "config", ".name", JM_PART_CONFIG, read_config },
    { NULL, NULL, JM_PART_NOTHING, NULL },
};

/* Words that people write for a name of either table. */
static const char *const synonyms[][2] = {
    { "token", "jwt" },
    { "claim", "jwt" },
    { "claims", "jwt" },
    { "headers", "header" },
    { "querystring", "query" },
    { "params", "path" },
    { "param", "path" },
    { "args", "query" },
    { "cookies", "cookie" },
    { "verb", "method" },
    { "conf", "config" },
    { "variable", "config" },
    { "variables", "config" },
    { "vars", "config" },
    { NULL, NULL },
};

/* The word at ps->at, which moves behind it; may be empty. */
static const char *read_word(jm_expr_parse_t *ps)
{
    apr_size_t start = ps->at;

    while (ps->at < ps->text.len && jm_char_is_name(ps->text.ptr[ps->at])) {
        ps->at++;
    }
    return apr_pstrmemdup(ps->p, ps->text.ptr + start, ps->at - start);
}

static const source_t *find_source(const source_t *table, const char *word)
{
    for (; table->name; table++) {
        if (!strcmp(table->name, word)) {
            return table;
        }
    }
    return NULL;
}

/* The source that word was most likely meant to be, or NULL. */
static const source_t *nearest_source(const source_t *table, const char *word)
{
    const char *words[sizeof(sources) / sizeof(*sources)] = { NULL };
    unsigned i;

    for (i = 0; synonyms[i][0]; i++) {
        if (!strcmp(synonyms[i][0], word)) {
            return find_source(table, synonyms[i][1]);
        }
    }
    for (i = 0; table[i].name; i++) {
        words[i] = table[i].name;
    }
    word = jm_diag_nearest(word, words);
    return word ? find_source(table, word) : NULL;
}

/* " (did you mean "$request.jwt.sub"?)", or all that there is. */
static const char *advice(const jm_expr_parse_t *ps, const source_t *meant,
                          const char *prefix)
{
    const char *rest = jm_expr_parse_quote(ps, ps->at, jm_expr_parse_end(ps));

    if (!meant) {
        return "; write $request.jwt.NAME, $request.jwt_header.NAME, "
               "$request.header.NAME, $request.query.NAME, "
               "$request.path.NAME, $request.cookie.NAME, $request.method "
               "or $config.NAME";
    }
    if (*rest != '.' && *rest != '[') {
        rest = meant->usage;
    }
    return apr_psprintf(ps->p, " (did you mean \"%s%s%s%s%s\"?)",
                        ps->braces ? "${" : "$", prefix, meant->name, rest,
                        ps->braces ? "}" : "");
}

static apr_status_t unknown_root(jm_expr_parse_t *ps, const char *word)
{
    const source_t *meant;

    if (!strcmp(word, "env") || !strcmp(word, "secret")
        || !strcmp(word, "secrets")) {
        return jm_expr_parse_fail(ps,
                                  "$%s is read outside `mapping` only: "
                                  "put it in `variables` and write "
                                  "$config.NAME",
                                  word);
    }
    meant = find_source(sources, word);
    if (!meant) {
        const source_t *root = nearest_source(roots, word);

        if (root) {
            return jm_expr_parse_fail(ps, "$%s is unknown%s", word,
                                      advice(ps, root, ""));
        }
        meant = nearest_source(sources, word);
    }
    return jm_expr_parse_fail(ps, "$%s is unknown%s", word,
                              advice(ps, meant, "request."));
}

/* The path behind a source, with its dot or as ['…']. */
static apr_status_t read_path(jm_expr_parse_t *ps, jm_path_t *path)
{
    const char *error = NULL;
    apr_size_t used = 0;

    memset(path, 0, sizeof(*path));
    if (jm_expr_parse_peek(ps, '.')) {
        ps->at++;
        if (jm_expr_parse_peek(ps, '[')) {
            return jm_expr_parse_fail(ps, "an empty name before `[`: write "
                                          "['NAME'] without a dot before it");
        }
    }
    else if (!jm_expr_parse_peek(ps, '[')) {
        return jm_expr_parse_fail(ps, "a name is missing: write .NAME or "
                                      "['NAME'] behind the source");
    }
    if (jm_path_parse(path, &used, &error, ps->p,
                      jm_strn(ps->text.ptr + ps->at, ps->text.len - ps->at))) {
        return jm_expr_parse_fail(ps, "%s", error);
    }
    ps->at += used;
    return APR_SUCCESS;
}

/* A path of one part: the sources that have no members. */
static apr_status_t read_name(jm_expr_parse_t *ps, jm_str_t *pname)
{
    jm_path_t path;
    apr_size_t start = ps->at;
    apr_status_t rv = read_path(ps, &path);

    *pname = jm_strn(NULL, 0);
    if (rv) {
        return rv;
    }
    if (path.count != 1) {
        return jm_expr_parse_fail(ps,
                                  "%s: this source has no members; a "
                                  "name with a dot is written ['NAME']",
                                  jm_expr_parse_quote(ps, start, ps->at));
    }
    *pname = path.parts[0];
    return APR_SUCCESS;
}

static apr_status_t read_claim(jm_expr_parse_t *ps, jm_part_t *part)
{
    apr_size_t start;
    apr_status_t rv;

    if (!jm_expr_parse_peek(ps, '.') && !jm_expr_parse_peek(ps, '[')) {
        return jm_expr_parse_fail(ps, "$request.jwt as a whole cannot be "
                                      "mapped: name a claim, as in "
                                      "$request.jwt.sub");
    }
    start = ps->at + (jm_expr_parse_peek(ps, '.') ? 1 : 0);
    rv = read_path(ps, &part->path);
    if (!rv) {
        part->written =
            apr_pstrmemdup(ps->p, ps->text.ptr + start, ps->at - start);
    }
    return rv;
}

static apr_status_t read_member(jm_expr_parse_t *ps, jm_part_t *part)
{
    return read_name(ps, &part->text);
}

static apr_status_t read_field(jm_expr_parse_t *ps, jm_part_t *part)
{
    apr_status_t rv = read_name(ps, &part->text);

    if (rv) {
        return rv;
    }
    if (!jm_char_all_token(part->text)) {
        return jm_expr_parse_fail(ps, "no header field can have that name: "
                                      "write one that RFC 9110 allows, as in "
                                      "$request.header.x-name");
    }
    part->text = jm_str_dup(ps->p, part->text);
    return APR_SUCCESS;
}

static apr_status_t read_param(jm_expr_parse_t *ps, jm_part_t *part)
{
    const jm_names_t *names = ps->names;
    jm_str_t name;
    const char **words;
    const char *hint;
    apr_status_t rv = read_name(ps, &name);

    if (rv) {
        return rv;
    }
    words = apr_pcalloc(ps->p, (names->param_count + 1) * sizeof(*words));
    for (part->index = 0; part->index < names->param_count; part->index++) {
        if (jm_str_eq(names->params[part->index], name)) {
            return APR_SUCCESS;
        }
        words[part->index] = jm_str_dup(ps->p, names->params[part->index]).ptr;
    }
    name = jm_str_dup(ps->p, name);
    hint = jm_diag_hint(ps->p, name.ptr, words);
    return jm_expr_parse_fail(ps, "the route's path has no {%s}%s%s%s%s",
                              name.ptr, hint, *hint ? "" : ": write {",
                              *hint ? "" : name.ptr,
                              *hint ? "" : "} as a segment of it");
}

static apr_status_t read_nothing(jm_expr_parse_t *ps, jm_part_t *part)
{
    (void)ps;
    (void)part;
    return APR_SUCCESS;
}

static apr_status_t read_request(jm_expr_parse_t *ps, jm_part_t *part)
{
    const source_t *source;
    const char *word = "";

    if (jm_expr_parse_peek(ps, '.')) {
        ps->at++;
        word = read_word(ps);
    }
    source = find_source(sources, word);
    if (!*word) {
        return jm_expr_parse_fail(ps, "$request needs a source%s",
                                  advice(ps, NULL, ""));
    }
    if (!source) {
        return jm_expr_parse_fail(
            ps, "$request.%s is unknown%s", word,
            advice(ps, nearest_source(sources, word), "request."));
    }
    part->kind = source->kind;
    return source->read(ps, part);
}

/* Below vars: 1 and *pnode where the search ends, with NULL for a null, be
 * it on the way: `"tenant": null` of a route hides `tenant.id` of the table,
 * too. 0: go on elsewhere. */
static int find_config(const jm_json_t **pnode, const jm_json_t *vars,
                       const jm_path_t *path)
{
    jm_path_t prefix = { .parts = path->parts, .count = 1 };
    const jm_json_t *node = vars ? jm_path_find(vars, path) : NULL;

    for (; vars && !node && prefix.count < path->count; prefix.count++) {
        node = jm_path_find(vars, &prefix);
        if (node && node->type != JM_JSON_NULL) {
            node = NULL;
        }
    }
    *pnode = node && node->type != JM_JSON_NULL ? node : NULL;
    return node != NULL;
}

/* " (did you mean …)" of the variables; they were not said to be objects. */
static const char *config_hint(const jm_expr_parse_t *ps, const jm_path_t *path)
{
    const jm_json_t *vars[2] = { ps->names->route_vars, ps->names->table_vars };
    apr_array_header_t *words = apr_array_make(ps->p, 8, sizeof(char *));
    unsigned i;
    unsigned k;

    for (i = 0; i < 2; i++) {
        if (!vars[i] || vars[i]->type != JM_JSON_OBJECT) {
            continue;
        }
        for (k = 0; k < vars[i]->count; k++) {
            APR_ARRAY_PUSH(words, const char *) = vars[i]->items[k].name.ptr;
        }
    }
    APR_ARRAY_PUSH(words, const char *) = NULL;
    return jm_diag_hint(ps->p, jm_str_dup(ps->p, path->parts[0]).ptr,
                        (const char *const *)words->elts);
}

static apr_status_t read_config(jm_expr_parse_t *ps, jm_part_t *part)
{
    apr_size_t start = ps->at;
    apr_status_t rv = read_path(ps, &part->path);

    if (rv) {
        return rv;
    }
    if (!find_config(&part->node, ps->names->route_vars, &part->path)
        && !find_config(&part->node, ps->names->table_vars, &part->path)) {
        jm_json_diag(ps->diags, JM_WARNING, ps->node,
                     "$config%s is defined nowhere, so it is missing: add it "
                     "to `variables`%s",
                     jm_expr_parse_quote(ps, start, ps->at),
                     part->path.count > 1 ? "" : config_hint(ps, &part->path));
    }
    part->kind = part->node ? JM_PART_CONFIG : JM_PART_NOTHING;
    return APR_SUCCESS;
}

apr_status_t jm_expr_source_read(jm_expr_parse_t *ps)
{
    jm_part_t part = { .kind = JM_PART_NOTHING };
    const char *word = read_word(ps);
    const source_t *root = find_source(roots, word);
    apr_status_t rv;

    if (!*word) {
        return jm_expr_parse_fail(ps, "${ needs an expression, without a "
                                      "dollar or a blank before it: write "
                                      "${request.jwt.sub}");
    }
    if (!root) {
        return unknown_root(ps, word);
    }
    part.kind = root->kind;
    rv = root->read(ps, &part);
    if (!rv) {
        APR_ARRAY_PUSH(ps->parts, jm_part_t) = part;
    }
    return rv;
}
