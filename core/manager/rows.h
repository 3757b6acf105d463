/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: rows of the catalog. */
#ifndef MSEQ_MANAGER_ROWS_H
#define MSEQ_MANAGER_ROWS_H

#include "manager_private.h"

/* A table of the catalog. The document is the reply of dynamic_table/ (of meta_table/ after
 * manager_row_reply), without `registration`; what is not in it stands beside it. */
typedef struct manager_row {
    mseq_value *document;
    bool time_indexed;
    bool was_seen; /* its physical table existed at some time */
    bool open_for_everyone;
    bool may_view; /* the caller; known of rows that were looked up by uid or name */
    bool may_edit;
} manager_row;
#define MANAGER_ROW_INIT                                                                           \
    { NULL, false, false, false, false, false }

void manager_row_free(manager_row *row);
const char *manager_row_text(const manager_row *row, const char *key); /* of the document */

/* ---- rows.c: reading and writing ---------------------------------------------------------------
 */

/* MSEQ_E_NOT_FOUND when there is none that the caller may view; the text is the same for both. */
mseq_status manager_row_by_uid(const manager_call *call, const char *uid, manager_row *row,
                               mseq_error *err) MSEQ_MUST_CHECK;
/* The same for a caller who wants to change it: MSEQ_E_PERMISSION when they may only view it. */
mseq_status manager_row_to_edit(const manager_call *call, const char *uid, manager_row *row,
                                mseq_error *err) MSEQ_MUST_CHECK;
/* Whether the caller may view it or not: for what the manager does on its own account. */
mseq_status manager_row_any(const manager_call *call, const char *uid, manager_row *row,
                            mseq_error *err) MSEQ_MUST_CHECK;
/* row->document stays NULL when there is none. The caller need not be allowed to view it. */
mseq_status manager_row_by_name(const manager_call *call, const char *data_source_uid,
                                const char *physical_table_name, manager_row *row,
                                mseq_error *err) MSEQ_MUST_CHECK;
/* The number that the protocol shows beside the uid in some replies. */
mseq_status manager_row_id(const manager_call *call, const manager_row *row, int64_t *id,
                           mseq_error *err) MSEQ_MUST_CHECK;
/* Rows of a query that selects MANAGER_ROW_COLUMNS, as documents. */
#define MANAGER_ROW_COLUMNS "document, time_indexed, was_seen, open_for_everyone"
mseq_status manager_row_from_record(const mseq_value *record, manager_row *row,
                                    mseq_error *err) MSEQ_MUST_CHECK;
/* Insert and update derive the look-up columns from the document. An identifier that another table
 * has is MSEQ_E_CONFLICT. */
mseq_status manager_row_insert(const manager_call *call, manager_row *row,
                               mseq_error *err) MSEQ_MUST_CHECK;
mseq_status manager_row_update(const manager_call *call, manager_row *row,
                               mseq_error *err) MSEQ_MUST_CHECK;
/* The reply for the call's route, owned by the caller: meta_table/ does not know the keys of
 * time-indexed tables, and nothing tells of tables that the caller may not view. The document is
 * taken out of the row. */
mseq_status manager_row_reply(const manager_call *call, manager_row *row, mseq_value **reply,
                              mseq_error *err) MSEQ_MUST_CHECK;
/* Answers with it. */
mseq_status manager_answer_row(manager_call *call, int http_status, manager_row *row,
                               mseq_error *err) MSEQ_MUST_CHECK;

/* ---- row_documents.c: documents from requests --------------------------------------------------
 */

/* A new row from a normalised reservation or registration. */
mseq_status manager_row_new(const manager_call *call, const mseq_value *request, bool reservation,
                            manager_row *row, mseq_error *err) MSEQ_MUST_CHECK;
/* What a request says again about a row that exists: contract, identifier, namespace, description,
 * labels (empty ones preserve), schema management. */
mseq_status manager_row_apply(manager_row *row, const mseq_value *request, bool reservation,
                              mseq_error *err) MSEQ_MUST_CHECK;
