/* SPDX-License-Identifier: MIT
 * The canonical text of what a table stores (protocol page, section 10). It is written as it
 * stands, keys in their sorted order, without a tree in between: it is hashed once and thrown away.
 */
#include <stdlib.h>
#include <string.h>

#include "identity.h"

/* An object being written. Lack of memory stays in the text's own status. */
typedef struct object_text {
    mseq_buffer *text;
    bool begun; /* a member stands there */
} object_text;

static void put_key(object_text *object, const char *key) {
    mseq_buffer_append(object->text, object->begun ? ", \"" : "{\"", object->begun ? 3 : 2);
    mseq_buffer_append_text(object->text, key);
    mseq_buffer_append(object->text, "\": ", 3);
    object->begun = true;
}

static void put_text(object_text *object, const char *key, const char *text) {
    put_key(object, key);
    mseq_json_write_text(text, object->text);
}

static void put_text_if(object_text *object, const char *key, const char *text) {
    if (text)
        put_text(object, key, text);
}

static void put_boolean(object_text *object, const char *key, bool boolean) {
    put_key(object, key);
    mseq_buffer_append_text(object->text, boolean ? "true" : "false");
}

static void end_object(object_text *object) {
    mseq_buffer_append_text(object->text, object->begun ? "}" : "{}");
}

static void separate(mseq_buffer *text, bool first) {
    if (!first)
        mseq_buffer_append(text, ", ", 2);
}

static mseq_status write_column(const mseq_column *column, mseq_buffer *text, mseq_error *err) {
    char *data_type = NULL, *backend_type = NULL;
    mseq_status status = mseq_type_neutral(column->type, &data_type, &backend_type, err);
    if (status != MSEQ_OK) {
        mseq_error_prefix(err, "column '%s': ", column->name);
        return status;
    }
    object_text out = {text, false};
    put_text(&out, "backend_type", backend_type);
    put_text(&out, "data_type", data_type);
    put_text(&out, "name", column->name);
    put_boolean(&out, "nullable", column->nullable);
    put_key(&out, "ordinal_position");
    mseq_buffer_append_integer(text, (int64_t)column->position);
    put_boolean(&out, "primary_key", column->primary_key);
    if (column->primary_key && strcmp(data_type, "uuid") == 0)
        put_text(&out, "server_default", "gen_random_uuid()");
    put_boolean(&out, "unique", column->unique);
    end_object(&out);
    free(data_type);
    free(backend_type);
    return MSEQ_OK;
}

static mseq_status write_columns(const mseq_table *table, mseq_buffer *text, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    mseq_buffer_append_char(text, '[');
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++) {
        separate(text, i == 0);
        status = write_column(mseq_table_column_at(table, i), text, err);
    }
    mseq_buffer_append_char(text, ']');
    return status;
}

static mseq_status text_of(const mseq_value *value, mseq_value **text, mseq_error *err) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_json_write(value, MSEQ_JSON_SORTED, &buffer, err);
    if (status == MSEQ_OK && !(*text = mseq_value_string(mseq_buffer_text(&buffer))))
        status = mseq_error_no_memory(err);
    mseq_buffer_free(&buffer);
    return status;
}

/* Becomes owner of `value`. */
static mseq_status put_option(mseq_value *out, const char *dialect, const char *option,
                              mseq_value *value, mseq_error *err) {
    char *key = mseq_text_format("%s_%s", dialect, option);
    bool kept = key && mseq_object_put(out, key, value) == MSEQ_OK;
    if (!key)
        mseq_value_free(value);
    free(key);
    return kept ? MSEQ_OK : mseq_error_no_memory(err);
}

/* Explicit dialect options, each by its SQLAlchemy name: null, "" and empty containers are dropped,
 * what is no scalar becomes text. */
