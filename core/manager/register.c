/* SPDX-License-Identifier: MIT
 * Registration of one table: idempotent by data source and physical name. */
#include <string.h>

#include "access.h"
#include "data_sources.h"
#include "provision.h"
#include "routes.h"

typedef struct registration {
    const mseq_value *request; /* normalised */
    const char *data_source_uid;
    const char *management_mode;
    const char *provider_key; /* NULL: none */
    manager_source *source;   /* NULL: not needed */
    mseq_connection *connection;
    bool external;
    bool create_table; /* the manager makes the table */
    bool look;         /* the table is read */
    bool created;      /* the row is new */
    bool changed;
} registration;

static const char *provider_key_of(const mseq_value *request) {
    const mseq_value *alembic =
        mseq_object_get(mseq_object_get(request, "schema_management"), "alembic");
    return mseq_object_get_text(alembic, "provider_key");
}

/* ---- The row -----------------------------------------------------------------------------------
 */

static mseq_status take_existing(const manager_call *call, registration *work, manager_row *row,
                                 mseq_error *err) {
    mseq_status status =
        manager_row_check_owner(call, row, work->management_mode, work->provider_key, err);
    mseq_value *before = status == MSEQ_OK ? mseq_value_dup(row->document) : NULL;
    if (status == MSEQ_OK && !before)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_row_apply(row, work->request, false, err);
    work->changed = status == MSEQ_OK && !mseq_value_equal(before, row->document);
    if (work->changed)
        status = manager_require_edit(call, row, err);
    mseq_value_free(before);
    return status;
}

static mseq_status take_row(const manager_call *call, registration *work, manager_row *row,
                            mseq_error *err) {
    const mseq_value *alembic =
        mseq_object_get(mseq_object_get(work->request, "schema_management"), "alembic");
    const char *name =
        manager_contract_table_name(mseq_object_get(work->request, "table_contract"));
    mseq_status status = manager_check_registry(
        call, work->data_source_uid,
        mseq_object_get_text(alembic, "alembic_version_meta_table_uid"), err);
    if (status == MSEQ_OK)
        status = manager_row_by_name(call, work->data_source_uid, name, row, err);
    if (status != MSEQ_OK)
        return status;
    if (row->document)
        return take_existing(call, work, row, err);
    work->created = true;
    work->changed = true;
    status = manager_row_new(call, work->request, false, row, err);
    if (status == MSEQ_OK && work->external &&
        mseq_object_put_text(row->document, "provisioning_status", "active") != MSEQ_OK)
        status = mseq_error_no_memory(err);
    return status == MSEQ_OK ? manager_row_create(call, row, err) : status;
}

/* ---- The table ---------------------------------------------------------------------------------
 */

/* An external table that cannot be read registers all the same, with an empty snapshot; a table of
 * the manager's own must be known to be there before its row is active. */
static mseq_status look_at_table(const manager_call *call, registration *work, manager_row *row,
                                 mseq_error *err) {
    mseq_table *table = NULL;
    mseq_error cause = MSEQ_ERROR_INIT;
    mseq_status status = manager_reflect(work->connection, row, &table, &cause);
    if (status == MSEQ_E_NO_MEMORY || (status != MSEQ_OK && !work->external)) {
        if (err && err->status == MSEQ_OK)
            *err = cause;
        return status;
    }
    mseq_value *before = mseq_value_dup(row->document);
    bool was_seen = row->was_seen;
    status = before ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK && table)
        status = manager_row_introspected(call, row, table, work->source->dialect, err);
    if (status == MSEQ_OK && !work->external &&
        mseq_object_put_text(row->document, "provisioning_status", table ? "active" : "reserved") !=
            MSEQ_OK)
        status = mseq_error_no_memory(err);
    work->changed = work->changed || was_seen != row->was_seen ||
                    (before && !mseq_value_equal(before, row->document));
    mseq_value_free(before);
    mseq_table_free(table);
    return status;
}

/* Tables that were made for a row that could not be kept go again. What stays nevertheless is found
 * and adopted by the next registration. */
static void undo(registration *work, const mseq_strings *created) {
    mseq_strings reversed = MSEQ_STRINGS_INIT;
    mseq_status status = MSEQ_OK;
    for (size_t i = created->count; i > 0 && status == MSEQ_OK; i--)
        status = mseq_strings_add(&reversed, created->items[i - 1]);
    if (status == MSEQ_OK)
        status = manager_drop_tables(work->connection, &reversed, NULL);
    (void)status;
    mseq_strings_free(&reversed);
}

