/* SPDX-License-Identifier: MIT
 * pyformat text → a driver's placeholders, and parameters in their order. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lexer.h"

typedef struct conversion {
    const char *sql;
    size_t length;
    mseq_dialect dialect;
    mseq_buffer text;
    mseq_strings names;
    mseq_value *positions; /* {name: its place in names, from 1} */
} conversion;

/* 0: no memory. */
static size_t position_of(conversion *c, const char *name, size_t length) {
    char *copy = strndup(name, length);
    int64_t known = copy ? mseq_object_get_integer(c->positions, copy, 0) : 0;
    if (known) {
        free(copy);
        return (size_t)known;
    }
    known = (int64_t)c->names.count + 1;
    if (!copy || mseq_object_put_integer(c->positions, copy, known) != MSEQ_OK) {
        free(copy);
        return 0;
    }
    return mseq_strings_add_take(&c->names, copy) == MSEQ_OK ? (size_t)known : 0;
}

static mseq_status single_percent(const char *where, size_t at, mseq_error *err) {
    mseq_error_set(err, MSEQ_E_STATEMENT, "a single %% stands %sat byte %zu", where, at + 1);
    mseq_error_hint(err, "write %%%% for a percent sign, %%(name)s for a parameter");
    return MSEQ_E_STATEMENT;
}

/* Copies text in which "%%" stands for "%" and nothing else may follow a "%". */
static mseq_status copy_quoted(conversion *c, size_t from, size_t to, bool comment,
                               mseq_error *err) {
    for (size_t i = from; i < to; i++) {
        if (c->sql[i] == '%' && i + 1 < to && c->sql[i + 1] == '%')
            i++;
        else if (c->sql[i] == '%' && !comment && !(i + 1 < to && c->sql[i + 1] == '('))
            return single_percent("inside quotes ", i, err);
        mseq_buffer_append_char(&c->text, c->sql[i]);
    }
    return MSEQ_OK;
}

/* "%%" or "%(name)s" at `at`; *end gets the first byte after it. */
static mseq_status convert_percent(conversion *c, size_t at, size_t *end, mseq_error *err) {
    const char *sql = c->sql;
    if (at + 1 < c->length && sql[at + 1] == '%') {
        *end = at + 2;
        mseq_buffer_append_char(&c->text, '%');
        return MSEQ_OK;
    }
    if (at + 1 >= c->length || sql[at + 1] != '(')
        return single_percent("", at, err);
    const char *close = memchr(sql + at + 2, ')', c->length - at - 2);
    size_t stop = close ? (size_t)(close - sql) : 0;
    if (!close || stop == at + 2 || stop + 1 >= c->length || sql[stop + 1] != 's')
        return mseq_error_set(err, MSEQ_E_STATEMENT,
                              "the placeholder at byte %zu is not of the form %%(name)s", at + 1);
    size_t position = position_of(c, sql + at + 2, stop - at - 2);
    if (!position)
        return mseq_error_no_memory(err);
    mseq_buffer_append_format(&c->text, "%c%zu", c->dialect == MSEQ_SQLITE ? '?' : '$', position);
    *end = stop + 2;
    return MSEQ_OK;
}

static mseq_status convert(conversion *c, mseq_error *err) {
    for (size_t at = 0; at < c->length;) {
        mseq_status status = MSEQ_OK;
        size_t end = at + 1;
        if (c->sql[at] == '%') {
            status = convert_percent(c, at, &end, err);
        } else {
            piece p = next_piece(c->sql, c->length, at, c->dialect);
            end = p.end;
            if (p.kind == PIECE_UNFINISHED)
                status =
                    mseq_error_set(err, MSEQ_E_STATEMENT,
                                   "the %s that starts at byte %zu has no end", p.what, at + 1);
            else if (p.kind == PIECE_TEXT || p.kind == PIECE_IDENTIFIER || p.kind == PIECE_COMMENT)
                status = copy_quoted(c, at, end, p.kind == PIECE_COMMENT, err);
            else
                mseq_buffer_append(&c->text, c->sql + at, end - at);
        }
        if (status != MSEQ_OK)
            return status;
        at = end;
    }
    return c->text.status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status mseq_sql_from_pyformat(const char *sql, size_t length, mseq_dialect dialect,
                                   mseq_sql_text *out, mseq_error *err) {
    if (memchr(sql, '\0', length))
        return mseq_error_set(err, MSEQ_E_STATEMENT, "the statement holds a NUL character");
    if (!mseq_utf8_valid(sql, length))
        return mseq_error_set(err, MSEQ_E_STATEMENT, "the statement is not valid UTF-8");
    conversion c = {sql, length, dialect, MSEQ_BUFFER_INIT, MSEQ_STRINGS_INIT, mseq_value_object()};
    mseq_status status = c.positions ? convert(&c, err) : mseq_error_no_memory(err);
    mseq_value_free(c.positions);
    char *text = NULL;
    size_t size = c.text.length;
    if (status == MSEQ_OK && !(text = mseq_buffer_take(&c.text)))
        status = mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        mseq_buffer_free(&c.text);
        mseq_strings_free(&c.names);
        return status;
    }
    *out = (mseq_sql_text){text, size, c.names};
    return MSEQ_OK;
}

