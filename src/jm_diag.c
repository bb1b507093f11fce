/*
 * jm_diag.c: collects configuration diagnostics and prints them. Touches
 * only the pool it was given.
 */
#include "jm_diag.h"

#include <stdarg.h>
#include <stdlib.h>

/* Octets; a longer word is no misspelling of a key. */
#define WORD_MAX 64

void jm_diag_init(jm_diags_t *d, apr_pool_t *p, const char *file,
                  jm_str_t source)
{
    d->p = p;
    d->file = file;
    d->source = source;
    d->list = apr_array_make(p, 8, sizeof(jm_diag_t));
    d->errors = 0;
    d->lines = NULL;
    d->seen = apr_hash_make(p);
}

/* Indexes the lines once: a bad file has many diagnostics. */
static void index_lines(jm_diags_t *d)
{
    apr_size_t i;

    d->lines = apr_array_make(d->p, 64, sizeof(apr_size_t));
    APR_ARRAY_PUSH(d->lines, apr_size_t) = 0;
    for (i = 0; i < d->source.len; i++) {
        if (d->source.ptr[i] == '\n') {
            APR_ARRAY_PUSH(d->lines, apr_size_t) = i + 1;
        }
    }
}

static void locate(jm_diags_t *d, apr_size_t offset, unsigned *pline,
                   unsigned *pcol)
{
    int low = 0;
    int high;

    if (!d->lines) {
        index_lines(d);
    }
    if (offset > d->source.len) {
        offset = d->source.len;
    }
    high = d->lines->nelts;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;

        if (APR_ARRAY_IDX(d->lines, middle, apr_size_t) <= offset) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    *pline = (unsigned)low + 1;
    *pcol = (unsigned)(offset - APR_ARRAY_IDX(d->lines, low, apr_size_t)) + 1;
}

static void push(jm_diags_t *d, const jm_diag_t *diag)
{
    const char *key = apr_psprintf(d->p, "%d:%u:%u:%s", (int)diag->severity,
                                   diag->line, diag->col, diag->message);

    if (apr_hash_get(d->seen, key, APR_HASH_KEY_STRING)) {
        return;
    }
    apr_hash_set(d->seen, key, APR_HASH_KEY_STRING, key);
    APR_ARRAY_PUSH(d->list, jm_diag_t) = *diag;
    if (diag->severity == JM_ERROR) {
        d->errors++;
    }
}

void jm_diag_add(jm_diags_t *d, jm_severity_e severity, apr_size_t offset,
                 const char *pointer, const char *fmt, ...)
{
    jm_diag_t diag = { severity, 0, 0, pointer ? pointer : "", NULL };
    va_list ap;

    va_start(ap, fmt);
    diag.message = apr_pvsprintf(d->p, fmt, ap);
    va_end(ap);
    locate(d, offset, &diag.line, &diag.col);
    push(d, &diag);
}

void jm_diag_file(jm_diags_t *d, const char *fmt, ...)
{
    jm_diag_t diag = { JM_ERROR, 0, 0, "", NULL };
    va_list ap;

    va_start(ap, fmt);
    diag.message = apr_pvsprintf(d->p, fmt, ap);
    va_end(ap);
    push(d, &diag);
}

