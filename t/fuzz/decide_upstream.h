/*
 * decide_upstream.h: what a decision of fuzz_decide sends upstream: fields,
 * trailers, variables and the query, whatever the client sent.
 */
#ifndef DECIDE_UPSTREAM_H
#define DECIDE_UPSTREAM_H

#include "decide_input.h"

static const jm_field_t *find_field(const jm_field_t *fields, unsigned count,
                                    const char *name)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (!strcasecmp(fields[i].name, name)) {
            return &fields[i];
        }
    }
    return NULL;
}

/* A field is there in any spelling as often as it was decided, and with that
 * value. */
static void check_field(const apr_table_t *fields, const char *name,
                        const char *value)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    int found = 0, i;

    for (i = 0; i < array->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(array, i, apr_table_entry_t);

        if (reader_same_field(entry->key, name)) {
            found++;
            must(value && !strcmp(entry->val, value));
        }
    }
    must(found == (value != NULL));
}

/* No member of Connection, wherever a server ends it, is name. */
static void check_not_nominated(apr_pool_t *p, const apr_table_t *fields,
                                const char *name)
{
    const char *value = apr_table_getm(p, fields, "Connection");
    const char *at = value ? value : "";

    while (*at) {
        apr_size_t len = strcspn(at, ", \t;\"");

        must(!len || !reader_same_field(apr_pstrmemdup(p, at, len), name));
        at += len + (at[len] != '\0');
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *in_case(apr_pool_t *p, const char *name, int upper)
{
    char *out = apr_pstrdup(p, name);
    char *at;

    for (at = out; *at; at++) {
        *at = (char)(upper ? apr_toupper(*at) : apr_tolower(*at));
    }
    return out;
}

/* The fields as text: names in lower case, lines in order of their octets. */
static const char *lines_of(apr_pool_t *p, const apr_table_t *fields)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    apr_array_header_t *lines = apr_array_make(p, array->nelts,
                                               sizeof(char *));
    int i;

    for (i = 0; i < array->nelts; i++) {
        const apr_table_entry_t *entry =
            &APR_ARRAY_IDX(array, i, apr_table_entry_t);

        APR_ARRAY_PUSH(lines, const char *) =
            apr_pstrcat(p, in_case(p, entry->key, 0), ": ", entry->val, NULL);
    }
    qsort(lines->elts, (size_t)lines->nelts, sizeof(char *), by_text);
    return apr_array_pstrcat(p, lines, '\n');
}

static void check_again(apr_pool_t *p, const jm_table_t *table,
                        const jm_decision_t *d, apr_table_t *fields,
                        const char *once)
{
    jm_headers_apply(fields, p, table, d->fields, d->field_count);
    must(!strcmp(lines_of(p, fields), once));
}

/* What may become of an applied field before it is applied once more. */
static void change(apr_table_t *fields, apr_pool_t *p,
                   const jm_field_t *field, unsigned way)
{
    switch (way) {
    case 0:
        apr_table_addn(fields, in_case(p, field->name, 1), "posed");
        break;
    case 1:
        apr_table_addn(fields, "Connection", field->name);
        break;
    case 2:
        apr_table_unset(fields, field->name);
        break;
    default:
        if (field->value) {
            apr_table_addn(fields, field->name, field->value);
        }
    }
}

/* To apply once more, to the same table or to a copy, changes nothing. */
static void check_applied(apr_pool_t *p, const jm_table_t *table,
                          const jm_decision_t *d, apr_table_t *fields)
{
    const char *once = lines_of(p, fields);
    unsigned i, way;

    check_again(p, table, d, fields, once);
    check_again(p, table, d, apr_table_copy(p, fields), once);
    for (i = 0; i < d->field_count; i++) {
        for (way = 0; way < 4; way++) {
            apr_table_t *copy = apr_table_copy(p, fields);

            change(copy, p, &d->fields[i], way);
            check_again(p, table, d, copy, once);
        }
    }
    for (i = 0; reserved[i]; i++) {
        apr_table_t *copy = apr_table_copy(p, fields);
        char *spelling = apr_pstrdup(p, reserved[i]);

        spelling[1] = '_';
        apr_table_addn(copy, spelling, "posed");
        check_again(p, table, d, copy, once);
    }
}

static void check_env(apr_pool_t *p, const jm_table_t *table,
                      const jm_request_t *request, const jm_decision_t *d)
{
    const apr_array_header_t *array = apr_table_elts(request->headers);
    apr_table_t *env = apr_table_make(p, 8);
    unsigned k;
    int i;

    for (i = 0; i < array->nelts; i++) {
        const char *name = APR_ARRAY_IDX(array, i, apr_table_entry_t).key;

        apr_table_addn(env, apr_pstrcat(p, i % 2 ? "REDIRECT_HTTP_" : "HTTP_",
                                        name, NULL), "posed");
    }
    jm_headers_strip_env(env, table, d->fields, d->field_count);
    array = apr_table_elts(env);
    for (i = 0; i < array->nelts; i++) {
        const char *name = strstr(APR_ARRAY_IDX(array, i, apr_table_entry_t)
                                      .key, "HTTP_") + 5;

        for (k = 0; reserved[k]; k++) {
            must(!reader_same_field(name, reserved[k]));
        }
        for (k = 0; k < d->field_count; k++) {
            must(!reader_same_field(name, d->fields[k].name));
        }
    }
}

static void check_headers(apr_pool_t *p, const jm_table_t *table,
                          const jm_request_t *request,
                          const jm_decision_t *d)
{
    apr_table_t *fields = apr_table_copy(p, request->headers);
    apr_table_t *trailers = apr_table_copy(p, request->headers);
    unsigned i;

    jm_headers_apply(fields, p, table, d->fields, d->field_count);
    jm_headers_strip_trailers(trailers, p, table, d->fields, d->field_count);
    for (i = 0; reserved[i]; i++) {
        const jm_field_t *set = find_field(d->fields, d->field_count,
                                           reserved[i]);

        check_field(fields, reserved[i], set ? set->value : NULL);
        check_field(trailers, reserved[i], NULL);
        check_not_nominated(p, fields, reserved[i]);
        must(jm_header_reserved(table, reserved[i]));
    }
    for (i = 0; i < d->field_count; i++) {
        const char *value = apr_table_get(fields, d->fields[i].name);

        must(value == d->fields[i].value);
        must(!apr_table_get(trailers, d->fields[i].name));
        check_not_nominated(p, fields, d->fields[i].name);
        if (value && strcmp(d->fields[i].name, "Cookie")) {
            must(jm_value_mappable(jm_str(value), JM_TARGET_HEADER));
        }
    }
    check_env(p, table, request, d);
    check_applied(p, table, d, fields);
}

static void check_query(apr_pool_t *p, const jm_request_t *request,
                        const jm_decision_t *d)
{
    reader_names_t names = { .count = 0 }, keep = { .count = 0 };
    unsigned i, k;

    if (!d->route && d->verdict == JM_OK) {
        must(jm_str_eq(d->args, request->args));
        must(d->args.ptr == request->args.ptr && !d->param_count);
        return;
    }
    for (i = 0; query_names[i]; i++) {
        reader_add(&names, p, jm_str(query_names[i]));
    }
    if (d->route && d->route->pass) {
        reader_add(&keep, p, names.name[0]);
    }
    must(jm_str_eq(d->args, reader_edited(p, request->args, &names,
                                          &keep, d->params, d->param_count)));
    for (i = 0; i < names.count; i++) {
        unsigned ours = 0;

        for (k = 0; k < d->param_count; k++) {
            ours += jm_str_eq(d->params[k].name, names.name[i]) ? 1 : 0;
        }
        must(ours <= 1);
        must((i < keep.count && !ours)
             || reader_count(p, d->args, names.name[i]) == ours);
    }
}

#endif
