/* SPDX-License-Identifier: MIT
 * The one table of equivalent types: when is a declared type the one that a database reports?
 * Alembic's rules (migrations page, section 3.3), with arrays told from their items. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "schema_private.h"

enum { WORD = 192 };

/* What is compared of a type. */
typedef struct signature {
    char word[WORD]; /* canonical name in lower case; "" is unknown */
    int64_t arguments[2];
    int count;
    bool zone;
    bool array;
} signature;

typedef struct synonym {
    const char *spelling;
    const char *word;
} synonym;

/* Sorted by nothing: a few dozen rows, read in order. Words that stand in no row are their own. */
static const synonym on_postgresql[] = {
    {"int", "integer"},
    {"int4", "integer"},
    {"serial", "integer"},
    {"serial4", "integer"},
    {"int8", "bigint"},
    {"bigserial", "bigint"},
    {"serial8", "bigint"},
    {"int2", "smallint"},
    {"smallserial", "smallint"},
    {"serial2", "smallint"},
    {"float4", "real"},
    {"float8", "double precision"},
    {"double", "double precision"},
    {"decimal", "numeric"},
    {"character varying", "varchar"},
    {"nvarchar", "varchar"},
    {"character", "char"},
    {"bpchar", "char"},
    {"nchar", "char"},
    {"bool", "boolean"},
    {"blob", "bytea"},
    {"binary", "bytea"},
    {"varbinary", "bytea"},
    {"clob", "text"},
    {"datetime", "timestamp"},
    {"varbit", "bit varying"},
};
static const synonym on_sqlite[] = {
    {"int", "integer"},        {"decimal", "numeric"}, {"character varying", "varchar"},
    {"character", "char"},     {"bool", "boolean"},    {"bytea", "blob"},
    {"timestamp", "datetime"}, {"jsonb", "json"},      {"double precision", "double"},
};

static bool is_word(const signature *s, const char *word) {
    return strcmp(s->word, word) == 0;
}

static void set_word(signature *s, const char *word) {
    snprintf(s->word, sizeof s->word, "%s", word);
}

static void set_arguments(signature *s, int64_t first, int64_t second) {
    s->count = 0;
    if (first >= 0)
        s->arguments[s->count++] = first;
    if (first >= 0 && second >= 0)
        s->arguments[s->count++] = second;
}

/* FLOAT(p), and names with a zone or a length of their own. */
static void canonical(signature *s, mseq_dialect dialect) {
    const synonym *rows = dialect == MSEQ_SQLITE ? on_sqlite : on_postgresql;
    size_t count = dialect == MSEQ_SQLITE ? sizeof on_sqlite / sizeof *on_sqlite
                                          : sizeof on_postgresql / sizeof *on_postgresql;
    if (is_word(s, "timestamptz") || is_word(s, "timetz")) {
        s->word[strlen(s->word) - 2] = '\0';
        s->zone = true;
    }
    if (dialect == MSEQ_POSTGRESQL && is_word(s, "float")) {
        set_word(s, s->count && s->arguments[0] <= 24 ? "real" : "double precision");
        s->count = 0;
    }
    for (size_t i = 0; i < count; i++)
        if (is_word(s, rows[i].spelling)) {
            set_word(s, rows[i].word);
            break;
        }
    if (dialect == MSEQ_SQLITE) {
        if (is_word(s, "uuid")) {
            set_word(s, "char");
            set_arguments(s, 32, -1);
        }
        if (is_word(s, "datetime") || is_word(s, "time"))
            s->count = 0;
        s->zone = false;
    }
    if (is_word(s, "bit") && s->count == 0)
        set_arguments(s, 1, -1);
    if (is_word(s, "bytea") || is_word(s, "blob"))
        s->count = 0;
}

/* What SQLite's reflection makes of a word that SQLAlchemy does not know there: the affinity
 * (https://sqlite.org/datatype3.html section 3.1, in SQLAlchemy's order). False: the word is known.
 */
