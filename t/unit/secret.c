/*
 * secret.c: secrets do not linger: once the pools of a compilation and of a
 * table are gone, no octets of theirs are left in the memory of the process.
 * Also: modes of files that are warned of.
 */
#include <apr_file_io.h>
#include <apr_time.h>

#include <sys/stat.h>

#include "jm_share.h"
#include "jm_slot.h"
#include "keys.h"
#include "routes.h"

#define SECRET_LEN 64          /* octets; what is looked for is the first */
#define SOUGHT 24              /* of them */

/* The n-th octet of a secret: nowhere in memory but where it is used. */
static char octet(unsigned secret, unsigned n)
{
    return (char)('A' + (secret * 7 + n * n * 11 + n * 5) % 26);
}

/* Reads what no program may, which a sanitizer need not tell. */
#define ANY_MEMORY __attribute__((no_sanitize_address, noinline))

/* 1 if the octets of a secret are at at. */
static ANY_MEMORY int is_there(const char *at, unsigned secret)
{
    unsigned i;

    for (i = 0; i < SOUGHT && at[i] == octet(secret, i); i++) {
    }
    return i == SOUGHT;
}

static ANY_MEMORY unsigned scan(const char *from, const char *to, unsigned secret)
{
    unsigned found = 0;

    for (; from + SOUGHT <= to; from++) {
        found += (unsigned)is_there(from, secret);
    }
    return found;
}

/* How often a secret is in memory that can be written. */
static unsigned remains(unsigned secret)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned found = 0;
    char line[512];

    while (maps && fgets(line, sizeof(line), maps)) {
        unsigned long from, to;
        char mode[5];

        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3
            && !strncmp(mode, "rw", 2) && !strstr(line, "[v")
            && to - from < (64ul << 20)) {
            found += scan((const char *)from, (const char *)to, secret);
        }
    }
    if (maps) {
        fclose(maps);
    }
    return found;
}

/* Writes a file of a secret, octet by octet. */
static void write_secret(const char *dir, const char *name, unsigned secret)
{
    const char *path = apr_pstrcat(tap_pool, dir, "/", name, NULL);
    FILE *file = fopen(path, "w");
    unsigned i;

    setvbuf(file, NULL, _IONBF, 0);
    for (i = 0; i < SECRET_LEN; i++) {
        fputc(octet(secret, i), file);
    }
    fclose(file);
    chmod(path, 0600);
}

static const char table_text[] =
    "{\"variables\":{\"key\":\"$secret.two\",\"deep\":[\"$secret.two\"]},"
    "\"authorizers\":{\"file\":{\"type\":\"jwt\",\"audience\":\"a\","
    "\"secret_file\":\"one\"},"
    "\"named\":{\"type\":\"jwt\",\"audience\":\"a\","
    "\"secret\":\"$secret.three\"}},"
    "\"paths\":[{\"method\":\"GET\",\"path\":\"/\",\"auth\":\"file\","
    "\"mapping\":{\"headers\":{\"x-a\":\"$config.key\","
    "\"x-b\":\"Key ${config.key}\",\"x-c\":\"$config.deep\"}}}]}";

static void test_table(const char *dir)
{
    jm_compile_env_t env = { NULL, NULL, dir, dir, 0, 0 };
    apr_pool_t *p, *ptemp;
    const jm_table_t *table;
    jm_diags_t found;
    unsigned i;

    write_secret(dir, "one", 1);
    write_secret(dir, "two", 2);
    write_secret(dir, "three", 3);
    apr_pool_create(&p, tap_pool);
    apr_pool_create(&ptemp, tap_pool);
    ok(jm_compile_text(&table, &found, p, ptemp, "t.json",
                       jm_str(table_text), &env) == APR_SUCCESS,
       "a table with secrets compiles");
    ok(remains(1) > 0 && remains(2) > 0 && remains(3) > 0,
       "while it is in use they are in memory");
    apr_pool_destroy(ptemp);
    apr_pool_destroy(p);
    for (i = 1; i <= 3; i++) {
        ok(remains(i) == 0, "secret %u is gone with the table", i);
    }
}

