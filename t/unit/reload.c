/*
 * reload.c: files of a table that change: what is seen, what is taken over,
 * what is refused, and what a process that begins later has.
 */
#include <apr_file_io.h>
#include <apr_time.h>

#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "jm_reload.h"
#include "jm_revoked.h"
#include "jm_slot.h"
#include "keys.h"
#include "routes.h"

static const char *dir;

static const char *at(const char *name)
{
    return apr_pstrcat(tap_pool, dir, "/", name, NULL);
}

/* Not just being written, and settled. */
static void make_old(const char *name)
{
    struct utimbuf then = { time(NULL) - 60, time(NULL) - 60 };

    utime(at(name), &then);
}

/* Writes in place, as of a minute ago. */
static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");

    fputs(text, file);
    fclose(file);
    make_old(name);
}

/* What was said last. */
static struct {
    unsigned count;
    jm_reload_e what;
    apr_uint32_t mark;
    const char *text;
} said;

static void hear_it(void *baton, unsigned number, const jm_watch_t *watch,
                    jm_reload_e what, apr_uint32_t mark, const char *text)
{
    (void)baton;
    (void)number;
    (void)watch;
    said.count++;
    said.what = what;
    said.mark = mark;
    said.text = text ? apr_pstrdup(tap_pool, text) : "";
}

static int looks(jm_reload_t *reload)
{
    said.count = 0;
    return jm_reload_look(reload, apr_time_now(), hear_it, NULL);
}

#define TABLE "{\"authorizer\":{\"type\":\"jwt\",\"audience\":\"a\"," \
    "\"secret_file\":\"secret\",\"revoked_file\":\"list\"," \
    "\"algorithms\":[\"HS256\",\"HS384\"]},\"paths\":[]}"
#define SECRET_2 "fedcba9876543210fedcba9876543210"
#define SECRET_3 "fedcba9876543210fedcba9876543211"

static const jm_table_t *compile_files(apr_pool_t *p)
{
    jm_compile_env_t env = { NULL, NULL, NULL, dir, 0, 0 };
    const jm_table_t *table;
    jm_diags_t found;

    jm_compile_text(&table, &found, p, p, "t.json", jm_str(TABLE), &env);
    return table;
}

static apr_uint32_t keys_of(const jm_table_t *table)
{
    return jm_slot_generation(table->authorizers[0]->key_slot);
}

static int is_revoked(const jm_table_t *table, const char *claims)
{
    apr_pool_t *p = jm_slot_pool();
    const jm_revoked_t *list = jm_slot_get(
        table->authorizers[0]->revoked_slot, p, NULL);
    const jm_json_t *json;
    int result;

    jm_json_parse(&json, NULL, tap_pool, jm_str(claims));
    result = list ? jm_revoked_has(list, json) : -1;
    apr_pool_destroy(p);
    return result;
}

static void test_changes(void)
{
    jm_reload_t *reload = jm_reload_make(tap_pool);
    const jm_table_t *table;

    put("secret", SECRET);
    put("list", "jti:a\n");
    table = compile_files(tap_pool);
    ok(table && table->watch_count == 2 && !table->authorizers[0]->keys
       && keys_of(table) == 1, "two files of a table may change");
    jm_reload_add(reload, table);
    ok(!looks(reload) && said.count == 0 && keys_of(table) == 1,
       "nothing changed: nothing is said");
    put("secret", SECRET);
    looks(reload);
    ok(said.count == 0 && keys_of(table) == 1,
       "the same content again is no change");
    put("secret", SECRET_2);
    looks(reload);
    ok(said.count == 1 && said.what == JM_RELOAD_TAKEN && said.mark
       && keys_of(table) == 2, "another secret of the same size and mtime is "
       "taken over");
    looks(reload);
    ok(said.count == 0 && keys_of(table) == 2, "once");
    put("list", "sub:b\n");
    looks(reload);
    ok(is_revoked(table, "{\"sub\":\"b\"}") == 1
       && is_revoked(table, "{\"jti\":\"a\"}") == 0,
       "another list takes the place of the first");
    put("secret.new", SECRET_3);
    rename(at("secret.new"), at("secret"));
    looks(reload);
    ok(keys_of(table) == 3, "a file that was renamed into its place, too");
}

