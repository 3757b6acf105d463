/* SPDX-License-Identifier: MIT
 * A reader of SQLite's grammar for CREATE TABLE and CREATE INDEX
 * (https://sqlite.org/lang_createtable.html, lang_createindex.html). The text was accepted by
 * SQLite, so this reader never refuses: it skips what it does not know. */
#include <stdlib.h>
#include <string.h>

#include "sqlite_parse.h"

void sqlite_reader_start(sqlite_reader *reader, const char *sql) {
    *reader = (sqlite_reader){.at = sql, .end = sql + strlen(sql)};
    reader->token = sqlite_next_token(&reader->at, reader->end);
    reader->behind_last = sql;
}

void sqlite_reader_next(sqlite_reader *reader) {
    reader->behind_last = reader->token.text + reader->token.length;
    reader->token = sqlite_next_token(&reader->at, reader->end);
}

bool sqlite_reader_is(const sqlite_reader *reader, const char *word) {
    return sqlite_token_is(&reader->token, word);
}

bool sqlite_reader_is_byte(const sqlite_reader *reader, char byte) {
    return sqlite_token_is_byte(&reader->token, byte);
}

bool sqlite_reader_take(sqlite_reader *reader, const char *word) {
    bool found = sqlite_reader_is(reader, word);
    if (found)
        sqlite_reader_next(reader);
    return found;
}

bool sqlite_reader_take_byte(sqlite_reader *reader, char byte) {
    bool found = sqlite_reader_is_byte(reader, byte);
    if (found)
        sqlite_reader_next(reader);
    return found;
}

bool sqlite_reader_at_name(const sqlite_reader *reader) {
    return reader->token.kind == LITE_TOKEN_WORD || reader->token.kind == LITE_TOKEN_QUOTED ||
           reader->token.kind == LITE_TOKEN_STRING;
}

char *sqlite_reader_name(sqlite_reader *reader) {
    if (!sqlite_reader_at_name(reader))
        return NULL;
    char *name = sqlite_token_name(&reader->token);
    if (!name)
        reader->failed = true;
    sqlite_reader_next(reader);
    return name;
}

bool sqlite_reader_group(sqlite_reader *reader, const char **text, size_t *length) {
    if (!sqlite_reader_take_byte(reader, '('))
        return false;
    const char *start = reader->token.text, *stop = start;
    for (size_t depth = 1; depth && reader->token.kind != LITE_TOKEN_END;) {
        if (sqlite_reader_is_byte(reader, '('))
            depth++;
        else if (sqlite_reader_is_byte(reader, ')'))
            depth--;
        sqlite_reader_next(reader);
        if (depth)
            stop = reader->behind_last;
    }
    *text = start;
    *length = (size_t)(stop - start);
    return true;
}

const char *sqlite_column_spelling(const mseq_value *table, const char *name) {
    const mseq_value *columns = mseq_object_get(table, "columns");
    for (size_t i = 0; i < mseq_value_length(columns); i++) {
        const char *column = mseq_object_get_text(mseq_array_get(columns, i), "name");
        if (column && sqlite3_stricmp(column, name) == 0)
            return column;
    }
    return name;
}

/* ---- CREATE INDEX ----------------------------------------------------------------------------
 */

static bool at_element_end(const sqlite_reader *reader) {
    return reader->token.kind == LITE_TOKEN_END || sqlite_reader_is_byte(reader, ',') ||
           sqlite_reader_is_byte(reader, ')');
}

/* One element, from the reader's token to the "," or ")" that ends it. *plain stays true for a bare
 * column. */
