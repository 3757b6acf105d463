/* SPDX-License-Identifier: MIT
 * For the tests of the manager: folders, requests with bodies as JSON text, and a checker of
 * replies built from response_strictness.json.
 *
 * Where MSEQ_TEST_CATALOG holds the URI of a PostgreSQL database, the catalog of each folder is a
 * schema of it (test_postgresql_manager.c runs the test programs so); else it is in the folder. */
#ifndef MANAGER_HELPERS_H
#define MANAGER_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mainsequence/manager.h"

#define META "/orm/api/ts_manager/meta_table/"
#define DYNAMIC "/orm/api/ts_manager/dynamic_table/"
#define SOURCES "/orm/api/ts_manager/dynamic_table_data_source/"

/* ---- Folders -----------------------------------------------------------------------------------
 */

typedef struct fixture {
    char folder[64];
    mseq_manager *manager;
    char source[37]; /* uid of its data source */
} fixture;

/* The catalog of a folder as an option: NULL for its own. The text is good until the next call. */
static inline const char *test_catalog(const char *folder) {
    static char uri[512];
    char schema[64] = "";
    const char *database = getenv("MSEQ_TEST_CATALOG");
    if (!database)
        return NULL;
    for (const char *c = strrchr(folder, '/') + 1; *c && strlen(schema) < 60; c++)
        snprintf(schema + strlen(schema), 3, "%02x", (unsigned char)*c);
    snprintf(uri, sizeof uri, "%s?options=-csearch_path%%3Dt%s", database, schema);
    return uri;
}

