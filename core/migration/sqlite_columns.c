/* SPDX-License-Identifier: MIT
 * Columns on SQLite: by ALTER TABLE where it can, by a rebuild where it cannot. */
#include <stdlib.h>
#include <string.h>

#include "on_sqlite.h"

/* ---- What needs the table ------------------------------------------------------------------ */

/* ADD COLUMN takes constants only: a number, a string, a keyword that is not a clock. */
static bool is_constant(const char *text) {
    if (*text == '(') {
        text++;
        text += *text == '-' || *text == '+';
        size_t digits = strspn(text, "0123456789.");
        return digits && strcmp(text + digits, ")") == 0;
    }
    return strncasecmp(text, "CURRENT_", 8) != 0;
}

/* Whether ALTER TABLE cannot add the stub's column. */
static mseq_status column_needs_rebuild(const mseq_value *operation, const mseq_table *stub,
                                        bool *rebuild, mseq_error *err) {
    const mseq_column *column = mseq_table_column_at(stub, 0);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_ddl_server_default(MSEQ_SQLITE, &column->server_default, &text, err);
    *rebuild = column->primary_key || (column->unique && !column->index) ||
               mseq_object_get_boolean(column->computed, "persisted", false) ||
               text_of(operation, "insert_before") || text_of(operation, "insert_after") ||
               (text.length && !is_constant(mseq_buffer_text(&text)));
    mseq_buffer_free(&text);
    return status;
}

/* When that cannot be told, the table is asked for: the error comes when it is rendered. */
static bool add_needs_table(const mseq_value *operation) {
    mseq_table *stub = NULL;
    bool rebuild = true;
    if (op_stub(operation, OP_ADD_COLUMN, false, &stub, NULL) == MSEQ_OK &&
        column_needs_rebuild(operation, stub, &rebuild, NULL) != MSEQ_OK)
        rebuild = true;
    mseq_table_free(stub);
    return rebuild || flag_of(operation, "if_not_exists");
}

static bool alter_needs_rebuild(const mseq_value *operation) {
    return !mseq_value_is_null(mseq_object_get(operation, "type")) ||
           !mseq_value_is_null(mseq_object_get(operation, "nullable")) ||
           !mseq_value_is_null(mseq_object_get(operation, "server_default"));
}

bool op_sqlite_needs_table(const mseq_value *operation, op_kind kind) {
    switch (kind) {
    case OP_ADD_COLUMN:
        return add_needs_table(operation);
    case OP_ALTER_COLUMN:
        return alter_needs_rebuild(operation);
    case OP_DROP_COLUMN:
    case OP_CREATE_UNIQUE:
    case OP_CREATE_CHECK:
    case OP_CREATE_PRIMARY_KEY:
    case OP_CREATE_FOREIGN_KEY:
    case OP_DROP_CONSTRAINT:
        return true;
    default:
        return false;
    }
}

/* ---- ADD COLUMN ------------------------------------------------------------------------------ */

static mseq_status insert_column(render *r, const mseq_value *operation, maker *m,
                                 mseq_value *description, const mseq_value *column) {
    const char *before = text_of(operation, "insert_before"),
               *after = text_of(operation, "insert_after");
    if ((before && !lite_column(r->table, before)) || (after && !lite_column(r->table, after)))
        return lite_no_column(r, before ? before : after);
    mseq_value *columns = maker_array(m), *old = mseq_object_take(description, "columns");
    for (size_t i = 0; i < mseq_value_length(old); i++) {
        const mseq_value *item = mseq_array_get(old, i);
        const char *name = mseq_object_get_text(item, "name");
        if (lite_same_name(name, before))
            maker_add(m, columns, mseq_value_dup(column));
        maker_add(m, columns, mseq_value_dup(item));
        if (!before && lite_same_name(name, after))
            maker_add(m, columns, mseq_value_dup(column));
    }
    if (!before && !after)
        maker_add(m, columns, mseq_value_dup(column));
    mseq_value_free(old);
    maker_put(m, description, "columns", columns);
    return MSEQ_OK;
}

