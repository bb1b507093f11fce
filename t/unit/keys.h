/*
 * keys.h: keys for the unit tests: those of the RFCs as data, others minted
 * once; and an ear for what a key reader reports.
 */
#ifndef KEYS_H
#define KEYS_H

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "jm_jwk.h"
#include "jm_json.h"
#include "jm_mint.h"
#include "tap.h"
#include "vectors.h"

/* Sets of algorithms. */
#define ALGS_HS ((jm_algs_t)0x0007)
#define ALGS_RS ((jm_algs_t)0x0038)
#define ALGS_PS ((jm_algs_t)0x01c0)
#define ALGS_ES256 ((jm_algs_t)0x0200)
#define ALGS_ES512 ((jm_algs_t)0x0800)
#define ALGS_ED ((jm_algs_t)0x1000)

/* OpenSSL first: its own cleanup at exit then runs after APR's pools have
 * freed their keys. */
static inline apr_pool_t *keys_start(void)
{
    OPENSSL_init_crypto(0, NULL);
    return tap_start();
}

/* What a reader reported. */
typedef struct heard_t {
    unsigned errors;
    unsigned warnings;
    const char *text;          /* the last one */
    const jm_json_t *at;
} heard_t;

static inline void hear(void *baton, jm_severity_e severity,
                        const jm_json_t *at, const char *text)
{
    heard_t *heard = baton;

    if (severity == JM_ERROR) {
        heard->errors++;
    }
    else {
        heard->warnings++;
    }
    heard->text = text;
    heard->at = at;
}

/* A reader's contract on success and failure, whatever else is asked. */
static inline int contract_kept(apr_status_t rv, const jm_keyset_t *set,
                                const heard_t *heard)
{
    if (ERR_peek_error()) {
        return 0;
    }
    if (rv == APR_SUCCESS) {
        return set && set->count > 0 && set->algs && heard->errors == 0;
    }
    return rv == APR_EINVAL && !set && heard->errors > 0 && heard->text;
}

/* The set of a JSON text; aborts the test run if the text is no JSON. */
static inline const jm_keyset_t *read_jwks(heard_t *heard, const char *text,
                                           int remote)
{
    const jm_keyset_t *set;
    const jm_json_t *json;
    apr_status_t rv;

    memset(heard, 0, sizeof(*heard));
    if (jm_json_parse(&json, NULL, tap_pool, jm_str(text)) != APR_SUCCESS) {
        printf("Bail out! no JSON: %s\n", text);
        exit(2);
    }
    rv = jm_keyset_jwks(&set, tap_pool, json, remote, hear, heard);
    if (!contract_kept(rv, set, heard)) {
        ok(0, "the reader of JWKs keeps its contract: %s", text);
    }
    return set;
}

static inline const jm_keyset_t *read_pem(heard_t *heard, jm_str_t pem)
{
    const jm_keyset_t *set;
    apr_status_t rv;

    memset(heard, 0, sizeof(*heard));
    rv = jm_keyset_pem(&set, tap_pool, pem, hear, heard);
    if (!contract_kept(rv, set, heard)) {
        ok(0, "the reader of PEM keeps its contract");
    }
    return set;
}

static inline const jm_keyset_t *read_secret(heard_t *heard, jm_str_t secret)
{
    const jm_keyset_t *set;
    apr_status_t rv;

    memset(heard, 0, sizeof(*heard));
    rv = jm_keyset_secret(&set, tap_pool, secret, hear, heard);
    if (!contract_kept(rv, set, heard)) {
        ok(0, "the reader of secrets keeps its contract");
    }
    return set;
}

/* A minted key for an algorithm; one for all HS (64 octets), one for all RS
 * and PS, made when first asked for. */
static inline const jm_mint_t *minted(unsigned row)
{
    static const unsigned maker[JM_ALG_COUNT] = {
        2, 2, 2, 3, 3, 3, 3, 3, 3, 9, 10, 11, 12
    };
    static jm_mint_t *keys[JM_ALG_COUNT];
    unsigned i = maker[row];

    if (!keys[i] && jm_mint_generate(&keys[i], tap_pool, jm_alg_at(i), 0)
                    != APR_SUCCESS) {
        printf("Bail out! no key for %s\n", jm_alg_at(i)->name);
        exit(2);
    }
    return keys[i];
}

/* The public half of a minted key as PEM text. */
static inline jm_str_t minted_pem(unsigned row)
{
    jm_str_t pem;

    if (jm_mint_public_pem(&pem, tap_pool, minted(row)) != APR_SUCCESS) {
        printf("Bail out! no PEM for %s\n", jm_alg_at(row)->name);
        exit(2);
    }
    return pem;
}

/* "{members}" of a minted key as a JWK; alg and kid may be NULL. */
static inline const char *minted_jwk(unsigned row, const char *alg,
                                     const char *kid)
{
    jm_str_t id = jm_str(kid), jwk;

    if (jm_mint_jwk(&jwk, tap_pool, minted(row), alg, kid ? &id : NULL)
        != APR_SUCCESS) {
        printf("Bail out! no JWK for %s\n", jm_alg_at(row)->name);
        exit(2);
    }
    return jwk.ptr;
}

#endif
