/* SPDX-License-Identifier: MIT
 * Building documents, and the fragments of indexes and foreign keys. */
#include <string.h>

#include "contract_private.h"

void contract_put(contract_document *d, mseq_value *object, const char *key, mseq_value *value) {
    if (d->failed || !object)
        mseq_value_free(value);
    if (!d->failed && (!object || mseq_object_put(object, key, value) != MSEQ_OK))
        d->failed = true;
}

void contract_put_text(contract_document *d, mseq_value *object, const char *key,
                       const char *text) {
    if (text)
        contract_put(d, object, key, mseq_value_string(text));
}

void contract_put_boolean(contract_document *d, mseq_value *object, const char *key, bool boolean) {
    contract_put(d, object, key, mseq_value_boolean(boolean));
}

void contract_put_copy(contract_document *d, mseq_value *object, const char *key,
                       const mseq_value *value) {
    if (value)
        contract_put(d, object, key, mseq_value_dup(value));
}

void contract_append(contract_document *d, mseq_value *array, mseq_value *item) {
    if (d->failed || !array)
        mseq_value_free(item);
    if (!d->failed && (!array || mseq_array_add(array, item) != MSEQ_OK))
        d->failed = true;
}

mseq_value *contract_text_list(contract_document *d, const char *const *items, size_t count) {
    mseq_value *array = mseq_value_array();
    for (size_t i = 0; i < count; i++)
        contract_append(d, array, mseq_value_string(items[i]));
    return array;
}

mseq_status contract_element_text(const mseq_table *table, const mseq_index_element *element,
                                  mseq_buffer *text) {
    mseq_index_element_text(table, element, text);
    if (element->order && strcmp(element->order, "desc") == 0)
        mseq_buffer_append_text(text, " DESC");
    if (element->nulls)
        mseq_buffer_append_text(text, strcmp(element->nulls, "first") == 0 ? " NULLS FIRST"
                                                                           : " NULLS LAST");
    return text->status;
}

mseq_value *contract_index_fragment(contract_document *d, const mseq_table *table,
                                    const mseq_index *index) {
    mseq_value *out = mseq_value_object(), *columns = mseq_value_array();
    for (size_t i = 0; i < index->element_count; i++) {
        mseq_buffer text = MSEQ_BUFFER_INIT;
        if (contract_element_text(table, &index->elements[i], &text) == MSEQ_OK)
            contract_append(d, columns, mseq_value_string(mseq_buffer_text(&text)));
        else
            d->failed = true;
        mseq_buffer_free(&text);
    }
    const char *where = mseq_index_where(index, MSEQ_POSTGRESQL);
    contract_put_text(d, out, "name", index->name);
    contract_put(d, out, "columns", columns);
    contract_put_boolean(d, out, "unique", index->unique);
    contract_put_text(d, out, "method", mseq_object_get_text(index->postgresql, "using"));
    contract_put_text(d, out, "where", where ? where : mseq_index_where(index, MSEQ_SQLITE));
    return out;
}

mseq_value *contract_foreign_key_fragment(contract_document *d, const mseq_constraint *key) {
    mseq_value *out = mseq_value_object();
    contract_put_text(d, out, "name", key->name);
    contract_put(d, out, "source_columns", contract_text_list(d, key->columns, key->column_count));
    contract_put_text(d, out, "target_schema", key->referred_schema);
    contract_put_text(d, out, "target_table", key->referred_table);
    contract_put(d, out, "target_columns",
                 contract_text_list(d, key->referred_columns, key->referred_count));
    contract_put_text(d, out, "on_delete", key->ondelete);
    contract_put_text(d, out, "on_update", key->onupdate);
    if (key->deferrable >= 0)
        contract_put_boolean(d, out, "deferrable", key->deferrable == 1);
    contract_put_text(d, out, "initially", key->initially);
    contract_put_text(d, out, "match", key->match);
    return out;
}
