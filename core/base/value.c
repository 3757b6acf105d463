/* SPDX-License-Identifier: MIT
 * Values: a JSON tree with one owner. Objects keep insertion order; beyond a few keys an index of
 * hashes finds them. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/base.h"

enum { INDEX_FROM = 16 }; /* members; fewer are found faster by looking at each */

typedef struct member {
    char *key;
    size_t key_length;
    mseq_value *value;
} member;

/* What every value starts with; each kind that holds something is allocated as the struct below. */
struct mseq_value {
    mseq_kind kind;
};

typedef struct boolean_value {
    mseq_value head;
    bool boolean;
} boolean_value;

typedef struct integer_value {
    mseq_value head;
    int64_t integer;
} integer_value;

typedef struct float_value {
    mseq_value head;
    double number;
} float_value;

typedef struct string_value {
    mseq_value head;
    size_t length;
    char bytes[]; /* length + 1 of them */
} string_value;

typedef struct array_value {
    mseq_value head;
    mseq_value **items;
    size_t count, capacity;
} array_value;

/* Where the keys of an object stand. A key never moves, and lives as long as the object. */
typedef struct key_chunk {
    struct key_chunk *previous;
    size_t used, size;
    char bytes[];
} key_chunk;

typedef struct object_value {
    mseq_value head;
    member *members;
    size_t count, capacity;
    key_chunk *keys;
    size_t *slots; /* open addressing: member position + 1, 0 = empty; NULL while small */
    size_t slot_count;
} object_value;

/* For a value whose kind was looked at. */
#define AS(type, value) ((type##_value *)(value))

/* Nothing changes a null or a boolean, so there is one of each; they are never freed. */
static mseq_value the_null = {MSEQ_NULL};
static boolean_value the_booleans[] = {{{MSEQ_BOOLEAN}, false}, {{MSEQ_BOOLEAN}, true}};

mseq_value *mseq_value_null(void) {
    return &the_null;
}

mseq_value *mseq_value_boolean(bool boolean) {
    return &the_booleans[boolean].head;
}

mseq_value *mseq_value_integer(int64_t integer) {
    integer_value *value = malloc(sizeof *value);
    if (!value)
        return NULL;
    *value = (integer_value){{MSEQ_INTEGER}, integer};
    return &value->head;
}

mseq_value *mseq_value_float(double number) {
    float_value *value = malloc(sizeof *value);
    if (!value)
        return NULL;
    *value = (float_value){{MSEQ_FLOAT}, number};
    return &value->head;
}

mseq_value *mseq_value_string_n(const char *bytes, size_t length) {
    if (length >= SIZE_MAX - sizeof(string_value))
        return NULL;
    string_value *value = malloc(sizeof *value + length + 1);
    if (!value)
        return NULL;
    value->head.kind = MSEQ_STRING;
    value->length = length;
    if (length)
        memcpy(value->bytes, bytes, length);
    value->bytes[length] = '\0';
    return &value->head;
}

mseq_value *mseq_value_string(const char *text) {
    return text ? mseq_value_string_n(text, strlen(text)) : mseq_value_null();
}

mseq_value *mseq_value_array(void) {
    array_value *value = malloc(sizeof *value);
    if (!value)
        return NULL;
    *value = (array_value){.head = {MSEQ_ARRAY}};
    return &value->head;
}

mseq_value *mseq_value_object(void) {
    object_value *value = malloc(sizeof *value);
    if (!value)
        return NULL;
    *value = (object_value){.head = {MSEQ_OBJECT}};
    return &value->head;
}

static void free_object(object_value *object) {
    for (size_t i = 0; i < object->count; i++)
        mseq_value_free(object->members[i].value);
    while (object->keys) {
        key_chunk *previous = object->keys->previous;
        free(object->keys);
        object->keys = previous;
    }
    free(object->members);
    free(object->slots);
}

void mseq_value_free(mseq_value *value) {
    if (!value || value->kind == MSEQ_NULL || value->kind == MSEQ_BOOLEAN)
        return;
    if (value->kind == MSEQ_ARRAY) {
        for (size_t i = 0; i < AS(array, value)->count; i++)
            mseq_value_free(AS(array, value)->items[i]);
        free(AS(array, value)->items);
    } else if (value->kind == MSEQ_OBJECT) {
        free_object(AS(object, value));
    }
    free(value);
}