static mseq_status add_dialect_options(const char *dialect, const mseq_value *options,
                                       mseq_value *out, mseq_error *err) {
    for (size_t i = 0; i < mseq_value_length(options); i++) {
        const mseq_value *value = mseq_object_value_at(options, i);
        mseq_kind kind = mseq_value_kind(value);
        bool container = kind == MSEQ_ARRAY || kind == MSEQ_OBJECT;
        if (kind == MSEQ_NULL || (kind == MSEQ_STRING && mseq_value_get_text_length(value) == 0) ||
            (container && mseq_value_length(value) == 0))
            continue;
        mseq_value *copy = NULL;
        mseq_status status = MSEQ_OK;
        if (container)
            status = text_of(value, &copy, err);
        else
            copy = mseq_value_dup(value);
        if (status == MSEQ_OK)
            status = put_option(out, dialect, mseq_object_key_at(options, i), copy, err);
        if (status != MSEQ_OK)
            return status;
    }
    return MSEQ_OK;
}

static mseq_status put_dialect_options(const mseq_index *index, object_text *out, mseq_error *err) {
    if (!index->postgresql && !index->sqlite)
        return MSEQ_OK;
    mseq_value *options = mseq_value_object();
    if (!options)
        return mseq_error_no_memory(err);
    mseq_status status = add_dialect_options("postgresql", index->postgresql, options, err);
    if (status == MSEQ_OK)
        status = add_dialect_options("sqlite", index->sqlite, options, err);
    if (status == MSEQ_OK && mseq_value_length(options)) {
        put_key(out, "dialect_kwargs");
        status = mseq_json_write(options, MSEQ_JSON_SORTED, out->text, err);
    }
    mseq_value_free(options);
    return status;
}

static mseq_status write_index(const mseq_index *index, mseq_buffer *text, mseq_error *err) {
    object_text out = {text, false};
    put_key(&out, "columns");
    mseq_buffer_append_char(text, '[');
    for (size_t i = 0; i < index->element_count; i++) {
        const mseq_index_element *element = &index->elements[i];
        separate(text, i == 0);
        mseq_json_write_text(element->column ? element->column
                             : element->text ? element->text
                                             : element->function,
                             text);
    }
    mseq_buffer_append_char(text, ']');
    mseq_status status = put_dialect_options(index, &out, err);
    put_boolean(&out, "unique", index->unique);
    end_object(&out);
    return status;
}

static void write_foreign_key_element(const mseq_constraint *key, size_t position,
                                      mseq_buffer *text) {
    object_text out = {text, false};
    if (key->deferrable >= 0)
        put_boolean(&out, "deferrable", key->deferrable == 1);
    put_text_if(&out, "initially", key->initially);
    put_text_if(&out, "match", key->match);
    put_text_if(&out, "ondelete", key->ondelete);
    put_text_if(&out, "onupdate", key->onupdate);
    put_text_if(&out, "source_column", key->columns[position]);
    put_text(&out, "target_column",
             position < key->referred_count ? key->referred_columns[position] : NULL);
    put_text(&out, "target_schema", key->referred_schema);
    put_text_if(&out, "target_table", key->referred_table);
    end_object(&out);
}

static void write_foreign_key(const mseq_constraint *key, mseq_buffer *text) {
    object_text out = {text, false};
    if (key->deferrable >= 0)
        put_boolean(&out, "deferrable", key->deferrable == 1);
    put_key(&out, "elements");
    mseq_buffer_append_char(text, '[');
    for (size_t i = 0; i < key->column_count; i++) {
        separate(text, i == 0);
        write_foreign_key_element(key, i, text);
    }
    mseq_buffer_append_char(text, ']');
    put_text_if(&out, "initially", key->initially);
    put_text_if(&out, "match", key->match);
    put_text_if(&out, "ondelete", key->ondelete);
    put_text_if(&out, "onupdate", key->onupdate);
    end_object(&out);
}

