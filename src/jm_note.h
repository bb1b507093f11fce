/*
 * jm_note.h: the claims of a token as names and texts for request notes, which
 * are C strings without regard to case. Touches the block it is given.
 */
#ifndef JM_NOTE_H
#define JM_NOTE_H

#include "jm.h"

typedef struct jm_note_t {
    const char *name;          /* "jwt.sub" */
    const char *text;          /* controls as \xHH, at most JM_NOTE_VALUE_MAX
                                * octets, no UTF-8 sequence cut */
} jm_note_t;

typedef struct jm_notes_t {
    const jm_note_t *list;     /* NULL: not made */
    unsigned count;            /* at most JM_NOTES_MAX */
} jm_notes_t;

/* Octets that jm_notes_make needs for these claims, an object. */
apr_size_t jm_notes_size(const jm_json_t *claims);

/* The top-level scalars of claims, the first JM_NOTES_MAX of them, as notes
 * in block, which is aligned as malloc's are; they borrow from claims. Two
 * claims whose names differ in case only would share a note: neither is
 * there. Requests with one cached token read the same: nobody writes into
 * them. */
jm_notes_t jm_notes_make(void *block, const jm_json_t *claims);

/* One name or text as it stands in a note, in p. */
const char *jm_note_text(apr_pool_t *p, jm_str_t text);

#endif
