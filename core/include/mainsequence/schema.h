/* SPDX-License-Identifier: MIT
 *
 * Room `schema`: tables as data. Types, columns, keys, indexes, constraints, and collections of
 * tables in dependency order. No SQL text, no JSON text, no I/O.
 *
 * A table is built in one of two ways, both through the same checks:
 *   - mseq_table_new, mseq_table_add_column, … then mseq_table_freeze (C programs);
 *   - mseq_table_from_description: a value of the form described below (Lua, revisions, golden
 * data). After freeze it is immutable and may be read by any number of threads; it is reference
 * counted. Structs that accessors return are read-only views, valid as long as the table; fields
 * may be added at their end in later versions, so never copy or allocate them.
 *
 * Names and options are SQLAlchemy's. Errors are MSEQ_E_SCHEMA (MSEQ_E_NAME for generated names)
 * and name table, column or option, value and, for a misspelt word, the near miss.
 *
 * Description of a table (absent = default; unknown keys are refused with a hint):
 *   name, schema, comment, prefixes[], info{}, postgresql{}, sqlite{},
 *   naming_convention: boolean (default true): the reference's naming convention supplies names,
 *   columns: [{ name, type: {name, args{}, variant{dialect: type}}, nullable (default:
 * neither primary_key nor identity), primary_key, unique, index, autoincrement, quote, comment,
 * info{}, key (Lua field name), default: {value} | {callable: true}, onupdate: same,
 * server_default: {literal} | {text} | {func, args[]} | {bool} | {null: true},
 *     identity{always,start,increment,minvalue,maxvalue,nominvalue,nomaxvalue,cycle,cache},
 *     computed{sqltext, persisted}, checks[{name, sqltext}],
 *     foreign_key{name, name_final, referred_table, referred_schema, referred_columns[1], ondelete,
 *       onupdate, deferrable, initially, match, use_alter} }],
 *   primary_key{name, name_final, columns[]}, unique_constraints[{name, name_final, columns[], …}],
 *   check_constraints[{name, name_final, sqltext}], foreign_keys[{name, name_final, columns[],
 *     referred_table, referred_schema, referred_columns[], …}],
 *   indexes[{name, name_final, columns[] | expressions[], unique, postgresql{}, sqlite{}}] where an
 *     expression is a column name | {column, order, nulls} | {func, args[]} | {text},
 *   kind: "plain" (default) | "platform_managed" | "time_index",
 *   class_name, module, source, line,
 *   meta{namespace, identifier, description, labels[] or string, provisioning{},
 * protect_from_deletion, introspect, hash_namespace, extra_hash_components{}, data_source_uid,
 * time_index_name, index_names[], identity_dimensions[], cadence, storage_layout}. Type arguments
 * are named: String{length, collation}, Numeric{precision, scale}, DateTime{timezone, precision},
 * Enum{values[], name, native_enum, length, create_constraint, schema, inherit_schema}, ARRAY{item:
 * type, dimensions}, Interval{native, precision, fields}, … A type that came from a database and
 * has no SQLAlchemy name is {name: "DatabaseType", args: {text: "…"}}.
 */
#ifndef MSEQ_SCHEMA_H
#define MSEQ_SCHEMA_H

#include "mainsequence/naming.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mseq_table mseq_table;
typedef struct mseq_metadata mseq_metadata;

typedef struct mseq_type mseq_type;
struct mseq_type {
    const char
        *name;      /* SQLAlchemy class name, e.g. "String", "DateTime", "PgUUID", "DatabaseType" */
    int64_t length; /* -1: not given */
    int64_t precision;            /* -1: not given; numeric digits, or fraction digits of a time */
    int64_t scale;                /* -1: not given */
    int timezone;                 /* -1: not given, 0 no, 1 yes */
    const char *collation;        /* NULL: none */
    const char *text;             /* DatabaseType: the DDL text; else NULL */
    const mseq_type *item;        /* arrays: the element type; else NULL */
    int64_t dimensions;           /* arrays; -1: not given */
    const mseq_value *arguments;  /* every named argument as given (object, never NULL) */
    const mseq_value *variants;   /* {dialect: type description}; NULL: none */
    const mseq_type *resolved[2]; /* the variants: postgresql, sqlite; see mseq_type_for */
};
/* The type that holds on a dialect: the variant if there is one, else the type itself. */
MSEQ_API const mseq_type *mseq_type_for(const mseq_type *type, mseq_dialect dialect);