static mseq_status add_by_rebuild(render *r, const mseq_value *operation, const mseq_table *stub) {
    maker m = {false};
    mseq_value *description = NULL, *added = NULL;
    mseq_status status = lite_describe(r, operation, &description);
    if (status == MSEQ_OK)
        status = mseq_table_describe(stub, &added, r->err);
    if (status == MSEQ_OK && mseq_object_get(added, "primary_key") &&
        mseq_object_get(description, "primary_key"))
        status =
            mseq_error_set(r->err, MSEQ_E_DDL, "add_column: table '%s' has a primary key already",
                           mseq_table_name(r->table));
    if (status == MSEQ_OK)
        status = insert_column(r, operation, &m, description,
                               mseq_array_get(mseq_object_get(added, "columns"), 0));
    if (status == MSEQ_OK) {
        for (size_t i = 0; lite_constraint_lists[i]; i++)
            lite_merge(&m, description, added, lite_constraint_lists[i]);
        lite_merge(&m, description, added, "indexes");
        maker_copy(&m, description, "primary_key", mseq_object_get(added, "primary_key"));
        status = m.failed ? mseq_error_no_memory(r->err) : rebuild_table(r, description);
    }
    mseq_value_free(description);
    mseq_value_free(added);
    return status;
}

/* " CONSTRAINT name REFERENCES …": a column's own form of its foreign key. */
static mseq_status append_reference(render *r, const mseq_table *stub,
                                    const mseq_constraint *constraint, mseq_buffer *sql) {
    mseq_buffer whole = MSEQ_BUFFER_INIT, head = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_ddl_constraint(r->dialect, stub, constraint, &whole, r->err);
    const char *references = strstr(mseq_buffer_text(&whole), ") REFERENCES ");
    if (constraint->name) {
        mseq_buffer_append_text(&head, "CONSTRAINT ");
        mseq_ddl_quote(r->dialect, constraint->name, -1, &head);
        mseq_buffer_append_char(&head, ' ');
    }
    /* a name may hold the words, so the search starts behind it */
    if (status == MSEQ_OK)
        references = strstr(mseq_buffer_text(&whole) + head.length, ") REFERENCES ");
    if (status == MSEQ_OK && references)
        mseq_buffer_append_format(sql, " %s%s", mseq_buffer_text(&head), references + 2);
    if (head.status != MSEQ_OK)
        sql->status = head.status;
    mseq_buffer_free(&whole);
    mseq_buffer_free(&head);
    return status;
}

static mseq_status add_natively(render *r, const mseq_value *operation, const mseq_table *stub) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, text_of(operation, "schema"), text_of(operation, "table"), &sql);
    mseq_buffer_append_text(&sql, "ADD COLUMN ");
    mseq_status status =
        mseq_ddl_column(r->dialect, stub, mseq_table_column_at(stub, 0), &sql, r->err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_constraint_count(stub); i++)
        if (mseq_table_constraint_at(stub, i)->kind == MSEQ_FOREIGN_KEY)
            status = append_reference(r, stub, mseq_table_constraint_at(stub, i), &sql);
    if (status == MSEQ_OK && mseq_ddl_has_type_check(r->dialect, mseq_table_column_at(stub, 0))) {
        mseq_buffer_append_char(&sql, ' ');
        status = mseq_ddl_type_check_constraint(r->dialect, stub, mseq_table_column_at(stub, 0),
                                                &sql, r->err);
    }
    if (status == MSEQ_OK)
        status = render_add(r, &sql);
    mseq_buffer_free(&sql);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_index_count(stub); i++)
        status = mseq_ddl_create_index(r->dialect, stub, mseq_table_index_at(stub, i), NULL,
                                       r->statements, r->err);
    return status;
}

