/* SPDX-License-Identifier: MIT
 * Declared types of columns → types of the schema room, by SQLAlchemy's rules for SQLite: names it
 * knows, else the affinity (https://sqlite.org/datatype3.html section 3.1, in SQLAlchemy's order).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_private.h"

typedef enum type_arguments { NOTHING, LENGTH, PRECISION, PRECISION_SCALE } type_arguments;

typedef struct known_type {
    const char *declared;
    const char *name; /* of the schema room */
    type_arguments arguments;
} known_type;

static const known_type known_types[] = {
    {"BIGINT", "BIGINT", NOTHING},
    {"BLOB", "BLOB", NOTHING},
    {"BOOL", "BOOLEAN", NOTHING},
    {"BOOLEAN", "BOOLEAN", NOTHING},
    {"CHAR", "CHAR", LENGTH},
    {"DATE", "DATE", NOTHING},
    {"DATE_CHAR", "DATE", NOTHING},
    {"DATETIME", "DATETIME", NOTHING},
    {"DATETIME_CHAR", "DATETIME", NOTHING},
    {"DOUBLE", "DOUBLE", NOTHING},
    {"DOUBLE_PRECISION", "DOUBLE_PRECISION", NOTHING},
    {"DECIMAL", "DECIMAL", PRECISION_SCALE},
    {"FLOAT", "FLOAT", PRECISION},
    {"INT", "INTEGER", NOTHING},
    {"INTEGER", "INTEGER", NOTHING},
    {"JSON", "JSON", NOTHING},
    {"NUMERIC", "NUMERIC", PRECISION_SCALE},
    {"REAL", "REAL", NOTHING},
    {"SMALLINT", "SMALLINT", NOTHING},
    {"TEXT", "TEXT", LENGTH},
    {"TIME", "TIME", NOTHING},
    {"TIME_CHAR", "TIME", NOTHING},
    {"TIMESTAMP", "TIMESTAMP", NOTHING},
    {"VARCHAR", "VARCHAR", LENGTH},
    {"NVARCHAR", "NVARCHAR", LENGTH},
    {"_NVARCHAR", "NVARCHAR", LENGTH},
};

/* In this order: the first whose part stands in the name. */
static const known_type affinities[] = {
    {"INT", "INTEGER", NOTHING}, {"CHAR", "TEXT", LENGTH},      {"CLOB", "TEXT", LENGTH},
    {"TEXT", "TEXT", LENGTH},    {"BLOB", "NullType", NOTHING}, {"REAL", "REAL", NOTHING},
    {"FLOA", "REAL", NOTHING},   {"DOUB", "REAL", NOTHING},
};
static const known_type no_type = {"", "NullType", NOTHING};
static const known_type other_type = {"", "NUMERIC", PRECISION_SCALE};

static const known_type *find_type(const char *word, bool *known) {
    *known = true;
    for (size_t i = 0; i < sizeof known_types / sizeof *known_types; i++)
        if (strcmp(known_types[i].declared, word) == 0)
            return &known_types[i];
    *known = false;
    if (word[0] == '\0')
        return &no_type;
    for (size_t i = 0; i < sizeof affinities / sizeof *affinities; i++)
        if (strstr(word, affinities[i].declared))
            return &affinities[i];
    return &other_type;
}

/* The words before "(", in capitals, without space at the end. */
static size_t leading_words(const char *declared, char *word, size_t size) {
    size_t length = 0;
    while (length + 1 < size &&
           (isalnum((unsigned char)declared[length]) || declared[length] == '_' ||
            declared[length] == ' ' || (unsigned char)declared[length] >= 0x80)) {
        char c = declared[length];
        word[length] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        length++;
    }
    size_t end = length;
    while (length > 0 && word[length - 1] == ' ')
        length--;
    word[length] = '\0';
    return end;
}

/* Up to two whole numbers of "(10, 2)"; -1: not there. */
static void read_numbers(const char *text, int64_t numbers[2]) {
    numbers[0] = numbers[1] = -1;
    if (*text != '(')
        return;
    for (size_t count = 0; *text && *text != ')' && count < 2;) {
        if (!isdigit((unsigned char)*text)) {
            text++;
            continue;
        }
        size_t digits = strspn(text, "0123456789");
        if (digits <= 9)
            numbers[count] = strtol(text, NULL, 10);
        count++;
        text += digits;
    }
}

static bool put_number(mseq_value *arguments, const char *key, int64_t number) {
    return number < 0 || mseq_object_put_integer(arguments, key, number) == MSEQ_OK;
}

mseq_value *sqlite_type_description(const char *declared, const char *collation, bool *known) {
    char word[64];
    size_t behind = leading_words(declared, word, sizeof word);
    const known_type *type = find_type(word, known);
    int64_t numbers[2];
    read_numbers(declared + behind, numbers);
    mseq_value *description = mseq_value_object(), *arguments = mseq_value_object();
    bool ok = description && arguments;
    if (ok && type->arguments == LENGTH)
        ok = put_number(arguments, "length", numbers[0]);
    else if (ok && type->arguments != NOTHING)
        ok = put_number(arguments, "precision", numbers[0]);
    if (ok && type->arguments == PRECISION_SCALE)
        ok = put_number(arguments, "scale", numbers[1]);
    if (ok && type->arguments == LENGTH && collation)
        ok = mseq_object_put_text(arguments, "collation", collation) == MSEQ_OK;
    ok = ok && mseq_object_put_text(description, "name", type->name) == MSEQ_OK;
    if (ok && mseq_value_length(arguments)) {
        ok = mseq_object_put(description, "args", arguments) == MSEQ_OK;
        arguments = NULL;
    }
    mseq_value_free(arguments);
    if (ok)
        return description;
    mseq_value_free(description);
    return NULL;
}
