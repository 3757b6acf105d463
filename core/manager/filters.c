/* SPDX-License-Identifier: MIT
 * Filters of lists. Texts compare by bytes; what has several values in `__in` matches any of them,
 * several `labels` all of them. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "filters.h"

enum { EXACT = 1, IN = 2, CONTAINS = 4, IS_NULL = 8 };

typedef struct field {
    const char *name;
    const char *column;     /* or an expression */
    const char *postgresql; /* that expression there; NULL: the same */
    unsigned lookups;
    bool relational_only; /* dynamic_table/ has no such filter */
    bool selective;
} field;

static const field fields[] = {
    {"identifier", "identifier", NULL, EXACT | IN | CONTAINS, false, true},
    {"uid", "uid", NULL, EXACT | IN, false, true},
    {"data_source__uid", "data_source_uid", NULL, EXACT | IN, false, false},
    {"namespace", "namespace", NULL, EXACT | IN | CONTAINS | IS_NULL, false, false},
    {"physical_schema",
     "COALESCE(json_extract(document, '$.table_contract.physical.schema'), 'public')",
     "COALESCE(document::json #>> '{table_contract,physical,schema}', 'public')", EXACT | IN, false,
     false},
    {"physical_table_name", "physical_table_name", NULL, EXACT | IN | CONTAINS, false, true},
    {"management_mode", "management_mode", NULL, EXACT | IN, true, false},
    {"provisioning_status", "provisioning_status", NULL, EXACT | IN, true, false},
    {"schema_management_mode", "schema_management_mode", NULL, EXACT | IN, true, false},
    {"migration_provider_key", "migration_provider_key", NULL, EXACT | IN, true, false},
    {"labels", NULL, NULL, EXACT | IN | CONTAINS, false, false},
};

static const struct {
    const char *suffix;
    unsigned lookup;
} lookups[] = {{"", EXACT}, {"__in", IN}, {"__contains", CONTAINS}, {"__isnull", IS_NULL}};

/* ---- Conditions --------------------------------------------------------------------------------
 */

mseq_status manager_filter_begin(const manager_call *call, manager_filter *filter,
                                 mseq_error *err) {
    *filter = (manager_filter){.call = call, .parameters = mseq_value_array()};
    if (!filter->parameters ||
        mseq_array_add(filter->parameters, mseq_value_string(call->caller->organization_uid)) !=
            MSEQ_OK ||
        mseq_array_add(filter->parameters, mseq_value_integer(call->time_indexed)) != MSEQ_OK)
        return mseq_error_no_memory(err);
    if (call->caller->admin)
        return MSEQ_OK;
    return mseq_array_add(filter->parameters, mseq_value_string(call->caller->user_uid)) == MSEQ_OK
               ? MSEQ_OK
               : mseq_error_no_memory(err);
}

void manager_filter_free(manager_filter *filter) {
    mseq_buffer_free(&filter->where);
    mseq_buffer_free(&filter->join);
    mseq_value_free(filter->parameters);
    *filter = (manager_filter){.call = NULL};
}

/* Appends the number of a new parameter. */
static mseq_status append_parameter(manager_filter *filter, mseq_buffer *text,
                                    const mseq_value *value, mseq_error *err) {
    if (mseq_array_add(filter->parameters, mseq_value_dup(value)) != MSEQ_OK)
        return mseq_error_no_memory(err);
    mseq_buffer_append_format(text, "?%zu", mseq_value_length(filter->parameters));
    return MSEQ_OK;
}

static mseq_status add_parameter(manager_filter *filter, const mseq_value *value, mseq_error *err) {
    return append_parameter(filter, &filter->where, value, err);
}

mseq_status manager_filter_join(manager_filter *filter, const char *before, const mseq_value *value,
                                const char *after, const char *order, mseq_error *err) {
    mseq_buffer_append_text(&filter->join, before);
    mseq_status status = append_parameter(filter, &filter->join, value, err);
    mseq_buffer_append_text(&filter->join, after);
    filter->order = order;
    filter->selective = true;
    return status;
}

