/*
 * jm_httpd_state.c: the state directory. Touches the file system below it,
 * and looks at the directories above it. System calls rather than APR where
 * a symbolic link must not be followed.
 */
#include "jm_httpd_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jm_file.h"
#include "jm_httpd_fetch.h"

/* Octets before the answer in a snapshot, at most. */
#define HEAD_MAX 512

/* Seconds after which nobody writes to a file any more. */
#define WRITE_MAX 60

/* --- the directory --- */

static int is_trusted(uid_t owner, apr_uid_t uid)
{
    return owner == 0 || owner == uid || owner == geteuid();
}

/* Nobody else may rename what is in it: not writable by others, or sticky. */
static const char *check_above(apr_pool_t *p, const char *path,
                               apr_uid_t uid)
{
    char *at = apr_pstrdup(p, path);
    struct stat info;

    for (;;) {
        char *slash = strrchr(at, '/');

        slash[slash == at ? 1 : 0] = '\0';
        if (lstat(at, &info)) {
            return apr_psprintf(p, "%s: %s", at,
                                jm_file_reason(p, errno));
        }
        if (!is_trusted(info.st_uid, uid)
            || ((info.st_mode & (S_IWGRP | S_IWOTH))
                && !(info.st_mode & S_ISVTX))) {
            return apr_psprintf(p, "others than root and User may rename what "
                                "is in %s: choose another place", at);
        }
        if (slash == at) {
            return NULL;
        }
    }
}

static const char *check_dir(apr_pool_t *p, const char *dir, apr_uid_t uid)
{
    struct stat info;

    if (lstat(dir, &info)) {
        return jm_file_reason(p, errno);
    }
    if (!S_ISDIR(info.st_mode)) {
        return "it is no directory";
    }
    if (info.st_uid != uid) {
        return apr_psprintf(p, "it must belong to the User of httpd, and to "
                            "nobody else: chown %ld it, or remove it",
                            (long)uid);
    }
    if (info.st_mode & (S_IRWXG | S_IRWXO)) {
        return "others than its owner have rights on it: chmod 0700 it";
    }
    return NULL;
}

/* dir below the real path of the directory that it is in; NULL with *perror
 * where there is none. */
static const char *real_place(apr_pool_t *p, const char *dir,
                              const char **perror)
{
    const char *slash;
    apr_size_t len = strlen(dir);
    char *parent;
    const char *place;

    while (len > 1 && dir[len - 1] == '/') {
        len--;
    }
    dir = apr_pstrmemdup(p, dir, len);
    slash = strrchr(dir, '/');
    if (!slash || !slash[1]) {
        *perror = "it is no absolute path of a directory";
        return NULL;
    }
    parent = realpath(slash == dir ? "/" : apr_pstrmemdup(
        p, dir, (apr_size_t)(slash - dir)), NULL);
    if (!parent) {
        *perror = apr_psprintf(p, "the directory that it is in: %s",
                               jm_file_reason(p, errno));
        return NULL;
    }
    place = apr_pstrcat(p, strcmp(parent, "/") ? parent : "", slash, NULL);
    free(parent);
    return place;
}

/* Where dir is, if nobody else may put another there; NULL with *perror. */
static const char *find_place(const char **perror, apr_pool_t *p,
                              const char *dir, apr_uid_t uid)
{
    const char *place = real_place(p, dir, perror);

    if (place) {
        *perror = check_above(p, place, uid);
    }
    return place && !*perror ? place : NULL;
}

const char *jm_state_check(apr_pool_t *p, const char *dir, apr_uid_t uid)
{
    const char *error = NULL;
    const char *place = find_place(&error, p, dir, uid);
    struct stat info;

    if (!place || (lstat(place, &info) && errno == ENOENT)) {
        return error;
    }
    return check_dir(p, place, uid);
}