/* Secrets in the table itself, and in a key set; where, is a copy of text
 * with %s replaced by the secret. */
static jm_str_t spell(apr_pool_t *p, const char *text, unsigned secret)
{
    const char *at = strstr(text, "%s");
    apr_size_t before = (apr_size_t)(at - text);
    char *out = apr_palloc(p, strlen(text) + SECRET_LEN + 1);
    unsigned i;

    memcpy(out, text, before);
    for (i = 0; i < SECRET_LEN; i++) {
        out[before + i] = octet(secret, i);
    }
    strcpy(out + before + SECRET_LEN, at + 2);
    return jm_str(out);
}

static void test_inline(void)
{
    static const char *const texts[] = {
        "{\"authorizer\":{\"type\":\"jwt\",\"audience\":\"a\","
        "\"secret\":\"%s\"},\"paths\":[]}",
        "{\"authorizer\":{\"type\":\"jwt\",\"audience\":\"a\","
        "\"jwks\":{\"keys\":[{\"kty\":\"oct\",\"k\":\"%s\"}]}},"
        "\"paths\":[]}"
    };
    unsigned i;

    for (i = 0; i < 2; i++) {
        apr_pool_t *p, *ptemp;
        const jm_table_t *table;
        jm_diags_t found;
        jm_str_t text;

        apr_pool_create(&p, tap_pool);
        apr_pool_create(&ptemp, tap_pool);
        text = spell(ptemp, texts[i], 5 + i);
        ok(jm_compile_text(&table, &found, p, ptemp, "t.json", text, NULL)
           == APR_SUCCESS, "a table with a secret in it compiles");
        OPENSSL_cleanse((char *)text.ptr, text.len);
        apr_pool_destroy(ptemp);
        apr_pool_destroy(p);
        ok(remains(5 + i) == 0, "it is gone with the table: %u left",
           remains(5 + i));
    }
}

/* The same for what replaces a secret, and for the copy in the share. */
static void test_reload(const char *dir)
{
    const apr_size_t size = 1000;
    unsigned char digest[JM_SHARE_DIGEST_LEN] = { 0 };
    unsigned char lost[JM_SHARE_DIGEST_LEN];
    apr_pool_t *p;
    jm_share_t *share;
    const char *error;
    jm_str_t text;
    apr_status_t rv;

    apr_pool_create(&p, tap_pool);
    share = jm_share_make(apr_palloc(p, jm_share_size(&size, 1)), &size, 1);
    write_secret(dir, "four", 4);
    jm_file_read_secret(&text, &error, p,
                        apr_pstrcat(p, dir, "/four", NULL), 1000);
    ok(jm_share_get(&text, lost, p, share, 0) == APR_ENOENT,
       "a new share has nothing");
    jm_file_read_secret(&text, &error, p,
                        apr_pstrcat(p, dir, "/four", NULL), 1000);
    jm_share_put(share, 0, digest, text);
    rv = jm_share_get(&text, lost, p, share, 0);
    ok(rv == APR_INCOMPLETE, "what does not fit its digest is lost");
    jm_share_clear(share);
    apr_pool_destroy(p);
    ok(remains(4) == 0, "a secret is gone with the share and its readers");
}

