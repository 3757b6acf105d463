/* SPDX-License-Identifier: MIT
 * A table's memory, and readers of description members. */
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

struct arena_block {
    struct arena_block *next;
    mseq_value *value; /* a kept value, or NULL */
    max_align_t bytes[];
};

static struct arena_block *add_block(table_arena *arena, size_t size) {
    struct arena_block *block = calloc(1, sizeof *block + size);
    if (!block)
        return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_new(table_arena *arena, size_t size) {
    struct arena_block *block = add_block(arena, size);
    return block ? block->bytes : NULL;
}

const char *arena_text(table_arena *arena, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = arena_new(arena, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

const mseq_value *arena_keep(table_arena *arena, mseq_value *value) {
    if (!value)
        return NULL;
    struct arena_block *block = add_block(arena, 0);
    if (!block) {
        mseq_value_free(value);
        return NULL;
    }
    return block->value = value;
}

void arena_free(table_arena *arena) {
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        mseq_value_free(block->value);
        free(block);
    }
}

mseq_status check_keys(const mseq_value *object, const char *what, const char *const *keys,
                       mseq_error *err) {
    size_t count = 0;
    while (keys[count])
        count++;
    for (size_t i = 0; i < mseq_value_length(object); i++) {
        const char *key = mseq_object_key_at(object, i);
        bool known = false;
        for (size_t k = 0; k < count && !known; k++)
            known = strcmp(key, keys[k]) == 0;
        if (known)
            continue;
        mseq_error_set(err, MSEQ_E_SCHEMA, "%s: unknown option '%s'", what, key);
        const char *near = mseq_text_nearest(key, keys, count);
        if (near)
            mseq_error_hint(err, "did you mean '%s'?", near);
        return MSEQ_E_SCHEMA;
    }
    return MSEQ_OK;
}

static mseq_status wrong_kind(const char *what, const char *key, const char *wanted,
                              const mseq_value *value, mseq_error *err) {
    return mseq_error_set(err, MSEQ_E_SCHEMA, "%s: %s must be %s, not %s", what, key, wanted,
                          mseq_kind_name(mseq_value_kind(value)));
}

mseq_status get_text(const mseq_value *object, const char *what, const char *key, const char **text,
                     mseq_error *err) {
    const mseq_value *value = mseq_object_get(object, key);
    *text = NULL;
    if (mseq_value_is_null(value))
        return MSEQ_OK;
    if (mseq_value_kind(value) != MSEQ_STRING)
        return wrong_kind(what, key, "a string", value, err);
    if (strlen(mseq_value_get_text(value)) != mseq_value_get_text_length(value))
        return mseq_error_set(err, MSEQ_E_SCHEMA, "%s: %s holds a NUL character", what, key);
    *text = mseq_value_get_text(value);
    return MSEQ_OK;
}

mseq_status keep_text(mseq_table *table, const mseq_value *source, const char *what,
                      const char *key, const char **out, mseq_error *err) {
    const char *text;
    mseq_status status = get_text(source, what, key, &text, err);
    if (status == MSEQ_OK && text && !(*out = arena_text(&table->arena, text)))
        status = mseq_error_no_memory(err);
    return status;
}

mseq_status get_boolean(const mseq_value *object, const char *what, const char *key, int *boolean,
                        mseq_error *err) {
    const mseq_value *value = mseq_object_get(object, key);
    *boolean = -1;
    if (mseq_value_is_null(value))
        return MSEQ_OK;
    if (mseq_value_kind(value) != MSEQ_BOOLEAN)
        return wrong_kind(what, key, "true or false", value, err);
    *boolean = mseq_value_get_boolean(value, false);
    return MSEQ_OK;
}

static mseq_status get_kind(const mseq_value *object, const char *what, const char *key,
                            mseq_kind kind, const char *wanted, const mseq_value **member,
                            mseq_error *err) {
    const mseq_value *value = mseq_object_get(object, key);
    *member = NULL;
    if (mseq_value_is_null(value))
        return MSEQ_OK;
    /* A front end cannot tell an empty list from an empty object. */
    if (mseq_value_kind(value) != kind && mseq_value_length(value) == 0 &&
        (mseq_value_kind(value) == MSEQ_ARRAY || mseq_value_kind(value) == MSEQ_OBJECT))
        return MSEQ_OK;
    if (mseq_value_kind(value) != kind)
        return wrong_kind(what, key, wanted, value, err);
    *member = value;
    return MSEQ_OK;
}

mseq_status get_object(const mseq_value *object, const char *what, const char *key,
                       const mseq_value **member, mseq_error *err) {
    return get_kind(object, what, key, MSEQ_OBJECT, "a table of options", member, err);
}

mseq_status get_array(const mseq_value *object, const char *what, const char *key,
                      const mseq_value **member, mseq_error *err) {
    return get_kind(object, what, key, MSEQ_ARRAY, "a list", member, err);
}
