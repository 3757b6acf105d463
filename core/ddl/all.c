/* SPDX-License-Identifier: MIT
 * create_all and drop_all: enum types, tables in dependency order, foreign keys of cycles by ALTER.
 */
#include <stdlib.h>
#include <string.h>

#include "ddl_private.h"

/* Tables in order, and which of them are on a foreign-key cycle. */
typedef struct plan {
    size_t count;
    const mseq_table **tables;
    bool *in_cycle;
    bool cyclic;
} plan;

static void plan_free(plan *p) {
    free(p->tables);
    free(p->in_cycle);
}

/* PostgreSQL would cut a longer name without a word. */
static mseq_status check_identifier(const char *what, const char *name, mseq_error *err) {
    if (!name || mseq_utf8_length(name) <= MSEQ_IDENTIFIER_MAXIMUM)
        return MSEQ_OK;
    return mseq_error_set(err, MSEQ_E_DDL, "%s name '%s' is longer than %d characters", what, name,
                          MSEQ_IDENTIFIER_MAXIMUM);
}

static mseq_status plan_make(const mseq_metadata *metadata, mseq_dialect dialect, plan *p,
                             mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0;
         dialect == MSEQ_POSTGRESQL && status == MSEQ_OK && i < mseq_metadata_count(metadata);
         i++) {
        const mseq_table *table = mseq_metadata_at(metadata, i);
        status = check_identifier("table", mseq_table_name(table), err);
        if (status == MSEQ_OK)
            status = check_identifier("schema", mseq_table_schema(table), err);
    }
    if (status != MSEQ_OK)
        return status;
    p->count = mseq_metadata_count(metadata);
    p->tables = calloc(p->count + 1, sizeof(mseq_table *));
    p->in_cycle = calloc(p->count + 1, sizeof *p->in_cycle);
    if (!p->tables || !p->in_cycle)
        return mseq_error_no_memory(err);
    return mseq_metadata_sort(metadata, MSEQ_SORT_DECLARATION, p->tables, p->in_cycle, &p->cyclic,
                              err);
}

static mseq_status add_enum(const mseq_type *type, bool create, mseq_strings *seen,
                            mseq_strings *statements, mseq_error *err) {
    mseq_buffer name = MSEQ_BUFFER_INIT, sql = MSEQ_BUFFER_INIT;
    mseq_status status = MSEQ_OK;
    const char *own = mseq_object_get_text(type->arguments, "name");
    if (!own)
        return mseq_error_set(err, MSEQ_E_DDL, "PostgreSQL ENUM type requires a name");
    mseq_ddl_table_reference(MSEQ_POSTGRESQL, mseq_object_get_text(type->arguments, "schema"), own,
                             &name);
    if (!mseq_strings_contains(seen, mseq_buffer_text(&name))) {
        if (create)
            status = mseq_ddl_create_enum(type, false, &sql, err);
        else
            mseq_buffer_append_format(&sql, "DROP TYPE %s", mseq_buffer_text(&name));
        if (status == MSEQ_OK && mseq_strings_add(seen, mseq_buffer_text(&name)) != MSEQ_OK)
            status = mseq_error_no_memory(err);
        if (status == MSEQ_OK)
            status = ddl_add_statement(statements, &sql, err);
    }
    mseq_buffer_free(&name);
    mseq_buffer_free(&sql);
    return status;
}

/* CREATE or DROP of every native enum type of the tables, each once, by its quoted name. */
static mseq_status each_enum(const plan *p, mseq_dialect dialect, bool create,
                             mseq_strings *statements, mseq_error *err) {
    mseq_strings seen = MSEQ_STRINGS_INIT;
    mseq_status status = MSEQ_OK;
    for (size_t t = 0; dialect == MSEQ_POSTGRESQL && t < p->count; t++)
        for (size_t c = 0; status == MSEQ_OK && c < mseq_table_column_count(p->tables[t]); c++) {
            const mseq_type *type = mseq_ddl_enum_type(mseq_table_column_at(p->tables[t], c));
            if (type)
                status = add_enum(type, create, &seen, statements, err);
            if (status != MSEQ_OK)
                mseq_error_prefix(err, "table '%s': ", mseq_table_name(p->tables[t]));
        }
    mseq_strings_free(&seen);
    return status;
}

typedef struct alter_item {
    const mseq_table *table;
    const mseq_constraint *key;
} alter_item;

