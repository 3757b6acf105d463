/* SPDX-License-Identifier: MIT
 * What a PostgreSQL statement is and touches, and whether an operation and its scope allow it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "statement.h"

mseq_status sql_refuse(mseq_error *err, const char *code, const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    mseq_error_set(err, MSEQ_E_STATEMENT, "%s", message);
    mseq_error_code(err, code);
    return MSEQ_E_STATEMENT;
}

/* ---- Notes -------------------------------------------------------------------------------------
 */

mseq_status sql_note_relation(mseq_sql_statement *statement, const char *schema, const char *name,
                              bool written) {
    if ((statement->relation_count & (statement->relation_count + 1)) == 0) { /* 0, 1, 3, 7, … */
        mseq_sql_relation *more =
            realloc(statement->relations, (statement->relation_count + 1) * 2 * sizeof *more);
        if (!more)
            return MSEQ_E_NO_MEMORY;
        statement->relations = more;
    }
    mseq_sql_relation made = {.schema = schema && *schema ? mseq_text_dup(schema) : NULL,
                              .name = mseq_text_dup(name),
                              .written = written};
    if (!made.name || (schema && *schema && !made.schema)) {
        free(made.schema);
        free(made.name);
        return MSEQ_E_NO_MEMORY;
    }
    statement->relations[statement->relation_count++] = made;
    return MSEQ_OK;
}

static int compare_relations(const void *left, const void *right) {
    const mseq_sql_relation *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->schema ? a->schema : "", b->schema ? b->schema : "");
}

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void unique_relations(mseq_sql_statement *statement) {
    mseq_sql_relation *list = statement->relations;
    size_t kept = 0;
    if (statement->relation_count == 0)
        return;
    qsort(list, statement->relation_count, sizeof *list, compare_relations);
    for (size_t i = 1; i < statement->relation_count; i++) {
        if (compare_relations(&list[i], &list[kept]) != 0) {
            list[++kept] = list[i];
            continue;
        }
        list[kept].written = list[kept].written || list[i].written;
        free(list[i].schema);
        free(list[i].name);
    }
    statement->relation_count = kept + 1;
}

static void unique_texts(mseq_strings *list) {
    size_t kept = 0;
    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof *list->items, compare_texts);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(list->items[i], list->items[kept]) == 0)
            free(list->items[i]);
        else
            list->items[++kept] = list->items[i];
    }
    list->count = kept + 1;
}

void sql_finish_notes(mseq_sql_statement *statement) {
    unique_relations(statement);
    unique_texts(&statement->functions);
    unique_texts(&statement->operators);
    unique_texts(&statement->attributes);
}

void mseq_sql_statement_free(mseq_sql_statement *statement) {
    for (size_t i = 0; i < statement->relation_count; i++) {
        free(statement->relations[i].schema);
        free(statement->relations[i].name);
    }
    free(statement->relations);
    mseq_strings_free(&statement->functions);
    mseq_strings_free(&statement->operators);
    mseq_strings_free(&statement->attributes);
    *statement = (mseq_sql_statement){.kind = 0};
}

mseq_status mseq_sql_inspect(const char *sql, size_t length, mseq_sql_statement *statement,
                             mseq_error *err) {
    if (memchr(sql, '\0', length))
        return sql_refuse(err, "invalid_statement", "the statement holds a NUL character");
    if (!mseq_utf8_valid(sql, length))
        return sql_refuse(err, "invalid_statement", "the statement is not valid UTF-8");
    size_t start = 0;
    mseq_status status = sql_check_nesting(sql, length, &start, err);
    if (status != MSEQ_OK)
        return status;
#ifdef MSEQ_WITH_POSTGRESQL
    char *text = strndup(sql, length);
    mseq_sql_statement made = {.start = start};
    status = text ? sql_parse_postgresql(text, &made, err) : mseq_error_no_memory(err);
    free(text);
    if (status == MSEQ_OK) {
        sql_finish_notes(&made);
        *statement = made;
    } else {
        mseq_sql_statement_free(&made);
    }
    return status;
#else
    (void)statement;
    return mseq_error_set(err, MSEQ_E_ARGUMENT, "this build has no PostgreSQL");
#endif
}

