/* SPDX-License-Identifier: MIT
 * The contract fingerprint (protocol page, section 10): canonical JSON of what a table stores, MD5,
 * prefix. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/fingerprint.h"

enum { PREFIX_LENGTH = 30 };

/* Building documents: the first failure (always memory) sticks, values are taken over in any case.
 */
static void put(bool *failed, mseq_value *object, const char *key, mseq_value *value) {
    if (*failed || !object)
        mseq_value_free(value);
    if (!*failed && (!object || mseq_object_put(object, key, value) != MSEQ_OK))
        *failed = true;
}

static void put_text(bool *failed, mseq_value *object, const char *key, const char *text) {
    if (text)
        put(failed, object, key, mseq_value_string(text));
}

static void append(bool *failed, mseq_value *array, mseq_value *item) {
    if (*failed || !array)
        mseq_value_free(item);
    if (!*failed && (!array || mseq_array_add(array, item) != MSEQ_OK))
        *failed = true;
}

/* ---- The storage identity
 * --------------------------------------------------------------------------- */

static mseq_status add_column(bool *failed, const mseq_column *column, mseq_value *columns,
                              mseq_error *err) {
    char *data_type = NULL, *backend_type = NULL;
    mseq_status status = mseq_type_neutral(column->type, &data_type, &backend_type, err);
    if (status != MSEQ_OK) {
        mseq_error_prefix(err, "column '%s': ", column->name);
        return status;
    }
    mseq_value *out = mseq_value_object();
    put(failed, out, "ordinal_position", mseq_value_integer((int64_t)column->position));
    put_text(failed, out, "name", column->name);
    put_text(failed, out, "data_type", data_type);
    put_text(failed, out, "backend_type", backend_type);
    put(failed, out, "nullable", mseq_value_boolean(column->nullable));
    put(failed, out, "primary_key", mseq_value_boolean(column->primary_key));
    put(failed, out, "unique", mseq_value_boolean(column->unique));
    if (column->primary_key && strcmp(data_type, "uuid") == 0)
        put_text(failed, out, "server_default", "gen_random_uuid()");
    append(failed, columns, out);
    free(data_type);
    free(backend_type);
    return MSEQ_OK;
}

/* Explicit dialect options, each by its SQLAlchemy name: null, "" and empty containers are dropped,
 * what is no scalar becomes text. */
static void add_dialect_options(bool *failed, const char *dialect, const mseq_value *options,
                                mseq_value *out) {
    for (size_t i = 0; i < mseq_value_length(options); i++) {
        const mseq_value *value = mseq_object_value_at(options, i);
        mseq_kind kind = mseq_value_kind(value);
        bool container = kind == MSEQ_ARRAY || kind == MSEQ_OBJECT;
        if (kind == MSEQ_NULL || (kind == MSEQ_STRING && mseq_value_get_text_length(value) == 0) ||
            (container && mseq_value_length(value) == 0))
            continue;
        char *key = mseq_text_format("%s_%s", dialect, mseq_object_key_at(options, i));
        if (!key) {
            *failed = true;
            return;
        }
        mseq_value *copy = NULL;
        if (container) {
            mseq_buffer text = MSEQ_BUFFER_INIT;
            if (mseq_json_write(value, MSEQ_JSON_SORTED, &text, NULL) == MSEQ_OK)
                copy = mseq_value_string(mseq_buffer_text(&text));
            mseq_buffer_free(&text);
        } else {
            copy = mseq_value_dup(value);
        }
        put(failed, out, key, copy);
        free(key);
    }
}

static mseq_value *index_identity(bool *failed, const mseq_index *index) {
    mseq_value *out = mseq_value_object(), *columns = mseq_value_array(),
               *options = mseq_value_object();
    for (size_t i = 0; i < index->element_count; i++) {
        const mseq_index_element *element = &index->elements[i];
        append(failed, columns,
               mseq_value_string(element->column ? element->column
                                 : element->text ? element->text
                                                 : element->function));
    }
    put(failed, out, "columns", columns);
    put(failed, out, "unique", mseq_value_boolean(index->unique));
    add_dialect_options(failed, "postgresql", index->postgresql, options);
    add_dialect_options(failed, "sqlite", index->sqlite, options);
    if (mseq_value_length(options))
        put(failed, out, "dialect_kwargs", options);
    else
        mseq_value_free(options);
    return out;
}

