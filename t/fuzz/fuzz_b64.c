/*
 * One text for each octet string, and one octet string for each text: what is
 * decoded is what a slow decoder makes of it, and is written back as it was.
 */
#include "fuzz.h"

#include "jm_b64.h"

/* RFC 4648 section 5, bit by bit; 0: not strict. */
static int decode_slowly(jm_str_t *pout, apr_pool_t *p, jm_str_t in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789-_";
    char *out = apr_pcalloc(p, in.len + 1);
    apr_size_t bits = 0, i;
    int k;

    for (i = 0; i < in.len; i++) {
        const char *at = in.ptr[i] ? strchr(digits, in.ptr[i]) : NULL;

        if (!at) {
            return 0;
        }
        for (k = 5; k >= 0; k--, bits++) {
            if ((at - digits) >> k & 1) {
                out[bits / 8] = (char)(out[bits / 8] | 0x80 >> bits % 8);
            }
        }
    }
    *pout = jm_strn(out, bits / 8);
    /* what is left over is less than a digit, and zero */
    return bits % 8 < 6 && !out[bits / 8];
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    jm_str_t text = jm_b64_encode(p, input);
    jm_str_t octets, slowly;

    must(jm_b64_is_valid(text) && text.ptr[text.len] == '\0');
    must(jm_b64_decode(&octets, p, text) == APR_SUCCESS);
    must(jm_str_eq(octets, input));
    must(text.len == (input.len * 8 + 5) / 6);
    if (!decode_slowly(&slowly, p, input)) {
        must(!jm_b64_is_valid(input));
        must(jm_b64_decode(&octets, p, input) == APR_EINVAL);
        must(!octets.len);
        return;
    }
    must(jm_b64_is_valid(input));
    must(jm_b64_decode(&octets, p, input) == APR_SUCCESS);
    must(jm_str_eq(octets, slowly) && octets.ptr[octets.len] == '\0');
    must(jm_str_eq(jm_b64_encode(p, octets), input));
}
