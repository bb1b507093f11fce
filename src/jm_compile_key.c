/*
 * jm_compile_key.c: the key source of an authorizer. Reads key files, and
 * hands their octets to the one reader of jm_jwk.h that is for them.
 */
#include "jm_compile_state.h"

#include "jm_file.h"
#include "jm_jwk.h"

typedef jm_member_e key_reader_t(const jm_keyset_t **pset, jm_compile_t *c,
                                 const jm_json_t *node);

/* Where to say what a reader of keys does not like. */
typedef struct report_t {
    jm_compile_t *c;
    const jm_json_t *node;     /* of the table: the key, or its file's name */
    jm_diags_t *file;          /* places of a JSON text of its own; or NULL */
} report_t;

static void report(void *baton, jm_severity_e severity, const jm_json_t *at,
                   const char *text)
{
    const report_t *r = baton;

    if (!at || !r->file) {
        jm_json_diag(r->c->diags, severity, at ? at : r->node, "%s", text);
        return;
    }
    /* The place inside becomes a part of the message about the outside. */
    jm_json_diag(r->file, JM_ERROR, at, "%s", text);
    jm_json_diag(r->c->diags, severity, r->node, "%s",
                 jm_diag_line(r->c->ptemp, r->file,
                              &APR_ARRAY_IDX(r->file->list,
                                             r->file->list->nelts - 1,
                                             jm_diag_t)));
}

static jm_member_e done(apr_status_t rv, jm_compile_t *c,
                        const jm_json_t *node)
{
    if (rv == APR_SUCCESS) {
        return JM_MEMBER_OK;
    }
    if (rv != APR_EINVAL) {
        jm_json_diag(c->diags, JM_ERROR, node, "out of memory");
    }
    return JM_MEMBER_WRONG;
}

/* The octets of a key that stands in the table itself. */
static jm_member_e key_octets(jm_str_t *pout, jm_compile_t *c,
                              const jm_json_t *node)
{
    if (node->type != JM_JSON_STRING) {
        jm_member_wrong(&c->subst, node, "a string");
        return JM_MEMBER_WRONG;
    }
    switch (jm_subst_text(pout, &c->subst, node, 1)) {
    case JM_SUBST_OK:
        return JM_MEMBER_OK;
    case JM_SUBST_PLACEHOLDER:
        return JM_MEMBER_UNKNOWN;
    default:
        return JM_MEMBER_WRONG;
    }
}

typedef apr_status_t file_reader_t(jm_str_t *pout, const char **perror,
                                   apr_pool_t *p, const char *path,
                                   apr_size_t max);

static jm_member_e key_file(jm_str_t *pout, jm_compile_t *c,
                            const jm_json_t *node, file_reader_t *read)
{
    const char *error;
    jm_str_t name;
    jm_member_e e = jm_member_text(&name, &c->subst, node);

    if (e != JM_MEMBER_OK) {
        return e;
    }
    if (read(pout, &error, c->ptemp,
             jm_file_below(c->ptemp, c->folder, name.ptr), JM_KEY_FILE_MAX)
        != APR_SUCCESS) {
        jm_json_diag(c->diags, JM_ERROR, node, "cannot read \"%s\": %s",
                     node->text.ptr, error);
        return JM_MEMBER_WRONG;
    }
    return JM_MEMBER_OK;
}

static jm_member_e use_secret(const jm_keyset_t **pset, jm_compile_t *c,
                              const jm_json_t *node, jm_str_t secret)
{
    report_t r = { c, node, NULL };

    return done(jm_keyset_secret(pset, c->p, secret, report, &r), c, node);
}

static jm_member_e use_pem(const jm_keyset_t **pset, jm_compile_t *c,
                           const jm_json_t *node, jm_str_t pem)
{
    report_t r = { c, node, NULL };

    return done(jm_keyset_pem(pset, c->p, pem, report, &r), c, node);
}

/* A JWKS as text: of a file, or of a string of the table. */
static jm_member_e use_jwks_text(const jm_keyset_t **pset, jm_compile_t *c,
                                 const jm_json_t *node, jm_str_t text,
                                 const char *name)
{
    jm_diags_t places;
    report_t r = { c, node, &places };
    jm_json_error_t error = { 0, "", "out of memory" };
    const jm_json_t *jwks;

    jm_diag_init(&places, c->ptemp, name, text);
    if (jm_json_parse(&jwks, &error, c->ptemp, text) != APR_SUCCESS) {
        jm_diag_add(&places, JM_ERROR, error.offset, error.pointer, "%s",
                    error.message);
        jm_json_diag(c->diags, JM_ERROR, node, "%s",
                     jm_diag_line(c->ptemp, &places,
                                  &APR_ARRAY_IDX(places.list, 0, jm_diag_t)));
        return JM_MEMBER_WRONG;
    }
    return done(jm_keyset_jwks(pset, c->p, jwks, 0, report, &r), c, node);
}

static jm_member_e read_secret(const jm_keyset_t **pset, jm_compile_t *c,
                               const jm_json_t *node)
{
    jm_str_t text;
    jm_member_e e = key_octets(&text, c, node);

    return e == JM_MEMBER_OK ? use_secret(pset, c, node, text) : e;
}

static jm_member_e read_secret_file(const jm_keyset_t **pset,
                                    jm_compile_t *c, const jm_json_t *node)
{
    jm_str_t text;
    jm_member_e e = key_file(&text, c, node, jm_file_read_secret);

    return e == JM_MEMBER_OK ? use_secret(pset, c, node, text) : e;
}

