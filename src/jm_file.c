/*
 * jm_file.c: reads a small file whole. Touches the file system, read only,
 * and the pool it was given.
 */
#include "jm_file.h"

#include <apr_file_io.h>

#include <openssl/crypto.h>

/* Octets; the first buffer where the size of the file is not known. */
#define CHUNK 4096

typedef struct buffer_t {
    char *ptr;
    apr_size_t len;
    apr_size_t size;
} buffer_t;

static apr_status_t cleanse(void *baton)
{
    buffer_t *b = baton;

    OPENSSL_cleanse(b->ptr, b->size);
    return APR_SUCCESS;
}

static buffer_t *buffer_make(apr_pool_t *p, apr_size_t size)
{
    buffer_t *b = apr_pcalloc(p, sizeof(*b));

    b->size = size;
    b->ptr = apr_pcalloc(p, size);
    apr_pool_cleanup_register(p, b, cleanse, apr_pool_cleanup_null);
    return b;
}

static void buffer_grow(buffer_t *b, apr_pool_t *p)
{
    char *larger = apr_pcalloc(p, b->size * 2);

    memcpy(larger, b->ptr, b->len);
    OPENSSL_cleanse(b->ptr, b->size);
    b->ptr = larger;
    b->size *= 2;
}

/* Reads up to one octet more than max: a size that the file system tells
 * may be wrong by now, and a pipe has none. */
static apr_status_t read_all(buffer_t *b, apr_file_t *file, apr_pool_t *p,
                             apr_size_t max)
{
    apr_status_t rv = APR_SUCCESS;

    while (b->len <= max) {
        apr_size_t n;

        if (b->size - b->len < 2) {
            buffer_grow(b, p);
        }
        n = b->size - b->len - 1;
        rv = apr_file_read(file, b->ptr + b->len, &n);
        if (rv != APR_SUCCESS) {
            break;
        }
        b->len += n;
    }
    return APR_STATUS_IS_EOF(rv) ? APR_SUCCESS : rv;
}

static apr_status_t read_open(buffer_t **pb, apr_file_t *file, apr_pool_t *p,
                              apr_size_t max)
{
    apr_finfo_t info;
    apr_size_t size = CHUNK;

    if (apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_SIZE, file)
        == APR_SUCCESS) {
        if (info.filetype == APR_DIR) {
            return APR_FROM_OS_ERROR(EISDIR);
        }
        if (info.filetype == APR_REG && info.size > 0
            && (apr_uint64_t)info.size <= max) {
            /* One octet to see the end of the file in, one for the NUL. */
            size = (apr_size_t)info.size + 2;
        }
    }
    *pb = buffer_make(p, size);
    return read_all(*pb, file, p, max);
}

apr_status_t jm_file_stamp(jm_file_stamp_t *stamp, apr_pool_t *ptemp,
                           const char *path)
{
    apr_finfo_t info;
    apr_status_t rv = apr_stat(&info, path, APR_FINFO_MTIME | APR_FINFO_CTIME
                               | APR_FINFO_SIZE | APR_FINFO_IDENT
                               | APR_FINFO_PROT | APR_FINFO_TYPE, ptemp);

    memset(stamp, 0, sizeof(*stamp));
    if (rv != APR_SUCCESS && rv != APR_INCOMPLETE) {
        return rv;
    }
    stamp->mtime = info.mtime;
    stamp->ctime = info.ctime;
    stamp->size = info.size;
    stamp->inode = info.inode;
    stamp->device = info.device;
    stamp->mode = info.valid & APR_FINFO_PROT ? info.protection : 0;
    stamp->is_pipe = info.filetype == APR_PIPE;
    return APR_SUCCESS;
}

apr_status_t jm_file_may_read(apr_pool_t *ptemp, const char *path)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path,
                                    APR_FOPEN_READ | APR_FOPEN_BINARY,
                                    APR_FPROT_OS_DEFAULT, ptemp);

    return rv == APR_SUCCESS ? apr_file_close(file) : rv;
}

/* APR's bits are four to a digit, those of chmod three. */
static unsigned chmod_digits(apr_fileperms_t mode)
{
    unsigned bits = (unsigned)mode;

    return ((bits >> 8 & 7) << 6) | ((bits >> 4 & 7) << 3) | (bits & 7);
}

const char *jm_file_exposure(apr_pool_t *p, const jm_file_stamp_t *stamp,
                             int is_secret)
{
    unsigned mode = chmod_digits(stamp->mode);

    if (stamp->mode & (APR_FPROT_GWRITE | APR_FPROT_WWRITE)) {
        return apr_psprintf(p, "can be written by others than its owner "
                            "(mode %04o), who may put their own key there: "
                            "chmod it %04o", mode,
                            mode & (is_secret ? 0700u : 0755u));
    }
    if (is_secret && (stamp->mode & (APR_FPROT_GREAD | APR_FPROT_WREAD))) {
        return apr_psprintf(p, "is a secret and can be read by others than "
                            "its owner (mode %04o): chmod it %04o", mode,
                            mode & 0700u);
    }
    return NULL;
}

const char *jm_file_reason(apr_pool_t *p, apr_status_t rv)
{
    char text[120];

    return apr_pstrdup(p, apr_strerror(rv, text, sizeof(text)));
}

static apr_status_t read_path(buffer_t **pb, const char **perror,
                              apr_pool_t *p, const char *path,
                              apr_size_t max)
{
    apr_file_t *file;
    apr_status_t rv;

    *perror = NULL;
    rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                       APR_FPROT_OS_DEFAULT, p);
    if (rv == APR_SUCCESS) {
        rv = read_open(pb, file, p, max);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS) {
        *perror = jm_file_reason(p, rv);
        return rv;
    }
    if ((*pb)->len > max) {
        *perror = apr_psprintf(p, "it has more than %" APR_SIZE_T_FMT
                               " octets", max);
        return APR_EINVAL;
    }
    (*pb)->ptr[(*pb)->len] = '\0';
    return APR_SUCCESS;
}

apr_status_t jm_file_read(jm_str_t *pout, const char **perror, apr_pool_t *p,
                          const char *path, apr_size_t max)
{
    buffer_t *b = NULL;
    apr_status_t rv = read_path(&b, perror, p, path, max);

    *pout = rv == APR_SUCCESS ? jm_strn(b->ptr, b->len) : jm_strn(NULL, 0);
    return rv;
}

apr_status_t jm_file_read_secret(jm_str_t *pout, const char **perror,
                                 apr_pool_t *p, const char *path,
                                 apr_size_t max)
{
    buffer_t *b = NULL;
    apr_status_t rv = read_path(&b, perror, p, path, max);

    *pout = jm_strn(NULL, 0);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (b->len > 0 && b->ptr[b->len - 1] == '\n') {
        b->ptr[--b->len] = '\0';
    }
    *pout = jm_strn(b->ptr, b->len);
    return APR_SUCCESS;
}

const char *jm_file_below(apr_pool_t *p, const char *folder,
                          const char *path)
{
    return path[0] == '/' ? apr_pstrdup(p, path)
                          : apr_pstrcat(p, folder, "/", path, NULL);
}

const char *jm_file_folder(apr_pool_t *p, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        return ".";
    }
    return slash == path ? "/"
                         : apr_pstrmemdup(p, path, (apr_size_t)(slash - path));
}
