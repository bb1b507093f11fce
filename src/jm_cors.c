/*
 * jm_cors.c: CORS fields. Touches only the pool it was given.
 */
#include "jm_cors.h"

#include "jm_char.h"

int jm_cors_is_preflight(const char *method, const apr_table_t *headers)
{
    return jm_str_is(jm_str(method), "OPTIONS")
           && apr_table_get(headers, "Origin")
           && apr_table_get(headers, "Access-Control-Request-Method");
}

/* One origin: visible ASCII, and no comma, which stands where several lines
 * were joined. */
static int is_origin(jm_str_t origin)
{
    apr_size_t i;

    for (i = 0; i < origin.len; i++) {
        unsigned char c = (unsigned char)origin.ptr[i];

        if (c <= ' ' || c >= 0x7F || c == ',') {
            return 0;
        }
    }
    return origin.len > 0;
}

/* What a `*` stands for ends at these. */
static int is_boundary(char c)
{
    return c == '/' || c == ':';
}

/* Going back to the last star is enough: what an earlier one could still
 * take would be free of boundaries too, so the last one can take it. */
static int glob_matches(jm_str_t glob, jm_str_t text)
{
    apr_size_t g = 0;
    apr_size_t t = 0;
    apr_size_t after_star = 0;      /* in glob; 0: there was none */
    apr_size_t star_end = 0;        /* in text: where it stops for now */

    while (g < glob.len || t < text.len) {
        if (g < glob.len && glob.ptr[g] == '*') {
            after_star = ++g;
            star_end = t;
        }
        else if (g < glob.len && t < text.len
                 && glob.ptr[g] == text.ptr[t]) {
            g++;
            t++;
        }
        else if (after_star && star_end < text.len
                 && !is_boundary(text.ptr[star_end])) {
            g = after_star;
            t = ++star_end;
        }
        else {
            return 0;
        }
    }
    return 1;
}

int jm_cors_allowed(const jm_cors_t *cors, const char *origin)
{
    jm_str_t text = jm_str(origin);
    unsigned i;

    if (!is_origin(text)) {
        return 0;
    }
    if (cors->any_origin) {
        return !cors->credentials;
    }
    for (i = 0; i < cors->origin_count; i++) {
        if (glob_matches(jm_str(cors->origins[i]), text)) {
            return 1;
        }
    }
    return 0;
}

/* 1 if text is a comma-separated list of tokens, at least one, none empty. */
static int is_token_list(jm_str_t text)
{
    apr_size_t i;
    int member = 0;     /* 0: not begun, 1: in it, 2: blanks behind it */

    for (i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == ' ' || c == '\t') {
            member = member ? 2 : 0;
        }
        else if (c == ',' && member) {
            member = 0;
        }
        else if (jm_char_is_token(c) && member < 2) {
            member = 1;
        }
        else {
            return 0;
        }
    }
    return member != 0;
}

static void add_field(apr_array_header_t *fields, const char *name,
                      const char *value)
{
    jm_field_t *field;

    if (value && *value) {
        field = apr_array_push(fields);
        field->name = name;
        field->value = value;
    }
}

/* What the client may send: Access-Control-Allow-Headers, or NULL. */
static const char *allowed_headers(const jm_cors_t *cors, apr_pool_t *p,
                                   const apr_table_t *headers)
{
    const char *asked;

    if (!cors->echo_headers) {
        return cors->headers;
    }
    asked = apr_table_getm(p, headers, "Access-Control-Request-Headers");
    return is_token_list(jm_str(asked)) ? apr_pstrdup(p, asked) : NULL;
}

const apr_array_header_t *jm_cors_fields(const jm_cors_t *cors,
                                         apr_pool_t *p,
                                         const apr_table_t *headers,
                                         int preflight, const char *methods)
{
    apr_array_header_t *fields = apr_array_make(p, 6, sizeof(jm_field_t));
    const char *origin = apr_table_getm(p, headers, "Origin");

    if (!jm_cors_allowed(cors, origin)) {
        return fields;
    }
    add_field(fields, "Access-Control-Allow-Origin",
              cors->any_origin ? "*" : apr_pstrdup(p, origin));
    add_field(fields, "Access-Control-Allow-Credentials",
              cors->credentials ? "true" : NULL);
    if (!preflight) {
        add_field(fields, "Access-Control-Expose-Headers", cors->expose);
        return fields;
    }
    add_field(fields, "Access-Control-Allow-Methods",
              cors->methods ? cors->methods : methods);
    add_field(fields, "Access-Control-Allow-Headers",
              allowed_headers(cors, p, headers));
    add_field(fields, "Access-Control-Max-Age",
              cors->max_age >= 0 ? apr_itoa(p, cors->max_age) : NULL);
    return fields;
}
