/*
 * jm_subst.c: $env.NAME and $secret.NAME. Touches the environment through
 * the caller's function, the secrets directory (read only) and pools.
 */
#include "jm_subst.h"

#include "jm_char.h"
#include "jm_cleanse.h"
#include "jm_file.h"

typedef enum source_e {
    SOURCE_NONE = 0,
    SOURCE_ENV,
    SOURCE_SECRET
} source_e;

static const struct {
    const char *prefix;
    source_e source;
} prefixes[] = {
    { "$env.", SOURCE_ENV },
    { "$secret.", SOURCE_SECRET },
    { "$secrets.", SOURCE_SECRET }
};

#define PREFIX_COUNT (sizeof(prefixes) / sizeof(prefixes[0]))

void jm_subst_init(jm_subst_t *s, apr_pool_t *p, jm_diags_t *diags,
                   const jm_compile_env_t *env)
{
    s->p = p;
    s->diags = diags;
    s->env = env;
    s->known = apr_hash_make(p);
}

/* Which source text names, and the NAME behind its prefix. */
static source_e source_of(jm_str_t *pname, jm_str_t text)
{
    unsigned i;

    for (i = 0; i < PREFIX_COUNT; i++) {
        jm_str_t prefix = jm_str(prefixes[i].prefix);

        if (text.len >= prefix.len
            && !memcmp(text.ptr, prefix.ptr, prefix.len)) {
            *pname = jm_strn(text.ptr + prefix.len, text.len - prefix.len);
            return prefixes[i].source;
        }
    }
    return SOURCE_NONE;
}

static int is_name(jm_str_t name, source_e source)
{
    apr_size_t i;

    if (name.len == 0 || jm_str_is(name, ".") || jm_str_is(name, "..")) {
        return 0;
    }
    for (i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (jm_char_is_alnum(c) || c == '_') {
            continue;
        }
        if (source != SOURCE_SECRET || (c != '-' && c != '.')) {
            return 0;
        }
    }
    return 1;
}

static const char *env_text(jm_str_t *pout, const jm_subst_t *s,
                            jm_str_t name)
{
    const char *value = NULL;

    if (s->env->env) {
        value = s->env->env(s->env->baton, s->p, name.ptr);
    }
    if (!value) {
        return apr_psprintf(s->p, "$env.%s is not set: write \"Define %s "
                            "VALUE\" in httpd.conf (jwtmapctl: -D "
                            "%s=VALUE), or set it in the environment",
                            name.ptr, name.ptr, name.ptr);
    }
    *pout = jm_str_dup(s->p, jm_str(value));
    return NULL;
}

static const char *secret_text(jm_str_t *pout, const jm_subst_t *s,
                               jm_str_t name)
{
    const char *error;
    const char *path;

    if (!s->env->secrets_dir) {
        return apr_psprintf(s->p, "$secret.%s has no directory to be read "
                            "from: write \"JwtMapSecretsDir DIR\" in "
                            "httpd.conf (jwtmapctl: --secrets-dir DIR)",
                            name.ptr);
    }
    path = apr_pstrcat(s->p, s->env->secrets_dir, "/", name.ptr, NULL);
    if (jm_file_read_secret(pout, &error, s->p, path, JM_KEY_FILE_MAX)
        != APR_SUCCESS) {
        return apr_psprintf(s->p, "$secret.%s cannot be read: %s: put the "
                            "secret into the file %s of the secrets "
                            "directory", name.ptr, error, name.ptr);
    }
    return NULL;
}

/* A part of a string is never replaced; who writes one should know. */
static void warn_of_part(const jm_subst_t *s, const jm_json_t *node)
{
    unsigned i;

    for (i = 0; i < PREFIX_COUNT; i++) {
        if (strstr(node->text.ptr, prefixes[i].prefix)) {
            jm_json_diag(s->diags, JM_WARNING, node, "\"%s\" in the middle "
                         "of a text stays as it is: only a whole value is "
                         "replaced", prefixes[i].prefix);
            return;
        }
    }
}

static jm_subst_e unset(jm_str_t *pout, const jm_subst_t *s,
                        const jm_json_t *node, const char *error)
{
    if (s->env->placeholders) {
        jm_json_diag(s->diags, JM_WARNING, node, "%s", error);
        *pout = node->text;
        return JM_SUBST_PLACEHOLDER;
    }
    jm_json_diag(s->diags, JM_ERROR, node, "%s", error);
    return JM_SUBST_ERROR;
}