static bool as_reflected(signature *s) {
    static const char *const known[] = {
        "bigint", "blob",     "bool",  "boolean", "char",      "date",    "datetime",
        "double", "decimal",  "float", "int",     "integer",   "json",    "numeric",
        "real",   "smallint", "text",  "time",    "timestamp", "varchar", "nvarchar"};
    static const struct {
        const char *part;
        const char *word;
    } affinities[] = {{"int", "integer"}, {"char", "text"}, {"clob", "text"}, {"text", "text"},
                      {"blob", ""},       {"real", "real"}, {"floa", "real"}, {"doub", "real"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_word(s, known[i]))
            return false;
    for (size_t i = 0; i < sizeof affinities / sizeof *affinities; i++)
        if (strstr(s->word, affinities[i].part)) {
            set_word(s, affinities[i].word);
            return true;
        }
    if (*s->word)
        set_word(s, "numeric");
    return true;
}

/* ---- From a database's text --------------------------------------------------------------- */

/* The whole numbers of "(10, 2)" at `text`; returns what follows the parenthesis. */
static const char *read_arguments(const char *text, signature *s) {
    int64_t numbers[2] = {-1, -1};
    size_t count = 0;
    const char *c = text + 1;
    for (; *c && *c != ')'; c++) {
        if (*c == ',')
            count++;
        if (isdigit((unsigned char)*c) && count < 2 && numbers[count] < INT32_MAX)
            numbers[count] = (numbers[count] < 0 ? 0 : numbers[count] * 10) + (*c - '0');
    }
    set_arguments(s, numbers[0], numbers[1]);
    return *c ? c + 1 : c;
}

static bool cut_suffix(char *word, const char *suffix) {
    size_t length = strlen(word), tail = strlen(suffix);
    if (length < tail || strcmp(word + length - tail, suffix) != 0)
        return false;
    word[length - tail] = '\0';
    return true;
}

/* An identifier in quotes (an enum or a domain) keeps its case; its schema is left out. */
static const char *read_quoted(const char *text, char *word, size_t *length) {
    const char *c = text + 1;
    for (; *c && !(*c == '"' && c[1] != '"'); c++) {
        if (*c == '"')
            c++;
        if (*length < WORD - 1)
            word[(*length)++] = *c;
    }
    return *c ? c + 1 : c;
}

static void parse_text(const char *text, signature *s) {
    char word[WORD];
    size_t length = 0;
    for (const char *c = text; *c;) {
        if (*c == '(') {
            c = read_arguments(c, s);
        } else if (*c == '"') {
            c = read_quoted(c, word, &length);
        } else if (*c == '[') {
            s->array = true;
            c += strcspn(c, "]");
            c += *c != '\0';
        } else if (*c == '.') {
            length = 0;
            c++;
        } else if (isspace((unsigned char)*c)) {
            if (length && word[length - 1] != ' ' && length < WORD - 1)
                word[length++] = ' ';
            c++;
        } else {
            if (length < WORD - 1)
                word[length++] = (char)tolower((unsigned char)*c);
            c++;
        }
    }
    while (length && word[length - 1] == ' ')
        length--;
    word[length] = '\0';
    char *collate = strstr(word, " collate ");
    if (collate)
        *collate = '\0';
    s->zone = cut_suffix(word, " with time zone");
    if (!s->zone)
        (void)cut_suffix(word, " without time zone");
    if (strncmp(word, "interval ", 9) == 0) /* its fields do not make another type */
        word[8] = '\0';
    set_word(s, word);
}

/* ---- From a declared type ------------------------------------------------------------------ */

static bool name_is(const mseq_type *type, const char *name) {
    return strcmp(type->name, name) == 0;
}

static void declared_enum(const mseq_type *type, mseq_dialect dialect, signature *s) {
    const char *name = mseq_object_get_text(type->arguments, "name");
    if (dialect == MSEQ_POSTGRESQL &&
        mseq_object_get_boolean(type->arguments, "native_enum", true)) {
        set_word(s, name ? name : "");
    } else {
        set_word(s, "varchar");
        set_arguments(s, enum_length(type), -1);
    }
}

static void declared(const mseq_type *type, mseq_dialect dialect, signature *s) {
    const char *text = default_type_word(type);
    size_t length = 0;
    for (; text[length] && length < WORD - 1; length++)
        s->word[length] = (char)tolower((unsigned char)text[length]);
    s->word[length] = '\0';
    if (name_is(type, "NullType"))
        s->word[0] = '\0';
    if (name_is(type, "Interval")) /* an epoch where there is no interval */
        set_word(s, dialect == MSEQ_SQLITE                                     ? "datetime"
                    : mseq_object_get_boolean(type->arguments, "native", true) ? "interval"
                                                                               : "timestamp");
    if (mseq_object_get_boolean(type->arguments, "varying", false))
        set_word(s, "bit varying");
    if (dialect == MSEQ_SQLITE && name_is(type, "Uuid")) /* UUID stays what it is called */
        set_word(s, "char");
    s->zone = type->timezone == 1;
    if (is_word(s, "char") && name_is(type, "Uuid"))
        set_arguments(s, 32, -1);
    else if (type->length >= 0)
        set_arguments(s, type->length, -1);
    else if (!(dialect == MSEQ_SQLITE && is_word(s, "float")))
        set_arguments(s, type->precision, type->scale);
}

/* As it is written; `canonical` brings it to the one spelling. */
static void sign(const mseq_type *given, mseq_dialect dialect, signature *s) {
    const mseq_type *type = mseq_type_for(given, dialect);
    bool array = type->item != NULL;
    while (type->item)
        type = mseq_type_for(type->item, dialect);
    *s = (signature){.array = array};
    if (type->text)
        parse_text(type->text, s);
    else if (mseq_object_get(type->arguments, "values"))
        declared_enum(type, dialect, s);
    else
        declared(type, dialect, s);
    s->array = s->array || array;
}

static bool same_signature(const signature *left, const signature *right) {
    if (!*left->word || !*right->word)
        return true;
    if (left->array != right->array || left->zone != right->zone || !is_word(left, right->word))
        return false;
    if (left->count != right->count)
        return true;
    for (int i = 0; i < left->count; i++)
        if (left->arguments[i] != right->arguments[i])
            return false;
    return true;
}

bool mseq_type_equivalent(const mseq_type *a, const mseq_type *b, mseq_dialect dialect) {
    signature left, right, written_left, written_right;
    sign(a, dialect, &written_left);
    sign(b, dialect, &written_right);
    left = written_left;
    right = written_right;
    canonical(&left, dialect);
    canonical(&right, dialect);
    if (same_signature(&left, &right) || dialect != MSEQ_SQLITE)
        return same_signature(&left, &right);
    if (as_reflected(&written_left) == as_reflected(&written_right))
        return false; /* neither or both: what is written decides */
    canonical(&written_left, dialect);
    canonical(&written_right, dialect);
    return *written_left.word && *written_right.word &&
           same_signature(&written_left, &written_right);
}