void mseq_sql_text_free(mseq_sql_text *text) {
    free(text->text);
    mseq_strings_free(&text->names);
    text->text = NULL;
    text->length = 0;
}

/* ---- Parameters
 * ------------------------------------------------------------------------------------------ */

static mseq_status refuse_parameter(const char *name, bool missing, mseq_error *err) {
    mseq_error_set(err, MSEQ_E_STATEMENT,
                   missing ? "parameter '%s' has no value"
                           : "parameter '%s' is not used by the statement",
                   name);
    mseq_error_code(err, missing ? "parameter_missing" : "parameter_unused");
    return MSEQ_E_STATEMENT;
}

/* Whether every member is named; names are distinct, as keys are. */
static bool all_used(const mseq_sql_text *text, const mseq_value *parameters) {
    size_t used = 0;
    for (size_t i = 0; i < text->names.count; i++)
        used += mseq_object_get(parameters, text->names.items[i]) != NULL;
    return used == mseq_value_length(parameters);
}

static mseq_status refuse_first_unused(const mseq_value *named, const mseq_value *parameters,
                                       mseq_error *err) {
    bool array = mseq_value_kind(parameters) == MSEQ_ARRAY;
    for (size_t i = 0; i < mseq_value_length(parameters); i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        const char *name = array ? number : mseq_object_key_at(parameters, i);
        if (!mseq_object_get(named, name) || /* a NUL in it: it only begins like one */
            (!array && strlen(name) != mseq_object_key_length_at(parameters, i)))
            return refuse_parameter(name, false, err);
    }
    return MSEQ_OK;
}

static mseq_status check_unused(const mseq_sql_text *text, const mseq_value *parameters,
                                mseq_error *err) {
    if (all_used(text, parameters))
        return MSEQ_OK;
    mseq_value *named = mseq_value_object();
    mseq_status status = named ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; i < text->names.count && status == MSEQ_OK; i++)
        if (mseq_object_put_boolean(named, text->names.items[i], true) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = refuse_first_unused(named, parameters, err);
    mseq_value_free(named);
    return status;
}

