/* SPDX-License-Identifier: MIT
 *
 * Room `base`: what every other room stands on. Status and error, buffers, values, text, numbers,
 * times, digests, uuids, cancellation, whole files. No other I/O than reading the clock and the
 * random source.
 *
 * Threads: functions without a handle may be called from any thread. A buffer, a string list or a
 * value may be used by one thread at a time; a value that nobody changes may be read by many. A
 * cancellation token may be used from any thread and from a signal handler.
 */
#ifndef MSEQ_BASE_H
#define MSEQ_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mainsequence/version.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MSEQ_API __attribute__((visibility("default")))
#define MSEQ_PRINTF(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))
#define MSEQ_MUST_CHECK __attribute__((warn_unused_result))
#else
#define MSEQ_API
#define MSEQ_PRINTF(format_index, first_index)
#define MSEQ_MUST_CHECK
#endif

/* The version of the library that runs (MSEQ_VERSION_STRING is that of the header). Static text. */
MSEQ_API const char *mseq_version(void);

/* ---- Status and error ------------------------------------------------------------------------ */

/* What went wrong, by stage. A number that is retired is never used again. */
typedef enum mseq_status {
    MSEQ_OK = 0,

    MSEQ_E_ARGUMENT = 1,  /* the program called us wrongly */
    MSEQ_E_NO_MEMORY = 2, /* an allocation failed */
    MSEQ_E_LIMIT = 3,     /* a documented limit was passed */
    MSEQ_E_CANCELLED = 4, /* the cancellation token was set */
    MSEQ_E_INTERNAL = 5,  /* a defect of ours */
    MSEQ_E_IO = 6,        /* a file or the random source failed */

    MSEQ_E_NAME = 20,   /* a name is empty, too long, without letters or digits */
    MSEQ_E_SCHEMA = 21, /* a table declaration is wrong */

    MSEQ_E_JSON = 30,     /* text is not JSON that we accept */
    MSEQ_E_CONTRACT = 31, /* a contract document or what it is built from is wrong */
    MSEQ_E_DDL = 32,      /* a construct that the dialect cannot express */

    MSEQ_E_REQUEST = 40,        /* 400, or a request refused before it was sent */
    MSEQ_E_AUTHENTICATION = 41, /* 401 */
    MSEQ_E_PERMISSION = 42,     /* 403 */
    MSEQ_E_NOT_FOUND = 43,      /* 404 */
    MSEQ_E_CONFLICT = 44,       /* 409 */
    MSEQ_E_RATE_LIMIT = 45,     /* 429 */
    MSEQ_E_SERVER = 46,         /* 5xx */
    MSEQ_E_API = 47,            /* any other refusal */
    MSEQ_E_TRANSPORT = 48,      /* no answer, or one that is not of the protocol */
    MSEQ_E_TIMEOUT = 49,        /* a deadline passed */

    MSEQ_E_STATEMENT = 60, /* SQL text refused: more than one statement, kind, scope, placeholder */

    MSEQ_E_DATABASE = 80,           /* the database refused; sqlstate tells more */
    MSEQ_E_DATABASE_LOCKED = 81,    /* someone else holds the lock, the busy timeout passed */
    MSEQ_E_DATABASE_READ_ONLY = 82, /* the file or the connection is read-only */
    MSEQ_E_DATABASE_FULL = 83,      /* disk full or max_page_count reached */
    MSEQ_E_DATABASE_CONSTRAINT = 84 /* unique, foreign key, check, not null */
} mseq_status;

/* The status's symbolic name in lower case ("not_found"): stable, used as err.code in Lua and in
 * structured replies. Static text; "unknown" for a number that is no status. */
MSEQ_API const char *mseq_status_name(mseq_status status);

/* HTTP status that stands for a status in a reply (400, 404, 500, …), and the way back. */
MSEQ_API int mseq_status_to_http(mseq_status status);
MSEQ_API mseq_status mseq_status_from_http(int http_status);

/* An error, owned by the caller, of fixed size, nothing to free. Zero-initialise it
 * (MSEQ_ERROR_INIT). The first error wins: a function never overwrites an error that is already
 * set. Every function that takes one accepts NULL. */
