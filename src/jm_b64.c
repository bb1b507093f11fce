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

#define BAD 0x80

/* The value of each octet, BAD outside the alphabet. How long a look-up takes
 * tells nobody anything: a token is known to whoever sends it, and secrets are
 * decoded at load only. */
static const unsigned char values[256] = {
#define ROW BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, \
            BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD
    ROW, ROW,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, 62, BAD,
    BAD, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    20, 21, 22, 23, 24, 25, BAD, BAD, BAD, BAD, 63, BAD, 26, 27, 28, 29, 30,
    31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
    49, 50, 51, BAD, BAD, BAD, BAD, BAD,
    ROW, ROW, ROW, ROW, ROW, ROW, ROW, ROW
#undef ROW
};

/* A last group of n digits (2 or 3) that stands for n - 1 octets has bits
 * that no octet needs: they are to be zero. */
static int has_spare_bits(jm_str_t in)
{
    static const unsigned char spare[4] = { 0, 0, 0x0F, 0x03 };

    return in.len
           && (values[(unsigned char)in.ptr[in.len - 1]] & spare[in.len % 4]);
}

int jm_b64_is_valid(jm_str_t in)
{
    const unsigned char *from = (const unsigned char *)in.ptr;
    unsigned char seen = 0;
    apr_size_t i;

    for (i = 0; i < in.len; i++) {
        seen |= values[from[i]];
    }
    return !(seen & BAD) && in.len % 4 != 1 && !has_spare_bits(in);
}

/* Octets of the digits at from, n of them (2 to 4). */
static void decode_group(unsigned char *to, const unsigned char *from,
                         apr_size_t n)
{
    unsigned bits = (unsigned)values[from[0]] << 18
                    | (unsigned)values[from[1]] << 12;

    bits |= n > 2 ? (unsigned)values[from[2]] << 6 : 0;
    bits |= n > 3 ? values[from[3]] : 0;
    to[0] = (unsigned char)(bits >> 16);
    if (n > 2) {
        to[1] = (unsigned char)(bits >> 8);
    }
    if (n > 3) {
        to[2] = (unsigned char)bits;
    }
}

apr_status_t jm_b64_decode(jm_str_t *pout, apr_pool_t *p, jm_str_t in)
{
    const unsigned char *from = (const unsigned char *)in.ptr;
    apr_size_t whole = in.len / 4;
    apr_size_t size = whole * 3 + (in.len % 4 ? in.len % 4 - 1 : 0);
    unsigned char *out;
    apr_size_t i;

    *pout = jm_strn("", 0);
    if (!jm_b64_is_valid(in)) {
        return APR_EINVAL;
    }
    out = apr_palloc(p, size + 1);
    for (i = 0; i < whole; i++) {
        decode_group(out + i * 3, from + i * 4, 4);
    }
    if (in.len % 4) {
        decode_group(out + whole * 3, from + whole * 4, in.len % 4);
    }
    out[size] = '\0';
    *pout = jm_strn((const char *)out, size);
    return APR_SUCCESS;
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
