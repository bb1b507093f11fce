/*
 * jm_number.c: exact arithmetic on the digits of a JSON number. Touches
 * nothing.
 */
#include "jm_number.h"

/* Far more than a text has digits; ten times it is still below 2^63. */
#define EXPONENT_MAX APR_INT64_C(100000000000000000)

#define CEIL_DIGITS_MAX 19             /* of any number below 2^63 */
#define CEIL_MAX ((apr_uint64_t)APR_INT64_MAX)

/* (-1)^negative x D x 10^exponent, where D is the whole number of count
 * digits that begins at first: neither its first nor its last digit is 0;
 * a point may stand between them. Zero has count 0. */
typedef struct decimal_t {
    int negative;
    const char *first;
    apr_size_t count;
    apr_int64_t exponent;
    int saturated;                     /* the exponent is not exact */
} decimal_t;

/* The exponent behind `e`, held within EXPONENT_MAX. */
static apr_int64_t read_exponent(int *psaturated, const char *at,
                                 const char *end)
{
    apr_int64_t value = 0;
    int negative = at < end && *at == '-';

    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    for (; at < end; at++) {
        value = value * 10 + (*at - '0');
        if (value >= EXPONENT_MAX) {
            *psaturated = 1;
            value = EXPONENT_MAX;
            break;
        }
    }
    return negative ? -value : value;
}

static void read_decimal(decimal_t *d, jm_str_t text)
{
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    const char *last = NULL;
    const char *point = NULL;

    memset(d, 0, sizeof(*d));
    if (at < end && *at == '-') {
        d->negative = 1;
        at++;
    }
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            point = at;
        }
        else if (*at != '0') {
            d->first = d->first ? d->first : at;
            last = at;
        }
    }
    if (!last) {
        d->negative = 0;
        return;
    }
    point = point ? point : at;
    d->count = (apr_size_t)(last - d->first)
               + (point > d->first && point < last ? 0 : 1);
    d->exponent = at < end ? read_exponent(&d->saturated, at + 1, end) : 0;
    d->exponent += last < point ? point - last - 1 : point - last;
}

/* The octet behind a digit that holds the next one. */
static const char *next_digit(const char *at)
{
    return at[1] == '.' ? at + 2 : at + 1;
}

apr_status_t jm_number_ceil(apr_int64_t *pout, jm_str_t digits)
{
    decimal_t d;
    apr_int64_t whole;
    apr_int64_t i;
    apr_uint64_t value = 0;
    const char *at;

    *pout = 0;
    read_decimal(&d, digits);
    whole = (apr_int64_t)d.count + d.exponent;
    if (d.count == 0 || (whole <= 0 && d.negative)) {
        return APR_SUCCESS;
    }
    if (whole > CEIL_DIGITS_MAX) {
        return APR_ERANGE;
    }
    for (i = 0, at = d.first; i < whole; i++) {
        value *= 10;
        if (i < (apr_int64_t)d.count) {
            value += (apr_uint64_t)(*at - '0');
            /* Not behind the last digit: there the text may end. */
            at = i + 1 < (apr_int64_t)d.count ? next_digit(at) : at;
        }
    }
    if (value > CEIL_MAX) {
        return APR_ERANGE;
    }
    if (d.exponent < 0 && !d.negative && ++value > CEIL_MAX) {
        return APR_ERANGE;
    }
    *pout = d.negative ? -(apr_int64_t)value : (apr_int64_t)value;
    return APR_SUCCESS;
}

int jm_number_eq(jm_str_t a, jm_str_t b)
{
    decimal_t x;
    decimal_t y;
    const char *at;
    const char *bt;
    apr_size_t i;

    read_decimal(&x, a);
    read_decimal(&y, b);
    if (x.saturated || y.saturated) {
        return jm_str_eq(a, b);
    }
    if (x.negative != y.negative || x.count != y.count
        || x.exponent != y.exponent) {
        return 0;
    }
    for (i = 0, at = x.first, bt = y.first; i < x.count; i++) {
        if (*at != *bt) {
            return 0;
        }
        if (i + 1 < x.count) {
            at = next_digit(at);
            bt = next_digit(bt);
        }
    }
    return 1;
}