static mseq_value *dup_array(const mseq_value *array) {
    mseq_value *copy = mseq_value_array();
    for (size_t i = 0; copy && i < mseq_value_length(array); i++) {
        if (mseq_array_add(copy, mseq_value_dup(mseq_array_get(array, i))) != MSEQ_OK) {
            mseq_value_free(copy);
            return NULL;
        }
    }
    return copy;
}

static mseq_value *dup_object(const mseq_value *object) {
    mseq_value *copy = mseq_value_object();
    for (size_t i = 0; copy && i < AS(object, object)->count; i++) {
        const member *from = &AS(object, object)->members[i];
        if (mseq_object_put_n(copy, from->key, from->key_length, mseq_value_dup(from->value)) !=
            MSEQ_OK) {
            mseq_value_free(copy);
            return NULL;
        }
    }
    return copy;
}

mseq_value *mseq_value_dup(const mseq_value *value) {
    switch (mseq_value_kind(value)) {
    case MSEQ_NULL:
        return mseq_value_null();
    case MSEQ_BOOLEAN:
        return mseq_value_boolean(AS(boolean, value)->boolean);
    case MSEQ_INTEGER:
        return mseq_value_integer(AS(integer, value)->integer);
    case MSEQ_FLOAT:
        return mseq_value_float(AS(float, value)->number);
    case MSEQ_STRING:
        return mseq_value_string_n(AS(string, value)->bytes, AS(string, value)->length);
    case MSEQ_ARRAY:
        return dup_array(value);
    default:
        return dup_object(value);
    }
}

mseq_kind mseq_value_kind(const mseq_value *value) {
    return value ? value->kind : MSEQ_NULL;
}

