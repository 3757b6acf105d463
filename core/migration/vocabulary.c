/* SPDX-License-Identifier: MIT
 * The words of operations: names, arguments and their kinds. */
#include <string.h>

#include "migration_private.h"

/* ANY_TEXT may be empty; DEFAULT and COMMENT may also be {drop: true}: an explicit none. */
typedef enum arg_kind {
    TEXT,
    ANY_TEXT,
    FLAG,
    OBJECT,
    LIST,
    NAMES,
    TYPE,
    DEFAULT,
    COMMENT
} arg_kind;

typedef struct arg {
    const char *name;
    arg_kind kind;
    bool required;
} arg;

enum { ARGS = 16 };

static const struct {
    const char *name;
    arg args[ARGS]; /* ends with a NULL name */
} words[] = {
    [OP_CREATE_TABLE] = {"create_table", {{"table", OBJECT, true}, {"if_not_exists", FLAG, false}}},
    [OP_DROP_TABLE] = {"drop_table",
                       {{"name", TEXT, true},
                        {"schema", TEXT, false},
                        {"if_exists", FLAG, false},
                        {"existing_table", OBJECT, false}}},
    [OP_RENAME_TABLE] = {"rename_table",
                         {{"old_name", TEXT, true},
                          {"new_name", TEXT, true},
                          {"schema", TEXT, false}}},
    [OP_ADD_COLUMN] = {"add_column",
                       {{"table", TEXT, true},
                        {"schema", TEXT, false},
                        {"column", OBJECT, true},
                        {"if_not_exists", FLAG, false},
                        {"insert_before", TEXT, false},
                        {"insert_after", TEXT, false}}},
    [OP_DROP_COLUMN] = {"drop_column",
                        {{"table", TEXT, true},
                         {"schema", TEXT, false},
                         {"column", TEXT, true},
                         {"if_exists", FLAG, false},
                         {"existing_column", OBJECT, false}}},
    [OP_ALTER_COLUMN] = {"alter_column",
                         {{"table", TEXT, true},
                          {"schema", TEXT, false},
                          {"column", TEXT, true},
                          {"nullable", FLAG, false},
                          {"type", TYPE, false},
                          {"server_default", DEFAULT, false},
                          {"comment", COMMENT, false},
                          {"new_name", TEXT, false},
                          {"autoincrement", FLAG, false},
                          {"postgresql_using", TEXT, false},
                          {"existing_type", TYPE, false},
                          {"existing_nullable", FLAG, false},
                          {"existing_server_default", DEFAULT, false},
                          {"existing_comment", COMMENT, false}}},
    [OP_CREATE_INDEX] = {"create_index",
                         {{"name", TEXT, false},
                          {"name_final", FLAG, false},
                          {"table", TEXT, true},
                          {"schema", TEXT, false},
                          {"columns", LIST, false},
                          {"expressions", LIST, false},
                          {"unique", FLAG, false},
                          {"postgresql", OBJECT, false},
                          {"sqlite", OBJECT, false},
                          {"if_not_exists", FLAG, false}}},
    [OP_DROP_INDEX] = {"drop_index",
                       {{"name", TEXT, true},
                        {"table", TEXT, false},
                        {"schema", TEXT, false},
                        {"if_exists", FLAG, false},
                        {"postgresql", OBJECT, false},
                        {"existing_index", OBJECT, false}}},
    [OP_CREATE_UNIQUE] = {"create_unique_constraint",
                          {{"name", TEXT, false},
                           {"name_final", FLAG, false},
                           {"table", TEXT, true},
                           {"schema", TEXT, false},
                           {"columns", NAMES, true},
                           {"deferrable", FLAG, false},
                           {"initially", TEXT, false},
                           {"postgresql", OBJECT, false}}},
    [OP_CREATE_CHECK] = {"create_check_constraint",
                         {{"name", TEXT, false},
                          {"name_final", FLAG, false},
                          {"table", TEXT, true},
                          {"schema", TEXT, false},
                          {"sqltext", TEXT, true},
                          {"postgresql", OBJECT, false}}},
    [OP_CREATE_PRIMARY_KEY] = {"create_primary_key",
                               {{"name", TEXT, false},
                                {"name_final", FLAG, false},
                                {"table", TEXT, true},
                                {"schema", TEXT, false},
                                {"columns", NAMES, true},
                                {"deferrable", FLAG, false},
                                {"initially", TEXT, false},
                                {"postgresql", OBJECT, false}}},
    [OP_CREATE_FOREIGN_KEY] = {"create_foreign_key",
                               {{"name", TEXT, false},
                                {"name_final", FLAG, false},
                                {"source_table", TEXT, true},
                                {"source_schema", TEXT, false},
                                {"referred_table", TEXT, true},
                                {"referred_schema", TEXT, false},
                                {"columns", NAMES, true},
                                {"referred_columns", NAMES, false},
                                {"ondelete", TEXT, false},
                                {"onupdate", TEXT, false},
                                {"deferrable", FLAG, false},
                                {"initially", TEXT, false},
                                {"match", TEXT, false},
                                {"postgresql", OBJECT, false}}},
    [OP_CREATE_EXCLUDE] = {"create_exclude_constraint",
                           {{"name", TEXT, true},
                            {"name_final", FLAG, false},
                            {"table", TEXT, true},
                            {"schema", TEXT, false},
                            {"elements", LIST, true},
                            {"using", TEXT, false},
                            {"where", TEXT, false},
                            {"deferrable", FLAG, false},
                            {"initially", TEXT, false}}},
    [OP_DROP_CONSTRAINT] = {"drop_constraint",
                            {{"name", TEXT, true},
                             {"name_final", FLAG, false},
                             {"table", TEXT, true},
                             {"schema", TEXT, false},
                             {"type", TEXT, false},
                             {"if_exists", FLAG, false},
                             {"existing_constraint", OBJECT, false}}},
    [OP_CREATE_TABLE_COMMENT] = {"create_table_comment",
                                 {{"table", TEXT, true},
                                  {"schema", TEXT, false},
                                  {"comment", ANY_TEXT, true},
                                  {"existing_comment", TEXT, false}}},
    [OP_DROP_TABLE_COMMENT] = {"drop_table_comment",
                               {{"table", TEXT, true},
                                {"schema", TEXT, false},
                                {"existing_comment", TEXT, false}}},
    [OP_EXECUTE] = {"execute",
                    {{"sql", TEXT, true}, {"binds", OBJECT, false}, {"plain_string", FLAG, false}}},
    [OP_BULK_INSERT] = {"bulk_insert", {{"table", OBJECT, true}, {"rows", LIST, true}}},
};
enum { WORDS = sizeof words / sizeof *words };

