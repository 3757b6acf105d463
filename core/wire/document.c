/* SPDX-License-Identifier: MIT
 * Building objects key by key. */
#include "document.h"

void wire_begin(wire_document *document) {
    document->value = mseq_value_object();
    document->status = document->value ? MSEQ_OK : MSEQ_E_NO_MEMORY;
}

void wire_put(wire_document *document, const char *key, mseq_value *value) {
    if (document->status != MSEQ_OK)
        mseq_value_free(value);
    else
        document->status = mseq_object_put(document->value, key, value);
}

void wire_put_text(wire_document *document, const char *key, const char *text) {
    wire_put(document, key, mseq_value_string(text));
}

void wire_put_text_if(wire_document *document, const char *key, const char *text) {
    if (text)
        wire_put_text(document, key, text);
}

void wire_put_boolean(wire_document *document, const char *key, bool boolean) {
    wire_put(document, key, mseq_value_boolean(boolean));
}

void wire_put_integer(wire_document *document, const char *key, int64_t integer) {
    wire_put(document, key, mseq_value_integer(integer));
}

void wire_put_copy(wire_document *document, const char *key, const mseq_value *value) {
    wire_put(document, key, mseq_value_dup(value));
}

void wire_put_document(wire_document *parent, const char *key, wire_document *child) {
    if (child->status != MSEQ_OK) {
        if (parent->status == MSEQ_OK)
            parent->status = child->status;
        wire_abandon(child);
        return;
    }
    wire_put(parent, key, child->value);
    child->value = NULL;
}

mseq_status wire_end(wire_document *document, mseq_value **out, mseq_error *err) {
    if (document->status != MSEQ_OK) {
        wire_abandon(document);
        return document->status == MSEQ_E_NO_MEMORY
                   ? mseq_error_no_memory(err)
                   : mseq_error_set(err, document->status, "a document could not be built");
    }
    *out = document->value;
    document->value = NULL;
    return MSEQ_OK;
}

void wire_abandon(wire_document *document) {
    mseq_value_free(document->value);
    document->value = NULL;
}
