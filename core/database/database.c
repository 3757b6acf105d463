/* SPDX-License-Identifier: MIT
 * The part of the room that knows no database: which driver a URI means, the pool of idle
 * connections, dispatch. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

enum { IDLE_MAXIMUM = 16 }; /* connections kept for the next user; more are closed */

struct mseq_database {
    const database_driver *driver;
    void *target;
    pthread_mutex_t mutex; /* guards what follows */
    mseq_connection *idle[IDLE_MAXIMUM];
    size_t idle_count;
    size_t in_use; /* connections that users hold; they keep the database alive */
    bool closed;
};

struct mseq_connection {
    mseq_database *database;
    const database_driver *driver;
    void *session;
};

static mseq_status postgresql_driver(const database_driver **driver, mseq_error *err) {
#ifdef MSEQ_WITH_POSTGRESQL
    (void)err;
    *driver = &database_postgresql_driver;
    return MSEQ_OK;
#else
    (void)driver;
    mseq_error_set(err, MSEQ_E_DATABASE, "this build of mainsequence has no PostgreSQL driver");
    mseq_error_hint(err, "build it where libpq and libpg_query are installed (Debian: libpq-dev "
                         "libpg-query-dev)");
    return MSEQ_E_DATABASE;
#endif
}

static mseq_status find_driver(const char *uri, const database_driver **driver, mseq_error *err) {
    if (strncmp(uri, "sqlite:", 7) == 0) {
        *driver = &database_sqlite_driver;
        return MSEQ_OK;
    }
    if (strncmp(uri, "postgresql:", 11) == 0 || strncmp(uri, "postgresql+", 11) == 0 ||
        strncmp(uri, "postgres:", 9) == 0)
        return postgresql_driver(driver, err);
    /* the rest of the URI may hold a password */
    size_t scheme = strcspn(uri, ":/@ ");
    mseq_error_set(err, MSEQ_E_ARGUMENT, "the database URI has the unknown scheme '%.*s'",
                   uri[scheme] == ':' && scheme < 32 ? (int)scheme : 0, uri);
    mseq_error_hint(err, "write sqlite:////absolute/path, sqlite:///relative/path or "
                         "postgresql://user@host:port/database");
    return MSEQ_E_ARGUMENT;
}

static void free_connection(mseq_connection *connection) {
    connection->driver->disconnect(connection->session);
    free(connection);
}

static void free_database(mseq_database *database) {
    database->driver->close(database->target);
    pthread_mutex_destroy(&database->mutex);
    free(database);
}

static mseq_status new_connection(mseq_database *database, mseq_connection **connection,
                                  mseq_error *err) {
    mseq_connection *made = calloc(1, sizeof *made);
    if (!made)
        return mseq_error_no_memory(err);
    made->database = database;
    made->driver = database->driver;
    mseq_status status = made->driver->connect(database->target, &made->session, err);
    if (status != MSEQ_OK) {
        free(made);
        return status;
    }
    *connection = made;
    return MSEQ_OK;
}

mseq_status mseq_database_open(const mseq_database_options *options, mseq_database **database,
                               mseq_error *err) {
    if (!options || !options->uri)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "a database needs a URI");
    mseq_database *opened = calloc(1, sizeof *opened);
    if (!opened)
        return mseq_error_no_memory(err);
    mseq_status status = find_driver(options->uri, &opened->driver, err);
    if (status == MSEQ_OK)
        status = opened->driver->open(options, &opened->target, err);
    if (status != MSEQ_OK) {
        free(opened);
        return status;
    }
    pthread_mutex_init(&opened->mutex, NULL);
    /* the first connection says now what is wrong with the URI */
    status = new_connection(opened, &opened->idle[0], err);
    if (status != MSEQ_OK) {
        free_database(opened);
        return status;
    }
    opened->idle_count = 1;
    *database = opened;
    return MSEQ_OK;
}

/* Under the mutex. */
static size_t take_all(mseq_database *database, mseq_connection *idle[IDLE_MAXIMUM]) {
    size_t count = database->idle_count;
    for (size_t i = 0; i < count; i++)
        idle[i] = database->idle[i];
    database->idle_count = 0;
    return count;
}

void mseq_database_trim(mseq_database *database) {
    mseq_connection *idle[IDLE_MAXIMUM];
    pthread_mutex_lock(&database->mutex);
    size_t count = take_all(database, idle);
    pthread_mutex_unlock(&database->mutex);
    for (size_t i = 0; i < count; i++)
        free_connection(idle[i]);
}