typedef struct mseq_error {
    mseq_status status;
    int http_status;    /* of the reply that carried it, else 0 */
    int line;           /* line in `source`, else 0 */
    char code[64];      /* symbolic; the status's name unless something finer is known */
    char sqlstate[8];   /* where a database gave one */
    char source[256];   /* file, script or document it is about; the tail is kept if it is long */
    char message[1024]; /* what is wrong: the thing, the value */
    char detail[1024];  /* more facts, may be empty */
    char hint[512];     /* what to do, may be empty */
    char reserved[64];
} mseq_error;

#define MSEQ_ERROR_INIT                                                                            \
    { MSEQ_OK, 0, 0, "", "", "", "", "", "", "" }

/* Sets status and message unless an error is set already. Returns `status`, so that a function can
 * `return mseq_error_set(err, …)`. Text that does not fit is cut at a UTF-8 boundary. */
MSEQ_API mseq_status mseq_error_set(mseq_error *err, mseq_status status, const char *format, ...)
    MSEQ_PRINTF(3, 4);
MSEQ_API mseq_status mseq_error_no_memory(mseq_error *err);
#ifdef __clang_analyzer__ /* it does not look into other files: what these return */
#define mseq_error_set(err, status, ...) ((void)(mseq_error_set)(err, status, __VA_ARGS__), status)
#define mseq_error_no_memory(err) ((void)(mseq_error_no_memory)(err), MSEQ_E_NO_MEMORY)
#endif
/* These add to the error that is set; without one they do nothing. A prefix goes before the
 * message: context while unwinding ("column 'a': …"). */
MSEQ_API void mseq_error_code(mseq_error *err, const char *code);
MSEQ_API void mseq_error_hint(mseq_error *err, const char *format, ...) MSEQ_PRINTF(2, 3);
MSEQ_API void mseq_error_detail(mseq_error *err, const char *format, ...) MSEQ_PRINTF(2, 3);
MSEQ_API void mseq_error_prefix(mseq_error *err, const char *format, ...) MSEQ_PRINTF(2, 3);
MSEQ_API void mseq_error_source(mseq_error *err, const char *source, int line);
/* Forgets the error, so that the object can be used again. */
MSEQ_API void mseq_error_clear(mseq_error *err);

/* ---- Buffers and string lists ---------------------------------------------------------------- */

/* A growing byte buffer with a hard maximum. Zero bytes are allowed; `data` is always followed by a
 * NUL once something was appended. Failure is sticky: after a failed append, every further one
 * fails and `status` says why (NO_MEMORY or LIMIT), so callers check once at the end. */
typedef struct mseq_buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t maximum; /* bytes; 0 means MSEQ_BUFFER_MAXIMUM */
    mseq_status status;
} mseq_buffer;

#define MSEQ_BUFFER_MAXIMUM ((size_t)256 * 1024 * 1024)
#define MSEQ_BUFFER_INIT                                                                           \
    { NULL, 0, 0, 0, MSEQ_OK }

MSEQ_API mseq_status mseq_buffer_append(mseq_buffer *buffer, const char *bytes, size_t length);
MSEQ_API mseq_status mseq_buffer_append_text(mseq_buffer *buffer, const char *text);
MSEQ_API mseq_status mseq_buffer_append_char(mseq_buffer *buffer, char byte);
/* In decimal digits. */
MSEQ_API mseq_status mseq_buffer_append_integer(mseq_buffer *buffer, int64_t integer);
MSEQ_API mseq_status mseq_buffer_append_format(mseq_buffer *buffer, const char *format, ...)
    MSEQ_PRINTF(2, 3);
/* The text so far ("" when empty), borrowed until the next change. */
MSEQ_API const char *mseq_buffer_text(const mseq_buffer *buffer);
/* The caller becomes owner of the bytes (free() them); the buffer is emptied. NULL when the buffer
 * failed or memory is short. */