const char *mseq_kind_name(mseq_kind kind) {
    static const char *const names[] = {"null",   "boolean", "integer", "float",
                                        "string", "array",   "object"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

bool mseq_value_is_null(const mseq_value *value) {
    return mseq_value_kind(value) == MSEQ_NULL;
}

bool mseq_value_get_boolean(const mseq_value *value, bool otherwise) {
    return mseq_value_kind(value) == MSEQ_BOOLEAN ? AS(boolean, value)->boolean : otherwise;
}

int64_t mseq_value_get_integer(const mseq_value *value, int64_t otherwise) {
    return mseq_value_kind(value) == MSEQ_INTEGER ? AS(integer, value)->integer : otherwise;
}

double mseq_value_get_float(const mseq_value *value, double otherwise) {
    if (mseq_value_kind(value) == MSEQ_INTEGER)
        return (double)AS(integer, value)->integer;
    return mseq_value_kind(value) == MSEQ_FLOAT ? AS(float, value)->number : otherwise;
}

const char *mseq_value_get_text(const mseq_value *value) {
    return mseq_value_kind(value) == MSEQ_STRING ? AS(string, value)->bytes : NULL;
}

size_t mseq_value_get_text_length(const mseq_value *value) {
    return mseq_value_kind(value) == MSEQ_STRING ? AS(string, value)->length : 0;
}

size_t mseq_value_length(const mseq_value *value) {
    if (mseq_value_kind(value) == MSEQ_ARRAY)
        return AS(array, value)->count;
    return mseq_value_kind(value) == MSEQ_OBJECT ? AS(object, value)->count : 0;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

mseq_status mseq_array_add(mseq_value *array, mseq_value *item) {
    if (!item)
        return MSEQ_E_NO_MEMORY;
    if (mseq_value_kind(array) != MSEQ_ARRAY) {
        mseq_value_free(item);
        return MSEQ_E_ARGUMENT;
    }
    if (AS(array, array)->count == AS(array, array)->capacity) {
        size_t capacity = AS(array, array)->capacity ? AS(array, array)->capacity * 2 : 4;
        mseq_value **items = realloc(AS(array, array)->items, capacity * sizeof(mseq_value *));
        if (!items) {
            mseq_value_free(item);
            return MSEQ_E_NO_MEMORY;
        }
        AS(array, array)->items = items;
        AS(array, array)->capacity = capacity;
    }
    AS(array, array)->items[AS(array, array)->count++] = item;
    return MSEQ_OK;
}

mseq_status mseq_array_set(mseq_value *array, size_t index, mseq_value *item) {
    if (!item)
        return MSEQ_E_NO_MEMORY;
    if (index >= mseq_value_length(array) || mseq_value_kind(array) != MSEQ_ARRAY) {
        mseq_value_free(item);
        return MSEQ_E_ARGUMENT;
    }
    mseq_value_free(AS(array, array)->items[index]);
    AS(array, array)->items[index] = item;
    return MSEQ_OK;
}

const mseq_value *mseq_array_get(const mseq_value *array, size_t index) {
    if (mseq_value_kind(array) != MSEQ_ARRAY || index >= AS(array, array)->count)
        return NULL;
    return AS(array, array)->items[index];
}

mseq_value *mseq_array_peek(mseq_value *array, size_t index) {
    if (mseq_value_kind(array) != MSEQ_ARRAY || index >= AS(array, array)->count)
        return NULL;
    return AS(array, array)->items[index];
}

/* ---- Objects --------------------------------------------------------------------------------- */

uint64_t mseq_hash_bytes(const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 1099511628211u;
    return hash;
}

static void index_member(mseq_value *object, size_t position) {
    size_t mask = AS(object, object)->slot_count - 1;
    const member *added = &AS(object, object)->members[position];
    size_t slot = (size_t)mseq_hash_bytes(added->key, added->key_length) & mask;
    while (AS(object, object)->slots[slot])
        slot = (slot + 1) & mask;
    AS(object, object)->slots[slot] = position + 1;
}

/* Builds the index anew with room for twice the members. Without memory the object still works,
 * slower. */
static void rebuild_index(mseq_value *object) {
    free(AS(object, object)->slots);
    AS(object, object)->slots = NULL;
    AS(object, object)->slot_count = 0;
    if (AS(object, object)->count < INDEX_FROM)
        return;
    size_t slots = 64;
    while (slots < AS(object, object)->count * 4)
        slots *= 2;
    AS(object, object)->slots = calloc(slots, sizeof *AS(object, object)->slots);
    if (!AS(object, object)->slots)
        return;
    AS(object, object)->slot_count = slots;
    for (size_t i = 0; i < AS(object, object)->count; i++)
        index_member(object, i);
}

static bool member_is(const member *candidate, const char *key, size_t length) {
    return candidate->key_length == length && memcmp(candidate->key, key, length) == 0;
}

static member *find_member(const mseq_value *object, const char *key, size_t length) {
    if (mseq_value_kind(object) != MSEQ_OBJECT)
        return NULL;
    member *members = AS(object, object)->members;
    if (!AS(object, object)->slots) {
        for (size_t i = 0; i < AS(object, object)->count; i++)
            if (member_is(&members[i], key, length))
                return &members[i];
        return NULL;
    }
    size_t mask = AS(object, object)->slot_count - 1;
    for (size_t slot = (size_t)mseq_hash_bytes(key, length) & mask; AS(object, object)->slots[slot];
         slot = (slot + 1) & mask) {
        member *candidate = &members[AS(object, object)->slots[slot] - 1];
        if (member_is(candidate, key, length))
            return candidate;
    }
    return NULL;
}

/* The object's own copy of a key, NULL when memory is short. */
static char *keep_key(object_value *object, const char *key, size_t length) {
    enum { FIRST_CHUNK = 64, LARGEST_CHUNK = 4096 };
    key_chunk *chunk = object->keys;
    if (!chunk || chunk->size - chunk->used <= length) {
        size_t size = chunk ? chunk->size * 2 : FIRST_CHUNK;
        size = size < LARGEST_CHUNK ? size : LARGEST_CHUNK;
        if (size <= length) {
            if (length >= SIZE_MAX - sizeof *chunk)
                return NULL;
            size = length + 1;
        }
        chunk = malloc(sizeof *chunk + size);
        if (!chunk)
            return NULL;
        *chunk = (key_chunk){.previous = object->keys, .size = size};
        object->keys = chunk;
    }
    char *kept = chunk->bytes + chunk->used;
    if (length)
        memcpy(kept, key, length);
    kept[length] = '\0';
    chunk->used += length + 1;
    return kept;
}

static mseq_status append_member(mseq_value *object, const char *key, size_t length,
                                 mseq_value *value) {
    if (AS(object, object)->count == AS(object, object)->capacity) {
        size_t capacity = AS(object, object)->capacity ? AS(object, object)->capacity * 2 : 8;
        member *members = realloc(AS(object, object)->members, capacity * sizeof *members);
        if (!members)
            return MSEQ_E_NO_MEMORY;
        AS(object, object)->members = members;
        AS(object, object)->capacity = capacity;
    }
    char *copy = keep_key(AS(object, object), key, length);
    if (!copy)
        return MSEQ_E_NO_MEMORY;
    size_t position = AS(object, object)->count++;
    AS(object, object)->members[position] = (member){copy, length, value};
    if (AS(object, object)->slots &&
        AS(object, object)->count * 2 <= AS(object, object)->slot_count)
        index_member(object, position);
    else if (AS(object, object)->count >= INDEX_FROM)
        rebuild_index(object);
    return MSEQ_OK;
}

mseq_status mseq_object_put_n(mseq_value *object, const char *key, size_t key_length,
                              mseq_value *value) {
    if (!value)
        return MSEQ_E_NO_MEMORY;
    if (mseq_value_kind(object) != MSEQ_OBJECT) {
        mseq_value_free(value);
        return MSEQ_E_ARGUMENT;
    }
    member *existing = find_member(object, key, key_length);
    if (existing) {
        mseq_value_free(existing->value);
        existing->value = value;
        return MSEQ_OK;
    }
    mseq_status status = append_member(object, key, key_length, value);
    if (status != MSEQ_OK)
        mseq_value_free(value);
    return status;
}

mseq_status mseq_object_put(mseq_value *object, const char *key, mseq_value *value) {
    return mseq_object_put_n(object, key, strlen(key), value);
}

mseq_status mseq_object_put_text(mseq_value *object, const char *key, const char *text) {
    return mseq_object_put(object, key, mseq_value_string(text));
}

mseq_status mseq_object_put_boolean(mseq_value *object, const char *key, bool boolean) {
    return mseq_object_put(object, key, mseq_value_boolean(boolean));
}

mseq_status mseq_object_put_integer(mseq_value *object, const char *key, int64_t integer) {
    return mseq_object_put(object, key, mseq_value_integer(integer));
}

/* As many members as there will be, with room for the text of their keys. */
static object_value *object_for(size_t count, size_t text_size) {
    object_value *made = malloc(sizeof *made);
    member *members = malloc((count + 1) * sizeof *members);
    key_chunk *keys = malloc(sizeof *keys + text_size);
    if (!made || !members || !keys) {
        free(made);
        free(members);
        free(keys);
        return NULL;
    }
    *keys = (key_chunk){.used = text_size, .size = text_size};
    *made = (object_value){
        .head = {MSEQ_OBJECT}, .members = members, .capacity = count + 1, .keys = keys};
    return made;
}

/* The keys of a row differ and their text is one piece, so nothing has to be looked for. */
mseq_status mseq_row_to_object(mseq_row *row, mseq_value **object, mseq_error *err) {
    size_t count = row->count;
    const mseq_row_key *keys = row->keys;
    size_t text_size =
        count ? (size_t)(keys[count - 1].text + keys[count - 1].length + 1 - keys->text) : 0;
    object_value *made = object_for(count, text_size);
    if (!made)
        return mseq_error_no_memory(err);
    if (count)
        memcpy(made->keys->bytes, keys->text, text_size);
    for (size_t i = 0; i < count; i++) {
        const mseq_row_key *key = &keys[i];
        char *text = made->keys->bytes + (key->text - keys->text);
        mseq_value *value = mseq_cell_to_value(&row->cells[i]);
        if (!value) {
            mseq_value_free(&made->head);
            return mseq_error_no_memory(err);
        }
        made->members[made->count++] = (member){text, key->length, value};
    }
    if (made->count >= INDEX_FROM)
        rebuild_index(&made->head);
    *object = &made->head;
    return MSEQ_OK;
}

mseq_value *mseq_object_peek(mseq_value *object, const char *key) {
    member *found = find_member(object, key, strlen(key));
    return found ? found->value : NULL;
}

const mseq_value *mseq_object_get(const mseq_value *object, const char *key) {
    const member *found = find_member(object, key, strlen(key));
    return found ? found->value : NULL;
}

mseq_value *mseq_object_take(mseq_value *object, const char *key) {
    member *found = find_member(object, key, strlen(key));
    if (!found)
        return NULL;
    mseq_value *value = found->value;
    size_t position = (size_t)(found - AS(object, object)->members);
    AS(object, object)->count--;
    memmove(found, found + 1, (AS(object, object)->count - position) * sizeof *found);
    rebuild_index(object);
    return value;
}

bool mseq_object_remove(mseq_value *object, const char *key) {
    bool present = find_member(object, key, strlen(key)) != NULL;
    mseq_value_free(mseq_object_take(object, key));
    return present;
}

const char *mseq_object_key_at(const mseq_value *object, size_t index) {
    if (mseq_value_kind(object) != MSEQ_OBJECT || index >= AS(object, object)->count)
        return NULL;
    return AS(object, object)->members[index].key;
}

size_t mseq_object_key_length_at(const mseq_value *object, size_t index) {
    if (mseq_value_kind(object) != MSEQ_OBJECT || index >= AS(object, object)->count)
        return 0;
    return AS(object, object)->members[index].key_length;
}

const mseq_value *mseq_object_value_at(const mseq_value *object, size_t index) {
    if (mseq_value_kind(object) != MSEQ_OBJECT || index >= AS(object, object)->count)
        return NULL;
    return AS(object, object)->members[index].value;
}

const char *mseq_object_get_text(const mseq_value *object, const char *key) {
    return mseq_value_get_text(mseq_object_get(object, key));
}

bool mseq_object_get_boolean(const mseq_value *object, const char *key, bool otherwise) {
    return mseq_value_get_boolean(mseq_object_get(object, key), otherwise);
}

int64_t mseq_object_get_integer(const mseq_value *object, const char *key, int64_t otherwise) {
    return mseq_value_get_integer(mseq_object_get(object, key), otherwise);
}

/* Both have as many members. Mostly they stand in the same order, so that a key is looked for at
 * its own place first. */
static bool objects_equal(const mseq_value *a, const mseq_value *b) {
    for (size_t i = 0; i < AS(object, a)->count; i++) {
        const member *left = &AS(object, a)->members[i];
        const member *right = &AS(object, b)->members[i];
        if (!member_is(right, left->key, left->key_length))
            right = find_member(b, left->key, left->key_length);
        if (!right || !mseq_value_equal(left->value, right->value))
            return false;
    }
    return true;
}

static uint64_t float_bits(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

bool mseq_value_equal(const mseq_value *a, const mseq_value *b) {
    mseq_kind kind = mseq_value_kind(a);
    if (kind != mseq_value_kind(b) || mseq_value_length(a) != mseq_value_length(b))
        return false;
    switch (kind) {
    case MSEQ_NULL:
        return true;
    case MSEQ_BOOLEAN:
        return AS(boolean, a)->boolean == AS(boolean, b)->boolean;
    case MSEQ_INTEGER:
        return AS(integer, a)->integer == AS(integer, b)->integer;
    case MSEQ_FLOAT:
        /* bit for bit, so that -0.0 is not 0.0 */
        return float_bits(AS(float, a)->number) == float_bits(AS(float, b)->number);
    case MSEQ_STRING:
        return AS(string, a)->length == AS(string, b)->length &&
               memcmp(AS(string, a)->bytes, AS(string, b)->bytes, AS(string, a)->length) == 0;
    case MSEQ_ARRAY:
        for (size_t i = 0; i < AS(array, a)->count; i++)
            if (!mseq_value_equal(AS(array, a)->items[i], AS(array, b)->items[i]))
                return false;
        return true;
    default:
        return objects_equal(a, b);
    }
}
