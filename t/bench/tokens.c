/*
 * tokens.c: tokens by the thousand, for t/bench/server.
 *
 *   tokens ALG FILE COUNT   one token a line, of bench.h; what verifies them
 *                           goes into FILE: a public key as PEM, or a secret
 */
#include "bench.h"

static void write_key(const char *file, jm_str_t key)
{
    FILE *out = fopen(file, "w");

    if (!out || fwrite(key.ptr, 1, key.len, out) != key.len || fclose(out)) {
        perror(file);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    const jm_alg_t *alg = argc == 4 ? jm_alg_find(jm_str(argv[1])) : NULL;
    apr_pool_t *whole;
    unsigned count;
    unsigned i;

    whole = keys_start();
    if (!alg) {
        fprintf(stderr, "usage: tokens ALG FILE COUNT\n");
        return 2;
    }
    write_key(argv[2], alg->family == JM_FAMILY_HMAC
                       ? jm_mint_secret(minted(alg->row))
                       : minted_pem(alg->row));
    count = (unsigned)atoi(argv[3]);
    apr_pool_create(&tap_pool, whole);
    for (i = 0; i < count; i++) {
        puts(bench_token(alg->row, i).ptr);
        apr_pool_clear(tap_pool);
    }
    return 0;
}
