/* SPDX-License-Identifier: MIT
 * A contract checked and brought into its normal form, without keeping anything. */
#include "routes.h"
#include "rows.h"

static mseq_status read_contract(const manager_call *call, mseq_value **request,
                                 mseq_value **contract, mseq_error *err) {
    static const char *const modes[] = {"external_registered", "platform_managed", NULL};
    static const mseq_field fields[] = {
        {.name = "table_contract", .type = MSEQ_FIELD_OBJECT, .flags = MSEQ_FIELD_REQUIRED},
        {.name = "management_mode", .flags = MSEQ_FIELD_OMIT_NULL, .choices = modes},
        {.name = "storage_hash", .type = MSEQ_FIELD_IGNORED},
        {.name = NULL},
    };
    const mseq_value *body = NULL;
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status == MSEQ_OK)
        status = mseq_record_check(body, MSEQ_E_REQUEST, NULL, fields, request, err);
    if (status == MSEQ_OK)
        status =
            mseq_contract_normalize(mseq_object_get(*request, "table_contract"), contract, err);
    return status;
}

/* `differences` (may be NULL) is taken over. */
static mseq_status answer(manager_call *call, const mseq_value *request, mseq_value *contract,
                          mseq_value *differences, mseq_error *err) {
    manager_draft reply;
    manager_draft_object(&reply);
    manager_put_boolean(&reply, "ok", true);
    manager_put_copy(&reply, "contract_version", mseq_object_get(contract, "version"));
    manager_put_copy(&reply, "management_mode", mseq_object_get(request, "management_mode"));
    manager_put(&reply, "columns", manager_columns_of_contract(contract));
    if (differences)
        manager_put(&reply, "differences", differences);
    manager_put(&reply, "table_contract", contract);
    return manager_answer(call, 200, manager_draft_take(&reply), err);
}

mseq_status manager_validate_contract(manager_call *call, mseq_error *err) {
    mseq_value *request = NULL, *contract = NULL;
    mseq_status status = read_contract(call, &request, &contract, err);
    if (status == MSEQ_OK)
        status = answer(call, request, contract, NULL, err);
    mseq_value_free(request);
    return status;
}

mseq_status manager_validate_table_contract(manager_call *call, mseq_error *err) {
    mseq_value *request = NULL, *contract = NULL, *differences = NULL;
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = manager_row_by_uid(call, call->uid, &row, err);
    if (status == MSEQ_OK)
        status = read_contract(call, &request, &contract, err);
    if (status == MSEQ_OK)
        status = mseq_contract_compare(contract, mseq_object_get(row.document, "table_contract"),
                                       &differences, err);
    if (status == MSEQ_OK)
        status = answer(call, request, contract, differences, err);
    else
        mseq_value_free(contract);
    mseq_value_free(request);
    manager_row_free(&row);
    return status;
}
