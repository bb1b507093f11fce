/*
 * jwtmapctl_io.c: what the verbs read and how they print. Reads the
 * environment, the clock and the files that it is told to.
 */
#include "jwtmapctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_time.h>

#include "jm_file.h"

const char *jwtmapctl_hint(apr_pool_t *p, const char *word,
                           const char *const *words)
{
    return jwtmapctl_safe(p, jm_str(jm_diag_hint(p, word, words)));
}

static apr_uint32_t code_point(const char *s, apr_size_t n)
{
    static const unsigned char mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    apr_uint32_t c = (unsigned char)s[0] & mask[n];
    apr_size_t i;

    for (i = 1; i < n; i++) {
        c = c << 6 | ((unsigned char)s[i] & 0x3F);
    }
    return c;
}

/* What a terminal obeys (C0, DEL, C1), or what shows a line in another
 * order than it is written in (line separators, bidi controls). */
static int unsafe(apr_uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E
           || c == 0x200F || (c >= 0x2028 && c <= 0x202E)
           || (c >= 0x2066 && c <= 0x2069);
}

const char *jwtmapctl_safe(apr_pool_t *p, jm_str_t text)
{
    char *out = apr_palloc(p, text.len * 4 + 1);
    char *to = out;
    apr_size_t i = 0;

    while (i < text.len) {
        jm_str_t rest = jm_strn(text.ptr + i, text.len - i);
        apr_size_t n = jm_utf8_length(rest.ptr, rest.len);

        if (n > 0 && !unsafe(code_point(rest.ptr, n))) {
            memcpy(to, rest.ptr, n);
            to += n;
            i += n;
            continue;
        }
        for (n = n ? n : 1; n > 0; n--, i++) {
            to += apr_snprintf(to, 5, "\\x%02x", (unsigned char)text.ptr[i]);
        }
    }
    *to = '\0';
    return out;
}

/* json is JSON text, in which such octets stand inside strings only. */
static const char *safe_json(apr_pool_t *p, jm_str_t json)
{
    char *out = apr_palloc(p, json.len * 6 + 1);
    char *to = out;
    apr_size_t i = 0;

    while (i < json.len) {
        jm_str_t rest = jm_strn(json.ptr + i, json.len - i);
        apr_size_t n = jm_utf8_length(rest.ptr, rest.len);
        apr_uint32_t c = n ? code_point(rest.ptr, n) : 0xFFFD;

        if (n > 0 && !unsafe(c)) {
            memcpy(to, rest.ptr, n);
            to += n;
        }
        else {
            to += apr_snprintf(to, 7, "\\u%04x", c);
        }
        i += n ? n : 1;
    }
    *to = '\0';
    return out;
}

const char *jwtmapctl_json(apr_pool_t *p, const jm_json_t *node)
{
    return node ? safe_json(p, jm_json_compact(p, node)) : "null";
}

const char *jwtmapctl_json_text(apr_pool_t *p, jm_str_t text)
{
    return safe_json(p, jm_json_quote(p, text));
}

apr_status_t jwtmapctl_seconds(apr_int64_t *pseconds, const char *text)
{
    const char *digits = *text == '-' ? text + 1 : text;
    char *end;

    *pseconds = 0;
    if (!apr_isdigit(*digits)) {
        return APR_EINVAL;
    }
    errno = 0;
    *pseconds = apr_strtoi64(text, &end, 10);
    return errno || *end ? APR_EINVAL : APR_SUCCESS;
}

jwtmapctl_exit_e jwtmapctl_now(apr_int64_t *pnow, const jwtmapctl_t *ctl)
{
    const char *text = jwtmapctl_value(ctl, JWTMAPCTL_OPT_NOW);

    *pnow = apr_time_sec(apr_time_now());
    if (text
        && (jwtmapctl_seconds(pnow, text) != APR_SUCCESS || *pnow < 0)) {
        return jwtmapctl_usage(ctl, "--now takes seconds since 1970");
    }
    return JWTMAPCTL_OK;
}

/* Standard input, one octet more of it than it may be: that one tells. */
static apr_status_t read_stdin(jm_str_t *pout, const char **perror,
                               apr_pool_t *p, apr_size_t max)
{
    char *text = apr_palloc(p, max + 1);
    apr_size_t len = 0;
    apr_file_t *from;
    apr_status_t rv = apr_file_open_stdin(&from, p);

    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(from, text, max + 1, &len);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
        *perror = jm_file_reason(p, rv);
        return rv;
    }
    if (len > max) {
        *perror = apr_psprintf(p, "more than %" APR_SIZE_T_FMT " octets", max);
        return APR_EINVAL;
    }
    *pout = jm_strn(text, len);
    return APR_SUCCESS;
}

