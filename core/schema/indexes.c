/* SPDX-License-Identifier: MIT
 * Indexes of a description, and the grain of time-indexed tables. */
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

mseq_index *add_index(mseq_table *table) {
    if (table->index_count == table->index_capacity) {
        size_t capacity = table->index_capacity ? table->index_capacity * 2 : 8;
        mseq_index *grown = arena_new(&table->arena, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        if (table->index_count)
            memcpy(grown, table->indexes, table->index_count * sizeof *grown);
        table->indexes = grown;
        table->index_capacity = capacity;
    }
    return &table->indexes[table->index_count++];
}

static mseq_status need_column(mseq_table *table, const char *name, mseq_error *err) {
    mseq_value *names = mseq_value_array();
    if (!names || mseq_array_add(names, mseq_value_string(name)) != MSEQ_OK) {
        mseq_value_free(names);
        return mseq_error_no_memory(err);
    }
    const char *const *columns;
    size_t count;
    mseq_status status = parse_column_names(table, names, "an index", &columns, &count, err);
    mseq_value_free(names);
    return status;
}

static mseq_status lower_choice(mseq_table *table, const mseq_value *source, const char *key,
                                const char *first, const char *second, const char **out,
                                mseq_error *err) {
    const char *text;
    mseq_status status = get_text(source, "index expression", key, &text, err);
    if (status != MSEQ_OK || !text)
        return status;
    if (strcasecmp(text, first) != 0 && strcasecmp(text, second) != 0)
        return mseq_error_set(err, MSEQ_E_SCHEMA, "table '%s': index %s is '%s', not '%s' or '%s'",
                              table->name, key, text, first, second);
    *out = strcasecmp(text, first) == 0 ? first : second;
    return MSEQ_OK;
}

static mseq_status parse_element(mseq_table *table, const mseq_value *source,
                                 mseq_index_element *element, mseq_error *err) {
    static const char *const keys[] = {"column", "order", "nulls", "func", "args", "text", NULL};
    const mseq_value *kept = arena_keep(&table->arena, mseq_value_dup(source));
    if (!kept)
        return mseq_error_no_memory(err);
    if (mseq_value_kind(kept) == MSEQ_STRING) {
        element->column = mseq_value_get_text(kept);
        return need_column(table, element->column, err);
    }
    if (mseq_value_kind(kept) != MSEQ_OBJECT)
        return mseq_error_set(err, MSEQ_E_SCHEMA,
                              "table '%s': an index element is a column name or an expression",
                              table->name);
    mseq_status status = check_keys(kept, "index expression", keys, err);
    if (status == MSEQ_OK)
        status = lower_choice(table, kept, "order", "asc", "desc", &element->order, err);
    if (status == MSEQ_OK)
        status = lower_choice(table, kept, "nulls", "first", "last", &element->nulls, err);
    if (status != MSEQ_OK)
        return status;
    element->column = mseq_object_get_text(kept, "column");
    element->text = mseq_object_get_text(kept, "text");
    element->function = mseq_object_get_text(kept, "func");
    element->arguments = mseq_object_get(kept, "args");
    if (element->column)
        return need_column(table, element->column, err);
    if (!element->text && !element->function)
        return mseq_error_set(err, MSEQ_E_SCHEMA,
                              "table '%s': an index expression needs column, func or text",
                              table->name);
    return MSEQ_OK;
}

static mseq_status parse_index(mseq_table *table, const mseq_value *source, mseq_error *err) {
    static const char *const keys[] = {"name",   "name_final", "columns", "expressions",
                                       "unique", "postgresql", "sqlite",  NULL};
    mseq_status status =
        mseq_value_kind(source) == MSEQ_OBJECT
            ? check_keys(source, "index", keys, err)
            : mseq_error_set(err, MSEQ_E_SCHEMA, "table '%s': an index is a table of options",
                             table->name);
    mseq_index *index = status == MSEQ_OK ? add_index(table) : NULL;
    if (!index)
        return status != MSEQ_OK ? status : mseq_error_no_memory(err);
    int unique = -1, final = -1;
    const char *name = NULL;
    const mseq_value *list, *postgresql = NULL, *sqlite = NULL;
    status = get_text(source, "index", "name", &name, err);
    if (status == MSEQ_OK)
        status = get_boolean(source, "index", "unique", &unique, err);
    if (status == MSEQ_OK)
        status = get_boolean(source, "index", "name_final", &final, err);
    if (status == MSEQ_OK)
        status = get_object(source, "index", "postgresql", &postgresql, err);
    if (status == MSEQ_OK)
        status = get_object(source, "index", "sqlite", &sqlite, err);
    if (status == MSEQ_OK)
        status = get_array(source, "index",
                           mseq_object_get(source, "expressions") ? "expressions" : "columns",
                           &list, err);
    if (status != MSEQ_OK)
        return status;
    index->unique = unique == 1;
    index->name_final = final == 1;
    size_t count = mseq_value_length(list);
    if (count == 0)
        return mseq_error_set(err, MSEQ_E_SCHEMA, "table '%s': an index needs at least one column",
                              table->name);
    mseq_index_element *elements = arena_new(&table->arena, count * sizeof *elements);
    index->given_name = name && *name ? arena_text(&table->arena, name) : NULL;
    index->postgresql = postgresql ? arena_keep(&table->arena, mseq_value_dup(postgresql)) : NULL;
    index->sqlite = sqlite ? arena_keep(&table->arena, mseq_value_dup(sqlite)) : NULL;
    if (!elements || (name && *name && !index->given_name) || (postgresql && !index->postgresql) ||
        (sqlite && !index->sqlite))
        return mseq_error_no_memory(err);
    index->elements = elements;
    for (size_t i = 0; status == MSEQ_OK && i < count; i++) {
        status = parse_element(table, mseq_array_get(list, i), &elements[i], err);
        index->element_count = i + 1;
    }
    return status == MSEQ_OK ? resolve_index_name(table, index, err) : status;
}

static mseq_status simple_index(mseq_table *table, const char *const *columns, size_t count,
                                bool unique, bool automatic, mseq_error *err) {
    mseq_index *index = add_index(table);
    mseq_index_element *elements = arena_new(&table->arena, count * sizeof *elements);
    if (!index || !elements)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        elements[i].column = columns[i];
    index->elements = elements;
    index->element_count = count;
    index->unique = unique;
    index->automatic = automatic;
    return resolve_index_name(table, index, err);
}

mseq_status parse_indexes(mseq_table *table, mseq_error *err) {
    const mseq_value *list;
    mseq_status status = get_array(table->draft, table->name, "indexes", &list, err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(list); i++)
        status = parse_index(table, mseq_array_get(list, i), err);
    for (size_t i = 0; status == MSEQ_OK && i < table->column_count; i++) {
        const mseq_column *column = &table->columns[i];
        if (!column->index)
            continue;
        status = simple_index(table, &column->name, 1, column->unique, false, err);
        if (status != MSEQ_OK)
            return status;
        mseq_index *index = &table->indexes[table->index_count - 1];
        if (!index->name) { /* SQLAlchemy's default convention */
            char *name = mseq_text_format("ix_%s_%s", table->name, column->name);
            index->name = name ? arena_text(&table->arena, name) : NULL;
            free(name);
            status = index->name ? MSEQ_OK : mseq_error_no_memory(err);
        }
    }
    return status;
}

bool same_column_set(const char *const *a, size_t a_count, const char *const *b, size_t b_count) {
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        bool found = false;
        for (size_t k = 0; k < b_count && !found; k++)
            found = strcmp(a[i], b[k]) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* ---- The grain of a time-indexed table
 * --------------------------------------------------------------- */

static const char PREFIX[] = "PlatformTimeIndexMetaTable";

static mseq_status check_temporal(const mseq_column *column, mseq_error *err) {
    char *data_type = NULL, *backend_type = NULL;
    mseq_status status = mseq_type_neutral(column->type, &data_type, &backend_type, err);
    if (status != MSEQ_OK)
        mseq_error_prefix(err, "column '%s': ", column->name);
    else if (strcmp(data_type, "date") != 0 && strcmp(data_type, "timestamp with time zone") != 0)
        status = mseq_error_set(
            err, MSEQ_E_SCHEMA,
            "%s time_index_name must reference a temporal column. Column '%s' has type '%s'.",
            PREFIX, column->name, data_type);
    free(data_type);
    free(backend_type);
    return status;
}

static mseq_status check_names(const mseq_table *table, mseq_error *err) {
    const mseq_table_meta *meta = &table->meta;
    if (meta->index_name_count == 0)
        return mseq_error_set(err, MSEQ_E_SCHEMA, "%s index_names must not be empty.", PREFIX);
    if (strcmp(meta->index_names[0], meta->time_index_name) != 0)
        return mseq_error_set(
            err, MSEQ_E_SCHEMA,
            "%s index_names must start with the time_index_name. Expected '%s', got '%s'.", PREFIX,
            meta->time_index_name, meta->index_names[0]);
    for (size_t i = 0; i < meta->index_name_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(meta->index_names[i], meta->index_names[k]) == 0)
                return mseq_error_set(err, MSEQ_E_SCHEMA,
                                      "%s index_names must be unique. Duplicate: '%s'.", PREFIX,
                                      meta->index_names[i]);
    return MSEQ_OK;
}

/* Names joined as Python prints a list: 'a', 'b'. */
static mseq_status refuse_columns(const char *format, mseq_buffer *names, mseq_error *err) {
    mseq_status status = names->status != MSEQ_OK
                             ? mseq_error_no_memory(err)
                             : mseq_error_set(err, MSEQ_E_SCHEMA, "%s %s [%s].", PREFIX, format,
                                              mseq_buffer_text(names));
    mseq_buffer_free(names);
    return status;
}

static mseq_status check_columns(const mseq_table *table, mseq_error *err) {
    const mseq_table_meta *meta = &table->meta;
    mseq_buffer missing = MSEQ_BUFFER_INIT, nullable = MSEQ_BUFFER_INIT;
    const mseq_column *time_column = NULL;
    for (size_t i = 0; i < meta->index_name_count; i++) {
        const mseq_column *column = NULL;
        for (size_t k = 0; k < table->column_count && !column; k++)
            if (strcmp(table->columns[k].name, meta->index_names[i]) == 0)
                column = &table->columns[k];
        mseq_buffer *list = !column ? &missing : column->nullable ? &nullable : NULL;
        if (i == 0)
            time_column = column;
        if (list)
            mseq_buffer_append_format(list, "%s'%s'", list->length ? ", " : "",
                                      meta->index_names[i]);
    }
    if (missing.status != MSEQ_OK || nullable.status != MSEQ_OK) {
        mseq_buffer_free(&missing);
        mseq_buffer_free(&nullable);
        return mseq_error_no_memory(err);
    }
    if (missing.length || !time_column) {
        mseq_buffer_free(&nullable);
        return refuse_columns(
            "index_names must all exist as table columns. Missing columns:", &missing, err);
    }
    mseq_status status = check_temporal(time_column, err);
    if (status == MSEQ_OK && nullable.length)
        return refuse_columns(
            "index columns must be non-nullable. Nullable index columns:", &nullable, err);
    mseq_buffer_free(&nullable);
    return status;
}

/* Only a unique index or constraint over the same set of columns makes the grain index superfluous.
 */
static bool has_equivalent(const mseq_table *table) {
    const mseq_table_meta *meta = &table->meta;
    for (size_t i = 0; i < table->constraint_count; i++)
        if (table->constraints[i].kind == MSEQ_UNIQUE &&
            same_column_set(table->constraints[i].columns, table->constraints[i].column_count,
                            meta->index_names, meta->index_name_count))
            return true;
    for (size_t i = 0; i < table->index_count; i++) {
        const mseq_index *index = &table->indexes[i];
        if (!index->unique || index->element_count != meta->index_name_count)
            continue;
        bool same = true;
        for (size_t k = 0; k < index->element_count && same; k++)
            same = index->elements[k].column != NULL;
        for (size_t n = 0; n < meta->index_name_count && same; n++) {
            bool found = false;
            for (size_t k = 0; k < index->element_count && !found; k++)
                found = strcmp(index->elements[k].column, meta->index_names[n]) == 0;
            same = found;
        }
        if (same)
            return true;
    }
    return false;
}

mseq_status apply_time_index(mseq_table *table, mseq_error *err) {
    if (table->meta.kind != MSEQ_TABLE_TIME_INDEX)
        return MSEQ_OK;
    mseq_status status = check_names(table, err);
    if (status == MSEQ_OK)
        status = check_columns(table, err);
    if (status == MSEQ_OK && !has_equivalent(table))
        status = simple_index(table, table->meta.index_names, table->meta.index_name_count, true,
                              true, err);
    return status;
}