mseq_status op_sqlite_add_column(render *r, const mseq_value *operation) {
    mseq_table *stub = NULL;
    bool rebuild = false, if_not_exists = flag_of(operation, "if_not_exists");
    mseq_status status = op_stub(operation, OP_ADD_COLUMN, r->convention, &stub, r->err);
    if (status == MSEQ_OK)
        status = column_needs_rebuild(operation, stub, &rebuild, r->err);
    const char *name = status == MSEQ_OK ? mseq_table_column_at(stub, 0)->name : NULL;
    bool there = name && r->table && lite_column(r->table, name);
    if (status == MSEQ_OK && if_not_exists && !r->table) {
        mseq_value *description = NULL;
        status = lite_describe(r, operation, &description); /* an error: it is not known */
    } else if (status == MSEQ_OK && there) {
        if (!if_not_exists)
            status = mseq_error_set(r->err, MSEQ_E_DDL, "table '%s' has a column '%s' already",
                                    mseq_table_name(r->table), name);
    } else if (status == MSEQ_OK) {
        status = rebuild ? add_by_rebuild(r, operation, stub) : add_natively(r, operation, stub);
    }
    mseq_table_free(stub);
    return status;
}

/* ---- DROP COLUMN ----------------------------------------------------------------------------- */

static bool names_column(const char *const *columns, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (lite_same_name(columns[i], name))
            return true;
    return false;
}

static bool index_uses(const mseq_index *index, const char *name) {
    const char *where = mseq_object_get_text(index->sqlite, "where");
    for (size_t i = 0; i < index->element_count; i++) {
        const mseq_index_element *element = &index->elements[i];
        if (lite_same_name(element->column, name) ||
            (element->text && sql_mentions(element->text, name)))
            return true;
        for (size_t a = 0; a < mseq_value_length(element->arguments); a++)
            if (lite_same_name(mseq_value_get_text(mseq_array_get(element->arguments, a)), name))
                return true;
    }
    return where && sql_mentions(where, name);
}

static bool constraint_uses(const mseq_constraint *constraint, const char *name) {
    return constraint->kind == MSEQ_CHECK
               ? sql_mentions(constraint->sqltext, name)
               : names_column(constraint->columns, constraint->column_count, name);
}

/* Rebuild without the constraints and indexes that use the column; the column itself goes by ALTER
 * TABLE afterwards, which refuses when a view, a trigger or a generated column still needs it. */
static mseq_status drop_constraints_of_column(render *r, const mseq_value *operation,
                                              const bool *constraints, const bool *indexes) {
    maker m = {false};
    mseq_value *description = NULL;
    mseq_status status = lite_describe(r, operation, &description);
    if (status != MSEQ_OK)
        return status;
    lite_remove_constraints(r, &m, description, constraints);
    if (!m.failed && mseq_table_index_count(r->table))
        lite_keep(&m, description, "indexes", indexes);
    status = m.failed ? mseq_error_no_memory(r->err) : rebuild_table(r, description);
    mseq_value_free(description);
    return status;
}

static mseq_status drop_uses(render *r, const mseq_value *operation, const char *column) {
    size_t constraint_count = mseq_table_constraint_count(r->table),
           index_count = mseq_table_index_count(r->table);
    bool *constraints = calloc(constraint_count + index_count + 1, sizeof *constraints),
         rebuild = false;
    if (!constraints)
        return mseq_error_no_memory(r->err);
    bool *indexes = constraints + constraint_count;
    for (size_t i = 0; i < constraint_count; i++) {
        constraints[i] = constraint_uses(mseq_table_constraint_at(r->table, i), column);
        rebuild = rebuild || constraints[i];
    }
    for (size_t i = 0; i < index_count; i++)
        indexes[i] = index_uses(mseq_table_index_at(r->table, i), column);
    mseq_status status =
        rebuild ? drop_constraints_of_column(r, operation, constraints, indexes) : MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && !rebuild && i < index_count; i++)
        if (indexes[i])
            status = mseq_ddl_drop_index(r->dialect, text_of(operation, "schema"),
                                         mseq_table_index_at(r->table, i)->name, NULL,
                                         r->statements, r->err);
    free(constraints);
    return status;
}