/* The last connection that is given back after this frees the database. */
void mseq_database_close(mseq_database *database) {
    mseq_connection *idle[IDLE_MAXIMUM];
    if (!database)
        return;
    pthread_mutex_lock(&database->mutex);
    database->closed = true;
    bool last = database->in_use == 0;
    size_t count = take_all(database, idle);
    pthread_mutex_unlock(&database->mutex);
    for (size_t i = 0; i < count; i++)
        free_connection(idle[i]);
    if (last)
        free_database(database);
}

mseq_dialect mseq_database_dialect(const mseq_database *database) {
    return database->driver->dialect;
}

/* One that can be used; those whose database has gone since are closed. NULL: none. */
static mseq_connection *take_idle(mseq_database *database) {
    for (;;) {
        mseq_connection *found = NULL;
        pthread_mutex_lock(&database->mutex);
        if (database->idle_count)
            found = database->idle[--database->idle_count];
        pthread_mutex_unlock(&database->mutex);
        if (!found || !found->driver->alive || found->driver->alive(found->session))
            return found;
        free_connection(found);
    }
}

mseq_status mseq_database_connect(mseq_database *database, mseq_connection **connection,
                                  mseq_error *err) {
    pthread_mutex_lock(&database->mutex);
    database->in_use++;
    pthread_mutex_unlock(&database->mutex);
    mseq_connection *found = take_idle(database);
    mseq_status status = found ? MSEQ_OK : new_connection(database, &found, err);
    if (status != MSEQ_OK) {
        pthread_mutex_lock(&database->mutex);
        database->in_use--;
        pthread_mutex_unlock(&database->mutex);
        return status;
    }
    *connection = found;
    return MSEQ_OK;
}

void mseq_connection_release(mseq_connection *connection) {
    if (!connection)
        return;
    mseq_database *database = connection->database;
    bool fit = connection->driver->reset(connection->session);
    pthread_mutex_lock(&database->mutex);
    bool keep = fit && !database->closed && database->idle_count < IDLE_MAXIMUM;
    if (keep)
        database->idle[database->idle_count++] = connection;
    pthread_mutex_unlock(&database->mutex);
    if (!keep)
        free_connection(connection);
    pthread_mutex_lock(&database->mutex);
    bool last = --database->in_use == 0 && database->closed;
    pthread_mutex_unlock(&database->mutex);
    if (last)
        free_database(database);
}

void mseq_connection_limit(mseq_connection *connection, const mseq_cancellation *cancellation,
                           int64_t timeout_ms) {
    connection->driver->limit(connection->session, cancellation, timeout_ms);
}

/* ---- Statements
 * ---------------------------------------------------------------------------------------------- */

static mseq_status collect(void *data, mseq_value *row, mseq_error *err) {
    return mseq_array_add(data, row) == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status mseq_connection_execute(mseq_connection *connection, const char *sql,
                                    const mseq_value *parameters, mseq_value **rows,
                                    int64_t *affected, mseq_error *err) {
    mseq_value *list = NULL;
    if (rows && !(list = mseq_value_array()))
        return mseq_error_no_memory(err);
    database_sink sink = {rows ? collect : NULL, list};
    int64_t changed = 0;
    mseq_status status =
        connection->driver->run(connection->session, sql, parameters, &sink, &changed, err);
    if (status != MSEQ_OK) {
        mseq_value_free(list);
        return status;
    }
    if (rows)
        *rows = list;
    if (affected)
        *affected = changed;
    return MSEQ_OK;
}

typedef struct lending {
    mseq_row_callback callback;
    void *data;
} lending;

static mseq_status lend(void *data, mseq_value *row, mseq_error *err) {
    const lending *to = data;
    mseq_status status = to->callback(to->data, row, err);
    mseq_value_free(row);
    return status;
}

mseq_status mseq_connection_each(mseq_connection *connection, const char *sql,
                                 const mseq_value *parameters, mseq_row_callback callback,
                                 void *data, mseq_error *err) {
    lending to = {callback, data};
    database_sink sink = {lend, &to};
    int64_t changed;
    return connection->driver->run(connection->session, sql, parameters, &sink, &changed, err);
}

mseq_status mseq_connection_script(mseq_connection *connection, const char *sql, mseq_error *err) {
    return connection->driver->script(connection->session, sql, err);
}

/* ---- Transactions and reflection
 * ----------------------------------------------------------------------------- */

mseq_status mseq_connection_begin(mseq_connection *connection, bool write, mseq_error *err) {
    if (mseq_connection_in_transaction(connection))
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "the connection is in a transaction already");
    return connection->driver->begin(connection->session, write, err);
}

mseq_status mseq_connection_commit(mseq_connection *connection, mseq_error *err) {
    if (!mseq_connection_in_transaction(connection))
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "there is no transaction to commit");
    return connection->driver->commit(connection->session, err);
}

