/* SPDX-License-Identifier: MIT
 * ALTER COLUMN on PostgreSQL: type, null, default or identity, comment, name, in that order. */
#include <string.h>

#include "migration_private.h"

bool op_is_drop(const mseq_value *value) {
    return mseq_object_get_boolean(value, "drop", false);
}

/* A default is the column's own forms, an identity, a computed expression, or {drop: true}. */
static bool has_member(const mseq_value *value, const char *key) {
    return mseq_value_kind(value) == MSEQ_OBJECT && mseq_object_get(value, key) != NULL;
}

mseq_status op_altered_column(const mseq_value *operation, const char *type_key,
                              const char *default_key, mseq_table **stub, mseq_error *err) {
    maker m = {false};
    mseq_value *description = maker_object(&m), *column = maker_object(&m);
    const mseq_value *type = mseq_object_get(operation, type_key),
                     *value = mseq_object_get(operation, default_key);
    maker_text(&m, description, "name", text_of(operation, "table"));
    maker_text(&m, column, "name", text_of(operation, "column"));
    if (mseq_value_is_null(type))
        maker_text(&m, column, "type", "NullType");
    else
        maker_copy(&m, column, "type", type);
    if (has_member(value, "identity") || has_member(value, "computed"))
        maker_copy_keys(&m, column, value, (const char *const[]){"identity", "computed", NULL});
    else if (!op_is_drop(value))
        maker_copy(&m, column, "server_default", value);
    maker_add(&m, maker_list(&m, description, "columns"), column);
    mseq_value *finished = NULL;
    mseq_status status = maker_finish(&m, description, &finished, err);
    if (status == MSEQ_OK)
        status = mseq_table_from_description(finished, stub, err);
    mseq_value_free(finished);
    return status;
}

/* "ALTER TABLE t ALTER COLUMN c " */
static void begin(render *r, const mseq_value *operation, mseq_buffer *sql) {
    render_alter(r, text_of(operation, "schema"), text_of(operation, "table"), sql);
    mseq_buffer_append_text(sql, "ALTER COLUMN ");
    mseq_ddl_quote(r->dialect, text_of(operation, "column"), -1, sql);
    mseq_buffer_append_char(sql, ' ');
}

static mseq_status alter_type(render *r, const mseq_value *operation, const mseq_column *column) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    begin(r, operation, &sql);
    mseq_buffer_append_text(&sql, "TYPE ");
    mseq_status status = mseq_ddl_type(r->dialect, column->type, &sql, r->err);
    if (text_of(operation, "postgresql_using"))
        mseq_buffer_append_format(&sql, " USING %s", text_of(operation, "postgresql_using"));
    if (status == MSEQ_OK)
        status = render_add(r, &sql);
    mseq_buffer_free(&sql);
    return status;
}

/* What PostgreSQL takes when an option is not given. */
static const struct {
    const char *key;
    const char *fallback;
} identity_options[] = {
    {"cache", "CACHE 1"},        {"cycle", "NO CYCLE"},       {"increment", "INCREMENT BY 1"},
    {"maxvalue", "NO MAXVALUE"}, {"minvalue", "NO MINVALUE"}, {"start", "START WITH 1"}};

static void change_identity(const mseq_value *from, const mseq_value *to, mseq_buffer *sql) {
    bool always = mseq_object_get_boolean(to, "always", false);
    if (always != mseq_object_get_boolean(from, "always", false))
        mseq_buffer_append_format(sql, "SET GENERATED %s ", always ? "ALWAYS" : "BY DEFAULT");
    for (size_t i = 0; i < sizeof identity_options / sizeof *identity_options; i++) {
        const char *key = identity_options[i].key;
        const mseq_value *old = mseq_object_get(from, key), *new = mseq_object_get(to, key);
        if (mseq_value_equal(old, new) || (!old && !new))
            continue;
        mseq_buffer_append_text(sql, "SET ");
        size_t length = sql->length;
        if (new)
            mseq_ddl_identity_option(to, key, sql);
        if (sql->length == length)
            mseq_buffer_append_text(sql, identity_options[i].fallback);
        mseq_buffer_append_char(sql, ' ');
    }
}

static mseq_status alter_identity(render *r, const mseq_value *operation, const mseq_value *to,
                                  const mseq_value *from) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    begin(r, operation, &sql);
    size_t length = sql.length;
    if (!to) {
        mseq_buffer_append_text(&sql, "DROP IDENTITY ");
    } else if (!from) {
        mseq_buffer_append_text(&sql, "ADD ");
        mseq_ddl_identity(to, &sql);
        mseq_buffer_append_char(&sql, ' ');
    } else {
        change_identity(from, to, &sql);
    }
    mseq_status status = sql.status;
    if (status == MSEQ_OK && sql.length > length) {
        sql.data[--sql.length] = '\0'; /* the last space */
        status = render_add(r, &sql);
    }
    mseq_buffer_free(&sql);
    return status;
}

