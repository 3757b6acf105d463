/* SPDX-License-Identifier: MIT
 * Building documents step by step: every step may be short of memory, one flag remembers it. */
#include "migration_private.h"

mseq_value *maker_object(maker *m) {
    mseq_value *object = m->failed ? NULL : mseq_value_object();
    m->failed = m->failed || !object;
    return object;
}

mseq_value *maker_array(maker *m) {
    mseq_value *array = m->failed ? NULL : mseq_value_array();
    m->failed = m->failed || !array;
    return array;
}

void maker_put(maker *m, mseq_value *object, const char *key, mseq_value *value) {
    if (m->failed || !object)
        mseq_value_free(value);
    else
        m->failed = mseq_object_put(object, key, value) != MSEQ_OK;
}

void maker_text(maker *m, mseq_value *object, const char *key, const char *text) {
    if (text)
        maker_put(m, object, key, mseq_value_string(text));
}

void maker_flag(maker *m, mseq_value *object, const char *key, bool flag) {
    if (flag)
        maker_put(m, object, key, mseq_value_boolean(true));
}

void maker_copy(maker *m, mseq_value *object, const char *key, const mseq_value *value) {
    if (!mseq_value_is_null(value))
        maker_put(m, object, key, mseq_value_dup(value));
}

void maker_copy_keys(maker *m, mseq_value *object, const mseq_value *from,
                     const char *const *keys) {
    for (size_t i = 0; keys[i]; i++)
        maker_copy(m, object, keys[i], mseq_object_get(from, keys[i]));
}

void maker_add(maker *m, mseq_value *array, mseq_value *item) {
    if (m->failed || !array)
        mseq_value_free(item);
    else
        m->failed = mseq_array_add(array, item) != MSEQ_OK;
}

mseq_value *maker_list(maker *m, mseq_value *object, const char *key) {
    if (!m->failed && !mseq_object_get(object, key))
        maker_put(m, object, key, maker_array(m));
    return m->failed ? NULL : mseq_object_peek(object, key);
}

mseq_status maker_finish(maker *m, mseq_value *value, mseq_value **out, mseq_error *err) {
    if (m->failed || !value) {
        mseq_value_free(value);
        return mseq_error_no_memory(err);
    }
    *out = value;
    return MSEQ_OK;
}
