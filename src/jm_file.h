/*
 * jm_file.h: reads a small file whole, at load. The only part of the core
 * that opens files, together with jm_compile, which calls it.
 */
#ifndef JM_FILE_H
#define JM_FILE_H

#include "jm.h"

/* Reads all of path into p, with a NUL behind it that len does not count;
 * the octets are cleared with p, because they may be a secret. *pout is
 * empty and *perror (in p) says why in a few words, unless APR_SUCCESS:
 * it cannot be opened or read, is a directory, or has more than max octets
 * (APR_EINVAL). */
apr_status_t jm_file_read(jm_str_t *pout, const char **perror, apr_pool_t *p,
                          const char *path, apr_size_t max);

/* The same for a secret: one newline at its end is dropped. */
apr_status_t jm_file_read_secret(jm_str_t *pout, const char **perror,
                                 apr_pool_t *p, const char *path,
                                 apr_size_t max);

/* path itself if it is absolute, else path below folder; in p. */
const char *jm_file_below(apr_pool_t *p, const char *folder,
                          const char *path);

/* The folder that path is in ("." for a bare name); in p. */
const char *jm_file_folder(apr_pool_t *p, const char *path);

#endif
