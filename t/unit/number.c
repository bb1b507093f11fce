/*
 * number.c: jm_number computes with the digits of a number, exactly, however
 * many there are and however large the exponent is.
 */
#include "tap.h"

#include "jm_number.h"

typedef struct ceil_t {
    const char *text;
    apr_status_t rv;
    apr_int64_t value;
} ceil_t;

static const ceil_t ceils[] = {
    { "0", APR_SUCCESS, 0 },
    { "-0", APR_SUCCESS, 0 },
    { "0.0", APR_SUCCESS, 0 },
    { "-0.000e-5", APR_SUCCESS, 0 },
    { "0e999999", APR_SUCCESS, 0 },
    { "0e999999999999999999999999", APR_SUCCESS, 0 },
    { "1", APR_SUCCESS, 1 },
    { "-1", APR_SUCCESS, -1 },
    { "10", APR_SUCCESS, 10 },
    { "100", APR_SUCCESS, 100 },
    { "1e2", APR_SUCCESS, 100 },
    { "1E+2", APR_SUCCESS, 100 },
    { "100e-2", APR_SUCCESS, 1 },
    { "100e-3", APR_SUCCESS, 1 },
    { "-100e-3", APR_SUCCESS, 0 },
    { "101e-2", APR_SUCCESS, 2 },
    { "-101e-2", APR_SUCCESS, -1 },
    { "0.5", APR_SUCCESS, 1 },
    { "-0.5", APR_SUCCESS, 0 },
    { "1.5", APR_SUCCESS, 2 },
    { "-1.5", APR_SUCCESS, -1 },
    { "1.0", APR_SUCCESS, 1 },
    { "1.00000000000000000000000000000001", APR_SUCCESS, 2 },
    { "0.00000000000000000000000000000001", APR_SUCCESS, 1 },
    { "1.25e1", APR_SUCCESS, 13 },
    { "1.25e2", APR_SUCCESS, 125 },
    { "12.50e1", APR_SUCCESS, 125 },
    { "0.00125e5", APR_SUCCESS, 125 },
    { "10.01", APR_SUCCESS, 11 },
    { "10.01e2", APR_SUCCESS, 1001 },
    { "10.010e1", APR_SUCCESS, 101 },
    { "9.999e2", APR_SUCCESS, 1000 },
    { "0.1e1", APR_SUCCESS, 1 },
    { "1e18", APR_SUCCESS, APR_INT64_C(1000000000000000000) },
    { "1e19", APR_ERANGE, 0 },
    { "-1e19", APR_ERANGE, 0 },
    { "9.223372036854775807e18", APR_SUCCESS, APR_INT64_MAX },
    { "9223372036854775806.5", APR_SUCCESS, APR_INT64_MAX },
    { "9223372036854775807", APR_SUCCESS, APR_INT64_MAX },
    { "9223372036854775807.0", APR_SUCCESS, APR_INT64_MAX },
    { "9223372036854775807.5", APR_ERANGE, 0 },
    { "9223372036854775808", APR_ERANGE, 0 },
    { "-9223372036854775807", APR_SUCCESS, -APR_INT64_MAX },
    { "-9223372036854775807.9", APR_SUCCESS, -APR_INT64_MAX },
    { "-9223372036854775808", APR_ERANGE, 0 },
    { "9999999999999999999", APR_ERANGE, 0 },
    { "18446744073709551616", APR_ERANGE, 0 },
    { "18446744073709551617", APR_ERANGE, 0 },
    { "99999999999999999999999999999999", APR_ERANGE, 0 },
    { "1000000000000000000000e-21", APR_SUCCESS, 1 },
    { "1e400", APR_ERANGE, 0 },
    { "-1e400", APR_ERANGE, 0 },
    { "1e-400", APR_SUCCESS, 1 },
    { "-1e-400", APR_SUCCESS, 0 },
    { "1e2147483648", APR_ERANGE, 0 },
    { "1e4294967296", APR_ERANGE, 0 },
    { "1e9223372036854775808", APR_ERANGE, 0 },
    { "1e18446744073709551616", APR_ERANGE, 0 },
    { "1e-18446744073709551616", APR_SUCCESS, 1 },
    { "1e999999999999999999999", APR_ERANGE, 0 },
    { "-1e999999999999999999999", APR_ERANGE, 0 },
    { "1e-999999999999999999999", APR_SUCCESS, 1 },
    { "-1e-999999999999999999999", APR_SUCCESS, 0 },
    { "1e00000000000000000000000000000002", APR_SUCCESS, 100 },
    { "1e-00000000000000000000000000000000", APR_SUCCESS, 1 },
};

