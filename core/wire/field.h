/* SPDX-License-Identifier: MIT
 * Requests described as tables of fields, and the one checker that reads them. */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "mainsequence/wire.h"

typedef enum wire_type {
    WIRE_TEXT,
    WIRE_BOOLEAN,
    WIRE_INTEGER,
    WIRE_OBJECT,    /* free-form */
    WIRE_CONTAINER, /* free-form object or array */
    WIRE_STRINGS,   /* array of strings */
    WIRE_RECORD,    /* object described by `fields` */
    WIRE_RECORDS,   /* array of such objects */
    WIRE_IGNORED    /* a legacy key: accepted, not kept */
} wire_type;

#define WIRE_REQUIRED 1u
#define WIRE_NOT_EMPTY 2u
#define WIRE_KEEP_NULL 4u /* null is a value */
#define WIRE_OMIT_NULL 8u /* null stands for absence */

typedef struct wire_field {
    const char *name;  /* NULL ends the table */
    const char *alias; /* another spelling on input, or NULL */
    wire_type type;
    unsigned flags;
    int64_t minimum;            /* integers */
    int64_t maximum;            /* integers; 0: none */
    const char *const *choices; /* texts; ends with NULL; NULL: any */
    const char *fallback;       /* value when absent: text or digits; "" for an empty container or a
                                   record       of defaults; "true"/"false"; NULL: left out */
    const struct wire_field *fields;
} wire_field;

/* Where in the request we are; printed only in errors. */
typedef struct wire_path {
    const struct wire_path *parent;
    const char *name; /* NULL: an index */
    size_t index;
} wire_path;

/* Sets a REQUEST error that starts with the path. */
mseq_status wire_refuse(const wire_path *path, mseq_error *err, const char *code,
                        const char *format, ...) MSEQ_PRINTF(4, 5);

/* Copies `value` field by field in the order of the table. Unknown keys, wrong kinds and missing
 * fields are refused by path; the key orm_class is dropped. */
mseq_status wire_check_record(const mseq_value *value, const wire_path *path,
                              const wire_field *fields, mseq_value **out, mseq_error *err);
/* The table_contract of a checked record, normalised in place. */
mseq_status wire_check_contract(mseq_value *record, const wire_path *path, bool time_indexed,
                                mseq_error *err);
/* Cadence of a checked record, normalised in place; blank removes it. */
mseq_status wire_check_cadence(mseq_value *record, const wire_path *path, mseq_error *err);
/* migration_provider_key "<package>:<namespace>" where it is absent and can be made. */
mseq_status wire_complete_provider_key(mseq_value *record, mseq_error *err);

#endif
