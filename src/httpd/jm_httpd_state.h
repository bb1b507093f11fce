/*
 * jm_httpd_state.h: JwtMapStateDir: a directory that only the User of httpd
 * may read and write, with one snapshot for each fetched key set. Whoever has
 * the rights of User can plant keys there.
 */
#ifndef JM_HTTPD_STATE_H
#define JM_HTTPD_STATE_H

#include <apr_user.h>

#include "jm_remote.h"

/* NULL, or, in p, why dir cannot be used: not ours (uid's) alone, or somebody
 * else may put another in its place. It may be missing. Changes nothing. */
const char *jm_state_check(apr_pool_t *p, const char *dir, apr_uid_t uid);

/* The same, and makes dir where it is missing (mode 0700, owned by uid and
 * gid). For the parent, before any child. */
const char *jm_state_prepare(apr_pool_t *p, const char *dir, apr_uid_t uid,
                             apr_gid_t gid);

/* Reads the snapshot of remote, into p. APR_ENOENT: there is none.
 * APR_EINVAL: what is there is none, or not ours alone. */
apr_status_t jm_state_read(jm_snapshot_t *snapshot, apr_pool_t *p,
                           const char *dir, const jm_remote_t *remote);

/* Puts snapshot in the place of the one before, which stays as it is if that
 * fails, at any moment. */
apr_status_t jm_state_write(apr_pool_t *ptemp, const char *dir,
                            const jm_remote_t *remote,
                            const jm_snapshot_t *snapshot);

/* Removes what writes that were cut off have left there. */
void jm_state_sweep(apr_pool_t *ptemp, const char *dir);

#endif
