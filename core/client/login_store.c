/* SPDX-License-Identifier: MIT
 * Stored logins. Files and format are those of the Python SDK's command (its version 2), so that
 * one login serves both: auth.json {"version": 2, "by_backend": {origin: {"username", "access",
 * "refresh"}}}, and config.json, whose backend_url is the server that is meant when none is named.
 * The lock beside it is ours; the Python SDK knows none, but it too replaces the file whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "client_private.h"

#define MAXIMUM_FILE ((size_t)4 * 1024 * 1024)
#define LOCK_WAIT_MS 30000
#define LOCK_POLL_MS 20

/* ---- Places
 * -----------------------------------------------------------------------------------------------
 */

/* folder/file, with the default folder for NULL. */
static mseq_status store_path(const char *folder, const char *file, char **path, mseq_error *err) {
    const char *base = getenv("XDG_CONFIG_HOME"), *below = "/mainsequence";
    if (!base || !*base) {
        base = getenv("HOME");
        below = "/.config/mainsequence";
    }
    if (!folder && (!base || !*base)) {
        mseq_error_set(err, MSEQ_E_REQUEST, "there is no folder for logins: HOME is not set");
        mseq_error_hint(err, "set HOME or XDG_CONFIG_HOME");
        return MSEQ_E_REQUEST;
    }
    char *text = folder ? mseq_text_format("%s/%s", folder, file)
                        : mseq_text_format("%s%s/%s", base, below, file);
    if (!text)
        return mseq_error_no_memory(err);
    *path = text;
    return MSEQ_OK;
}

/* An object from a file; an empty one when there is no file. */
static mseq_status read_object(const char *path, mseq_value **object, mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_error own = MSEQ_ERROR_INIT;
    mseq_value *value = NULL;
    mseq_status status = mseq_file_read(path, MAXIMUM_FILE, &text, &own);
    if (status == MSEQ_E_NOT_FOUND) {
        value = mseq_value_object();
        status = value ? MSEQ_OK : MSEQ_E_NO_MEMORY;
    } else if (status == MSEQ_OK) {
        status = mseq_json_parse(mseq_buffer_text(&text), text.length, 0, &value, &own);
        if (status == MSEQ_OK && mseq_value_kind(value) != MSEQ_OBJECT)
            status = mseq_error_set(&own, MSEQ_E_JSON, "it is no object");
    }
    mseq_buffer_free(&text);
    if (status == MSEQ_OK) {
        *object = value;
        return MSEQ_OK;
    }
    mseq_value_free(value);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    mseq_error_set(err, MSEQ_E_IO, "the login store %s is not readable%s: %s", path,
                   status == MSEQ_E_JSON ? " JSON" : "", own.message);
    mseq_error_hint(err, "repair or delete the file");
    return MSEQ_E_IO;
}

static mseq_status write_object(const char *path, const mseq_value *object, mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_json_write(object, MSEQ_JSON_INDENT, &text, err);
    if (status == MSEQ_OK)
        status = mseq_file_replace(path, mseq_buffer_text(&text), text.length, 0600, err);
    mseq_buffer_free(&text);
    return status;
}

/* ---- Reading
 * ---------------------------------------------------------------------------------------------- */

static bool has_text(const mseq_value *login, const char *key) {
    const char *text = mseq_object_get_text(login, key);
    return text && *text;
}

/* Copies what the file says of logins that hold a token. */
static mseq_status usable_logins(const mseq_value *file, mseq_value *logins, mseq_error *err) {
    const mseq_value *all = mseq_object_get(file, "by_backend");
    size_t count = mseq_value_kind(all) == MSEQ_OBJECT ? mseq_value_length(all) : 0;
    for (size_t i = 0; i < count; i++) {
        const mseq_value *login = mseq_object_value_at(all, i);
        if ((has_text(login, "access") || has_text(login, "refresh")) &&
            mseq_object_put(logins, mseq_object_key_at(all, i), mseq_value_dup(login)) != MSEQ_OK)
            return mseq_error_no_memory(err);
    }
    return MSEQ_OK;
}

mseq_status mseq_logins_read(const char *folder, mseq_value **logins, mseq_error *err) {
    char *path = NULL;
    mseq_value *file = NULL, *found = mseq_value_object();
    mseq_status status =
        found ? store_path(folder, "auth.json", &path, err) : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = read_object(path, &file, err);
    if (status == MSEQ_OK)
        status = usable_logins(file, found, err);
    free(path);
    mseq_value_free(file);
    if (status != MSEQ_OK) {
        mseq_value_free(found);
        return status;
    }
    *logins = found;
    return MSEQ_OK;
}

