/* SPDX-License-Identifier: MIT
 * What drivers share: names of a row's columns, bytes as values, defaults of columns. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static const char BYTES_KEY[] = "$bytes";

char *database_unique_name(mseq_value *seen, const char *name) {
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

mseq_value *database_bytes_value(const void *bytes, size_t length) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_value *object = mseq_value_object();
    if (object && mseq_base64_encode(bytes, length, &text) == MSEQ_OK &&
        mseq_object_put(object, BYTES_KEY,
                        mseq_value_string_n(mseq_buffer_text(&text), text.length)) == MSEQ_OK) {
        mseq_buffer_free(&text);
        return object;
    }
    mseq_buffer_free(&text);
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
