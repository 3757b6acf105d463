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
    uint64_t hash;
    mseq_value *value;
} member;

struct mseq_value {
    mseq_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct {
            char *bytes;
            size_t length;
        } string;
        struct {
            mseq_value **items;
            size_t count, capacity;
        } array;
        struct {
            member *members;
            size_t count, capacity;
            size_t *slots; /* open addressing: member position + 1, 0 = empty; NULL while small */
            size_t slot_count;
        } object;
    } as;
};

static mseq_value *new_value(mseq_kind kind) {
    mseq_value *value = calloc(1, sizeof *value);
    if (value)
        value->kind = kind;
    return value;
}

mseq_value *mseq_value_null(void) {
    return new_value(MSEQ_NULL);
}

mseq_value *mseq_value_boolean(bool boolean) {
    mseq_value *value = new_value(MSEQ_BOOLEAN);
    if (value)
        value->as.boolean = boolean;
    return value;
}

mseq_value *mseq_value_integer(int64_t integer) {
    mseq_value *value = new_value(MSEQ_INTEGER);
    if (value)
        value->as.integer = integer;
    return value;
}

mseq_value *mseq_value_float(double number) {
    mseq_value *value = new_value(MSEQ_FLOAT);
    if (value)
        value->as.number = number;
    return value;
}

