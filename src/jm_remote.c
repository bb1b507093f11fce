/*
 * jm_remote.c: URLs, answers and snapshots of fetched key sets. Touches the
 * pools it is given.
 */
#include "jm_remote.h"

#include <apr_lib.h>
#include <openssl/evp.h>

#include "jm_json.h"

#define CACHE_DURATION 600    /* seconds */
#define MIN_REFRESH 10
#define STALE_GRACE 3600
#define CLOCK_SKEW 60         /* seconds that a snapshot may be ahead of us */

#define WELL_KNOWN "/.well-known/openid-configuration"
#define SNAPSHOT "mod_jwtmap key set 1\n"

/* --- what is fetched --- */

/* With the NUL of each as the mark between them. */
static const char *make_id(apr_pool_t *p, const jm_remote_t *remote)
{
    static const char digits[] = "0123456789abcdef";
    const char *parts[3];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    apr_size_t i;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char *id = NULL;
    int good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    parts[0] = remote->url;
    parts[1] = remote->issuer ? remote->issuer : "";
    parts[2] = remote->ca_file ? remote->ca_file : "";
    for (i = 0; i < 3 && good; i++) {
        good = EVP_DigestUpdate(ctx, parts[i], strlen(parts[i]) + 1) == 1;
    }
    if (good && EVP_DigestFinal_ex(ctx, hash, &len) == 1) {
        id = apr_pcalloc(p, 2 * len + 1);
        for (i = 0; i < len; i++) {
            id[2 * i] = digits[hash[i] >> 4];
            id[2 * i + 1] = digits[hash[i] & 15];
        }
    }
    EVP_MD_CTX_free(ctx);
    return id;
}

jm_remote_t *jm_remote_make(apr_pool_t *p, const char *url,
                            const char *issuer, const char *ca_file)
{
    jm_remote_t *remote = apr_pcalloc(p, sizeof(*remote));

    remote->url = apr_pstrdup(p, url);
    remote->issuer = apr_pstrdup(p, issuer);
    remote->ca_file = apr_pstrdup(p, ca_file);
    remote->cache_duration = CACHE_DURATION;
    remote->min_refresh = MIN_REFRESH;
    remote->stale_grace = STALE_GRACE;
    remote->id = make_id(p, remote);
    return remote->id ? remote : NULL;
}

static int is_loopback(const char *host, apr_size_t len)
{
    apr_size_t i;
    unsigned dots = 0;

    if ((len == 9 && !strncasecmp(host, "localhost", 9))
        || (len == 5 && !strncmp(host, "[::1]", 5))) {
        return 1;
    }
    /* Four numbers: a name that begins with "127." is anybody's. */
    for (i = 0; i < len; i++) {
        if (host[i] == '.') {
            dots++;
        }
        else if (!apr_isdigit(host[i])) {
            return 0;
        }
    }
    return len > 4 && !strncmp(host, "127.", 4) && dots == 3
           && host[len - 1] != '.' && !strstr(host, "..");
}

static int is_port(const char *text, apr_size_t len)
{
    apr_size_t i;

    if (len < 2 || len > 6 || text[0] != ':') {
        return 0;
    }
    for (i = 1; i < len; i++) {
        if (!apr_isdigit(text[i])) {
            return 0;
        }
    }
    return 1;
}

static int has_odd_octets(const char *url)
{
    for (; *url; url++) {
        if (*url <= ' ' || *url >= 0x7f || strchr("\\\"<>^`{|}", *url)) {
            return 1;
        }
    }
    return 0;
}

