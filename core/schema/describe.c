/* SPDX-License-Identifier: MIT
 * A table → its normalised description: every name resolved and final, constraints and indexes in
 * lists of their own, defaults left out. */
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

/* Building stops at the first failure, which is always memory: the sticky flag keeps the code
 * straight. */
typedef struct draft {
    bool failed;
} draft;

static void put(draft *d, mseq_value *object, const char *key, mseq_value *value) {
    if (d->failed)
        mseq_value_free(value);
    else if (mseq_object_put(object, key, value) != MSEQ_OK)
        d->failed = true;
}

static void put_text(draft *d, mseq_value *object, const char *key, const char *text) {
    if (text)
        put(d, object, key, mseq_value_string(text));
}

static void put_true(draft *d, mseq_value *object, const char *key, bool flag) {
    if (flag)
        put(d, object, key, mseq_value_boolean(true));
}

static void put_copy(draft *d, mseq_value *object, const char *key, const mseq_value *value) {
    if (value)
        put(d, object, key, mseq_value_dup(value));
}

static void put_tristate(draft *d, mseq_value *object, const char *key, int flag) {
    if (flag >= 0)
        put(d, object, key, mseq_value_boolean(flag == 1));
}

static mseq_value *texts(draft *d, const char *const *items, size_t count) {
    mseq_value *array = mseq_value_array();
    for (size_t i = 0; i < count; i++)
        if (!array || mseq_array_add(array, mseq_value_string(items[i])) != MSEQ_OK)
            d->failed = true;
    return array;
}

static mseq_value *describe_type(draft *d, const mseq_type *type) {
    mseq_value *out = mseq_value_object();
    put_text(d, out, "name", type->name);
    if (mseq_value_length(type->arguments))
        put_copy(d, out, "args", type->arguments);
    put_copy(d, out, "variant", type->variants);
    return out;
}

static mseq_value *describe_default(draft *d, const mseq_server_default *from) {
    mseq_value *out = mseq_value_object();
    switch (from->kind) {
    case MSEQ_DEFAULT_LITERAL:
        put_text(d, out, "literal", from->text);
        break;
    case MSEQ_DEFAULT_TEXT:
        put_text(d, out, "text", from->text);
        break;
    case MSEQ_DEFAULT_FUNCTION:
        put_text(d, out, "func", from->text);
        put_copy(d, out, "args", from->arguments);
        break;
    case MSEQ_DEFAULT_BOOLEAN:
        put(d, out, "bool", mseq_value_boolean(from->boolean));
        break;
    default:
        put_true(d, out, "null", true);
    }
    return out;
}

static mseq_value *describe_column(draft *d, const mseq_column *column) {
    mseq_value *out = mseq_value_object();
    put_text(d, out, "name", column->name);
    put(d, out, "type", describe_type(d, column->type));
    if (column->nullable_given || column->nullable == column->primary_key)
        put(d, out, "nullable", mseq_value_boolean(column->nullable));
    put_true(d, out, "primary_key", column->primary_key);
    put_tristate(d, out, "autoincrement", column->autoincrement);
    put_tristate(d, out, "quote", column->quote);
    if (column->has_default) {
        mseq_value *fallback = mseq_value_object();
        if (column->default_value)
            put_copy(d, fallback, "value", column->default_value);
        else
            put_true(d, fallback, "callable", true);
        put(d, out, "default", fallback);
    }
    if (column->has_onupdate) {
        mseq_value *onupdate = mseq_value_object();
        put_true(d, onupdate, "callable", true);
        put(d, out, "onupdate", onupdate);
    }
    if (column->server_default.kind != MSEQ_DEFAULT_NONE)
        put(d, out, "server_default", describe_default(d, &column->server_default));
    put_copy(d, out, "identity", column->identity);
    put_copy(d, out, "computed", column->computed);
    put_text(d, out, "comment", column->comment);
    put_copy(d, out, "info", column->info);
    return out;
}

static mseq_value *describe_constraint(draft *d, const mseq_constraint *c) {
    mseq_value *out = mseq_value_object();
    put_text(d, out, "name", c->name);
    put_true(d, out, "name_final", c->name != NULL);
    if (c->kind != MSEQ_CHECK)
        put(d, out, "columns", texts(d, c->columns, c->column_count));
    put_text(d, out, "sqltext", c->sqltext);
    if (c->kind == MSEQ_FOREIGN_KEY) {
        put_text(d, out, "referred_schema", c->referred_schema);
        put_text(d, out, "referred_table", c->referred_table);
        put(d, out, "referred_columns", texts(d, c->referred_columns, c->referred_count));
    }
    put_text(d, out, "ondelete", c->ondelete);
    put_text(d, out, "onupdate", c->onupdate);
    if (c->kind != MSEQ_CHECK)
        put_tristate(d, out, "deferrable", c->deferrable);
    put_text(d, out, "initially", c->initially);
    put_text(d, out, "match", c->match);
    put_true(d, out, "use_alter", c->use_alter);
    put_copy(d, out, "postgresql", c->postgresql);
    return out;
}

