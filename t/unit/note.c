/* Claims as notes: which have one, under which name, with which text. */
#include <time.h>

#include "tap.h"

#include "jm_json.h"
#include "jm_note.h"

/* The notes of a JSON object, in memory of malloc that is exactly as large as
 * jm_notes_size says: a sanitizer sees whoever writes behind it. */
static jm_notes_t notes_of(const char *text)
{
    const jm_json_t *claims;

    if (jm_json_parse(&claims, NULL, tap_pool, jm_str(text)) != APR_SUCCESS) {
        printf("Bail out! no JSON: %s\n", text);
        exit(2);
    }
    return jm_notes_make(malloc(jm_notes_size(claims)), claims);
}

static void release(jm_notes_t notes)
{
    free((void *)notes.list);
}

/* The text of a note; NULL: there is none of that name. */
static const char *text_of(jm_notes_t notes, const char *name)
{
    unsigned i;

    for (i = 0; i < notes.count; i++) {
        if (!strcmp(notes.list[i].name, name)) {
            return notes.list[i].text;
        }
    }
    return NULL;
}

static int is(jm_notes_t notes, const char *name, const char *text)
{
    const char *got = text_of(notes, name);

    return got && !strcmp(got, text);
}

static void test_kinds(void)
{
    jm_notes_t notes = notes_of(
        "{\"sub\":\"alice\",\"n\":-1.50e3,\"yes\":true,\"no\":false,"
        "\"nothing\":null,\"list\":[1],\"object\":{\"a\":1},\"empty\":\"\"}");

    ok(notes.count == 5, "scalars have notes, null and composites have none");
    ok(is(notes, "jwt.sub", "alice"), "a string as it is");
    ok(is(notes, "jwt.n", "-1.50e3"), "a number by its source digits");
    ok(is(notes, "jwt.yes", "true") && is(notes, "jwt.no", "false"),
       "booleans as words");
    ok(is(notes, "jwt.empty", ""), "an empty string is a value");
    release(notes);
}

static void test_controls(void)
{
    jm_notes_t notes = notes_of(
        "{\"a\":\"x\\r\\ny\\u0000z\\u007f\",\"b\\n\":\"\xC3\xA9\"}");

    ok(is(notes, "jwt.a", "x\\x0d\\x0ay\\x00z\\x7f"),
       "control characters are escaped in a text");
    ok(is(notes, "jwt.b\\x0a", "\xC3\xA9"),
       "and in a name; other characters are as they are");
    release(notes);
}

static void test_shared(void)
{
    jm_notes_t notes = notes_of(
        "{\"sub\":\"a\",\"SUB\":\"b\",\"Sub\":\"c\",\"subs\":\"d\"}");

    ok(notes.count == 1 && is(notes, "jwt.subs", "d"),
       "claims that differ in case only have no note");
    release(notes);
}

/* {"FIRST": 0, "c1":1, …} */
static const char *many(const char *first, unsigned count)
{
    const char *text = apr_pstrcat(tap_pool, "{", first, NULL);
    unsigned i;

    for (i = 0; i < count; i++) {
        text = apr_psprintf(tap_pool, "%s,\"c%u\":%u", text, i, i);
    }
    return apr_pstrcat(tap_pool, text, "}", NULL);
}

static void test_many(void)
{
    jm_notes_t notes = notes_of(many("\"sub\":\"a\",\"SUB\":\"b\"", 30));

    ok(notes.count == 30 && is(notes, "jwt.c29", "29")
       && !text_of(notes, "jwt.sub") && !text_of(notes, "jwt.SUB"),
       "the same of thirty claims");
    release(notes);
    notes = notes_of(many("\"sub\":\"a\",\"SUB\":\"b\"", 100));
    ok(notes.count == JM_NOTES_MAX && is(notes, "jwt.c0", "0")
       && is(notes, "jwt.c63", "63") && !text_of(notes, "jwt.c64"),
       "the first 64 that may have one");
    release(notes);
}

/* 2^15 names of one length and, for hashes that multiply by 33 (APR's own), of
 * one value, whatever their case: "ba" and "c@" are one to these. */
static void test_collisions(void)
{
    char *text = apr_palloc(tap_pool, (36 << 15) + 1);
    char *to = text;
    jm_notes_t notes;
    clock_t start;
    unsigned i, k;

    for (i = 0; i < 1 << 15; i++) {
        *to++ = i ? ',' : '{';
        *to++ = '"';
        for (k = 0; k < 15; k++) {
            memcpy(to, i >> k & 1 ? "ba" : "c@", 2);
            to += 2;
        }
        memcpy(to, "\":0", 3);
        to += 3;
    }
    memcpy(to, "}", 2);
    start = clock();
    notes = notes_of(text);
    ok(notes.count == JM_NOTES_MAX
       && (clock() - start) / CLOCKS_PER_SEC < 2 * tap_slow(),
       "many names that share a hash take no time");
    release(notes);
}

/* A text of n times what, as a note. */
static apr_size_t length_of(const char *what, unsigned n)
{
    const char *text = "";
    jm_notes_t notes;
    apr_size_t len;
    unsigned i;

    for (i = 0; i < n; i++) {
        text = apr_pstrcat(tap_pool, text, what, NULL);
    }
    notes = notes_of(apr_pstrcat(tap_pool, "{\"a\":\"", text, "\"}", NULL));
    len = strlen(text_of(notes, "jwt.a"));
    release(notes);
    return len;
}

static void test_length(void)
{
    ok(length_of("x", 1024) == 1024 && length_of("x", 1025) == 1024,
       "a text is cut at 1024 octets");
    ok(length_of("\xC3\xA9", 512) == 1024 && length_of("\xC3\xA9", 513) == 1024
       && length_of("\xE2\x82\xAC", 342) == 1023
       && length_of("\xF0\x9F\x98\x80", 257) == 1024,
       "and never inside a character");
    ok(length_of("\\n", 256) == 1024 && length_of("\\n", 257) == 1024,
       "nor inside an escape");
}

int main(void)
{
    tap_start();
    test_kinds();
    test_controls();
    test_shared();
    test_many();
    test_collisions();
    test_length();
    return tap_done();
}