const char *jm_remote_check_url(const char *url)
{
    int secure = !strncasecmp(url, "https://", 8);
    const char *host;
    apr_size_t len, all;

    if (!secure && strncasecmp(url, "http://", 7)) {
        return "it must be an absolute https URL";
    }
    if (has_odd_octets(url)) {
        return "an octet in it has no place in a URL: write it as %XX";
    }
    if (strchr(url, '#')) {
        return "a fragment has no place in it: remove the \"#\" and all "
               "behind it";
    }
    host = url + (secure ? 8 : 7);
    all = strcspn(host, "/?");
    if (memchr(host, '@', all)) {
        return "a user or password has no place in it: remove all up to the "
               "\"@\"";
    }
    len = host[0] == '[' ? strcspn(host, "]/?") + 1 : strcspn(host, ":/?");
    if (len == 0 || len > all) {
        return "the host is missing: write https://HOST/PATH";
    }
    if (len < all && !is_port(host + len, all - len)) {
        return "what follows the host is no port";
    }
    if (!secure && !is_loopback(host, len)) {
        return "keys that come over plain http can be replaced on the way: "
               "write https (http is for 127.0.0.1, [::1] and localhost "
               "only)";
    }
    return NULL;
}

const char *jm_remote_discovery_url(apr_pool_t *p, const char *issuer)
{
    apr_size_t len = strlen(issuer);

    if (len > 0 && issuer[len - 1] == '/') {
        len--;
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, issuer, len), WELL_KNOWN, NULL);
}

const char *jm_remote_for_log(apr_pool_t *p, const char *url)
{
    return apr_pstrmemdup(p, url, strcspn(url, "?"));
}

/* --- what an answer means --- */

static apr_status_t parse(const jm_json_t **proot, const char **perror,
                          apr_pool_t *p, jm_str_t text)
{
    apr_status_t rv = jm_json_parse(proot, NULL, p, text);

    if (rv == APR_SUCCESS && (*proot)->type != JM_JSON_OBJECT) {
        rv = APR_EINVAL;
    }
    if (rv != APR_SUCCESS) {
        *perror = "the answer is no JSON object";
    }
    return rv;
}

apr_status_t jm_remote_discovered(const char **purl, const char **perror,
                                  apr_pool_t *p, jm_str_t document,
                                  const char *issuer)
{
    const jm_json_t *root, *node;
    const char *why;

    *purl = NULL;
    if (parse(&root, perror, p, document) != APR_SUCCESS) {
        return APR_EINVAL;
    }
    node = jm_json_get(root, jm_str("issuer"));
    if (!node || node->type != JM_JSON_STRING
        || !jm_str_is(node->text, issuer)) {
        *perror = "the provider's document names another issuer";
        return APR_EINVAL;
    }
    node = jm_json_get(root, jm_str("jwks_uri"));
    if (!node || node->type != JM_JSON_STRING
        || memchr(node->text.ptr, '\0', node->text.len)) {
        *perror = "the provider's document has no jwks_uri";
        return APR_EINVAL;
    }
    why = jm_remote_check_url(node->text.ptr);
    if (why) {
        *perror = apr_pstrcat(p, "the jwks_uri of the provider's document "
                              "cannot be used: ", why, NULL);
        return APR_EINVAL;
    }
    *purl = node->text.ptr;
    return APR_SUCCESS;
}

/* What a reader of keys says. */
typedef struct said_t {
    apr_pool_t *p;
    const char *error;
    const char *ignored;
} said_t;

static void hear(void *baton, jm_severity_e severity, const jm_json_t *at,
                 const char *text)
{
    said_t *said = baton;

    if (severity == JM_ERROR) {
        said->error = said->error ? said->error : text;
        return;
    }
    said->ignored = apr_psprintf(said->p, "%s%s%s: %s",
                                 said->ignored ? said->ignored : "",
                                 said->ignored ? "; " : "",
                                 at ? jm_json_pointer(said->p, at) : "",
                                 text);
}

apr_status_t jm_remote_keys(const jm_keyset_t **pset, const char **perror,
                            const char **pignored, apr_pool_t *p,
                            apr_pool_t *ptemp, jm_str_t answer)
{
    said_t said = { ptemp, NULL, NULL };
    const jm_json_t *root;
    apr_status_t rv;

    *pset = NULL;
    rv = parse(&root, perror, ptemp, answer);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = jm_keyset_jwks(pset, p, root, 1, hear, &said);
    if (rv != APR_SUCCESS) {
        *perror = said.error ? apr_pstrdup(ptemp, said.error)
                             : "out of memory";
    }
    if (pignored) {
        *pignored = said.ignored;
    }
    return rv;
}