/* Whether two column types are one type on a dialect: the one table of equivalent types, for drift
 * and autogenerate. Spellings of one type are equal (int4, INTEGER; on SQLite also uuid and
 * CHAR(32), timestamptz and DATETIME, jsonb and JSON); arguments (length, precision, scale) count
 * only when both sides give as many; collations and enum labels do not count; a type that is not
 * known (NullType, "") equals every other. */
MSEQ_API bool mseq_type_equivalent(const mseq_type *a, const mseq_type *b, mseq_dialect dialect);

/* Whether two SQL expressions (of a CHECK, a partial or expression index, a generated column; NULL:
 * none) are the same but for spelling: white space, case, parentheses, casts and the forms that
 * PostgreSQL gives them when it stores them. False, with *failed, when memory is short. */
MSEQ_API bool mseq_expression_equivalent(const char *a, const char *b, bool *failed);

/* The dtype normaliser of protocol section 7.1 (remote mode: naive timestamps are refused).
 * *token is malloc'ed. */
MSEQ_API mseq_status mseq_data_type_normalize(const char *text, char **token,
                                              mseq_error *err) MSEQ_MUST_CHECK;
/* NULL or blank gives NULL; temporal spellings their canonical text; else the text itself. */
MSEQ_API mseq_status mseq_backend_type_normalize(const char *text, char **normalized,
                                                 mseq_error *err) MSEQ_MUST_CHECK;
/* (data_type, backend_type) of a column type: protocol section 7.2. Both malloc'ed. A naive
 * DateTime is MSEQ_E_CONTRACT. */
MSEQ_API mseq_status mseq_type_neutral(const mseq_type *type, char **data_type, char **backend_type,
                                       mseq_error *err) MSEQ_MUST_CHECK;
/* Names of all types, in alphabetical order. Static. */
MSEQ_API const char *const *mseq_type_names(size_t *count);

typedef enum mseq_default_kind {
    MSEQ_DEFAULT_NONE,
    MSEQ_DEFAULT_LITERAL,  /* text is quoted */
    MSEQ_DEFAULT_TEXT,     /* raw SQL; ":name" and "\:" as in SQLAlchemy's text() */
    MSEQ_DEFAULT_FUNCTION, /* text is the name, arguments an array */
    MSEQ_DEFAULT_BOOLEAN,
    MSEQ_DEFAULT_NULL
} mseq_default_kind;

typedef struct mseq_server_default {
    mseq_default_kind kind;
    const char *text;
    const mseq_value *arguments;
    bool boolean;
} mseq_server_default;

typedef struct mseq_column {
    const char *name;
    size_t position; /* from 0 */
    const mseq_type *type;
    bool nullable;
    bool nullable_given; /* the author said so, it is not the default */
    bool primary_key;    /* by flag or by the primary key constraint */
    bool unique;         /* the column's own flag */
    bool index;          /* the column's own flag */
    int autoincrement;   /* -1: not given ("auto"), 0, 1 */
    int quote;           /* -1: by rule, 0 never, 1 always */
    bool has_default;    /* a client-side default (prints nothing, turns SERIAL off) */
    bool has_onupdate;
    const mseq_value *default_value; /* the constant, or NULL (none, or a callable) */
    mseq_server_default server_default;
    const mseq_value *identity; /* object or NULL */
    const mseq_value *computed; /* object or NULL */
    const char *comment;
    const mseq_value *info; /* object or NULL: label, description, logical_name, … */
} mseq_column;

typedef enum mseq_constraint_kind {
    MSEQ_PRIMARY_KEY,
    MSEQ_UNIQUE,
    MSEQ_CHECK,
    MSEQ_FOREIGN_KEY,
    MSEQ_EXCLUDE
} mseq_constraint_kind;

typedef struct mseq_constraint {
    mseq_constraint_kind kind;
    const char *name;       /* after freeze: the name in the database, or NULL when it has none */
    const char *given_name; /* as the author wrote it, or NULL */
    bool name_final;
    bool from_column; /* declared on a column (flag, foreign_key, checks) */
    const char *const *columns;
    size_t column_count;
    const char *sqltext;         /* check */
    const char *referred_schema; /* foreign key; NULL: the default schema */
    const char *referred_table;
    const char *const *referred_columns;
    size_t referred_count;
    const char *ondelete; /* NULL: not given; as written otherwise */
    const char *onupdate;
    int deferrable; /* -1: not given, 0, 1 */
    const char *initially;
    const char *match;
    bool use_alter;
    const mseq_value
        *postgresql; /* include, nulls_not_distinct, not_valid, using, elements, where; or NULL */
} mseq_constraint;