jwtmapctl_exit_e jwtmapctl_read(jm_str_t *pout, const jwtmapctl_t *ctl,
                                const char *file, apr_size_t max)
{
    const char *error = "";
    apr_status_t rv;

    *pout = jm_strn(NULL, 0);
    rv = strcmp(file, "-") ? jm_file_read(pout, &error, ctl->p, file, max)
                           : read_stdin(pout, &error, ctl->p, max);
    if (rv != APR_SUCCESS) {
        return jwtmapctl_fail(ctl, "%s: %s", file, error);
    }
    return JWTMAPCTL_OK;
}

jwtmapctl_exit_e jwtmapctl_token(jm_str_t *ptoken, const jwtmapctl_t *ctl)
{
    const char *text = jwtmapctl_value(ctl, JWTMAPCTL_OPT_TOKEN);
    jwtmapctl_exit_e rv;

    *ptoken = jm_str(text);
    if (strcmp(text, "-")) {
        return JWTMAPCTL_OK;
    }
    rv = jwtmapctl_read(ptoken, ctl, "-", JM_KEY_FILE_MAX);
    if (ptoken->len > 0 && ptoken->ptr[ptoken->len - 1] == '\n') {
        ptoken->len--;
    }
    return rv;
}

jwtmapctl_exit_e jwtmapctl_object(const jm_json_t **pobject,
                                  const jwtmapctl_t *ctl, const char *name,
                                  const char *text)
{
    jm_json_error_t err;

    if (jm_json_parse(pobject, &err, ctl->p, jm_str(text)) != APR_SUCCESS) {
        return jwtmapctl_usage(ctl, "--%s is not strict JSON: %s", name,
                               err.message);
    }
    if ((*pobject)->type != JM_JSON_OBJECT) {
        *pobject = NULL;
        return jwtmapctl_usage(ctl, "--%s is not a JSON object", name);
    }
    return JWTMAPCTL_OK;
}

/* jm_compile_env_t.env: -D before the environment, as httpd has Define. */
static const char *environment(void *baton, apr_pool_t *p, const char *name)
{
    const jwtmapctl_t *ctl = baton;
    apr_size_t len = strlen(name);
    int i;

    for (i = ctl->given->nelts - 1; i >= 0; i--) {
        const jwtmapctl_given_t *given = &APR_ARRAY_IDX(ctl->given, i,
                                                        jwtmapctl_given_t);

        if (given->code == 'D' && !strncmp(given->arg, name, len)
            && given->arg[len] == '=') {
            return given->arg + len + 1;
        }
    }
    /* There is one thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    return apr_pstrdup(p, getenv(name));
}

jwtmapctl_exit_e jwtmapctl_compile(const jm_table_t **ptable,
                                   jm_diags_t *diags, apr_pool_t *p,
                                   const jwtmapctl_t *ctl, const char *file)
{
    jm_compile_env_t env = { NULL, environment, NULL, NULL, 0, 1 };
    apr_status_t rv;
    int i;

    env.baton = (void *)ctl;
    env.secrets_dir = jwtmapctl_value(ctl, JWTMAPCTL_OPT_SECRETS_DIR);
    env.placeholders = jwtmapctl_value(ctl, JWTMAPCTL_OPT_PLACEHOLDERS)
                       != NULL;
    rv = jm_compile_file(ptable, diags, p, p, file, &env);
    if (rv == APR_SUCCESS && *ptable) {
        return JWTMAPCTL_OK;
    }
    for (i = 0; i < diags->list->nelts; i++) {
        const jm_diag_t *diag = &APR_ARRAY_IDX(diags->list, i, jm_diag_t);

        if (diag->severity == JM_ERROR && diag->line == 0) {
            return JWTMAPCTL_USAGE;
        }
    }
    return JWTMAPCTL_NO;
}

void jwtmapctl_print_diags(apr_pool_t *p, const jm_diags_t *diags,
                           jm_severity_e least)
{
    int i;

    fflush(stdout);
    for (i = 0; i < diags->list->nelts; i++) {
        const jm_diag_t *diag = &APR_ARRAY_IDX(diags->list, i, jm_diag_t);

        if (diag->severity >= least) {
            fprintf(stderr, "%s\n",
                    jwtmapctl_safe(p, jm_str(jm_diag_line(p, diags, diag))));
        }
    }
}

jwtmapctl_exit_e jwtmapctl_load(const jm_table_t **ptable,
                                const jwtmapctl_t *ctl, const char *file)
{
    jm_diags_t diags;
    jwtmapctl_exit_e rv = jwtmapctl_compile(ptable, &diags, ctl->p, ctl,
                                            file);

    jwtmapctl_print_diags(ctl->p, &diags, JM_ERROR);
    return rv;
}