/* Said once a secret, where it is used first. */
static void warn_of_mode(const jm_subst_t *s, const jm_json_t *node,
                         jm_str_t name)
{
    const char *path = apr_pstrcat(s->p, s->env->secrets_dir, "/", name.ptr,
                                   NULL);
    const char *exposure = NULL;
    jm_file_stamp_t stamp;

    if (s->env->check_modes
        && jm_file_stamp(&stamp, s->p, path) == APR_SUCCESS) {
        exposure = jm_file_exposure(s->p, &stamp, 1);
    }
    if (exposure) {
        jm_json_diag(s->diags, JM_WARNING, node, "%s %s", path, exposure);
    }
}

/* Looks NAME up, once a compilation. Returns what is wrong, or NULL. */
static const char *look_up(jm_str_t *pout, const jm_subst_t *s,
                           const jm_json_t *node, source_e source,
                           jm_str_t name)
{
    const jm_str_t *known;
    const char *error;

    known = apr_hash_get(s->known, node->text.ptr,
                         (apr_ssize_t)node->text.len);
    if (known) {
        *pout = *known;
        return NULL;
    }
    error = source == SOURCE_ENV ? env_text(pout, s, name)
                                 : secret_text(pout, s, name);
    if (!error && source == SOURCE_SECRET) {
        warn_of_mode(s, node, name);
    }
    if (!error) {
        apr_hash_set(s->known, node->text.ptr, (apr_ssize_t)node->text.len,
                     apr_pmemdup(s->p, pout, sizeof(*pout)));
    }
    return error;
}

jm_subst_e jm_subst_text(jm_str_t *pout, const jm_subst_t *s,
                         const jm_json_t *node, int octets)
{
    jm_str_t name = { NULL, 0 };
    source_e source = source_of(&name, node->text);
    const char *error;

    *pout = jm_strn(NULL, 0);
    if (source == SOURCE_NONE) {
        warn_of_part(s, node);
        *pout = node->text;
        return JM_SUBST_OK;
    }
    if (!is_name(name, source)) {
        jm_json_diag(s->diags, JM_ERROR, node, "\"%s\" is no name of %s",
                     node->text.ptr, source == SOURCE_ENV
                     ? "an environment variable: write $env.NAME, with "
                       "letters, digits and \"_\""
                     : "a secret: write $secret.NAME, with letters, digits, "
                       "\"_\", \"-\" and \".\"");
        return JM_SUBST_ERROR;
    }
    error = look_up(pout, s, node, source, name);
    if (error) {
        return unset(pout, s, node, error);
    }
    if (!octets && !jm_utf8_valid(*pout)) {
        jm_json_diag(s->diags, JM_ERROR, node, "what \"%s\" stands for is "
                     "not UTF-8 text: write it in UTF-8", node->text.ptr);
        *pout = jm_strn(NULL, 0);
        return JM_SUBST_ERROR;
    }
    return JM_SUBST_OK;
}

static void copy_node(const jm_subst_t *s, apr_pool_t *p, jm_json_t *to,
                      const jm_json_t *from, const jm_json_t *parent,
                      int resolve)
{
    jm_json_t *items;
    jm_str_t text;
    unsigned i;

    *to = *from;
    to->parent = parent;
    to->name = jm_str_dup(p, from->name);
    if (from->type == JM_JSON_STRING || from->type == JM_JSON_NUMBER) {
        to->text = jm_cleanse_dup(p, from->text);
    }
    if (resolve && from->type == JM_JSON_STRING
        && jm_subst_text(&text, s, from, 0) == JM_SUBST_OK
        && text.ptr != from->text.ptr) {
        to->text = jm_cleanse_dup(p, text);
    }
    if (from->count == 0) {
        to->items = NULL;
        return;
    }
    items = apr_pcalloc(p, from->count * sizeof(*items));
    to->items = items;
    for (i = 0; i < from->count; i++) {
        copy_node(s, p, &items[i], &from->items[i], to, resolve);
    }
}

jm_json_t *jm_subst_copy(const jm_subst_t *s, apr_pool_t *p,
                         const jm_json_t *node, int resolve)
{
    jm_json_t *copy = apr_pcalloc(p, sizeof(*copy));

    copy_node(s, p, copy, node, node->parent, resolve);
    return copy;
}