mseq_status manager_filter_condition(manager_filter *filter, const char *before,
                                     const mseq_value *value, const char *after, mseq_error *err) {
    mseq_buffer_append_format(&filter->where, " AND %s", before);
    mseq_status status = add_parameter(filter, value, err);
    mseq_buffer_append_text(&filter->where, after);
    return status;
}

static const char *column_of(const manager_filter *filter, const field *by) {
    bool postgresql = mseq_connection_dialect(filter->call->catalog) == MSEQ_POSTGRESQL;
    return postgresql && by->postgresql ? by->postgresql : by->column;
}

static const char *position_function(const manager_filter *filter) {
    return mseq_connection_dialect(filter->call->catalog) == MSEQ_SQLITE ? "instr" : "strpos";
}

static mseq_status contains(manager_filter *filter, const char *prefix, const char *column,
                            const mseq_value *text, const char *after, mseq_error *err) {
    mseq_buffer before = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&before, "%s%s(%s, ", prefix, position_function(filter), column);
    mseq_status status =
        before.status == MSEQ_OK
            ? manager_filter_condition(filter, mseq_buffer_text(&before), text, after, err)
            : mseq_error_no_memory(err);
    mseq_buffer_free(&before);
    return status;
}

mseq_status manager_filter_contains(manager_filter *filter, const char *column, const char *text,
                                    mseq_error *err) {
    mseq_value *value = mseq_value_string(text);
    mseq_status status =
        value ? contains(filter, "", column, value, ") > 0", err) : mseq_error_no_memory(err);
    mseq_value_free(value);
    return status;
}

static mseq_status any_of(manager_filter *filter, const char *before, const mseq_value *values,
                          const char *after, mseq_error *err) {
    size_t count = mseq_value_length(values);
    if (count == 0) {
        mseq_buffer_append_text(&filter->where, " AND 0 = 1");
        return MSEQ_OK;
    }
    mseq_status status = MSEQ_OK;
    mseq_buffer_append_format(&filter->where, " AND %s IN (", before);
    for (size_t i = 0; i < count && status == MSEQ_OK; i++) {
        if (i > 0)
            mseq_buffer_append_text(&filter->where, ", ");
        status = add_parameter(filter, mseq_array_get(values, i), err);
    }
    mseq_buffer_append_format(&filter->where, ")%s", after);
    return status;
}

/* ---- Values ------------------------------------------------------------------------------------
 */

static mseq_status bad_value(const char *key, const mseq_value *value, const char *wanted,
                             mseq_error *err) {
    return manager_refuse(err, MSEQ_E_REQUEST, "bad_value", "filter '%s' must be %s, not %s", key,
                          wanted, mseq_kind_name(mseq_value_kind(value)));
}

/* Several values: an array of texts, or one text cut at commas and trimmed. Empty pieces count for
 * nothing. */
static mseq_status values_of(const char *key, const mseq_value *value, mseq_value **values,
                             mseq_error *err) {
    manager_draft list;
    manager_draft_array(&list);
    const char *text = mseq_value_get_text(value);
    if (!text && mseq_value_kind(value) != MSEQ_ARRAY) {
        manager_draft_free(&list);
        return bad_value(key, value, "an array of strings", err);
    }
    for (size_t i = 0; i < mseq_value_length(value); i++) {
        const mseq_value *item = mseq_array_get(value, i);
        if (mseq_value_kind(item) != MSEQ_STRING) {
            manager_draft_free(&list);
            return bad_value(key, item, "an array of strings", err);
        }
        manager_append(&list, mseq_value_dup(item));
    }
    while (text && *text) {
        size_t length = strcspn(text, ",");
        mseq_value *piece = mseq_value_string_n(text, length);
        char *trimmed = piece ? mseq_text_trim(mseq_value_get_text(piece)) : NULL;
        if (!trimmed || *trimmed)
            manager_append(&list, trimmed ? mseq_value_string(trimmed) : NULL);
        free(trimmed);
        mseq_value_free(piece);
        text += length + (text[length] == ',');
    }
    mseq_value *made = manager_draft_take(&list);
    if (!made)
        return mseq_error_no_memory(err);
    if (mseq_value_length(made) > MANAGER_FILTER_MAXIMUM) {
        mseq_value_free(made);
        return manager_refuse(err, MSEQ_E_REQUEST, "too_many_values",
                              "filter '%s' has more than %d values", key, MANAGER_FILTER_MAXIMUM);
    }
    *values = made;
    return MSEQ_OK;
}

