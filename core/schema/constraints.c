/* SPDX-License-Identifier: MIT
 * Constraints of a description: primary key first, explicit ones in their order, then those of
 * columns. Names by the reference's convention (protocol page, section 9.6). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

mseq_constraint *add_constraint(mseq_table *table) {
    if (table->constraint_count == table->constraint_capacity) {
        size_t capacity = table->constraint_capacity ? table->constraint_capacity * 2 : 8;
        mseq_constraint *grown = arena_new(&table->arena, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        if (table->constraint_count)
            memcpy(grown, table->constraints, table->constraint_count * sizeof *grown);
        table->constraints = grown;
        table->constraint_capacity = capacity;
    }
    mseq_constraint *constraint = &table->constraints[table->constraint_count++];
    constraint->deferrable = -1;
    return constraint;
}

static mseq_status unknown_column(const mseq_table *table, const char *what, const char *name,
                                  mseq_error *err) {
    mseq_error_set(err, MSEQ_E_SCHEMA,
                   "table '%s': %s names column '%s', which the table does not have", table->name,
                   what, name);
    const char **names = calloc(table->column_count, sizeof *names);
    if (names) {
        for (size_t i = 0; i < table->column_count; i++)
            names[i] = table->columns[i].name;
        const char *near = mseq_text_nearest(name, names, table->column_count);
        if (near)
            mseq_error_hint(err, "did you mean '%s'?", near);
        free(names);
    }
    return MSEQ_E_SCHEMA;
}

static const mseq_column *find_column(const mseq_table *table, const char *name) {
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

/* Copies a list of texts into the arena. */
static mseq_status copy_texts(mseq_table *table, const mseq_value *list, const char *what,
                              const char *const **out, size_t *count, mseq_error *err) {
    size_t length = mseq_value_length(list);
    const char **texts = arena_new(&table->arena, (length ? length : 1) * sizeof *texts);
    if (!texts)
        return mseq_error_no_memory(err);
    for (size_t i = 0; i < length; i++) {
        const char *text = mseq_value_get_text(mseq_array_get(list, i));
        if (!text)
            return mseq_error_set(err, MSEQ_E_SCHEMA, "table '%s': %s needs a list of names",
                                  table->name, what);
        if (!(texts[i] = arena_text(&table->arena, text)))
            return mseq_error_no_memory(err);
    }
    *out = texts;
    *count = length;
    return MSEQ_OK;
}

mseq_status parse_column_names(mseq_table *table, const mseq_value *names, const char *what,
                               const char *const **columns, size_t *count, mseq_error *err) {
    mseq_status status = copy_texts(table, names, what, columns, count, err);
    for (size_t i = 0; status == MSEQ_OK && i < *count; i++)
        if (!find_column(table, (*columns)[i]))
            status = unknown_column(table, what, (*columns)[i], err);
    return status;
}

static mseq_status read_name(mseq_table *table, const mseq_value *source, const char *what,
                             const char **given, bool *final, mseq_error *err) {
    const char *name;
    int name_final;
    mseq_status status = get_text(source, what, "name", &name, err);
    if (status == MSEQ_OK)
        status = get_boolean(source, what, "name_final", &name_final, err);
    if (status != MSEQ_OK)
        return status;
    *final = name_final == 1;
    if (name && *name && !(*given = arena_text(&table->arena, name)))
        return mseq_error_no_memory(err);
    return MSEQ_OK;
}

/* Members that several kinds share: name, deferrable, initially, postgresql options. */
static mseq_status read_common(mseq_table *table, mseq_constraint *constraint,
                               const mseq_value *source, const char *what, mseq_error *err) {
    const mseq_value *options;
    mseq_status status =
        read_name(table, source, what, &constraint->given_name, &constraint->name_final, err);
    if (status == MSEQ_OK)
        status = get_boolean(source, what, "deferrable", &constraint->deferrable, err);
    if (status == MSEQ_OK)
        status = keep_text(table, source, what, "initially", &constraint->initially, err);
    if (status == MSEQ_OK)
        status = get_object(source, what, "postgresql", &options, err);
    if (status == MSEQ_OK && options &&
        !(constraint->postgresql = arena_keep(&table->arena, mseq_value_dup(options))))
        status = mseq_error_no_memory(err);
    return status;
}

