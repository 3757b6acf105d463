/* SPDX-License-Identifier: MIT
 * Objects and arrays under construction: the first failure (always memory) sticks. */
#include "manager_private.h"

void manager_draft_object(manager_draft *draft) {
    draft->value = mseq_value_object();
    draft->failed = draft->value == NULL;
}

void manager_draft_array(manager_draft *draft) {
    draft->value = mseq_value_array();
    draft->failed = draft->value == NULL;
}

void manager_put(manager_draft *draft, const char *key, mseq_value *value) {
    if (draft->failed)
        mseq_value_free(value);
    else
        draft->failed = mseq_object_put(draft->value, key, value) != MSEQ_OK;
}

void manager_put_text(manager_draft *draft, const char *key, const char *text) {
    manager_put(draft, key, mseq_value_string(text));
}

void manager_put_boolean(manager_draft *draft, const char *key, bool boolean) {
    manager_put(draft, key, mseq_value_boolean(boolean));
}

void manager_put_integer(manager_draft *draft, const char *key, int64_t integer) {
    manager_put(draft, key, mseq_value_integer(integer));
}

void manager_put_copy(manager_draft *draft, const char *key, const mseq_value *value) {
    manager_put(draft, key, value ? mseq_value_dup(value) : mseq_value_null());
}

void manager_put_draft(manager_draft *draft, const char *key, manager_draft *child) {
    manager_put(draft, key, manager_draft_take(child));
}

void manager_append(manager_draft *draft, mseq_value *item) {
    if (draft->failed)
        mseq_value_free(item);
    else
        draft->failed = mseq_array_add(draft->value, item) != MSEQ_OK;
}

void manager_append_draft(manager_draft *draft, manager_draft *child) {
    manager_append(draft, manager_draft_take(child));
}

mseq_value *manager_draft_take(manager_draft *draft) {
    mseq_value *value = draft->failed ? NULL : draft->value;
    if (draft->failed)
        mseq_value_free(draft->value);
    draft->value = NULL;
    draft->failed = true;
    return value;
}

mseq_status manager_draft_end(manager_draft *draft, mseq_status status, mseq_value **out,
                              mseq_error *err) {
    mseq_value *value = manager_draft_take(draft);
    if (status == MSEQ_OK && !value)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        *out = value;
    else
        mseq_value_free(value);
    return status;
}

void manager_draft_free(manager_draft *draft) {
    mseq_value_free(draft->value);
    draft->value = NULL;
    draft->failed = true;
}