static mseq_status unknown_operation(const char *name, mseq_error *err) {
    const char *names[WORDS];
    for (size_t i = 0; i < WORDS; i++)
        names[i] = words[i].name;
    mseq_error_set(err, MSEQ_E_SCHEMA, "unknown operation '%s'", name);
    const char *near = mseq_text_nearest(name, names, WORDS);
    if (near)
        mseq_error_hint(err, "did you mean '%s'?", near);
    return MSEQ_E_SCHEMA;
}

static mseq_status unknown_argument(size_t word, const char *name, mseq_error *err) {
    const char *names[ARGS];
    size_t count = 0;
    for (; count < ARGS && words[word].args[count].name; count++)
        names[count] = words[word].args[count].name;
    mseq_error_set(err, MSEQ_E_SCHEMA, "%s has no argument '%s'", words[word].name, name);
    const char *near = mseq_text_nearest(name, names, count);
    if (near)
        mseq_error_hint(err, "did you mean '%s'?", near);
    return MSEQ_E_SCHEMA;
}

static bool is_names(const mseq_value *value) {
    for (size_t i = 0; i < mseq_value_length(value); i++)
        if (!mseq_value_get_text(mseq_array_get(value, i)))
            return false;
    return mseq_value_kind(value) == MSEQ_ARRAY;
}

/* A front end cannot tell an empty list from an empty object. */
static bool is_empty(const mseq_value *value) {
    mseq_kind kind = mseq_value_kind(value);
    return (kind == MSEQ_ARRAY || kind == MSEQ_OBJECT) && mseq_value_length(value) == 0;
}

