/* SPDX-License-Identifier: MIT
 * The folder of an embedded TS Manager and its files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager_private.h"

static mseq_status io_error(mseq_error *err, const char *what, const char *path) {
    bool read_only = errno == EACCES || errno == EROFS || errno == EPERM;
    bool full = errno == ENOSPC || errno == EDQUOT;
    mseq_status status = read_only ? MSEQ_E_DATABASE_READ_ONLY
                         : full    ? MSEQ_E_DATABASE_FULL
                                   : MSEQ_E_IO;
    mseq_error_set(err, status, "%s '%s': %s", what, path, strerror(errno));
    if (read_only)
        mseq_error_hint(err, "the embedded TS Manager needs a folder that it may write to: "
                             "local:DIR or MAINSEQUENCE_HOME names another one");
    return status;
}

static mseq_status make_folders(const char *directory, mseq_error *err) {
    mseq_status status = mseq_folder_make(directory);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    return status == MSEQ_OK ? MSEQ_OK : io_error(err, "cannot create the folder", directory);
}

mseq_status manager_folder_make_file(const char *path, mseq_error *err) {
    /* one that is there is not opened: closing it would end this process's locks on it */
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return errno == EEXIST ? MSEQ_OK : io_error(err, "cannot open", path);
    close(descriptor);
    return MSEQ_OK;
}

static mseq_status make_file(const char *directory, const char *file, mseq_error *err) {
    char *path = NULL;
    mseq_status status = manager_folder_path(directory, file, &path, err);
    if (path)
        status = manager_folder_make_file(path, err);
    free(path);
    return status;
}

mseq_status manager_folder_path(const char *directory, const char *file, char **path,
                                mseq_error *err) {
    char *text =
        mseq_text_format("%s%s%s", directory, strcmp(directory, "/") == 0 ? "" : "/", file);
    if (!text)
        return mseq_error_no_memory(err);
    *path = text;
    return MSEQ_OK;
}

mseq_status manager_folder_uri(const char *directory, const char *file, char **uri,
                               mseq_error *err) {
    char *path = NULL;
    mseq_status status = manager_folder_path(directory, file, &path, err);
    if (status != MSEQ_OK)
        return status;
    char *text = mseq_text_format("sqlite:///%s", path);
    free(path);
    if (!text)
        return mseq_error_no_memory(err);
    *uri = text;
    return MSEQ_OK;
}

mseq_status manager_folder_prepare(const char *directory, bool with_catalog, char **absolute,
                                   mseq_error *err) {
    mseq_status status = make_folders(directory, err);
    if (status != MSEQ_OK)
        return status;
    char *path = realpath(directory, NULL);
    if (!path)
        return io_error(err, "cannot open the folder", directory);
    struct stat information;
    if (stat(path, &information) != 0 || !S_ISDIR(information.st_mode)) {
        status = mseq_error_set(err, MSEQ_E_IO, "'%s' is no folder", path);
    } else {
        if (with_catalog)
            status = make_file(path, MANAGER_CATALOG_FILE, err);
        if (status == MSEQ_OK)
            status = make_file(path, MANAGER_DATA_FILE, err);
    }
    if (status != MSEQ_OK) {
        free(path);
        return status;
    }
    *absolute = path;
    return MSEQ_OK;
}