/* The backend_url of config.json, or NULL. */
static mseq_status configured_server(const char *folder, char **origin, mseq_error *err) {
    char *path = NULL;
    mseq_value *file = NULL;
    mseq_status status = store_path(folder, "config.json", &path, err);
    if (status == MSEQ_OK)
        status = read_object(path, &file, err);
    const char *url = mseq_object_get_text(file, "backend_url");
    if (status == MSEQ_OK && url) {
        size_t length = strlen(url);
        while (length > 0 && url[length - 1] == '/')
            length--;
        *origin = mseq_text_format("%.*s", (int)length, url);
        if (!*origin)
            status = mseq_error_no_memory(err);
    }
    free(path);
    mseq_value_free(file);
    return status;
}

static mseq_status several_logins(const mseq_value *logins, mseq_error *err) {
    mseq_buffer names = MSEQ_BUFFER_INIT;
    for (size_t i = 0; i < mseq_value_length(logins); i++)
        mseq_buffer_append_format(&names, "%s%s", i ? ", " : "", mseq_object_key_at(logins, i));
    mseq_error_set(err, MSEQ_E_REQUEST, "there are logins for several servers: %s",
                   mseq_buffer_text(&names));
    mseq_error_code(err, "endpoint");
    mseq_error_hint(err, "choose one with MAINSEQUENCE_ENDPOINT, or log in to one again");
    mseq_buffer_free(&names);
    return MSEQ_E_REQUEST;
}

/* With several logins, config.json decides. */
static mseq_status choose_login(const char *folder, const mseq_value *logins, char **origin,
                                mseq_error *err) {
    char *wanted = NULL;
    mseq_status status = configured_server(folder, &wanted, err);
    if (status == MSEQ_OK && (!wanted || !mseq_object_get(logins, wanted)))
        status = several_logins(logins, err);
    if (status != MSEQ_OK) {
        free(wanted);
        return status;
    }
    *origin = wanted;
    return MSEQ_OK;
}

mseq_status mseq_logins_chosen(const char *folder, char **origin, mseq_error *err) {
    mseq_value *logins = NULL;
    mseq_status status = mseq_logins_read(folder, &logins, err);
    if (status != MSEQ_OK)
        return status;
    char *chosen = NULL;
    if (mseq_value_length(logins) == 1) {
        chosen = mseq_text_dup(mseq_object_key_at(logins, 0));
        status = chosen ? MSEQ_OK : mseq_error_no_memory(err);
    } else if (mseq_value_length(logins) > 1) {
        status = choose_login(folder, logins, &chosen, err);
    }
    mseq_value_free(logins);
    if (status == MSEQ_OK)
        *origin = chosen;
    return status;
}

/* ---- The lock
 * --------------------------------------------------------------------------------------------- */

static mseq_status make_folder_of(char *path) {
    char *slash = strrchr(path, '/');
    if (!slash)
        return MSEQ_OK;
    *slash = '\0';
    mseq_status status = mseq_folder_make(path);
    *slash = '/';
    return status;
}

mseq_status login_lock(const char *folder, const mseq_cancellation *cancellation, int *lock,
                       mseq_error *err) {
    char *path = NULL;
    mseq_status status = store_path(folder, "auth.json.lock", &path, err);
    if (status != MSEQ_OK || !path)
        return status;
    status = make_folder_of(path);
    int file = status == MSEQ_OK ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    int64_t until = mseq_monotonic_ms() + LOCK_WAIT_MS;
    bool held = false;
    if (status == MSEQ_E_NO_MEMORY)
        mseq_error_no_memory(err);
    else if (file < 0)
        status = mseq_error_io(err, "open", path);
    while (status == MSEQ_OK && !(held = flock(file, LOCK_EX | LOCK_NB) == 0)) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            status = mseq_error_io(err, "lock", path);
        else if (mseq_cancellation_is_set(cancellation))
            status = mseq_error_set(err, MSEQ_E_CANCELLED, "waiting for '%s' was cancelled", path);
        else if (mseq_monotonic_ms() > until)
            status =
                mseq_error_set(err, MSEQ_E_TIMEOUT, "another process has held '%s' for %d seconds",
                               path, LOCK_WAIT_MS / 1000);
        else
            usleep(LOCK_POLL_MS * 1000);
    }
    free(path);
    if (held)
        *lock = file;
    else if (file >= 0)
        close(file);
    return status;
}

void login_unlock(int lock) {
    close(lock);
}

/* ---- Writing
 * ---------------------------------------------------------------------------------------------- */

