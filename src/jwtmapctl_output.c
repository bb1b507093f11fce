/*
 * jwtmapctl_output.c: creates files, all of a call or none. Never writes
 * into what is there: not through a link, and with --force a new file takes
 * the place of the old one.
 */
#include "jwtmapctl.h"

#include <unistd.h>

#include <apr_file_io.h>

#include "jm_file.h"

/* What may not be replaced is an error. Another fault of the place is left
 * to the creation, which names it. */
static jwtmapctl_exit_e look(const jwtmapctl_t *ctl, const char *path,
                             int force)
{
    apr_finfo_t info;
    apr_status_t rv = apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_LINK,
                               ctl->p);

    if (rv != APR_SUCCESS) {
        return JWTMAPCTL_OK;
    }
    if (!force) {
        return jwtmapctl_fail(ctl, "%s is there already; --force replaces "
                              "it", path);
    }
    if (info.filetype != APR_REG && info.filetype != APR_LNK) {
        return jwtmapctl_fail(ctl, "%s is no file that can be replaced",
                              path);
    }
    return JWTMAPCTL_OK;
}

/* Creates and fills a file, or leaves none. */
static apr_status_t create(const char *path, const jwtmapctl_output_t *output,
                           apr_pool_t *p)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path,
                                    APR_FOPEN_WRITE | APR_FOPEN_CREATE
                                        | APR_FOPEN_EXCL | APR_FOPEN_BINARY,
                                    output->perms, p);
    apr_status_t closed;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_write_full(file, output->text.ptr, output->text.len, NULL);
    closed = apr_file_close(file);
    rv = rv == APR_SUCCESS ? closed : rv;
    if (rv != APR_SUCCESS) {
        apr_file_remove(path, p);
    }
    return rv;
}

static jwtmapctl_exit_e cannot(const jwtmapctl_t *ctl, const char *path,
                               apr_status_t rv)
{
    return jwtmapctl_fail(ctl, "%s cannot be created: %s", path,
                          jm_file_reason(ctl->p, rv));
}

/* names[i] is where output i is written first. */
static jwtmapctl_exit_e create_all(const jwtmapctl_t *ctl,
                                   const char *const *names,
                                   const jwtmapctl_output_t *outputs,
                                   unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        apr_status_t rv = create(names[i], &outputs[i], ctl->p);

        if (rv != APR_SUCCESS) {
            jwtmapctl_exit_e result = cannot(ctl, outputs[i].path, rv);

            while (i > 0) {
                apr_file_remove(names[--i], ctl->p);
            }
            return result;
        }
    }
    return JWTMAPCTL_OK;
}

jwtmapctl_exit_e jwtmapctl_create(const jwtmapctl_t *ctl,
                                  const jwtmapctl_output_t *outputs,
                                  unsigned count)
{
    int force = jwtmapctl_value(ctl, JWTMAPCTL_OPT_FORCE) != NULL;
    const char **names = apr_pcalloc(ctl->p, (count + 1) * sizeof(*names));
    jwtmapctl_exit_e result = JWTMAPCTL_OK;
    unsigned i;

    for (i = 0; i < count && result == JWTMAPCTL_OK; i++) {
        result = look(ctl, outputs[i].path, force);
        names[i] = force ? apr_psprintf(ctl->p, "%s.%ld", outputs[i].path,
                                        (long)getpid())
                         : outputs[i].path;
    }
    if (result == JWTMAPCTL_OK) {
        result = create_all(ctl, names, outputs, count);
    }
    for (i = 0; force && i < count && result == JWTMAPCTL_OK; i++) {
        apr_status_t rv = apr_file_rename(names[i], outputs[i].path, ctl->p);

        result = rv == APR_SUCCESS ? JWTMAPCTL_OK
                                   : cannot(ctl, outputs[i].path, rv);
    }
    return result;
}
