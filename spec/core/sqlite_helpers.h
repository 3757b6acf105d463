/* SPDX-License-Identifier: MIT
 * For the tests of SQLite files: a folder of the test program, databases in it. */
#ifndef SPEC_SQLITE_HELPERS_H
#define SPEC_SQLITE_HELPERS_H

#include <stdio.h>

#include "database_helpers.h"

static char folder[64];

static inline int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", "/tmp/mseq-database-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state) {
    (void)state;
    char command[192];
    snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s", folder, folder);
    return system(command); // NOLINT(cert-env33-c): a name of our own
}

static inline char *uri_of(const char *name) {
    char *uri = mseq_text_format("sqlite:///%s/%s", folder, name);
    assert_non_null(uri);
    return uri;
}

static inline mseq_status open_with(mseq_database_options options, const char *name,
                                    mseq_database **database, mseq_error *err) {
    char *uri = uri_of(name);
    options.uri = uri;
    mseq_status status = mseq_database_open(&options, database, err);
    free(uri);
    return status;
}

static inline mseq_database *open_file(const char *name) {
    mseq_database *database = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_database_options options = MSEQ_DATABASE_OPTIONS_INIT;
    options.busy_timeout_ms = 50;
    if (open_with(options, name, &database, &err) != MSEQ_OK)
        fail_msg("%s", err.message);
    return database;
}

#endif
