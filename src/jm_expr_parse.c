/*
 * jm_expr_parse.c: the language of mapped values, read at load: a string
 * into literals and expressions. Says where a mistake is and what to write
 * instead. Touches only the pool it was given and the diagnostics.
 */
#include <stdarg.h>

#include "jm_char.h"
#include "jm_expr_parse.h"

/* Octets of a string that a message quotes. */
#define QUOTE_MAX 80

apr_status_t jm_expr_parse_fail(jm_expr_parse_t *ps, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    jm_json_diag(ps->diags, JM_ERROR, ps->node, "%s",
                 apr_pvsprintf(ps->p, fmt, ap));
    va_end(ap);
    return APR_EINVAL;
}

int jm_expr_parse_peek(const jm_expr_parse_t *ps, char c)
{
    return ps->at < ps->text.len && ps->text.ptr[ps->at] == c;
}

const char *jm_expr_parse_quote(const jm_expr_parse_t *ps, apr_size_t start,
                                apr_size_t end)
{
    apr_size_t len = end - start;
    const char *more = "";

    if (len > QUOTE_MAX) {
        more = "...";
        len = QUOTE_MAX;
        /* Not in the middle of a character. */
        while (len && (ps->text.ptr[start + len] & 0xC0) == 0x80) {
            len--;
        }
    }
    return apr_psprintf(ps->p, "%.*s%s", (int)len, ps->text.ptr + start, more);
}

apr_size_t jm_expr_parse_end(const jm_expr_parse_t *ps)
{
    apr_size_t end = ps->at;

    while (end < ps->text.len && ps->text.ptr[end] != '}'
           && ps->text.ptr[end] != ' ' && ps->text.ptr[end] != '$') {
        end++;
    }
    return end;
}

/* What stands where an expression should have ended. */
static apr_status_t fail_behind(jm_expr_parse_t *ps)
{
    const char *behind = jm_expr_parse_quote(ps, ps->at, ps->text.len);

    if (ps->braces && ps->at == ps->text.len) {
        return jm_expr_parse_fail(ps, "${ is not closed: write } behind the "
                                      "expression");
    }
    return jm_expr_parse_fail(ps,
                              "\"%s\" cannot follow an expression: in a "
                              "text, write ${request.jwt.sub}; a name with "
                              "other characters than letters, digits, _ and "
                              "- is written ['NAME']",
                              behind);
}

static int is_whole(jm_str_t text)
{
    return text.len > 1 && text.ptr[0] == '$'
           && jm_char_is_alpha(text.ptr[1]);
}

/* The string is one expression, from behind its `$`. */
static apr_status_t parse_whole(jm_expr_parse_t *ps)
{
    apr_status_t rv;

    ps->at = 1;
    rv = jm_expr_source_read(ps);
    if (!rv && ps->at < ps->text.len) {
        rv = fail_behind(ps);
    }
    return rv;
}

/* ${…}, from behind its `{`. */
static apr_status_t parse_braces(jm_expr_parse_t *ps)
{
    apr_status_t rv;

    ps->braces = 1;
    rv = jm_expr_source_read(ps);
    if (!rv && !jm_expr_parse_peek(ps, '}')) {
        rv = fail_behind(ps);
    }
    ps->braces = 0;
    ps->at++;
    return rv;
}

static void push_literal(jm_expr_parse_t *ps, jm_str_t text)
{
    jm_part_t *part = apr_array_push(ps->parts);

    memset(part, 0, sizeof(*part));
    part->kind = JM_PART_TEXT;
    part->text = jm_str_dup(ps->p, text);
}

/* A `$` at start that begins neither `$$` nor `${`. */
static apr_status_t fail_dollar(jm_expr_parse_t *ps, apr_size_t start)
{
    if (ps->at < ps->text.len && jm_char_is_alpha(ps->text.ptr[ps->at])) {
        const char *word =
            jm_expr_parse_quote(ps, start + 1, jm_expr_parse_end(ps));

        return jm_expr_parse_fail(ps,
                                  "$%s inside a text: write ${%s}; a "
                                  "dollar is written $$",
                                  word, word);
    }
    return jm_expr_parse_fail(ps, "a lone $: write $$ for a dollar, or an "
                                  "expression such as ${request.jwt.sub}");
}

/* A `$` of a text, which is at ps->at: `$$` is moved behind, `${` too. */
static apr_status_t read_dollar(jm_expr_parse_t *ps, int *pexpression)
{
    apr_size_t start = ps->at++;

    *pexpression = jm_expr_parse_peek(ps, '{');
    if (!*pexpression && !jm_expr_parse_peek(ps, '$')) {
        return fail_dollar(ps, start);
    }
    ps->at++;
    return APR_SUCCESS;
}

/* A text with ${…} and $$ in it. */
static apr_status_t parse_text(jm_expr_parse_t *ps)
{
    char *literal = apr_palloc(ps->p, ps->text.len + 1);
    apr_size_t len = 0;
    int is_expression;
    apr_status_t rv = APR_SUCCESS;

    while (!rv && ps->at < ps->text.len) {
        if (!jm_expr_parse_peek(ps, '$')) {
            literal[len++] = ps->text.ptr[ps->at++];
            continue;
        }
        rv = read_dollar(ps, &is_expression);
        if (!rv && !is_expression) {
            literal[len++] = '$';
        }
        else if (!rv) {
            if (len) {
                push_literal(ps, jm_strn(literal, len));
                len = 0;
            }
            rv = parse_braces(ps);
        }
    }
    if (!rv && (len || !ps->parts->nelts)) {
        push_literal(ps, jm_strn(literal, len));
    }
    return rv;
}

apr_status_t jm_expr_parse(apr_array_header_t **pparts, apr_pool_t *p,
                           const jm_json_t *node, const jm_names_t *names,
                           jm_diags_t *diags)
{
    jm_expr_parse_t ps = { p, diags, node, names, { NULL, 0 }, 0, 0, NULL };
    apr_status_t rv;

    *pparts = NULL;
    ps.text = jm_str_dup(p, node->text);
    ps.parts = apr_array_make(p, 1, sizeof(jm_part_t));
    rv = is_whole(ps.text) ? parse_whole(&ps) : parse_text(&ps);
    if (!rv) {
        *pparts = ps.parts;
    }
    return rv;
}
