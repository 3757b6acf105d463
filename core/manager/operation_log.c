/* SPDX-License-Identifier: MIT
 * The log of executions: one line of JSON each, in a file of the manager's folder. It is a file and
 * no table, so that reading data never waits for the catalog's writers; a line is written at once
 * (O_APPEND), so that several processes may share the folder. A full file is set aside, and the one
 * that was set aside before is forgotten. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "execution.h"
#include "routes.h"

#define LOG_FILE "operations.ndjson"
#define LOG_FILE_BEFORE "operations.1.ndjson"

enum {
    LOG_MAXIMUM = 32 * 1024 * 1024, /* bytes of a file */
    LOOK_MS = 500,                  /* how often the name of the open file is looked at */
    TAIL_MAXIMUM = 4 * 1024 * 1024, /* bytes that a reader looks at */
    LISTED_MAXIMUM = 1000
};

/* ---- Writing -----------------------------------------------------------------------------------
 */

static void append_member(mseq_buffer *line, const char *key, const char *text) {
    mseq_buffer_append_format(line, ", \"%s\": ", key);
    mseq_json_write_text(text, line);
}

static void append_tables(mseq_buffer *line, const manager_scope *scope) {
    mseq_buffer_append_text(line, ", \"tables\": [");
    for (size_t i = 0; scope && i < scope->count; i++) {
        const manager_scope_table *table = &scope->tables[i];
        mseq_buffer_append_text(line, i ? ", {\"uid\": " : "{\"uid\": ");
        mseq_json_write_text(table->uid, line);
        append_member(line, "name", table->name);
        append_member(line, "access", table->access == MSEQ_ACCESS_WRITE ? "write" : "read");
        mseq_buffer_append_char(line, '}');
    }
    mseq_buffer_append_char(line, ']');
}

char *manager_log_facts(const manager_caller *caller, const manager_execution *execution) {
    mseq_buffer facts = MSEQ_BUFFER_INIT;
    append_member(&facts, "organization_uid", caller->organization_uid);
    append_member(&facts, "user_uid", caller->user_uid);
    append_member(&facts, "username", caller->username);
    append_member(&facts, "operation", execution->operation);
    append_member(&facts, "data_source_uid", execution->data_source_uid);
    append_tables(&facts, execution->scope);
    return mseq_buffer_take(&facts);
}

static void append_line(mseq_buffer *line, int64_t at, const char *facts,
                        const manager_execution *execution, const char *verdict) {
    char time[32];
    mseq_time_format(at, false, time);
    mseq_buffer_append_text(line, "{\"at\": \"");
    mseq_buffer_append_text(line, time);
    mseq_buffer_append_char(line, '"');
    mseq_buffer_append_text(line, facts);
    mseq_buffer_append_text(line, ", \"rows\": ");
    mseq_buffer_append_integer(line, execution->rows);
    mseq_buffer_append_text(line, ", \"milliseconds\": ");
    mseq_buffer_append_integer(line, mseq_monotonic_ms() - execution->started);
    mseq_buffer_append_text(line, ", \"verdict\": ");
    mseq_json_write_text(verdict, line);
    mseq_buffer_append_text(line, "}\n");
}

/* Whether the open file is still the one of that name: another process may have set it aside. */
static bool is_current(int file, const char *path) {
    struct stat own, named;
    return fstat(file, &own) == 0 && stat(path, &named) == 0 && own.st_ino == named.st_ino &&
           own.st_dev == named.st_dev;
}

static void close_file(mseq_manager *manager) {
    if (manager->log_file >= 0)
        close(manager->log_file);
    manager->log_file = -1;
}

/* What other processes did to the file: it may have been set aside, or have grown. */
static void look_at_file(mseq_manager *manager, int64_t now) {
    struct stat facts;
    char *path = NULL;
    if (manager_folder_path(manager->directory, LOG_FILE, &path, NULL) != MSEQ_OK)
        return;
    if (manager->log_file >= 0 && !is_current(manager->log_file, path))
        close_file(manager);
    if (manager->log_file < 0)
        manager->log_file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    manager->log_size =
        manager->log_file >= 0 && fstat(manager->log_file, &facts) == 0 ? facts.st_size : 0;
    manager->log_checked = now;
    free(path);
}

/* A full file is set aside, unless another process has done it: then there is a new file. */
static void set_aside(mseq_manager *manager) {
    char *path = NULL, *before = NULL;
    if (manager_folder_path(manager->directory, LOG_FILE, &path, NULL) == MSEQ_OK &&
        manager_folder_path(manager->directory, LOG_FILE_BEFORE, &before, NULL) == MSEQ_OK &&
        is_current(manager->log_file, path))
        rename(path, before);
    free(path);
    free(before);
    close_file(manager);
}

/* The file is looked at once in a while; until then lines may go to the one that was set aside,
 * which is read too, and it may pass its maximum by what others write meanwhile. */