void mseq_connection_rollback(mseq_connection *connection) {
    if (mseq_connection_in_transaction(connection))
        connection->driver->rollback(connection->session);
}

bool mseq_connection_in_transaction(const mseq_connection *connection) {
    return connection->driver->in_transaction(connection->session);
}

bool mseq_connection_mark(const mseq_connection *connection, mseq_database_mark *mark) {
    return connection->driver->mark && connection->driver->mark(connection->session, mark);
}

mseq_dialect mseq_connection_dialect(const mseq_connection *connection) {
    return connection->driver->dialect;
}

mseq_status mseq_connection_table_names(mseq_connection *connection, const char *schema,
                                        mseq_strings *names, mseq_error *err) {
    return connection->driver->table_names(connection->session, schema, names, err);
}

/* Several questions are asked: one transaction makes them see one state. */
static mseq_status begin_reading(mseq_connection *connection, bool *begun, mseq_error *err) {
    *begun = !mseq_connection_in_transaction(connection);
    return *begun ? connection->driver->begin(connection->session, false, err) : MSEQ_OK;
}

static void end_reading(mseq_connection *connection, bool begun) {
    if (begun)
        mseq_connection_rollback(connection);
}

mseq_status mseq_connection_reflect_table(mseq_connection *connection, const char *schema,
                                          const char *name, mseq_table **table, mseq_error *err) {
    bool begun;
    mseq_status status = begin_reading(connection, &begun, err);
    if (status != MSEQ_OK)
        return status;
    status = connection->driver->reflect_table(connection->session, schema, name, table, err);
    end_reading(connection, begun);
    return status;
}

static mseq_status reflect_all(mseq_connection *connection, const char *schema,
                               mseq_metadata *metadata, mseq_error *err) {
    mseq_strings names = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_connection_table_names(connection, schema, &names, err);
    for (size_t i = 0; status == MSEQ_OK && i < names.count; i++) {
        mseq_table *table = NULL;
        status = connection->driver->reflect_table(connection->session, schema, names.items[i],
                                                   &table, err);
        if (status == MSEQ_OK) {
            status = mseq_metadata_add(metadata, table, err);
            mseq_table_free(table);
        }
    }
    mseq_strings_free(&names);
    return status;
}

mseq_status mseq_connection_reflect(mseq_connection *connection, const char *schema,
                                    mseq_metadata **metadata, mseq_error *err) {
    bool begun;
    mseq_metadata *found = NULL;
    mseq_status status = mseq_metadata_new(&found, err);
    if (status != MSEQ_OK)
        return status;
    status = begin_reading(connection, &begun, err);
    if (status == MSEQ_OK) {
        status = reflect_all(connection, schema, found, err);
        end_reading(connection, begun);
    }
    if (status != MSEQ_OK) {
        mseq_metadata_free(found);
        return status;
    }
    *metadata = found;
    return MSEQ_OK;
}

mseq_status mseq_connection_dependents(mseq_connection *connection, const char *name,
                                       mseq_value **dependents, mseq_error *err) {
    if (!connection->driver->dependents) {
        mseq_value *none = mseq_value_array();
        if (!none)
            return mseq_error_no_memory(err);
        *dependents = none;
        return MSEQ_OK;
    }
    return connection->driver->dependents(connection->session, name, dependents, err);
}

mseq_status mseq_connection_encrypt_password(mseq_connection *connection, const char *role,
                                             const char *password, char **verifier,
                                             mseq_error *err) {
    if (!connection->driver->encrypt_password)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "the database has no roles with passwords");
    return connection->driver->encrypt_password(connection->session, role, password, verifier, err);
}

static mseq_status check_alone(mseq_connection *connection, mseq_error *err) {
    return mseq_connection_in_transaction(connection)
               ? mseq_error_set(err, MSEQ_E_ARGUMENT,
                                "a governed statement has a transaction of its own; the connection "
                                "is in one already")
               : MSEQ_OK;
}

mseq_status mseq_connection_run_governed(mseq_connection *connection,
                                         const mseq_governed_statement *statement,
                                         mseq_governed_result *result, mseq_error *err) {
    mseq_status status = check_alone(connection, err);
    return status == MSEQ_OK
               ? connection->driver->run_governed(connection->session, statement, result, err)
               : status;
}

mseq_status mseq_governed_cursor_open(mseq_connection *connection,
                                      const mseq_governed_statement *statement,
                                      mseq_governed_cursor **cursor, mseq_error *err) {
    mseq_status status = check_alone(connection, err);
    return status == MSEQ_OK ? database_cursor_open(connection->driver, connection->session,
                                                    statement, cursor, err)
                             : status;
}