mseq_status mseq_sql_bind(const mseq_sql_text *text, const mseq_value *parameters,
                          mseq_value **bound, mseq_error *err) {
    bool array = mseq_value_kind(parameters) == MSEQ_ARRAY;
    mseq_status status = check_unused(text, parameters, err);
    mseq_value *list = mseq_value_array();
    if (status == MSEQ_OK && !list)
        status = mseq_error_no_memory(err);
    for (size_t i = 0; status == MSEQ_OK && i < text->names.count; i++) {
        const char *name = text->names.items[i];
        int64_t position = -1;
        const mseq_value *value = NULL;
        if (!array)
            value = mseq_object_get(parameters, name);
        else if (mseq_parse_integer(name, &position) && position >= 0)
            value = mseq_array_get(parameters, (size_t)position);
        if (!value)
            status = refuse_parameter(name, true, err);
        else if (mseq_array_add(list, mseq_value_dup(value)) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    if (status != MSEQ_OK) {
        mseq_value_free(list);
        return status;
    }
    *bound = list;
    return MSEQ_OK;
}

/* ---- Kinds and scripts
 * --------------------------------------------------------------------------------------- */

void mseq_sql_first_word(const char *sql, size_t length, mseq_dialect dialect, char word[16]) {
    word[0] = '\0';
    for (size_t at = 0; at < length;) {
        piece p = next_piece(sql, length, at, dialect);
        if (p.kind == PIECE_WORD) {
            size_t size = p.end - at < 15 ? p.end - at : 15;
            for (size_t i = 0; i < size; i++)
                word[i] = (char)toupper((unsigned char)sql[at + i]);
            word[size] = '\0';
            return;
        }
        if (p.kind != PIECE_SPACE && p.kind != PIECE_COMMENT &&
            !(p.kind == PIECE_CODE && sql[at] == '('))
            return;
        at = p.end;
    }
}

bool mseq_sql_has_words(const char *sql, size_t length, mseq_dialect dialect, const char *first,
                        const char *second) {
    bool after_first = false;
    for (size_t at = 0; at < length;) {
        piece p = next_piece(sql, length, at, dialect);
        if (p.kind == PIECE_UNFINISHED)
            return false;
        size_t size = p.end - at;
        bool word = p.kind == PIECE_WORD;
        if (word && after_first && size == strlen(second) &&
            strncasecmp(sql + at, second, size) == 0)
            return true;
        if (word || p.kind == PIECE_CODE)
            after_first = word && size == strlen(first) && strncasecmp(sql + at, first, size) == 0;
        at = p.end;
    }
    return false;
}

static bool word_is(const char *sql, size_t at, size_t end, const char *word) {
    return end - at == strlen(word) && strncasecmp(sql + at, word, end - at) == 0;
}

static mseq_status add_part(const char *sql, size_t from, size_t to, bool content,
                            mseq_strings *statements, mseq_error *err) {
    while (from < to && isspace((unsigned char)sql[from]))
        from++;
    while (to > from && isspace((unsigned char)sql[to - 1]))
        to--;
    if (!content || from == to)
        return MSEQ_OK;
    return mseq_strings_add_take(statements, strndup(sql + from, to - from)) == MSEQ_OK
               ? MSEQ_OK
               : mseq_error_no_memory(err);
}

static mseq_status split(const char *sql, size_t length, mseq_dialect dialect,
                         mseq_strings *statements, mseq_error *err) {
    size_t start = 0, words = 0, depth = 0;
    bool content = false, create = false, trigger = false;
    for (size_t at = 0; at < length;) {
        piece p = next_piece(sql, length, at, dialect);
        if (p.kind == PIECE_UNFINISHED)
            return mseq_error_set(err, MSEQ_E_STATEMENT,
                                  "the %s that starts at byte %zu has no end", p.what, at + 1);
        if (p.kind == PIECE_WORD) {
            words++;
            create = create || (words == 1 && word_is(sql, at, p.end, "CREATE"));
            trigger = trigger || (create && words <= 4 && word_is(sql, at, p.end, "TRIGGER"));
            /* a SQLite trigger's body stands between BEGIN and END, in which CASE has an END too */
            if (trigger && dialect == MSEQ_SQLITE &&
                (word_is(sql, at, p.end, "BEGIN") || word_is(sql, at, p.end, "CASE")))
                depth++;
            else if (depth && word_is(sql, at, p.end, "END"))
                depth--;
        }
        content = content || (p.kind != PIECE_SPACE && p.kind != PIECE_COMMENT && sql[at] != ';');
        if (p.kind == PIECE_CODE && sql[at] == ';' && depth == 0) {
            mseq_status status = add_part(sql, start, at, content, statements, err);
            if (status != MSEQ_OK)
                return status;
            start = p.end;
            words = 0;
            content = create = trigger = false;
        }
        at = p.end;
    }
    return add_part(sql, start, length, content, statements, err);
}

mseq_status mseq_sql_split(const char *sql, size_t length, mseq_dialect dialect,
                           mseq_strings *statements, mseq_error *err) {
    const char *nul = memchr(sql, '\0', length);
    if (nul)
        return mseq_error_set(err, MSEQ_E_STATEMENT, "the script has a NUL at byte %zu",
                              (size_t)(nul - sql) + 1);
    mseq_strings found = MSEQ_STRINGS_INIT;
    mseq_status status = split(sql, length, dialect, &found, err);
    if (status != MSEQ_OK) {
        mseq_strings_free(&found);
        return status;
    }
    mseq_strings_free(statements);
    *statements = found;
    return MSEQ_OK;
}
