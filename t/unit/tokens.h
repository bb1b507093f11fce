/*
 * tokens.h: minted tokens for the unit tests, and what becomes of them.
 */
#ifndef TOKENS_H
#define TOKENS_H

#include "jm_b64.h"
#include "jm_jws.h"
#include "keys.h"

#define CLAIMS "{\"iss\":\"joe\",\"sub\":\"me\"}"

static inline jm_str_t fmt(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static inline jm_str_t fmt(const char *format, ...)
{
    va_list ap;
    char *text;

    va_start(ap, format);
    text = apr_pvsprintf(tap_pool, format, ap);
    va_end(ap);
    return jm_str(text);
}

/* The verdict of parse and verify; *pkey is NULL unless JM_OK. */
static inline jm_verdict_e check(jm_str_t token, const jm_keyset_t *set,
                          jm_algs_t allowed)
{
    const jm_key_t *key = NULL;
    jm_jws_t jws;
    jm_verdict_e verdict = jm_jws_parse(&jws, tap_pool, token);

    if ((verdict == JM_OK) != (jws.header != NULL)) {
        ok(0, "a header is handed out with JM_OK only");
    }
    if (verdict == JM_OK) {
        verdict = jm_jws_verify(&key, tap_pool, &jws, set, allowed);
        if ((verdict == JM_OK) != (key != NULL)) {
            ok(0, "a key is handed out with JM_OK only");
        }
    }
    if (ERR_peek_error()) {
        ok(0, "the error queue is empty");
    }
    return verdict;
}

static inline void expect(jm_verdict_e want, jm_str_t token,
                          const jm_keyset_t *set, jm_algs_t allowed,
                          const char *sentence)
{
    jm_verdict_e got = check(token, set, allowed);

    if (!ok(got == want, "%s: %s", jm_error(want)->name, sentence)) {
        printf("# got %s: %.*s\n", jm_error(got)->name, (int)token.len,
               token.ptr);
    }
}

/* A token with this header, signed by the key of a row with its algorithm. */
static inline jm_str_t mint(unsigned row, const char *header,
                            const char *payload)
{
    jm_str_t token;

    if (jm_mint_sign(&token, tap_pool, minted(row), jm_alg_at(row),
                     jm_str(header), jm_str(payload)) != APR_SUCCESS) {
        printf("Bail out! cannot sign\n");
        exit(2);
    }
    return token;
}

static inline jm_str_t token_of(unsigned row)
{
    return mint(row, jm_mint_header(tap_pool, jm_alg_at(row)->name,
                                    NULL).ptr, CLAIMS);
}

static inline const jm_keyset_t *set_of(unsigned row)
{
    heard_t heard;

    return row < 3 ? read_secret(&heard, jm_mint_secret(minted(row)))
                   : read_pem(&heard, minted_pem(row));
}

static inline const jm_keyset_t *jwks(const char *text)
{
    heard_t heard;

    return read_jwks(&heard, text, 0);
}

/* Header and payload part of a token, with the dot between. */
static inline jm_str_t signed_part(jm_str_t token)
{
    apr_size_t len = token.len;

    while (token.ptr[len - 1] != '.') {
        len--;
    }
    return jm_strn(token.ptr, len - 1);
}

static inline jm_str_t raw_signature(jm_str_t token)
{
    apr_size_t skip = signed_part(token).len + 1;
    jm_str_t raw;

    jm_b64_decode(&raw, tap_pool, jm_strn(token.ptr + skip,
                                          token.len - skip));
    return raw;
}

static inline jm_str_t with_signature(jm_str_t token, jm_str_t raw)
{
    jm_str_t input = signed_part(token);

    return fmt("%.*s.%s", (int)input.len, input.ptr,
               jm_b64_encode(tap_pool, raw).ptr);
}

#endif
