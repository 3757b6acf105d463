/* SPDX-License-Identifier: MIT
 * After a migration: each row becomes what its table is.
 *
 * All tables are read first; then the catalog is locked, the rows are read again and written. So a
 * slow database never holds the catalog, and a process that dies between has changed nothing: the
 * next finalize does the same again. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/ddl.h"

#include "access.h"
#include "routes.h"

/* One table of the request. */
typedef struct item {
    const char *uid; /* of the request */
    manager_source *source;
    mseq_table *table; /* NULL: it does not exist */
    char *revision;    /* what its version table says; NULL: nothing */
} item;

typedef struct counts {
    int64_t finalized, active, reserved, failed;
} counts;

static void free_items(item *items, size_t count) {
    for (size_t i = 0; items && i < count; i++) {
        mseq_table_free(items[i].table);
        free(items[i].revision);
    }
    free(items);
}

/* ---- Reading the databases ---------------------------------------------------------------------
 */

/* The versions in the registry's table, as Alembic keeps them: one row a head. */
static mseq_status read_revision(mseq_connection *connection, const manager_row *registry,
                                 char **revision, mseq_error *err) {
    const mseq_value *contract = mseq_object_get(registry->document, "table_contract");
    const char *column =
        mseq_object_get_text(mseq_array_get(mseq_object_get(contract, "columns"), 0), "name");
    mseq_dialect dialect = mseq_connection_dialect(connection);
    mseq_buffer sql = MSEQ_BUFFER_INIT, text = MSEQ_BUFFER_INIT;
    mseq_value *rows = NULL;
    if (!column)
        return MSEQ_OK;
    mseq_buffer_append_text(&sql, "SELECT ");
    mseq_ddl_quote(dialect, column, 1, &sql);
    mseq_buffer_append_text(&sql, " AS version FROM ");
    mseq_ddl_quote(dialect, manager_row_text(registry, "physical_table_name"), 1, &sql);
    mseq_buffer_append_text(&sql, " ORDER BY 1");
    mseq_status status =
        sql.status == MSEQ_OK
            ? mseq_connection_execute(connection, mseq_buffer_text(&sql), NULL, &rows, NULL, err)
            : mseq_error_no_memory(err);
    for (size_t i = 0; i < mseq_value_length(rows); i++) {
        const char *version = mseq_object_get_text(mseq_array_get(rows, i), "version");
        mseq_buffer_append_format(&text, "%s%s", text.length ? ", " : "", version ? version : "");
    }
    if (status == MSEQ_OK && text.length > 0 && !(*revision = mseq_buffer_take(&text)))
        status = mseq_error_no_memory(err);
    mseq_buffer_free(&text);
    mseq_buffer_free(&sql);
    mseq_value_free(rows);
    return status;
}

static mseq_status find_revision(const manager_call *call, mseq_connection *connection,
                                 const char *registry_uid, char **revision, mseq_error *err) {
    manager_row registry = MANAGER_ROW_INIT;
    mseq_table *table = NULL;
    if (!registry_uid)
        return MSEQ_OK;
    mseq_status status = manager_row_any(call, registry_uid, &registry, err);
    if (status == MSEQ_OK)
        status = manager_reflect(connection, &registry, &table, err);
    if (status == MSEQ_OK && table)
        status = read_revision(connection, &registry, revision, err);
    mseq_table_free(table);
    manager_row_free(&registry);
    return status;
}

/* Kept from item to item, as most tables of a request share data source and registry. */
typedef struct reader {
    const manager_call *call;
    const char *registry_uid; /* of the request; NULL: each row names its own */
    manager_source *source;
    mseq_connection *connection;
    char *known_registry; /* whose revision is `revision` */
    char *revision;
} reader;

static mseq_status use_source(reader *from, manager_source *source, mseq_error *err) {
    if (source == from->source)
        return MSEQ_OK;
    mseq_connection_release(from->connection);
    from->connection = NULL;
    from->source = source;
    free(from->known_registry);
    from->known_registry = NULL;
    return manager_source_connect(source, &from->connection, err);
}

static mseq_status use_registry(reader *from, const char *uid, mseq_error *err) {
    if (from->known_registry && uid && strcmp(from->known_registry, uid) == 0)
        return MSEQ_OK;
    free(from->revision);
    free(from->known_registry);
    from->revision = NULL;
    from->known_registry = mseq_text_dup(uid);
    if (uid && !from->known_registry)
        return mseq_error_no_memory(err);
    return find_revision(from->call, from->connection, uid, &from->revision, err);
}