const char *jm_state_prepare(apr_pool_t *p, const char *dir, apr_uid_t uid,
                             apr_gid_t gid)
{
    const char *error = NULL;
    const char *place = find_place(&error, p, dir, uid);

    if (!place) {
        return error;
    }
    if (!mkdir(place, S_IRWXU)) {
        if (geteuid() == 0 && lchown(place, uid, gid)) {
            return jm_file_reason(p, errno);
        }
    }
    else if (errno != EEXIST) {
        return jm_file_reason(p, errno);
    }
    return check_dir(p, place, uid);
}

/* --- snapshots --- */

static const char *file_of(apr_pool_t *p, const char *dir,
                           const jm_remote_t *remote)
{
    return apr_pstrcat(p, dir, "/", remote->id, ".jwks", NULL);
}

static apr_status_t read_whole(jm_str_t *pout, apr_pool_t *p, int fd,
                               apr_size_t size)
{
    char *octets = apr_palloc(p, size + 1);
    apr_size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, octets + len, size - len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        if (n == 0) {
            break;
        }
        len += (apr_size_t)n;
    }
    octets[len] = '\0';
    *pout = jm_strn(octets, len);
    return APR_SUCCESS;
}

apr_status_t jm_state_read(jm_snapshot_t *snapshot, apr_pool_t *p,
                           const char *dir, const jm_remote_t *remote)
{
    int fd = open(file_of(p, dir, remote),
                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    jm_str_t text = jm_strn(NULL, 0);
    apr_status_t rv = APR_EINVAL;

    if (fd < 0) {
        return errno;
    }
    if (!fstat(fd, &info) && S_ISREG(info.st_mode)
        && info.st_uid == geteuid()
        && !(info.st_mode & (S_IWGRP | S_IWOTH))
        && info.st_size <= JM_FETCH_ANSWER_MAX + HEAD_MAX) {
        rv = read_whole(&text, p, fd, (apr_size_t)info.st_size);
    }
    close(fd);
    return rv == APR_SUCCESS ? jm_snapshot_parse(snapshot, text, remote) : rv;
}

static int write_all(int fd, jm_str_t text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        text = jm_strn(text.ptr + n, text.len - (apr_size_t)n);
    }
    return 0;
}

/* On the disk before it gets its name: a crash leaves a whole one. */
apr_status_t jm_state_write(apr_pool_t *ptemp, const char *dir,
                            const jm_remote_t *remote,
                            const jm_snapshot_t *snapshot)
{
    const char *file = file_of(ptemp, dir, remote);
    const char *temporary = apr_psprintf(ptemp, "%s.%ld", file,
                                         (long)getpid());
    apr_status_t rv = APR_SUCCESS;
    int fd;

    unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return errno;
    }
    if (write_all(fd, jm_str(jm_snapshot_head(ptemp, remote, snapshot)))
        || write_all(fd, snapshot->answer) || fsync(fd)) {
        rv = errno;
    }
    if (close(fd) && rv == APR_SUCCESS) {
        rv = errno;
    }
    if (rv == APR_SUCCESS && rename(temporary, file)) {
        rv = errno;
    }
    if (rv != APR_SUCCESS) {
        unlink(temporary);
    }
    return rv;
}

/* ID.jwks.PID, of a child that was killed. */
static int is_left_behind(const char *path, const char *name)
{
    const char *end = strstr(name, ".jwks.");
    struct stat info;

    return end == name + 64 && !lstat(path, &info) && S_ISREG(info.st_mode)
           && info.st_mtime < time(NULL) - WRITE_MAX;
}

void jm_state_sweep(apr_pool_t *ptemp, const char *dir)
{
    DIR *all = opendir(dir);
    struct dirent *entry;

    /* Nobody else reads this stream. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    while (all && (entry = readdir(all)) != NULL) {
        const char *path = apr_pstrcat(ptemp, dir, "/", entry->d_name, NULL);

        if (is_left_behind(path, entry->d_name)) {
            unlink(path);
        }
    }
    if (all) {
        closedir(all);
    }
}
