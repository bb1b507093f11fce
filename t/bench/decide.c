/*
 * decide.c: what a decision costs in process, against the signature check of
 * OpenSSL alone (EVP_DigestVerify, or EVP_MAC, with a context that is kept),
 * which nobody can avoid.
 *
 *   decide                   a table: nanoseconds of processor time, medians
 *                            of blocks that take turns; allocations
 *   decide ALG WHAT ROUNDS   only that, for callgrind, which counts what is
 *                            called from run()
 */
#include <openssl/ec.h>

#include "bench.h"

#include "jm_slot.h"

#define TOKENS 64                /* more than the cache of `miss` holds */
#define BLOCKS 101
#define BLOCK_NS 400000          /* what a block may take */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static unsigned long allocations;

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

/* One algorithm. */
typedef struct bench_t {
    unsigned row;
    const jm_table_t *table;
    jm_str_t inputs[TOKENS];     /* signed parts */
    jm_str_t signatures[TOKENS]; /* as OpenSSL takes them: ECDSA in DER */
    apr_table_t *headers[TOKENS];
    jm_request_t request;
    jm_cache_t *large;           /* holds all tokens */
    jm_cache_t *small;           /* never the one that is asked for */
} bench_t;

typedef int work_t(const bench_t *b, apr_pool_t *p, unsigned i);

/* --- what is measured; 1: as it should be --- */

static int work_openssl(const bench_t *b, apr_pool_t *p, unsigned i)
{
    const jm_key_t *key = &b->table->authorizers[0]->keys->keys[0];
    const unsigned char *input = (const unsigned char *)b->inputs[i].ptr;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good = EVP_MD_CTX_copy_ex(ctx, key->verify[b->row]) == 1
               && EVP_DigestVerify(
                   ctx, (const unsigned char *)b->signatures[i].ptr,
                   b->signatures[i].len, input, b->inputs[i].len) == 1;

    (void)p;
    EVP_MD_CTX_free(ctx);
    return good;
}

static int work_hmac(const bench_t *b, apr_pool_t *p, unsigned i)
{
    static EVP_MAC_CTX *ctx;
    unsigned char mac[64];
    size_t len;

    (void)p;
    if (!ctx) {
        ctx = EVP_MAC_CTX_dup(
            b->table->authorizers[0]->keys->keys[0].mac[b->row]);
    }
    return EVP_MAC_init(ctx, NULL, 0, NULL) == 1
           && EVP_MAC_update(ctx, (const unsigned char *)b->inputs[i].ptr,
                             b->inputs[i].len) == 1
           && EVP_MAC_final(ctx, mac, &len, sizeof(mac)) == 1
           && !memcmp(mac, b->signatures[i].ptr, len);
}

static int decide(const bench_t *b, apr_pool_t *p, unsigned i,
                  jm_cache_t *cache)
{
    jm_request_t request = b->request;
    const jm_decision_t *d;

    request.headers = b->headers[i];
    request.cache = cache;
    d = jm_decide(b->table, &request, p);
    return d->action == JM_ACTION_PASS && d->field_count == 6;
}

static int work_uncached(const bench_t *b, apr_pool_t *p, unsigned i)
{
    return decide(b, p, i, NULL);
}

static int work_miss(const bench_t *b, apr_pool_t *p, unsigned i)
{
    return decide(b, p, i, b->small);
}

static int work_cached(const bench_t *b, apr_pool_t *p, unsigned i)
{
    return decide(b, p, i, b->large);
}

static const struct {
    const char *name;
    work_t *work;
} works[] = {
    { "openssl", work_openssl }, { "uncached", work_uncached },
    { "miss", work_miss }, { "cached", work_cached }
};

#define WORKS 4

static work_t *work_of(const bench_t *b, unsigned what)
{
    return what == 0 && jm_alg_at(b->row)->family == JM_FAMILY_HMAC
           ? work_hmac : works[what].work;
}

/* --- how --- */

/* DER of a raw r || s. */
static jm_str_t der_of(jm_str_t raw)
{
    int half = (int)(raw.len / 2);
    const unsigned char *octets = (const unsigned char *)raw.ptr;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    unsigned char *der = NULL;
    int len = 0;

    if (sig && ECDSA_SIG_set0(sig, BN_bin2bn(octets, half, NULL),
                              BN_bin2bn(octets + half, half, NULL))) {
        len = i2d_ECDSA_SIG(sig, &der);
    }
    ECDSA_SIG_free(sig);
    return jm_strn((const char *)der, (apr_size_t)len);
}

static jm_str_t token_for(unsigned row, unsigned number)
{
    static jm_mint_t *hmac;
    jm_str_t token;

    if (jm_alg_at(row)->family != JM_FAMILY_HMAC) {
        return bench_token(row, number);
    }
    if (!hmac) {
        jm_mint_load_secret(&hmac, tap_pool, jm_str(SECRET));
    }
    jm_mint_sign(&token, tap_pool, hmac, jm_alg_at(row),
                 jm_str("{\"alg\":\"HS256\",\"kid\":\"one\","
                        "\"typ\":\"JWT\"}"),
                 jm_str(bench_payload(number)));
    return token;
}

