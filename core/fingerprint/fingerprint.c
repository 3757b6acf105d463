/* SPDX-License-Identifier: MIT
 * The contract fingerprint (protocol page, section 10): canonical JSON of what a table stores, MD5,
 * prefix. */
#include <stdlib.h>
#include <string.h>

#include "identity.h"

enum { PREFIX_LENGTH = 30 };

/* What is hashed: an object of the members below, written with its keys sorted. The storage
 * identity is text already; the other members stand in two objects, for the keys before and behind
 * its own. */
typedef struct payload {
    mseq_value *before, *behind;
    mseq_buffer identity; /* empty: none */
} payload;

static const char IDENTITY_KEY[] = "table_storage_identity";

static mseq_status payload_begin(payload *p, mseq_error *err) {
    *p = (payload){mseq_value_object(), mseq_value_object(), MSEQ_BUFFER_INIT};
    return p->before && p->behind ? MSEQ_OK : mseq_error_no_memory(err);
}

static void payload_free(payload *p) {
    mseq_value_free(p->before);
    mseq_value_free(p->behind);
    mseq_buffer_free(&p->identity);
}

/* Becomes owner of `value`. */
static mseq_status put(mseq_value *object, const char *key, size_t length, mseq_value *value,
                       mseq_error *err) {
    return mseq_object_put_n(object, key, length, value) == MSEQ_OK ? MSEQ_OK
                                                                    : mseq_error_no_memory(err);
}

static mseq_status merge_member(payload *p, const char *key, size_t length, const mseq_value *value,
                                mseq_error *err) {
    size_t own = sizeof IDENTITY_KEY - 1;
    int order = memcmp(key, IDENTITY_KEY, length < own ? length : own);
    if (order == 0)
        order = (length > own) - (length < own);
    if (order)
        return put(order < 0 ? p->before : p->behind, key, length, mseq_value_dup(value), err);
    mseq_buffer_clear(&p->identity);
    return mseq_json_write(value, MSEQ_JSON_SORTED, &p->identity, err);
}

/* The extra components win over what stands there. */
static mseq_status merge(payload *p, const mseq_value *extra, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(extra); i++)
        status = merge_member(p, mseq_object_key_at(extra, i), mseq_object_key_length_at(extra, i),
                              mseq_object_value_at(extra, i), err);
    return status;
}

static mseq_status put_trimmed(payload *p, const char *key, const char *text, mseq_error *err) {
    size_t length = 0;
    const char *trimmed = mseq_text_trimmed(text, &length);
    return put(p->before, key, strlen(key), mseq_value_string_n(trimmed, length), err);
}

static mseq_status put_names(payload *p, const char *meta_namespace, const char *schema,
                             const char *hash_namespace, mseq_error *err) {
    mseq_status status = put_trimmed(p, "namespace", meta_namespace, err);
    if (status == MSEQ_OK)
        status = put_trimmed(p, "schema", schema, err);
    if (status == MSEQ_OK && hash_namespace && *hash_namespace)
        status = put_trimmed(p, "hash_namespace", hash_namespace, err);
    return status;
}

static mseq_status write_members(const mseq_value *object, mseq_buffer *text, mseq_error *err) {
    if (!mseq_value_length(object))
        return MSEQ_OK;
    mseq_buffer own = MSEQ_BUFFER_INIT;
    mseq_status status = mseq_json_write(object, MSEQ_JSON_SORTED, &own, err);
    if (status == MSEQ_OK) /* without its braces */
        mseq_buffer_append(text, own.data + 1, own.length - 2);
    mseq_buffer_free(&own);
    return status;
}