/* ---- The operation -----------------------------------------------------------------------------
 */

static const char *const kind_names[] = {"", "SELECT", "INSERT", "UPDATE", "DELETE"};

static bool kind_from_operation(const char *operation, mseq_sql_kind *kind) {
    static const char *const names[] = {"", "select", "insert", "update", "delete"};
    if (strcmp(operation, "upsert") == 0) {
        *kind = MSEQ_SQL_INSERT;
        return true;
    }
    for (int i = MSEQ_SQL_SELECT; i <= MSEQ_SQL_DELETE; i++) {
        if (strcmp(operation, names[i]) == 0) {
            *kind = (mseq_sql_kind)i;
            return true;
        }
    }
    return false;
}

static const char *other_change(const mseq_sql_statement *statement, mseq_sql_kind kind) {
    for (unsigned i = MSEQ_SQL_INSERT; i <= MSEQ_SQL_DELETE; i++)
        if (i != (unsigned)kind && (statement->changes & 1u << i))
            return kind_names[i];
    return NULL;
}

mseq_status mseq_sql_check_operation(const mseq_sql_statement *statement, const char *operation,
                                     mseq_error *err) {
    mseq_sql_kind kind;
    if (!operation || !kind_from_operation(operation, &kind))
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "unknown operation '%s'",
                              operation ? operation : "");
    bool upsert = strcmp(operation, "upsert") == 0;
    if (statement->kind != kind)
        return sql_refuse(err, "kind_mismatch", "the operation is '%s', the statement is %s",
                          operation, kind_names[statement->kind]);
    const char *other = upsert ? NULL : other_change(statement, kind);
    if (other) {
        sql_refuse(err, "kind_mismatch", "the operation is '%s', a part of the statement is %s",
                   operation, other);
        mseq_error_hint(err, "only an upsert may hold data changes of other kinds in its WITH");
        return MSEQ_E_STATEMENT;
    }
    if (upsert && !statement->on_conflict) {
        sql_refuse(err, "kind_mismatch",
                   "the operation is 'upsert', the statement has no ON CONFLICT");
        mseq_error_hint(err, "use the operation 'insert'");
        return MSEQ_E_STATEMENT;
    }
    if (!upsert && statement->conflict_update) {
        sql_refuse(err, "kind_mismatch", "the operation is '%s', the statement updates on conflict",
                   operation);
        mseq_error_hint(err, "use the operation 'upsert'");
        return MSEQ_E_STATEMENT;
    }
    return MSEQ_OK;
}

/* ---- The scope ---------------------------------------------------------------------------------
 */

/* A relation without a schema is looked for in the default one. What starts with "pg_" would be
 * found among the system's tables first. */
static const mseq_governed_table *find(const mseq_sql_relation *relation,
                                       const mseq_governed_table *tables, size_t count,
                                       const char *default_schema) {
    const char *schema = relation->schema ? relation->schema : default_schema;
    if (!relation->schema && strncmp(relation->name, "pg_", 3) == 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *own = tables[i].schema ? tables[i].schema : default_schema;
        if (strcmp(tables[i].name, relation->name) == 0 && strcmp(own, schema) == 0)
            return &tables[i];
    }
    return NULL;
}

mseq_status mseq_sql_check_scope(const mseq_sql_statement *statement,
                                 const mseq_governed_table *tables, size_t count,
                                 const char *default_schema, mseq_error *err) {
    for (size_t i = 0; i < statement->relation_count; i++) {
        const mseq_sql_relation *relation = &statement->relations[i];
        const mseq_governed_table *found = find(relation, tables, count, default_schema);
        if (!found) {
            sql_refuse(err, "scope_violation",
                       "table '%s%s%s' is not in the scope of the statement",
                       relation->schema ? relation->schema : "", relation->schema ? "." : "",
                       relation->name);
            mseq_error_hint(err, "list every table of the statement in scope_tables");
            return MSEQ_E_STATEMENT;
        }
        if (relation->written && found->access != MSEQ_ACCESS_WRITE)
            return sql_refuse(err, "write_not_permitted",
                              "table '%s' is in the scope of the statement for reading only",
                              relation->name);
    }
    return MSEQ_OK;
}
