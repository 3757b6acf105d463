/* SPDX-License-Identifier: MIT
 * Who may see and who may change a table. */
#include <string.h>

#include "access.h"

/* ---- Editing -----------------------------------------------------------------------------------
 */

mseq_status manager_refuse_edit(const manager_call *call, const char *uid,
                                const char *physical_table_name, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = manager_query(call->catalog, &records, err,
                                       "SELECT username FROM meta_table JOIN platform_user"
                                       " ON platform_user.uid = meta_table.created_by_user_uid"
                                       " WHERE meta_table.uid = ?1",
                                       "s", uid);
    const char *owner = mseq_object_get_text(mseq_array_get(records, 0), "username");
    if (status == MSEQ_OK) {
        status = manager_refuse(err, MSEQ_E_PERMISSION, "edit_required",
                                "the table '%s' may be viewed by '%s', not changed",
                                physical_table_name, call->caller->username);
        mseq_error_hint(err, "its owner '%s' or an organization admin can grant edit",
                        owner ? owner : "");
    }
    mseq_value_free(records);
    return status;
}

mseq_status manager_require_edit(const manager_call *call, const manager_row *row,
                                 mseq_error *err) {
    return row->may_edit ? MSEQ_OK
                         : manager_refuse_edit(call, manager_row_text(row, "uid"),
                                               manager_row_text(row, "physical_table_name"), err);
}

/* ---- What others must not learn of -------------------------------------------------------------
 */

enum { UIDS_AT_ONCE = 1000 }; /* parameters of one statement */

static mseq_status find_visible(const manager_call *call, const mseq_value *uids, size_t first,
                                manager_draft *visible, mseq_error *err) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_value *records = NULL;
    manager_draft parameters;
    manager_draft_array(&parameters);
    manager_append(&parameters, mseq_value_integer(call->caller->admin));
    manager_append(&parameters, mseq_value_string(call->caller->user_uid));
    manager_append(&parameters, mseq_value_string(call->caller->organization_uid));
    mseq_buffer_append_text(&sql, "SELECT uid FROM meta_table WHERE organization_uid = ?3"
                                  " AND " MANAGER_MAY_VIEW("?1", "?2") " AND uid IN (");
    for (size_t i = 0; i < UIDS_AT_ONCE && mseq_array_get(uids, first + i); i++) {
        mseq_buffer_append_format(&sql, "%s?%zu", i ? ", " : "", i + 4);
        manager_append(&parameters, mseq_value_dup(mseq_array_get(uids, first + i)));
    }
    mseq_buffer_append_char(&sql, ')');
    mseq_value *list = manager_draft_take(&parameters);
    mseq_status status =
        list && sql.status == MSEQ_OK
            ? manager_query_list(call->catalog, mseq_buffer_text(&sql), list, &records, err)
            : mseq_error_no_memory(err);
    for (size_t i = 0; i < mseq_value_length(records); i++)
        manager_put_boolean(visible, mseq_object_get_text(mseq_array_get(records, i), "uid"), true);
    mseq_value_free(records);
    mseq_value_free(list);
    mseq_buffer_free(&sql);
    return status;
}

mseq_status manager_visible_uids(const manager_call *call, const mseq_value *uids,
                                 mseq_value **visible, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    manager_draft found;
    manager_draft_object(&found);
    for (size_t i = 0; i < mseq_value_length(uids) && status == MSEQ_OK; i += UIDS_AT_ONCE)
        status = find_visible(call, uids, i, &found, err);
    return manager_draft_end(&found, status, visible, err);
}

static const char *source_of(const mseq_value *key) {
    return mseq_object_get_text(mseq_object_get(key, "contract_fragment"), "source_table_uid");
}

static void add_uid(manager_draft *uids, const char *uid, const char *own) {
    if (uid && strcmp(uid, own) != 0)
        manager_append(uids, mseq_value_string(uid));
}

/* The uids of other tables that a document shows. */
static mseq_value *shown_uids(const mseq_value *document) {
    const mseq_value *keys = mseq_object_get(document, "foreign_keys");
    const mseq_value *incoming = mseq_object_get(document, "incoming_fks");
    const char *own = mseq_object_get_text(document, "uid");
    manager_draft uids;
    manager_draft_array(&uids);
    add_uid(&uids, mseq_object_get_text(document, "alembic_version_meta_table_uid"), own);
    for (size_t i = 0; i < mseq_value_length(keys); i++)
        add_uid(&uids, mseq_object_get_text(mseq_array_get(keys, i), "target_table_uid"), own);
    for (size_t i = 0; i < mseq_value_length(incoming); i++)
        add_uid(&uids, source_of(mseq_array_get(incoming, i)), own);
    return manager_draft_take(&uids);
}

static bool is_visible(const mseq_value *visible, const char *uid, const char *own) {
    return !uid || strcmp(uid, own) == 0 || mseq_object_get(visible, uid);
}

static mseq_status conceal_member(mseq_value *object, const char *key, const mseq_value *visible,
                                  const char *own) {
    return is_visible(visible, mseq_object_get_text(object, key), own)
               ? MSEQ_OK
               : mseq_object_put(object, key, mseq_value_null());
}

static mseq_status conceal_incoming(mseq_value *document, const mseq_value *visible,
                                    const char *own) {
    const mseq_value *incoming = mseq_object_get(document, "incoming_fks");
    manager_draft kept;
    manager_draft_array(&kept);
    for (size_t i = 0; i < mseq_value_length(incoming); i++) {
        const mseq_value *key = mseq_array_get(incoming, i);
        if (is_visible(visible, source_of(key), own))
            manager_append(&kept, mseq_value_dup(key));
    }
    return mseq_object_put(document, "incoming_fks", manager_draft_take(&kept));
}

static mseq_status conceal_all(mseq_value *document, const mseq_value *visible) {
    static const char registry[] = "alembic_version_meta_table_uid";
    const char *own = mseq_object_get_text(document, "uid");
    mseq_value *keys = mseq_object_peek(document, "foreign_keys");
    mseq_value *alembic =
        mseq_object_peek(mseq_object_peek(document, "schema_management"), "alembic");
    mseq_status status = conceal_member(document, registry, visible, own);
    if (status == MSEQ_OK && alembic)
        status = conceal_member(alembic, registry, visible, own);
    for (size_t i = 0; i < mseq_value_length(keys) && status == MSEQ_OK; i++)
        status = conceal_member(mseq_array_peek(keys, i), "target_table_uid", visible, own);
    return status == MSEQ_OK ? conceal_incoming(document, visible, own) : status;
}

mseq_status manager_conceal(const manager_call *call, mseq_value *document, mseq_error *err) {
    if (call->caller->admin)
        return MSEQ_OK;
    mseq_value *uids = shown_uids(document), *visible = NULL;
    mseq_status status = uids ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK && mseq_value_length(uids) > 0)
        status = manager_visible_uids(call, uids, &visible, err);
    if (status == MSEQ_OK && visible && conceal_all(document, visible) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    mseq_value_free(uids);
    mseq_value_free(visible);
    return status;
}