/* `before` always has a member: the namespace. */
static mseq_status write_payload(const payload *p, mseq_buffer *text, mseq_error *err) {
    mseq_buffer_append_char(text, '{');
    mseq_status status = write_members(p->before, text, err);
    if (p->identity.length) {
        mseq_buffer_append(text, ", \"", 3);
        mseq_buffer_append_text(text, IDENTITY_KEY);
        mseq_buffer_append(text, "\": ", 3);
        mseq_buffer_append(text, p->identity.data, p->identity.length);
    }
    if (mseq_value_length(p->behind))
        mseq_buffer_append(text, ", ", 2);
    if (status == MSEQ_OK)
        status = write_members(p->behind, text, err);
    mseq_buffer_append_char(text, '}');
    if (status == MSEQ_OK && text->status == MSEQ_E_LIMIT)
        return mseq_error_set(err, MSEQ_E_LIMIT,
                              "the canonical text is larger than its buffer may be");
    return status == MSEQ_OK && text->status != MSEQ_OK ? mseq_error_no_memory(err) : status;
}

/* ---- Digest and prefix
 * ------------------------------------------------------------------------------- */

/* slugify("mt_" + words) cut to 30 characters, then "_" and the MD5 of the payload's canonical
 * text. */
static mseq_status digest(const payload *p, const char *words,
                          char fingerprint[MSEQ_FINGERPRINT_SIZE], mseq_buffer *canonical_text,
                          mseq_error *err) {
    mseq_buffer own = MSEQ_BUFFER_INIT, *text = canonical_text ? canonical_text : &own;
    mseq_buffer_clear(text);
    mseq_status status = write_payload(p, text, err);
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

static const char *schema_of(const mseq_table *table, const mseq_fingerprint_options *options) {
    if (options->schema)
        return options->schema;
    return mseq_table_schema(table) ? mseq_table_schema(table) : "public";
}

mseq_status mseq_fingerprint_table(const mseq_table *table, const mseq_fingerprint_options *options,
                                   char fingerprint[MSEQ_FINGERPRINT_SIZE],
                                   mseq_buffer *canonical_text, mseq_error *err) {
    static const mseq_fingerprint_options defaults = MSEQ_FINGERPRINT_OPTIONS_INIT;
    options = options ? options : &defaults;
    const mseq_table_meta *meta = mseq_table_get_meta(table);
    const char *name =
        options->fingerprint_namespace ? options->fingerprint_namespace : meta->meta_namespace;
    mseq_status status =
        mseq_contract_require_namespace(table, options->fingerprint_namespace, err);
    if (status != MSEQ_OK)
        return status;
    payload p;
    status = payload_begin(&p, err);
    if (status == MSEQ_OK)
        status = fingerprint_identity(table, !options->without_table_name, &p.identity, err);
    if (status == MSEQ_OK)
        status = put_names(&p, name, schema_of(table, options),
                           options->hash_namespace ? options->hash_namespace : meta->hash_namespace,
                           err);
    if (status == MSEQ_OK)
        status = merge(&p, meta->extra_hash_components, err);
    if (status == MSEQ_OK)
        status = merge(&p, options->extra_components, err);
    if (status == MSEQ_OK)
        status = digest(&p, name, fingerprint, canonical_text, err);
    payload_free(&p);
    return status;
}

static mseq_status require(const char *text, const char *what, const char *purpose,
                           mseq_error *err) {
    size_t length = 0;
    if (text)
        (void)mseq_text_trimmed(text, &length);
    return length
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
    char *words = mseq_text_format("%s_%s", meta_namespace, identifier);
    payload p;
    status = payload_begin(&p, err);
    if (status == MSEQ_OK && !words)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = put_names(&p, meta_namespace, schema, hash_namespace, err);
    if (status == MSEQ_OK)
        status = put_trimmed(&p, "identifier", identifier, err);
    if (status == MSEQ_OK)
        status = digest(&p, words, fingerprint, NULL, err);
    payload_free(&p);
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
    payload p;
    status = payload_begin(&p, err);
    if (status == MSEQ_OK)
        status = mseq_json_write(table_storage_identity, MSEQ_JSON_SORTED, &p.identity, err);
    if (status == MSEQ_OK)
        status = put_names(&p, meta_namespace, schema, hash_namespace, err);
    if (status == MSEQ_OK)
        status = merge(&p, extra_components, err);
    if (status == MSEQ_OK)
        status = digest(&p, meta_namespace, fingerprint, NULL, err);
    payload_free(&p);
    return status;
}
