/* SPDX-License-Identifier: MIT
 * A private PostgreSQL server for a test program, started once, stopped when the program ends. */
#ifndef SPEC_POSTGRESQL_HELPERS_H
#define SPEC_POSTGRESQL_HELPERS_H

#include <stdio.h>
#include <unistd.h>

#include "database_helpers.h"

static char postgresql_folder[64];

/* Runs spec/support/postgresql.sh; the first line it prints, or "". */
static inline void run_server_script(const char *command, char line[256]) {
    char text[512];
    snprintf(text, sizeof text, "'%s/support/postgresql.sh' %s '%s' %d", MSEQ_SPEC_DIR, command,
             postgresql_folder, (int)getpid());
    FILE *pipe = popen(text, "r"); // NOLINT(cert-env33-c): a command of our own
    assert_non_null(pipe);
    if (!fgets(line, 256, pipe))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

static inline void stop_server(void) {
    char line[256];
    run_server_script("stop", line);
}

/* The superuser's URI; starts the server the first time. */
static inline const char *postgresql_uri(void) {
    static char uri[256];
    if (!uri[0]) {
        snprintf(postgresql_folder, sizeof postgresql_folder, "%s", "/tmp/mseq-spec-XXXXXX");
        assert_non_null(mkdtemp(postgresql_folder));
        run_server_script("start", uri);
        assert_int_equal(strncmp(uri, "postgresql://", 13), 0);
        atexit(stop_server);
    }
    return uri;
}

/* The URI of another database on that server; the caller frees it. */
static inline char *postgresql_uri_of(const char *database) {
    const char *uri = postgresql_uri();
    return mseq_text_format("%.*s/%s", (int)(strrchr(uri, '/') - uri), uri, database);
}

/* A fresh, empty database on that server; the caller frees its URI. */
static inline char *postgresql_database(const char *name) {
    mseq_database *server = open_uri(postgresql_uri());
    mseq_connection *connection = connect_to(server);
    char *sql = mseq_text_format("DROP DATABASE IF EXISTS %s; CREATE DATABASE %s", name, name);
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_connection_script(connection, sql, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    free(sql);
    mseq_connection_release(connection);
    mseq_database_close(server);
    return postgresql_uri_of(name);
}

#endif