static void test_refusals(void)
{
    jm_reload_t *reload = jm_reload_make(tap_pool);
    const jm_table_t *table;

    put("secret", SECRET);
    put("list", "jti:a\n");
    table = compile_files(tap_pool);
    jm_reload_add(reload, table);
    put("secret", "short");
    looks(reload);
    ok(said.count == 1 && said.what == JM_RELOAD_REFUSED
       && strstr(said.text, "too short") && keys_of(table) == 1,
       "a secret that is too short is refused: %s", said.text);
    looks(reload);
    ok(said.count == 0, "and that is said once");
    put("list", "jti:a\n\nnonsense\n");
    looks(reload);
    ok(said.count == 1 && strstr(said.text, "list: line 3: ")
       && is_revoked(table, "{\"jti\":\"a\"}") == 1,
       "a broken list is refused with its line: %s", said.text);
    remove(at("list"));
    looks(reload);
    ok(said.count == 1 && said.what == JM_RELOAD_REFUSED
       && strstr(said.text, "cannot read \"list\"")
       && is_revoked(table, "{\"jti\":\"a\"}") == 1,
       "one that is gone goes on: %s", said.text);
    put("list", "");
    looks(reload);
    ok(said.what == JM_RELOAD_TAKEN
       && is_revoked(table, "{\"jti\":\"a\"}") == 0,
       "one that is empty does not");
    put("secret", SECRET);
    looks(reload);
    ok(said.count == 1 && said.what == JM_RELOAD_TAKEN && keys_of(table) == 2,
       "a good secret ends the trouble");
}

static void test_writing(void)
{
    jm_reload_t *reload = jm_reload_make(tap_pool);
    const jm_table_t *table;
    FILE *file;

    put("secret", SECRET);
    put("list", "");
    table = compile_files(tap_pool);
    jm_reload_add(reload, table);
    file = fopen(at("secret"), "w");
    fputs(SECRET_2, file);
    fclose(file);
    ok(jm_reload_look(reload, apr_time_now(), hear_it, NULL)
       && keys_of(table) == 1, "a file that is just being written waits");
    apr_sleep(apr_time_from_msec(150));
    ok(!jm_reload_look(reload, apr_time_now(), hear_it, NULL)
       && keys_of(table) == 2, "but not for long");
}

/* A table of files with one secret and this list, which reload looks at. */
static const jm_table_t *looked_at(jm_reload_t *reload, const char *list)
{
    const jm_table_t *table;

    put("secret", SECRET);
    put("list", list);
    table = compile_files(tap_pool);
    jm_reload_add(reload, table);
    return table;
}

static int grows(jm_reload_t *reload, const char *name, const char *text)
{
    FILE *file = fopen(at(name), "a");

    fputs(text, file);
    fclose(file);
    said.count = 0;
    return jm_reload_look(reload, apr_time_now(), hear_it, NULL);
}

/* Each look finds a file that was written to a moment ago. */
static void test_growing(void)
{
    jm_reload_t *reload = jm_reload_make(tap_pool);
    const jm_table_t *table = looked_at(reload, "jti:a\n");

    ok(!grows(reload, "list", "jti:b\njti:c")
       && is_revoked(table, "{\"jti\":\"a\"}") == 1
       && is_revoked(table, "{\"jti\":\"b\"}") == 1
       && is_revoked(table, "{\"jti\":\"c\"}") == 0,
       "whole lines that are added to a list do not wait");
    ok(!grows(reload, "list", "d\n")
       && is_revoked(table, "{\"jti\":\"cd\"}") == 1
       && is_revoked(table, "{\"jti\":\"b\"}") == 1, "nor the next ones");
    ok(grows(reload, "list", "jti:e") && said.count == 0,
       "half a line does");
    apr_sleep(apr_time_from_msec(150));
    looks(reload);
    ok(is_revoked(table, "{\"jti\":\"e\"}") == 1
       && is_revoked(table, "{\"jti\":\"cd\"}") == 1,
       "until nobody writes");
    put("list", "");
    ok(grows(reload, "list", "jti:x\njti:y\njti:z\njti:1\n")
       && is_revoked(table, "{\"jti\":\"a\"}") == 1,
       "a list that is written anew does, too");
    ok(grows(reload, "secret", "\n\n") && keys_of(table) == 1,
       "and so does a key");
}

/* Who opens a pipe waits for its writer, and all files with it. */
static void test_pipe(void)
{
    jm_reload_t *reload = jm_reload_make(tap_pool);
    const jm_table_t *table = looked_at(reload, "");

    remove(at("secret"));
    mkfifo(at("secret"), 0600);
    make_old("secret");
    put("list", "jti:a\n");
    alarm(20);
    looks(reload);
    looks(reload);
    alarm(0);
    ok(keys_of(table) == 1 && is_revoked(table, "{\"jti\":\"a\"}") == 1,
       "a named pipe in the place of a file keeps no other file waiting");
    ok(!compile_files(tap_pool), "and is an error at load");
    remove(at("secret"));
    put("secret", SECRET_2);
    looks(reload);
    ok(said.what == JM_RELOAD_TAKEN && keys_of(table) == 2,
       "a file in its place is taken over");
}