static int compare_places(const void *one, const void *other)
{
    const jm_diag_t *a = *(const jm_diag_t *const *)one;
    const jm_diag_t *b = *(const jm_diag_t *const *)other;

    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->col != b->col) {
        return a->col < b->col ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

void jm_diag_sort(jm_diags_t *d, apr_pool_t *ptemp)
{
    size_t count = (size_t)d->list->nelts;
    apr_array_header_t *found = apr_array_copy(ptemp, d->list);
    const jm_diag_t **order = apr_pcalloc(ptemp, (count + 1)
                                                 * sizeof(*order));
    size_t i;

    for (i = 0; i < count; i++) {
        order[i] = &APR_ARRAY_IDX(found, i, jm_diag_t);
    }
    qsort(order, count, sizeof(*order), compare_places);
    for (i = 0; i < count; i++) {
        APR_ARRAY_IDX(d->list, i, jm_diag_t) = *order[i];
    }
}

/* C0, DEL, and C1 in UTF-8 (0xC2 before 0x80 to 0x9F): a terminal obeys
 * them. Returns how many octets at s are to be escaped. */
static int control_length(const unsigned char *s)
{
    if (s[0] < 0x20 || s[0] == 0x7F) {
        return 1;
    }
    return s[0] == 0xC2 && s[1] >= 0x80 && s[1] <= 0x9F ? 2 : 0;
}

static const char *escape_controls(apr_pool_t *p, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *s = (const unsigned char *)text;
    char *out = apr_palloc(p, strlen(text) * 4 + 1);
    char *to = out;

    while (*s) {
        int n = control_length(s);

        if (n == 0) {
            *to++ = (char)*s++;
        }
        for (; n > 0; n--, s++) {
            *to++ = '\\';
            *to++ = 'x';
            *to++ = hex[*s >> 4];
            *to++ = hex[*s & 0xF];
        }
    }
    *to = '\0';
    return out;
}

const char *jm_diag_line(apr_pool_t *p, const jm_diags_t *d,
                         const jm_diag_t *diag)
{
    const char *kind = diag->severity == JM_WARNING ? "warning: " : "";
    const char *line;

    if (diag->line == 0) {
        line = apr_psprintf(p, "%s: %s%s", d->file, kind, diag->message);
    }
    else {
        line = apr_psprintf(p, "%s:%u:%u: %s: %s%s", d->file, diag->line,
                            diag->col, *diag->pointer ? diag->pointer : "/",
                            kind, diag->message);
    }
    return escape_controls(p, line);
}

static unsigned min_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static char fold(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c == '_' ? '-' : c;
}

/* Levenshtein's distance, where two neighbours in the wrong order are one
 * mistake, too: the most usual misspelling of a short word. */
static unsigned distance(const char *a, apr_size_t alen, const char *b,
                         apr_size_t blen)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0];
    unsigned *above = rows[1];
    unsigned *row = rows[2];
    apr_size_t i;
    apr_size_t j;

    for (j = 0; j <= blen; j++) {
        row[j] = (unsigned)j;
    }
    for (i = 1; i <= alen; i++) {
        unsigned *spare = before;

        before = above;
        above = row;
        row = spare;
        row[0] = (unsigned)i;
        for (j = 1; j <= blen; j++) {
            unsigned change = fold(a[i - 1]) != fold(b[j - 1]);

            row[j] = min_of(above[j], row[j - 1]) + 1;
            row[j] = min_of(row[j], above[j - 1] + change);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2])
                && fold(a[i - 2]) == fold(b[j - 1])) {
                row[j] = min_of(row[j], before[j - 2] + 1);
            }
        }
    }
    return row[blen];
}

const char *jm_diag_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    apr_size_t len = strlen(word);
    apr_size_t best = len / 3 > 1 ? len / 3 : 1;

    if (len > WORD_MAX) {
        return NULL;
    }
    for (; *words; words++) {
        apr_size_t wlen = strlen(*words);
        apr_size_t longer = len > wlen ? len : wlen;
        apr_size_t n;

        if (wlen > WORD_MAX) {
            continue;
        }
        n = distance(word, len, *words, wlen);
        /* A word with nothing in common is not near, however short. */
        if (n < longer && (nearest ? n < best : n <= best)) {
            nearest = *words;
            best = n;
        }
    }
    return nearest;
}

const char *jm_diag_hint(apr_pool_t *p, const char *word,
                         const char *const *words)
{
    const char *nearest = jm_diag_nearest(word, words);

    if (!nearest) {
        return "";
    }
    return apr_psprintf(p, " (did you mean \"%s\"?)", nearest);
}
