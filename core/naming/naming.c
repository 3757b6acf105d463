/* SPDX-License-Identifier: MIT
 * Names of tables, columns, constraints and indexes: the reference's rules (protocol page, section
 * 9). */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/naming.h"

enum { DIGEST_LENGTH = 10, MARKER_LENGTH = DIGEST_LENGTH + 1 };

static const char PART[] = "Schema identifier part";
static const char COLUMN[] = "Schema column name";

static bool ascii_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "_" and the first ten hex digits of the MD5. */
static mseq_status write_marker(const char *text, char marker[MARKER_LENGTH + 1], mseq_error *err) {
    char hex[33];
    mseq_status status = mseq_md5_hex(text, strlen(text), hex);
    if (status != MSEQ_OK)
        return mseq_error_set(err, status, "MD5 is not available");
    marker[0] = '_';
    memcpy(marker + 1, hex, DIGEST_LENGTH);
    marker[MARKER_LENGTH] = '\0';
    return MSEQ_OK;
}

static mseq_status give(char *text, char **out, mseq_error *err) {
    if (!text)
        return mseq_error_no_memory(err);
    *out = text;
    return MSEQ_OK;
}

/* What a slug may need beyond the text's own length: "t_" before a digit, or "table" for nothing.
 */
enum { SLUG_EXTRA = 5 };

/* Writes the slug of text[0, length), at most length + SLUG_EXTRA characters, and gives its length.
 */
static size_t write_slug(const char *text, size_t length, char *out) {
    size_t written = 0;
    bool gap = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (!ascii_alphanumeric(c)) {
            gap = true;
            continue;
        }
        if (written == 0 && c >= '0' && c <= '9') {
            out[written++] = 't';
            out[written++] = '_';
        } else if (gap && written) {
            out[written++] = '_';
        }
        gap = false;
        out[written++] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    if (written)
        return written;
    memcpy(out, "table", 5);
    return 5;
}

mseq_status mseq_naming_slugify(const char *text, char **slug, mseq_error *err) {
    size_t length = strlen(text);
    char *out = malloc(length + SLUG_EXTRA + 1);
    if (!out)
        return mseq_error_no_memory(err);
    out[write_slug(text, length, out)] = '\0';
    *slug = out;
    return MSEQ_OK;
}

static bool has_letters_or_digits(const char *text, size_t length) {
    for (size_t position = 0; position < length;) {
        if (ascii_alphanumeric(text[position]))
            return true;
        uint32_t codepoint = 0;
        size_t size = mseq_utf8_next(text + position, length - position, &codepoint);
        if (size && mseq_unicode_is_alphanumeric(codepoint))
            return true;
        position += size ? size : 1;
    }
    return false;
}

/* The trimmed part of `text` that becomes a slug, borrowed from it; refuses what is none. */
static mseq_status find_part(const char *text, const char *label, const char **part, size_t *length,
                             mseq_error *err) {
    if (!mseq_utf8_valid(text, strlen(text)))
        return mseq_error_set(err, MSEQ_E_NAME, "%s is not valid UTF-8.", label);
    *part = mseq_text_trimmed(text, length);
    if (!*length)
        return mseq_error_set(err, MSEQ_E_NAME, "%s is required.", label);
    if (has_letters_or_digits(*part, *length))
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_NAME, "%s must contain letters or digits.", label);
    mseq_error_detail(err, "got '%.*s'", (int)*length, *part);
    return MSEQ_E_NAME;
}

mseq_status mseq_naming_normalize_part(const char *text, const char *label, char **part,
                                       mseq_error *err) {
    const char *found = NULL;
    size_t length = 0;
    mseq_status status = find_part(text, label ? label : PART, &found, &length, err);
    if (status != MSEQ_OK)
        return status;
    char *out = malloc(length + SLUG_EXTRA + 1);
    if (!out)
        return mseq_error_no_memory(err);
    out[write_slug(found, length, out)] = '\0';
    *part = out;
    return MSEQ_OK;
}

/* Splits the trimmed text at "__", normalises each piece and appends it to `pieces`. */
static mseq_status split_pieces(const char *text, const char *label, mseq_strings *pieces,
                                mseq_error *err) {
    char *trimmed = mseq_text_trim(text);
    if (!trimmed)
        return mseq_error_no_memory(err);
    mseq_status status = MSEQ_OK;
    char *piece = trimmed;
    while (status == MSEQ_OK && piece) {
        char *next = strstr(piece, "__");
        if (next) {
            *next = '\0';
            next += 2;
        }
        char *part = NULL;
        status = mseq_naming_normalize_part(piece, label, &part, err);
        if (status == MSEQ_OK && mseq_strings_add_take(pieces, part) != MSEQ_OK)
            status = mseq_error_no_memory(err);
        piece = next;
    }
    free(trimmed);
    return status;
}

