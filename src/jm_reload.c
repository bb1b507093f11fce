/*
 * jm_reload.c: finds out which files changed. Touches the file system, read
 * only, and the slots of the files.
 */
#include "jm_reload.h"

#include "jm_slot.h"

/* Whoever writes a file in place has paused for so long. */
#define PAUSE apr_time_from_msec(100)

/* What a file may grow to and still be shared, octets and times its size at
 * load. Memory that is not written to costs nothing. Lists often begin
 * empty. */
#define ROOM_KEYS 65536
#define ROOM_LIST (4 << 20)
#define ROOM_FACTOR 4

typedef struct file_t {
    const jm_watch_t *watch;
    jm_watch_state_t state;    /* of what was taken or refused last */
    apr_uint32_t mark;         /* of what was said last; 0: nothing */
    int seen;                  /* 1: looked at since the start, when another
                                * process read it, perhaps as root */
} file_t;

struct jm_reload_t {
    apr_array_header_t *files; /* of file_t */
    jm_share_t *share;         /* NULL: each process is on its own */
};

/* One look at one file. */
typedef struct look_t {
    file_t *file;
    jm_share_t *share;
    unsigned number;
    apr_time_t now;
    apr_pool_t *p;
    const char *error;         /* the first one that was reported */
    jm_reload_say_t *say;
    void *baton;
} look_t;

jm_reload_t *jm_reload_make(apr_pool_t *p)
{
    jm_reload_t *reload = apr_pcalloc(p, sizeof(*reload));

    reload->files = apr_array_make(p, 4, sizeof(file_t));
    return reload;
}

void jm_reload_add(jm_reload_t *reload, const jm_table_t *table)
{
    unsigned i;

    for (i = 0; i < table->watch_count; i++) {
        file_t *file = apr_array_push(reload->files);

        memset(file, 0, sizeof(*file));
        file->watch = table->watches[i];
        file->state = file->watch->loaded;
    }
}

const apr_size_t *jm_reload_sizes(unsigned *pcount, apr_pool_t *p,
                                  const jm_reload_t *reload)
{
    unsigned count = (unsigned)reload->files->nelts;
    apr_size_t *sizes = apr_pcalloc(p, (count + 1) * sizeof(*sizes));
    unsigned i;

    for (i = 0; i < count; i++) {
        const file_t *file = &APR_ARRAY_IDX(reload->files, i, file_t);

        sizes[i] = (file->watch->kind == JM_WATCH_REVOKED ? ROOM_LIST
                                                          : ROOM_KEYS)
                   + ROOM_FACTOR * file->watch->loaded.len;
    }
    *pcount = count;
    return sizes;
}

int jm_reload_number(unsigned *pnumber, const jm_reload_t *reload,
                     const jm_watch_t *watch)
{
    int i;

    for (i = 0; i < reload->files->nelts; i++) {
        if (APR_ARRAY_IDX(reload->files, i, file_t).watch == watch) {
            *pnumber = (unsigned)i;
            return 1;
        }
    }
    return 0;
}

void jm_reload_share(jm_reload_t *reload, jm_share_t *share)
{
    reload->share = share;
}

static int same_stamp(const jm_file_stamp_t *a, const jm_file_stamp_t *b)
{
    return a->mtime == b->mtime && a->ctime == b->ctime && a->size == b->size
           && a->inode == b->inode && a->device == b->device;
}

/* A clock in the future tells nothing. */
static int is_being_written(const jm_file_stamp_t *stamp, apr_time_t now)
{
    apr_time_t age = now - stamp->mtime;

    return age >= 0 && age < PAUSE;
}

static void say(const look_t *look, jm_reload_e what, apr_uint32_t mark,
                const char *text)
{
    mark = (mark & ~(apr_uint32_t)3) | ((apr_uint32_t)what + 1);
    if (mark != look->file->mark) {
        look->file->mark = mark;
        look->say(look->baton, look->number, look->file->watch, what, mark,
                  text);
    }
}

/* The next content that can be read is a new one. */
static void cannot_read(const look_t *look, apr_status_t rv, const char *why)
{
    memset(&look->file->state, 0, sizeof(look->file->state));
    if (APR_STATUS_IS_EACCES(rv) || rv == APR_FROM_OS_ERROR(EPERM)) {
        say(look, JM_RELOAD_FORBIDDEN, 0, NULL);
        return;
    }
    say(look, JM_RELOAD_REFUSED, (apr_uint32_t)rv << 2,
        apr_psprintf(look->p, "cannot read \"%s\": %s",
                     look->file->watch->name, why));
}

static void hear(void *baton, jm_severity_e severity, const char *text)
{
    look_t *look = baton;

    if (severity == JM_ERROR && !look->error) {
        look->error = apr_pstrdup(look->p, text);
    }
}

