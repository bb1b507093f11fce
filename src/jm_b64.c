/*
 * jm_b64.c: strict base64url without padding. Touches only the pool it was
 * given.
 */
#include "jm_b64.h"

static const char alphabet[64] = {
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M',
    'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z',
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
    'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '_',
};

#define NOT_IN_ALPHABET 64U

/* By comparisons, not by table: the octet may be one of a secret's. */
static unsigned digit_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26U;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52U;
    }
    if (c == '-') {
        return 62;
    }
    return c == '_' ? 63 : NOT_IN_ALPHABET;
}

/* Decodes n digits (2 to 4) to n - 1 octets at out; 0 if one is not in the
 * alphabet or bits that no octet needs are set. */
static int decode_group(unsigned char *out, const char *in, apr_size_t n)
{
    unsigned long bits = 0;
    apr_size_t i;

    for (i = 0; i < 4; i++) {
        unsigned d = i < n ? digit_value((unsigned char)in[i]) : 0;

        if (d == NOT_IN_ALPHABET) {
            return 0;
        }
        bits = bits << 6 | d;
    }
    for (i = 0; i < n - 1; i++) {
        out[i] = (unsigned char)(bits >> 16 & 0xFF);
        bits = bits << 8 & 0xFFFFFF;
    }
    return n == 4 || bits == 0;
}

apr_status_t jm_b64_decode(jm_str_t *pout, apr_pool_t *p, jm_str_t in)
{
    apr_size_t size = in.len / 4 * 3 + (in.len % 4 ? in.len % 4 - 1 : 0);
    apr_size_t at;
    unsigned char *out;
    unsigned char *to;

    *pout = jm_strn("", 0);
    if (in.len % 4 == 1) {
        return APR_EINVAL;
    }
    to = out = apr_palloc(p, size + 1);
    for (at = 0; at < in.len; at += 4) {
        apr_size_t n = in.len - at < 4 ? in.len - at : 4;

        if (!decode_group(to, in.ptr + at, n)) {
            return APR_EINVAL;
        }
        to += n - 1;
    }
    *to = '\0';
    *pout = jm_strn((const char *)out, size);
    return APR_SUCCESS;
}

int jm_b64_is_valid(jm_str_t in)
{
    unsigned char scratch[3];
    apr_size_t at;

    if (in.len % 4 == 1) {
        return 0;
    }
    for (at = 0; at < in.len; at += 4) {
        apr_size_t n = in.len - at < 4 ? in.len - at : 4;

        if (!decode_group(scratch, in.ptr + at, n)) {
            return 0;
        }
    }
    return 1;
}

/* Encodes n octets (1 to 3) to n + 1 digits at out. */
static void encode_group(char *out, const unsigned char *in, apr_size_t n)
{
    unsigned long bits = 0;
    apr_size_t i;

    for (i = 0; i < 3; i++) {
        bits = bits << 8 | (i < n ? in[i] : 0U);
    }
    for (i = 0; i <= n; i++) {
        out[i] = alphabet[bits >> 18 & 0x3F];
        bits = bits << 6 & 0xFFFFFF;
    }
}

jm_str_t jm_b64_encode(apr_pool_t *p, jm_str_t in)
{
    apr_size_t size = in.len / 3 * 4 + (in.len % 3 ? in.len % 3 + 1 : 0);
    const unsigned char *from = (const unsigned char *)in.ptr;
    char *out = apr_palloc(p, size + 1);
    char *to = out;
    apr_size_t at;

    for (at = 0; at < in.len; at += 3) {
        apr_size_t n = in.len - at < 3 ? in.len - at : 3;

        encode_group(to, from + at, n);
        to += n + 1;
    }
    *to = '\0';
    return jm_strn(out, size);
}
