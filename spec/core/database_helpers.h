/* SPDX-License-Identifier: MIT
 * What the tests of the room `database` share. */
#ifndef SPEC_DATABASE_HELPERS_H
#define SPEC_DATABASE_HELPERS_H

#include <unistd.h>

#include "support.h"

#include "mainsequence/database.h"

static inline mseq_database *open_uri(const char *uri) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.uri = uri;
    options.busy_timeout_ms = 50;
    if (mseq_database_open(&options, &database, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return database;
}

static inline mseq_connection *connect_to(mseq_database *database) {
    mseq_connection *connection = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_database_connect(database, &connection, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return connection;
}

static inline mseq_value *json(const char *text) {
    mseq_value *value = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_json_parse(text, strlen(text), 0, &value, &err) != MSEQ_OK)
        fail_msg("%s: %s", text, err.message);
    return value;
}

/* Runs a statement that must succeed; parameters and expected rows as JSON, NULL: none. */
static inline int64_t run(mseq_connection *connection, const char *sql, const char *parameters,
                          const char *expected) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_value *bound = parameters ? json(parameters) : NULL, *rows = NULL;
    int64_t affected = -1;
    if (mseq_connection_execute(connection, sql, bound, &rows, &affected, &err) != MSEQ_OK)
        fail_msg("%s: %s", sql, err.message);
    char *text = text_of(rows);
    if (expected)
        assert_string_equal(text, expected);
    free(text);
    mseq_value_free(bound);
    mseq_value_free(rows);
    return affected;
}

static inline void run_script(mseq_connection *connection, const char *sql) {
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_script(connection, sql, &err) != MSEQ_OK)
        fail_msg("%s (%s)", err.message, err.detail);
}

/* A script on a connection of its own. */
static inline void run_on(const char *uri, const char *sql) {
    mseq_database *database = open_uri(uri);
    mseq_connection *connection = connect_to(database);
    run_script(connection, sql);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

/* The first value of the first row: a string as it is, else as JSON; "" without a row. free() it.
 */
static inline char *first_value(mseq_connection *connection, const char *sql) {
    mseq_value *rows = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_execute(connection, sql, NULL, &rows, NULL, &err) != MSEQ_OK)
        fail_msg("%.200s: %s", sql, err.message);
    const mseq_value *row = mseq_array_get(rows, 0);
    const mseq_value *value = row ? mseq_object_value_at(row, 0) : NULL;
    const char *string = row ? mseq_value_get_text(value) : "";
    char *text = string ? strdup(string) : text_of(value);
    mseq_value_free(rows);
    return text;
}

/* first_value on a connection of its own. */
static inline char *value_on(const char *uri, const char *sql) {
    mseq_database *database = open_uri(uri);
    mseq_connection *connection = connect_to(database);
    char *text = first_value(connection, sql);
    mseq_connection_release(connection);
    mseq_database_close(database);
    return text;
}

/* The number that a query gives. */
static inline int64_t number_on(const char *uri, const char *sql) {
    char *text = value_on(uri, sql), *end;
    int64_t number = strtoll(text, &end, 10);
    if (end == text || *end)
        fail_msg("%.200s: %s is no number", sql, text);
    free(text);
    return number;
}

static inline void expect_on(const char *uri, const char *sql, const char *expected) {
    char *text = value_on(uri, sql);
    if (strcmp(text, expected) != 0)
        fail_msg("%s: %s, not %s", sql, text, expected);
    free(text);
}

/* Asks again until the answer is that, for what is on its way; gives up after a minute. */
static inline void wait_on(const char *uri, const char *sql, const char *expected) {
    bool same = false;
    for (int64_t end = mseq_monotonic_ms() + 60000; !same && mseq_monotonic_ms() < end;) {
        char *text = value_on(uri, sql);
        same = strcmp(text, expected) == 0;
        free(text);
        if (!same)
            usleep(50000);
    }
    if (!same)
        expect_on(uri, sql, expected);
}

static inline mseq_status fails(mseq_connection *connection, const char *sql,
                                const char *parameters, mseq_error *err) {
    mseq_value *bound = parameters ? json(parameters) : NULL;
    mseq_status status = mseq_connection_execute(connection, sql, bound, NULL, NULL, err);
    mseq_value_free(bound);
    return status;
}

/* A JSON document of a file. */
static inline mseq_value *json_of_file(const char *path) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_file_read(path, SIZE_MAX, &text, NULL), MSEQ_OK);
    mseq_value *value = json(mseq_buffer_text(&text));
    mseq_buffer_free(&text);
    return value;
}

static inline void assert_mentions(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" does not mention \"%s\"", text, part);
}

#endif
