/* SPDX-License-Identifier: MIT
 * A table → its relational-table.v1 contract (protocol page, section 6). */
#include <stdlib.h>
#include <string.h>

#include "contract_private.h"

void put(document *d, mseq_value *object, const char *key, mseq_value *value) {
    if (d->failed || !object)
        mseq_value_free(value);
    if (!d->failed && (!object || mseq_object_put(object, key, value) != MSEQ_OK))
        d->failed = true;
}

void put_text(document *d, mseq_value *object, const char *key, const char *text) {
    if (text)
        put(d, object, key, mseq_value_string(text));
}

void put_boolean(document *d, mseq_value *object, const char *key, bool boolean) {
    put(d, object, key, mseq_value_boolean(boolean));
}

void put_copy(document *d, mseq_value *object, const char *key, const mseq_value *value) {
    if (value)
        put(d, object, key, mseq_value_dup(value));
}

void append(document *d, mseq_value *array, mseq_value *item) {
    if (d->failed || !array)
        mseq_value_free(item);
    if (!d->failed && (!array || mseq_array_add(array, item) != MSEQ_OK))
        d->failed = true;
}

mseq_value *text_list(document *d, const char *const *items, size_t count) {
    mseq_value *array = mseq_value_array();
    for (size_t i = 0; i < count; i++)
        append(d, array, mseq_value_string(items[i]));
    return array;
}

bool generates_uuid(const mseq_column *column, const char *data_type) {
    return column->primary_key && strcmp(data_type, "uuid") == 0;
}

mseq_status mseq_contract_require_namespace(const mseq_table *table, const char *given,
                                            mseq_error *err) {
    const char *name = given ? given : mseq_table_get_meta(table)->meta_namespace;
    char *trimmed = name ? mseq_text_trim(name) : NULL;
    bool present = trimmed && *trimmed;
    free(trimmed);
    if (present)
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_CONTRACT,
                   "MetaTable contracts require namespace: table '%s' has none.",
                   mseq_table_name(table));
    mseq_error_hint(err, "give the model a namespace, or pass one");
    return MSEQ_E_CONTRACT;
}

