/*
 * slot.c: snapshots that are replaced while they are read. The part with
 * threads is for a thread sanitizer, too: see t/README.
 */
#include <apr_thread_proc.h>

#include "jm_slot.h"
#include "tap.h"

#define READERS 4
#define READS 20000            /* of each reader */
#define WRITES 2000
#define WORDS 64

/* All words are the same, as long as it lives. */
typedef struct data_t {
    unsigned words[WORDS];
} data_t;

static unsigned made;
static unsigned gone;

static apr_status_t note_end(void *baton)
{
    data_t *data = baton;

    memset(data, 0xff, sizeof(*data));
    __atomic_add_fetch(&gone, 1, __ATOMIC_RELAXED);
    return APR_SUCCESS;
}

static void put(jm_slot_t *slot, unsigned word)
{
    apr_pool_t *pool = jm_slot_pool();
    data_t *data = apr_palloc(pool, sizeof(*data));
    unsigned i;

    for (i = 0; i < WORDS; i++) {
        data->words[i] = word;
    }
    apr_pool_cleanup_register(pool, data, note_end, apr_pool_cleanup_null);
    made++;
    jm_slot_set(slot, pool, data);
}

static int is_whole(const data_t *data)
{
    unsigned i;

    for (i = 0; i < WORDS; i++) {
        if (data->words[i] != data->words[0]) {
            return 0;
        }
    }
    return 1;
}

static void test_order(void)
{
    apr_pool_t *owner = jm_slot_pool();
    apr_pool_t *first = jm_slot_pool();
    apr_pool_t *second = jm_slot_pool();
    jm_slot_t *slot = jm_slot_make(owner);
    apr_uint32_t generation = 7;
    const data_t *one, *two;

    ok(!jm_slot_get(slot, first, &generation) && generation == 0,
       "a new slot is empty, of generation 0");
    put(slot, 1);
    one = jm_slot_get(slot, first, &generation);
    ok(one && one->words[0] == 1 && generation == 1
       && jm_slot_generation(slot) == 1, "what is set is found");
    put(slot, 2);
    two = jm_slot_get(slot, second, &generation);
    ok(two && two->words[0] == 2 && generation == 2,
       "a new reader gets what was set last");
    ok(gone == 0 && one->words[WORDS - 1] == 1,
       "who reads the former one goes on with it");
    apr_pool_destroy(first);
    ok(gone == 1, "it goes with its last reader");
    jm_slot_set(slot, NULL, NULL);
    ok(!jm_slot_get(slot, second, &generation) && generation == 3
       && gone == 1, "a slot can be emptied under a reader");
    apr_pool_destroy(second);
    ok(gone == 2, "what was in it goes with that reader");
    put(slot, 3);
    second = jm_slot_pool();
    two = jm_slot_get(slot, second, NULL);
    apr_pool_destroy(owner);
    ok(gone == 2 && two->words[0] == 3,
       "a reader may outlive the slot itself");
    apr_pool_destroy(second);
    ok(gone == 3 && made == 3, "nothing is left");
}

/* --- threads --- */

typedef struct reader_t {
    jm_slot_t *slot;
    unsigned broken;           /* torn, or older than one seen before */
} reader_t;

static void *APR_THREAD_FUNC read_often(apr_thread_t *thread, void *baton)
{
    reader_t *reader = baton;
    unsigned seen = 0;
    unsigned i;

    (void)thread;
    for (i = 0; i < READS; i++) {
        apr_pool_t *p = jm_slot_pool();
        apr_uint32_t generation;
        const data_t *data = jm_slot_get(reader->slot, p, &generation);

        if (!data || !is_whole(data) || data->words[0] < seen
            || data->words[0] != generation) {
            reader->broken++;
        }
        seen = data ? data->words[0] : seen;
        apr_pool_destroy(p);
    }
    return NULL;
}

static void test_threads(void)
{
    apr_pool_t *owner = jm_slot_pool();
    jm_slot_t *slot = jm_slot_make(owner);
    apr_thread_t *threads[READERS];
    reader_t readers[READERS];
    unsigned broken = 0;
    apr_status_t rv;
    unsigned i;

    made = gone = 0;
    put(slot, 1);
    for (i = 0; i < READERS; i++) {
        readers[i].slot = slot;
        readers[i].broken = 0;
        apr_thread_create(&threads[i], NULL, read_often, &readers[i],
                          tap_pool);
    }
    for (i = 2; i <= WRITES; i++) {
        put(slot, i);
    }
    for (i = 0; i < READERS; i++) {
        apr_thread_join(&rv, threads[i]);
        broken += readers[i].broken;
    }
    ok(broken == 0, "%u reads by each of %u threads see whole snapshots, "
       "none older than the one before", READS, READERS);
    ok(gone == made - 1, "all but the last snapshot are gone");
    apr_pool_destroy(owner);
    ok(gone == made, "the last one goes with the slot");
}

int main(void)
{
    tap_start();
    test_order();
    test_threads();
    return tap_done();
}