/* A connection to the catalog of a folder; both are released and closed by the caller. */
static inline mseq_connection *open_catalog(const char *folder, mseq_database **database) {
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_connection *connection = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    char file[256];
    snprintf(file, sizeof file, "sqlite:///%s/catalog.sqlite", folder);
    options.uri = test_catalog(folder) ? test_catalog(folder) : file;
    if (mseq_database_open(&options, database, &err) != MSEQ_OK ||
        mseq_database_connect(*database, &connection, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return connection;
}

/* Makes or removes what the catalog of a folder needs outside of it. */
static inline void change_schema(const char *folder, const char *deed, const char *tail) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    char sql[256];
    if (!test_catalog(folder))
        return;
    mseq_connection *connection = open_catalog(folder, &database);
    snprintf(sql, sizeof sql, "%s SCHEMA %s%s", deed, strrchr(test_catalog(folder), 'D') + 1, tail);
    if (mseq_connection_script(connection, sql, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

static inline void make_catalog(const char *folder) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    mseq_value *report = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    options.directory = folder;
    options.catalog = test_catalog(folder);
    if (!options.catalog)
        return;
    change_schema(folder, "CREATE", "");
    if (mseq_manager_upgrade(&options, &report, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_value_free(report);
}

static inline mseq_manager *open_manager(const char *folder) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    mseq_manager *manager = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    options.directory = folder;
    options.catalog = test_catalog(folder);
    if (mseq_manager_open(&options, &manager, &err) != MSEQ_OK)
        fail_msg("cannot open %s: %s", folder, err.message);
    return manager;
}

static inline mseq_value *parse(const char *text) {
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_json_parse(text, strlen(text), 0, &value, &err) != MSEQ_OK)
        fail_msg("%s in %s", err.message, text);
    return value;
}

static inline char *to_text(const mseq_value *value) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_json_write(value, MSEQ_JSON_UNICODE, &buffer, NULL), MSEQ_OK);
    return mseq_buffer_take(&buffer);
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

/* `path` may end with "?query". The reply is freed with mseq_reply_free. */
static inline mseq_reply call(mseq_manager *manager, const char *method, const char *path,
                              const char *json) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    char *copy = strdup(path), *mark = strchr(copy, '?');
    mseq_value *body = json ? parse(json) : NULL;
    if (mark)
        *mark = '\0';
    request.method = method;
    request.path = copy;
    request.query = mark ? mark + 1 : NULL;
    request.body = body;
    mseq_manager_handle(manager, &request, &reply);
    mseq_value_free(body);
    free(copy);
    return reply;
}

/* The body of a reply that must have that status, owned by the caller; ends the reply. */
static inline mseq_value *take_body_at(const char *file, int line, mseq_reply *reply,
                                       const char *method, const char *path, int status) {
    if (reply->status != status) {
        char *text = to_text(reply->body);
        print_error("%s:%d: %s %s gave %d, not %d: %s\n", file, line, method, path, reply->status,
                    status, text);
        free(text);
        fail();
    }
    mseq_value *body = reply->body;
    reply->body = NULL;
    mseq_reply_free(reply);
    return body;
}

static inline mseq_value *expect_at(const char *file, int line, mseq_manager *manager,
                                    const char *method, const char *path, const char *json,
                                    int status) {
    mseq_reply reply = call(manager, method, path, json);
    return take_body_at(file, line, &reply, method, path, status);
}
/* The body of a reply of that status, owned by the caller. */
#define expect(manager, method, path, json, status)                                                \
    expect_at(__FILE__, __LINE__, manager, method, path, json, status)

/* A refusal of that status and code; its text must hold `words` (may be NULL). */
static inline void refuse_at(const char *file, int line, mseq_manager *manager, const char *method,
                             const char *path, const char *json, int status, const char *code,
                             const char *words) {
    mseq_value *body = expect_at(file, line, manager, method, path, json, status);
    const char *given = mseq_object_get_text(body, "code");
    const char *detail = mseq_object_get_text(body, "detail");
    if (!given || !detail || strcmp(given, code) != 0 || (words && !strstr(detail, words))) {
        print_error("%s:%d: %s %s was refused with code %s: %s\n", file, line, method, path, given,
                    detail);
        fail();
    }
    mseq_value_free(body);
}
#define refuse(manager, method, path, json, status, code, words)                                   \
    refuse_at(__FILE__, __LINE__, manager, method, path, json, status, code, words)

static inline int set_up(void **state) {
    fixture *made = calloc(1, sizeof *made);
    snprintf(made->folder, sizeof made->folder, "%s", "/tmp/mseq-manager-XXXXXX");
    if (!made || !mkdtemp(made->folder))
        return -1;
    make_catalog(made->folder);
    made->manager = open_manager(made->folder);
    if (test_catalog(made->folder)) /* one that servers share begins without a data source */
        mseq_value_free(expect(made->manager, "POST", "/orm/api/ts_manager/data_sources/",
                               "{\"class_type\": \"sqlite\", \"path\": \"data.sqlite\","
                               " \"display_name\": \"local\", \"is_default\": true}",
                               201));
    mseq_value *list = expect(made->manager, "GET", SOURCES, NULL, 200);
    const mseq_value *first = mseq_array_get(mseq_object_get(list, "results"), 0);
    snprintf(made->source, sizeof made->source, "%s", mseq_object_get_text(first, "uid"));
    mseq_value_free(list);
    *state = made;
    return 0;
}

static inline int tear_down(void **state) {
    fixture *made = *state;
    char command[256];
    mseq_manager_close(made->manager);
    change_schema(made->folder, "DROP", " CASCADE");
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", made->folder, made->folder);
    int status = system(command); // NOLINT(cert-env33-c): a name of our own
    free(made);
    return status;
}

/* A connection to the data source, as migration-connection gives it. */
static inline mseq_database *open_data(const fixture *made) {
    char path[256];
    snprintf(path, sizeof path, SOURCES "%s/migration-connection/", made->source);
    mseq_value *credential = expect(made->manager, "POST", path, "{}", 200);
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    options.uri = mseq_object_get_text(credential, "uri");
    if (mseq_database_open(&options, &database, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_value_free(credential);
    return database;
}

/* Runs a script on the data source, as a migration would. */
static inline void run_on_data(const fixture *made, const char *sql) {
    mseq_database *database = open_data(made);
    mseq_connection *connection = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_database_connect(database, &connection, &err) != MSEQ_OK ||
        mseq_connection_script(connection, sql, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

/* ---- Documents ---------------------------------------------------------------------------------
 */

/* Text with $S replaced by the data source's uid and $R by `other` (may be NULL); free() it. */
static inline char *fill(const fixture *made, const char *text, const char *other) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    for (; *text; text++) {
        if (text[0] == '$' && (text[1] == 'S' || text[1] == 'R')) {
            mseq_buffer_append_text(&buffer, text[1] == 'S' ? made->source : other);
            text++;
        } else {
            mseq_buffer_append_char(&buffer, *text);
        }
    }
    return mseq_buffer_take(&buffer);
}

static inline const char *text_at(const mseq_value *value, const char *key) {
    const char *text = mseq_object_get_text(value, key);
    return text ? text : "(none)";
}

/* ---- The checker -------------------------------------------------------------------------------
 */

static inline const mseq_value *strictness(void) {
    static mseq_value *document;
    if (!document) {
        FILE *file = fopen(MSEQ_SPEC_DIR "/golden/wire/response_strictness.json", "rb");
        assert_non_null(file);
        mseq_buffer text = MSEQ_BUFFER_INIT;
        char piece[65536];
        for (size_t size; (size = fread(piece, 1, sizeof piece, file)) > 0;)
            mseq_buffer_append(&text, piece, size);
        fclose(file);
        document = parse(mseq_buffer_text(&text));
        mseq_buffer_free(&text);
    }
    return document;
}

static inline bool holds(const mseq_value *list, const char *text) {
    for (size_t i = 0; i < mseq_value_length(list); i++)
        if (strcmp(mseq_value_get_text(mseq_array_get(list, i)), text) == 0)
            return true;
    return false;
}

/* The name of the sample in the file whose kind a value has. */
static inline const char *sample_of(const mseq_value *value) {
    int64_t micros;
    const char *text = mseq_value_get_text(value);
    const mseq_value *first = mseq_array_get(value, 0);
    switch (mseq_value_kind(value)) {
    case MSEQ_NULL:
        return "null";
    case MSEQ_BOOLEAN:
        return mseq_value_get_boolean(value, false) ? "true" : "false";
    case MSEQ_INTEGER:
        return mseq_value_get_integer(value, 0) == 0   ? "zero"
               : mseq_value_get_integer(value, 0) == 1 ? "one"
                                                       : "integer";
    case MSEQ_FLOAT:
        return "float";
    case MSEQ_STRING:
        return mseq_time_parse(text, &micros, NULL) == MSEQ_OK ? "datetime_text"
               : *text                                         ? "text"
                                                               : "empty_text";
    case MSEQ_ARRAY:
        return !first                                  ? "array_empty"
               : mseq_value_kind(first) == MSEQ_STRING ? "array_text"
               : mseq_value_is_null(first)             ? "array_null"
                                                       : "array_object";
    default:
        return mseq_value_length(value) ? "object" : "object_empty";
    }
}

/* ^[1-9][0-9]*(mo|s|m|h|d|w|q|y)$ in any case, at most 32 characters */
static inline bool is_cadence(const char *text) {
    static const char *const units[] = {"mo", "s", "m", "h", "d", "w", "q", "y"};
    size_t digits = text ? strspn(text, "0123456789") : 0;
    if (digits == 0 || text[0] == '0' || strlen(text) > 32)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + digits, units[i]) == 0)
            return true;
    return false;
}

static inline void check_model_at(const char *file, int line, const char *model,
                                  const mseq_value *value);

static inline void check_field_at(const char *file, int line, const char *model, const char *key,
                                  const mseq_value *field, const mseq_value *value) {
    const mseq_value *allowed = mseq_object_get(field, "allowed_values");
    const char *nested =
        mseq_value_get_text(mseq_array_get(mseq_object_get(field, "nested_model"), 0));
    if (strcmp(key, "related_resource") == 0) { /* the file names its model only in "used_in" */
        check_model_at(file, line, "DataSource", value);
        return;
    }
    if (strcmp(key, "cadence") == 0 && is_cadence(mseq_value_get_text(value)))
        return;
    if (allowed && mseq_value_kind(value) == MSEQ_STRING &&
        holds(allowed, mseq_value_get_text(value)))
        return;
    if (nested && mseq_value_kind(value) == MSEQ_OBJECT &&
        mseq_object_get_boolean(field, "nested_object_ok", false)) {
        check_model_at(file, line, nested, value);
        return;
    }
    if (nested && mseq_value_length(value) > 0 && mseq_value_kind(value) == MSEQ_ARRAY &&
        mseq_object_get_boolean(field, "nested_array_ok", false)) {
        for (size_t i = 0; i < mseq_value_length(value); i++)
            check_model_at(file, line, nested, mseq_array_get(value, i));
        return;
    }
    if (holds(mseq_object_get(field, "accepts"), sample_of(value)))
        return;
    char *text = to_text(value);
    print_error("%s:%d: %s.%s does not accept %s\n", file, line, model, key, text);
    free(text);
    fail();
}

static inline void check_model_at(const char *file, int line, const char *model,
                                  const mseq_value *value) {
    const mseq_value *rules = mseq_object_get(mseq_object_get(strictness(), "models"), model);
    const mseq_value *fields = mseq_object_get(rules, "fields");
    const mseq_value *required = mseq_object_get(rules, "required_keys");
    bool strict = strcmp(text_at(rules, "extra_keys"), "rejected") == 0;
    assert_non_null(rules);
    assert_int_equal(mseq_value_kind(value), MSEQ_OBJECT);
    for (size_t i = 0; i < mseq_value_length(value); i++) {
        const char *key = mseq_object_key_at(value, i);
        const mseq_value *field = mseq_object_get(fields, key);
        if (field) {
            check_field_at(file, line, model, key, field, mseq_object_value_at(value, i));
        } else if (strict) {
            print_error("%s:%d: %s has no key %s\n", file, line, model, key);
            fail();
        }
    }
    for (size_t i = 0; i < mseq_value_length(required); i++) {
        const char *key = mseq_value_get_text(mseq_array_get(required, i));
        if (!mseq_object_get(value, key)) {
            print_error("%s:%d: %s needs the key %s\n", file, line, model, key);
            fail();
        }
    }
}
/* The value is what the reference's model of that name accepts. */
#define check_model(model, value) check_model_at(__FILE__, __LINE__, model, value)

/* The same for each item of a list. */
static inline void check_models_at(const char *file, int line, const char *model,
                                   const mseq_value *list) {
    assert_int_equal(mseq_value_kind(list), MSEQ_ARRAY);
    for (size_t i = 0; i < mseq_value_length(list); i++)
        check_model_at(file, line, model, mseq_array_get(list, i));
}
#define check_models(model, list) check_models_at(__FILE__, __LINE__, model, list)

#endif