/* What was no fault of the file is tried again at the next look. */
static void take(look_t *look, jm_str_t text, const jm_watch_state_t *state)
{
    apr_status_t rv = jm_watch_use(look->file->watch, look->p, text, hear,
                                   look);
    apr_uint32_t mark;

    memcpy(&mark, state->digest, sizeof(mark));
    if (rv == APR_SUCCESS) {
        if (look->share) {
            jm_share_put(look->share, look->number, state->digest, text);
        }
        say(look, JM_RELOAD_TAKEN, mark, NULL);
    }
    else {
        say(look, JM_RELOAD_REFUSED, mark,
            look->error ? look->error : "out of memory");
    }
    if (rv == APR_SUCCESS || rv == APR_EINVAL) {
        look->file->state = *state;
    }
}

/* 1: it changed while it was read. */
static int look_inside(look_t *look)
{
    file_t *file = look->file;
    jm_watch_state_t state;
    jm_file_stamp_t after;
    const char *error;
    jm_str_t text;
    apr_status_t rv = jm_watch_read(&text, &state, &error, look->p,
                                    file->watch, look->now);

    if (rv != APR_SUCCESS) {
        cannot_read(look, rv, error);
        return 0;
    }
    if (jm_file_stamp(&after, look->p, file->watch->path) != APR_SUCCESS
        || !same_stamp(&state.stamp, &after)) {
        return 1;
    }
    if (memcmp(state.digest, file->state.digest, sizeof(state.digest))) {
        take(look, text, &state);
    }
    else {
        file->state = state;
    }
    return 0;
}

/* Who adds to a list all the time would hold back all that it says: lines
 * behind those that are in use count while more are being written. 0: there
 * are none. */
static int look_behind(look_t *look)
{
    jm_watch_state_t *known = &look->file->state;
    jm_watch_state_t state;
    const char *error;
    jm_str_t text;

    if (look->file->watch->kind != JM_WATCH_REVOKED
        || jm_watch_read(&text, &state, &error, look->p, look->file->watch,
                         look->now) != APR_SUCCESS
        || !jm_watch_has_grown(&text, &state, known)) {
        return 0;
    }
    take(look, text, &state);
    return 1;
}

static int look_at(look_t *look)
{
    jm_file_stamp_t stamp;
    const char *path = look->file->watch->path;
    apr_status_t rv = jm_file_stamp(&stamp, look->p, path);

    if (rv == APR_SUCCESS && !look->file->seen && !stamp.is_pipe) {
        rv = jm_file_may_read(look->p, path);
    }
    look->file->seen = 1;
    if (rv != APR_SUCCESS) {
        cannot_read(look, rv, jm_file_reason(look->p, rv));
        return 0;
    }
    if (look->file->state.settled
        && same_stamp(&stamp, &look->file->state.stamp)) {
        return 0;
    }
    return is_being_written(&stamp, look->now) ? !look_behind(look)
                                               : look_inside(look);
}

int jm_reload_look(jm_reload_t *reload, apr_time_t now, jm_reload_say_t *say,
                   void *baton)
{
    int again = 0;
    int i;

    for (i = 0; i < reload->files->nelts; i++) {
        look_t look = {
            &APR_ARRAY_IDX(reload->files, i, file_t), reload->share,
            (unsigned)i, now, jm_slot_pool(), NULL, say, baton
        };

        if (look.p) {
            again |= look_at(&look);
            apr_pool_destroy(look.p);
        }
    }
    return again;
}

/* --- a process that begins --- */

static void ignore(void *baton, jm_severity_e severity, const char *text)
{
    (void)baton;
    (void)severity;
    (void)text;
}

static void catch_up(file_t *file, jm_share_t *share, unsigned number,
                     apr_pool_t *p)
{
    jm_watch_state_t state;
    jm_str_t text;
    apr_status_t rv;

    memset(&state, 0, sizeof(state));
    rv = jm_share_get(&text, state.digest, p, share, number);
    if (APR_STATUS_IS_ENOENT(rv)
        || (rv == APR_SUCCESS
            && !memcmp(state.digest, file->state.digest,
                       sizeof(state.digest)))) {
        return;
    }
    if (rv == APR_SUCCESS) {
        state.len = text.len;
        rv = jm_watch_use(file->watch, p, text, ignore, NULL);
    }
    if (rv != APR_SUCCESS) {
        jm_slot_set(file->watch->slot, NULL, NULL);
        memset(&state, 0, sizeof(state));
    }
    file->state = state;
}

void jm_reload_catch_up(jm_reload_t *reload)
{
    int i;

    for (i = 0; reload->share && i < reload->files->nelts; i++) {
        apr_pool_t *p = jm_slot_pool();

        if (p) {
            catch_up(&APR_ARRAY_IDX(reload->files, i, file_t), reload->share,
                     (unsigned)i, p);
            apr_pool_destroy(p);
        }
    }
}