static char *join(const mseq_strings *pieces, size_t from) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    for (size_t i = from; i < pieces->count; i++) {
        if (i > from)
            mseq_buffer_append(&buffer, "__", 2);
        mseq_buffer_append_text(&buffer, pieces->items[i]);
    }
    return mseq_buffer_take(&buffer);
}

/* Length of text[0, length) without trailing "_", at least one character. */
static size_t without_trailing(const char *text, size_t length) {
    size_t kept = length;
    while (kept > 0 && text[kept - 1] == '_')
        kept--;
    return kept ? kept : 1;
}

static mseq_status bound(const char *joined, size_t maximum, char **name, mseq_error *err) {
    size_t length = strlen(joined);
    if (length <= maximum)
        return give(mseq_text_dup(joined), name, err);
    if (maximum < MARKER_LENGTH + 1)
        return mseq_error_set(err, MSEQ_E_NAME, "Identifier max_length is too small: %zu.",
                              maximum);
    char marker[MARKER_LENGTH + 1];
    mseq_status status = write_marker(joined, marker, err);
    if (status != MSEQ_OK)
        return status;
    size_t head = without_trailing(joined, maximum - MARKER_LENGTH);
    return give(mseq_text_format("%.*s%s", (int)head, joined, marker), name, err);
}

static mseq_status bound_pieces(mseq_strings *pieces, size_t maximum, char **name,
                                mseq_error *err) {
    char *joined = join(pieces, 0);
    if (!joined)
        return mseq_error_no_memory(err);
    mseq_status status = bound(joined, maximum ? maximum : MSEQ_IDENTIFIER_MAXIMUM, name, err);
    free(joined);
    return status;
}

mseq_status mseq_naming_bounded_identifier(const char *const *parts, size_t count, size_t maximum,
                                           char **name, mseq_error *err) {
    mseq_strings pieces = MSEQ_STRINGS_INIT;
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < count; i++)
        status = split_pieces(parts[i], PART, &pieces, err);
    if (status == MSEQ_OK)
        status = bound_pieces(&pieces, maximum, name, err);
    mseq_strings_free(&pieces);
    return status;
}

/* ---- Schema table names ---------------------------------------------------------------------- */

/* A stretch of a candidate name: its slugs stand there without NULs between them. */
typedef struct slug_part {
    const char *text;
    size_t length;
} slug_part;

static mseq_status too_long(slug_part app, mseq_error *err) {
    mseq_error_set(err, MSEQ_E_NAME, "Schema table name app is too long: '%.*s'.", (int)app.length,
                   app.text);
    mseq_error_hint(err, "the app part leaves no room for the concept in %d characters",
                    MSEQ_IDENTIFIER_MAXIMUM);
    return MSEQ_E_NAME;
}

static mseq_status cut_without_suffix(slug_part app, slug_part concept_name, const char *marker,
                                      char **name, mseq_error *err) {
    size_t prefix = app.length + 2;
    if (prefix + MARKER_LENGTH + 1 > MSEQ_IDENTIFIER_MAXIMUM)
        return too_long(app, err);
    size_t budget = MSEQ_IDENTIFIER_MAXIMUM - prefix - MARKER_LENGTH;
    if (budget > concept_name.length)
        budget = concept_name.length;
    return give(mseq_text_format("%.*s__%.*s%s", (int)app.length, app.text,
                                 (int)without_trailing(concept_name.text, budget),
                                 concept_name.text, marker),
                name, err);
}

static mseq_status cut_with_suffix(slug_part app, slug_part concept_name, slug_part suffix,
                                   const char *marker, char **name, mseq_error *err) {
    size_t prefix = app.length + 2;
    if (prefix + MARKER_LENGTH + 2 + 2 > MSEQ_IDENTIFIER_MAXIMUM)
        return too_long(app, err);
    size_t remaining = MSEQ_IDENTIFIER_MAXIMUM - prefix - MARKER_LENGTH - 2;
    size_t half = remaining / 2 > 1 ? remaining / 2 : 1;
    size_t suffix_budget = suffix.length < half ? suffix.length : half;
    size_t concept_budget = remaining - suffix_budget;
    if (concept_budget > concept_name.length) { /* what the concept leaves goes to the suffix */
        suffix_budget += concept_budget - concept_name.length;
        if (suffix_budget > suffix.length)
            suffix_budget = suffix.length;
        concept_budget = concept_name.length;
    }
    const char *tail = suffix.text + (suffix.length - suffix_budget);
    size_t tail_length = suffix_budget;
    while (tail_length && *tail == '_') {
        tail++;
        tail_length--;
    }
    while (tail_length && tail[tail_length - 1] == '_')
        tail_length--;
    if (tail_length == 0) {
        tail = suffix.text + suffix.length - 1;
        tail_length = 1;
    }
    return give(mseq_text_format("%.*s__%.*s%s__%.*s", (int)app.length, app.text,
                                 (int)without_trailing(concept_name.text, concept_budget),
                                 concept_name.text, marker, (int)tail_length, tail),
                name, err);
}

