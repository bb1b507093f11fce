/*
 * jm_json_mistake.c: tables of what is not JSON. Touches nothing.
 */
#include "jm_json_mistake.h"

typedef struct mistake_t {
    const char *text;
    const char *message;
} mistake_t;

#define COMMENT "comments are not JSON: use a \"description\" member instead"
#define QUOTES "typographic quotes are not JSON: write \""

static const mistake_t anywhere[] = {
    { "//", COMMENT },
    { "/*", COMMENT },
    { "#", COMMENT },
    { "\xE2\x80\x9C", QUOTES },
    { "\xE2\x80\x9D", QUOTES },
    { "\xEF\xBB\xBF", "a byte order mark is not JSON: save the file as UTF-8 "
                      "without it" },
    { "\xFE\xFF", "this is UTF-16: save the file as UTF-8" },
    { "\xFF\xFE", "this is UTF-16: save the file as UTF-8" },
    { NULL, NULL }
};

static const mistake_t for_value[] = {
    { "NaN", "NaN is not JSON: write a number or null" },
    { "-NaN", "NaN is not JSON: write a number or null" },
    { "Infinity", "Infinity is not JSON: write a number or null" },
    { "-Infinity", "Infinity is not JSON: write a number or null" },
    { "undefined", "undefined is not JSON: write null" },
    { "None", "None is not JSON: write null" },
    { "NULL", "null must be in lower case" },
    { "Null", "null must be in lower case" },
    { "TRUE", "true must be in lower case" },
    { "True", "true must be in lower case" },
    { "FALSE", "false must be in lower case" },
    { "False", "false must be in lower case" },
    { "'", "strings must be in double quotes" },
    { "`", "strings must be in double quotes" },
    { "+", "a number must not begin with +" },
    { ".", "a digit must stand before the decimal point: write 0.5, not .5" },
    { ",", "a value is missing before the comma" },
    { "]", "a value is missing before ]" },
    { "}", "a value is missing before }" },
    { NULL, NULL }
};

static const mistake_t for_name[] = {
    { "'", "names must be in double quotes" },
    { "`", "names must be in double quotes" },
    { ",", "a member is missing before the comma" },
    { ":", "a name in double quotes is missing before the colon" },
    { "]", "{ must be closed by }, not by ]" },
    { NULL, NULL }
};

static const char *find(const mistake_t *list, jm_str_t text)
{
    for (; list->text; list++) {
        apr_size_t len = strlen(list->text);

        if (text.len >= len && !memcmp(text.ptr, list->text, len)) {
            return list->message;
        }
    }
    return NULL;
}

const char *jm_json_mistake(jm_str_t text, jm_json_want_e want)
{
    const char *message = find(anywhere, text);

    if (!message && want != JM_JSON_WANT_OTHER) {
        message = find(want == JM_JSON_WANT_NAME ? for_name : for_value, text);
    }
    return message;
}
