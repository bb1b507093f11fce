/*
 * jm_json_decode.c: escapes of JSON strings, by json-c, of which no object
 * outlives a call. Touches the pool and the decoder it is given.
 */
#include "jm_json_decode.h"

#include <openssl/crypto.h>

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <json-c/printbuf.h>

#include "jm_char.h"

#define PAIR_LEN 12            /* octets of \uD83D\uDE00 */

/* The value of four hexadecimal digits. */
static unsigned read_hex(const char *digits)
{
    unsigned value = 0;
    int i;

    for (i = 0; i < 4; i++) {
        value = value << 4 | (unsigned)jm_char_hex(digits[i]);
    }
    return value;
}

/* The character that the surrogate pair at a backslash stands for; 0: it is
 * another escape. */
static unsigned pair_at(const char *escape)
{
    unsigned high = escape[1] == 'u' ? read_hex(escape + 2) : 0;

    if (high < 0xD800 || high > 0xDFFF) {
        return 0;
    }
    return 0x10000 + ((high & 0x3FF) << 10 | (read_hex(escape + 8) & 0x3FF));
}

/* UTF-8 of a character beyond U+FFFF (RFC 3629 section 3); behind it. */
static char *write_character(char *to, unsigned character)
{
    *to++ = (char)(0xF0 | character >> 18);
    *to++ = (char)(0x80 | (character >> 12 & 0x3F));
    *to++ = (char)(0x80 | (character >> 6 & 0x3F));
    *to++ = (char)(0x80 | (character & 0x3F));
    return to;
}

/* A copy in p with the characters themselves for surrogate pairs: json-c 0.16
 * takes some of these for halves of another pair (U+1D800 to U+1DFFF, and the
 * same of each plane). */
static jm_str_t join_pairs(apr_pool_t *p, const char *string)
{
    const char *end = string + 1;
    char *copy, *to;

    while (*end != '"') {
        end += *end == '\\' ? 2 : 1;
    }
    copy = to = apr_palloc(p, (apr_size_t)(end - string) + 1);
    while (string < end) {
        unsigned character = *string == '\\' ? pair_at(string) : 0;

        if (character) {
            to = write_character(to, character);
            string += PAIR_LEN;
            continue;
        }
        if (*string == '\\') {
            *to++ = *string++;
        }
        *to++ = *string++;
    }
    *to++ = '"';
    return jm_strn(copy, (apr_size_t)(to - copy));
}

/* json-c does not tell always that it has no memory: a text of another length
 * is that, too. It may be a secret, and json-c frees it as it is. */
static apr_status_t take_text(char *text, json_object *string,
                              apr_uint32_t len)
{
    char *decoded;

    if (!json_object_is_type(string, json_type_string)
        || json_object_get_string_len(string) != (int)len) {
        return APR_ENOMEM;
    }
    decoded = (char *)json_object_get_string(string);
    memcpy(text, decoded, len);
    OPENSSL_cleanse(decoded, len);
    return APR_SUCCESS;
}

apr_status_t jm_json_decode(char *text, jm_json_decoder_t *decoder,
                            apr_pool_t *p, const char *string,
                            apr_uint32_t len)
{
    jm_str_t joined = join_pairs(p, string);
    json_object *parsed;
    apr_status_t rv;

    if (!decoder->tokener) {
        decoder->tokener = json_tokener_new();
    }
    if (!decoder->tokener) {
        return APR_ENOMEM;
    }
    parsed = json_tokener_parse_ex(decoder->tokener, joined.ptr,
                                   (int)joined.len);
    rv = take_text(text, parsed, len);
    json_object_put(parsed);
    json_tokener_reset(decoder->tokener);
    OPENSSL_cleanse((char *)joined.ptr, joined.len);
    return rv;
}

void jm_json_decoder_end(jm_json_decoder_t *decoder)
{
    struct printbuf *last;

    if (decoder->tokener) {
        last = decoder->tokener->pb;
        OPENSSL_cleanse(last->buf, (apr_size_t)last->size);
        json_tokener_free(decoder->tokener);
    }
}
