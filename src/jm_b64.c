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

/* How many octets in begins with that are in the alphabet. */
static apr_size_t span(jm_str_t in)
{
    const unsigned char *from = (const unsigned char *)in.ptr;
    apr_size_t i = 0;

    while (i + 4 <= in.len
           && !((values[from[i]] | values[from[i + 1]] | values[from[i + 2]]
                 | values[from[i + 3]]) & BAD)) {
        i += 4;
    }
    while (i < in.len && !(values[from[i]] & BAD)) {
        i++;
    }
    return i;
}

int jm_b64_is_valid(jm_str_t in)
{
    return in.len % 4 != 1 && !has_spare_bits(in)
           && span(in) == in.len;
}

/* Three octets of four digits. BAD if one is not in the alphabet. */
static unsigned decode_group(unsigned char *to, const unsigned char *from)
{
    unsigned a = values[from[0]];
    unsigned b = values[from[1]];
    unsigned c = values[from[2]];
    unsigned d = values[from[3]];

    to[0] = (unsigned char)(a << 2 | b >> 4);
    to[1] = (unsigned char)(b << 4 | c >> 2);
    to[2] = (unsigned char)(c << 6 | d);
    return (a | b | c | d) & BAD;
}

/* The same of the last two or three digits: one octet less than they are. */
static unsigned decode_rest(unsigned char *to, const unsigned char *from,
                            apr_size_t n)
{
    unsigned char digits[4] = { 'A', 'A', 'A', 'A' };
    unsigned char octets[3];
    unsigned bad;

    memcpy(digits, from, n);
    bad = decode_group(octets, digits);
    memcpy(to, octets, n - 1);
    return bad;
}

apr_status_t jm_b64_decode(jm_str_t *pout, apr_pool_t *p, jm_str_t in)
{
    const unsigned char *from = (const unsigned char *)in.ptr;
    apr_size_t rest = in.len % 4;
    apr_size_t size = in.len / 4 * 3 + (rest ? rest - 1 : 0);
    unsigned char *out, *to;
    unsigned bad = 0;
    apr_size_t i;

    *pout = jm_strn("", 0);
    if (rest == 1 || has_spare_bits(in)) {
        return APR_EINVAL;
    }
    to = out = apr_palloc(p, size + 1);
    for (i = 0; i + 4 <= in.len; i += 4) {
        bad |= decode_group(to, from + i);
        to += 3;
    }
    if (rest) {
        bad |= decode_rest(to, from + i, rest);
    }
    out[size] = '\0';
    if (bad) {
        return APR_EINVAL;
    }
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
