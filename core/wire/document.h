/* SPDX-License-Identifier: MIT
 * Building objects key by key without a check after every key. */
#ifndef WIRE_DOCUMENT_H
#define WIRE_DOCUMENT_H

#include "mainsequence/wire.h"

/* An object under construction. The first failure sticks; later puts free what they were given. */
typedef struct wire_document {
    mseq_value *value;
    mseq_status status;
} wire_document;

void wire_begin(wire_document *document);
/* Becomes owner of `value`; NULL counts as out of memory. */
void wire_put(wire_document *document, const char *key, mseq_value *value);
void wire_put_text(wire_document *document, const char *key, const char *text); /* NULL: null */
void wire_put_text_if(wire_document *document, const char *key,
                      const char *text); /* NULL: no key */
void wire_put_boolean(wire_document *document, const char *key, bool boolean);
void wire_put_integer(wire_document *document, const char *key, int64_t integer);
void wire_put_copy(wire_document *document, const char *key, const mseq_value *value);
/* Puts the finished document `child` into `parent`. */
void wire_put_document(wire_document *parent, const char *key, wire_document *child);
/* Hands the object out, or frees it and sets the error. */
mseq_status wire_end(wire_document *document, mseq_value **out, mseq_error *err);
void wire_abandon(wire_document *document);

#endif