static mseq_value *read_element(sqlite_reader *reader, const mseq_value *table, bool *plain) {
    sqlite_token first = reader->token;
    const char *stop = first.text, *order = NULL, *skipped;
    size_t tokens = 0, length;
    for (; !at_element_end(reader) && !sqlite_reader_is(reader, "ASC") &&
           !sqlite_reader_is(reader, "DESC");
         tokens++) {
        if (!sqlite_reader_group(reader, &skipped, &length))
            sqlite_reader_next(reader);
        stop = reader->behind_last;
    }
    if (sqlite_reader_take(reader, "DESC"))
        order = "desc";
    sqlite_reader_take(reader, "ASC");
    while (!at_element_end(reader))
        sqlite_reader_next(reader);
    bool name = tokens == 1 && (first.kind == LITE_TOKEN_WORD || first.kind == LITE_TOKEN_QUOTED ||
                                first.kind == LITE_TOKEN_STRING);
    *plain = *plain && name && !order;
    char *text =
        name ? sqlite_token_name(&first) : strndup(first.text, (size_t)(stop - first.text));
    mseq_value *element = mseq_value_object();
    bool ok = text && element &&
              mseq_object_put_text(element, name ? "column" : "text",
                                   name ? sqlite_column_spelling(table, text) : text) == MSEQ_OK &&
              (!order || mseq_object_put_text(element, "order", order) == MSEQ_OK);
    free(text);
    if (ok)
        return element;
    mseq_value_free(element);
    return NULL;
}

/* [{column}] → [name] */
static mseq_value *column_names(const mseq_value *elements) {
    mseq_value *names = mseq_value_array();
    for (size_t i = 0; names && i < mseq_value_length(elements); i++) {
        const char *name = mseq_object_get_text(mseq_array_get(elements, i), "column");
        if (mseq_array_add(names, mseq_value_string(name)) != MSEQ_OK) {
            mseq_value_free(names);
            return NULL;
        }
    }
    return names;
}

static mseq_status read_elements(sqlite_reader *reader, const mseq_value *table, mseq_value *index,
                                 mseq_error *err) {
    mseq_value *elements = mseq_value_array();
    bool plain = true, ok = elements != NULL;
    while (ok && reader->token.kind != LITE_TOKEN_END && !sqlite_reader_is_byte(reader, ')')) {
        ok = mseq_array_add(elements, read_element(reader, table, &plain)) == MSEQ_OK;
        if (!sqlite_reader_take_byte(reader, ','))
            break;
    }
    sqlite_reader_take_byte(reader, ')');
    if (ok && plain) {
        ok = mseq_object_put(index, "columns", column_names(elements)) == MSEQ_OK;
        mseq_value_free(elements);
    } else if (ok) {
        ok = mseq_object_put(index, "expressions", elements) == MSEQ_OK;
    } else {
        mseq_value_free(elements);
    }
    return ok ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_status read_where(sqlite_reader *reader, mseq_value *index, mseq_error *err) {
    if (!sqlite_reader_take(reader, "WHERE"))
        return MSEQ_OK;
    const char *start = reader->token.text, *end = start;
    while (reader->token.kind != LITE_TOKEN_END && !sqlite_reader_is_byte(reader, ';')) {
        sqlite_reader_next(reader);
        end = reader->behind_last;
    }
    mseq_value *options = mseq_value_object();
    if (!options || mseq_object_put(options, "where",
                                    mseq_value_string_n(start, (size_t)(end - start))) != MSEQ_OK) {
        mseq_value_free(options);
        return mseq_error_no_memory(err);
    }
    return mseq_object_put(index, "sqlite", options) == MSEQ_OK ? MSEQ_OK
                                                                : mseq_error_no_memory(err);
}

mseq_status sqlite_parse_index(const char *sql, const mseq_value *table, mseq_value **index,
                               mseq_error *err) {
    sqlite_reader reader;
    sqlite_reader_start(&reader, sql);
    *index = NULL;
    sqlite_reader_take(&reader, "CREATE");
    bool unique = sqlite_reader_take(&reader, "UNIQUE");
    if (!sqlite_reader_take(&reader, "INDEX"))
        return MSEQ_OK;
    while (reader.token.kind != LITE_TOKEN_END && !sqlite_reader_take_byte(&reader, '('))
        sqlite_reader_next(&reader); /* IF NOT EXISTS name ON table: known from the catalog */
    mseq_value *made = mseq_value_object();
    mseq_status status =
        made && (!unique || mseq_object_put_boolean(made, "unique", true) == MSEQ_OK)
            ? MSEQ_OK
            : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = read_elements(&reader, table, made, err);
    if (status == MSEQ_OK)
        status = read_where(&reader, made, err);
    if (status == MSEQ_OK && reader.failed)
        status = mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        mseq_value_free(made);
        return status;
    }
    *index = made;
    return MSEQ_OK;
}
