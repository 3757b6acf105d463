/* SPDX-License-Identifier: MIT
 * Rows of the catalog: reading, and writing with everything that is derived from the document. */
#include <stdlib.h>
#include <string.h>

#include "access.h"

void manager_row_free(manager_row *row) {
    mseq_value_free(row->document);
    *row = (manager_row)MANAGER_ROW_INIT;
}

const char *manager_row_text(const manager_row *row, const char *key) {
    return mseq_object_get_text(row->document, key);
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

mseq_status manager_row_from_record(const mseq_value *record, manager_row *row, mseq_error *err) {
    const mseq_value *text = mseq_object_get(record, "document");
    mseq_value *document = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = MSEQ_E_DATABASE;
    if (mseq_value_kind(text) == MSEQ_STRING)
        status = mseq_json_parse(mseq_value_get_text(text), mseq_value_get_text_length(text), 0,
                                 &document, &cause);
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    if (status != MSEQ_OK || mseq_value_kind(document) != MSEQ_OBJECT) {
        mseq_value_free(document);
        return mseq_error_set(err, MSEQ_E_DATABASE, "the catalog: a row holds no document (%s)",
                              cause.message);
    }
    *row = (manager_row){
        .document = document,
        .time_indexed = mseq_object_get_integer(record, "time_indexed", 0) != 0,
        .was_seen = mseq_object_get_integer(record, "was_seen", 0) != 0,
        .open_for_everyone = mseq_object_get_integer(record, "open_for_everyone", 0) != 0,
        .may_view = mseq_object_get_integer(record, "may_view", 0) != 0,
        .may_edit = mseq_object_get_integer(record, "may_edit", 0) != 0,
    };
    return MSEQ_OK;
}

/* A row with what the caller may do, by a condition whose values are ?4 and ?5. */
#define SELECT_ROW                                                                                 \
    "SELECT " MANAGER_ROW_COLUMNS ", CASE WHEN " MANAGER_MAY_VIEW(                                 \
        "?1", "?2") " THEN 1 ELSE 0 END AS may_view"                                               \
                    ", CASE WHEN " MANAGER_MAY_EDIT(                                               \
                        "?1", "?2") " THEN 1 ELSE 0 END AS may_edit"                               \
                                    " FROM meta_table WHERE organization_uid = ?3 AND "

/* Takes over the records; without one, row->document stays NULL. */
static mseq_status take_record(mseq_value *records, manager_row *row, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    if (mseq_value_length(records) > 0)
        status = manager_row_from_record(mseq_array_get(records, 0), row, err);
    mseq_value_free(records);
    return status;
}

static mseq_status not_found(const char *uid, mseq_error *err) {
    return manager_refuse(err, MSEQ_E_NOT_FOUND, "not_found", "there is no MetaTable '%.100s'",
                          uid);
}

static mseq_status find_row(const manager_call *call, const char *uid, manager_row *row,
                            mseq_error *err) {
    mseq_value *records = NULL;
    manager_row found = MANAGER_ROW_INIT;
    mseq_status status = manager_query(call->catalog, &records, err, SELECT_ROW "uid = ?4", "bsss",
                                       (int)call->caller->admin, call->caller->user_uid,
                                       call->caller->organization_uid, uid);
    if (status == MSEQ_OK)
        status = take_record(records, &found, err);
    if (status == MSEQ_OK)
        *row = found;
    return status;
}

mseq_status manager_row_any(const manager_call *call, const char *uid, manager_row *row,
                            mseq_error *err) {
    mseq_status status = find_row(call, uid, row, err);
    return status == MSEQ_OK && !row->document ? not_found(uid, err) : status;
}

mseq_status manager_row_by_uid(const manager_call *call, const char *uid, manager_row *row,
                               mseq_error *err) {
    manager_row found = MANAGER_ROW_INIT;
    mseq_status status = find_row(call, uid, &found, err);
    if (status == MSEQ_OK && !found.may_view)
        status = not_found(uid, err);
    if (status == MSEQ_OK)
        *row = found;
    else
        manager_row_free(&found);
    return status;
}

mseq_status manager_row_to_edit(const manager_call *call, const char *uid, manager_row *row,
                                mseq_error *err) {
    manager_row found = MANAGER_ROW_INIT;
    mseq_status status = manager_row_by_uid(call, uid, &found, err);
    if (status == MSEQ_OK)
        status = manager_require_edit(call, &found, err);
    if (status == MSEQ_OK)
        *row = found;
    else
        manager_row_free(&found);
    return status;
}

mseq_status manager_row_by_name(const manager_call *call, const char *data_source_uid,
                                const char *physical_table_name, manager_row *row,
                                mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status =
        manager_query(call->catalog, &records, err,
                      SELECT_ROW "data_source_uid = ?4 AND physical_table_name = ?5", "bssss",
                      (int)call->caller->admin, call->caller->user_uid,
                      call->caller->organization_uid, data_source_uid, physical_table_name);
    return status == MSEQ_OK ? take_record(records, row, err) : status;
}

mseq_status manager_row_id(const manager_call *call, const manager_row *row, int64_t *id,
                           mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status =
        manager_query(call->catalog, &records, err, "SELECT id FROM meta_table WHERE uid = ?1", "s",
                      manager_row_text(row, "uid"));
    if (status == MSEQ_OK)
        *id = mseq_object_get_integer(mseq_array_get(records, 0), "id", 0);
    mseq_value_free(records);
    return status;
}

/* ---- What is derived ---------------------------------------------------------------------------
 */

static void add_folded(mseq_buffer *text, const char *word) {
    if (!word || !*word)
        return;
    char *folded = mseq_text_casefold(word);
    mseq_buffer_append_text(text, folded ? folded : word);
    mseq_buffer_append_char(text, '\n');
    free(folded);
}

/* Columns by their names, labels and descriptions: what column-search looks in. */
static void column_text(const mseq_value *document, mseq_buffer *text) {
    static const char *const keys[] = {"name", "logical_name", "label", "description"};
    const mseq_value *columns = mseq_object_get(document, "columns");
    for (size_t i = 0; i < mseq_value_length(columns); i++)
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            add_folded(text, mseq_object_get_text(mseq_array_get(columns, i), keys[k]));
}

/* What people call the table: in a search it weighs most. */
static void name_text(const mseq_value *document, mseq_buffer *text) {
    static const char *const keys[] = {"identifier", "physical_table_name", "namespace"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        add_folded(text, mseq_object_get_text(document, keys[k]));
}

static void description_text(const mseq_value *document, mseq_buffer *text) {
    add_folded(text, mseq_object_get_text(document, "description"));
    const mseq_value *labels = mseq_object_get(document, "labels");
    for (size_t i = 0; i < mseq_value_length(labels); i++)
        add_folded(text, mseq_value_get_text(mseq_array_get(labels, i)));
}

/* The table itself and its columns: what description-search looks in. */
static void search_text(const mseq_value *document, mseq_buffer *text) {
    name_text(document, text);
    description_text(document, text);
    column_text(document, text);
}

/* Columns whose values look different in a database and in a reply, or that take only some forms of
 * a value: all but texts. */
static mseq_value *column_types(const mseq_value *document) {
    const mseq_value *columns = mseq_object_get(document, "columns");
    manager_draft types;
    manager_draft_object(&types);
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        const mseq_value *column = mseq_array_get(columns, i);
        const char *name = mseq_object_get_text(column, "name");
        const char *type = mseq_object_get_text(column, "data_type");
        if (name && type && strcmp(type, "string") != 0)
            manager_put_text(&types, name, type);
    }
    return manager_draft_take(&types);
}

static void append_json(manager_draft *list, const mseq_value *value, mseq_error *err) {
    char *text = NULL;
    if (!value || manager_json_text(value, &text, err) != MSEQ_OK)
        manager_append(list, NULL);
    else
        manager_append(list, mseq_value_string(text));
    free(text);
}

/* The parameters ?1 … ?22 of both statements below. */
static mseq_value *parameters_of(const manager_row *row, mseq_error *err) {
    static const char *const texts[] = {"uid",
                                        "organization_owner_uid",
                                        "data_source_uid",
                                        "identifier",
                                        "namespace",
                                        "physical_table_name",
                                        "management_mode",
                                        "provisioning_status",
                                        "schema_management_mode",
                                        "migration_provider_key",
                                        "alembic_version_meta_table_uid",
                                        "creation_date",
                                        "created_by_user_uid"};
    mseq_buffer search = MSEQ_BUFFER_INIT, columns = MSEQ_BUFFER_INIT, names = MSEQ_BUFFER_INIT,
                described = MSEQ_BUFFER_INIT;
    name_text(row->document, &names);
    description_text(row->document, &described);
    search_text(row->document, &search);
    column_text(row->document, &columns);
    mseq_value *types = column_types(row->document);
    manager_draft list;
    manager_draft_array(&list);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        manager_append(&list, mseq_value_string(manager_row_text(row, texts[i])));
    manager_append(&list, mseq_value_integer(row->time_indexed));
    manager_append(&list, mseq_value_integer(row->was_seen));
    manager_append(&list, mseq_value_integer(row->open_for_everyone));
    manager_append(&list, mseq_value_string(mseq_buffer_text(&search)));
    manager_append(&list, mseq_value_string(mseq_buffer_text(&columns)));
    append_json(&list, types, err);
    append_json(&list, row->document, err);
    manager_append(&list, mseq_value_string(mseq_buffer_text(&names)));
    manager_append(&list, mseq_value_string(mseq_buffer_text(&described)));
    list.failed = list.failed || search.status != MSEQ_OK || columns.status != MSEQ_OK ||
                  names.status != MSEQ_OK || described.status != MSEQ_OK;
    mseq_value_free(types);
    mseq_buffer_free(&search);
    mseq_buffer_free(&columns);
    mseq_buffer_free(&names);
    mseq_buffer_free(&described);
    return manager_draft_take(&list);
}

/* ---- Writing -----------------------------------------------------------------------------------
 */

/* The database keeps identifiers unique too; this look-up is for a message that names the other
 * table, if the caller may know it. */
static mseq_status check_identifier(const manager_call *call, const manager_row *row,
                                    mseq_error *err) {
    const char *identifier = manager_row_text(row, "identifier");
    if (!identifier)
        return MSEQ_OK;
    mseq_value *rows = NULL;
    mseq_status status = manager_query(
        call->catalog, &rows, err,
        "SELECT CASE WHEN " MANAGER_MAY_VIEW(
            "?1", "?2") " THEN physical_table_name END AS other"
                        " FROM meta_table WHERE organization_uid = ?3"
                        " AND data_source_uid = ?4 AND identifier = ?5 AND uid <> ?6",
        "bsssss", (int)call->caller->admin, call->caller->user_uid, call->caller->organization_uid,
        manager_row_text(row, "data_source_uid"), identifier, manager_row_text(row, "uid"));
    const char *other = mseq_object_get_text(mseq_array_get(rows, 0), "other");
    if (status == MSEQ_OK && other)
        status = manager_refuse(
            err, MSEQ_E_CONFLICT, "identifier_conflict",
            "the identifier '%s' of table '%s' is already that of table '%s' in this data source",
            identifier, manager_row_text(row, "physical_table_name"), other);
    else if (status == MSEQ_OK && mseq_value_length(rows) > 0)
        status =
            manager_refuse(err, MSEQ_E_CONFLICT, "identifier_conflict",
                           "the identifier '%s' of table '%s' is not available in this data source",
                           identifier, manager_row_text(row, "physical_table_name"));
    mseq_value_free(rows);
    return status;
}

static mseq_status write_row(const manager_call *call, manager_row *row, const char *sql,
                             mseq_error *err) {
    mseq_status status = check_identifier(call, row, err);
    if (status == MSEQ_OK)
        status = manager_labels_resolve(call, row->document, err);
    if (status != MSEQ_OK)
        return status;
    mseq_value *parameters = parameters_of(row, err);
    if (!parameters)
        return mseq_error_no_memory(err);
    status = manager_query_list(call->catalog, sql, parameters, NULL, err);
    mseq_value_free(parameters);
    return status;
}

mseq_status manager_row_insert(const manager_call *call, manager_row *row, mseq_error *err) {
    mseq_status status = write_row(
        call, row,
        "INSERT INTO meta_table (uid, organization_uid, data_source_uid, identifier, namespace,"
        " physical_table_name, management_mode, provisioning_status, schema_management_mode,"
        " migration_provider_key, alembic_version_meta_table_uid, created_at, created_by_user_uid,"
        " time_indexed, was_seen, open_for_everyone, search_text, column_text, column_types,"
        " document, name_text, description_text, id)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
        " ?19, ?20, ?21, ?22, (SELECT COALESCE(MAX(id), 0) + 1 FROM meta_table))",
        err);
    return status == MSEQ_OK ? manager_labels_store(call, row, err) : status;
}

mseq_status manager_row_update(const manager_call *call, manager_row *row, mseq_error *err) {
    mseq_status status = write_row(
        call, row,
        "UPDATE meta_table SET organization_uid = ?2, data_source_uid = ?3, identifier = ?4,"
        " namespace = ?5, physical_table_name = ?6, management_mode = ?7, provisioning_status = ?8,"
        " schema_management_mode = ?9, migration_provider_key = ?10,"
        " alembic_version_meta_table_uid = ?11, created_at = ?12, created_by_user_uid = ?13,"
        " time_indexed = ?14, was_seen = ?15, open_for_everyone = ?16, search_text = ?17,"
        " column_text = ?18, column_types = ?19, document = ?20, name_text = ?21, description_text "
        "= ?22 WHERE uid = ?1",
        err);
    return status == MSEQ_OK ? manager_labels_store(call, row, err) : status;
}

/* ---- Replies -----------------------------------------------------------------------------------
 */

mseq_status manager_row_reply(const manager_call *call, manager_row *row, mseq_value **reply,
                              mseq_error *err) {
    static const char *const keys[] = {"cadence",
                                       "time_indexed_profile",
                                       "table_index_names",
                                       "source_class_name",
                                       "build_configuration_json_schema",
                                       "data_source_open_for_everyone",
                                       "compression_policy_config",
                                       "retention_policy_config"};
    mseq_status status = manager_conceal(call, row->document, err);
    if (status != MSEQ_OK)
        return status;
    if (!call->time_indexed && row->time_indexed)
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            mseq_object_remove(row->document, keys[i]);
    *reply = row->document;
    row->document = NULL;
    return MSEQ_OK;
}

mseq_status manager_answer_row(manager_call *call, int http_status, manager_row *row,
                               mseq_error *err) {
    mseq_value *reply = NULL;
    mseq_status status = manager_row_reply(call, row, &reply, err);
    return status == MSEQ_OK ? manager_answer(call, http_status, reply, err) : status;
}
