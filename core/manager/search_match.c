/* SPDX-License-Identifier: MIT
 * Which tables match the words of a search, and in which order: the part that differs between the
 * catalog's databases. Both find the same tables; how they rank them is their own.
 *
 * SQLite: FTS5 with the tokenizer "trigram", ranked by bm25; words of fewer than three characters
 * have no trigram and are looked for as they are. PostgreSQL: LIKE, for which version 4 of the
 * catalog makes trigram indexes where pg_trgm is there, ranked by full text search. */
#include <stdlib.h>
#include <string.h>

#include "search.h"

enum { TRIGRAM = 3 };

static mseq_status add_text(manager_filter *filter, const char *before, const char *text,
                            const char *after, mseq_error *err) {
    mseq_value *value = mseq_value_string(text);
    mseq_status status = value ? manager_filter_condition(filter, before, value, after, err)
                               : mseq_error_no_memory(err);
    mseq_value_free(value);
    return status;
}

/* ---- SQLite ------------------------------------------------------------------------------------
 */

/* `column : ("word" AND "word")`, of the words that have a trigram; empty when none has. */
static void fts_expression(const char *column, const mseq_strings *words, mseq_buffer *text) {
    for (size_t i = 0; i < words->count; i++) {
        if (mseq_utf8_length(words->items[i]) < TRIGRAM)
            continue;
        if (text->length == 0)
            mseq_buffer_append_format(text, "%s : (", column);
        else
            mseq_buffer_append_text(text, " AND ");
        mseq_buffer_append_char(text, '"');
        for (const char *at = words->items[i]; *at; at++)
            mseq_buffer_append(text, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
        mseq_buffer_append_char(text, '"');
    }
    if (text->length > 0)
        mseq_buffer_append_char(text, ')');
}

/* Names weigh more than what describes a table, and that more than its columns. */
static mseq_status join_fts(manager_filter *filter, const char *expression, mseq_error *err) {
    mseq_value *value = mseq_value_string(expression);
    mseq_status status =
        value ? manager_filter_join(
                    filter,
                    " JOIN (SELECT rowid AS found_id, bm25(table_search, 10.0, 3.0, 1.0) AS score"
                    " FROM table_search WHERE table_search MATCH ",
                    value, ") AS found ON found.found_id = meta_table.id", "found.score", err)
              : mseq_error_no_memory(err);
    mseq_value_free(value);
    return status;
}

static mseq_status match_sqlite(manager_filter *filter, const char *column,
                                const mseq_strings *words, mseq_error *err) {
    mseq_buffer expression = MSEQ_BUFFER_INIT;
    /* what the three hold together is search_text */
    bool whole = strcmp(column, "search_text") == 0;
    fts_expression(whole ? "{name_text description_text column_text}" : column, words, &expression);
    mseq_status status = expression.status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK && expression.length > 0)
        status = join_fts(filter, mseq_buffer_text(&expression), err);
    for (size_t i = 0; i < words->count && status == MSEQ_OK; i++)
        if (mseq_utf8_length(words->items[i]) < TRIGRAM)
            status = manager_filter_contains(filter, column, words->items[i], err);
    mseq_buffer_free(&expression);
    return status;
}

/* ---- PostgreSQL --------------------------------------------------------------------------------
 */

static mseq_status like(manager_filter *filter, const char *column, const char *word,
                        mseq_error *err) {
    mseq_buffer pattern = MSEQ_BUFFER_INIT, before = MSEQ_BUFFER_INIT;
    mseq_buffer_append_char(&pattern, '%');
    for (const char *at = word; *at; at++) {
        if (*at == '%' || *at == '_' || *at == '\\')
            mseq_buffer_append_char(&pattern, '\\');
        mseq_buffer_append_char(&pattern, *at);
    }
    mseq_buffer_append_char(&pattern, '%');
    mseq_buffer_append_format(&before, "%s LIKE ", column);
    mseq_status status =
        pattern.status == MSEQ_OK && before.status == MSEQ_OK
            ? add_text(filter, mseq_buffer_text(&before), mseq_buffer_text(&pattern), "", err)
            : mseq_error_no_memory(err);
    mseq_buffer_free(&pattern);
    mseq_buffer_free(&before);
    return status;
}

/* First by where the words are, also inside of others, with the weights that SQLite has; then by
 * PostgreSQL's own rank. */
static mseq_status join_rank(manager_filter *filter, const char *text, mseq_error *err) {
    mseq_value *value = mseq_value_string(text);
    mseq_status status =
        value ? manager_filter_join(
                    filter,
                    " CROSS JOIN (SELECT question, plainto_tsquery('simple', question) AS query"
                    " FROM (SELECT CAST(",
                    value, " AS text) AS question) AS asked) AS found",
                    "(SELECT SUM(CASE WHEN strpos(name_text, word) > 0 THEN 10 ELSE 0 END"
                    " + CASE WHEN strpos(description_text, word) > 0 THEN 3 ELSE 0 END"
                    " + CASE WHEN strpos(column_text, word) > 0 THEN 1 ELSE 0 END)"
                    " FROM unnest(string_to_array(found.question, ' ')) AS word) DESC,"
                    " ts_rank(setweight(to_tsvector('simple', name_text), 'A')"
                    " || setweight(to_tsvector('simple', description_text), 'B')"
                    " || setweight(to_tsvector('simple', column_text), 'D'), found.query) DESC",
                    err)
              : mseq_error_no_memory(err);
    mseq_value_free(value);
    return status;
}

static mseq_status match_postgresql(manager_filter *filter, const char *column,
                                    const mseq_strings *words, const char *text, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < words->count && status == MSEQ_OK; i++)
        status = like(filter, column, words->items[i], err);
    return status == MSEQ_OK ? join_rank(filter, text, err) : status;
}

mseq_status manager_search_match(manager_filter *filter, const char *column,
                                 const mseq_strings *words, const char *text, mseq_error *err) {
    return mseq_connection_dialect(filter->call->catalog) == MSEQ_SQLITE
               ? match_sqlite(filter, column, words, err)
               : match_postgresql(filter, column, words, text, err);
}