/* A copy of exact size: a sanitizer sees each octet read too many. */
static jm_str_t exact(const char *text)
{
    apr_size_t len = strlen(text);
    char *copy = malloc(len);

    memcpy(copy, text, len);
    return jm_strn(copy, len);
}

static void test_ceil(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(ceils) / sizeof(*ceils); i++) {
        const ceil_t *v = &ceils[i];
        jm_str_t text = exact(v->text);
        apr_int64_t value = 7;
        apr_status_t rv = jm_number_ceil(&value, text);

        ok(rv == v->rv && value == v->value, "%s rounded up is %"
           APR_INT64_T_FMT "%s", v->text, v->value,
           v->rv == APR_ERANGE ? ", since it is out of range" : "");
        free((void *)text.ptr);
    }
}

typedef struct pair_t {
    const char *a;
    const char *b;
    int equal;
} pair_t;

static const pair_t pairs[] = {
    { "0", "-0", 1 },
    { "0", "0.0e9", 1 },
    { "0e99999999999999999999", "-0e-99999999999999999999", 1 },
    { "0", "1", 0 },
    { "0", "1e-99999999999999999999", 0 },
    { "1", "1.0", 1 },
    { "1", "10e-1", 1 },
    { "1", "0.1e1", 1 },
    { "1", "0.00001e+5", 1 },
    { "1", "1e0000000000000000000000000000000000000", 1 },
    { "1", "-1", 0 },
    { "1", "10", 0 },
    { "1", "0.1", 0 },
    { "10", "1e1", 1 },
    { "10.50", "105e-1", 1 },
    { "10.05", "1005e-2", 1 },
    { "10.05", "1.005e1", 1 },
    { "1005e-2", "0.1005e2", 1 },
    { "10.05", "10.06", 0 },
    { "100.5", "10.05", 0 },
    { "1050", "1005", 0 },
    { "18446744073709551615", "18446744073709551616", 0 },
    { "18446744073709551616", "18446744073709551616.0", 1 },
    { "9007199254740992", "9007199254740993", 0 },
    { "1e400", "1e401", 0 },
    { "1e400", "10e399", 1 },
    { "1e400", "-1e400", 0 },
    { "1e4294967296", "1", 0 },
    { "1e18446744073709551616", "1", 0 },
    { "1e99999999999999999", "10e99999999999999998", 1 },
    { "1e99999999999999999", "1e99999999999999998", 0 },
    { "1e-400", "1e-401", 0 },
    { "1e9999999999999999999", "1e9999999999999999999", 1 },
    { "1e9999999999999999999", "1e9999999999999999998", 0 },
    { "1e9999999999999999999", "-1e9999999999999999999", 0 },
    { "1e9999999999999999999", "1e-9999999999999999999", 0 },
};

static void test_eq(void)
{
    apr_size_t i;

    for (i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        const pair_t *v = &pairs[i];
        jm_str_t a = exact(v->a);
        jm_str_t b = exact(v->b);

        ok(jm_number_eq(a, b) == v->equal && jm_number_eq(b, a) == v->equal,
           "%s and %s are %s number", v->a, v->b,
           v->equal ? "the same" : "not the same");
        free((void *)a.ptr);
        free((void *)b.ptr);
    }
}

static void test_long(void)
{
    apr_size_t n = 1000000;
    char *text = apr_palloc(tap_pool, n + 16);
    apr_int64_t value;

    memset(text, '0', n);
    text[0] = '1';
    strcpy(text + n, "e-999999");
    ok(jm_number_ceil(&value, jm_str(text)) == APR_SUCCESS && value == 1,
       "a million digits and an exponent that undoes them are 1");
    ok(jm_number_eq(jm_str(text), jm_str("1.0")), "and equal to 1");
    text[n - 1] = '1';
    ok(jm_number_ceil(&value, jm_str(text)) == APR_SUCCESS && value == 2,
       "with the last digit set, rounded up to 2");
    ok(!jm_number_eq(jm_str(text), jm_str("1.0")), "and not equal to 1");
}

int main(void)
{
    tap_start();
    test_ceil();
    test_eq();
    test_long();
    return tap_done();
}