static void test_share(void)
{
    const apr_size_t sizes[2] = { 4, 8 };
    apr_pool_t *p = jm_slot_pool();
    jm_share_t *share = jm_share_make(apr_palloc(p, jm_share_size(sizes, 2)),
                                      sizes, 2);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char got[JM_SHARE_DIGEST_LEN];
    jm_str_t text;

    EVP_Digest("12345678", 8, digest, NULL, EVP_sha256(), NULL);
    jm_share_put(share, 1, digest, jm_str("12345678"));
    ok(jm_share_get(&text, got, p, share, 1) == APR_SUCCESS
       && jm_str_is(text, "12345678")
       && !memcmp(got, digest, sizeof(got)), "what was put is there");
    ok(jm_share_get(&text, got, p, share, 0) == APR_ENOENT,
       "and only there");
    jm_share_put(share, 0, digest, jm_str("12345678"));
    ok(jm_share_get(&text, got, p, share, 0) == APR_INCOMPLETE,
       "what is too large is lost, and not forgotten");
    ok(jm_share_is_news(share, 0, 5) && !jm_share_is_news(share, 0, 5)
       && jm_share_is_news(share, 1, 5) && jm_share_is_news(share, 0, 6),
       "a mark is news once");
    apr_pool_destroy(p);
}

/* --- modes --- */

static const char *exposure(const char *path, int mode, int is_secret)
{
    jm_file_stamp_t stamp;
    const char *text;

    chmod(path, (mode_t)mode);
    jm_file_stamp(&stamp, tap_pool, path);
    text = jm_file_exposure(tap_pool, &stamp, is_secret);
    return text ? text : "";
}

static void test_modes(const char *dir)
{
    const char *path = apr_pstrcat(tap_pool, dir, "/one", NULL);

    is_str(jm_str(exposure(path, 0600, 1)), "", "a secret of mode 0600 is "
           "fine");
    is_str(jm_str(exposure(path, 0400, 1)), "", "so is 0400");
    is_str(jm_str(exposure(path, 0640, 1)), "is a secret and can be read by "
           "others than its owner (mode 0640): chmod it 0600",
           "a group that may read is warned of");
    is_str(jm_str(exposure(path, 0604, 1)), "is a secret and can be read by "
           "others than its owner (mode 0604): chmod it 0600",
           "and others");
    is_str(jm_str(exposure(path, 0620, 1)), "can be written by others than "
           "its owner (mode 0620), who may put their own key there: chmod "
           "it 0600", "writing is worse");
    is_str(jm_str(exposure(path, 0644, 0)), "", "a public key is for all to "
           "read");
    is_str(jm_str(exposure(path, 0646, 0)), "can be written by others than "
           "its owner (mode 0646), who may put their own key there: chmod "
           "it 0644", "but not to write");
}

static void test_warnings(const char *dir)
{
    jm_compile_env_t env = { NULL, NULL, dir, dir, 0, 1 };
    const char *path = apr_pstrcat(tap_pool, dir, "/", NULL);
    const jm_table_t *table;
    jm_diags_t found;

    chmod(apr_pstrcat(tap_pool, path, "one", NULL), 0644);
    chmod(apr_pstrcat(tap_pool, path, "two", NULL), 0644);
    chmod(apr_pstrcat(tap_pool, path, "three", NULL), 0600);
    jm_compile_text(&table, &found, tap_pool, tap_pool, "t.json",
                    jm_str(table_text), &env);
    is_str(jm_str(case_lines(tap_pool, &found)),
           apr_psprintf(tap_pool, "t.json:1:21: /variables/key: warning: "
               "%s/two is a secret and can be read by others than its owner "
               "(mode 0644): chmod it 0600\n"
               "t.json:1:124: /authorizers/file/secret_file: warning: "
               "\"one\" is a secret and can be read by others than its owner "
               "(mode 0644): chmod it 0600\n", dir),
           "each secret that others can read is warned of, once");
}

static void remove_dir(const char *dir)
{
    static const char *const names[] = { "one", "two", "three", "four" };
    unsigned i;

    for (i = 0; i < 4; i++) {
        remove(apr_pstrcat(tap_pool, dir, "/", names[i], NULL));
    }
    apr_dir_remove(dir, tap_pool);
}

int main(void)
{
    const char *dir;

    keys_start();
    dir = mkdtemp(apr_pstrdup(tap_pool, "/tmp/jm_secret.XXXXXX"));
    test_table(dir);
    test_inline();
    test_reload(dir);
    test_share();
    test_modes(dir);
    test_warnings(dir);
    remove_dir(dir);
    return tap_done();
}