static int by_table_and_name(const void *left, const void *right) {
    const alter_item *a = left, *b = right;
    int order = strcmp(mseq_table_name(a->table), mseq_table_name(b->table));
    return order ? order
                 : strcmp(a->key->name ? a->key->name : "", b->key->name ? b->key->name : "");
}

static mseq_status drop_constraint(mseq_dialect dialect, const alter_item *item,
                                   mseq_strings *statements, mseq_error *err) {
    if (!item->key->name)
        return mseq_error_set(
            err, MSEQ_E_DDL,
            "a foreign key of table '%s' is on a cycle and has no name, so it cannot be dropped",
            mseq_table_name(item->table));
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "ALTER TABLE ");
    mseq_ddl_table_reference(dialect, mseq_table_schema(item->table), mseq_table_name(item->table),
                             &sql);
    mseq_buffer_append_text(&sql, " DROP CONSTRAINT ");
    mseq_status status =
        ddl_append_name(dialect, item->key->name, item->key->name_final, "constraint", &sql, err);
    if (status == MSEQ_OK)
        return ddl_add_statement(statements, &sql, err);
    mseq_buffer_free(&sql);
    return status;
}

/* ALTER TABLE ADD or DROP of the foreign keys that CREATE TABLE leaves out, sorted by table and
 * name. */
static mseq_status alter_keys(const plan *p, mseq_dialect dialect, bool add,
                              mseq_strings *statements, mseq_error *err) {
    if (dialect == MSEQ_SQLITE)
        return MSEQ_OK;
    size_t room = 1, count = 0;
    for (size_t t = 0; t < p->count; t++)
        room += mseq_table_constraint_count(p->tables[t]);
    alter_item *items = calloc(room, sizeof *items);
    if (!items)
        return mseq_error_no_memory(err);
    for (size_t t = 0; t < p->count; t++)
        for (size_t c = 0; c < mseq_table_constraint_count(p->tables[t]); c++) {
            const mseq_constraint *key = mseq_table_constraint_at(p->tables[t], c);
            if (key->kind == MSEQ_FOREIGN_KEY && (key->use_alter || p->in_cycle[t]))
                items[count++] = (alter_item){p->tables[t], key};
        }
    qsort(items, count, sizeof *items, by_table_and_name);
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < count; i++)
        status =
            add ? mseq_ddl_add_constraint(dialect, items[i].table, items[i].key, statements, err)
                : drop_constraint(dialect, &items[i], statements, err);
    free(items);
    return status;
}

mseq_status mseq_ddl_create_all(mseq_dialect dialect, const mseq_metadata *metadata,
                                mseq_strings *statements, mseq_error *err) {
    plan p = {0};
    size_t from = statements->count;
    mseq_status status = plan_make(metadata, dialect, &p, err);
    if (status == MSEQ_OK)
        status = each_enum(&p, dialect, true, statements, err);
    for (size_t i = 0; status == MSEQ_OK && i < p.count; i++) {
        mseq_ddl_options options = MSEQ_DDL_OPTIONS_INIT;
        options.without_foreign_keys = p.in_cycle[i];
        status = mseq_ddl_create_table(dialect, p.tables[i], &options, statements, err);
    }
    if (status == MSEQ_OK)
        status = alter_keys(&p, dialect, true, statements, err);
    plan_free(&p);
    return ddl_settle(status, statements, from);
}

mseq_status mseq_ddl_drop_all(mseq_dialect dialect, const mseq_metadata *metadata,
                              mseq_strings *statements, mseq_error *err) {
    plan p = {0};
    size_t from = statements->count;
    mseq_status status = plan_make(metadata, dialect, &p, err);
    if (status == MSEQ_OK)
        status = alter_keys(&p, dialect, false, statements, err);
    for (size_t i = 0; status == MSEQ_OK && i < p.count; i++) {
        /* SQLite has no ALTER to open a cycle: plain declaration order */
        const mseq_table *table = dialect == MSEQ_SQLITE && p.cyclic ? mseq_metadata_at(metadata, i)
                                                                     : p.tables[p.count - 1 - i];
        status = mseq_ddl_drop_table(dialect, table, NULL, statements, err);
    }
    if (status == MSEQ_OK)
        status = each_enum(&p, dialect, false, statements, err);
    plan_free(&p);
    return ddl_settle(status, statements, from);
}
