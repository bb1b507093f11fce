/*
 * jm_compile_key.c: the key source of an authorizer. Reads key files, and
 * hands their octets to the one reader of jm_jwk.h that is for them.
 */
#include "jm_compile_state.h"

#include "jm_jwk.h"
#include "jm_slot.h"

/* What an authorizer may have its keys from. */
typedef jm_member_e key_reader_t(const jm_keyset_t **pset, jm_compile_t *c,
                                 const jm_json_t *node);

/* Where to say what a reader of keys does not like. */
typedef struct report_t {
    jm_compile_t *c;
    const jm_json_t *node;     /* of the table: the key, or its file's name */
} report_t;

static void report(void *baton, jm_severity_e severity, const jm_json_t *at,
                   const char *text)
{
    const report_t *r = baton;

    jm_json_diag(r->c->diags, severity, at ? at : r->node, "%s", text);
}

static void report_file(void *baton, jm_severity_e severity,
                        const char *text)
{
    report(baton, severity, NULL, text);
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

/* --- keys in the table --- */

static jm_member_e read_secret(const jm_keyset_t **pset, jm_compile_t *c,
                               const jm_json_t *node)
{
    report_t r = { c, node };
    jm_str_t text;
    jm_member_e e = key_octets(&text, c, node);

    return e == JM_MEMBER_OK
           ? done(jm_keyset_secret(pset, c->p, text, report, &r), c, node)
           : e;
}

static jm_member_e read_public_key(const jm_keyset_t **pset, jm_compile_t *c,
                                   const jm_json_t *node)
{
    report_t r = { c, node };
    jm_str_t text;
    jm_member_e e = key_octets(&text, c, node);

    return e == JM_MEMBER_OK
           ? done(jm_keyset_pem(pset, c->p, text, report, &r), c, node) : e;
}

static jm_member_e read_jwks(const jm_keyset_t **pset, jm_compile_t *c,
                             const jm_json_t *node)
{
    report_t r = { c, node };
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
    return e == JM_MEMBER_OK
           ? done(jm_keyset_jwks_text(pset, c->p, c->ptemp, text, "jwks",
                                      report, &r), c, node)
           : e;
}

/* --- keys in files --- */

static int has_secret(const jm_watch_t *watch, apr_pool_t *ptemp)
{
    const jm_keyset_t *set;

    if (watch->kind == JM_WATCH_REVOKED) {
        return 0;
    }
    set = jm_slot_get(watch->slot, ptemp, NULL);
    return set && set->keys[0].family == JM_FAMILY_HMAC;
}

static void warn_of_mode(jm_compile_t *c, const jm_json_t *node,
                         const jm_watch_t *watch)
{
    const char *exposure = jm_file_exposure(c->ptemp, &watch->loaded.stamp,
                                            has_secret(watch, c->ptemp));

    if (c->subst.env->check_modes && exposure) {
        jm_json_diag(c->diags, JM_WARNING, node, "\"%s\" %s",
                     node->text.ptr, exposure);
    }
}

static jm_watch_t *make_watch(jm_authorizer_t *a, jm_compile_t *c,
                              jm_watch_e kind, jm_str_t name)
{
    jm_watch_t *watch = apr_pcalloc(c->p, sizeof(*watch));

    watch->kind = kind;
    watch->name = apr_pstrdup(c->p, name.ptr);
    watch->path = jm_file_below(c->p, c->folder, name.ptr);
    watch->authorizer = a;
    watch->slot = jm_slot_make(c->p);
    return watch;
}

static jm_member_e load(jm_compile_t *c, const jm_json_t *node,
                        jm_watch_t *watch)
{
    report_t r = { c, node };
    const char *error;
    jm_str_t text;
    apr_status_t rv;

    if (!watch->slot) {
        return done(APR_ENOMEM, c, node);
    }
    rv = jm_watch_read(&text, &watch->loaded, &error, c->ptemp, watch,
                       apr_time_now());
    if (rv != APR_SUCCESS) {
        jm_json_diag(c->diags, JM_ERROR, node, "cannot read \"%s\": %s%s",
                     node->text.ptr, error,
                     APR_STATUS_IS_ENOENT(rv)
                     ? ": its name is relative to the folder of the table"
                     : "");
        return JM_MEMBER_WRONG;
    }
    return done(jm_watch_use(watch, c->ptemp, text, report_file, &r), c,
                node);
}

jm_member_e jm_compile_file_slot(jm_slot_t **pslot, jm_authorizer_t *a,
                                 jm_compile_t *c, const jm_json_t *node,
                                 jm_watch_e kind)
{
    jm_watch_t *watch;
    jm_str_t name;
    jm_member_e e = jm_member_text(&name, &c->subst, node);

    *pslot = NULL;
    if (e != JM_MEMBER_OK) {
        return e;
    }
    watch = make_watch(a, c, kind, name);
    e = load(c, node, watch);
    if (e == JM_MEMBER_OK) {
        *pslot = watch->slot;
        APR_ARRAY_PUSH(c->watches, const jm_watch_t *) = watch;
        warn_of_mode(c, node, watch);
    }
    return e;
}

static const struct source_t {
    const char *name;
    key_reader_t *read;        /* NULL: a file, or a URL */
    int is_file;
    jm_watch_e kind;           /* of the file */
} sources[] = {
    { "secret", read_secret, 0, 0 },
    { "secret_file", NULL, 1, JM_WATCH_SECRET },
    { "public_key", read_public_key, 0, 0 },
    { "public_key_file", NULL, 1, JM_WATCH_PEM },
    { "jwks", read_jwks, 0, 0 },
    { "jwks_file", NULL, 1, JM_WATCH_JWKS },
    { "jwks_uri", NULL, 0, 0 },
    { "jwt_secret", read_secret, 0, 0 }
};

#define SOURCE_COUNT (sizeof(sources) / sizeof(sources[0]))

static int is_remote(const struct source_t *source)
{
    return !source->read && !source->is_file;
}

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
 * `jwks` wins over a `jwks_uri`, as in files of the origin. */
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
                 && is_remote(&sources[i])) {
            jm_json_diag_name(c->diags, JM_WARNING, at, "stands beside "
                              "\"jwks\", which wins: remove one of them");
        }
        else {
            *pextra = &sources[i];
        }
    }
    return chosen;
}

