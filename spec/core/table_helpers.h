/* SPDX-License-Identifier: MIT
 * For the tests of the catalog's tables: registrations, and what the catalog holds then. */
#ifndef SPEC_TABLE_HELPERS_H
#define SPEC_TABLE_HELPERS_H

#include "manager_helpers.h"

/* A registration of mode external; `more` are further keys, each with a comma before it. */
static inline char *external(const fixture *made, const char *name, const char *more) {
    return mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"external_registered\","
        " \"table_contract\": {\"physical\": {\"table_name\": \"%s\"}, \"columns\": [{\"name\":"
        " \"id\", \"data_type\": \"integer\", \"backend_type\": \"INTEGER\", \"primary_key\": true,"
        " \"nullable\": false}]}%s}",
        made->source, name, more);
}

/* A table that the manager makes; `key` is a foreign key fragment or "". */
static inline char *managed(const fixture *made, const char *name, const char *key,
                            const char *more) {
    return mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"management_mode\": \"platform_managed\","
        " \"provisioning\": {\"create_table\": true, \"if_not_exists\": true}, \"table_contract\":"
        " {\"physical\": {\"table_name\": \"%s\"}, \"columns\": [{\"name\": \"id\", \"data_type\":"
        " \"int64\", \"backend_type\": \"BIGINT\", \"primary_key\": true, \"nullable\": false},"
        " {\"name\": \"parent_id\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\","
        " \"description\": \"Who is above\"}]%s}%s}",
        made->source, name, key, more);
}

#define KEY_TO(target)                                                                             \
    ", \"foreign_keys\": [{\"source_columns\": [\"parent_id\"], \"target_table\": \"" target       \
    "\", \"target_columns\": [\"id\"], \"on_delete\": \"RESTRICT\"}]"

/* Registers and gives the uid; `body` is freed. */
static inline void put_at(const char *file, int line, const fixture *made, char *body, int status,
                          char uid[37]) {
    mseq_value *row = expect_at(file, line, made->manager, "POST", META "register/", body, status);
    check_model_at(file, line, "MetaTable", row);
    if (uid)
        snprintf(uid, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
}

#define put(...) put_at(__FILE__, __LINE__, __VA_ARGS__)

static inline void refuse_body_at(const char *file, int line, const fixture *made, char *body,
                                  int status, const char *code, const char *words) {
    refuse_at(file, line, made->manager, "POST", META "register/", body, status, code, words);
    free(body);
}

#define refuse_body(...) refuse_body_at(__FILE__, __LINE__, __VA_ARGS__)

static inline mseq_value *detail(const fixture *made, const char *uid) {
    char path[256];
    snprintf(path, sizeof path, META "%s/", uid);
    mseq_value *row = expect(made->manager, "GET", path, NULL, 200);
    check_model("MetaTable", row);
    return row;
}

static inline bool table_exists(const fixture *made, const char *name) {
    mseq_database *database = open_data(made);
    mseq_connection *connection = NULL;
    mseq_strings names = MSEQ_STRINGS_INIT;
    assert_int_equal(mseq_database_connect(database, &connection, NULL), MSEQ_OK);
    assert_int_equal(mseq_connection_table_names(connection, NULL, &names, NULL), MSEQ_OK);
    bool found = mseq_strings_contains(&names, name);
    mseq_strings_free(&names);
    mseq_connection_release(connection);
    mseq_database_close(database);
    return found;
}

static inline char *reservation(const fixture *made, const char *name, const char *provider) {
    return mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"identifier\": \"%s\", \"namespace\": \"demo\","
        " \"migration_package\": \"%s\", \"migration_namespace\": \"demo\","
        " \"physical_table_name\": \"%s\", \"table_contract\": {\"physical\": {\"table_name\":"
        " \"%s\"}, \"columns\": [{\"name\": \"id\", \"data_type\": \"int64\"}]}}",
        made->source, name, provider, name, name);
}

#endif