mseq_status mseq_naming_schema_table_name(const char *app, const char *concept_name,
                                          const char *suffix, char **name, mseq_error *err) {
    slug_part a = {NULL, 0}, c = {NULL, 0}, s = {NULL, 0};
    mseq_status status = find_part(app, "Schema table name app", &a.text, &a.length, err);
    if (status == MSEQ_OK)
        status = find_part(concept_name, "Schema table name concept", &c.text, &c.length, err);
    if (status == MSEQ_OK && suffix)
        status = find_part(suffix, "Schema table name suffix", &s.text, &s.length, err);
    if (status != MSEQ_OK)
        return status;
    /* the slugs, "__" between them and the NUL */
    char *candidate = malloc(a.length + c.length + s.length + 3 * SLUG_EXTRA + 2 * 2 + 1);
    if (!candidate)
        return mseq_error_no_memory(err);
    slug_part *const parts[] = {&a, &c, &s};
    char *end = candidate;
    for (int i = 0; i < (suffix ? 3 : 2); i++) {
        if (i) {
            *end++ = '_';
            *end++ = '_';
        }
        parts[i]->length = write_slug(parts[i]->text, parts[i]->length, end);
        parts[i]->text = end;
        end += parts[i]->length;
    }
    *end = '\0';
    if (end - candidate <= MSEQ_IDENTIFIER_MAXIMUM) {
        *name = candidate;
        return MSEQ_OK;
    }
    char marker[MARKER_LENGTH + 1];
    status = write_marker(candidate, marker, err);
    if (status == MSEQ_OK)
        status = suffix ? cut_with_suffix(a, c, s, marker, name, err)
                        : cut_without_suffix(a, c, marker, name, err);
    free(candidate);
    return status;
}

mseq_status mseq_naming_parse_schema_table_name(const char *name, char **app, char **concept_name,
                                                char **suffix, mseq_error *err) {
    mseq_strings pieces = MSEQ_STRINGS_INIT;
    char *rest = NULL;
    char *trimmed = mseq_text_trim(name);
    if (!trimmed)
        return mseq_error_no_memory(err);
    mseq_status status = MSEQ_OK;
    if (!*trimmed)
        status = mseq_error_set(err, MSEQ_E_NAME, "Schema table name is required.");
    else
        status = split_pieces(trimmed, "Schema table name part", &pieces, err);
    free(trimmed);
    if (status == MSEQ_OK && pieces.count < 2)
        status = mseq_error_set(err, MSEQ_E_NAME,
                                "Schema table names must use the app__concept convention.");
    if (status == MSEQ_OK && pieces.count > 2)
        status = give(join(&pieces, 2), &rest, err);
    if (status == MSEQ_OK) {
        *app = pieces.items[0];
        *concept_name = pieces.items[1];
        *suffix = rest;
        pieces.items[0] = pieces.items[1] = NULL; /* free(NULL) is harmless */
    }
    mseq_strings_free(&pieces);
    return status;
}

/* ---- Constraints and indexes ------------------------------------------------------------------
 */

static mseq_status add_columns(const char *const *columns, size_t count, mseq_strings *pieces,
                               mseq_error *err) {
    for (size_t i = 0; i < count; i++) {
        char *part = NULL;
        mseq_status status = mseq_naming_normalize_part(columns[i], COLUMN, &part, err);
        if (status != MSEQ_OK)
            return status;
        if (mseq_strings_add_take(pieces, part) != MSEQ_OK)
            return mseq_error_no_memory(err);
    }
    return MSEQ_OK;
}

static mseq_status object_name(const char *kind, const char *table, const char *const *columns,
                               size_t count, const char *target, const char *const *target_columns,
                               size_t target_count, char **name, mseq_error *err) {
    mseq_strings pieces = MSEQ_STRINGS_INIT;
    mseq_status status = mseq_strings_add(&pieces, kind);
    if (status != MSEQ_OK)
        mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = split_pieces(table, PART, &pieces, err);
    if (status == MSEQ_OK)
        status = add_columns(columns, count, &pieces, err);
    if (status == MSEQ_OK && target)
        status = split_pieces(target, PART, &pieces, err);
    if (status == MSEQ_OK && target)
        status = add_columns(target_columns, target_count, &pieces, err);
    if (status == MSEQ_OK)
        status = bound_pieces(&pieces, 0, name, err);
    mseq_strings_free(&pieces);
    return status;
}

static mseq_status need_columns(size_t count, mseq_error *err) {
    return count ? MSEQ_OK
                 : mseq_error_set(err, MSEQ_E_NAME,
                                  "At least one column is required for schema names.");
}