static jm_member_e read_public_key(const jm_keyset_t **pset, jm_compile_t *c,
                                   const jm_json_t *node)
{
    jm_str_t text;
    jm_member_e e = key_octets(&text, c, node);

    return e == JM_MEMBER_OK ? use_pem(pset, c, node, text) : e;
}

static jm_member_e read_public_key_file(const jm_keyset_t **pset,
                                        jm_compile_t *c,
                                        const jm_json_t *node)
{
    jm_str_t text;
    jm_member_e e = key_file(&text, c, node, jm_file_read);

    return e == JM_MEMBER_OK ? use_pem(pset, c, node, text) : e;
}

static jm_member_e read_jwks(const jm_keyset_t **pset, jm_compile_t *c,
                             const jm_json_t *node)
{
    report_t r = { c, node, NULL };
    jm_str_t text;
    jm_member_e e;

    if (node->type == JM_JSON_OBJECT) {
        node = jm_subst_copy(&c->subst, c->ptemp, node, 1);
        return done(jm_keyset_jwks(pset, c->p, node, 0, report, &r), c,
                    node);
    }
    if (node->type != JM_JSON_STRING) {
        jm_member_wrong(&c->subst, node, "an object, or a string that holds "
                        "one");
        return JM_MEMBER_WRONG;
    }
    e = key_octets(&text, c, node);
    return e == JM_MEMBER_OK ? use_jwks_text(pset, c, node, text, "jwks") : e;
}

static jm_member_e read_jwks_file(const jm_keyset_t **pset, jm_compile_t *c,
                                  const jm_json_t *node)
{
    jm_str_t text;
    jm_member_e e = key_file(&text, c, node, jm_file_read);

    return e == JM_MEMBER_OK ? use_jwks_text(pset, c, node, text,
                                             node->text.ptr) : e;
}

static const struct source_t {
    const char *name;
    key_reader_t *read;        /* NULL: jm_compile_remote.c */
} sources[] = {
    { "secret", read_secret },
    { "secret_file", read_secret_file },
    { "public_key", read_public_key },
    { "public_key_file", read_public_key_file },
    { "jwks", read_jwks },
    { "jwks_file", read_jwks_file },
    { "jwks_uri", NULL },
    { "jwt_secret", read_secret }
};

#define SOURCE_COUNT (sizeof(sources) / sizeof(sources[0]))

/* What is said of fetched keys alone; harmless where a `jwks` wins over
 * them. */
static void refuse_remote_members(jm_compile_t *c, const jm_json_t *node)
{
    const char *const *name;

    for (name = jm_compile_remote_members; *name; name++) {
        const jm_json_t *at = jm_member_find(node, *name);

        if (at && !jm_member_find(node, "jwks_uri")) {
            jm_json_diag_name(c->diags, JM_ERROR, at, "is for keys that are "
                              "fetched, and these are not: remove it");
        }
    }
}

static jm_member_e no_source(jm_compile_t *c, const jm_json_t *node,
                             const jm_compile_kind_t *kind)
{
    if (kind->only_source) {
        jm_json_diag(c->diags, JM_ERROR, node, "\"%s\" is missing: write it "
                     "as \"$secret.NAME\"", kind->only_source);
    }
    else {
        jm_json_diag(c->diags, JM_ERROR, node, "it has no key: write one of "
                     "\"jwks_uri\", \"jwks_file\", \"jwks\", "
                     "\"public_key_file\", \"public_key\", "
                     "\"secret_file\", \"secret\"");
    }
    return JM_MEMBER_WRONG;
}

static int is_listed(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (!strcmp(name, *names)) {
            return 1;
        }
    }
    return 0;
}

/* The source that counts, or NULL; *pextra is one too many, or NULL. A
 * `jwks` wins over a `jwks_uri` (SPEC 9). */
static const struct source_t *choose(const struct source_t **pextra,
                                     jm_compile_t *c, const jm_json_t *node,
                                     const char *const *members)
{
    const struct source_t *chosen = NULL;
    unsigned i;

    *pextra = NULL;
    for (i = 0; i < SOURCE_COUNT; i++) {
        const jm_json_t *at = jm_member_find(node, sources[i].name);

        if (!at || !is_listed(sources[i].name, members)) {
            continue;
        }
        if (!chosen) {
            chosen = &sources[i];
        }
        else if (!strcmp(chosen->name, "jwks")
                 && !sources[i].read) {
            jm_json_diag_name(c->diags, JM_WARNING, at, "stands beside "
                              "\"jwks\", which wins: remove one of them");
        }
        else {
            *pextra = &sources[i];
        }
    }
    return chosen;
}

jm_member_e jm_compile_keys(jm_authorizer_t *a, jm_algs_t *palgs,
                            jm_compile_t *c, const jm_json_t *node,
                            const jm_compile_kind_t *kind)
{
    const struct source_t *extra;
    const struct source_t *source = choose(&extra, c, node, kind->members);
    jm_member_e e;

    *palgs = 0;
    if (extra) {
        jm_json_diag_name(c->diags, JM_ERROR,
                          jm_member_find(node, extra->name),
                          "stands beside \"%s\": an authorizer has one "
                          "source of keys, so keep one of them",
                          source->name);
    }
    if (source ? !source->read : kind->discovers) {
        return jm_compile_remote(a, palgs, c, node, kind);
    }
    refuse_remote_members(c, node);
    if (!source) {
        return no_source(c, node, kind);
    }
    e = source->read(&a->keys, c, jm_member_find(node, source->name));
    if (e == JM_MEMBER_OK) {
        *palgs = a->keys->algs;
    }
    return e;
}