MSEQ_API char *mseq_buffer_take(mseq_buffer *buffer);
MSEQ_API void mseq_buffer_clear(mseq_buffer *buffer); /* length 0, memory kept, status reset */
MSEQ_API void mseq_buffer_free(mseq_buffer *buffer);  /* releases the memory, not the struct */

/* An owned list of strings, in order. */
typedef struct mseq_strings {
    char **items;
    size_t count;
    size_t capacity;
} mseq_strings;

#define MSEQ_STRINGS_INIT                                                                          \
    { NULL, 0, 0 }

MSEQ_API mseq_status mseq_strings_add(mseq_strings *list, const char *text);
/* Becomes owner of `text` (malloc'ed), even on failure. */
MSEQ_API mseq_status mseq_strings_add_take(mseq_strings *list, char *text);
MSEQ_API bool mseq_strings_contains(const mseq_strings *list, const char *text);
MSEQ_API void mseq_strings_free(mseq_strings *list);

/* malloc'ed copy, NULL for NULL or when memory is short. */
MSEQ_API char *mseq_text_dup(const char *text);
/* malloc'ed formatted text, NULL when memory is short. */
MSEQ_API char *mseq_text_format(const char *format, ...) MSEQ_PRINTF(1, 2);

/* ---- Values: a JSON tree that keeps integers and floats apart ---------------------------------
 */

typedef enum mseq_kind {
    MSEQ_NULL,
    MSEQ_BOOLEAN,
    MSEQ_INTEGER, /* 64 bits, signed */
    MSEQ_FLOAT,   /* double */
    MSEQ_STRING,  /* UTF-8, may hold NUL */
    MSEQ_ARRAY,
    MSEQ_OBJECT /* keys keep the order in which they were first put */
} mseq_kind;

/* Opaque. A container owns what is in it. */
typedef struct mseq_value mseq_value;

/* Constructors: the caller owns the result; NULL when memory is short. */
MSEQ_API mseq_value *mseq_value_null(void);
MSEQ_API mseq_value *mseq_value_boolean(bool boolean);
MSEQ_API mseq_value *mseq_value_integer(int64_t integer);
MSEQ_API mseq_value *mseq_value_float(double number);
MSEQ_API mseq_value *mseq_value_string(const char *text); /* NULL text gives a null value */
MSEQ_API mseq_value *mseq_value_string_n(const char *bytes, size_t length);
MSEQ_API mseq_value *mseq_value_array(void);
MSEQ_API mseq_value *mseq_value_object(void);
MSEQ_API mseq_value *mseq_value_dup(const mseq_value *value);
MSEQ_API void mseq_value_free(mseq_value *value);

/* Reading. A NULL value reads as absent: kind MSEQ_NULL, length 0, default results. */
MSEQ_API mseq_kind mseq_value_kind(const mseq_value *value);
MSEQ_API const char *mseq_kind_name(mseq_kind kind); /* "null", "boolean", "integer", … */
MSEQ_API bool mseq_value_is_null(const mseq_value *value);
MSEQ_API bool mseq_value_get_boolean(const mseq_value *value, bool otherwise);
MSEQ_API int64_t mseq_value_get_integer(const mseq_value *value, int64_t otherwise);
/* Integers read as floats too. */
MSEQ_API double mseq_value_get_float(const mseq_value *value, double otherwise);
/* Borrowed, NUL-terminated; NULL when it is no string. */
MSEQ_API const char *mseq_value_get_text(const mseq_value *value);
MSEQ_API size_t mseq_value_get_text_length(const mseq_value *value);
/* Items of an array, members of an object, else 0. */
MSEQ_API size_t mseq_value_length(const mseq_value *value);
MSEQ_API bool
mseq_value_equal(const mseq_value *a,
                 const mseq_value *b); /* 1 and 1.0 differ; key order does not matter */

/* Arrays. `add` becomes owner of the item, even on failure; a NULL item is NO_MEMORY. */
MSEQ_API mseq_status mseq_array_add(mseq_value *array, mseq_value *item);
/* Puts `item` in the place of the one at `index`, which must be there. */
MSEQ_API mseq_status mseq_array_set(mseq_value *array, size_t index, mseq_value *item);
MSEQ_API const mseq_value *mseq_array_get(const mseq_value *array, size_t index); /* borrowed */
MSEQ_API mseq_value *mseq_array_peek(mseq_value *array, size_t index); /* borrowed, changeable */