static int by_text(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Appends an array of the items, sorted by their own text. */
static void write_sorted(mseq_strings *items, mseq_buffer *text) {
    if (items->count > 1)
        qsort(items->items, items->count, sizeof *items->items, by_text);
    mseq_buffer_append_char(text, '[');
    for (size_t i = 0; i < items->count; i++) {
        separate(text, i == 0);
        mseq_buffer_append_text(text, items->items[i]);
    }
    mseq_buffer_append_char(text, ']');
}

/* Becomes owner of what the buffer holds. */
static mseq_status take_item(mseq_strings *items, mseq_buffer *text, mseq_error *err) {
    return mseq_strings_add_take(items, mseq_buffer_take(text)) == MSEQ_OK
               ? MSEQ_OK
               : mseq_error_no_memory(err);
}

static mseq_status put_foreign_keys(const mseq_table *table, object_text *out, mseq_error *err) {
    mseq_strings items = MSEQ_STRINGS_INIT;
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_constraint_count(table); i++) {
        const mseq_constraint *key = mseq_table_constraint_at(table, i);
        if (key->kind != MSEQ_FOREIGN_KEY)
            continue;
        mseq_buffer text = MSEQ_BUFFER_INIT;
        write_foreign_key(key, &text);
        status = take_item(&items, &text, err);
    }
    if (items.count) {
        put_key(out, "foreign_keys");
        write_sorted(&items, out->text);
    }
    mseq_strings_free(&items);
    return status;
}

static mseq_status put_indexes(const mseq_table *table, object_text *out, mseq_error *err) {
    mseq_strings items = MSEQ_STRINGS_INIT;
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_index_count(table); i++) {
        mseq_buffer text = MSEQ_BUFFER_INIT;
        status = write_index(mseq_table_index_at(table, i), &text, err);
        if (status == MSEQ_OK)
            status = take_item(&items, &text, err);
        mseq_buffer_free(&text);
    }
    if (items.count) {
        put_key(out, "indexes");
        write_sorted(&items, out->text);
    }
    mseq_strings_free(&items);
    return status;
}

/* `name` NULL: without one. */
static mseq_status write_relational(const mseq_table *table, const char *name, mseq_buffer *text,
                                    mseq_error *err) {
    object_text out = {text, false};
    put_key(&out, "columns");
    mseq_status status = write_columns(table, text, err);
    if (status == MSEQ_OK)
        status = put_foreign_keys(table, &out, err);
    if (status == MSEQ_OK)
        status = put_indexes(table, &out, err);
    put_text_if(&out, "physical_table_name", name);
    end_object(&out);
    return status;
}

static void write_profile(const mseq_table_meta *meta, const char *cadence, mseq_buffer *text) {
    object_text out = {text, false};
    put_text_if(&out, "cadence", cadence);
    put_key(&out, "index_names");
    mseq_buffer_append_char(text, '[');
    for (size_t i = 0; i < meta->index_name_count; i++) {
        separate(text, i == 0);
        mseq_json_write_text(meta->index_names[i], text);
    }
    mseq_buffer_append_char(text, ']');
    put_text(&out, "kind", "time_indexed");
    put_text_if(&out, "storage_layout", meta->storage_layout);
    put_text_if(&out, "time_index_name", meta->time_index_name);
    end_object(&out);
}

static mseq_status write_time_indexed(const mseq_table *table, const char *name, mseq_buffer *text,
                                      mseq_error *err) {
    const mseq_table_meta *meta = mseq_table_get_meta(table);
    char *cadence = NULL;
    mseq_status status = mseq_contract_normalize_cadence(meta->cadence, &cadence, err);
    if (status != MSEQ_OK)
        return status;
    object_text out = {text, false};
    put_text_if(&out, "physical_table_name", name);
    put_key(&out, "relational_table");
    status = write_relational(table, NULL, text, err);
    put_key(&out, "time_indexed_profile");
    write_profile(meta, cadence, text);
    end_object(&out);
    free(cadence);
    return status;
}

mseq_status fingerprint_identity(const mseq_table *table, bool with_name, mseq_buffer *text,
                                 mseq_error *err) {
    const char *name = with_name ? mseq_table_name(table) : NULL;
    mseq_status status = mseq_table_get_meta(table)->kind == MSEQ_TABLE_TIME_INDEX
                             ? write_time_indexed(table, name, text, err)
                             : write_relational(table, name, text, err);
    if (status == MSEQ_OK && text->status != MSEQ_OK)
        status = mseq_error_no_memory(err);
    return status;
}