static void prepare(bench_t *b, unsigned row)
{
    unsigned i;

    memset(b, 0, sizeof(*b));
    b->row = row;
    b->table = bench_table(row);
    for (i = 0; i < TOKENS; i++) {
        jm_str_t token = token_for(row, i);
        jm_str_t raw = raw_signature(token);

        b->inputs[i] = signed_part(token);
        b->signatures[i] = jm_alg_at(row)->family == JM_FAMILY_EC
                           ? der_of(raw) : raw;
        b->headers[i] = apr_table_make(tap_pool, 4);
        apr_table_setn(b->headers[i], "Host", "gateway.example");
        apr_table_setn(b->headers[i], "User-Agent", "bench");
        apr_table_setn(b->headers[i], "Accept", "*/*");
        apr_table_setn(b->headers[i], "Authorization",
                       apr_pstrcat(tap_pool, "Bearer ", token.ptr, NULL));
    }
    b->request.method = "GET";
    b->request.uri.path = jm_str("/api/orders/1234");
    b->request.args = b->request.client_args = jm_str("page=2");
    b->request.now = BENCH_NOW;
    b->large = jm_cache_make(tap_pool, JM_CACHE_ENTRIES_DEFAULT);
    b->small = jm_cache_make(tap_pool, 8);
}

/* Nanoseconds of one call; callgrind counts what is called from here. */
static __attribute__((noinline)) double run(const bench_t *b, unsigned what,
                                            unsigned rounds)
{
    static unsigned next[WORKS];    /* so that `miss` never asks for one of
                                     * its last eight */
    work_t *work = work_of(b, what);
    apr_pool_t *p = jm_slot_pool();
    double start = bench_now();
    unsigned i;

    for (i = 0; i < rounds; i++) {
        if (!work(b, p, next[what]++ % TOKENS)) {
            fprintf(stderr, "decide: a wrong answer\n");
            exit(1);
        }
        apr_pool_clear(p);
    }
    start = bench_now() - start;
    apr_pool_destroy(p);
    return start / rounds;
}

static double allocations_of(const bench_t *b, work_t *work)
{
    unsigned long before;
    apr_pool_t *p = jm_slot_pool();
    unsigned i;

    for (i = 0; i < TOKENS; i++) {
        work(b, p, i);
        apr_pool_clear(p);
    }
    before = allocations;
    for (i = 0; i < TOKENS; i++) {
        work(b, p, i);
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
    return (double)(allocations - before) / TOKENS;
}

/* The works take turns, so that what disturbs one disturbs all. */
static void measure(const bench_t *b)
{
    static double samples[WORKS][BLOCKS];
    unsigned rounds[WORKS];
    double median[WORKS];
    unsigned block, what;

    for (what = 0; what < WORKS; what++) {
        double once = run(b, what, TOKENS * 2);

        rounds[what] = once < BLOCK_NS ? (unsigned)(BLOCK_NS / once) : 1;
    }
    for (block = 0; block < BLOCKS; block++) {
        for (what = 0; what < WORKS; what++) {
            samples[what][block] = run(b, what, rounds[what]);
        }
    }
    for (what = 0; what < WORKS; what++) {
        median[what] = bench_median(samples[what], BLOCKS);
    }
    printf("%-6s %9.2f %9.2f %6.2f %9.2f %8.2f %6.0f %6.0f\n",
           jm_alg_at(b->row)->name, median[0] / 1000, median[1] / 1000,
           median[1] / median[0], (median[2] - median[1]) / 1000,
           median[3] / 1000, allocations_of(b, works[1].work),
           allocations_of(b, works[3].work));
}

static int measure_all(void)
{
    static const char *const algs[] = {
        "HS256", "RS256", "PS256", "ES256", "EdDSA"
    };
    unsigned i;
    bench_t b;

    printf("%-6s %9s %9s %6s %9s %8s %13s\n", "", "OpenSSL", "uncached",
           "ratio", "miss adds", "cached", "allocations");
    printf("%-6s %9s %9s %6s %9s %8s %6s %6s\n", "", "us", "us", "", "us",
           "us", "unc.", "cached");
    for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        prepare(&b, jm_alg_find(jm_str(algs[i]))->row);
        measure(&b);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const jm_alg_t *alg = argc == 4 ? jm_alg_find(jm_str(argv[1])) : NULL;
    unsigned what = 0;
    bench_t b;

    keys_start();
    if (argc == 1) {
        return measure_all();
    }
    while (alg && what < WORKS && strcmp(argv[2], works[what].name)) {
        what++;
    }
    if (!alg || what == WORKS) {
        fprintf(stderr, "usage: decide [ALG openssl|uncached|miss|cached "
                        "ROUNDS]\n");
        return 2;
    }
    prepare(&b, alg->row);
    if (what == 3) {
        allocations_of(&b, works[what].work);    /* fills the cache */
    }
    run(&b, what, (unsigned)atoi(argv[3]));
    return 0;
}