static void append(mseq_manager *manager, const mseq_buffer *text) {
    pthread_mutex_lock(&manager->log_lock);
    int64_t now = mseq_monotonic_ms();
    if (manager->log_file < 0 || now - manager->log_checked >= LOOK_MS)
        look_at_file(manager, now);
    if (manager->log_file >= 0 &&
        write(manager->log_file, text->data, text->length) == (ssize_t)text->length) {
        manager->log_size += (int64_t)text->length;
        if (manager->log_size > LOG_MAXIMUM)
            set_aside(manager);
    }
    pthread_mutex_unlock(&manager->log_lock);
}

void manager_log_close(mseq_manager *manager) {
    close_file(manager);
    pthread_mutex_destroy(&manager->log_lock);
}

void manager_log_execution(const manager_call *call, const manager_execution *execution,
                           mseq_status status, const mseq_error *err) {
    manager_execution told = *execution;
    mseq_buffer line = MSEQ_BUFFER_INIT;
    char *made = NULL;
    if (status != MSEQ_OK)
        told.rows = 0;
    if (!told.facts)
        told.facts = made = manager_log_facts(call->caller, execution);
    if (told.facts)
        append_line(&line, call->manager->clock(), told.facts, &told,
                    status == MSEQ_OK ? "ok" : err->code);
    if (told.facts && line.status == MSEQ_OK)
        append(call->manager, &line);
    mseq_buffer_free(&line);
    free(made);
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

/* The last bytes of a file, from the start of a line on; a file that is not there is empty. */
static mseq_status read_tail(const char *path, mseq_buffer *text, mseq_error *err) {
    char part[16384];
    FILE *file = fopen(path, "rbe");
    if (!file)
        return errno == ENOENT
                   ? MSEQ_OK
                   : mseq_error_set(err, MSEQ_E_IO, "cannot read the log of executions");
    fseeko(file, 0, SEEK_END);
    off_t size = ftello(file);
    bool cut = size > TAIL_MAXIMUM;
    fseeko(file, cut ? size - TAIL_MAXIMUM : 0, SEEK_SET);
    for (size_t got; (got = fread(part, 1, sizeof part, file)) > 0;) {
        const char *line = cut ? memchr(part, '\n', got) : NULL;
        size_t skipped = line ? (size_t)(line - part) + 1 : cut ? got : 0;
        cut = cut && !line;
        mseq_buffer_append(text, part + skipped, got - skipped);
    }
    fclose(file);
    return text->status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

/* Lines of the organization from the end on, at most `most` in the list. */
static mseq_status take_lines(const manager_call *call, const mseq_buffer *text, size_t most,
                              mseq_value *list, mseq_error *err) {
    size_t end = text->length;
    while (end > 0 && mseq_value_length(list) < most) {
        size_t start = end - 1;
        while (start > 0 && text->data[start - 1] != '\n')
            start--;
        mseq_value *line = NULL;
        mseq_status status =
            mseq_json_parse(text->data + start, end - start, 0, &line, NULL); /* may be half */
        const char *organization = mseq_object_get_text(line, "organization_uid");
        if (status == MSEQ_E_NO_MEMORY)
            return mseq_error_no_memory(err);
        if (organization && strcmp(organization, call->caller->organization_uid) == 0) {
            mseq_object_remove(line, "organization_uid");
            if (mseq_array_add(list, line) != MSEQ_OK)
                return mseq_error_no_memory(err);
        } else {
            mseq_value_free(line);
        }
        end = start;
    }
    return MSEQ_OK;
}

static mseq_status take_file(const manager_call *call, const char *name, size_t most,
                             mseq_value *list, mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    char *path = NULL;
    if (mseq_value_length(list) >= most)
        return MSEQ_OK;
    mseq_status status = manager_folder_path(call->manager->directory, name, &path, err);
    if (status == MSEQ_OK)
        status = read_tail(path, &text, err);
    if (status == MSEQ_OK)
        status = take_lines(call, &text, most, list, err);
    free(path);
    mseq_buffer_free(&text);
    return status;
}

/* The latest executions of the organization, the last first. */
mseq_status manager_list_operations(manager_call *call, mseq_error *err) {
    static const char *const parameters[] = {"limit", NULL};
    int64_t limit = 100;
    mseq_status status = manager_require_admin(call, err);
    if (status == MSEQ_OK)
        status = manager_check_keys(call->query, "the query", parameters, err);
    if (status == MSEQ_OK)
        status = manager_integer_parameter(call->query, "limit", limit, &limit, err);
    if (status == MSEQ_OK && (limit < 1 || limit > LISTED_MAXIMUM))
        status = manager_refuse(err, MSEQ_E_REQUEST, "bad_value", "limit must be 1 to %d",
                                LISTED_MAXIMUM);
    mseq_value *list = mseq_value_array();
    if (status == MSEQ_OK && !list)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = take_file(call, LOG_FILE, (size_t)limit, list, err);
    if (status == MSEQ_OK)
        status = take_file(call, LOG_FILE_BEFORE, (size_t)limit, list, err);
    if (status != MSEQ_OK) {
        mseq_value_free(list);
        return status;
    }
    manager_draft page;
    manager_draft_object(&page);
    manager_put_text(&page, "next", NULL);
    manager_put_text(&page, "previous", NULL);
    manager_put(&page, "results", list);
    return manager_answer(call, 200, manager_draft_take(&page), err);
}
