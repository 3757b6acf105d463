/* SPDX-License-Identifier: MIT
 * Files that are either old or new, never half. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mainsequence/base.h"

mseq_status mseq_error_io(mseq_error *err, const char *deed, const char *path) {
    char reason[128];
    /* GNU's strerror_r gives its text back. */
    const char *text = strerror_r(errno, reason, sizeof(reason));
    return mseq_error_set(err, MSEQ_E_IO, "cannot %s '%s': %s", deed, path, text);
}

static bool write_whole(int file, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(file, bytes, length);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return fsync(file) == 0;
}

/* The new name is on disk only when the folder is. Not every file system can do that: then it is
 * not an error. */
static void sync_folder(const char *path) {
    char *folder = mseq_text_dup(path);
    if (!folder)
        return;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[1] = '\0';
    int file = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        (void)fsync(file);
        close(file);
    }
    free(folder);
}

static mseq_status write_and_rename(const char *path, const char *temporary, const void *bytes,
                                    size_t length, mode_t mode, mseq_error *err) {
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0)
        return mseq_error_io(err, "create", temporary);
    bool good = write_whole(file, bytes, length);
    if (!good)
        mseq_error_io(err, "write", temporary);
    if (close(file) != 0 && good) {
        good = false;
        mseq_error_io(err, "write", temporary);
    }
    if (good && rename(temporary, path) != 0) {
        good = false;
        mseq_error_io(err, "replace", path);
    }
    if (!good) {
        unlink(temporary);
        return MSEQ_E_IO;
    }
    sync_folder(path);
    return MSEQ_OK;
}

mseq_status mseq_file_replace(const char *path, const void *bytes, size_t length, unsigned mode,
                              mseq_error *err) {
    struct stat old;
    mode_t chosen = mode ? (mode_t)mode : stat(path, &old) == 0 ? old.st_mode & 07777 : 0666;
    char unique[37];
    mseq_status status = mseq_uuid_new(unique);
    if (status != MSEQ_OK)
        return mseq_error_set(err, status, "no random numbers for a temporary file");
    char *temporary = mseq_text_format("%s.%.8s.tmp", path, unique);
    if (!temporary)
        return mseq_error_no_memory(err);
    status = write_and_rename(path, temporary, bytes, length, chosen, err);
    free(temporary);
    return status;
}

static mseq_status read_all(int file, const char *path, size_t maximum, mseq_buffer *out,
                            mseq_error *err) {
    char block[8192];
    for (;;) {
        ssize_t got = read(file, block, sizeof block);
        if (got == 0)
            return MSEQ_OK;
        if (got < 0 && errno != EINTR)
            return mseq_error_io(err, "read", path);
        if (got < 0)
            continue;
        if (out->length + (size_t)got > maximum)
            return mseq_error_set(err, MSEQ_E_LIMIT, "'%s' is larger than %zu bytes", path,
                                  maximum);
        if (mseq_buffer_append(out, block, (size_t)got) != MSEQ_OK)
            return mseq_error_no_memory(err);
    }
}

mseq_status mseq_file_read(const char *path, size_t maximum, mseq_buffer *out, mseq_error *err) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && (errno == ENOENT || errno == ENOTDIR))
        return mseq_error_set(err, MSEQ_E_NOT_FOUND, "there is no file '%s'", path);
    if (file < 0)
        return mseq_error_io(err, "open", path);
    mseq_buffer whole = MSEQ_BUFFER_INIT;
    mseq_status status = read_all(file, path, maximum, &whole, err);
    close(file);
    if (status == MSEQ_OK && mseq_buffer_append(out, mseq_buffer_text(&whole), whole.length))
        status = mseq_error_no_memory(err);
    mseq_buffer_free(&whole);
    return status;
}

/* Another process may create the same folder at this moment: that it exists is success. */
static bool make_one(const char *path) {
    struct stat information;
    return stat(path, &information) == 0 || mkdir(path, 0700) == 0 || errno == EEXIST;
}

mseq_status mseq_folder_make(const char *path) {
    char *copy = mseq_text_dup(path);
    if (!copy)
        return MSEQ_E_NO_MEMORY;
    bool good = true;
    for (char *at = copy + (*copy != '\0'); *at && good; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        good = make_one(copy);
        *at = '/';
    }
    good = good && make_one(copy);
    int reason = errno;
    free(copy);
    errno = reason;
    return good ? MSEQ_OK : MSEQ_E_IO;
}
