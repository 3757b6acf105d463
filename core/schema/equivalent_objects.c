/* SPDX-License-Identifier: MIT
 * Whether two indexes, unique constraints or foreign keys do the same. Names do not count. */
#include <string.h>

#include "schema_private.h"

const char *mseq_index_where(const mseq_index *index, mseq_dialect dialect) {
    return mseq_object_get_text(dialect == MSEQ_SQLITE ? index->sqlite : index->postgresql,
                                "where");
}

static bool nulls_not_distinct(const mseq_value *options, mseq_dialect dialect) {
    return dialect == MSEQ_POSTGRESQL &&
           mseq_object_get_boolean(options, "nulls_not_distinct", false);
}

/* Words of SQL; `otherwise` is what holds when nothing is said. */
static bool same_word(const char *a, const char *b, const char *otherwise) {
    return strcasecmp(a ? a : otherwise, b ? b : otherwise) == 0;
}

/* ---- Indexes ------------------------------------------------------------------------------- */

static void append_argument(const mseq_table *table, const mseq_value *argument,
                            mseq_buffer *text) {
    const char *string = mseq_value_get_text(argument);
    if (!string) {
        if (mseq_json_write(argument, 0, text, NULL) != MSEQ_OK && text->status == MSEQ_OK)
            text->status = MSEQ_E_NO_MEMORY;
        return;
    }
    if (mseq_table_column(table, string)) {
        mseq_buffer_append_text(text, string);
        return;
    }
    mseq_buffer_append_char(text, '\'');
    for (const char *c = string; *c; c++)
        mseq_buffer_append(text, *c == '\'' ? "''" : c, *c == '\'' ? 2 : 1);
    mseq_buffer_append_char(text, '\'');
}

mseq_status mseq_index_element_text(const mseq_table *table, const mseq_index_element *element,
                                    mseq_buffer *text) {
    if (!element->function)
        return mseq_buffer_append_text(text, element->column ? element->column : element->text);
    mseq_buffer_append_format(text, "%s(", element->function);
    for (size_t i = 0; i < mseq_value_length(element->arguments); i++) {
        if (i)
            mseq_buffer_append_text(text, ", ");
        append_argument(table, mseq_array_get(element->arguments, i), text);
    }
    return mseq_buffer_append_char(text, ')');
}

static bool descending(const mseq_index_element *element) {
    return element->order && strcmp(element->order, "desc") == 0;
}

/* NULLs go last in ascending order on PostgreSQL, first on SQLite, unless the index says so. */
static bool nulls_first(const mseq_index_element *element, mseq_dialect dialect) {
    if (element->nulls)
        return strcmp(element->nulls, "first") == 0;
    return descending(element) == (dialect == MSEQ_POSTGRESQL);
}

static bool same_element(const mseq_table *a_table, const mseq_index_element *a,
                         const mseq_table *b_table, const mseq_index_element *b,
                         mseq_dialect dialect, bool *failed) {
    if (descending(a) != descending(b) || nulls_first(a, dialect) != nulls_first(b, dialect))
        return false;
    if (a->column && b->column)
        return strcmp(a->column, b->column) == 0;
    mseq_buffer left = MSEQ_BUFFER_INIT, right = MSEQ_BUFFER_INIT;
    if (mseq_index_element_text(a_table, a, &left) != MSEQ_OK ||
        mseq_index_element_text(b_table, b, &right) != MSEQ_OK)
        *failed = true;
    bool same = !*failed && mseq_expression_equivalent(mseq_buffer_text(&left),
                                                       mseq_buffer_text(&right), failed);
    mseq_buffer_free(&left);
    mseq_buffer_free(&right);
    return same;
}

static bool same_member(const mseq_value *a, const mseq_value *b, const char *key) {
    const mseq_value *left = mseq_object_get(a, key), *right = mseq_object_get(b, key);
    return mseq_value_length(left) == 0 ? mseq_value_length(right) == 0
                                        : mseq_value_equal(left, right);
}

bool mseq_index_equivalent(const mseq_table *a_table, const mseq_index *a,
                           const mseq_table *b_table, const mseq_index *b, mseq_dialect dialect,
                           bool *failed) {
    if (a->unique != b->unique || a->element_count != b->element_count)
        return false;
    for (size_t i = 0; i < a->element_count; i++)
        if (!same_element(a_table, &a->elements[i], b_table, &b->elements[i], dialect, failed))
            return false;
    if (!mseq_expression_equivalent(mseq_index_where(a, dialect), mseq_index_where(b, dialect),
                                    failed))
        return false;
    const mseq_value *left = a->postgresql, *right = b->postgresql;
    return dialect == MSEQ_SQLITE ||
           (same_word(mseq_object_get_text(left, "using"), mseq_object_get_text(right, "using"),
                      "btree") &&
            nulls_not_distinct(left, dialect) == nulls_not_distinct(right, dialect) &&
            same_member(left, right, "include") && same_member(left, right, "ops"));
}

/* ---- Constraints --------------------------------------------------------------------------- */

bool mseq_unique_equivalent(const mseq_constraint *a, const mseq_constraint *b,
                            mseq_dialect dialect) {
    return same_column_set(a->columns, a->column_count, b->columns, b->column_count) &&
           nulls_not_distinct(a->postgresql, dialect) == nulls_not_distinct(b->postgresql, dialect);
}

/* "public" is the default schema. */
static const char *named_schema(const char *schema) {
    return schema && strcmp(schema, "public") != 0 ? schema : "";
}

/* Columns in pairs, in any order; a side that names no referred columns means the key. */
static bool same_pairs(const mseq_constraint *a, const mseq_constraint *b) {
    if (a->column_count != b->column_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++) {
        size_t k = 0;
        while (k < b->column_count && strcmp(a->columns[i], b->columns[k]) != 0)
            k++;
        if (k == b->column_count)
            return false;
        if (i < a->referred_count && k < b->referred_count &&
            strcmp(a->referred_columns[i], b->referred_columns[k]) != 0)
            return false;
    }
    return true;
}

bool mseq_foreign_key_equivalent(const mseq_constraint *a, const mseq_constraint *b,
                                 mseq_dialect dialect) {
    /* SQLite has no schemas: a reference stays in its own file. */
    bool same_schema = dialect == MSEQ_SQLITE || strcmp(named_schema(a->referred_schema),
                                                        named_schema(b->referred_schema)) == 0;
    return same_schema && strcmp(a->referred_table, b->referred_table) == 0 && same_pairs(a, b) &&
           same_word(a->ondelete, b->ondelete, "NO ACTION") &&
           same_word(a->onupdate, b->onupdate, "NO ACTION") &&
           (a->deferrable == 1) == (b->deferrable == 1) &&
           same_word(a->initially, b->initially, "IMMEDIATE") &&
           (dialect == MSEQ_SQLITE || same_word(a->match, b->match, "SIMPLE"));
}