static mseq_status read_item(reader *from, item *one, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = manager_row_to_edit(from->call, one->uid, &row, err);
    if (status == MSEQ_OK)
        status = manager_source_find(from->call, manager_row_text(&row, "data_source_uid"),
                                     &one->source, err);
    if (status == MSEQ_OK)
        status = use_source(from, one->source, err);
    if (status == MSEQ_OK)
        status = manager_reflect(from->connection, &row, &one->table, err);
    if (status == MSEQ_OK)
        status = use_registry(from,
                              from->registry_uid
                                  ? from->registry_uid
                                  : manager_row_text(&row, "alembic_version_meta_table_uid"),
                              err);
    if (status == MSEQ_OK && from->revision && !(one->revision = mseq_text_dup(from->revision)))
        status = mseq_error_no_memory(err);
    manager_row_free(&row);
    return status;
}

/* One that the request names must be a table that the caller may view. */
static mseq_status check_registry(const manager_call *call, const char *uid, mseq_error *err) {
    manager_row registry = MANAGER_ROW_INIT;
    mseq_status status = manager_row_by_uid(call, uid, &registry, err);
    manager_row_free(&registry);
    return status;
}

/* A uid that is given twice is one table. */
static mseq_status read_items(const manager_call *call, const mseq_value *request, item *items,
                              size_t *count, mseq_error *err) {
    const mseq_value *uids = mseq_object_get(request, "meta_table_uids");
    mseq_value *seen = mseq_value_object();
    reader from = {.call = call,
                   .registry_uid = mseq_object_get_text(request, "alembic_version_meta_table_uid")};
    mseq_status status = seen ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK && from.registry_uid)
        status = check_registry(call, from.registry_uid, err);
    for (size_t i = 0; i < mseq_value_length(uids) && status == MSEQ_OK; i++) {
        const char *uid = mseq_value_get_text(mseq_array_get(uids, i));
        if (mseq_object_get(seen, uid))
            continue;
        items[*count].uid = uid;
        status = read_item(&from, &items[*count], err);
        ++*count;
        if (status == MSEQ_OK && mseq_object_put_boolean(seen, uid, true) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    mseq_connection_release(from.connection);
    free(from.known_registry);
    free(from.revision);
    mseq_value_free(seen);
    return status;
}

/* ---- Writing the rows --------------------------------------------------------------------------
 */

/* Why a row is none of this provider's business; NULL when it is. The registry belongs to no
 * provider. */
static const char *foreign_row(const manager_row *row, const mseq_value *request) {
    const char *wanted = mseq_object_get_text(request, "migration_provider_key");
    const char *owner = manager_row_text(row, "migration_provider_key");
    if (strcmp(manager_row_text(row, "management_mode"), "external_registered") == 0)
        return NULL;
    if (!owner)
        return "not_migration_managed";
    return wanted && strcmp(wanted, owner) != 0 ? "other_provider" : NULL;
}

static mseq_status bring_up_to_date(const manager_call *call, manager_row *row, const item *one,
                                    mseq_error *err) {
    bool platform = strcmp(manager_row_text(row, "management_mode"), "platform_managed") == 0;
    mseq_value *before = mseq_value_dup(row->document);
    bool was_seen = row->was_seen;
    mseq_status status = before ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK && one->table)
        status = manager_row_introspected(call, row, one->table, one->source->dialect, err);
    else if (status == MSEQ_OK && row->was_seen)
        status = manager_row_gone(call, row, err);
    manager_draft document = {row->document, false};
    if (platform)
        manager_put_text(&document, "provisioning_status", one->table ? "active" : "reserved");
    manager_put_text(&document, "alembic_revision", one->revision);
    if (status == MSEQ_OK && document.failed)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK &&
        (was_seen != row->was_seen || !mseq_value_equal(before, row->document)))
        status = manager_row_update(call, row, err);
    mseq_value_free(before);
    return status;
}

static void put_error(manager_draft *result, const manager_row *row, const char *code) {
    manager_draft problem;
    mseq_buffer detail = MSEQ_BUFFER_INIT;
    if (!code) {
        manager_put_text(result, "error", NULL);
        return;
    }
    mseq_buffer_append_format(&detail,
                              strcmp(code, "physical_table_missing") == 0
                                  ? "the table '%s' does not exist in its data source"
                              : strcmp(code, "other_provider") == 0
                                  ? "the table '%s' is managed by another migration provider"
                                  : "the table '%s' is not managed by migrations",
                              manager_row_text(row, "physical_table_name"));
    manager_draft_object(&problem);
    manager_put_text(&problem, "code", code);
    manager_put(&problem, "detail",
                detail.status == MSEQ_OK ? mseq_value_string(mseq_buffer_text(&detail)) : NULL);
    manager_put_draft(result, "error", &problem);
    mseq_buffer_free(&detail);
}