/* The file's content with one login replaced, or removed when `login` is NULL; *changed tells
 * whether there was one. Takes `login`. */
static mseq_status change_login(mseq_value *file, const char *origin, mseq_value *login,
                                bool *changed, mseq_error *err) {
    mseq_status status = mseq_object_put_integer(file, "version", 2);
    if (status == MSEQ_OK && mseq_value_kind(mseq_object_get(file, "by_backend")) != MSEQ_OBJECT)
        status = mseq_object_put(file, "by_backend", mseq_value_object());
    if (status != MSEQ_OK) {
        mseq_value_free(login);
        return mseq_error_no_memory(err);
    }
    mseq_value *all = mseq_object_peek(file, "by_backend");
    if (!login)
        *changed = mseq_object_remove(all, origin);
    else if (mseq_object_put(all, origin, login) != MSEQ_OK)
        status = MSEQ_E_NO_MEMORY;
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_value *new_login(const char *username, const char *access, const char *refresh) {
    mseq_value *login = mseq_value_object();
    bool whole = login &&
                 mseq_object_put_text(login, "username", username ? username : "") == MSEQ_OK &&
                 mseq_object_put_text(login, "access", access ? access : "") == MSEQ_OK &&
                 mseq_object_put_text(login, "refresh", refresh ? refresh : "") == MSEQ_OK;
    if (whole)
        return login;
    mseq_value_free(login);
    return NULL;
}

mseq_status login_save_locked(const char *folder, const char *origin, const char *username,
                              const char *access, const char *refresh, mseq_error *err) {
    char *path = NULL;
    mseq_value *file = NULL, *login = new_login(username, access, refresh);
    if (!login)
        return mseq_error_no_memory(err);
    mseq_status status = store_path(folder, "auth.json", &path, err);
    if (status == MSEQ_OK)
        status = read_object(path, &file, err);
    if (status == MSEQ_OK) {
        status = change_login(file, origin, login, NULL, err);
        login = NULL;
    }
    if (status == MSEQ_OK)
        status = write_object(path, file, err);
    free(path);
    mseq_value_free(file);
    mseq_value_free(login);
    return status;
}

/* Makes a server the one that is meant when none is named. */
static mseq_status choose_server(const char *folder, const char *origin, mseq_error *err) {
    char *path = NULL;
    mseq_value *file = NULL;
    mseq_status status = store_path(folder, "config.json", &path, err);
    if (status == MSEQ_OK)
        status = read_object(path, &file, err);
    const char *before = mseq_object_get_text(file, "backend_url");
    if (status == MSEQ_OK && (!before || strcmp(before, origin) != 0)) {
        status = mseq_object_put_text(file, "backend_url", origin) == MSEQ_OK
                     ? write_object(path, file, err)
                     : mseq_error_no_memory(err);
    }
    free(path);
    mseq_value_free(file);
    return status;
}

mseq_status mseq_login_save(const char *folder, const char *origin, const char *username,
                            const char *access, const char *refresh, mseq_error *err) {
    int lock = -1;
    mseq_status status = login_lock(folder, NULL, &lock, err);
    if (status != MSEQ_OK)
        return status;
    status = login_save_locked(folder, origin, username, access, refresh, err);
    if (status == MSEQ_OK)
        status = choose_server(folder, origin, err);
    login_unlock(lock);
    return status;
}

static mseq_status remove_locked(const char *folder, const char *origin, bool *removed,
                                 mseq_error *err) {
    char *path = NULL;
    mseq_value *file = NULL;
    mseq_status status = store_path(folder, "auth.json", &path, err);
    if (status == MSEQ_OK)
        status = read_object(path, &file, err);
    if (status == MSEQ_OK)
        status = change_login(file, origin, NULL, removed, err);
    bool others = mseq_value_length(mseq_object_get(file, "by_backend")) > 0;
    if (status == MSEQ_OK && *removed && others)
        status = write_object(path, file, err);
    else if (status == MSEQ_OK && *removed && path && unlink(path) != 0 && errno != ENOENT)
        status = mseq_error_io(err, "delete", path);
    free(path);
    mseq_value_free(file);
    return status;
}

mseq_status mseq_login_remove(const char *folder, const char *origin, bool *removed,
                              mseq_error *err) {
    int lock = -1;
    bool found = false;
    mseq_status status = login_lock(folder, NULL, &lock, err);
    if (status != MSEQ_OK)
        return status;
    status = remove_locked(folder, origin, &found, err);
    login_unlock(lock);
    if (status == MSEQ_OK && removed)
        *removed = found;
    return status;
}