mseq_status mseq_naming_index_name(const char *table, const char *const *columns, size_t count,
                                   bool unique, char **name, mseq_error *err) {
    mseq_status status = need_columns(count, err);
    if (status != MSEQ_OK)
        return status;
    return object_name(unique ? "uix" : "ix", table, columns, count, NULL, NULL, 0, name, err);
}

mseq_status mseq_naming_foreign_key_name(const char *table, const char *const *columns,
                                         size_t count, const char *target_table,
                                         const char *const *target_columns, size_t target_count,
                                         char **name, mseq_error *err) {
    mseq_status status = need_columns(count, err);
    if (status != MSEQ_OK)
        return status;
    return object_name("fk", table, columns, count, target_table, target_columns, target_count,
                       name, err);
}

mseq_status mseq_naming_primary_key_name(const char *table, char **name, mseq_error *err) {
    return object_name("pk", table, NULL, 0, NULL, NULL, 0, name, err);
}

mseq_status mseq_naming_unique_constraint_name(const char *table, const char *const *columns,
                                               size_t count, char **name, mseq_error *err) {
    mseq_status status = need_columns(count, err);
    if (status != MSEQ_OK)
        return status;
    return object_name("uq", table, columns, count, NULL, NULL, 0, name, err);
}

mseq_status mseq_naming_check_constraint_name(const char *table, const char *check, char **name,
                                              mseq_error *err) {
    return object_name("ck", table, NULL, 0, check && *check ? check : NULL, NULL, 0, name, err);
}

mseq_status mseq_naming_truncate_final(const char *name, char **truncated, mseq_error *err) {
    enum { HEAD = 55, TAIL = 4 };
    if (mseq_utf8_length(name) <= MSEQ_IDENTIFIER_MAXIMUM)
        return give(mseq_text_dup(name), truncated, err);
    size_t head = 0, length = strlen(name);
    for (int count = 0; count < HEAD; count++) {
        uint32_t codepoint;
        size_t size = mseq_utf8_next(name + head, length - head, &codepoint);
        head += size ? size : 1;
    }
    char hex[33];
    mseq_status status = mseq_md5_hex(name, length, hex);
    if (status != MSEQ_OK)
        return mseq_error_set(err, status, "MD5 is not available");
    return give(mseq_text_format("%.*s_%s", (int)head, name, hex + 32 - TAIL), truncated, err);
}

/* ---- Migration namespaces ---------------------------------------------------------------------
 */

mseq_status mseq_naming_namespace_version_slug(const char *migration_namespace, char **slug,
                                               mseq_error *err) {
    enum { LONGEST = 48, HEAD = 37 };
    char *raw = mseq_text_trim(migration_namespace ? migration_namespace : "");
    if (!raw)
        return mseq_error_no_memory(err);
    mseq_buffer out = MSEQ_BUFFER_INIT;
    bool gap = false;
    for (const char *c = raw; *c; c++) {
        if (!ascii_alphanumeric(*c)) {
            gap = true;
            continue;
        }
        if (gap && out.length)
            mseq_buffer_append_char(&out, '_');
        gap = false;
        mseq_buffer_append_char(&out, *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c);
    }
    if (out.length == 0)
        mseq_buffer_append_text(&out, "default");
    mseq_status status = MSEQ_OK;
    char hex[41];
    if (out.status == MSEQ_OK && out.length > LONGEST) {
        status = mseq_sha1_hex(raw, strlen(raw), hex);
        out.length = without_trailing(out.data, HEAD);
        mseq_buffer_append_char(&out, '_');
        mseq_buffer_append(&out, hex, DIGEST_LENGTH);
    }
    free(raw);
    if (status != MSEQ_OK) {
        mseq_buffer_free(&out);
        return mseq_error_set(err, status, "SHA-1 is not available");
    }
    return give(mseq_buffer_take(&out), slug, err);
}

mseq_status mseq_naming_namespace_version_location(const char *migration_namespace,
                                                   const char *prefix, char **location,
                                                   mseq_error *err) {
    char *trimmed = mseq_text_trim(prefix ? prefix : "migrations:versions");
    if (!trimmed)
        return mseq_error_no_memory(err);
    size_t length = strlen(trimmed);
    while (length && trimmed[length - 1] == '/')
        trimmed[--length] = '\0';
    char *slug = NULL;
    mseq_status status = MSEQ_OK;
    if (!length)
        status =
            mseq_error_set(err, MSEQ_E_NAME, "namespace_version_location prefix cannot be empty.");
    if (status == MSEQ_OK)
        status = mseq_naming_namespace_version_slug(migration_namespace, &slug, err);
    if (status == MSEQ_OK)
        status = give(mseq_text_format("%s/%s", trimmed, slug), location, err);
    free(slug);
    free(trimmed);
    return status;
}
