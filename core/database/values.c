/* SPDX-License-Identifier: MIT
 * What drivers share: names of a row's columns, bytes as values, defaults of columns. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static const char BYTES_KEY[] = "$bytes";

/* `seen` has the names so far, each with the next suffix to try. malloc'ed; NULL without memory. */
static char *unique_name(mseq_value *seen, const char *name) {
    int64_t suffix = mseq_object_get_integer(seen, name, 0);
    char *candidate = strdup(name);
    while (candidate && mseq_object_get(seen, candidate)) {
        free(candidate);
        candidate = mseq_text_format("%s_%lld", name, (long long)++suffix);
    }
    if (candidate && mseq_object_put_integer(seen, name, suffix) == MSEQ_OK &&
        (suffix == 0 || mseq_object_put_integer(seen, candidate, 0) == MSEQ_OK))
        return candidate;
    free(candidate);
    return NULL;
}

mseq_status database_row_columns(mseq_row *row, const char *const *names, size_t count,
                                 mseq_error *err) {
    mseq_strings unique = MSEQ_STRINGS_INIT;
    mseq_value *seen = mseq_value_object();
    bool ok = seen;
    for (size_t i = 0; ok && i < count; i++)
        ok = names[i] && mseq_strings_add_take(&unique, unique_name(seen, names[i])) == MSEQ_OK;
    mseq_status status =
        ok ? mseq_row_set_keys(row, (const char *const *)unique.items, NULL, count, err)
           : mseq_error_no_memory(err);
    mseq_value_free(seen);
    mseq_strings_free(&unique);
    return status;
}

mseq_value *database_bytes_value(const void *bytes, size_t length, bool plain) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_value *value = NULL;
    if (mseq_base64_encode(bytes, length, &text) == MSEQ_OK)
        value = mseq_value_string_n(mseq_buffer_text(&text), text.length);
    mseq_buffer_free(&text);
    if (plain || !value)
        return value;
    mseq_value *object = mseq_value_object();
    if (mseq_object_put(object, BYTES_KEY, value) == MSEQ_OK)
        return object;
    mseq_value_free(object);
    return NULL;
}

const mseq_value *database_bytes_of(const mseq_value *value) {
    const mseq_value *bytes = mseq_value_kind(value) == MSEQ_OBJECT && mseq_value_length(value) == 1
                                  ? mseq_object_get(value, BYTES_KEY)
                                  : NULL;
    return mseq_value_kind(bytes) == MSEQ_STRING ? bytes : NULL;
}

mseq_value *database_default_description(const char *text, bool wrap) {
    mseq_buffer buffer = MSEQ_BUFFER_INIT;
    if (wrap)
        mseq_buffer_append_char(&buffer, '(');
    for (const char *c = text; *c; c++) {
        if (c[0] == '\\' && c[1] == ':') /* "\:" means a colon in the description */
            mseq_buffer_append_char(&buffer, '\\');
        mseq_buffer_append_char(&buffer, *c);
    }
    if (wrap)
        mseq_buffer_append_char(&buffer, ')');
    mseq_value *description = mseq_value_object();
    bool ok = description && buffer.status == MSEQ_OK &&
              mseq_object_put_text(description, "text", mseq_buffer_text(&buffer)) == MSEQ_OK;
    mseq_buffer_free(&buffer);
    if (ok)
        return description;
    mseq_value_free(description);
    return NULL;
}
