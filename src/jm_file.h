/*
 * jm_file.h: reads a small file whole, at load or reload. The only part of the
 * core that opens files.
 */
#ifndef JM_FILE_H
#define JM_FILE_H

#include <apr_file_info.h>

#include "jm.h"

/* What tells one state of a file from another without its content. */
typedef struct jm_file_stamp_t {
    apr_time_t mtime;
    apr_time_t ctime;
    apr_off_t size;              /* octets */
    apr_ino_t inode;
    apr_dev_t device;
    apr_fileperms_t mode;        /* permission bits of APR; 0: not known */
    int is_pipe;                 /* to open it may take until somebody writes
                                  * into it */
} jm_file_stamp_t;

/* The stamp of what path leads to, through symbolic links. */
apr_status_t jm_file_stamp(jm_file_stamp_t *stamp, apr_pool_t *ptemp,
                           const char *path);

/* A status as a few words, in p. */
const char *jm_file_reason(apr_pool_t *p, apr_status_t rv);

/* APR_SUCCESS: this process may read path, as far as opening it tells. */
apr_status_t jm_file_may_read(apr_pool_t *ptemp, const char *path);

/* What others than its owner may do to a file of that mode that they should
 * not, and how to take it from them, in p; NULL: nothing. Nobody else should
 * read a secret, or write any key. */
const char *jm_file_exposure(apr_pool_t *p, const jm_file_stamp_t *stamp,
                             int is_secret);

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