static char *copy_bytes(const char *bytes, size_t length) {
    if (length == SIZE_MAX)
        return NULL;
    char *copy = malloc(length + 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

mseq_value *mseq_value_string_n(const char *bytes, size_t length) {
    mseq_value *value = new_value(MSEQ_STRING);
    if (!value)
        return NULL;
    value->as.string.bytes = copy_bytes(bytes, length);
    value->as.string.length = length;
    if (!value->as.string.bytes) {
        free(value);
        return NULL;
    }
    return value;
}

mseq_value *mseq_value_string(const char *text) {
    return text ? mseq_value_string_n(text, strlen(text)) : mseq_value_null();
}

mseq_value *mseq_value_array(void) {
    return new_value(MSEQ_ARRAY);
}

mseq_value *mseq_value_object(void) {
    return new_value(MSEQ_OBJECT);
}

void mseq_value_free(mseq_value *value) {
    if (!value)
        return;
    if (value->kind == MSEQ_STRING) {
        free(value->as.string.bytes);
    } else if (value->kind == MSEQ_ARRAY) {
        for (size_t i = 0; i < value->as.array.count; i++)
            mseq_value_free(value->as.array.items[i]);
        free(value->as.array.items);
    } else if (value->kind == MSEQ_OBJECT) {
        for (size_t i = 0; i < value->as.object.count; i++) {
            free(value->as.object.members[i].key);
            mseq_value_free(value->as.object.members[i].value);
        }
        free(value->as.object.members);
        free(value->as.object.slots);
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
    for (size_t i = 0; copy && i < object->as.object.count; i++) {
        const member *from = &object->as.object.members[i];
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
        return mseq_value_boolean(value->as.boolean);
    case MSEQ_INTEGER:
        return mseq_value_integer(value->as.integer);
    case MSEQ_FLOAT:
        return mseq_value_float(value->as.number);
    case MSEQ_STRING:
        return mseq_value_string_n(value->as.string.bytes, value->as.string.length);
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
    return mseq_value_kind(value) == MSEQ_BOOLEAN ? value->as.boolean : otherwise;
}

int64_t mseq_value_get_integer(const mseq_value *value, int64_t otherwise) {
    return mseq_value_kind(value) == MSEQ_INTEGER ? value->as.integer : otherwise;
}

double mseq_value_get_float(const mseq_value *value, double otherwise) {
    if (mseq_value_kind(value) == MSEQ_INTEGER)
        return (double)value->as.integer;
    return mseq_value_kind(value) == MSEQ_FLOAT ? value->as.number : otherwise;
}

const char *mseq_value_get_text(const mseq_value *value) {
    return mseq_value_kind(value) == MSEQ_STRING ? value->as.string.bytes : NULL;
}

size_t mseq_value_get_text_length(const mseq_value *value) {
    return mseq_value_kind(value) == MSEQ_STRING ? value->as.string.length : 0;
}

size_t mseq_value_length(const mseq_value *value) {
    if (mseq_value_kind(value) == MSEQ_ARRAY)
        return value->as.array.count;
    return mseq_value_kind(value) == MSEQ_OBJECT ? value->as.object.count : 0;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

mseq_status mseq_array_add(mseq_value *array, mseq_value *item) {
    if (!item)
        return MSEQ_E_NO_MEMORY;
    if (mseq_value_kind(array) != MSEQ_ARRAY) {
        mseq_value_free(item);
        return MSEQ_E_ARGUMENT;
    }
    if (array->as.array.count == array->as.array.capacity) {
        size_t capacity = array->as.array.capacity ? array->as.array.capacity * 2 : 4;
        mseq_value **items = realloc(array->as.array.items, capacity * sizeof(mseq_value *));
        if (!items) {
            mseq_value_free(item);
            return MSEQ_E_NO_MEMORY;
        }
        array->as.array.items = items;
        array->as.array.capacity = capacity;
    }
    array->as.array.items[array->as.array.count++] = item;
    return MSEQ_OK;
}

const mseq_value *mseq_array_get(const mseq_value *array, size_t index) {
    if (mseq_value_kind(array) != MSEQ_ARRAY || index >= array->as.array.count)
        return NULL;
    return array->as.array.items[index];
}

mseq_value *mseq_array_peek(mseq_value *array, size_t index) {
    if (mseq_value_kind(array) != MSEQ_ARRAY || index >= array->as.array.count)
        return NULL;
    return array->as.array.items[index];
}

/* ---- Objects --------------------------------------------------------------------------------- */

/* FNV-1a, 64 bits (Fowler, Noll, Vo). The index is rebuilt, never stored, so its values are no
 * format. */
static uint64_t hash_bytes(const char *bytes, size_t length) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 1099511628211u;
    return hash;
}

static void index_member(mseq_value *object, size_t position) {
    size_t mask = object->as.object.slot_count - 1;
    size_t slot = (size_t)object->as.object.members[position].hash & mask;
    while (object->as.object.slots[slot])
        slot = (slot + 1) & mask;
    object->as.object.slots[slot] = position + 1;
}

/* Builds the index anew with room for twice the members. Without memory the object still works,
 * slower. */
static void rebuild_index(mseq_value *object) {
    free(object->as.object.slots);
    object->as.object.slots = NULL;
    object->as.object.slot_count = 0;
    if (object->as.object.count < INDEX_FROM)
        return;
    size_t slots = 64;
    while (slots < object->as.object.count * 4)
        slots *= 2;
    object->as.object.slots = calloc(slots, sizeof *object->as.object.slots);
    if (!object->as.object.slots)
        return;
    object->as.object.slot_count = slots;
    for (size_t i = 0; i < object->as.object.count; i++)
        index_member(object, i);
}

static bool member_is(const member *candidate, const char *key, size_t length) {
    return candidate->key_length == length && memcmp(candidate->key, key, length) == 0;
}

static member *find_member(const mseq_value *object, const char *key, size_t length) {
    if (mseq_value_kind(object) != MSEQ_OBJECT)
        return NULL;
    member *members = object->as.object.members;
    if (!object->as.object.slots) {
        for (size_t i = 0; i < object->as.object.count; i++)
            if (member_is(&members[i], key, length))
                return &members[i];
        return NULL;
    }
    size_t mask = object->as.object.slot_count - 1;
    uint64_t hash = hash_bytes(key, length);
    for (size_t slot = (size_t)hash & mask; object->as.object.slots[slot];
         slot = (slot + 1) & mask) {
        member *candidate = &members[object->as.object.slots[slot] - 1];
        if (candidate->hash == hash && member_is(candidate, key, length))
            return candidate;
    }
    return NULL;
}

static mseq_status append_member(mseq_value *object, const char *key, size_t length,
                                 mseq_value *value) {
    if (object->as.object.count == object->as.object.capacity) {
        size_t capacity = object->as.object.capacity ? object->as.object.capacity * 2 : 4;
        member *members = realloc(object->as.object.members, capacity * sizeof *members);
        if (!members)
            return MSEQ_E_NO_MEMORY;
        object->as.object.members = members;
        object->as.object.capacity = capacity;
    }
    char *copy = copy_bytes(key, length);
    if (!copy)
        return MSEQ_E_NO_MEMORY;
    size_t position = object->as.object.count++;
    object->as.object.members[position] = (member){copy, length, hash_bytes(key, length), value};
    if (object->as.object.slots && object->as.object.count * 2 <= object->as.object.slot_count)
        index_member(object, position);
    else if (object->as.object.count >= INDEX_FROM)
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
    free(found->key);
    size_t position = (size_t)(found - object->as.object.members);
    object->as.object.count--;
    memmove(found, found + 1, (object->as.object.count - position) * sizeof *found);
    rebuild_index(object);
    return value;
}

bool mseq_object_remove(mseq_value *object, const char *key) {
    bool present = find_member(object, key, strlen(key)) != NULL;
    mseq_value_free(mseq_object_take(object, key));
    return present;
}

const char *mseq_object_key_at(const mseq_value *object, size_t index) {
    if (mseq_value_kind(object) != MSEQ_OBJECT || index >= object->as.object.count)
        return NULL;
    return object->as.object.members[index].key;
}

size_t mseq_object_key_length_at(const mseq_value *object, size_t index) {
    if (mseq_value_kind(object) != MSEQ_OBJECT || index >= object->as.object.count)
        return 0;
    return object->as.object.members[index].key_length;
}

const mseq_value *mseq_object_value_at(const mseq_value *object, size_t index) {
    if (mseq_value_kind(object) != MSEQ_OBJECT || index >= object->as.object.count)
        return NULL;
    return object->as.object.members[index].value;
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

static bool objects_equal(const mseq_value *a, const mseq_value *b) {
    for (size_t i = 0; i < a->as.object.count; i++) {
        const member *left = &a->as.object.members[i];
        const member *right = find_member(b, left->key, left->key_length);
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
        return a->as.boolean == b->as.boolean;
    case MSEQ_INTEGER:
        return a->as.integer == b->as.integer;
    case MSEQ_FLOAT:
        /* bit for bit, so that -0.0 is not 0.0 */
        return float_bits(a->as.number) == float_bits(b->as.number);
    case MSEQ_STRING:
        return a->as.string.length == b->as.string.length &&
               memcmp(a->as.string.bytes, b->as.string.bytes, a->as.string.length) == 0;
    case MSEQ_ARRAY:
        for (size_t i = 0; i < a->as.array.count; i++)
            if (!mseq_value_equal(a->as.array.items[i], b->as.array.items[i]))
                return false;
        return true;
    default:
        return objects_equal(a, b);
    }
}