static void put_actions(bool *failed, const mseq_constraint *key, mseq_value *out) {
    put_text(failed, out, "ondelete", key->ondelete);
    put_text(failed, out, "onupdate", key->onupdate);
    if (key->deferrable >= 0)
        put(failed, out, "deferrable", mseq_value_boolean(key->deferrable == 1));
    put_text(failed, out, "initially", key->initially);
    put_text(failed, out, "match", key->match);
}

static mseq_value *foreign_key_identity(bool *failed, const mseq_constraint *key) {
    mseq_value *out = mseq_value_object(), *elements = mseq_value_array();
    for (size_t i = 0; i < key->column_count; i++) {
        mseq_value *element = mseq_value_object();
        put_text(failed, element, "source_column", key->columns[i]);
        put(failed, element, "target_schema", mseq_value_string(key->referred_schema));
        put_text(failed, element, "target_table", key->referred_table);
        put(failed, element, "target_column",
            i < key->referred_count ? mseq_value_string(key->referred_columns[i])
                                    : mseq_value_null());
        put_actions(failed, key, element);
        append(failed, elements, element);
    }
    put(failed, out, "elements", elements);
    put_actions(failed, key, out);
    return out;
}

typedef struct sorted_item {
    char *text;
    mseq_value *value;
} sorted_item;

static int by_text(const void *left, const void *right) {
    return strcmp(((const sorted_item *)left)->text, ((const sorted_item *)right)->text);
}

/* An array sorted by the items' own canonical text. Becomes owner of the items. */
static mseq_value *sorted_array(bool *failed, sorted_item *items, size_t count) {
    mseq_value *array = mseq_value_array();
    for (size_t i = 0; i < count; i++) {
        mseq_buffer text = MSEQ_BUFFER_INIT;
        if (mseq_json_write(items[i].value, MSEQ_JSON_SORTED, &text, NULL) == MSEQ_OK)
            items[i].text = mseq_buffer_take(&text);
        else
            mseq_buffer_free(&text);
        if (!items[i].text)
            *failed = true;
    }
    if (!*failed && count > 1)
        qsort(items, count, sizeof *items, by_text);
    for (size_t i = 0; i < count; i++) {
        append(failed, array, items[i].value);
        free(items[i].text);
    }
    return array;
}

static void put_indexes(bool *failed, const mseq_table *table, mseq_value *out) {
    size_t count = mseq_table_index_count(table);
    sorted_item *items = count ? calloc(count, sizeof *items) : NULL;
    if (count && !items)
        *failed = true;
    for (size_t i = 0; items && i < count; i++)
        items[i].value = index_identity(failed, mseq_table_index_at(table, i));
    if (items)
        put(failed, out, "indexes", sorted_array(failed, items, count));
    free(items);
}

static void put_foreign_keys(bool *failed, const mseq_table *table, mseq_value *out) {
    size_t all = mseq_table_constraint_count(table), count = 0;
    sorted_item *items = calloc(all + 1, sizeof *items);
    if (!items) {
        *failed = true;
        return;
    }
    for (size_t i = 0; i < all; i++)
        if (mseq_table_constraint_at(table, i)->kind == MSEQ_FOREIGN_KEY)
            items[count++].value = foreign_key_identity(failed, mseq_table_constraint_at(table, i));
    if (count)
        put(failed, out, "foreign_keys", sorted_array(failed, items, count));
    free(items);
}