static mseq_status boolean_of(const char *key, const mseq_value *value, bool *boolean,
                              mseq_error *err) {
    if (mseq_value_kind(value) == MSEQ_BOOLEAN) {
        *boolean = mseq_value_get_boolean(value, false);
        return MSEQ_OK;
    }
    if (mseq_value_kind(value) != MSEQ_STRING)
        return bad_value(key, value, "a boolean", err);
    manager_draft query;
    manager_draft_object(&query);
    manager_put_copy(&query, key, value);
    mseq_value *made = manager_draft_take(&query);
    mseq_status status = made ? manager_boolean_parameter(made, key, false, boolean, err)
                              : mseq_error_no_memory(err);
    mseq_value_free(made);
    return status;
}

/* ---- Fields ------------------------------------------------------------------------------------
 */

static const char label_is[] =
    "EXISTS (SELECT 1 FROM meta_table_label JOIN label ON label.id = meta_table_label.label_id"
    " WHERE meta_table_label.meta_table_uid = meta_table.uid AND ";

static mseq_status add_labels(manager_filter *filter, const char *key, unsigned lookup,
                              const mseq_value *value, mseq_error *err) {
    mseq_value *values = NULL;
    mseq_status status = values_of(key, value, &values, err);
    mseq_buffer before = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&before, "%s%s", label_is,
                              lookup == EXACT ? "label.name = " : "label.name");
    if (status == MSEQ_OK && before.status != MSEQ_OK)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK && lookup == IN)
        status = any_of(filter, mseq_buffer_text(&before), values, ")", err);
    for (size_t i = 0; lookup != IN && i < mseq_value_length(values) && status == MSEQ_OK; i++) {
        const mseq_value *label = mseq_array_get(values, i);
        status = lookup == EXACT
                     ? manager_filter_condition(filter, mseq_buffer_text(&before), label, ")", err)
                     : contains(filter, label_is, "label.name", label, ") > 0)", err);
    }
    mseq_buffer_free(&before);
    mseq_value_free(values);
    return status;
}

static mseq_status add_exact(manager_filter *filter, const field *by, const char *key,
                             const mseq_value *value, mseq_error *err) {
    if (mseq_value_is_null(value)) {
        mseq_buffer_append_format(&filter->where, " AND %s IS NULL", column_of(filter, by));
        return MSEQ_OK;
    }
    if (mseq_value_kind(value) != MSEQ_STRING)
        return bad_value(key, value, "a string", err);
    filter->selective = filter->selective || by->selective;
    mseq_buffer before = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&before, "%s = ", column_of(filter, by));
    mseq_status status =
        before.status == MSEQ_OK
            ? manager_filter_condition(filter, mseq_buffer_text(&before), value, "", err)
            : mseq_error_no_memory(err);
    mseq_buffer_free(&before);
    return status;
}

