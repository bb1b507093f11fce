/*
 * threads.c: threads that verify tokens, with a cache that is too small for
 * them, while another one takes over changed key files and revocation lists.
 * For a thread sanitizer, too: see t/README.
 */
#include <apr_file_io.h>
#include <apr_thread_proc.h>

#include <utime.h>

#include "jm_compile.h"
#include "jm_reload.h"
#include "jm_slot.h"
#include "jm_verify.h"
#include "tokens.h"

#define THREADS 4
#define SUBJECTS 24            /* of each key; the cache holds 16 tokens */
#define CHANGES 400            /* of the files, */
#define PASSES 5               /* and verifications of each thread after one */
#define NOW 1500

#define ONE "0123456789abcdef0123456789abcdef"
#define TWO "fedcba9876543210fedcba9876543210"
#define THREE "fedcba9876543210fedcba9876543211"
#define TABLE "{\"authorizer\":{\"type\":\"jwt\",\"audience\":\"a\"," \
    "\"secret_file\":\"secret\",\"revoked_file\":\"list\"," \
    "\"algorithms\":[\"HS256\"]},\"paths\":[]}"

/* What is in the files: one secret or the other, all odd subjects revoked or
 * all even ones. A change is one of the secret or one of the list, in turn:
 * the cache outlives the latter. */
enum { KEY_TWO = 1, EVEN_REVOKED = 2, STATES = 4 };

static unsigned state_after(unsigned changes)
{
    unsigned turn = changes % STATES;

    return turn ^ (turn >> 1);
}

typedef struct tried_t {
    jm_str_t text;
    unsigned subject;
    int key;                   /* 0, KEY_TWO, or -1: a key that never holds */
} tried_t;

#define TRIED_COUNT (3 * SUBJECTS)

static struct {
    const char *dir;
    const jm_authorizer_t *authorizer;
    jm_cache_t *cache;
    tried_t tried[TRIED_COUNT];
    unsigned phase;            /* number of changes times 2; odd: just being
                                * made */
    unsigned passes;           /* verifications so far, of all threads */
    int over;
} gate;

static const char *at(const char *name)
{
    return apr_pstrcat(tap_pool, gate.dir, "/", name, NULL);
}

/* Another file each time, as of a minute ago: not just being written. */
static void put(const char *name, const char *text)
{
    struct utimbuf then = { time(NULL) - 60, time(NULL) - 60 };
    FILE *file = fopen(at("new"), "w");

    if (!file || fputs(text, file) < 0 || fclose(file)
        || utime(at("new"), &then) || rename(at("new"), at(name))) {
        printf("Bail out! no file: %s\n", at(name));
        exit(2);
    }
}

static void put_state(unsigned state)
{
    const char *list = "";
    unsigned i;

    for (i = state & EVEN_REVOKED ? 0 : 1; i < SUBJECTS; i += 2) {
        list = apr_psprintf(tap_pool, "%ssub:s%u\n", list, i);
    }
    put("secret", state & KEY_TWO ? TWO : ONE);
    put("list", list);
}

static void mint_all(const char *secret, int key, unsigned from)
{
    jm_mint_t *minter;
    unsigned i;

    jm_mint_load_secret(&minter, tap_pool, jm_str(secret));
    for (i = 0; i < SUBJECTS; i++) {
        tried_t *tried = &gate.tried[from + i];

        tried->subject = i;
        tried->key = key;
        jm_mint_sign(&tried->text, tap_pool, minter,
                     jm_alg_find(jm_str("HS256")),
                     jm_str("{\"alg\":\"HS256\"}"),
                     fmt("{\"aud\":\"a\",\"sub\":\"s%u\",\"exp\":2000}", i));
    }
}

/* What becomes of a token in a state. */
static jm_verdict_e verdict_in(const tried_t *tried, unsigned state)
{
    unsigned revoked = state & EVEN_REVOKED ? 0 : 1;

    if (tried->key != (int)(state & KEY_TWO)) {
        return JM_SIGNATURE;
    }
    return tried->subject % 2 == revoked ? JM_REVOKED : JM_OK;
}

/* --- who verifies --- */

typedef struct worker_t {
    unsigned random;
    unsigned steady;           /* verdicts while nothing changed, */
    unsigned good;             /* JM_OK among them */
    unsigned wrong;            /* another verdict than that of the state */
    unsigned mixed;            /* another one's claims, or a forged token */
} worker_t;