mseq_status op_sqlite_drop_column(render *r, const mseq_value *operation) {
    const char *name = text_of(operation, "column");
    if (r->table && !lite_column(r->table, name))
        return mseq_object_get_boolean(operation, "if_exists", false) ? MSEQ_OK
                                                                      : lite_no_column(r, name);
    mseq_value *description = NULL;
    mseq_status status = lite_describe(r, operation, &description); /* an error when not known */
    mseq_value_free(description);
    if (status == MSEQ_OK)
        status = drop_uses(r, operation, name);
    if (status != MSEQ_OK)
        return status;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, text_of(operation, "schema"), text_of(operation, "table"), &sql);
    mseq_buffer_append_text(&sql, "DROP COLUMN ");
    mseq_ddl_quote(r->dialect, name, -1, &sql);
    return render_add(r, &sql);
}

/* ---- ALTER COLUMN ---------------------------------------------------------------------------- */

static mseq_status change_default(render *r, const mseq_value *operation, maker *m,
                                  mseq_value *column) {
    const mseq_value *to = mseq_object_get(operation, "server_default");
    if (mseq_value_is_null(to))
        return MSEQ_OK;
    if (mseq_value_kind(to) == MSEQ_OBJECT &&
        (mseq_object_get(to, "identity") || mseq_object_get(to, "computed")))
        return mseq_error_set(r->err, MSEQ_E_DDL, "column '%s' of table '%s': %s",
                              text_of(operation, "column"), text_of(operation, "table"),
                              mseq_object_get(to, "identity")
                                  ? "SQLite has no identity columns"
                                  : "an existing column cannot become a computed one");
    if (op_is_drop(to))
        (void)mseq_object_remove(column, "server_default");
    else
        maker_copy(m, column, "server_default", to);
    return m->failed ? mseq_error_no_memory(r->err) : MSEQ_OK;
}

static mseq_status alter_by_rebuild(render *r, const mseq_value *operation) {
    maker m = {false};
    mseq_value *description = NULL, *column = NULL;
    const char *name = text_of(operation, "column");
    mseq_status status = lite_describe(r, operation, &description);
    if (status != MSEQ_OK)
        return status;
    mseq_value *columns = mseq_object_peek(description, "columns");
    for (size_t i = 0; i < mseq_value_length(columns) && !column; i++)
        if (lite_same_name(mseq_object_get_text(mseq_array_get(columns, i), "name"), name))
            column = mseq_array_peek(columns, i);
    if (!column)
        status = lite_no_column(r, name);
    if (status == MSEQ_OK) {
        mseq_value *before = mseq_value_dup(column);
        m.failed = !before;
        maker_copy(&m, column, "type", mseq_object_get(operation, "type"));
        maker_copy(&m, column, "nullable", mseq_object_get(operation, "nullable"));
        status = m.failed ? mseq_error_no_memory(r->err) : change_default(r, operation, &m, column);
        bool same = mseq_value_equal(before, column);
        mseq_value_free(before);
        if (status == MSEQ_OK && !same)
            status = rebuild_table(r, description);
    }
    mseq_value_free(description);
    return status;
}

mseq_status op_sqlite_alter_column(render *r, const mseq_value *operation) {
    const char *name = text_of(operation, "column"), *new_name = text_of(operation, "new_name");
    mseq_status status = alter_needs_rebuild(operation) ? alter_by_rebuild(r, operation) : MSEQ_OK;
    if (status != MSEQ_OK || !new_name || strcmp(new_name, name) == 0)
        return status;
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    render_alter(r, text_of(operation, "schema"), text_of(operation, "table"), &sql);
    mseq_buffer_append_text(&sql, "RENAME COLUMN ");
    mseq_ddl_quote(r->dialect, name, -1, &sql);
    mseq_buffer_append_text(&sql, " TO ");
    mseq_ddl_quote(r->dialect, new_name, -1, &sql);
    return render_add(r, &sql);
}