typedef struct mseq_index_element {
    const char *column;   /* name, or NULL for an expression */
    const char *text;     /* expression text, or NULL */
    const char *function; /* function name, or NULL; arguments is then an array */
    const mseq_value *arguments;
    const char *order; /* "asc", "desc" or NULL */
    const char *nulls; /* "first", "last" or NULL */
} mseq_index_element;

typedef struct mseq_index {
    const char *name;
    const char *given_name;
    bool name_final;
    bool unique;
    bool automatic; /* the grain index of a time-indexed table */
    const mseq_index_element *elements;
    size_t element_count;
    const mseq_value *postgresql; /* options or NULL */
    const mseq_value *sqlite;
} mseq_index;

typedef enum mseq_table_kind {
    MSEQ_TABLE_PLAIN,
    MSEQ_TABLE_PLATFORM_MANAGED,
    MSEQ_TABLE_TIME_INDEX
} mseq_table_kind;

/* What a model says beside its columns. NULL: not given. */
typedef struct mseq_table_meta {
    mseq_table_kind kind;
    const char *class_name;
    const char *module;
    const char *source; /* file of the declaration, for errors */
    int line;
    const char *meta_namespace;
    const char *identifier;
    const char *description;
    const mseq_value *labels; /* array; never NULL */
    const mseq_value *provisioning;
    bool protect_from_deletion;
    int introspect; /* -1: not given */
    const char *hash_namespace;
    const mseq_value *extra_hash_components;
    const char *data_source_uid;
    const char *time_index_name;    /* time-indexed tables: resolved */
    const char *const *index_names; /* time-indexed tables: the grain, time index first */
    size_t index_name_count;
    const char *cadence; /* normalised (trimmed, lower case); validity is checked by contract and
                            fingerprint */
    const char *storage_layout;
} mseq_table_meta;

/* ---- Building -------------------------------------------------------------------------------- */

/* Builds and freezes a table from a description. */
MSEQ_API mseq_status mseq_table_from_description(const mseq_value *description, mseq_table **table,
                                                 mseq_error *err) MSEQ_MUST_CHECK;
/* The normalised description of a table (all names resolved, defaults left out). Owned by the
 * caller. */
MSEQ_API mseq_status mseq_table_describe(const mseq_table *table, mseq_value **description,
                                         mseq_error *err) MSEQ_MUST_CHECK;

/* Step by step. `size` is sizeof the struct; use the INIT macros and set what you need. Strings and
 * values are copied. Type arguments as in the description, e.g. {"length": 255}; NULL for none. */
typedef struct mseq_table_options {
    size_t size;
    const char *name;
    const char *schema;
    mseq_table_kind kind;
    const char *class_name;
    const char *module;
    const mseq_value *meta; /* as `meta` of the description, or NULL */
    bool without_naming_convention;
} mseq_table_options;
#define MSEQ_TABLE_OPTIONS_INIT                                                                    \
    { .size = sizeof(mseq_table_options) }

typedef struct mseq_column_options {
    size_t size;
    const char *name;
    const char *type; /* "String" */
    const mseq_value *type_arguments;
    int nullable; /* -1: default (not primary_key), 0, 1 */
    bool primary_key;
    bool unique;
    bool index;
    const char *references; /* "table.column" or "schema.table.column"; NULL: none */
    const char *ondelete;
    const mseq_value *info;
} mseq_column_options;
#define MSEQ_COLUMN_OPTIONS_INIT                                                                   \
    { .size = sizeof(mseq_column_options), .nullable = -1 }

