/* SPDX-License-Identifier: MIT
 * Rows: their keys and cells. */
#include <stdlib.h>
#include <string.h>

#include "json_private.h"

/* ---- Cells -------------------------------------------------------------------------------------
 */

void mseq_cell_boolean(mseq_cell *cell, bool boolean) {
    cell->kind = MSEQ_BOOLEAN;
    cell->as.boolean = boolean;
}

void mseq_cell_integer(mseq_cell *cell, int64_t integer) {
    cell->kind = MSEQ_INTEGER;
    cell->as.integer = integer;
}

void mseq_cell_float(mseq_cell *cell, double number) {
    cell->kind = MSEQ_FLOAT;
    cell->as.number = number;
}

void mseq_cell_text(mseq_cell *cell, const char *text, size_t length) {
    cell->kind = MSEQ_STRING;
    cell->text = text;
    cell->as.length = length;
}

void mseq_cell_copy(mseq_cell *cell, const char *text, size_t length) {
    memcpy(cell->room, text, length);
    mseq_cell_text(cell, cell->room, length);
}

void mseq_cell_borrow(mseq_cell *cell, const mseq_value *value) {
    cell->kind = mseq_value_kind(value);
    switch (cell->kind) {
    case MSEQ_NULL:
        break;
    case MSEQ_BOOLEAN:
        cell->as.boolean = mseq_value_get_boolean(value, false);
        break;
    case MSEQ_INTEGER:
        cell->as.integer = mseq_value_get_integer(value, 0);
        break;
    case MSEQ_FLOAT:
        cell->as.number = mseq_value_get_float(value, 0);
        break;
    case MSEQ_STRING:
        cell->text = mseq_value_get_text(value);
        cell->as.length = mseq_value_get_text_length(value);
        break;
    default:
        cell->value = value;
    }
}

bool mseq_cell_take(mseq_cell *cell, mseq_value *value) {
    if (!value)
        return false;
    mseq_cell_borrow(cell, value);
    cell->owned = value;
    return true;
}

static inline void clear_cell(mseq_cell *cell) {
    if (cell->owned)
        mseq_value_free(cell->owned);
    cell->owned = NULL;
    cell->kind = MSEQ_NULL;
}

void mseq_cell_clear(mseq_cell *cell) {
    clear_cell(cell);
}

mseq_value *mseq_cell_to_value(mseq_cell *cell) {
    mseq_value *value = cell->owned;
    if (value) {
        cell->owned = NULL;
        cell->kind = MSEQ_NULL;
        return value;
    }
    switch (cell->kind) {
    case MSEQ_NULL:
        return mseq_value_null();
    case MSEQ_BOOLEAN:
        return mseq_value_boolean(cell->as.boolean);
    case MSEQ_INTEGER:
        return mseq_value_integer(cell->as.integer);
    case MSEQ_FLOAT:
        return mseq_value_float(cell->as.number);
    case MSEQ_STRING:
        return mseq_value_string_n(cell->text, cell->as.length);
    default:
        return mseq_value_dup(cell->value);
    }
}

/* ---- Keys --------------------------------------------------------------------------------------
 */

/* The text of all keys, then what stands before their values, as one. */
static void write_keys(const char *const *keys, const size_t *lengths, size_t count,
                       mseq_row_key *made, mseq_buffer *text) {
    for (size_t i = 0; i < count; i++) {
        made[i].length = lengths ? lengths[i] : strlen(keys[i]);
        mseq_buffer_append(text, keys[i], made[i].length);
        mseq_buffer_append_char(text, '\0');
    }
    for (size_t i = 0; i < count; i++) {
        size_t before = text->length;
        mseq_buffer_append_text(text, i ? ", " : "{");
        json_write_string(keys[i], made[i].length, 0, text);
        mseq_buffer_append_text(text, ": ");
        made[i].json_length = text->length - before;
    }
}

static void point_keys(mseq_row_key *keys, size_t count, const char *text) {
    for (size_t i = 0; i < count; i++) {
        keys[i].text = text;
        text += keys[i].length + 1;
    }
    for (size_t i = 0; i < count; i++) {
        keys[i].json = text;
        text += keys[i].json_length;
    }
}

/* Keys with their text in one allocation; NULL without memory. */
static mseq_row_key *make_keys(const char *const *keys, const size_t *lengths, size_t count) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_row_key *made = calloc(count + 1, sizeof *made);
    if (!made)
        return NULL;
    write_keys(keys, lengths, count, made, &text);
    mseq_row_key *whole =
        text.status == MSEQ_OK ? realloc(made, (count + 1) * sizeof *made + text.length) : NULL;
    if (whole) {
        char *behind = (char *)(whole + count + 1);
        if (text.length)
            memcpy(behind, text.data, text.length);
        point_keys(whole, count, behind);
    } else {
        free(made);
    }
    mseq_buffer_free(&text);
    return whole;
}

mseq_status mseq_row_set_keys(mseq_row *row, const char *const *keys, const size_t *lengths,
                              size_t count, mseq_error *err) {
    mseq_row_key *made = make_keys(keys, lengths, count);
    mseq_cell *cells = calloc(count + 1, sizeof *cells);
    if (!made || !cells) {
        free(made);
        free(cells);
        return mseq_error_no_memory(err);
    }
    uint64_t form = row->form + 1;
    mseq_row_free(row);
    row->count = count;
    row->cells = cells;
    row->keys = made;
    row->form = form;
    return MSEQ_OK;
}

void mseq_row_clear(mseq_row *row) {
    for (size_t i = 0; i < row->count; i++)
        clear_cell(&row->cells[i]);
    if (row->object)
        mseq_value_free(row->object);
    row->object = NULL;
}

void mseq_row_free(mseq_row *row) {
    mseq_row_clear(row);
    free(row->cells);
    free(row->keys);
    *row = (mseq_row)MSEQ_ROW_INIT;
}

/* ---- Objects -----------------------------------------------------------------------------------
 */

static bool has_keys_of(const mseq_row *row, const mseq_value *object) {
    if (!row->form || row->count != mseq_value_length(object))
        return false;
    for (size_t i = 0; i < row->count; i++) {
        const mseq_row_key *key = &row->keys[i];
        if (mseq_object_key_length_at(object, i) != key->length ||
            memcmp(mseq_object_key_at(object, i), key->text, key->length) != 0)
            return false;
    }
    return true;
}

static mseq_status set_keys_of(mseq_row *row, const mseq_value *object, mseq_error *err) {
    size_t count = mseq_value_length(object);
    const char **keys = calloc(count + 1, sizeof *keys);
    size_t *lengths = calloc(count + 1, sizeof *lengths);
    mseq_status status = MSEQ_E_NO_MEMORY;
    for (size_t i = 0; keys && lengths && i < count; i++) {
        keys[i] = mseq_object_key_at(object, i);
        lengths[i] = mseq_object_key_length_at(object, i);
    }
    if (keys && lengths)
        status = mseq_row_set_keys(row, keys, lengths, count, err);
    free((void *)keys);
    free(lengths);
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status mseq_row_take_object(mseq_row *row, mseq_value *object, mseq_error *err) {
    mseq_status status = has_keys_of(row, object) ? MSEQ_OK : set_keys_of(row, object, err);
    if (status != MSEQ_OK) {
        mseq_value_free(object);
        return status;
    }
    mseq_row_clear(row);
    row->object = object;
    for (size_t i = 0; i < row->count; i++)
        mseq_cell_borrow(&row->cells[i], mseq_object_value_at(object, i));
    return MSEQ_OK;
}
