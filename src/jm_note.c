/*
 * jm_note.c: claims as notes. Touches the block and the pool it is given.
 */
#include "jm_note.h"

#include "jm_char.h"
#include "jm_json.h"

#define PREFIX "jwt."
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* --- text --- */

/* Octets of a note that a character takes whose first octet is c. */
static apr_size_t width_of(unsigned char c)
{
    if (jm_char_is_control((char)c) || c >= 0xF0) {
        return 4;
    }
    return c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
}

/* 1 if text stands in a note as it is; plain: it is known to hold no
 * control. */
static int fits(jm_str_t text, int plain)
{
    return text.len <= JM_NOTE_VALUE_MAX
           && (plain || !jm_char_has_control(text));
}

/* Octets that write_text writes at most, NUL included. */
static apr_size_t size_of(jm_str_t text, int plain)
{
    if (fits(text, plain)) {
        return text.len + 1;
    }
    return (text.len < JM_NOTE_VALUE_MAX / 4 ? 4 * text.len
                                             : JM_NOTE_VALUE_MAX) + 1;
}

/* Returns what is behind the NUL. */
static char *write_text(char *out, jm_str_t text, int plain)
{
    const char *start = out;
    apr_size_t i;

    if (fits(text, plain)) {
        memcpy(out, text.len ? text.ptr : "", text.len);
        out[text.len] = '\0';
        return out + text.len + 1;
    }
    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((apr_size_t)(out - start) + width_of(c) > JM_NOTE_VALUE_MAX) {
            break;
        }
        if (jm_char_is_control((char)c)) {
            out += apr_snprintf(out, 5, "\\x%02x", c);
        }
        else {
            *out++ = (char)c;
        }
    }
    *out++ = '\0';
    return out;
}

const char *jm_note_text(apr_pool_t *p, jm_str_t text)
{
    char *out = apr_palloc(p, size_of(text, 0));

    write_text(out, text, 0);
    return out;
}

/* --- notes --- */

static int is_scalar(const jm_json_t *claim)
{
    return claim->type == JM_JSON_STRING || claim->type == JM_JSON_NUMBER
           || claim->type == JM_JSON_BOOL;
}

/* As it is: a note may need it otherwise. */
static const char *scalar_text(const jm_json_t *claim)
{
    if (claim->type == JM_JSON_BOOL) {
        return claim->truth ? "true" : "false";
    }
    return claim->text.ptr;
}

static unsigned most_notes(const jm_json_t *claims)
{
    return claims->count < JM_NOTES_MAX ? claims->count : JM_NOTES_MAX;
}

/* Also for those that have no note in the end. */
apr_size_t jm_notes_size(const jm_json_t *claims)
{
    apr_size_t size = most_notes(claims) * sizeof(jm_note_t);
    unsigned i;

    for (i = 0; i < claims->count; i++) {
        const jm_json_t *claim = &claims->items[i];

        if (is_scalar(claim)) {
            size += PREFIX_LEN + size_of(claim->name, claim->plain_name);
            size += fits(claim->text, claim->plain)
                    ? 0 : size_of(claim->text, 0);
        }
    }
    return size;
}

jm_notes_t jm_notes_make(void *block, const jm_json_t *claims)
{
    jm_notes_t notes = { block, 0 };
    jm_note_t *note = block;
    char *at = (char *)(note + most_notes(claims));
    unsigned i;

    for (i = 0; i < claims->count && notes.count < JM_NOTES_MAX; i++) {
        const jm_json_t *claim = &claims->items[i];

        if (!is_scalar(claim) || claim->shared) {
            continue;
        }
        note->name = memcpy(at, PREFIX, PREFIX_LEN);
        at = write_text(at + PREFIX_LEN, claim->name, claim->plain_name);
        note->text = scalar_text(claim);
        if (!fits(claim->text, claim->plain)) {
            note->text = at;
            at = write_text(at, claim->text, 0);
        }
        note++;
        notes.count++;
    }
    return notes;
}
