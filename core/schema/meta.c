/* SPDX-License-Identifier: MIT
 * What a model says beside its columns. */
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

static const char *const meta_keys[] = {"namespace",
                                        "identifier",
                                        "description",
                                        "labels",
                                        "provisioning",
                                        "protect_from_deletion",
                                        "introspect",
                                        "hash_namespace",
                                        "extra_hash_components",
                                        "data_source_uid",
                                        "time_index_name",
                                        "index_names",
                                        "identity_dimensions",
                                        "cadence",
                                        "storage_layout",
                                        NULL};

static mseq_status read_kind(mseq_table *table, mseq_error *err) {
    static const char *const kinds[] = {"plain", "platform_managed", "time_index"};
    const char *kind;
    mseq_status status = get_text(table->draft, "table", "kind", &kind, err);
    if (status != MSEQ_OK || !kind)
        return status;
    for (int i = 0; i < 3; i++)
        if (strcmp(kind, kinds[i]) == 0) {
            table->meta.kind = (mseq_table_kind)i;
            return MSEQ_OK;
        }
    return mseq_error_set(err, MSEQ_E_SCHEMA,
                          "table '%s': kind is '%s', not plain, platform_managed or time_index",
                          table->name, kind);
}

/* A single string counts as a list of one. */
static mseq_status read_labels(mseq_table *table, const mseq_value *source, mseq_error *err) {
    const mseq_value *given = mseq_object_get(source, "labels");
    mseq_value *labels = mseq_value_array();
    mseq_status status = labels ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK && mseq_value_kind(given) == MSEQ_STRING) {
        if (mseq_array_add(labels, mseq_value_dup(given)) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    } else if (status == MSEQ_OK && !mseq_value_is_null(given)) {
        const mseq_value *list;
        status = get_array(source, "model", "labels", &list, err);
        for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(list); i++) {
            const mseq_value *label = mseq_array_get(list, i);
            if (mseq_value_kind(label) != MSEQ_STRING)
                status =
                    mseq_error_set(err, MSEQ_E_SCHEMA, "model: labels[%zu] is not a string", i + 1);
            else if (mseq_array_add(labels, mseq_value_dup(label)) != MSEQ_OK)
                status = mseq_error_no_memory(err);
        }
    }
    if (status != MSEQ_OK) {
        mseq_value_free(labels);
        return status;
    }
    table->meta.labels = arena_keep(&table->arena, labels);
    return table->meta.labels ? MSEQ_OK : mseq_error_no_memory(err);
}

/* Trimmed and in lower case; blank is none. Whether it is an interval token is the contract's
 * question. */
static mseq_status read_cadence(mseq_table *table, const mseq_value *source, mseq_error *err) {
    const char *text;
    mseq_status status = get_text(source, "model", "cadence", &text, err);
    if (status != MSEQ_OK || !text)
        return status;
    char *trimmed = mseq_text_trim(text);
    if (!trimmed)
        return mseq_error_no_memory(err);
    for (char *c = trimmed; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    if (*trimmed && !(table->meta.cadence = arena_text(&table->arena, trimmed)))
        status = mseq_error_no_memory(err);
    free(trimmed);
    return status;
}

/* index_names as given, else the time index and the identity dimensions. */
static mseq_status read_grain(mseq_table *table, const mseq_value *source, mseq_error *err) {
    mseq_table_meta *meta = &table->meta;
    if (meta->kind != MSEQ_TABLE_TIME_INDEX)
        return MSEQ_OK;
    if (!meta->time_index_name)
        meta->time_index_name = "time_index";
    const mseq_value *given, *dimensions;
    mseq_status status = get_array(source, "model", "index_names", &given, err);
    if (status == MSEQ_OK)
        status = get_array(source, "model", "identity_dimensions", &dimensions, err);
    if (status != MSEQ_OK)
        return status;
    bool own = !mseq_value_is_null(mseq_object_get(source, "index_names"));
    const mseq_value *list = own ? given : dimensions;
    size_t count = mseq_value_length(list) + !own;
    const char **names = arena_new(&table->arena, (count + 1) * sizeof *names);
    if (!names)
        return mseq_error_no_memory(err);
    if (!own)
        names[0] = meta->time_index_name;
    for (size_t i = 0; i < mseq_value_length(list); i++) {
        const char *name = mseq_value_get_text(mseq_array_get(list, i));
        if (!name)
            return mseq_error_set(err, MSEQ_E_SCHEMA,
                                  "model: index_names must be a list of column names");
        if (!(names[i + !own] = arena_text(&table->arena, name)))
            return mseq_error_no_memory(err);
    }
    meta->index_names = names;
    meta->index_name_count = count;
    return MSEQ_OK;
}

static mseq_status keep_object(mseq_table *table, const mseq_value *source, const char *key,
                               const mseq_value **out, mseq_error *err) {
    const mseq_value *value;
    mseq_status status = get_object(source, "model", key, &value, err);
    if (status == MSEQ_OK && value && !(*out = arena_keep(&table->arena, mseq_value_dup(value))))
        status = mseq_error_no_memory(err);
    return status;
}

mseq_status parse_meta(mseq_table *table, mseq_error *err) {
    mseq_table_meta *meta = &table->meta;
    const mseq_value *source;
    int protect = -1;
    meta->introspect = -1;
    mseq_status status = keep_text(table, table->draft, "model", "source", &meta->source, err);
    meta->line = (int)mseq_object_get_integer(table->draft, "line", 0);
    if (status == MSEQ_OK)
        status = read_kind(table, err);
    if (status == MSEQ_OK)
        status = keep_text(table, table->draft, "model", "class_name", &meta->class_name, err);
    if (status == MSEQ_OK)
        status = keep_text(table, table->draft, "model", "module", &meta->module, err);
    if (status == MSEQ_OK)
        status = get_object(table->draft, "table", "meta", &source, err);
    if (status == MSEQ_OK)
        status = check_keys(source, "model", meta_keys, err);
    static const char *const keys[] = {"namespace",      "identifier",      "description",
                                       "hash_namespace", "data_source_uid", "time_index_name",
                                       "storage_layout"};
    const char **fields[] = {&meta->meta_namespace, &meta->identifier,      &meta->description,
                             &meta->hash_namespace, &meta->data_source_uid, &meta->time_index_name,
                             &meta->storage_layout};
    for (size_t i = 0; status == MSEQ_OK && i < sizeof keys / sizeof *keys; i++)
        status = keep_text(table, source, "model", keys[i], fields[i], err);
    if (status == MSEQ_OK)
        status = get_boolean(source, "model", "protect_from_deletion", &protect, err);
    meta->protect_from_deletion = protect == 1;
    if (status == MSEQ_OK)
        status = get_boolean(source, "model", "introspect", &meta->introspect, err);
    if (status == MSEQ_OK)
        status = keep_object(table, source, "provisioning", &meta->provisioning, err);
    if (status == MSEQ_OK)
        status =
            keep_object(table, source, "extra_hash_components", &meta->extra_hash_components, err);
    if (status == MSEQ_OK)
        status = read_labels(table, source, err);
    if (status == MSEQ_OK)
        status = read_cadence(table, source, err);
    if (status == MSEQ_OK)
        status = read_grain(table, source, err);
    /* The platform's tables live in the default schema, whatever it is called. */
    if (meta->kind != MSEQ_TABLE_PLAIN && table->schema && strcmp(table->schema, "public") == 0)
        table->schema = NULL;
    return status;
}