static void test_too_large(void)
{
    jm_reload_t *reload = jm_reload_make(tap_pool);
    const jm_table_t *table = looked_at(reload, "");

    ok(truncate(at("secret"), JM_KEY_FILE_MAX + 1) == 0, "a file grows");
    make_old("secret");
    looks(reload);
    ok(said.count == 1 && said.what == JM_RELOAD_REFUSED
       && strstr(said.text, "more than 1048576 octets") && keys_of(table) == 1,
       "a file that is too large is refused, with the limit");
}

/* As if root had read it at start, a long time ago. */
static void test_forbidden(void)
{
    jm_reload_t *reload = jm_reload_make(tap_pool);
    const jm_table_t *table;
    jm_watch_t *watch;

    put("secret", SECRET);
    put("list", "");
    table = compile_files(tap_pool);
    chmod(at("secret"), 0);
    watch = (jm_watch_t *)table->watches[0];
    jm_file_stamp(&watch->loaded.stamp, tap_pool, watch->path);
    watch->loaded.settled = 1;
    jm_reload_add(reload, table);
    looks(reload);
    ok(said.count == 1 && said.what == JM_RELOAD_FORBIDDEN
       && keys_of(table) == 1, "a file that only root may read is said to be "
       "one before it changes");
    looks(reload);
    ok(said.count == 0, "once");
    chmod(at("secret"), 0600);
    put("secret", SECRET_2);
    looks(reload);
    ok(said.what == JM_RELOAD_TAKEN && keys_of(table) == 2,
       "it is taken over when it may be read");
}

/* jti:1 and so on. */
static const char *a_list(int count)
{
    char *text = apr_palloc(tap_pool, (apr_size_t)count * 16);
    char *end = text;

    for (; count; count--) {
        end += sprintf(end, "jti:%d\n", count);
    }
    return text;
}

/* Two processes, as far as a reload can tell: two tables of the same files,
 * and one share. */
static void test_later_process(void)
{
    jm_reload_t *early = jm_reload_make(tap_pool);
    jm_reload_t *late = jm_reload_make(tap_pool);
    jm_reload_t *later = jm_reload_make(tap_pool);
    const jm_table_t *tables[3];
    const char *many = a_list(40000);
    const apr_size_t *sizes;
    jm_share_t *share;
    unsigned count;
    unsigned i;

    put("secret", SECRET);
    put("list", "");
    for (i = 0; i < 3; i++) {
        tables[i] = compile_files(tap_pool);
    }
    jm_reload_add(early, tables[0]);
    jm_reload_add(late, tables[1]);
    jm_reload_add(later, tables[2]);
    sizes = jm_reload_sizes(&count, tap_pool, early);
    share = jm_share_make(apr_palloc(tap_pool, jm_share_size(sizes, count)),
                          sizes, count);
    jm_reload_share(early, share);
    jm_reload_share(late, share);
    jm_reload_share(later, share);
    jm_reload_catch_up(late);
    ok(count == 2 && keys_of(tables[1]) == 1,
       "where nothing changed what was read at start goes on");
    put("secret", SECRET_2);
    put("list", "jti:a\n");
    looks(early);
    put("secret", "broken");
    put("list", "broken");
    looks(early);
    jm_reload_catch_up(late);
    looks(late);
    ok(keys_of(tables[1]) == 2
       && is_revoked(tables[1], "{\"jti\":\"a\"}") == 1,
       "a process that begins while files are broken has the last good ones");
    put("list", many);
    looks(early);
    put("list", "broken");
    jm_reload_catch_up(late);
    looks(late);
    ok(is_revoked(tables[1], "{\"jti\":\"1\"}") == 1,
       "also of a list that began empty and has 40,000 entries");
    jm_share_clear(share);
    jm_reload_catch_up(later);
    looks(later);
    ok(keys_of(tables[2]) == 2
       && is_revoked(tables[2], "{\"jti\":\"a\"}") == -1,
       "where those are lost it has none, and not the older ones");
    put("list", "jti:b\n");
    looks(later);
    ok(is_revoked(tables[2], "{\"jti\":\"b\"}") == 1,
       "until the files are good again");
}

int main(void)
{
    keys_start();
    dir = mkdtemp(apr_pstrdup(tap_pool, "/tmp/jm_reload.XXXXXX"));
    test_changes();
    test_refusals();
    test_writing();
    test_growing();
    test_pipe();
    test_too_large();
    test_forbidden();
    test_later_process();
    remove(at("secret"));
    remove(at("list"));
    apr_dir_remove(dir, tap_pool);
    return tap_done();
}
