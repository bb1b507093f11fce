/*
 * jm_reload.h: looks for changes of the files of tables, and takes them over
 * off the path of requests. One object for each process, used by one thread
 * at a time.
 */
#ifndef JM_RELOAD_H
#define JM_RELOAD_H

#include <apr_time.h>

#include "jm.h"
#include "jm_share.h"
#include "jm_watch.h"

typedef struct jm_reload_t jm_reload_t;

typedef enum jm_reload_e {
    JM_RELOAD_TAKEN = 0,       /* another content is in use from now on */
    JM_RELOAD_REFUSED,         /* it cannot be used, or is not there: the last
                                * good one goes on */
    JM_RELOAD_FORBIDDEN        /* this process may not read it: what was read
                                * at start goes on */
} jm_reload_e;

/* What was found at the number-th file (in the order of jm_reload_add). mark
 * is not 0, and the same for the same finding in each process: whoever tells
 * of it can do so once for all of them. text says why it was refused, else it
 * is NULL; it is borrowed for the call. */
typedef void jm_reload_say_t(void *baton, unsigned number,
                             const jm_watch_t *watch, jm_reload_e what,
                             apr_uint32_t mark, const char *text);

/* A new one without files, in p. */
jm_reload_t *jm_reload_make(apr_pool_t *p);

/* Adds the files of a table, which lives as long, as they were read when it
 * was compiled. */
void jm_reload_add(jm_reload_t *reload, const jm_table_t *table);

/* The sizes (octets, in p) that jm_share_make wants for what may be in the
 * files; *pcount: how many there are. */
const apr_size_t *jm_reload_sizes(unsigned *pcount, apr_pool_t *p,
                                  const jm_reload_t *reload);

/* The number of a file. 0: it is none of these. */
int jm_reload_number(unsigned *pnumber, const jm_reload_t *reload,
                     const jm_watch_t *watch);

/* From now on what is taken over is shared with other processes through
 * share, which is borrowed. */
void jm_reload_share(jm_reload_t *reload, jm_share_t *share);

/* In a process that begins: takes over what others took over before it. What
 * is lost is not replaced by what it has, which is older: the slot is empty
 * until the file can be read. */
void jm_reload_catch_up(jm_reload_t *reload);

/* Looks at all files: mtime, ctime, size, inode and device of what a name
 * leads to, through symbolic links; and, where these changed or are younger
 * than 2 s, at the content. Says each finding when it is new. 1: a file is
 * just being written, and should be looked at again in a moment; of lines that
 * were added to a revocation list, the whole ones count at once. */
int jm_reload_look(jm_reload_t *reload, apr_time_t now, jm_reload_say_t *say,
                   void *baton);

#endif
