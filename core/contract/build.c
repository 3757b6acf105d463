/* SPDX-License-Identifier: MIT
 * A table → its relational-table.v1 contract (protocol page, section 6). */
#include <stdlib.h>
#include <string.h>

#include "contract_private.h"

/* gen_random_uuid() is the only server default a contract carries: for a uuid primary key. */
static bool generates_uuid(const mseq_column *column, const char *data_type) {
    return column->primary_key && strcmp(data_type, "uuid") == 0;
}

mseq_status mseq_contract_require_namespace(const mseq_table *table, const char *given,
                                            mseq_error *err) {
    const char *name = given ? given : mseq_table_get_meta(table)->meta_namespace;
    size_t length = 0;
    if (name)
        (void)mseq_text_trimmed(name, &length);
    if (length)
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

static mseq_status build_column(contract_document *d, const mseq_table *table,
                                const mseq_column *column, mseq_value *columns, mseq_error *err) {
    char *data_type = NULL, *backend_type = NULL;
    mseq_status status = mseq_type_neutral(column->type, &data_type, &backend_type, err);
    if (status != MSEQ_OK) {
        mseq_error_prefix(err, "table '%s', column '%s': ", mseq_table_name(table), column->name);
        return status;
    }
    mseq_value *out = mseq_value_object();
    contract_put_text(d, out, "name", column->name);
    contract_put_text(d, out, "data_type", data_type);
    contract_put_text(d, out, "backend_type", backend_type);
    contract_put_boolean(d, out, "nullable", column->nullable);
    contract_put_boolean(d, out, "primary_key", column->primary_key);
    contract_put_boolean(d, out, "unique", column->unique);
    if (generates_uuid(column, data_type))
        contract_put_text(d, out, "server_default", "gen_random_uuid()");
    contract_put_text(d, out, "description", info_text(column, "description"));
    contract_put_text(d, out, "label", info_text(column, "label"));
    contract_put_text(d, out, "logical_name", info_text(column, "logical_name"));
    contract_append(d, columns, out);
    free(data_type);
    free(backend_type);
    return MSEQ_OK;
}

static mseq_value *build_authoring(contract_document *d, const mseq_table *table, const char *kind,
                                   const char *cadence, bool time_indexed) {
    const mseq_table_meta *meta = mseq_table_get_meta(table);
    mseq_value *authoring = mseq_value_object(), *model = mseq_value_object();
    contract_put_text(d, model, "kind", kind ? kind : "lua");
    contract_put_text(d, model, "module", meta->module ? meta->module : kind ? kind : "lua");
    contract_put_text(d, model, "qualname",
                      meta->class_name ? meta->class_name : mseq_table_name(table));
    contract_put(d, authoring, "table_model", model);
    if (time_indexed) {
        mseq_value *profile = mseq_value_object();
        contract_put_text(d, profile, "time_index_name", meta->time_index_name);
        contract_put(d, profile, "index_names",
                     contract_text_list(d, meta->index_names, meta->index_name_count));
        contract_put_text(d, profile, "cadence", cadence);
        contract_put_text(d, profile, "storage_layout", meta->storage_layout);
        contract_put(d, authoring, "time_indexed", profile);
    }
    return authoring;
}

static mseq_value *build_physical(contract_document *d, const mseq_table *table, bool with_schema) {
    mseq_value *physical = mseq_value_object();
    if (with_schema)
        contract_put_text(d, physical, "schema",
                          mseq_table_schema(table) ? mseq_table_schema(table) : "public");
    contract_put_text(d, physical, "table_name", mseq_table_name(table));
    return physical;
}

static void put_extras(contract_document *d, const mseq_table *table,
                       const mseq_contract_options *options, mseq_value *out) {
    if (options->include_indexes) {
        mseq_value *list = mseq_value_array();
        for (size_t i = 0; i < mseq_table_index_count(table); i++)
            contract_append(d, list,
                            contract_index_fragment(d, table, mseq_table_index_at(table, i)));
        contract_put(d, out, "indexes", list);
    }
    if (options->include_foreign_keys) {
        mseq_value *list = mseq_value_array();
        for (size_t i = 0; i < mseq_table_constraint_count(table); i++)
            if (mseq_table_constraint_at(table, i)->kind == MSEQ_FOREIGN_KEY)
                contract_append(
                    d, list, contract_foreign_key_fragment(d, mseq_table_constraint_at(table, i)));
        contract_put(d, out, "foreign_keys", list);
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
    contract_document d = {false};
    mseq_value *out = mseq_value_object(), *columns = mseq_value_array();
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++)
        status = build_column(&d, table, mseq_table_column_at(table, i), columns, err);
    mseq_value *authoring =
        build_authoring(&d, table, options->authoring_kind, cadence, time_indexed);
    mseq_value *physical = build_physical(&d, table, time_indexed && options->with_schema);
    free(cadence);
    contract_put_text(&d, out, "version", MSEQ_CONTRACT_VERSION);
    if (time_indexed) {
        contract_put_text(&d, out, "table_kind", "time_indexed");
        contract_put(&d, out, "authoring", authoring);
        contract_put(&d, out, "physical", physical);
        contract_put(&d, out, "columns", columns);
    } else {
        contract_put(&d, out, "physical", physical);
        contract_put(&d, out, "columns", columns);
        contract_put(&d, out, "constraints", mseq_value_array());
        contract_put(&d, out, "authoring", authoring);
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
    contract_document d = {false};
    mseq_value *out = mseq_value_array();
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++) {
        const mseq_column *column = mseq_table_column_at(table, i);
        status = build_column(&d, table, column, out, err);
        mseq_value *row = mseq_array_peek(out, mseq_value_length(out) - 1);
        if (status == MSEQ_OK)
            contract_put(&d, row, "ordinal_position",
                         mseq_value_integer((int64_t)column->position));
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
