/*
 * jm_watch.c: reads a file of a table, and fills its slot. Touches the file
 * system, read only, the slot and the pools that it is given.
 */
#include "jm_watch.h"

#include <openssl/evp.h>

#include "jm_alg.h"
#include "jm_jwk.h"
#include "jm_revoked.h"
#include "jm_slot.h"

/* A stamp says nothing new within the grain of the clocks of file systems. */
#define SETTLED apr_time_from_sec(2)

static const char *const members[JM_WATCH_COUNT] = {
    [JM_WATCH_SECRET] = "secret_file",
    [JM_WATCH_PEM] = "public_key_file",
    [JM_WATCH_JWKS] = "jwks_file",
    [JM_WATCH_REVOKED] = "revoked_file"
};

const char *jm_watch_member(jm_watch_e kind)
{
    return members[kind];
}

static int is_settled(const jm_file_stamp_t *stamp, apr_time_t now)
{
    return now - stamp->mtime >= SETTLED && now - stamp->ctime >= SETTLED;
}

static int make_digest(unsigned char *digest, const char *ptr, apr_size_t len)
{
    return EVP_Digest(ptr, len, digest, NULL, EVP_sha256(), NULL) == 1;
}

apr_status_t jm_watch_read(jm_str_t *ptext, jm_watch_state_t *pstate,
                           const char **perror, apr_pool_t *p,
                           const jm_watch_t *watch, apr_time_t now)
{
    apr_size_t max = watch->kind == JM_WATCH_REVOKED ? JM_REVOKED_FILE_MAX
                                                     : JM_KEY_FILE_MAX;
    apr_status_t rv;

    memset(pstate, 0, sizeof(*pstate));
    /* Before it is read: a change in between is seen the next time. */
    if (jm_file_stamp(&pstate->stamp, p, watch->path) == APR_SUCCESS) {
        pstate->settled = is_settled(&pstate->stamp, now);
    }
    if (pstate->stamp.is_pipe) {
        *ptext = jm_strn(NULL, 0);
        *perror = "it is a named pipe: put a file in its place";
        return APR_EINVAL;
    }
    rv = watch->kind == JM_WATCH_SECRET
         ? jm_file_read_secret(ptext, perror, p, watch->path, max)
         : jm_file_read(ptext, perror, p, watch->path, max);
    pstate->len = ptext->len;
    if (rv == APR_SUCCESS
        && !make_digest(pstate->digest, ptext->ptr, ptext->len)) {
        *perror = "out of memory";
        rv = APR_ENOMEM;
    }
    return rv;
}

int jm_watch_has_grown(jm_str_t *ptext, jm_watch_state_t *pstate,
                       const jm_watch_state_t *former)
{
    unsigned char digest[JM_WATCH_DIGEST_LEN];
    apr_size_t len = ptext->len;

    while (len > former->len && ptext->ptr[len - 1] != '\n') {
        len--;
    }
    if (len <= former->len
        || !make_digest(digest, ptext->ptr, former->len)
        || memcmp(digest, former->digest, sizeof(digest))
        || !make_digest(pstate->digest, ptext->ptr, len)) {
        return 0;
    }
    ptext->len = pstate->len = len;
    pstate->settled = 0;
    return 1;
}

/* --- what is in it --- */

typedef struct parse_t {
    const jm_watch_t *watch;
    jm_str_t text;
    apr_pool_t *ptemp;
    jm_watch_report_t *report;
    void *baton;
} parse_t;

static void report_key(void *baton, jm_severity_e severity,
                       const jm_json_t *at, const char *text)
{
    const parse_t *parse = baton;

    (void)at;
    parse->report(parse->baton, severity, text);
}

/* Keys that the authorizer would never use are a mistake. */
static apr_status_t check_algs(parse_t *parse, const jm_keyset_t *set)
{
    jm_algs_t allowed = parse->watch->authorizer->algs;

    if (!allowed || (allowed & set->algs)) {
        return APR_SUCCESS;
    }
    parse->report(parse->baton, JM_ERROR,
                  apr_psprintf(parse->ptemp, "no key in it serves %s",
                               jm_alg_list(parse->ptemp, allowed)));
    return APR_EINVAL;
}

static apr_status_t parse_keys(const void **pdata, apr_pool_t *p,
                               parse_t *parse)
{
    const jm_keyset_t *set = NULL;
    apr_status_t rv;

    switch (parse->watch->kind) {
    case JM_WATCH_SECRET:
        rv = jm_keyset_secret(&set, p, parse->text, report_key, parse);
        break;
    case JM_WATCH_PEM:
        rv = jm_keyset_pem(&set, p, parse->text, report_key, parse);
        break;
    default:
        rv = jm_keyset_jwks_text(&set, p, parse->ptemp, parse->text,
                                 parse->watch->name, report_key, parse);
    }
    if (rv == APR_SUCCESS) {
        rv = check_algs(parse, set);
    }
    *pdata = set;
    return rv;
}

static apr_status_t parse_revoked(const void **pdata, apr_pool_t *p,
                                  parse_t *parse)
{
    const jm_revoked_t *list;
    const char *error;
    jm_str_t kept = jm_str_dup(p, parse->text);
    apr_status_t rv = jm_revoked_parse(&list, &error, p, kept);

    if (rv == APR_EINVAL) {
        parse->report(parse->baton, JM_ERROR,
                      apr_psprintf(parse->ptemp, "%s: %s",
                                   parse->watch->name, error));
    }
    *pdata = list;
    return rv;
}

apr_status_t jm_watch_use(const jm_watch_t *watch, apr_pool_t *ptemp,
                          jm_str_t text, jm_watch_report_t *report,
                          void *baton)
{
    parse_t parse = { watch, text, ptemp, report, baton };
    apr_pool_t *pool = jm_slot_pool();
    const void *data;
    apr_status_t rv;

    if (!pool) {
        return APR_ENOMEM;
    }
    rv = watch->kind == JM_WATCH_REVOKED ? parse_revoked(&data, pool, &parse)
                                         : parse_keys(&data, pool, &parse);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    jm_slot_set(watch->slot, pool, data);
    return APR_SUCCESS;
}
