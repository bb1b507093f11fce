/*
 * jm_alg.c: the algorithm table. Const data and look-ups; touches nothing.
 */
#include <openssl/obj_mac.h>

#include "jm_alg.h"

#define HMAC JM_FAMILY_HMAC
#define RSA JM_FAMILY_RSA
#define EC JM_FAMILY_EC
#define ED JM_FAMILY_ED
#define P256 NID_X9_62_prime256v1
#define P384 NID_secp384r1
#define P521 NID_secp521r1

static const jm_alg_t jm_alg_table[JM_ALG_COUNT] = {
    /* name     bit      row family curve digest   len pss signature */
    { "HS256", 1u << 0,   0, HMAC,    0, "SHA256", 32, 0,  32 },
    { "HS384", 1u << 1,   1, HMAC,    0, "SHA384", 48, 0,  48 },
    { "HS512", 1u << 2,   2, HMAC,    0, "SHA512", 64, 0,  64 },
    { "RS256", 1u << 3,   3, RSA,     0, "SHA256", 32, 0,   0 },
    { "RS384", 1u << 4,   4, RSA,     0, "SHA384", 48, 0,   0 },
    { "RS512", 1u << 5,   5, RSA,     0, "SHA512", 64, 0,   0 },
    { "PS256", 1u << 6,   6, RSA,     0, "SHA256", 32, 1,   0 },
    { "PS384", 1u << 7,   7, RSA,     0, "SHA384", 48, 1,   0 },
    { "PS512", 1u << 8,   8, RSA,     0, "SHA512", 64, 1,   0 },
    { "ES256", 1u << 9,   9, EC,   P256, "SHA256", 32, 0,  64 },
    { "ES384", 1u << 10, 10, EC,   P384, "SHA384", 48, 0,  96 },
    { "ES512", 1u << 11, 11, EC,   P521, "SHA512", 64, 0, 132 },
    { "EdDSA", 1u << 12, 12, ED,      0, NULL,      0, 0,  64 }
};

static const char *const jm_alg_name_list[] = {
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384",
    "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", NULL
};

const jm_alg_t *jm_alg_find(jm_str_t name)
{
    unsigned i;

    for (i = 0; i < JM_ALG_COUNT; i++) {
        if (jm_str_is(name, jm_alg_table[i].name)) {
            return &jm_alg_table[i];
        }
    }
    if (jm_str_is(name, "Ed25519")) {
        return &jm_alg_table[JM_ALG_COUNT - 1];
    }
    return NULL;
}

const jm_alg_t *jm_alg_at(unsigned i)
{
    return i < JM_ALG_COUNT ? &jm_alg_table[i] : NULL;
}

const char *const *jm_alg_names(void)
{
    return jm_alg_name_list;
}

const char *jm_alg_list(apr_pool_t *p, jm_algs_t algs)
{
    const char *list = "";
    unsigned i;

    for (i = 0; i < JM_ALG_COUNT; i++) {
        if (algs & jm_alg_table[i].bit) {
            list = apr_pstrcat(p, list, *list ? ", " : "",
                               jm_alg_table[i].name, NULL);
        }
    }
    return list;
}

jm_algs_t jm_alg_kin(jm_algs_t algs)
{
    return (algs & JM_ALGS_SECRET ? JM_ALGS_SECRET : 0)
           | (algs & JM_ALGS_PUBLIC ? JM_ALGS_PUBLIC : 0);
}