static mseq_status parse_primary_key(mseq_table *table, mseq_error *err) {
    static const char *const keys[] = {"name",      "name_final", "columns", "deferrable",
                                       "initially", "postgresql", NULL};
    const mseq_value *source;
    mseq_status status = get_object(table->draft, table->name, "primary_key", &source, err);
    if (status == MSEQ_OK && source)
        status = check_keys(source, "primary key", keys, err);
    mseq_constraint *key = status == MSEQ_OK ? add_constraint(table) : NULL;
    if (status != MSEQ_OK || !key)
        return status != MSEQ_OK ? status : mseq_error_no_memory(err);
    key->kind = MSEQ_PRIMARY_KEY;
    if (source)
        status = read_common(table, key, source, "primary key", err);
    const mseq_value *columns = mseq_object_get(source, "columns");
    if (status == MSEQ_OK && mseq_value_length(columns)) {
        status = parse_column_names(table, columns, "the primary key", &key->columns,
                                    &key->column_count, err);
        for (size_t i = 0; status == MSEQ_OK && i < key->column_count; i++) {
            mseq_column *column = &table->columns[find_column(table, key->columns[i])->position];
            column->primary_key = true;
            if (!column->nullable_given)
                column->nullable = false;
        }
    } else if (status == MSEQ_OK) {
        const char **names = arena_new(&table->arena, table->column_count * sizeof *names);
        if (!names)
            return mseq_error_no_memory(err);
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].primary_key)
                names[key->column_count++] = table->columns[i].name;
        key->columns = names;
    }
    if (status == MSEQ_OK && key->column_count == 0)
        table->constraint_count--; /* an empty primary key is none */
    else if (status == MSEQ_OK)
        status = resolve_constraint_name(table, key, err);
    return status;
}

static mseq_status parse_unique(mseq_table *table, const mseq_value *source, mseq_error *err) {
    static const char *const keys[] = {"name",      "name_final", "columns", "deferrable",
                                       "initially", "postgresql", NULL};
    mseq_status status = check_keys(source, "unique constraint", keys, err);
    mseq_constraint *constraint = status == MSEQ_OK ? add_constraint(table) : NULL;
    if (!constraint)
        return status != MSEQ_OK ? status : mseq_error_no_memory(err);
    constraint->kind = MSEQ_UNIQUE;
    status = read_common(table, constraint, source, "unique constraint", err);
    if (status == MSEQ_OK)
        status =
            parse_column_names(table, mseq_object_get(source, "columns"), "a unique constraint",
                               &constraint->columns, &constraint->column_count, err);
    if (status == MSEQ_OK && constraint->column_count == 0)
        status = mseq_error_set(err, MSEQ_E_SCHEMA,
                                "table '%s': a unique constraint needs at least one column",
                                table->name);
    return status == MSEQ_OK ? resolve_constraint_name(table, constraint, err) : status;
}

static mseq_status parse_check(mseq_table *table, const mseq_value *source, mseq_error *err) {
    static const char *const keys[] = {"name", "name_final", "sqltext", "postgresql", NULL};
    mseq_status status = check_keys(source, "check constraint", keys, err);
    mseq_constraint *constraint = status == MSEQ_OK ? add_constraint(table) : NULL;
    if (!constraint)
        return status != MSEQ_OK ? status : mseq_error_no_memory(err);
    constraint->kind = MSEQ_CHECK;
    status = read_common(table, constraint, source, "check constraint", err);
    if (status == MSEQ_OK)
        status = keep_text(table, source, "check constraint", "sqltext", &constraint->sqltext, err);
    if (status == MSEQ_OK && (!constraint->sqltext || !*constraint->sqltext))
        status = mseq_error_set(err, MSEQ_E_SCHEMA,
                                "table '%s': a check constraint needs its SQL text", table->name);
    return status == MSEQ_OK ? resolve_constraint_name(table, constraint, err) : status;
}