/* A directive "max-age=N" (quoted in some answers), without regard to case;
 * what is no number is no directive. */
static apr_int64_t directive_seconds(const char *at, apr_size_t len)
{
    char number[20];
    apr_size_t start = 8, i;

    if (len <= start || strncasecmp(at, "max-age=", start)) {
        return -1;
    }
    if (at[start] == '"' && len > start + 2 && at[len - 1] == '"') {
        start++;
        len--;
    }
    for (i = start; i < len; i++) {
        if (!apr_isdigit(at[i])) {
            return -1;
        }
    }
    /* RFC 9111 1.2.2: too large a number is a very long time. */
    if (len - start > 10) {
        return APR_INT32_MAX;
    }
    apr_cpystrn(number, at + start, len - start + 1);
    return apr_atoi64(number);
}

apr_int64_t jm_remote_max_age(const char *value)
{
    apr_int64_t least = -1;

    while (value && *value) {
        apr_size_t len, used;
        apr_int64_t seconds;

        value += strspn(value, ", \t");
        used = len = strcspn(value, ",");
        while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) {
            len--;
        }
        seconds = directive_seconds(value, len);
        if (seconds >= 0 && (least < 0 || seconds < least)) {
            least = seconds;
        }
        value += used;
    }
    return least;
}

apr_int64_t jm_remote_lifetime(const jm_remote_t *remote,
                               apr_int64_t max_age)
{
    apr_int64_t seconds = remote->cache_duration;

    if (max_age >= 0 && max_age < seconds) {
        seconds = max_age;
    }
    return seconds > remote->min_refresh ? seconds : remote->min_refresh;
}

/* --- snapshots --- */

const char *jm_snapshot_head(apr_pool_t *p, const jm_remote_t *remote,
                             const jm_snapshot_t *snapshot)
{
    return apr_psprintf(p, SNAPSHOT "set %s\nfetched %" APR_INT64_T_FMT
                        "\nexpires %" APR_INT64_T_FMT "\n\n", remote->id,
                        snapshot->fetched, snapshot->expires);
}

/* Takes word off the front of *ptext. */
static int take(jm_str_t *ptext, const char *word)
{
    apr_size_t len = strlen(word);

    if (ptext->len < len || memcmp(ptext->ptr, word, len)) {
        return 0;
    }
    *ptext = jm_strn(ptext->ptr + len, ptext->len - len);
    return 1;
}

/* Takes "name N\n": at most 12 digits. */
static int take_number(apr_int64_t *pnumber, jm_str_t *ptext,
                       const char *name)
{
    unsigned digits = 0;

    *pnumber = 0;
    if (!take(ptext, name)) {
        return 0;
    }
    while (ptext->len > 0 && apr_isdigit(*ptext->ptr) && digits < 12) {
        *pnumber = *pnumber * 10 + (*ptext->ptr - '0');
        *ptext = jm_strn(ptext->ptr + 1, ptext->len - 1);
        digits++;
    }
    return digits > 0 && take(ptext, "\n");
}

apr_status_t jm_snapshot_parse(jm_snapshot_t *snapshot, jm_str_t text,
                               const jm_remote_t *remote)
{
    if (!take(&text, SNAPSHOT "set ") || !take(&text, remote->id)
        || !take(&text, "\n")
        || !take_number(&snapshot->fetched, &text, "fetched ")
        || !take_number(&snapshot->expires, &text, "expires ")
        || !take(&text, "\n") || snapshot->expires < snapshot->fetched) {
        return APR_EINVAL;
    }
    snapshot->answer = text;
    return APR_SUCCESS;
}

apr_int64_t jm_snapshot_usable_until(const jm_snapshot_t *snapshot,
                                     const jm_remote_t *remote,
                                     apr_int64_t now)
{
    apr_int64_t lifetime = jm_remote_lifetime(
        remote, snapshot->expires - snapshot->fetched);

    if (snapshot->fetched > now + CLOCK_SKEW) {
        return 0;
    }
    return snapshot->fetched + lifetime + remote->stale_grace;
}
