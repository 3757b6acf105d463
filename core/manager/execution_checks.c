/* SPDX-License-Identifier: MIT
 * What is asked of the catalog before a statement runs and before what it did counts. */
#include <string.h>

#include "execution.h"

/* ---- The data source ---------------------------------------------------------------------------
 */

static mseq_status check_mode(const char *uid, const char *mode, const char *operation,
                              mseq_error *err) {
    bool reads = strcmp(operation, "select") == 0;
    if (strcmp(mode, "read_write") == 0 || (reads && strcmp(mode, "read_only") == 0))
        return MSEQ_OK;
    manager_refuse(err, MSEQ_E_CONFLICT, "data_source_access",
                   strcmp(mode, "disabled") == 0
                       ? "the data source '%s' is disabled: it takes no statements"
                       : "the data source '%s' is for reading only",
                   uid);
    mseq_error_hint(err, "an organization admin can change it: mainsequence manager data-source "
                         "access");
    return MSEQ_E_CONFLICT;
}

static mseq_status check_capability(const char *uid, const char *capabilities,
                                    const char *operation, mseq_error *err) {
    char name[64] = "supports_compiled_";
    mseq_value *known = NULL;
    if (!capabilities)
        return MSEQ_OK; /* it has not been tested: its own errors tell */
    strncat(name, operation, sizeof name - strlen(name) - 1);
    mseq_status status = mseq_json_parse(capabilities, strlen(capabilities), 0, &known, err);
    if (status == MSEQ_OK && !mseq_object_get_boolean(known, name, true)) {
        status = manager_refuse(err, MSEQ_E_CONFLICT, "capability_missing",
                                "the data source '%s' lacks the capability %s", uid, name);
        mseq_error_hint(err, "mainsequence manager data-source test %s says why", uid);
    }
    mseq_value_free(known);
    return status;
}

mseq_status manager_check_source_takes(const manager_call *call, const char *data_source_uid,
                                       const char *operation, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = manager_query_known(
        call, &rows, err, "SELECT access_mode, capabilities FROM data_source WHERE uid = ?1", "s",
        data_source_uid);
    const mseq_value *row = mseq_array_get(rows, 0);
    const char *mode = mseq_object_get_text(row, "access_mode");
    if (status == MSEQ_OK && !mode)
        status = manager_refuse(err, MSEQ_E_NOT_FOUND, "data_source_not_found",
                                "there is no data source '%.100s'", data_source_uid);
    if (status == MSEQ_OK)
        status = check_mode(data_source_uid, mode, operation, err);
    if (status == MSEQ_OK)
        status = check_capability(data_source_uid, mseq_object_get_text(row, "capabilities"),
                                  operation, err);
    mseq_value_free(rows);
    return status;
}

/* ---- Who may access what -----------------------------------------------------------------------
 */

mseq_status manager_check_revision(const manager_call *call, const manager_scope *scope,
                                   mseq_error *err) {
    manager_revisions now;
    mseq_status status = manager_revisions_read(call, &now, err);
    if (status != MSEQ_OK || now.access == scope->access_revision)
        return status;
    manager_refuse(err, MSEQ_E_CONFLICT, "access_changed",
                   "who may access which table has changed while the statement ran; it was rolled "
                   "back");
    mseq_error_hint(err, "send it again");
    return MSEQ_E_CONFLICT;
}

mseq_status manager_is_registered(void *registry, const char *name, bool *registered,
                                  mseq_error *err) {
    const manager_registry *asked = registry;
    mseq_value *rows = NULL;
    mseq_status status = manager_query(
        asked->catalog, &rows, err,
        "SELECT uid FROM meta_table WHERE data_source_uid = ?1 AND physical_table_name = ?2", "ss",
        asked->data_source_uid, name);
    *registered = mseq_value_length(rows) > 0;
    mseq_value_free(rows);
    return status;
}

bool manager_access_changed_since(mseq_status status, const mseq_error *err) {
    return status == MSEQ_E_CONFLICT && strcmp(err->code, "access_changed") == 0;
}