static mseq_status parse_foreign_key(mseq_table *table, const mseq_value *source,
                                     const mseq_column *column, mseq_error *err) {
    static const char *const keys[] = {"name",
                                       "name_final",
                                       "columns",
                                       "referred_table",
                                       "referred_schema",
                                       "referred_columns",
                                       "ondelete",
                                       "onupdate",
                                       "deferrable",
                                       "initially",
                                       "match",
                                       "use_alter",
                                       "postgresql",
                                       NULL};
    static const char what[] = "foreign key";
    mseq_status status = check_keys(source, what, keys, err);
    mseq_constraint *key = status == MSEQ_OK ? add_constraint(table) : NULL;
    if (!key)
        return status != MSEQ_OK ? status : mseq_error_no_memory(err);
    key->kind = MSEQ_FOREIGN_KEY;
    key->from_column = column != NULL;
    int use_alter = -1;
    status = read_common(table, key, source, what, err);
    static const char *const options[] = {"referred_table", "referred_schema", "ondelete",
                                          "onupdate", "match"};
    const char **fields[] = {&key->referred_table, &key->referred_schema, &key->ondelete,
                             &key->onupdate, &key->match};
    for (size_t i = 0; status == MSEQ_OK && i < sizeof options / sizeof *options; i++)
        status = keep_text(table, source, what, options[i], fields[i], err);
    if (status == MSEQ_OK)
        status = get_boolean(source, what, "use_alter", &use_alter, err);
    key->use_alter = use_alter == 1;
    if (status == MSEQ_OK && column) {
        const char **names = arena_new(&table->arena, sizeof *names);
        if (!names)
            return mseq_error_no_memory(err);
        names[0] = column->name;
        key->columns = names;
        key->column_count = 1;
    } else if (status == MSEQ_OK) {
        status = parse_column_names(table, mseq_object_get(source, "columns"), "a foreign key",
                                    &key->columns, &key->column_count, err);
    }
    if (status == MSEQ_OK)
        status = copy_texts(table, mseq_object_get(source, "referred_columns"), what,
                            &key->referred_columns, &key->referred_count, err);
    if (status == MSEQ_OK &&
        (!key->referred_table || !*key->referred_table || key->column_count == 0))
        status = mseq_error_set(err, MSEQ_E_SCHEMA,
                                "table '%s': a foreign key needs columns and a referred table",
                                table->name);
    if (status == MSEQ_OK && key->referred_count && key->referred_count != key->column_count)
        status = mseq_error_set(
            err, MSEQ_E_SCHEMA,
            "table '%s': a foreign key to '%s' has %zu columns but refers to %zu", table->name,
            key->referred_table, key->column_count, key->referred_count);
    return status == MSEQ_OK ? resolve_constraint_name(table, key, err) : status;
}

static mseq_status parse_list(mseq_table *table, const char *list, mseq_error *err) {
    const mseq_value *items;
    mseq_status status = get_array(table->draft, table->name, list, &items, err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(items); i++) {
        const mseq_value *item = mseq_array_get(items, i);
        if (mseq_value_kind(item) != MSEQ_OBJECT)
            status =
                mseq_error_set(err, MSEQ_E_SCHEMA, "table '%s': %s[%zu] is no table of options",
                               table->name, list, i + 1);
        else if (list[0] == 'u')
            status = parse_unique(table, item, err);
        else if (list[0] == 'c')
            status = parse_check(table, item, err);
        else
            status = parse_foreign_key(table, item, NULL, err);
    }
    return status;
}

static mseq_status parse_column_unique(mseq_table *table, const mseq_column *column,
                                       mseq_error *err) {
    mseq_constraint *constraint = add_constraint(table);
    const char **names = arena_new(&table->arena, sizeof *names);
    if (!constraint || !names)
        return mseq_error_no_memory(err);
    names[0] = column->name;
    constraint->kind = MSEQ_UNIQUE;
    constraint->from_column = true;
    constraint->columns = names;
    constraint->column_count = 1;
    return resolve_constraint_name(table, constraint, err);
}

static mseq_status parse_column_checks(mseq_table *table, const mseq_column *column,
                                       const mseq_value *source, mseq_error *err) {
    const mseq_value *checks;
    mseq_status status = get_array(source, column->name, "checks", &checks, err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(checks); i++) {
        status = parse_check(table, mseq_array_get(checks, i), err);
        if (status != MSEQ_OK)
            break;
        mseq_constraint *check = &table->constraints[table->constraint_count - 1];
        const char **names = arena_new(&table->arena, sizeof *names);
        if (!names)
            return mseq_error_no_memory(err);
        names[0] = column->name;
        check->from_column = true;
        check->columns = names;
        check->column_count = 1;
    }
    return status;
}