mseq_status mseq_contract_normalize_cadence(const char *text, char **cadence, mseq_error *err) {
    static const char units[] = "smhdwqy";
    char *token = text ? mseq_text_trim(text) : NULL;
    if (text && !token)
        return mseq_error_no_memory(err);
    if (!token || !*token) {
        free(token);
        *cadence = NULL;
        return MSEQ_OK;
    }
    size_t length = 0;
    for (char *c = token; *c; c++, length++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    size_t digits = strspn(token, "0123456789");
    const char *unit = token + digits;
    bool good = digits > 0 && token[0] != '0' && length <= 32 &&
                (strcmp(unit, "mo") == 0 || (unit[0] && strchr(units, unit[0]) && !unit[1]));
    if (good) {
        *cadence = token;
        return MSEQ_OK;
    }
    mseq_error_set(err, MSEQ_E_CONTRACT,
                   "PlatformTimeIndexMetaTable cadence must be an interval token such as 1m, 5m, "
                   "1h, 1d, 1w, 1mo, 1q, or 1y. Got '%s'.",
                   text);
    free(token);
    return MSEQ_E_CONTRACT;
}

static const char *info_text(const mseq_column *column, const char *key) {
    return mseq_object_get_text(column->info, key);
}

static mseq_status build_column(document *d, const mseq_table *table, const mseq_column *column,
                                mseq_value *columns, mseq_error *err) {
    char *data_type = NULL, *backend_type = NULL;
    mseq_status status = mseq_type_neutral(column->type, &data_type, &backend_type, err);
    if (status != MSEQ_OK) {
        mseq_error_prefix(err, "table '%s', column '%s': ", mseq_table_name(table), column->name);
        return status;
    }
    mseq_value *out = mseq_value_object();
    put_text(d, out, "name", column->name);
    put_text(d, out, "data_type", data_type);
    put_text(d, out, "backend_type", backend_type);
    put_boolean(d, out, "nullable", column->nullable);
    put_boolean(d, out, "primary_key", column->primary_key);
    put_boolean(d, out, "unique", column->unique);
    if (generates_uuid(column, data_type))
        put_text(d, out, "server_default", "gen_random_uuid()");
    put_text(d, out, "description", info_text(column, "description"));
    put_text(d, out, "label", info_text(column, "label"));
    put_text(d, out, "logical_name", info_text(column, "logical_name"));
    append(d, columns, out);
    free(data_type);
    free(backend_type);
    return MSEQ_OK;
}

static mseq_value *build_authoring(document *d, const mseq_table *table, const char *kind,
                                   const char *cadence, bool time_indexed) {
    const mseq_table_meta *meta = mseq_table_get_meta(table);
    mseq_value *authoring = mseq_value_object(), *model = mseq_value_object();
    put_text(d, model, "kind", kind ? kind : "lua");
    put_text(d, model, "module", meta->module ? meta->module : kind ? kind : "lua");
    put_text(d, model, "qualname", meta->class_name ? meta->class_name : mseq_table_name(table));
    put(d, authoring, "table_model", model);
    if (time_indexed) {
        mseq_value *profile = mseq_value_object();
        put_text(d, profile, "time_index_name", meta->time_index_name);
        put(d, profile, "index_names", text_list(d, meta->index_names, meta->index_name_count));
        put_text(d, profile, "cadence", cadence);
        put_text(d, profile, "storage_layout", meta->storage_layout);
        put(d, authoring, "time_indexed", profile);
    }
    return authoring;
}

static mseq_value *build_physical(document *d, const mseq_table *table, bool with_schema) {
    mseq_value *physical = mseq_value_object();
    if (with_schema)
        put_text(d, physical, "schema",
                 mseq_table_schema(table) ? mseq_table_schema(table) : "public");
    put_text(d, physical, "table_name", mseq_table_name(table));
    return physical;
}

/* What an index covers: column names, expressions as text. */
static mseq_value *element_text(const mseq_index_element *element) {
    return mseq_value_string(element->column ? element->column
                             : element->text ? element->text
                                             : element->function);
}

mseq_value *index_fragment(document *d, const mseq_index *index) {
    mseq_value *out = mseq_value_object(), *columns = mseq_value_array();
    for (size_t i = 0; i < index->element_count; i++)
        append(d, columns, element_text(&index->elements[i]));
    put_text(d, out, "name", index->name);
    put(d, out, "columns", columns);
    put_boolean(d, out, "unique", index->unique);
    return out;
}

mseq_value *foreign_key_fragment(document *d, const mseq_constraint *key) {
    mseq_value *out = mseq_value_object();
    put_text(d, out, "name", key->name);
    put(d, out, "source_columns", text_list(d, key->columns, key->column_count));
    put_text(d, out, "target_schema", key->referred_schema);
    put_text(d, out, "target_table", key->referred_table);
    put(d, out, "target_columns", text_list(d, key->referred_columns, key->referred_count));
    put_text(d, out, "on_delete", key->ondelete);
    put_text(d, out, "on_update", key->onupdate);
    return out;
}

static void put_extras(document *d, const mseq_table *table, const mseq_contract_options *options,
                       mseq_value *out) {
    if (options->include_indexes) {
        mseq_value *list = mseq_value_array();
        for (size_t i = 0; i < mseq_table_index_count(table); i++)
            append(d, list, index_fragment(d, mseq_table_index_at(table, i)));
        put(d, out, "indexes", list);
    }
    if (options->include_foreign_keys) {
        mseq_value *list = mseq_value_array();
        for (size_t i = 0; i < mseq_table_constraint_count(table); i++)
            if (mseq_table_constraint_at(table, i)->kind == MSEQ_FOREIGN_KEY)
                append(d, list, foreign_key_fragment(d, mseq_table_constraint_at(table, i)));
        put(d, out, "foreign_keys", list);
    }
}

mseq_status mseq_contract_build(const mseq_table *table, const mseq_contract_options *options,
                                mseq_value **contract, mseq_error *err) {
    static const mseq_contract_options defaults = MSEQ_CONTRACT_OPTIONS_INIT;
    options = options ? options : &defaults;
    const mseq_table_meta *meta = mseq_table_get_meta(table);
    bool time_indexed = meta->kind == MSEQ_TABLE_TIME_INDEX && !options->relational;
    char *cadence = NULL;
    mseq_status status =
        time_indexed ? mseq_contract_normalize_cadence(meta->cadence, &cadence, err) : MSEQ_OK;
    if (status != MSEQ_OK)
        return status;
    document d = {false};
    mseq_value *out = mseq_value_object(), *columns = mseq_value_array();
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++)
        status = build_column(&d, table, mseq_table_column_at(table, i), columns, err);
    mseq_value *authoring =
        build_authoring(&d, table, options->authoring_kind, cadence, time_indexed);
    mseq_value *physical = build_physical(&d, table, time_indexed && options->with_schema);
    free(cadence);
    put_text(&d, out, "version", MSEQ_CONTRACT_VERSION);
    if (time_indexed) {
        put_text(&d, out, "table_kind", "time_indexed");
        put(&d, out, "authoring", authoring);
        put(&d, out, "physical", physical);
        put(&d, out, "columns", columns);
    } else {
        put(&d, out, "physical", physical);
        put(&d, out, "columns", columns);
        put(&d, out, "constraints", mseq_value_array());
        put(&d, out, "authoring", authoring);
    }
    put_extras(&d, table, options, out);
    if (status == MSEQ_OK && d.failed)
        status = mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        mseq_value_free(out);
        return status;
    }
    *contract = out;
    return MSEQ_OK;
}

mseq_status mseq_contract_column_rows(const mseq_table *table, mseq_value **rows, mseq_error *err) {
    document d = {false};
    mseq_value *out = mseq_value_array();
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++) {
        const mseq_column *column = mseq_table_column_at(table, i);
        status = build_column(&d, table, column, out, err);
        mseq_value *row = mseq_array_peek(out, mseq_value_length(out) - 1);
        if (status == MSEQ_OK)
            put(&d, row, "ordinal_position", mseq_value_integer((int64_t)column->position));
    }
    if (status == MSEQ_OK && d.failed)
        status = mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        mseq_value_free(out);
        return status;
    }
    *rows = out;
    return MSEQ_OK;
}
