/*
 * jm_compile.h: route table file -> jm_table_t. Reads the table and the key
 * files that it names, at load only. Reports every mistake of a run; a table
 * with one error is no table.
 */
#ifndef JM_COMPILE_H
#define JM_COMPILE_H

#include "jm.h"
#include "jm_diag.h"
#include "jm_table.h"

/* What the outside world gives to a compilation. All may be NULL. */
typedef struct jm_compile_env_t {
    void *baton;
    /* Value of $env.NAME, or NULL: not set. */
    const char *(*env)(void *baton, apr_pool_t *p, const char *name);
    const char *secrets_dir;   /* of $secret.NAME; NULL: none configured */
    const char *base_dir;      /* key files are relative to it; NULL: to the
                                * folder of the table file */
    int placeholders;          /* 1: unset $env and $secret are warnings, and
                                * what depends on them is not judged: such an
                                * authorizer has keys NULL, such a route is
                                * in no router; for checks, never to serve */
    int check_modes;           /* 1: warns of secrets and keys that others
                                * than their owner can read or write */
} jm_compile_env_t;

/* Reads and compiles file. The table is owned by p; ptemp holds the JSON
 * tree and the source, and must live as long as diags is used, which is
 * initialised here (its pool is ptemp). APR_SUCCESS: *ptable is set, diags
 * holds warnings only. APR_EINVAL: *ptable NULL, diags->errors > 0. */
apr_status_t jm_compile_file(const jm_table_t **ptable, jm_diags_t *diags,
                             apr_pool_t *p, apr_pool_t *ptemp,
                             const char *file, const jm_compile_env_t *env);

/* The same for octets already read; file only names them. */
apr_status_t jm_compile_text(const jm_table_t **ptable, jm_diags_t *diags,
                             apr_pool_t *p, apr_pool_t *ptemp,
                             const char *file, jm_str_t source,
                             const jm_compile_env_t *env);

#endif