mseq_status parse_constraints(mseq_table *table, mseq_error *err) {
    mseq_status status = parse_primary_key(table, err);
    if (status == MSEQ_OK)
        status = parse_list(table, "unique_constraints", err);
    if (status == MSEQ_OK)
        status = parse_list(table, "check_constraints", err);
    if (status == MSEQ_OK)
        status = parse_list(table, "foreign_keys", err);
    const mseq_value *columns = mseq_object_get(table->draft, "columns");
    for (size_t i = 0; status == MSEQ_OK && i < table->column_count; i++) {
        const mseq_column *column = &table->columns[i];
        const mseq_value *source = mseq_array_get(columns, i), *key;
        if (column->unique && !column->index) /* both flags are one unique index */
            status = parse_column_unique(table, column, err);
        if (status == MSEQ_OK)
            status = get_object(source, column->name, "foreign_key", &key, err);
        if (status == MSEQ_OK && key)
            status = parse_foreign_key(table, key, column, err);
        if (status == MSEQ_OK)
            status = parse_column_checks(table, column, source, err);
    }
    return status;
}

/* ---- Names
 * ---------------------------------------------------------------------------------------- */

static mseq_status keep_name(mseq_table *table, char *name, const char **out, mseq_error *err) {
    *out = arena_text(&table->arena, name);
    free(name);
    return *out ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status resolve_constraint_name(mseq_table *table, mseq_constraint *c, mseq_error *err) {
    c->name = c->given_name;
    if (!table->naming_convention || c->name_final)
        return MSEQ_OK;
    char *name = NULL;
    mseq_status status = MSEQ_OK;
    switch (c->kind) {
    case MSEQ_UNIQUE: /* an explicit plain name does not survive the convention */
        status = mseq_naming_unique_constraint_name(table->name, c->columns, c->column_count, &name,
                                                    err);
        break;
    case MSEQ_CHECK:
        status = mseq_naming_check_constraint_name(table->name, c->given_name, &name, err);
        break;
    case MSEQ_PRIMARY_KEY:
        if (!c->name)
            status = mseq_naming_primary_key_name(table->name, &name, err);
        break;
    case MSEQ_FOREIGN_KEY:
        if (!c->name)
            status = mseq_naming_foreign_key_name(table->name, c->columns, c->column_count,
                                                  c->referred_table, c->referred_columns,
                                                  c->referred_count, &name, err);
        break;
    case MSEQ_EXCLUDE:
        break;
    }
    if (status == MSEQ_OK && name)
        status = keep_name(table, name, &c->name, err);
    return status;
}

/* What the convention sees of an element: a column's name, a function's name, or the expression's
 * text as SQLAlchemy prints it. */
static char *element_label(const mseq_table *table, const mseq_index_element *element) {
    if (element->function)
        return mseq_text_dup(element->function);
    if (element->text)
        return mseq_text_dup(element->text);
    if (!element->order && !element->nulls)
        return mseq_text_dup(element->column);
    return mseq_text_format("%s.%s%s%s%s%s", table->name, element->column,
                            element->order ? " " : "", element->order ? element->order : "",
                            element->nulls ? " NULLS " : "", element->nulls ? element->nulls : "");
}

mseq_status resolve_index_name(mseq_table *table, mseq_index *index, mseq_error *err) {
    index->name = index->given_name;
    /* The grain index follows the rule always; so do flags of columns, whose index must have a
     * name. */
    if (index->name || (!table->naming_convention && !index->automatic))
        return MSEQ_OK;
    char **labels = calloc(index->element_count ? index->element_count : 1, sizeof *labels);
    if (!labels)
        return mseq_error_no_memory(err);
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < index->element_count; i++)
        if (!(labels[i] = element_label(table, &index->elements[i])))
            status = mseq_error_no_memory(err);
    char *name = NULL;
    if (status == MSEQ_OK)
        status = mseq_naming_index_name(table->name, (const char *const *)labels,
                                        index->element_count, index->unique, &name, err);
    for (size_t i = 0; i < index->element_count; i++)
        free(labels[i]);
    free(labels);
    return status == MSEQ_OK ? keep_name(table, name, &index->name, err) : status;
}