static const char *wanted(const arg *argument, const mseq_value *value) {
    mseq_kind kind = mseq_value_kind(value);
    switch (argument->kind) {
    case TEXT:
    case ANY_TEXT:
        if (kind != MSEQ_STRING)
            return "a string";
        if (strlen(mseq_value_get_text(value)) != mseq_value_get_text_length(value))
            return "a string without NUL characters";
        return argument->kind == TEXT && argument->required && !*mseq_value_get_text(value)
                   ? "a string that is not empty"
                   : NULL;
    case FLAG:
        return kind == MSEQ_BOOLEAN ? NULL : "true or false";
    case OBJECT:
        return kind == MSEQ_OBJECT || is_empty(value) ? NULL : "a table of options";
    case LIST:
        return kind == MSEQ_ARRAY || is_empty(value) ? NULL : "a list";
    case NAMES:
        return is_names(value) && mseq_value_length(value) ? NULL : "a list of names";
    case TYPE:
        return kind == MSEQ_OBJECT || kind == MSEQ_STRING ? NULL : "a type";
    case DEFAULT:
        return kind == MSEQ_OBJECT || kind == MSEQ_STRING || kind == MSEQ_BOOLEAN
                   ? NULL
                   : "a server default";
    case COMMENT:
        return kind == MSEQ_STRING || op_is_drop(value) ? NULL : "a string or {drop = true}";
    }
    return NULL;
}

static mseq_status check_argument(size_t word, const arg *argument, const mseq_value *value,
                                  mseq_error *err) {
    if (mseq_value_is_null(value))
        return argument->required ? mseq_error_set(err, MSEQ_E_SCHEMA, "%s needs '%s'",
                                                   words[word].name, argument->name)
                                  : MSEQ_OK;
    const char *want = wanted(argument, value);
    return want ? mseq_error_set(err, MSEQ_E_SCHEMA, "%s: %s must be %s, not %s", words[word].name,
                                 argument->name, want, mseq_kind_name(mseq_value_kind(value)))
                : MSEQ_OK;
}

mseq_status op_check(const mseq_value *operation, op_kind *kind, mseq_error *err) {
    const char *name = mseq_object_get_text(operation, "op");
    size_t word = 0;
    if (!name)
        return mseq_error_set(err, MSEQ_E_SCHEMA,
                              "an operation is an object with its name in 'op'");
    while (word < WORDS && strcmp(words[word].name, name) != 0)
        word++;
    if (word == WORDS)
        return unknown_operation(name, err);
    for (size_t i = 0; i < mseq_value_length(operation); i++) {
        const char *key = mseq_object_key_at(operation, i);
        size_t at = 0;
        while (at < ARGS && words[word].args[at].name &&
               strcmp(words[word].args[at].name, key) != 0)
            at++;
        if (strcmp(key, "op") != 0 && (at == ARGS || !words[word].args[at].name))
            return unknown_argument(word, key, err);
    }
    mseq_status status = MSEQ_OK;
    for (size_t at = 0; status == MSEQ_OK && at < ARGS && words[word].args[at].name; at++)
        status = check_argument(word, &words[word].args[at],
                                mseq_object_get(operation, words[word].args[at].name), err);
    if (status == MSEQ_OK)
        *kind = (op_kind)word;
    return status;
}

mseq_status op_settle(mseq_status status, mseq_error *err) {
    if (status == MSEQ_E_NO_MEMORY)
        return mseq_error_no_memory(err);
    return status == MSEQ_OK ? MSEQ_OK
                             : mseq_error_set(err, status, "the operation is too large: %s",
                                              mseq_status_name(status));
}

static const struct {
    const char *type;
    mseq_constraint_kind kind;
} constraint_types[] = {{"unique", MSEQ_UNIQUE},
                        {"check", MSEQ_CHECK},
                        {"primary", MSEQ_PRIMARY_KEY},
                        {"foreignkey", MSEQ_FOREIGN_KEY},
                        {"exclude", MSEQ_EXCLUDE}};

bool op_constraint_kind(const char *type, mseq_constraint_kind *kind) {
    for (size_t i = 0; i < sizeof constraint_types / sizeof *constraint_types; i++)
        if (strcmp(constraint_types[i].type, type) == 0) {
            *kind = constraint_types[i].kind;
            return true;
        }
    return false;
}

const char *op_constraint_type(mseq_constraint_kind kind) {
    for (size_t i = 0; i < sizeof constraint_types / sizeof *constraint_types; i++)
        if (constraint_types[i].kind == kind)
            return constraint_types[i].type;
    return NULL;
}