static mseq_status drop_default(render *r, const mseq_value *operation) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    begin(r, operation, &sql);
    mseq_buffer_append_text(&sql, "DROP DEFAULT");
    return render_add(r, &sql);
}

static mseq_status alter_default(render *r, const mseq_value *operation,
                                 const mseq_column *column) {
    const mseq_value *to = mseq_object_get(operation, "server_default"),
                     *from = mseq_object_get(operation, "existing_server_default");
    if (has_member(to, "computed") || has_member(from, "computed"))
        return mseq_error_set(
            r->err, MSEQ_E_DDL,
            "column '%s' of table '%s': an existing column cannot become or cease "
            "to be a computed one",
            text_of(operation, "column"), text_of(operation, "table"));
    if (has_member(to, "identity") && !mseq_value_is_null(from) && !op_is_drop(from) &&
        !has_member(from, "identity")) { /* an identity column has no other default */
        mseq_status dropped = drop_default(r, operation);
        if (dropped != MSEQ_OK)
            return dropped;
    }
    if (has_member(to, "identity") || has_member(from, "identity"))
        return alter_identity(r, operation, has_member(to, "identity") ? column->identity : NULL,
                              has_member(from, "identity") ? mseq_object_get(from, "identity")
                                                           : NULL);
    if (op_is_drop(to))
        return drop_default(r, operation);
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    begin(r, operation, &sql);
    mseq_buffer_append_text(&sql, "SET DEFAULT ");
    mseq_status status = mseq_ddl_server_default(r->dialect, &column->server_default, &sql, r->err);
    if (status == MSEQ_OK)
        status = render_add(r, &sql);
    mseq_buffer_free(&sql);
    return status;
}

static mseq_status alter_tail(render *r, const mseq_value *operation) {
    const mseq_value *comment = mseq_object_get(operation, "comment");
    const char *schema = text_of(operation, "schema"), *table = text_of(operation, "table"),
               *column = text_of(operation, "column"), *new_name = text_of(operation, "new_name");
    mseq_status status = MSEQ_OK;
    if (!mseq_value_is_null(comment)) {
        mseq_buffer sql = MSEQ_BUFFER_INIT;
        render_comment(r, schema, table, column, mseq_value_get_text(comment), &sql);
        status = render_add(r, &sql);
    }
    if (status == MSEQ_OK && new_name && strcmp(new_name, column) != 0) {
        mseq_buffer sql = MSEQ_BUFFER_INIT;
        render_alter(r, schema, table, &sql);
        mseq_buffer_append_text(&sql, "RENAME ");
        mseq_ddl_quote(r->dialect, column, -1, &sql);
        mseq_buffer_append_text(&sql, " TO ");
        mseq_ddl_quote(r->dialect, new_name, -1, &sql);
        status = render_add(r, &sql);
    }
    return status;
}

mseq_status render_alter_column(render *r, const mseq_value *operation) {
    bool type = !mseq_value_is_null(mseq_object_get(operation, "type"));
    const mseq_value *nullable = mseq_object_get(operation, "nullable");
    if (text_of(operation, "postgresql_using") && !type)
        return mseq_error_set(r->err, MSEQ_E_DDL,
                              "alter_column of '%s': postgresql_using needs a type to change to",
                              text_of(operation, "column"));
    mseq_table *stub = NULL;
    mseq_status status = op_altered_column(operation, "type", "server_default", &stub, r->err);
    if (status != MSEQ_OK)
        return status;
    const mseq_column *column = mseq_table_column_at(stub, 0);
    if (type)
        status = render_enum(r, column);
    if (status == MSEQ_OK && type)
        status = alter_type(r, operation, column);
    if (status == MSEQ_OK && !mseq_value_is_null(nullable)) {
        mseq_buffer sql = MSEQ_BUFFER_INIT;
        begin(r, operation, &sql);
        mseq_buffer_append_text(&sql, mseq_value_get_boolean(nullable, false) ? "DROP NOT NULL"
                                                                              : "SET NOT NULL");
        status = render_add(r, &sql);
    }
    if (status == MSEQ_OK && !mseq_value_is_null(mseq_object_get(operation, "server_default")))
        status = alter_default(r, operation, column);
    if (status == MSEQ_OK)
        status = alter_tail(r, operation);
    mseq_table_free(stub);
    return status;
}