/* Objects. `put` becomes owner of the value, even on failure; a NULL value is NO_MEMORY; an
 * existing key keeps its place and gets the new value. `get` borrows, NULL when absent. */
MSEQ_API mseq_status mseq_object_put(mseq_value *object, const char *key, mseq_value *value);
MSEQ_API mseq_status mseq_object_put_n(mseq_value *object, const char *key, size_t key_length,
                                       mseq_value *value);
MSEQ_API mseq_status mseq_object_put_text(mseq_value *object, const char *key, const char *text);
MSEQ_API mseq_status mseq_object_put_boolean(mseq_value *object, const char *key, bool boolean);
MSEQ_API mseq_status mseq_object_put_integer(mseq_value *object, const char *key, int64_t integer);
MSEQ_API const mseq_value *mseq_object_get(const mseq_value *object, const char *key);
MSEQ_API mseq_value *mseq_object_peek(mseq_value *object, const char *key);
MSEQ_API mseq_value *mseq_object_take(mseq_value *object,
                                      const char *key); /* removed; caller owns */
MSEQ_API bool mseq_object_remove(mseq_value *object, const char *key);
/* Members by position, in key order of insertion. The key is borrowed and NUL-terminated. */
MSEQ_API const char *mseq_object_key_at(const mseq_value *object, size_t index);
MSEQ_API size_t mseq_object_key_length_at(const mseq_value *object, size_t index);
MSEQ_API const mseq_value *mseq_object_value_at(const mseq_value *object, size_t index);
/* Shorthands for objects that are records: text of a string member, NULL when absent or no string.
 */
MSEQ_API const char *mseq_object_get_text(const mseq_value *object, const char *key);
MSEQ_API bool mseq_object_get_boolean(const mseq_value *object, const char *key, bool otherwise);
MSEQ_API int64_t mseq_object_get_integer(const mseq_value *object, const char *key,
                                         int64_t otherwise);

/* ---- Records: documents described as tables of fields -----------------------------------------
 */

typedef enum mseq_field_type {
    MSEQ_FIELD_TEXT, /* without NUL characters */
    MSEQ_FIELD_BOOLEAN,
    MSEQ_FIELD_INTEGER,
    MSEQ_FIELD_OBJECT,    /* free-form */
    MSEQ_FIELD_CONTAINER, /* free-form object or array */
    MSEQ_FIELD_STRINGS,   /* array of strings */
    MSEQ_FIELD_OBJECTS,   /* array of free-form objects */
    MSEQ_FIELD_RECORD,    /* object described by `fields` */
    MSEQ_FIELD_RECORDS,   /* array of such objects */
    MSEQ_FIELD_IGNORED    /* a legacy key: accepted, not kept */
} mseq_field_type;

#define MSEQ_FIELD_REQUIRED 1u
#define MSEQ_FIELD_NOT_EMPTY 2u
#define MSEQ_FIELD_KEEP_NULL 4u /* null is a value */
#define MSEQ_FIELD_OMIT_NULL 8u /* null stands for absence */
#define MSEQ_FIELD_LENIENT 16u  /* integers: also 25.0 and "25" */

typedef struct mseq_field {
    const char *name;  /* NULL ends the table */
    const char *alias; /* another spelling on input, or NULL */
    mseq_field_type type;
    unsigned flags;
    int64_t minimum;            /* integers */
    int64_t maximum;            /* integers; 0: none */
    const char *const *choices; /* texts; ends with NULL; NULL: any */
    const char *fallback;       /* value when absent: text or digits; "" for an empty container or a
                                   record of defaults; "true"/"false"; NULL: left out */
    const struct mseq_field *fields;
} mseq_field;

/* Where in a document we are; printed only in errors ("columns[2].name"). */
typedef struct mseq_path {
    const struct mseq_path *parent; /* NULL: the document itself */
    const char *name;               /* NULL: an index */
    size_t index;
} mseq_path;

