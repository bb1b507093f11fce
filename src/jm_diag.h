/*
 * jm_diag.h: configuration diagnostics. Collects every mistake of one file
 * and says where it is, what is wrong and what to write instead.
 * Touches only the pool it was given.
 */
#ifndef JM_DIAG_H
#define JM_DIAG_H

#include "jm.h"

typedef enum jm_severity_e {
    JM_WARNING,
    JM_ERROR
} jm_severity_e;

typedef struct jm_diag_t {
    jm_severity_e severity;
    unsigned line;        /* from 1; 0: the file as a whole */
    unsigned col;         /* from 1, in octets */
    const char *pointer;  /* RFC 6901; "" is the whole document */
    const char *message;  /* what is wrong, and what to write instead */
} jm_diag_t;

struct jm_diags_t {
    apr_pool_t *p;             /* owns list and messages */
    const char *file;          /* as the administrator named it */
    jm_str_t source;           /* octets of the file, borrowed */
    apr_array_header_t *list;  /* of jm_diag_t, in the order found */
    unsigned errors;           /* of severity JM_ERROR in list */
    apr_array_header_t *lines; /* private: apr_size_t, where lines start */
    apr_hash_t *seen;          /* private: what is in list */
};

/* Starts an empty collection in p for file, whose octets are source. */
void jm_diag_init(jm_diags_t *d, apr_pool_t *p, const char *file,
                  jm_str_t source);

/* Adds one at an offset (octets) of the source; an offset past the end is
 * the end. pointer is borrowed as long as d. The same message at the same
 * place is added once. */
void jm_diag_add(jm_diags_t *d, jm_severity_e severity, apr_size_t offset,
                 const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Adds an error about the file as a whole (it cannot be read, say). */
void jm_diag_file(jm_diags_t *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Sorts by place, as the reader of the file meets them; those of one place
 * stay in the order found. */
void jm_diag_sort(jm_diags_t *d, apr_pool_t *ptemp);

/* "FILE:LINE:COL: /pointer: message" in p ("FILE: message" for line 0; the
 * whole document's pointer prints as "/"); a warning has "warning: " before
 * its message. Control characters in it are escaped as \xHH. */
const char *jm_diag_line(apr_pool_t *p, const jm_diags_t *d,
                         const jm_diag_t *diag);

/* The word of the NULL-terminated list that word was most likely meant to
 * be, or NULL if none is near (edit distance, where two neighbours swapped
 * are one mistake, at most a third of word's length, at least 1, but not the
 * whole word; case does not count, `-` and `_` are alike). */
const char *jm_diag_nearest(const char *word, const char *const *words);

/* " (did you mean "X"?)" in p, or "" if jm_diag_nearest has none. */
const char *jm_diag_hint(apr_pool_t *p, const char *word,
                         const char *const *words);

#endif
