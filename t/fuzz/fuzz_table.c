/* A table compiles, or there is no table and at least one error says why. */
#include "fuzz.h"

#include "jm_compile.h"

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    const jm_table_t *table;
    jm_diags_t diags;
    jm_compile_env_t env = { 0 };
    apr_pool_t *ptemp;
    int i;

    env.base_dir = "/nonexistent";
    apr_pool_create(&ptemp, p);
    if (jm_compile_text(&table, &diags, p, ptemp, "table.json", input, &env)
        == APR_SUCCESS) {
        must(table && !diags.errors && table->router);
    }
    else {
        must(!table && diags.errors);
    }
    for (i = 0; i < diags.list->nelts; i++) {
        must(*jm_diag_line(p, &diags, &APR_ARRAY_IDX(diags.list, i,
                                                     jm_diag_t)));
    }
}