/* Sets an error of that status and code whose message starts with the path. Returns `status`. */
MSEQ_API mseq_status mseq_path_refuse(const mseq_path *path, mseq_status status, mseq_error *err,
                                      const char *code, const char *format, ...) MSEQ_PRINTF(5, 6);
/* Copies `value` field by field in the order of the table, with defaults filled in. Unknown keys
 * (with a near miss), wrong kinds, missing fields and bad values are refused by path with status
 * `refusal` and code unknown_key, wrong_kind, missing_field or bad_value; the key orm_class is
 * dropped. Caller owns *out. */
MSEQ_API mseq_status mseq_record_check(const mseq_value *value, mseq_status refusal,
                                       const mseq_path *path, const mseq_field *fields,
                                       mseq_value **out, mseq_error *err) MSEQ_MUST_CHECK;

/* Parses JSON (jansson): strict RFC 8259, NUL in strings allowed, duplicate keys refused, integers
 * beyond 64 bits refused by the name of their field, depth at most `maximum_depth` (0: 200), NaN
 * and Infinity refused. The error has line and what was expected. *value is owned by the caller. */
MSEQ_API mseq_status mseq_json_parse(const char *text, size_t length, size_t maximum_depth,
                                     mseq_value **value, mseq_error *err) MSEQ_MUST_CHECK;

/* How to write JSON. Default (0): Python's json.dumps text: ", " and ": ", ASCII escapes in lower
 * case, "/" not escaped, floats shortest round trip as Python's repr (1e-07, 1e+100, -0.0). */
#define MSEQ_JSON_SORTED 1u  /* keys by code point, at every depth: the canonical text */
#define MSEQ_JSON_INDENT 2u  /* two spaces a level, like json.dumps(indent=2) */
#define MSEQ_JSON_UNICODE 4u /* non-ASCII characters stay UTF-8 */
/* NaN and infinities are refused with MSEQ_E_JSON. */
MSEQ_API mseq_status mseq_json_write(const mseq_value *value, unsigned flags, mseq_buffer *buffer,
                                     mseq_error *err) MSEQ_MUST_CHECK;
/* Appends one string as JSON text, as flags 0 has it ("null" for NULL); failures stay in the
 * buffer. */
MSEQ_API void mseq_json_write_text(const char *text, mseq_buffer *buffer);

/* ---- Rows: objects with the same keys one after the other, without a tree for each -------------
 */

enum { MSEQ_CELL_ROOM = 40 };

/* One value of a row. What is borrowed holds until the row's maker makes the next one. */
typedef struct mseq_cell {
    mseq_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        size_t length; /* bytes of a string */
    } as;
    const char *text;          /* of a string: UTF-8 that need not end with NUL; borrowed */
    const mseq_value *value;   /* an array or an object; borrowed */
    mseq_value *owned;         /* what `text` or `value` are of, when it is the cell's; or NULL */
    char room[MSEQ_CELL_ROOM]; /* for text that was made for this cell */
} mseq_cell;

typedef struct mseq_row_key {
    const char *text; /* ends with NUL */
    size_t length;
    const char *json; /* what stands before the value in the row's JSON text: `, "text": ` */
    size_t json_length;
} mseq_row_key;

/* A row and the memory for the ones after it. Reading its members is all that a reader does. */
typedef struct mseq_row {
    size_t count; /* keys, and cells */
    mseq_cell *cells;
    mseq_row_key *keys; /* in one allocation with their text, which stands one after the other */
    uint64_t form;      /* grows whenever the keys become others; 0: none were set */
    mseq_value *object; /* what the cells are borrowed from, when that is the row's; or NULL */
} mseq_row;
#define MSEQ_ROW_INIT                                                                              \
    { 0, NULL, NULL, 0, NULL }

/* Sets the keys, no two of which are the same; NULL lengths: each ends with NUL. All cells become
 * null. */
MSEQ_API mseq_status mseq_row_set_keys(mseq_row *row, const char *const *keys,
                                       const size_t *lengths, size_t count,
                                       mseq_error *err) MSEQ_MUST_CHECK;
