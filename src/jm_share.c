/*
 * jm_share.c: contents and marks in shared memory. Touches that memory only.
 */
#include "jm_share.h"

#include <errno.h>
#include <pthread.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "jm_cleanse.h"

typedef struct cell_t {
    apr_uint32_t mark;
    int is_put;
    apr_size_t at;             /* octets from the start of the memory */
    apr_size_t size;           /* octets that fit */
    apr_size_t used;           /* that were ever written to */
    apr_size_t len;
    unsigned char digest[JM_SHARE_DIGEST_LEN];
    jm_report_t report;        /* written under the lock */
} cell_t;

struct jm_share_t {
    pthread_mutex_t lock;      /* robust: its owner may be killed */
    unsigned count;
    cell_t cells[];
};

static apr_size_t head_size(unsigned count)
{
    return sizeof(jm_share_t) + count * sizeof(cell_t);
}

apr_size_t jm_share_size(const apr_size_t *sizes, unsigned count)
{
    apr_size_t size = head_size(count);
    unsigned i;

    for (i = 0; i < count; i++) {
        size += sizes[i];
    }
    return size;
}

static int make_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    int rv = pthread_mutexattr_init(&attr);

    if (rv) {
        return rv;
    }
    rv = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (!rv) {
        rv = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }
    if (!rv) {
        rv = pthread_mutex_init(lock, &attr);
    }
    pthread_mutexattr_destroy(&attr);
    return rv;
}

jm_share_t *jm_share_make(void *memory, const apr_size_t *sizes,
                          unsigned count)
{
    jm_share_t *share = memory;
    apr_size_t at = head_size(count);
    unsigned i;

    memset(share, 0, at);
    if (make_lock(&share->lock)) {
        return NULL;
    }
    share->count = count;
    for (i = 0; i < count; i++) {
        share->cells[i].at = at;
        share->cells[i].size = sizes[i];
        at += sizes[i];
    }
    return share;
}

static char *content_of(jm_share_t *share, const cell_t *cell)
{
    return (char *)share + cell->at;
}

/* What a killed owner left behind shows in the digest. */
static int take(jm_share_t *share)
{
    int rv = pthread_mutex_lock(&share->lock);

    if (rv == EOWNERDEAD) {
        rv = pthread_mutex_consistent(&share->lock);
    }
    return rv == 0;
}

void jm_share_clear(jm_share_t *share)
{
    unsigned i;

    for (i = 0; i < share->count; i++) {
        OPENSSL_cleanse(content_of(share, &share->cells[i]),
                        share->cells[i].used);
    }
}

int jm_share_is_news(jm_share_t *share, unsigned number, apr_uint32_t mark)
{
    return __atomic_exchange_n(&share->cells[number].mark, mark,
                               __ATOMIC_ACQ_REL) != mark;
}

void jm_share_put(jm_share_t *share, unsigned number,
                  const unsigned char *digest, jm_str_t text)
{
    cell_t *cell = &share->cells[number];
    int fits = text.len <= cell->size;

    if (!take(share)) {
        return;
    }
    cell->is_put = 1;
    cell->len = fits ? text.len : 0;
    cell->used = cell->len > cell->used ? cell->len : cell->used;
    memcpy(cell->digest, digest, sizeof(cell->digest));
    if (fits && text.len) {
        memcpy(content_of(share, cell), text.ptr, text.len);
    }
    pthread_mutex_unlock(&share->lock);
}

apr_status_t jm_share_get(jm_str_t *ptext, unsigned char *digest,
                          apr_pool_t *p, jm_share_t *share, unsigned number)
{
    const cell_t *cell = &share->cells[number];
    unsigned char found[EVP_MAX_MD_SIZE];
    int is_put;

    *ptext = jm_strn(NULL, 0);
    if (!take(share)) {
        return APR_INCOMPLETE;
    }
    is_put = cell->is_put;
    if (is_put) {
        *ptext = jm_cleanse_dup(p, jm_strn(content_of(share, cell),
                                           cell->len));
        memcpy(digest, cell->digest, JM_SHARE_DIGEST_LEN);
    }
    pthread_mutex_unlock(&share->lock);
    if (!is_put) {
        return APR_ENOENT;
    }
    if (EVP_Digest(ptext->ptr, ptext->len, found, NULL, EVP_sha256(), NULL)
        != 1 || memcmp(found, digest, JM_SHARE_DIGEST_LEN)) {
        return APR_INCOMPLETE;
    }
    return APR_SUCCESS;
}

void jm_share_tell(jm_share_t *share, unsigned number,
                   const jm_report_t *report)
{
    if (take(share)) {
        jm_report_put(&share->cells[number].report, report);
        pthread_mutex_unlock(&share->lock);
    }
}

void jm_share_told(jm_report_t *report, const jm_share_t *share,
                   unsigned number)
{
    jm_report_get(report, &share->cells[number].report);
}
