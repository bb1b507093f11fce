/*
 * verify.c: what the verification of a token costs, against the signature
 * check of OpenSSL alone, which nobody can avoid. Prints nanoseconds; under
 * callgrind, t/bench/run counts instructions, which no load disturbs.
 *
 *   verify WHAT ROUNDS    WHAT: openssl, uncached, cached, forged
 */
#include <stdlib.h>

#include <apr_time.h>

#include "jm_slot.h"
#include "jm_verify.h"
#include "tokens.h"

#define NOW 1500

static struct {
    const jm_authorizer_t *list[1];
    jm_authorizer_t authorizer;
    jm_str_t token;
    jm_verify_t with;
    EVP_MD_CTX *template;
    jm_str_t signature;
    jm_str_t input;
} bench;

/* A token of an identity provider, as they are: 15 claims, RS256. */
#define PAYLOAD "{\"iss\":\"https://issuer.example\",\"sub\":\"0123456789\"," \
    "\"aud\":[\"api://gateway\",\"https://issuer.example/userinfo\"]," \
    "\"iat\":1000,\"exp\":2000,\"nbf\":1000,\"jti\":\"4bd3c2a1-0f7e\"," \
    "\"azp\":\"client\",\"scope\":\"openid profile email\"," \
    "\"email\":\"alice@example.org\",\"email_verified\":true," \
    "\"name\":\"Alice Example\",\"preferred_username\":\"alice\"," \
    "\"roles\":[\"user\",\"editor\"],\"sid\":\"77c5\"}"

static void prepare(void)
{
    static const jm_str_t issuer = { "https://issuer.example", 22 };
    static const jm_str_t audience = { "api://gateway", 13 };
    jm_authorizer_t *a = &bench.authorizer;

    bench.token = mint(3, "{\"alg\":\"RS256\",\"kid\":\"one\","
                       "\"typ\":\"JWT\"}", PAYLOAD);
    a->name = "default";
    a->algs = ALGS_RS;
    a->keys = set_of(3);
    a->policy.issuers = &issuer;
    a->policy.issuer_count = 1;
    a->policy.audiences = &audience;
    a->policy.audience_count = 1;
    a->policy.require_expiration = 1;
    bench.list[0] = a;
    bench.with.choice.list = bench.list;
    bench.with.choice.count = 1;
    bench.with.now = NOW;
    bench.input = signed_part(bench.token);
    bench.signature = raw_signature(bench.token);
    bench.template = a->keys->keys[0].verify[3];
}

static int run_openssl(apr_pool_t *p)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good = EVP_MD_CTX_copy_ex(ctx, bench.template) == 1
               && EVP_DigestVerify(
                   ctx, (const unsigned char *)bench.signature.ptr,
                   bench.signature.len,
                   (const unsigned char *)bench.input.ptr,
                   bench.input.len) == 1;

    (void)p;
    EVP_MD_CTX_free(ctx);
    return good;
}

static int run_verify(apr_pool_t *p)
{
    jm_verified_t verified;

    return jm_verify_token(&verified, p, bench.token, &bench.with) == JM_OK;
}

static int run_forged(apr_pool_t *p)
{
    jm_verified_t verified;
    char *text = apr_pstrmemdup(p, bench.token.ptr, bench.token.len);

    text[bench.token.len - 10] ^= 1;
    return jm_verify_token(&verified, p, jm_strn(text, bench.token.len),
                           &bench.with) != JM_OK;
}

/* callgrind counts what is called from here. */
static __attribute__((noinline)) int run(int (*what)(apr_pool_t *),
                                         unsigned rounds)
{
    apr_pool_t *p = jm_slot_pool();
    apr_time_t start = apr_time_now();
    unsigned good = 0;
    unsigned i;

    for (i = 0; i < rounds; i++) {
        good += (unsigned)what(p);
        apr_pool_clear(p);
    }
    printf("%.0f\n", (double)(apr_time_now() - start) * 1000 / rounds);
    return good == rounds ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

    keys_start();
    prepare();
    if (strcmp(what, "uncached") && strcmp(what, "openssl")) {
        bench.with.cache = jm_cache_make(tap_pool, JM_CACHE_ENTRIES_DEFAULT);
    }
    if (rounds && !strcmp(what, "openssl")) {
        return run(run_openssl, rounds);
    }
    if (rounds && (!strcmp(what, "uncached") || !strcmp(what, "cached"))) {
        return run(run_verify, rounds);
    }
    if (rounds && !strcmp(what, "forged")) {
        return run(run_forged, rounds);
    }
    fprintf(stderr, "usage: verify openssl|uncached|cached|forged ROUNDS\n");
    return 2;
}