/* A row that is active and says what it said before needs no look at its table. */
static bool needs_look(const registration *work, const manager_row *row,
                       const mseq_strings *created) {
    const char *provisioning = manager_row_text(row, "provisioning_status");
    return work->look && (work->changed || created->count > 0 || work->external ||
                          strcmp(provisioning, "active") != 0);
}

/* A caller who may only view a row is told what it is, if they say of it what it says already. */
static mseq_status register_row(manager_call *call, registration *work, manager_row *row,
                                mseq_error *err) {
    mseq_strings created = MSEQ_STRINGS_INIT;
    const mseq_value *provisioning = mseq_object_get(work->request, "provisioning");
    mseq_status status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = take_row(call, work, row, err);
    if (status == MSEQ_OK && work->create_table && row->may_edit)
        status = manager_provision(call, work->source, work->connection, row,
                                   mseq_object_get_boolean(provisioning, "if_not_exists", true),
                                   &created, err);
    if (status == MSEQ_OK && row->may_edit && needs_look(work, row, &created))
        status = look_at_table(call, work, row, err);
    if (status == MSEQ_OK && work->changed)
        status = manager_row_update(call, row, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    if (status != MSEQ_OK)
        undo(work, &created);
    mseq_strings_free(&created);
    return status;
}

/* ---- The route ---------------------------------------------------------------------------------
 */

static mseq_status prepare(manager_call *call, registration *work, mseq_error *err) {
    const mseq_value *request = work->request;
    const mseq_value *provisioning = mseq_object_get(request, "provisioning");
    const char *mode = mseq_object_get_text(request, "management_mode");
    const mseq_value *contract = mseq_object_get(request, "table_contract");
    const char *schema_mode =
        mseq_object_get_text(mseq_object_get(request, "schema_management"), "mode");
    work->data_source_uid = mseq_object_get_text(request, "data_source_uid");
    work->management_mode = mode ? mode : "platform_managed";
    work->external = strcmp(work->management_mode, "external_registered") == 0;
    work->provider_key = provider_key_of(request);
    work->create_table =
        !work->external && mseq_object_get_boolean(provisioning, "create_table", false);
    work->look = !work->external || mseq_object_get_boolean(request, "introspect", false);
    if (!manager_contract_table_name(contract))
        return manager_refuse(err, MSEQ_E_REQUEST, "missing_field",
                              "table_contract.physical.table_name is required");
    if (work->create_table && schema_mode && strcmp(schema_mode, "alembic_managed") == 0)
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "provisioning.create_table: a table that migrations keep is made by "
                              "its migrations");
    mseq_status status = manager_check_data_source(call, work->data_source_uid, err);
    if (status == MSEQ_OK && (work->look || work->create_table))
        status = manager_source_find(call, work->data_source_uid, &work->source, err);
    if (status == MSEQ_OK && work->source)
        status = manager_source_connect(work->source, &work->connection, err);
    return status;
}

static mseq_status answer(manager_call *call, const registration *work, manager_row *row,
                          mseq_error *err) {
    manager_draft told;
    manager_draft_object(&told);
    manager_put_boolean(&told, "created", work->created);
    manager_put_text(&told, "mode", work->management_mode);
    mseq_value *reply = NULL, *registered = manager_draft_take(&told);
    mseq_status status = manager_row_reply(call, row, &reply, err);
    if (status != MSEQ_OK) {
        mseq_value_free(registered);
        return status;
    }
    if (mseq_object_put(reply, "registration", registered) != MSEQ_OK) {
        mseq_value_free(reply);
        return mseq_error_no_memory(err);
    }
    return manager_answer(call, work->created ? 201 : 200, reply, err);
}

mseq_status manager_register_table(manager_call *call, mseq_error *err) {
    mseq_value *request = NULL;
    registration work = {.request = NULL};
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status =
        mseq_wire_validate_registration(call->request->body, call->time_indexed, &request, err);
    work.request = request;
    if (status == MSEQ_OK)
        status = prepare(call, &work, err);
    if (status == MSEQ_OK)
        status = register_row(call, &work, &row, err);
    if (status == MSEQ_OK)
        status = answer(call, &work, &row, err);
    mseq_connection_release(work.connection);
    manager_row_free(&row);
    mseq_value_free(request);
    return status;
}