MSEQ_API mseq_status mseq_table_new(const mseq_table_options *options, mseq_table **table,
                                    mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_status mseq_table_add_column(mseq_table *table, const mseq_column_options *options,
                                           mseq_error *err) MSEQ_MUST_CHECK;
/* Columns, constraints and indexes in the form of the description ("columns", "unique_constraints",
 * …). */
MSEQ_API mseq_status mseq_table_add(mseq_table *table, const char *list,
                                    const mseq_value *description, mseq_error *err) MSEQ_MUST_CHECK;
/* Checks the whole, adds the grain index of a time-indexed table, resolves names, makes it
 * immutable. */
MSEQ_API mseq_status mseq_table_freeze(mseq_table *table, mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API mseq_table *mseq_table_retain(const mseq_table *table); /* one more owner */
MSEQ_API void mseq_table_free(mseq_table *table);                /* one owner less */

/* ---- Reading (frozen tables) ------------------------------------------------------------------
 */

MSEQ_API const char *mseq_table_name(const mseq_table *table);
/* NULL for the default schema. "public" counts as the default for platform-managed and time-indexed
 * tables only. */
MSEQ_API const char *mseq_table_schema(const mseq_table *table);
MSEQ_API const char *mseq_table_comment(const mseq_table *table);
MSEQ_API const mseq_table_meta *mseq_table_get_meta(const mseq_table *table);
MSEQ_API const mseq_value *mseq_table_prefixes(const mseq_table *table); /* array or NULL */
MSEQ_API const mseq_value *mseq_table_dialect_options(const mseq_table *table,
                                                      mseq_dialect dialect); /* object or NULL */
/* Whether the reference's naming convention supplies names. */
MSEQ_API bool mseq_table_uses_naming_convention(const mseq_table *table);
MSEQ_API const mseq_value *mseq_table_info(const mseq_table *table); /* object or NULL */
MSEQ_API size_t mseq_table_column_count(const mseq_table *table);
MSEQ_API const mseq_column *mseq_table_column_at(const mseq_table *table, size_t index);
MSEQ_API const mseq_column *mseq_table_column(const mseq_table *table,
                                              const char *name); /* NULL: none */
/* Constraints in creation order: primary key first, then explicit ones, then those of columns. */
MSEQ_API size_t mseq_table_constraint_count(const mseq_table *table);
MSEQ_API const mseq_constraint *mseq_table_constraint_at(const mseq_table *table, size_t index);
MSEQ_API const mseq_constraint *mseq_table_primary_key(const mseq_table *table); /* NULL: none */
/* Indexes in creation order. */
MSEQ_API size_t mseq_table_index_count(const mseq_table *table);
MSEQ_API const mseq_index *mseq_table_index_at(const mseq_table *table, size_t index);

/* ---- Comparing ---------------------------------------------------------------------------------
 */

/* The predicate of a partial index on a dialect, or NULL. Borrowed. */
MSEQ_API const char *mseq_index_where(const mseq_index *index, mseq_dialect dialect);
/* The text of an index element without its order, for reading and comparing: a(b, 'c'). */
MSEQ_API mseq_status mseq_index_element_text(const mseq_table *table,
                                             const mseq_index_element *element, mseq_buffer *text);
/* Whether two of them do the same on a dialect; names do not count. *failed: memory is short. */
MSEQ_API bool mseq_index_equivalent(const mseq_table *a_table, const mseq_index *a,
                                    const mseq_table *b_table, const mseq_index *b,
                                    mseq_dialect dialect, bool *failed);
MSEQ_API bool mseq_unique_equivalent(const mseq_constraint *a, const mseq_constraint *b,
                                     mseq_dialect dialect);
MSEQ_API bool mseq_foreign_key_equivalent(const mseq_constraint *a, const mseq_constraint *b,
                                          mseq_dialect dialect);

/* ---- Collections ------------------------------------------------------------------------------
 */

MSEQ_API mseq_status mseq_metadata_new(mseq_metadata **metadata, mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API void mseq_metadata_free(mseq_metadata *metadata);
/* Keeps a reference of its own. Two tables of one schema and name are refused. */
MSEQ_API mseq_status mseq_metadata_add(mseq_metadata *metadata, const mseq_table *table,
                                       mseq_error *err) MSEQ_MUST_CHECK;
MSEQ_API size_t mseq_metadata_count(const mseq_metadata *metadata);
MSEQ_API const mseq_table *mseq_metadata_at(const mseq_metadata *metadata, size_t index);
MSEQ_API const mseq_table *mseq_metadata_find(const mseq_metadata *metadata, const char *schema,
                                              const char *name);

typedef enum mseq_sort {
    MSEQ_SORT_DECLARATION, /* level by level, declaration order inside a level (create_all) */
    MSEQ_SORT_NAME         /* by name, then level (autogenerate) */
} mseq_sort;
/* Fills `order` (room for mseq_metadata_count pointers) with parents before children. Tables of a
 * foreign-key cycle come in declaration (or name) order, *cyclic tells that there is one and, if
 * `in_cycle` is not NULL, in_cycle[i] whether order[i] is on one (its foreign keys move to ALTER).
 */
MSEQ_API mseq_status mseq_metadata_sort(const mseq_metadata *metadata, mseq_sort sort,
                                        const mseq_table **order, bool *in_cycle, bool *cyclic,
                                        mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
