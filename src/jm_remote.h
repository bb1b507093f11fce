/*
 * jm_remote.h: key sets that are fetched, as far as that needs no network and
 * no file: which URLs may be fetched, what an answer means, what a snapshot of
 * one looks like. The fetching itself is httpd's side. Answers are hostile.
 */
#ifndef JM_REMOTE_H
#define JM_REMOTE_H

#include "jm.h"
#include "jm_jwk.h"

/* Where the keys of an authorizer come from. Built at load, immutable. */
struct jm_remote_t {
    const char *id;            /* 64 hex digits: SHA-256 over what follows up
                                * to ca_file: the same id is the same set */
    const char *url;           /* of the JWK Set; with discovery, of the
                                * provider's document */
    const char *issuer;        /* discovery: what that document must name;
                                * NULL: url is that of the set */
    const char *ca_file;       /* trusted instead of the system's, an absolute
                                * path; or NULL */
    apr_int64_t cache_duration;/* seconds that a set is good for */
    apr_int64_t min_refresh;   /* seconds between two fetches, at least */
    apr_int64_t stale_grace;   /* seconds that a set is used past its time */
};

/* A new one in p, with an id and default times. The strings are copied. */
jm_remote_t *jm_remote_make(apr_pool_t *p, const char *url,
                            const char *issuer, const char *ca_file);

/* NULL if url may be fetched: absolute, https (http: the host is localhost,
 * 127.x.x.x or [::1]), with a host, without user, fragment, blanks, controls
 * and `\`. Else what is wrong and what to write, a constant. */
const char *jm_remote_check_url(const char *url);

/* The URL of the provider's document (OpenID Connect Discovery 1.0, 4.1). */
const char *jm_remote_discovery_url(apr_pool_t *p, const char *issuer);

/* url without its query, which may hold what no log shows; in p. */
const char *jm_remote_for_log(apr_pool_t *p, const char *url);

/* The jwks_uri of a provider's document (4.3), in p. APR_EINVAL with *perror,
 * in p, of which no octet is of the document: no strict JSON, its issuer is
 * not this one byte for byte, jwks_uri is missing or may not be fetched. */
apr_status_t jm_remote_discovered(const char **purl, const char **perror,
                                  apr_pool_t *p, jm_str_t document,
                                  const char *issuer);

/* The keys of an answer, in p, its JSON in ptemp. APR_EINVAL with *perror, in
 * ptemp: no strict JSON, no set, no usable key, over JM_JWKS_REMOTE_KEYS_MAX.
 * *pignored (pignored may be NULL): what was said of keys that are left out,
 * texts of ours, in ptemp; or NULL. */
apr_status_t jm_remote_keys(const jm_keyset_t **pset, const char **perror,
                            const char **pignored, apr_pool_t *p,
                            apr_pool_t *ptemp, jm_str_t answer);

/* Seconds of max-age in a Cache-Control field value (RFC 9111 5.2.2.1); -1:
 * it says none. value may be NULL. */
apr_int64_t jm_remote_max_age(const char *value);

/* Seconds that a set is good for, where its answer said max_age (-1: none):
 * the shorter one counts, and min_refresh is the floor. */
apr_int64_t jm_remote_lifetime(const jm_remote_t *remote,
                               apr_int64_t max_age);

/* --- snapshots: an answer, kept for a restart during an outage --- */

typedef struct jm_snapshot_t {
    apr_int64_t fetched;       /* seconds since 1970 */
    apr_int64_t expires;       /* when it is to be replaced */
    jm_str_t answer;           /* the JWK Set as it came */
} jm_snapshot_t;

/* What stands before the answer, in p. */
const char *jm_snapshot_head(apr_pool_t *p, const jm_remote_t *remote,
                             const jm_snapshot_t *snapshot);

/* Reads a snapshot of remote; snapshot borrows from text. APR_EINVAL: it is
 * none, or one of another set. */
apr_status_t jm_snapshot_parse(jm_snapshot_t *snapshot, jm_str_t text,
                               const jm_remote_t *remote);

/* Until when the keys may be used, in seconds since 1970: their time, as the
 * present configuration has it, and stale_grace. 0: not at all, because it
 * was fetched in the future of now. */
apr_int64_t jm_snapshot_usable_until(const jm_snapshot_t *snapshot,
                                     const jm_remote_t *remote,
                                     apr_int64_t now);

#endif
