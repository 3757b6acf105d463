/* SPDX-License-Identifier: MIT
 * What the tests of the room `database` share. */
#ifndef SPEC_DATABASE_HELPERS_H
#define SPEC_DATABASE_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static inline char *text_of(const mseq_value *value) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    assert_int_equal(mseq_json_write(value, 0, &buffer, NULL), MSEQ_OK);
    return mseq_buffer_take(&buffer);
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

/* The number that a query gives, on a connection of its own. */
static inline int64_t number_on(const char *uri, const char *sql) {
    mseq_database *database = open_uri(uri);
    mseq_connection *connection = connect_to(database);
    mseq_value *rows = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_execute(connection, sql, NULL, &rows, NULL, &err) != MSEQ_OK)
        fail_msg("%.200s: %s", sql, err.message);
    int64_t number =
        mseq_value_get_integer(mseq_object_value_at(mseq_array_get(rows, 0), 0), INT64_MIN);
    mseq_value_free(rows);
    mseq_connection_release(connection);
    mseq_database_close(database);
    return number;
}

/* What is on its way may take a moment. */
static inline void wait_for_number(const char *uri, const char *sql, int64_t expected) {
    for (int64_t end = mseq_monotonic_ms() + 20000; number_on(uri, sql) != expected;) {
        if (mseq_monotonic_ms() > end)
            fail_msg("%s is not %lld", sql, (long long)expected);
        usleep(20000);
    }
}

static inline mseq_status fails(mseq_connection *connection, const char *sql,
                                const char *parameters, mseq_error *err) {
    mseq_value *bound = parameters ? json(parameters) : NULL;
    mseq_status status = mseq_connection_execute(connection, sql, bound, NULL, NULL, err);
    mseq_value_free(bound);
    return status;
}

static inline void assert_mentions(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" does not mention \"%s\"", text, part);
}

#endif