static mseq_status add_field(manager_filter *filter, const field *by, const char *key,
                             unsigned lookup, const mseq_value *value, mseq_error *err) {
    if (!by->column)
        return add_labels(filter, key, lookup, value, err);
    if (lookup == EXACT)
        return add_exact(filter, by, key, value, err);
    if (lookup == CONTAINS)
        return mseq_value_kind(value) == MSEQ_STRING
                   ? contains(filter, "", column_of(filter, by), value, ") > 0", err)
                   : bad_value(key, value, "a string", err);
    if (lookup == IS_NULL) {
        bool is_null = false;
        mseq_status status = boolean_of(key, value, &is_null, err);
        mseq_buffer_append_format(&filter->where, " AND %s IS%s NULL", column_of(filter, by),
                                  is_null ? "" : " NOT");
        return status;
    }
    mseq_value *values = NULL;
    mseq_status status = values_of(key, value, &values, err);
    if (status == MSEQ_OK)
        status = any_of(filter, column_of(filter, by), values, "", err);
    filter->selective = filter->selective || by->selective;
    mseq_value_free(values);
    return status;
}

/* The field and lookup that a key names; NULL: none. */
static const field *find_field(const manager_filter *filter, const char *key, unsigned *lookup) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t length = strlen(fields[i].name);
        if (strncmp(key, fields[i].name, length) != 0 ||
            (fields[i].relational_only && filter->call->time_indexed))
            continue;
        for (size_t k = 0; k < sizeof lookups / sizeof *lookups; k++) {
            if ((fields[i].lookups & lookups[k].lookup) &&
                strcmp(key + length, lookups[k].suffix) == 0) {
                *lookup = lookups[k].lookup;
                return &fields[i];
            }
        }
    }
    return NULL;
}

static mseq_status unknown_filter(const char *key, mseq_error *err) {
    const char *names[sizeof fields / sizeof *fields];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        names[i] = fields[i].name;
    manager_refuse(err, MSEQ_E_REQUEST, "unknown_filter", "there is no filter '%.100s' here", key);
    const char *nearest = mseq_text_nearest(key, names, sizeof names / sizeof *names);
    if (nearest)
        mseq_error_hint(err, "did you mean '%s'?", nearest);
    return MSEQ_E_REQUEST;
}

mseq_status manager_filter_add(manager_filter *filter, const mseq_value *filters,
                               const char *const *others, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < mseq_value_length(filters) && status == MSEQ_OK; i++) {
        const char *key = mseq_object_key_at(filters, i);
        size_t other = 0;
        while (others[other] && strcmp(others[other], key) != 0)
            other++;
        if (others[other])
            continue;
        unsigned lookup = 0;
        const field *by = find_field(filter, key, &lookup);
        status = by ? add_field(filter, by, key, lookup, mseq_object_value_at(filters, i), err)
                    : unknown_filter(key, err);
    }
    if (status == MSEQ_OK && filter->where.status != MSEQ_OK)
        status = mseq_error_no_memory(err);
    return status;
}

/* ---- Running -----------------------------------------------------------------------------------
 */

/* "2026-03-01T09:30:00.000000Z_<uid>" */
static mseq_status add_after(manager_filter *filter, const char *after, mseq_error *err) {
    const char *mark = strchr(after, '_');
    if (!mark || mark == after || !mark[1])
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "cursor: '%.100s' was not given out by this TS Manager", after);
    mseq_value *created = mseq_value_string_n(after, (size_t)(mark - after));
    mseq_value *uid = mseq_value_string(mark + 1);
    mseq_status status = created && uid ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_filter_condition(filter, "(created_at, uid) > (", created, ", ", err);
    if (status == MSEQ_OK)
        status = add_parameter(filter, uid, err);
    mseq_buffer_append_text(&filter->where, ")");
    mseq_value_free(created);
    mseq_value_free(uid);
    return status;
}

static mseq_status replies_of(const manager_filter *filter, const mseq_value *records, size_t count,
                              mseq_value **rows, mseq_error *err) {
    manager_draft list;
    manager_draft_array(&list);
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; i < count && status == MSEQ_OK; i++) {
        manager_row row = MANAGER_ROW_INIT;
        mseq_value *reply = NULL;
        status = manager_row_from_record(mseq_array_get(records, i), &row, err);
        if (status == MSEQ_OK)
            status = manager_row_reply(filter->call, &row, &reply, err);
        if (status == MSEQ_OK)
            manager_append(&list, reply);
        manager_row_free(&row);
    }
    return manager_draft_end(&list, status, rows, err);
}

