/*
 * jm_httpd_fetch.c: the only user of libcurl. What a provider sends is
 * hostile: every transfer is bounded in time and octets, follows nothing and
 * decodes nothing. Touches the network, and its own pools.
 */
#include "jm_httpd_fetch.h"

#include <apr_lib.h>
#include <apr_time.h>
#include <curl/curl.h>

#include "jm_slot.h"

/* Octets; the first buffer of an answer. */
#define CHUNK 8192

struct jm_fetcher_t {
    apr_pool_t *pool;
    CURLM *multi;
    unsigned running;
    struct transfer_t *first;
};

/* One fetch: the provider's document, where there is one, then the set. */
typedef struct transfer_t {
    struct transfer_t *next;
    apr_pool_t *pool;
    CURL *easy;
    const jm_remote_t *remote;
    jm_fetch_done_t *done;
    void *baton;
    apr_time_t deadline;
    int discovers;               /* the document is under way */
    char *octets;
    apr_size_t len, size;
    apr_size_t head_len;
    apr_int64_t max_age;
    const char *refusal;         /* why we ended it, or NULL */
    char error[CURL_ERROR_SIZE];
} transfer_t;

/* --- what comes in --- */

static size_t refuse(transfer_t *t, const char *why)
{
    t->refusal = why;
    return 0;
}

static void grow(transfer_t *t, apr_size_t len)
{
    char *larger;

    while (t->size - t->len < len) {
        t->size *= 2;
    }
    larger = apr_palloc(t->pool, t->size);
    memcpy(larger, t->octets, t->len);
    t->octets = larger;
}

static size_t take_octets(char *octets, size_t one, size_t len, void *baton)
{
    transfer_t *t = baton;

    (void)one;
    if (len > JM_FETCH_ANSWER_MAX - t->len) {
        return refuse(t, "the answer is longer than 1 MiB");
    }
    if (len > t->size - t->len) {
        grow(t, len);
    }
    memcpy(t->octets + t->len, octets, len);
    t->len += len;
    return len;
}

/* The value of a field line of that name, without blanks around; or NULL. */
static const char *value_of(apr_pool_t *p, const char *line, size_t len,
                            const char *name)
{
    size_t start = strlen(name);

    if (len <= start || strncasecmp(line, name, start)
        || line[start] != ':') {
        return NULL;
    }
    start++;
    while (start < len && apr_isspace(line[start])) {
        start++;
    }
    while (len > start && apr_isspace(line[len - 1])) {
        len--;
    }
    return apr_pstrmemdup(p, line + start, len - start);
}

static size_t take_head(char *line, size_t one, size_t len, void *baton)
{
    transfer_t *t = baton;
    const char *value;
    apr_int64_t seconds;

    (void)one;
    t->head_len += len;
    if (t->head_len > JM_FETCH_HEAD_MAX) {
        return refuse(t, "the header fields of the answer are too long");
    }
    value = value_of(t->pool, line, len, "Content-Encoding");
    if (value && *value && strcasecmp(value, "identity")) {
        return refuse(t, "the answer is compressed, which was not asked for");
    }
    value = value_of(t->pool, line, len, "Cache-Control");
    seconds = jm_remote_max_age(value);
    if (seconds >= 0 && (t->max_age < 0 || seconds < t->max_age)) {
        t->max_age = seconds;
    }
    return len;
}

/* --- what goes out --- */

/* Protocols as strings came with 7.85.0, and the numbers are deprecated. */
static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                     (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, 0L);
#endif
}

/* A resumed session would not look at the certificate again. */
static void set_tls(CURL *easy, const char *ca_file)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    if (ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

static void set_bounds(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, NULL);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)JM_FETCH_ANSWER_MAX);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mod_jwtmap/" JM_VERSION);
    /* Else a name server that hangs would hold all other fetches. */
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_callbacks(transfer_t *t)
{
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take_octets);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
}

static apr_time_t now_ms(void)
{
    return apr_time_as_msec(apr_time_now());
}

/* Sends a request for url, with what is left of the time. */
static const char *send_request(jm_fetcher_t *fetcher, transfer_t *t,
                                const char *url)
{
    apr_time_t left = t->deadline - now_ms();

    if (left <= 0) {
        return "it took too long";
    }
    /* A clock that was put back must not make it longer. */
    left = left < JM_FETCH_MS ? left : JM_FETCH_MS;
    t->len = t->head_len = 0;
    t->max_age = -1;
    t->error[0] = '\0';
    if (curl_easy_setopt(t->easy, CURLOPT_URL, url) != CURLE_OK
        || curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)left)
           != CURLE_OK
        || curl_multi_add_handle(fetcher->multi, t->easy) != CURLM_OK) {
        return "libcurl does not take the request";
    }
    return NULL;
}

/* --- the end of a transfer --- */