static mseq_value *result_of(const manager_row *row, const mseq_value *request,
                             const char *previous, bool finalized, bool exists, const char *code) {
    static const char *const keys[] = {"migration_package", "migration_namespace",
                                       "migration_provider_key", "alembic_version_meta_table_uid"};
    const mseq_value *document = row->document;
    manager_draft result;
    manager_draft_object(&result);
    manager_put_copy(&result, "meta_table_uid", mseq_object_get(document, "uid"));
    manager_put_copy(&result, "identifier", mseq_object_get(document, "identifier"));
    manager_put_copy(&result, "physical_table_name",
                     mseq_object_get(document, "physical_table_name"));
    manager_put_text(&result, "previous_provisioning_status", previous);
    manager_put_copy(&result, "provisioning_status",
                     mseq_object_get(document, "provisioning_status"));
    manager_put_copy(&result, "table_kind", mseq_object_get(document, "table_kind"));
    manager_put_copy(&result, "time_indexed", mseq_object_get(document, "time_indexed"));
    manager_put_copy(&result, "cadence", mseq_object_get(document, "cadence"));
    manager_put_boolean(&result, "finalized", finalized);
    manager_put_boolean(&result, "physical_table_exists", exists);
    manager_put_copy(&result, "schema_management_mode",
                     mseq_object_get(document, "schema_management_mode"));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        manager_put_copy(&result, keys[i],
                         mseq_object_get(request, keys[i]) ? mseq_object_get(request, keys[i])
                                                           : mseq_object_get(document, keys[i]));
    manager_put_copy(&result, "alembic_revision", mseq_object_get(document, "alembic_revision"));
    put_error(&result, row, code);
    return manager_draft_take(&result);
}

/* A table that is missing and never was there has failed. One that was there and is gone was
 * dropped by a downgrade: that is what was asked for. */
static mseq_status finalize(const manager_call *call, const mseq_value *request, const item *one,
                            counts *sums, manager_draft *results, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = manager_row_to_edit(call, one->uid, &row, err);
    if (status != MSEQ_OK)
        return status;
    char previous[16] = "";
    strncpy(previous, manager_row_text(&row, "provisioning_status"), sizeof previous - 1);
    const char *code = foreign_row(&row, request);
    bool failed = code || (!one->table && !row.was_seen);
    if (!code)
        status = bring_up_to_date(call, &row, one, err);
    if (!code && !one->table)
        code = "physical_table_missing";
    if (status == MSEQ_OK) /* it is written, and only shown from here on */
        status = manager_conceal(call, row.document, err);
    if (status == MSEQ_OK) {
        bool active = strcmp(manager_row_text(&row, "provisioning_status"), "active") == 0;
        bool finalized = active && strcmp(previous, "active") != 0;
        sums->finalized += finalized;
        sums->active += active;
        sums->reserved += !active;
        sums->failed += failed;
        manager_append(results,
                       result_of(&row, request, previous, finalized, one->table != NULL, code));
    }
    manager_row_free(&row);
    return status;
}

static mseq_status answer(manager_call *call, const counts *sums, manager_draft *results,
                          mseq_error *err) {
    manager_draft reply;
    manager_draft_object(&reply);
    manager_put_boolean(&reply, "ok", sums->failed == 0);
    manager_put_integer(&reply, "finalized_count", sums->finalized);
    manager_put_integer(&reply, "active_count", sums->active);
    manager_put_integer(&reply, "reserved_count", sums->reserved);
    manager_put_integer(&reply, "failed_count", sums->failed);
    manager_put_draft(&reply, "tables", results);
    return manager_answer(call, sums->failed == 0 ? 200 : 409, manager_draft_take(&reply), err);
}

mseq_status manager_finalize_tables(manager_call *call, mseq_error *err) {
    mseq_value *request = NULL;
    item *items = NULL;
    size_t count = 0;
    counts sums = {0, 0, 0, 0};
    manager_draft results;
    mseq_status status = mseq_wire_validate_finalization(call->request->body, &request, err);
    if (status == MSEQ_OK &&
        mseq_value_length(mseq_object_get(request, "meta_table_uids")) > MANAGER_BULK_MAXIMUM)
        status = manager_refuse(err, MSEQ_E_LIMIT, "too_many_tables",
                                "at most %d tables in one request", MANAGER_BULK_MAXIMUM);
    if (status == MSEQ_OK &&
        !(items = calloc(mseq_value_length(mseq_object_get(request, "meta_table_uids")),
                         sizeof *items)))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = read_items(call, request, items, &count, err);
    if (status == MSEQ_OK)
        status = manager_begin(call, err);
    manager_draft_array(&results);
    for (size_t i = 0; i < count && status == MSEQ_OK; i++)
        status = finalize(call, request, &items[i], &sums, &results, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    if (status == MSEQ_OK)
        status = answer(call, &sums, &results, err);
    manager_draft_free(&results);
    free_items(items, count);
    mseq_value_free(request);
    return status;
}