static jm_member_e read_source(jm_authorizer_t *a, jm_algs_t *palgs,
                               jm_compile_t *c, const jm_json_t *node,
                               const struct source_t *source)
{
    const jm_keyset_t *set = NULL;
    jm_member_e e;

    if (source->is_file) {
        e = jm_compile_file_slot(&a->key_slot, a, c, node, source->kind);
        set = a->key_slot ? jm_slot_get(a->key_slot, c->ptemp, NULL) : NULL;
    }
    else {
        e = source->read(&set, c, node);
        a->keys = set;
    }
    *palgs = set ? set->algs : 0;
    return e;
}

jm_member_e jm_compile_keys(jm_authorizer_t *a, jm_algs_t *palgs,
                            jm_compile_t *c, const jm_json_t *node,
                            const jm_compile_kind_t *kind)
{
    const struct source_t *extra;
    const struct source_t *source = choose(&extra, c, node, kind->members);

    a->key_source = source ? source->name : "discovery";
    *palgs = 0;
    if (source && extra) {
        jm_json_diag_name(c->diags, JM_ERROR,
                          jm_member_find(node, extra->name),
                          "stands beside \"%s\": an authorizer has one "
                          "source of keys, so keep one of them",
                          source->name);
    }
    if (source ? is_remote(source) : kind->discovers) {
        return jm_compile_remote(a, palgs, c, node, kind);
    }
    refuse_remote_members(c, node);
    if (!source) {
        return no_source(c, node, kind);
    }
    return read_source(a, palgs, c, jm_member_find(node, source->name),
                       source);
}
