/* SPDX-License-Identifier: MIT
 * Where the URI of a data source is kept. One that holds no secret stands in the catalog; one that
 * does is in a file of the folder that only its owner may read, or in an environment variable of
 * the server. Both are looked at each time, so that a new password needs no restart; a file is read
 * again when it is another one or was written since. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sources.h"

#define SECRETS_FOLDER "secrets"

enum {
    URI_MAXIMUM = 8192,
    SETTLED_SECONDS = 2 /* far beyond the steps in which a file system counts time */
};

static char *secret_path(const mseq_manager *manager, const char *uid) {
    return mseq_text_format("%s/" SECRETS_FOLDER "/%s.uri", manager->directory, uid);
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

static mseq_status refuse_secret(mseq_error *err, const char *path, const char *why) {
    manager_refuse(err, MSEQ_E_DATABASE, "secret_unavailable",
                   "the file with the URI of the data source, '%s', %s", path, why);
    mseq_error_hint(err, "each server needs that file in its folder, with mode 0600; servers that "
                         "share a catalog are better told by an environment variable");
    return MSEQ_E_DATABASE;
}

static mseq_status check_file(int descriptor, const char *path, struct stat *facts,
                              mseq_error *err) {
    if (fstat(descriptor, facts) != 0 || !S_ISREG(facts->st_mode))
        return refuse_secret(err, path, "is no file");
    if (facts->st_mode & 077)
        return refuse_secret(err, path, "may be read by others");
    return MSEQ_OK;
}

/* The facts are those from before the file is read: what is written later makes others. */
static mseq_status read_secret(const char *path, char **uri, struct stat *facts, mseq_error *err) {
    char text[URI_MAXIMUM + 1];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return refuse_secret(err, path, strerror(errno));
    mseq_status status = check_file(descriptor, path, facts, err);
    ssize_t size = status == MSEQ_OK ? read(descriptor, text, URI_MAXIMUM) : 0;
    close(descriptor);
    if (status == MSEQ_OK && (size <= 0 || size == URI_MAXIMUM || memchr(text, 0, (size_t)size)))
        status = refuse_secret(err, path, "holds no URI");
    if (status == MSEQ_OK) {
        text[size] = '\0';
        text[strcspn(text, "\r\n")] = '\0';
        *uri = mseq_text_dup(text);
        status = *uri ? MSEQ_OK : mseq_error_no_memory(err);
    }
    mseq_secret_erase(text, sizeof text);
    return status;
}

mseq_status manager_source_environment(const char *name, const char **uri, mseq_error *err) {
    const char *value = getenv(name);
    if (!value || !*value)
        return manager_refuse(err, MSEQ_E_DATABASE, "secret_unavailable",
                              "the environment variable '%s', which holds the URI of the data "
                              "source, is not set where this TS Manager runs",
                              name);
    *uri = value;
    return MSEQ_OK;
}

/* A SQLite file is in the folder unless its path is absolute. */
static mseq_status plain_uri(const mseq_manager *manager, const mseq_value *record, char **uri,
                             mseq_error *err) {
    const char *location = mseq_object_get_text(record, "location");
    const char *class_type = mseq_object_get_text(record, "class_type");
    if (strcmp(class_type, "sqlite") == 0 && location[0] != '/')
        return manager_folder_uri(manager->directory, location, uri, err);
    char *text = strcmp(class_type, "sqlite") == 0 ? mseq_text_format("sqlite:///%s", location)
                                                   : mseq_text_dup(location);
    if (!text)
        return mseq_error_no_memory(err);
    *uri = text;
    return MSEQ_OK;
}

static mseq_status read_variable(const mseq_value *record, manager_source *source,
                                 mseq_error *err) {
    const char *name = mseq_object_get_text(record, "secret_name"), *value = NULL;
    mseq_status status = manager_source_environment(name, &value, err);
    if (status != MSEQ_OK)
        return status;
    source->secret.kind = MANAGER_SECRET_VARIABLE;
    source->secret.variable = mseq_text_dup(name);
    source->uri = mseq_text_dup(value);
    return source->secret.variable && source->uri ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_status read_file(const mseq_manager *manager, manager_source *source, mseq_error *err) {
    struct timespec now;
    manager_secret *secret = &source->secret;
    char *path = secret_path(manager, source->uid);
    secret->kind = MANAGER_SECRET_FILE;
    mseq_status status =
        path ? read_secret(path, &source->uri, &secret->file, err) : mseq_error_no_memory(err);
    free(path);
    clock_gettime(CLOCK_REALTIME, &now);
    secret->settled = now.tv_sec - secret->file.st_ctim.tv_sec > SETTLED_SECONDS;
    return status;
}

mseq_status manager_source_read_uri(const mseq_manager *manager, const mseq_value *record,
                                    manager_source *source, mseq_error *err) {
    const char *kind = mseq_object_get_text(record, "secret_kind");
    if (strcmp(kind, "none") == 0)
        return plain_uri(manager, record, &source->uri, err);
    return strcmp(kind, "environment") == 0 ? read_variable(record, source, err)
                                            : read_file(manager, source, err);
}

/* ---- Looking again -----------------------------------------------------------------------------
 */

static bool same_time(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Every change of a file's content or mode sets its time of change, which nobody can set back. */
static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(&a->st_ctim, &b->st_ctim) && same_time(&a->st_mtim, &b->st_mtim);
}

bool manager_source_uri_holds(mseq_manager *manager, const manager_source *source) {
    const manager_secret *secret = &source->secret;
    struct stat now;
    if (secret->kind == MANAGER_SECRET_NONE)
        return true;
    if (secret->kind == MANAGER_SECRET_VARIABLE) {
        const char *value = getenv(secret->variable);
        return value && strcmp(value, source->uri) == 0;
    }
    char *path = secret_path(manager, source->uid);
    bool found = path && stat(path, &now) == 0;
    free(path);
    pthread_mutex_lock(&manager->lock);
    bool holds = found && secret->settled && same_file(&now, &secret->file);
    pthread_mutex_unlock(&manager->lock);
    return holds;
}

/* ---- Writing -----------------------------------------------------------------------------------
 */

static mseq_status io_failure(mseq_error *err, const char *path) {
    return mseq_error_set(err, errno == ENOSPC ? MSEQ_E_DATABASE_FULL : MSEQ_E_IO,
                          "cannot write '%s': %s", path, strerror(errno));
}

static mseq_status write_file(const char *path, const char *text, mseq_error *err) {
    size_t length = strlen(text);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return io_failure(err, path);
    ssize_t written = write(descriptor, text, length);
    bool good = written == (ssize_t)length && fsync(descriptor) == 0;
    mseq_status status = good ? MSEQ_OK : io_failure(err, path);
    close(descriptor);
    if (!good)
        unlink(path);
    return status;
}

mseq_status manager_source_secret_write(const mseq_manager *manager, const char *uid,
                                        const char *uri, mseq_error *err) {
    char *folder = mseq_text_format("%s/" SECRETS_FOLDER, manager->directory);
    char *path = secret_path(manager, uid);
    mseq_status status = MSEQ_OK;
    if (!folder || !path)
        status = mseq_error_no_memory(err);
    else if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        status = io_failure(err, folder);
    else
        status = write_file(path, uri, err);
    free(folder);
    free(path);
    return status;
}

void manager_source_secret_remove(const mseq_manager *manager, const char *uid) {
    char *path = secret_path(manager, uid);
    if (path)
        unlink(path);
    free(path);
}