/* All cells become null, and what they own is freed. The keys stay. */
MSEQ_API void mseq_row_clear(mseq_row *row);
MSEQ_API void mseq_row_free(mseq_row *row); /* frees what it holds, not the struct */
/* The row becomes that object, whose owner it is, even on failure. */
MSEQ_API mseq_status mseq_row_take_object(mseq_row *row, mseq_value *object,
                                          mseq_error *err) MSEQ_MUST_CHECK;
/* A new object, owned by the caller. What cells own goes into it, so that they become null. */
MSEQ_API mseq_status mseq_row_to_object(mseq_row *row, mseq_value **object,
                                        mseq_error *err) MSEQ_MUST_CHECK;
/* Appends the row as mseq_json_write writes its object. */
MSEQ_API mseq_status mseq_row_write(const mseq_row *row, mseq_buffer *buffer,
                                    mseq_error *err) MSEQ_MUST_CHECK;
/* Reads JSON text as mseq_json_parse does. An object becomes the row, whose cells may borrow from
 * the text; another value becomes *other, owned by the caller, which else is NULL. */
MSEQ_API mseq_status mseq_row_parse(mseq_row *row, const char *text, size_t length,
                                    mseq_value **other, mseq_error *err) MSEQ_MUST_CHECK;

/* Filling a cell that is null. */
MSEQ_API void mseq_cell_boolean(mseq_cell *cell, bool boolean);
MSEQ_API void mseq_cell_integer(mseq_cell *cell, int64_t integer);
MSEQ_API void mseq_cell_float(mseq_cell *cell, double number);
MSEQ_API void mseq_cell_text(mseq_cell *cell, const char *text, size_t length); /* borrows it */
/* As many bytes in the cell's own room; at most MSEQ_CELL_ROOM. */
MSEQ_API void mseq_cell_copy(mseq_cell *cell, const char *text, size_t length);
MSEQ_API void mseq_cell_borrow(mseq_cell *cell, const mseq_value *value);
/* Becomes owner of the value; false for NULL: memory is short. */
MSEQ_API bool mseq_cell_take(mseq_cell *cell, mseq_value *value);
MSEQ_API void mseq_cell_clear(mseq_cell *cell); /* makes it null, and frees what it owns */
/* A new value, owned by the caller; what the cell owns goes into it, so that it becomes null. NULL
 * when memory is short. */
MSEQ_API mseq_value *mseq_cell_to_value(mseq_cell *cell);

/* ---- Text ------------------------------------------------------------------------------------ */

/* Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
MSEQ_API bool mseq_utf8_valid(const char *bytes, size_t length);
/* Decodes one character at `text` (length bytes left, > 0); returns its size in bytes, 0 when
 * malformed. */
MSEQ_API size_t mseq_utf8_next(const char *text, size_t length, uint32_t *codepoint);
/* Number of code points; malformed bytes count one each. */
MSEQ_API size_t mseq_utf8_length(const char *text);
/* Letters or digits as the reference counts them: categories L* and every character with a numeric
 * value (N*, including ², ½, Ⅷ). utf8proc's tables. */
MSEQ_API bool mseq_unicode_is_alphanumeric(uint32_t codepoint);
/* White space as Python's str.strip() counts it. */
MSEQ_API bool mseq_unicode_is_space(uint32_t codepoint);
/* Unicode case folding (full, as Python's casefold). malloc'ed, NULL when memory is short or the
 * text is not UTF-8. */
MSEQ_API char *mseq_text_casefold(const char *text);
/* The part of `text` without leading and trailing white space (Unicode) and its length in bytes;
 * borrowed from `text`, so not NUL-terminated where white space follows. */
MSEQ_API const char *mseq_text_trimmed(const char *text, size_t *length);
/* malloc'ed copy of that part, NULL when memory is short. */
MSEQ_API char *mseq_text_trim(const char *text);
/* The best near miss of `word` among the candidates (edit distance at most a third of its length,
 * at least 1), or NULL. Borrowed from candidates. Damerau-Levenshtein (optimal string alignment).
 */