static void end_transfer(jm_fetcher_t *fetcher, transfer_t *t)
{
    transfer_t **link = &fetcher->first;

    while (*link != t) {
        link = &(*link)->next;
    }
    *link = t->next;
    fetcher->running--;
    curl_easy_cleanup(t->easy);
    apr_pool_destroy(t->pool);
}

static const char *transfer_error(transfer_t *t, CURLcode code)
{
    long status = 0;

    if (t->refusal) {
        return t->refusal;
    }
    if (code != CURLE_OK) {
        return t->error[0] ? t->error : curl_easy_strerror(code);
    }
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        return apr_psprintf(t->pool, "it answered with status %ld", status);
    }
    return NULL;
}

/* The next request of the fetch, if there is one; NULL: it is under way. */
static const char *go_on(jm_fetcher_t *fetcher, transfer_t *t)
{
    const char *url, *error;

    t->discovers = 0;
    if (jm_remote_discovered(&url, &error, t->pool,
                             jm_strn(t->octets, t->len), t->remote->issuer)
        != APR_SUCCESS) {
        return error;
    }
    return send_request(fetcher, t, url);
}

static void finish(jm_fetcher_t *fetcher, transfer_t *t, const char *error)
{
    jm_fetched_t fetched = { error, { NULL, 0 }, NULL, t->max_age };
    const jm_keyset_t *set;

    fetched.answer = jm_strn(t->octets, t->len);
    if (!error) {
        jm_remote_keys(&set, &fetched.error, &fetched.ignored, t->pool,
                       t->pool, fetched.answer);
    }
    t->done(t->baton, &fetched);
    end_transfer(fetcher, t);
}

static void ended(jm_fetcher_t *fetcher, transfer_t *t, CURLcode code)
{
    const char *error = transfer_error(t, code);

    curl_multi_remove_handle(fetcher->multi, t->easy);
    if (!error && t->discovers) {
        error = go_on(fetcher, t);
        if (!error) {
            return;
        }
    }
    finish(fetcher, t, error);
}

/* --- the fetcher --- */

jm_fetcher_t *jm_fetcher_make(void)
{
    apr_pool_t *pool = jm_slot_pool();
    jm_fetcher_t *fetcher;

    if (!pool) {
        return NULL;
    }
    fetcher = apr_pcalloc(pool, sizeof(*fetcher));
    fetcher->pool = pool;
    fetcher->multi = curl_multi_init();
    if (!fetcher->multi) {
        apr_pool_destroy(pool);
        return NULL;
    }
    return fetcher;
}

void jm_fetcher_end(jm_fetcher_t *fetcher)
{
    while (fetcher->first) {
        curl_multi_remove_handle(fetcher->multi, fetcher->first->easy);
        end_transfer(fetcher, fetcher->first);
    }
    curl_multi_cleanup(fetcher->multi);
    apr_pool_destroy(fetcher->pool);
}

static transfer_t *make_transfer(jm_fetcher_t *fetcher)
{
    apr_pool_t *pool;
    transfer_t *t;

    if (apr_pool_create(&pool, fetcher->pool) != APR_SUCCESS) {
        return NULL;
    }
    t = apr_pcalloc(pool, sizeof(*t));
    t->pool = pool;
    t->easy = curl_easy_init();
    if (!t->easy) {
        apr_pool_destroy(pool);
        return NULL;
    }
    t->size = CHUNK;
    t->octets = apr_palloc(pool, t->size);
    t->next = fetcher->first;
    fetcher->first = t;
    fetcher->running++;
    return t;
}

unsigned jm_fetcher_running(const jm_fetcher_t *fetcher)
{
    return fetcher->running;
}

apr_status_t jm_fetcher_start(jm_fetcher_t *fetcher,
                              const jm_remote_t *remote,
                              jm_fetch_done_t *done, void *baton)
{
    transfer_t *t = make_transfer(fetcher);
    const char *error;

    if (!t) {
        return APR_ENOMEM;
    }
    t->remote = remote;
    t->done = done;
    t->baton = baton;
    t->deadline = now_ms() + JM_FETCH_MS;
    t->discovers = remote->issuer != NULL;
    set_protocols(t->easy);
    set_tls(t->easy, remote->ca_file);
    set_bounds(t->easy);
    set_callbacks(t);
    error = send_request(fetcher, t, remote->url);
    if (error) {
        finish(fetcher, t, error);
    }
    return APR_SUCCESS;
}

unsigned jm_fetcher_run(jm_fetcher_t *fetcher, int ms)
{
    CURLMsg *message;
    int count;

    curl_multi_perform(fetcher->multi, &count);
    if (count > 0) {
        curl_multi_wait(fetcher->multi, NULL, 0, ms, NULL);
        curl_multi_perform(fetcher->multi, &count);
    }
    while ((message = curl_multi_info_read(fetcher->multi, &count)) != NULL) {
        CURLcode code = message->data.result;
        char *t = NULL;

        if (message->msg == CURLMSG_DONE) {
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
            ended(fetcher, (transfer_t *)(void *)t, code);
        }
    }
    return fetcher->running;
}