static void verify_one(worker_t *w, const tried_t *tried)
{
    jm_choice_t choice = { &gate.authorizer, 1, NULL };
    jm_verify_t with = { choice, NOW, 0, gate.cache, NULL, NULL };
    apr_pool_t *p = jm_slot_pool();
    jm_verified_t verified;
    unsigned before = __atomic_load_n(&gate.phase, __ATOMIC_ACQUIRE);
    jm_verdict_e verdict = jm_verify_token(&verified, p, tried->text, &with);
    unsigned after = __atomic_load_n(&gate.phase, __ATOMIC_ACQUIRE);

    if (before == after && before % 2 == 0) {
        w->steady++;
        w->good += verdict == JM_OK;
        w->wrong += verdict != verdict_in(tried, state_after(before / 2));
    }
    if (verdict == JM_OK) {
        const jm_json_t *sub = jm_json_get(verified.token->claims,
                                           jm_str("sub"));

        w->mixed += tried->key < 0 || !sub
                    || !jm_str_is(sub->text, apr_psprintf(p, "s%u",
                                                          tried->subject));
    }
    apr_pool_destroy(p);
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *baton)
{
    worker_t *w = baton;

    (void)thread;
    while (!__atomic_load_n(&gate.over, __ATOMIC_ACQUIRE)) {
        w->random = w->random * 1103515245u + 12345u;
        verify_one(w, &gate.tried[(w->random >> 16) % TRIED_COUNT]);
        __atomic_add_fetch(&gate.passes, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* --- who changes the files --- */

static void note_refusal(void *baton, unsigned number,
                         const jm_watch_t *watch, jm_reload_e what,
                         apr_uint32_t mark, const char *text)
{
    unsigned *refused = baton;

    (void)number;
    (void)watch;
    (void)mark;
    (void)text;
    *refused += what != JM_RELOAD_TAKEN;
}

/* Number of findings that were no change taken over. */
static unsigned change_files(jm_reload_t *reload)
{
    unsigned refused = 0;
    unsigned i;

    for (i = 1; i <= CHANGES; i++) {
        unsigned enough;

        __atomic_store_n(&gate.phase, 2 * i - 1, __ATOMIC_RELEASE);
        put_state(state_after(i));
        jm_reload_look(reload, apr_time_now(), note_refusal, &refused);
        __atomic_store_n(&gate.phase, 2 * i, __ATOMIC_RELEASE);
        enough = __atomic_load_n(&gate.passes, __ATOMIC_RELAXED)
                 + THREADS * PASSES;
        while (__atomic_load_n(&gate.passes, __ATOMIC_RELAXED) < enough) {
            apr_sleep(100);
        }
    }
    return refused;
}

static void test_all(void)
{
    jm_compile_env_t env = { NULL, NULL, NULL, gate.dir, 0, 0 };
    jm_reload_t *reload = jm_reload_make(tap_pool);
    worker_t workers[THREADS];
    worker_t sum = { 0, 0, 0, 0, 0 };
    apr_thread_t *threads[THREADS];
    const jm_table_t *table;
    jm_cache_stats_t stats;
    unsigned refused, i;
    apr_status_t rv;
    jm_diags_t found;

    put_state(state_after(0));
    jm_compile_text(&table, &found, tap_pool, tap_pool, "t.json",
                    jm_str(TABLE), &env);
    jm_reload_add(reload, table);
    gate.authorizer = table->authorizers[0];
    gate.cache = jm_cache_make(tap_pool, 16);
    memset(workers, 0, sizeof(workers));
    for (i = 0; i < THREADS; i++) {
        workers[i].random = i;
        apr_thread_create(&threads[i], NULL, work, &workers[i], tap_pool);
    }
    refused = change_files(reload);
    __atomic_store_n(&gate.over, 1, __ATOMIC_RELEASE);
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&rv, threads[i]);
        sum.steady += workers[i].steady;
        sum.good += workers[i].good;
        sum.wrong += workers[i].wrong;
        sum.mixed += workers[i].mixed;
    }
    jm_cache_stats(&stats, gate.cache);
    ok(refused == 0 && jm_slot_generation(gate.authorizer->key_slot)
                       > CHANGES / 2, "%u changes are taken over", CHANGES);
    ok(sum.wrong == 0, "%u of %u verdicts between them are those of what is "
       "in the files: no key, no revocation is late", sum.steady - sum.wrong,
       sum.steady);
    ok(sum.mixed == 0, "%u tokens are let through with their own claims, and "
       "none that was forged", sum.good);
    ok(sum.good > CHANGES && stats.hits > CHANGES && stats.misses > CHANGES
       && stats.entries <= 16, "by the cache and without it: %lu hits, %lu "
       "misses", stats.hits, stats.misses);
}

int main(void)
{
    keys_start();
    gate.dir = mkdtemp(apr_pstrdup(tap_pool, "/tmp/jm_threads.XXXXXX"));
    mint_all(ONE, 0, 0);
    mint_all(TWO, KEY_TWO, SUBJECTS);
    mint_all(THREE, -1, 2 * SUBJECTS);
    test_all();
    remove(at("secret"));
    remove(at("list"));
    apr_dir_remove(gate.dir, tap_pool);
    return tap_done();
}