static mseq_status storage_identity(const mseq_table *table, bool with_name, mseq_value **identity,
                                    mseq_error *err) {
    const mseq_table_meta *meta = mseq_table_get_meta(table);
    bool failed = false, time_indexed = meta->kind == MSEQ_TABLE_TIME_INDEX;
    char *cadence = NULL;
    mseq_status status =
        time_indexed ? mseq_contract_normalize_cadence(meta->cadence, &cadence, err) : MSEQ_OK;
    if (status != MSEQ_OK)
        return status;
    mseq_value *relational = mseq_value_object(), *columns = mseq_value_array(), *out = relational;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_table_column_count(table); i++)
        status = add_column(&failed, mseq_table_column_at(table, i), columns, err);
    put(&failed, relational, "columns", columns);
    put_indexes(&failed, table, relational);
    put_foreign_keys(&failed, table, relational);
    if (time_indexed) {
        mseq_value *profile = mseq_value_object(), *names = mseq_value_array();
        for (size_t i = 0; i < meta->index_name_count; i++)
            append(&failed, names, mseq_value_string(meta->index_names[i]));
        put_text(&failed, profile, "kind", "time_indexed");
        put_text(&failed, profile, "time_index_name", meta->time_index_name);
        put(&failed, profile, "index_names", names);
        put_text(&failed, profile, "cadence", cadence);
        put_text(&failed, profile, "storage_layout", meta->storage_layout);
        out = mseq_value_object();
        put(&failed, out, "relational_table", relational);
        put(&failed, out, "time_indexed_profile", profile);
    }
    free(cadence);
    if (with_name)
        put_text(&failed, out, "physical_table_name", mseq_table_name(table));
    if (status == MSEQ_OK && failed)
        status = mseq_error_no_memory(err);
    if (status != MSEQ_OK) {
        mseq_value_free(out);
        return status;
    }
    *identity = out;
    return MSEQ_OK;
}

/* ---- Digest and prefix
 * ------------------------------------------------------------------------------- */

/* slugify("mt_" + words) cut to 30 characters, then "_" and the MD5 of the payload's canonical
 * text. */
static mseq_status digest(const mseq_value *payload, const char *words,
                          char fingerprint[MSEQ_FINGERPRINT_SIZE], mseq_buffer *canonical_text,
                          mseq_error *err) {
    mseq_buffer own = MSEQ_BUFFER_INIT, *text = canonical_text ? canonical_text : &own;
    mseq_buffer_clear(text);
    mseq_status status = mseq_json_write(payload, MSEQ_JSON_SORTED, text, err);
    char hex[33], *raw = NULL, *slug = NULL;
    if (status == MSEQ_OK && (status = mseq_md5_hex(text->data, text->length, hex)) != MSEQ_OK)
        mseq_error_set(err, status, "MD5 is not available");
    if (status == MSEQ_OK && !(raw = mseq_text_format("mt_%s", words)))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = mseq_naming_slugify(raw, &slug, err);
    if (status == MSEQ_OK) {
        size_t length = strlen(slug) < PREFIX_LENGTH ? strlen(slug) : PREFIX_LENGTH;
        while (length && slug[length - 1] == '_')
            length--;
        memcpy(fingerprint, slug, length);
        fingerprint[length] = '_';
        memcpy(fingerprint + length + 1, hex, sizeof hex);
    }
    free(raw);
    free(slug);
    mseq_buffer_free(&own);
    return status;
}

static mseq_status merge(mseq_value *payload, const mseq_value *extra, mseq_error *err) {
    for (size_t i = 0; i < mseq_value_length(extra); i++)
        if (mseq_object_put_n(payload, mseq_object_key_at(extra, i),
                              mseq_object_key_length_at(extra, i),
                              mseq_value_dup(mseq_object_value_at(extra, i))) != MSEQ_OK)
            return mseq_error_no_memory(err);
    return MSEQ_OK;
}