/* Whether the caller may view so few tables that a list is better made from those. */
static mseq_status views_few(const manager_call *call, bool *few, mseq_error *err) {
    mseq_value *records = NULL;
    mseq_status status = manager_query(
        call->catalog, &records, err,
        "SELECT COUNT(*) AS viewed FROM (" MANAGER_VIEWED_UIDS("?1") " LIMIT 1001) AS tables", "s",
        call->caller->user_uid);
    *few = mseq_object_get_integer(mseq_array_get(records, 0), "viewed", 0) < 1001;
    mseq_value_free(records);
    return status;
}

/* What the caller may view, whose uid is ?3. Where nothing else finds few rows and this does, it
 * does the finding. */
static mseq_status access_condition(manager_filter *filter, const char **condition,
                                    mseq_error *err) {
    bool few = false;
    *condition = "";
    if (filter->call->caller->admin)
        return MSEQ_OK;
    mseq_status status = filter->selective ? MSEQ_OK : views_few(filter->call, &few, err);
    *condition = few ? " AND meta_table.uid IN (" MANAGER_VIEWED_UIDS("?3") ")"
                     : " AND " MANAGER_MAY_VIEW("0", "?3");
    filter->selective = filter->selective || few;
    return status;
}

/* Where a condition finds few rows, the index that only serves the order must not tempt the
 * planner: the expressions say the same and use no index. */
static mseq_status select_records(manager_filter *filter, int64_t limit, int64_t offset,
                                  mseq_value **records, mseq_error *err) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    const char *access = NULL;
    mseq_status status = access_condition(filter, &access, err);
    if (status != MSEQ_OK)
        return status;
    mseq_buffer_append_format(
        &sql,
        "SELECT " MANAGER_ROW_COLUMNS ", created_at, uid FROM meta_table%s WHERE %s AND %s%s%s"
        " ORDER BY %s%screated_at, uid LIMIT %lld OFFSET %lld",
        mseq_buffer_text(&filter->join),
        filter->selective ? "organization_uid || '' = ?1" : "organization_uid = ?1",
        filter->selective ? "time_indexed + 0 = ?2" : "time_indexed = ?2", access,
        mseq_buffer_text(&filter->where), filter->order ? filter->order : "",
        filter->order ? ", " : "", (long long)limit, (long long)offset);
    status = sql.status == MSEQ_OK && filter->join.status == MSEQ_OK
                 ? manager_query_list(filter->call->catalog, mseq_buffer_text(&sql),
                                      filter->parameters, records, err)
                 : mseq_error_no_memory(err);
    mseq_buffer_free(&sql);
    return status;
}

mseq_status manager_filter_run(manager_filter *filter, int64_t limit, int64_t offset,
                               const char *after, mseq_value **rows, char **next, mseq_error *err) {
    mseq_value *records = NULL, *made = NULL;
    char *end = NULL;
    mseq_status status = after ? add_after(filter, after, err) : MSEQ_OK;
    if (status == MSEQ_OK)
        status = select_records(filter, limit + (next != NULL), offset, &records, err);
    size_t count = mseq_value_length(records);
    if (status == MSEQ_OK && next && count > (size_t)limit) {
        const mseq_value *last = mseq_array_get(records, (size_t)limit - 1);
        end = mseq_text_format("%s_%s", mseq_object_get_text(last, "created_at"),
                               mseq_object_get_text(last, "uid"));
        status = end ? MSEQ_OK : mseq_error_no_memory(err);
        count = (size_t)limit;
    }
    if (status == MSEQ_OK)
        status = replies_of(filter, records, count, &made, err);
    mseq_value_free(records);
    if (status != MSEQ_OK) {
        free(end);
        return status;
    }
    if (next)
        *next = end;
    *rows = made;
    return MSEQ_OK;
}