MSEQ_API const char *mseq_text_nearest(const char *word, const char *const *candidates,
                                       size_t count);
/* Base64, RFC 4648 with padding. */
MSEQ_API mseq_status mseq_base64_encode(const void *bytes, size_t length, mseq_buffer *buffer);
MSEQ_API mseq_status mseq_base64_decode(const char *text, size_t length, mseq_buffer *buffer,
                                        mseq_error *err);

/* ---- Numbers, times, digests, uuids (independent of the locale) --------------------------------
 */

/* Python's repr of a double: shortest digits that read back the same. `text` holds >= 32 bytes. */
MSEQ_API void mseq_format_double(double number, char text[32]);
/* The whole text must be a number. */
MSEQ_API bool mseq_parse_double(const char *text, double *number);
MSEQ_API bool mseq_parse_integer(const char *text, int64_t *integer);

/* Runs the task on a thread with a stack of `size` bytes, waits for its end and returns its status;
 * no signal comes to that thread. For what recurses as deep as its input nests, whatever the stack
 * of the caller. MSEQ_E_NO_MEMORY without such a thread. */
MSEQ_API mseq_status mseq_on_stack(size_t size, mseq_status (*task)(void *data, mseq_error *err),
                                   void *data, mseq_error *err) MSEQ_MUST_CHECK;

/* Microseconds since 1970-01-01T00:00:00Z. */
MSEQ_API int64_t mseq_time_now(void);
/* Milliseconds of a clock that never goes back. */
MSEQ_API int64_t mseq_monotonic_ms(void);
/* The same clock as it was some milliseconds ago at most, for who asks for every row. */
MSEQ_API int64_t mseq_monotonic_coarse_ms(void);
/* "YYYY-MM-DDTHH:MM:SS.ffffffZ", fixed width (27 characters); with `trimmed`, the fraction only
 * when it is not zero. Years 0001 to 9999. `text` holds >= 32 bytes. */
MSEQ_API void mseq_time_format(int64_t microseconds, bool trimmed, char text[32]);
/* Reads an ISO 8601 timestamp with an explicit offset or Z (T or space, optional fraction of 1 to 9
 * digits, finer than microseconds is cut). REQUEST error otherwise, saying what is missing. */
MSEQ_API mseq_status mseq_time_parse(const char *text, int64_t *microseconds,
                                     mseq_error *err) MSEQ_MUST_CHECK;
/* Whether the text is a calendar date YYYY-MM-DD. */
MSEQ_API bool mseq_date_valid(const char *text);

/* Lower-case hex digests (OpenSSL). The arrays hold the NUL too. */
MSEQ_API mseq_status mseq_md5_hex(const void *bytes, size_t length, char hex[33]);
MSEQ_API mseq_status mseq_sha1_hex(const void *bytes, size_t length, char hex[41]);
MSEQ_API mseq_status mseq_sha256_hex(const void *bytes, size_t length, char hex[65]);

/* ---- Secrets (OpenSSL) ------------------------------------------------------------------------
 */

/* Bytes that nobody can guess. MSEQ_E_IO when the random source fails. */
MSEQ_API mseq_status mseq_random_bytes(void *bytes, size_t length) MSEQ_MUST_CHECK;
/* Compares in a time that does not depend on where the bytes differ. */
MSEQ_API bool mseq_secret_equal(const void *a, const void *b, size_t length);
/* Overwrites, in a way that the compiler keeps. NULL is allowed with length 0. */
MSEQ_API void mseq_secret_erase(void *bytes, size_t length);

/* What a derivation costs (RFC 7914): 2^log2_n steps in 128 * block * 2^log2_n bytes, `parallel`
 * times. */
typedef struct mseq_scrypt_cost {
    unsigned log2_n;
    unsigned block;
    unsigned parallel;
} mseq_scrypt_cost;
/* scrypt (RFC 7914). MSEQ_E_ARGUMENT for a cost beyond 256 MiB or of another kind, MSEQ_E_NO_MEMORY
 * when the derivation could not be made. */
