/*
 * routes.h: the configuration cases, t/routes/{valid,invalid}/<case>: a
 * directory with table.json, and where the case needs them:
 *   expect        the exact diagnostics, one a line (absent: none)
 *   env           NAME=VALUE lines for $env.NAME
 *   secrets/      files for $secret.NAME
 *   placeholders  (empty) unset names are warnings
 * Key files are relative to the case.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include <stdlib.h>

#include <apr_allocator.h>
#include <apr_file_info.h>
#include <apr_file_io.h>

#include "jm_compile.h"
#include "jm_file.h"
#include "tap.h"

typedef struct case_t {
    apr_pool_t *p;
    const char *dir;
    const char *vars;          /* content of env, or NULL */
    jm_compile_env_t env;
} case_t;

static inline int case_has(const case_t *k, const char *name)
{
    apr_finfo_t info;

    return apr_stat(&info, apr_pstrcat(k->p, k->dir, "/", name, NULL),
                    APR_FINFO_TYPE, k->p) == APR_SUCCESS;
}

/* A file of the case, or NULL. */
static inline const char *case_file(const case_t *k, const char *name)
{
    const char *error;
    jm_str_t text;

    if (jm_file_read(&text, &error, k->p,
                     apr_pstrcat(k->p, k->dir, "/", name, NULL), 1 << 20)) {
        return NULL;
    }
    return text.ptr;
}

static inline const char *case_env(void *baton, apr_pool_t *p,
                                   const char *name)
{
    const case_t *k = baton;
    char *last;
    char *line = k->vars ? apr_strtok(apr_pstrdup(p, k->vars), "\n", &last)
                         : NULL;
    apr_size_t len = strlen(name);

    for (; line; line = apr_strtok(NULL, "\n", &last)) {
        if (!strncmp(line, name, len) && line[len] == '=') {
            return line + len + 1;
        }
    }
    return NULL;
}

static inline void case_open(case_t *k, apr_pool_t *p, const char *dir)
{
    memset(k, 0, sizeof(*k));
    k->p = p;
    k->dir = dir;
    k->vars = case_file(k, "env");
    k->env.baton = k;
    k->env.env = case_env;
    k->env.base_dir = dir;
    k->env.placeholders = case_has(k, "placeholders");
    if (case_has(k, "secrets")) {
        k->env.secrets_dir = apr_pstrcat(p, dir, "/secrets", NULL);
    }
}

/* Every diagnostic as the administrator reads it, each with its newline. */
static inline const char *case_lines(apr_pool_t *p, const jm_diags_t *d)
{
    const char *lines = "";
    int i;

    for (i = 0; i < d->list->nelts; i++) {
        const jm_diag_t *diag = &APR_ARRAY_IDX(d->list, i, jm_diag_t);

        lines = apr_pstrcat(p, lines, jm_diag_line(p, d, diag), "\n", NULL);
    }
    return lines;
}

static inline int case_compare(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The names of the cases in dir, sorted; NULL-terminated. */
static inline const char **case_names(apr_pool_t *p, const char *dir,
                                      int *pcount)
{
    apr_array_header_t *names = apr_array_make(p, 64, sizeof(char *));
    apr_finfo_t info;
    apr_dir_t *open;

    *pcount = 0;
    if (apr_dir_open(&open, dir, p) == APR_SUCCESS) {
        while (apr_dir_read(&info, APR_FINFO_NAME, open) == APR_SUCCESS) {
            if (info.name[0] != '.') {
                APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(p,
                                                                  info.name);
            }
        }
        apr_dir_close(open);
        qsort(names->elts, (size_t)names->nelts, sizeof(char *),
              case_compare);
        *pcount = names->nelts;
    }
    APR_ARRAY_PUSH(names, const char *) = NULL;
    return (const char **)names->elts;
}

/* A pool whose memory goes back to malloc with it, so that a sanitizer sees
 * what still points into it. */
static inline apr_pool_t *case_pool(void)
{
    apr_allocator_t *allocator;
    apr_pool_t *p;

    apr_allocator_create(&allocator);
    apr_allocator_max_free_set(allocator, 1);
    apr_pool_create_ex(&p, NULL, NULL, allocator);
    apr_allocator_owner_set(allocator, p);
    return p;
}

/* --- tables in the test itself --- */

#define SECRET "0123456789abcdef0123456789abcdef"
#define AUTHORIZER \
    "'authorizer':{'type':'jwt','issuer':'https://i','audience':'a'," \
    "'secret':'" SECRET "'}"

static jm_diags_t diags;

static inline void print_lines(const char *what, const char *lines,
                               apr_pool_t *p)
{
    char *last;
    char *line = apr_strtok(apr_pstrdup(p, lines), "\n", &last);

    printf("# %s:\n", what);
    for (; line; line = apr_strtok(NULL, "\n", &last)) {
        printf("#   %s\n", line);
    }
}

/* JSON with ' for "; the diagnostics are in diags. */
static inline const jm_table_t *compile_env(const char *json,
                                            const jm_compile_env_t *env)
{
    char *text = apr_pstrdup(tap_pool, json);
    const jm_table_t *table;
    char *at;

    for (at = text; *at; at++) {
        if (*at == '\'') {
            *at = '"';
        }
    }
    jm_compile_text(&table, &diags, tap_pool, tap_pool, "routes.json",
                    jm_str(text), env);
    return table;
}

/* As compile_env; a table with an error ends the test. */
static inline const jm_table_t *compile(const char *json)
{
    const jm_table_t *table = compile_env(json, NULL);

    if (!table) {
        print_lines("unexpected", case_lines(tap_pool, &diags), tap_pool);
        exit(1);
    }
    return table;
}

/* jm_compile_env_t.env: only X is set, to baton. */
static inline const char *set_x(void *baton, apr_pool_t *p,
                                const char *name)
{
    (void)p;
    return strcmp(name, "X") ? NULL : baton;
}

#endif