/* Column rows of a reply from the columns of a contract. NULL: out of memory. */
mseq_value *manager_columns_of_contract(const mseq_value *contract);
/* Rewrites time_indexed_profile from the document's columns and contract. */
mseq_status manager_row_refresh_profile(mseq_value *document, mseq_error *err) MSEQ_MUST_CHECK;
const char *manager_contract_table_name(const mseq_value *contract); /* NULL: none */
/* The object of the list whose "name" is this; NULL: none. */
const mseq_value *manager_find_by_name(const mseq_value *list, const char *name);

/* ---- reserve.c: what reservation and registration share
 * ------------------------------------------ */

/* Whether a row that exists may be taken for what a request describes. `provider_key` may be NULL.
 */
mseq_status manager_row_check_owner(const manager_call *call, const manager_row *row,
                                    const char *management_mode, const char *provider_key,
                                    mseq_error *err) MSEQ_MUST_CHECK;
/* The version registry that a request names (NULL: none) must be a table of that data source. */
mseq_status manager_check_registry(const manager_call *call, const char *data_source_uid,
                                   const char *uid, mseq_error *err) MSEQ_MUST_CHECK;
/* Inserts a new row and lets foreign keys that waited for it find it. */
mseq_status manager_row_create(const manager_call *call, manager_row *row,
                               mseq_error *err) MSEQ_MUST_CHECK;

/* ---- introspect.c
 * -------------------------------------------------------------------------------- */

/* The table as its database has it; *table is NULL when it is not there, else owned by the caller.
 */
mseq_status manager_reflect(mseq_connection *connection, const manager_row *row, mseq_table **table,
                            mseq_error *err) MSEQ_MUST_CHECK;
/* Rewrites what a row says of its columns, indexes and keys from the table, stores its foreign keys
 * and marks it as seen. Authoring, labels, descriptions and logical names stay. The caller writes
 * the row. */
mseq_status manager_row_introspected(const manager_call *call, manager_row *row,
                                     const mseq_table *table, mseq_dialect dialect,
                                     mseq_error *err) MSEQ_MUST_CHECK;
/* The same for a table that is gone: only its contract is left. */
mseq_status manager_row_gone(const manager_call *call, manager_row *row,
                             mseq_error *err) MSEQ_MUST_CHECK;

/* ---- labels.c ----------------------------------------------------------------------------------
 */

/* Replaces the labels of a document by the organization's spelling, making new ones. */
mseq_status manager_labels_resolve(const manager_call *call, mseq_value *document,
                                   mseq_error *err) MSEQ_MUST_CHECK;
/* Makes the label links of a row those of its (resolved) document. */
mseq_status manager_labels_store(const manager_call *call, const manager_row *row,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* Trims, drops blanks, removes repetitions by case folding; strings only. */
mseq_status manager_labels_normalize(const mseq_value *labels, mseq_value **normalized,
                                     mseq_error *err) MSEQ_MUST_CHECK;

/* ---- foreign_keys.c
 * ----------------------------------------------------------------------------------- */

/* A foreign key as it is kept: {name, source_columns, target_table, target_columns, on_delete,
 * on_update}. Replaces those of the row and rewrites the documents that show them: this row's
 * foreign_keys and the targets' incoming_fks. */
mseq_status manager_foreign_keys_store(const manager_call *call, manager_row *row,
                                       const mseq_value *foreign_keys,
                                       mseq_error *err) MSEQ_MUST_CHECK;
/* A table has appeared: keys that named it before it had a row now lead to it. */
mseq_status manager_foreign_keys_adopt(const manager_call *call, manager_row *row,
                                       mseq_error *err) MSEQ_MUST_CHECK;
/* A table goes: its keys are removed, keys that lead to it lose their target. */
mseq_status manager_foreign_keys_forget(const manager_call *call, const manager_row *row,
                                        mseq_error *err) MSEQ_MUST_CHECK;

#endif
