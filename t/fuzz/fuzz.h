/*
 * fuzz.h: one target, two ways to run it. Built with clang
 * -fsanitize=fuzzer and -DJM_LIBFUZZER (scripts/fuzz does that) it is a
 * libFuzzer target; else its main, as fuzz_NAME, replays the files of
 * t/fuzz/corpus/NAME below $JWTMAP_STAGE (or of the folder argv[1]) as TAP,
 * one test a file. A target asserts invariants: it aborts where one does not
 * hold.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_lib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "jm.h"

/* What a target does with one input; all memory from p. */
static void fuzz_one(apr_pool_t *p, jm_str_t input);

#define must(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, \
                    __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For what a target makes once and keeps. */
static apr_pool_t *fuzz_root(void)
{
    static apr_pool_t *root;

    if (!root) {
        OPENSSL_init_crypto(0, NULL);
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    return root;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p;

    apr_pool_create(&p, fuzz_root());
    fuzz_one(p, jm_strn((const char *)data, size));
    must(!ERR_peek_error());
    apr_pool_destroy(p);
    return 0;
}

/* Takes the octets before the first c off text, and c; all if there is
 * none. */
static inline jm_str_t fuzz_cut(jm_str_t *text, char c)
{
    const char *end = text->len ? memchr(text->ptr, c, text->len) : NULL;
    jm_str_t head = *text;

    if (end) {
        head.len = (apr_size_t)(end - text->ptr);
        *text = jm_strn(end + 1, text->len - head.len - 1);
    }
    else {
        *text = jm_strn("", 0);
    }
    return head;
}

#ifdef JM_LIBFUZZER
#include <sanitizer/lsan_interface.h>

/* In place of APR's, for the sanitizer: each allocation is a block of its
 * own, so that an octet past its end is seen; a pool's own block hides it.
 * What keeps a cleanup stays in the pool. */
static int fuzz_in_register;

static void *fuzz_real(const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);

    must(symbol);
    return symbol;
}

void apr_pool_cleanup_register(apr_pool_t *p, const void *data,
                               apr_status_t (*plain)(void *),
                               apr_status_t (*child)(void *))
{
    static void (*real)(apr_pool_t *, const void *, apr_status_t (*)(void *),
                        apr_status_t (*)(void *));

    if (!real) {
        *(void **)&real = fuzz_real("apr_pool_cleanup_register");
    }
    fuzz_in_register = 1;
    real(p, data, plain, child);
    fuzz_in_register = 0;
}

static apr_status_t fuzz_free(void *block)
{
    free(block);
    return APR_SUCCESS;
}

void *apr_palloc(apr_pool_t *p, apr_size_t size)
{
    static void *(*real)(apr_pool_t *, apr_size_t);
    void *block;

    if (!real) {
        *(void **)&real = fuzz_real("apr_palloc");
    }
    if (fuzz_in_register) {
        return real(p, size);
    }
    block = malloc(size ? size : 1);
    __lsan_ignore_object(block); /* only a pool knows it, and is not looked at */
    apr_pool_cleanup_register(p, block, fuzz_free, apr_pool_cleanup_null);
    return block;
}
#else
static void replay(apr_pool_t *p, const char *path, int number)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t size;
    uint8_t *data;

    must(apr_file_open(&file, path, APR_READ, 0, p) == APR_SUCCESS);
    must(apr_file_info_get(&info, APR_FINFO_SIZE, file) == APR_SUCCESS);
    size = (apr_size_t)info.size;
    /* exactly its size, so that a sanitizer sees a read past the end */
    data = malloc(size ? size : 1);
    must(!size || apr_file_read_full(file, data, size, NULL) == APR_SUCCESS);
    apr_file_close(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    printf("ok %d - %s\n", number, apr_filepath_name_get(path));
}

int main(int argc, char **argv)
{
    apr_pool_t *p = fuzz_root();
    apr_dir_t *dir;
    apr_finfo_t entry;
    const char *stage = getenv("JWTMAP_STAGE");
    const char *folder;
    int count = 0;

    folder = argc > 1 ? argv[1]
             : apr_pstrcat(p, stage ? stage : ".", "/t/fuzz/corpus/",
                           apr_filepath_name_get(argv[0]) + strlen("fuzz_"),
                           NULL);
    must(apr_dir_open(&dir, folder, p) == APR_SUCCESS);
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (entry.name[0] != '.') {
            replay(p, apr_pstrcat(p, folder, "/", entry.name, NULL), ++count);
        }
    }
    apr_dir_close(dir);
    must(count > 0);
    printf("1..%d\n", count);
    apr_terminate();
    return 0;
}
#endif

#endif
