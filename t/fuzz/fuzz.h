/*
 * fuzz.h: one target, two ways to run it. Built with clang
 * -fsanitize=fuzzer and -DJM_LIBFUZZER it is a libFuzzer target; else its
 * main, as fuzz_NAME, replays the files of t/fuzz/corpus/NAME below
 * $JWTMAP_STAGE (or of the folder argv[1]) as TAP, one test a file.
 * A target asserts invariants: it aborts where one does not hold.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_lib.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    apr_pool_t *p;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    fuzz_one(p, jm_strn((const char *)data, size));
    apr_pool_destroy(p);
    return 0;
}

#ifndef JM_LIBFUZZER
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
    apr_pool_t *p;
    apr_dir_t *dir;
    apr_finfo_t entry;
    const char *stage = getenv("JWTMAP_STAGE");
    const char *folder;
    int count = 0;

    apr_initialize();
    apr_pool_create(&p, NULL);
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
    return 0;
}
#endif

#endif