static mseq_status put_trimmed(mseq_value *payload, const char *key, const char *text,
                               mseq_error *err) {
    char *trimmed = mseq_text_trim(text);
    mseq_status status = trimmed ? mseq_object_put_text(payload, key, trimmed) : MSEQ_E_NO_MEMORY;
    free(trimmed);
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

/* namespace, schema and hash_namespace in, then the extra components over them. Becomes owner of
 * `identity` (may be NULL). */
static mseq_status build_payload(const char *meta_namespace, const char *schema,
                                 const char *hash_namespace, mseq_value *identity, mseq_value **out,
                                 mseq_error *err) {
    mseq_value *payload = mseq_value_object();
    mseq_status status = payload ? put_trimmed(payload, "namespace", meta_namespace, err)
                                 : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = put_trimmed(payload, "schema", schema, err);
    if (status != MSEQ_OK) {
        mseq_value_free(identity);
    } else if (identity &&
               mseq_object_put(payload, "table_storage_identity", identity) != MSEQ_OK) {
        status = mseq_error_no_memory(err);
    }
    if (status == MSEQ_OK && hash_namespace && *hash_namespace)
        status = put_trimmed(payload, "hash_namespace", hash_namespace, err);
    if (status != MSEQ_OK) {
        mseq_value_free(payload);
        return status;
    }
    *out = payload;
    return MSEQ_OK;
}

mseq_status mseq_fingerprint_table(const mseq_table *table, const mseq_fingerprint_options *options,
                                   char fingerprint[MSEQ_FINGERPRINT_SIZE],
                                   mseq_buffer *canonical_text, mseq_error *err) {
    static const mseq_fingerprint_options defaults = MSEQ_FINGERPRINT_OPTIONS_INIT;
    options = options ? options : &defaults;
    const mseq_table_meta *meta = mseq_table_get_meta(table);
    mseq_status status =
        mseq_contract_require_namespace(table, options->fingerprint_namespace, err);
    mseq_value *identity = NULL, *payload = NULL;
    if (status == MSEQ_OK)
        status = storage_identity(table, !options->without_table_name, &identity, err);
    if (status != MSEQ_OK)
        return status;
    const char *name =
        options->fingerprint_namespace ? options->fingerprint_namespace : meta->meta_namespace;
    const char *schema = options->schema            ? options->schema
                         : mseq_table_schema(table) ? mseq_table_schema(table)
                                                    : "public";
    status = build_payload(name, schema,
                           options->hash_namespace ? options->hash_namespace : meta->hash_namespace,
                           identity, &payload, err);
    if (status == MSEQ_OK)
        status = merge(payload, meta->extra_hash_components, err);
    if (status == MSEQ_OK)
        status = merge(payload, options->extra_components, err);
    if (status == MSEQ_OK)
        status = digest(payload, name, fingerprint, canonical_text, err);
    mseq_value_free(payload);
    return status;
}

static mseq_status require(const char *text, const char *what, const char *purpose,
                           mseq_error *err) {
    char *trimmed = text ? mseq_text_trim(text) : NULL;
    if (text && !trimmed)
        return mseq_error_no_memory(err);
    bool present = trimmed && *trimmed;
    free(trimmed);
    return present
               ? MSEQ_OK
               : mseq_error_set(err, MSEQ_E_NAME, "%s is required to build a %s.", what, purpose);
}

mseq_status mseq_fingerprint_storage(const char *meta_namespace, const char *identifier,
                                     const char *schema, const char *hash_namespace,
                                     char fingerprint[MSEQ_FINGERPRINT_SIZE], mseq_error *err) {
    static const char purpose[] = "MetaTable storage hash";
    schema = schema ? schema : "public";
    mseq_status status = require(meta_namespace, "namespace", purpose, err);
    if (status == MSEQ_OK)
        status = require(identifier, "identifier", purpose, err);
    if (status == MSEQ_OK)
        status = require(schema, "schema", purpose, err);
    if (status != MSEQ_OK)
        return status;
    mseq_value *payload = NULL;
    char *words = mseq_text_format("%s_%s", meta_namespace, identifier);
    status = words ? build_payload(meta_namespace, schema, hash_namespace, NULL, &payload, err)
                   : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = put_trimmed(payload, "identifier", identifier, err);
    if (status == MSEQ_OK)
        status = digest(payload, words, fingerprint, NULL, err);
    mseq_value_free(payload);
    free(words);
    return status;
}

mseq_status mseq_fingerprint_configured_storage(const char *meta_namespace, const char *schema,
                                                const mseq_value *table_storage_identity,
                                                const char *hash_namespace,
                                                const mseq_value *extra_components,
                                                char fingerprint[MSEQ_FINGERPRINT_SIZE],
                                                mseq_error *err) {
    static const char purpose[] = "configured MetaTable storage hash";
    schema = schema ? schema : "public";
    mseq_status status = require(meta_namespace, "namespace", purpose, err);
    if (status == MSEQ_OK)
        status = require(schema, "schema", purpose, err);
    if (status != MSEQ_OK)
        return status;
    mseq_value *payload = NULL, *identity = mseq_value_dup(table_storage_identity);
    status = identity
                 ? build_payload(meta_namespace, schema, hash_namespace, identity, &payload, err)
                 : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = merge(payload, extra_components, err);
    if (status == MSEQ_OK)
        status = digest(payload, meta_namespace, fingerprint, NULL, err);
    mseq_value_free(payload);
    return status;
}