static mseq_value *describe_element(draft *d, const mseq_index_element *element) {
    if (element->column && !element->order && !element->nulls)
        return mseq_value_string(element->column);
    mseq_value *out = mseq_value_object();
    put_text(d, out, "column", element->column);
    put_text(d, out, "text", element->text);
    put_text(d, out, "func", element->function);
    put_copy(d, out, "args", element->arguments);
    put_text(d, out, "order", element->order);
    put_text(d, out, "nulls", element->nulls);
    return out;
}

static mseq_value *describe_index(draft *d, const mseq_index *index) {
    mseq_value *out = mseq_value_object(), *elements = mseq_value_array();
    bool plain = true;
    for (size_t i = 0; i < index->element_count; i++) {
        plain = plain && index->elements[i].column && !index->elements[i].order &&
                !index->elements[i].nulls;
        if (!elements ||
            mseq_array_add(elements, describe_element(d, &index->elements[i])) != MSEQ_OK)
            d->failed = true;
    }
    put_text(d, out, "name", index->name);
    put_true(d, out, "name_final", index->name_final);
    put(d, out, plain ? "columns" : "expressions", elements);
    put_true(d, out, "unique", index->unique);
    put_copy(d, out, "postgresql", index->postgresql);
    put_copy(d, out, "sqlite", index->sqlite);
    return out;
}

static void add(draft *d, mseq_value *object, const char *list, mseq_value *item) {
    if (!d->failed && !mseq_object_get(object, list))
        put(d, object, list, mseq_value_array());
    if (d->failed)
        mseq_value_free(item);
    else if (mseq_array_add(mseq_object_peek(object, list), item) != MSEQ_OK)
        d->failed = true;
}

/* List by list, in the order in which a description is read, so that it describes itself. */
static void describe_constraints(draft *d, mseq_value *out, const mseq_table *table) {
    static const char *const lists[] = {"primary_key", "unique_constraints", "check_constraints",
                                        "foreign_keys", "exclude_constraints"};
    for (size_t kind = 0; kind < sizeof lists / sizeof *lists; kind++)
        for (size_t i = 0; i < table->constraint_count; i++) {
            const mseq_constraint *constraint = &table->constraints[i];
            if (constraint->kind != (mseq_constraint_kind)kind)
                continue;
            if (constraint->kind == MSEQ_PRIMARY_KEY)
                put(d, out, lists[kind], describe_constraint(d, constraint));
            else
                add(d, out, lists[kind], describe_constraint(d, constraint));
        }
}

static void describe_meta(draft *d, mseq_value *out, const mseq_table_meta *meta) {
    put_text(d, out, "class_name", meta->class_name);
    put_text(d, out, "module", meta->module);
    mseq_value *object = mseq_value_object();
    put_text(d, object, "namespace", meta->meta_namespace);
    put_text(d, object, "identifier", meta->identifier);
    put_text(d, object, "description", meta->description);
    if (mseq_value_length(meta->labels))
        put_copy(d, object, "labels", meta->labels);
    put_copy(d, object, "provisioning", meta->provisioning);
    put_true(d, object, "protect_from_deletion", meta->protect_from_deletion);
    put_tristate(d, object, "introspect", meta->introspect);
    put_text(d, object, "hash_namespace", meta->hash_namespace);
    put_copy(d, object, "extra_hash_components", meta->extra_hash_components);
    put_text(d, object, "data_source_uid", meta->data_source_uid);
    if (meta->kind == MSEQ_TABLE_TIME_INDEX) {
        put_text(d, object, "time_index_name", meta->time_index_name);
        put(d, object, "index_names", texts(d, meta->index_names, meta->index_name_count));
    }
    put_text(d, object, "cadence", meta->cadence);
    put_text(d, object, "storage_layout", meta->storage_layout);
    if (mseq_value_length(object))
        put(d, out, "meta", object);
    else
        mseq_value_free(object);
}

mseq_status mseq_table_describe(const mseq_table *table, mseq_value **description,
                                mseq_error *err) {
    static const char *const kinds[] = {"plain", "platform_managed", "time_index"};
    draft d = {false};
    mseq_value *out = mseq_value_object();
    put_text(&d, out, "name", table->name);
    put_text(&d, out, "schema", table->schema);
    put_text(&d, out, "kind",
             table->meta.kind == MSEQ_TABLE_PLAIN ? NULL : kinds[table->meta.kind]);
    if (!table->naming_convention)
        put(&d, out, "naming_convention", mseq_value_boolean(false));
    put_text(&d, out, "comment", table->comment);
    put_copy(&d, out, "prefixes", table->prefixes);
    for (size_t i = 0; i < table->column_count; i++)
        add(&d, out, "columns", describe_column(&d, &table->columns[i]));
    describe_constraints(&d, out, table);
    for (size_t i = 0; i < table->index_count; i++)
        add(&d, out, "indexes", describe_index(&d, &table->indexes[i]));
    put_copy(&d, out, "postgresql", table->postgresql);
    put_copy(&d, out, "sqlite", table->sqlite);
    put_copy(&d, out, "info", table->info);
    describe_meta(&d, out, &table->meta);
    if (d.failed || !out) {
        mseq_value_free(out);
        return mseq_error_no_memory(err);
    }
    *description = out;
    return MSEQ_OK;
}