MSEQ_API mseq_status mseq_scrypt(const void *password, size_t length, const void *salt,
                                 size_t salt_length, const mseq_scrypt_cost *cost, void *key,
                                 size_t key_length) MSEQ_MUST_CHECK;

/* A random (version 4) uuid in lower case with dashes. */
MSEQ_API mseq_status mseq_uuid_new(char text[37]);
/* Accepts upper case, braces, urn:uuid: and missing dashes (as Python's UUID()); writes the
 * canonical form. False when it is no uuid. */
MSEQ_API bool mseq_uuid_normalize(const char *text, char canonical[37]);

/* ---- Files
 * ---------------------------------------------------------------------------------------- */

/* Sets MSEQ_E_IO: "cannot <deed> '<path>': <what errno says>". */
MSEQ_API mseq_status mseq_error_io(mseq_error *err, const char *deed, const char *path);
/* Writes a file whole: under another name beside it, synced, then renamed. `mode` (such as 0600,
 * less the umask) is that of the new file; 0: that of the old one, else 0666. MSEQ_E_IO names the
 * path and the reason. */
MSEQ_API mseq_status mseq_file_replace(const char *path, const void *bytes, size_t length,
                                       unsigned mode, mseq_error *err) MSEQ_MUST_CHECK;
/* Appends the whole file to `out`. A missing file is MSEQ_E_NOT_FOUND, one of more than `maximum`
 * bytes MSEQ_E_LIMIT, anything else MSEQ_E_IO. */
MSEQ_API mseq_status mseq_file_read(const char *path, size_t maximum, mseq_buffer *out,
                                    mseq_error *err) MSEQ_MUST_CHECK;

/* Makes a folder (0700) and those above it; one that exists is fine. MSEQ_E_IO: errno says why. */
MSEQ_API mseq_status mseq_folder_make(const char *path) MSEQ_MUST_CHECK;

/* ---- Hashes of tables in memory -------------------------------------------------------------- */

/* FNV-1a, 64 bits (Fowler, Noll, Vo): quick, for tables that are rebuilt and never stored. No
 * digest: who chooses the bytes can make two of one value. */
MSEQ_API uint64_t mseq_hash_bytes(const void *bytes, size_t length);

/* ---- Shared libraries ------------------------------------------------------------------------ */

/* A library that is loaded when it is first needed and then stays: libcurl, libpq and libmicrohttpd
 * bring forty others along, and loading those takes longer than everything else that a short
 * program does. Static, one for each library; `functions` has `count` places for pointers to
 * functions. */
typedef struct mseq_library {
    const char *file;    /* "libcurl.so.4" */
    const char *package; /* of Debian, for the message */
    const char *const *names;
    void *functions;
    size_t count;
    bool loaded; /* atomically */
} mseq_library;
/* Loads the library, if that was not done before, and looks its functions up; from any thread. The
 * library is tried again after a failure. MSEQ_E_IO names the library and says why. */
MSEQ_API mseq_status mseq_library_load(mseq_library *library, mseq_error *err) MSEQ_MUST_CHECK;

/* ---- Cancellation ---------------------------------------------------------------------------- */

/* Set once by any thread or a signal handler; read by whatever waits. */
typedef struct mseq_cancellation mseq_cancellation;
MSEQ_API mseq_cancellation *mseq_cancellation_new(void);
MSEQ_API void mseq_cancellation_free(mseq_cancellation *token);
MSEQ_API void mseq_cancellation_set(mseq_cancellation *token);          /* async-signal-safe */
MSEQ_API bool mseq_cancellation_is_set(const mseq_cancellation *token); /* NULL: false */

/* ---- Dialects -------------------------------------------------------------------------------- */

typedef enum mseq_dialect { MSEQ_POSTGRESQL = 1, MSEQ_SQLITE = 2 } mseq_dialect;
MSEQ_API const char *mseq_dialect_name(mseq_dialect dialect); /* "postgresql", "sqlite" */
MSEQ_API bool mseq_dialect_from_name(const char *name, mseq_dialect *dialect);

#ifdef __cplusplus
}
#endif
#endif
