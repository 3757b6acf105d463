/* SPDX-License-Identifier: MIT
 * Calls that are more than one request, or that build their request from a table. */
#include <stdlib.h>
#include <string.h>

#include "client_private.h"

#define PROJECTS "/orm/api/pods/projects/"
#define META_TABLE "/orm/api/ts_manager/meta_table/"
#define DYNAMIC_TABLE "/orm/api/ts_manager/dynamic_table/"

static const char NAME_A_PROJECT[] =
    "set MAIN_SEQUENCE_PROJECT_UID (mainsequence project list shows the projects), or pass "
    "data_source_uid";

/* A POST whose success is a JSON object. */
static mseq_status call_for_object(mseq_client *client, const char *path, const mseq_value *body,
                                   mseq_value **object, mseq_error *err) {
    mseq_value *reply = NULL;
    mseq_status status = mseq_client_call(client, "POST", path, NULL, body, &reply, err);
    if (status != MSEQ_OK)
        return status;
    if (mseq_value_kind(reply) != MSEQ_OBJECT) {
        status = mseq_error_set(err, MSEQ_E_TRANSPORT,
                                "POST %s%s: the reply is no JSON object, is this a TS Manager?",
                                mseq_client_endpoint(client), path);
        mseq_value_free(reply);
        return status;
    }
    *object = reply;
    return MSEQ_OK;
}

/* ---- The session data source (protocol section 2)
 * --------------------------------------------------------- */

static mseq_status look_up_project(mseq_client *client, mseq_value **project, mseq_error *err) {
    mseq_buffer path = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&path, PROJECTS);
    mseq_wire_escape(client->project_uid, false, &path);
    mseq_buffer_append_char(&path, '/');
    mseq_status status =
        path.status == MSEQ_OK
            ? mseq_client_call(client, "GET", mseq_buffer_text(&path), NULL, NULL, project, err)
            : mseq_error_no_memory(err);
    mseq_buffer_free(&path);
    if (status == MSEQ_E_NOT_FOUND)
        mseq_error_hint(err,
                        "project '%s' was not found at %s: check MAIN_SEQUENCE_PROJECT_UID, "
                        "mainsequence project list shows the projects",
                        client->project_uid, mseq_client_endpoint(client));
    return status;
}

static mseq_status only_project(mseq_client *client, mseq_value **project, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_status status = mseq_client_list(client, PROJECTS, NULL, &rows, err);
    if (status != MSEQ_OK)
        return status;
    if (mseq_value_length(rows) != 1) {
        mseq_error_set(err, MSEQ_E_REQUEST,
                       "cannot resolve the session's default data source: %s has %zu projects",
                       mseq_client_endpoint(client), mseq_value_length(rows));
        mseq_error_hint(err, "%s", NAME_A_PROJECT);
        status = MSEQ_E_REQUEST;
    } else if (!(*project = mseq_value_dup(mseq_array_get(rows, 0)))) {
        status = mseq_error_no_memory(err);
    }
    mseq_value_free(rows);
    return status;
}

static mseq_status no_project(mseq_error *err) {
    mseq_error_set(err, MSEQ_E_REQUEST,
                   "cannot resolve the session's default data source: "
                   "MAIN_SEQUENCE_PROJECT_UID is not set");
    mseq_error_hint(err, "%s", NAME_A_PROJECT);
    return MSEQ_E_REQUEST;
}

static mseq_status check_data_source(const mseq_value *source, mseq_error *err) {
    const mseq_value *resource = mseq_object_get(source, "related_resource");
    const char *state = mseq_object_get_text(resource, "status");
    if (mseq_value_kind(source) != MSEQ_OBJECT || !mseq_object_get_text(source, "uid"))
        return mseq_error_set(err, MSEQ_E_REQUEST,
                              "the project has no data source: pass data_source_uid");
    if (!state || strcmp(state, "AVAILABLE") != 0)
        return mseq_error_set(err, MSEQ_E_REQUEST,
                              "the project's data source %s is not available: its status is %s",
                              mseq_object_get_text(source, "uid"), state ? state : "unknown");
    return MSEQ_OK;
}

mseq_status mseq_client_session_data_source(mseq_client *client, mseq_value **data_source,
                                            mseq_error *err) {
    if (!client->session_data_source) {
        mseq_value *project = NULL;
        mseq_status status = client->project_uid    ? look_up_project(client, &project, err)
                             : client->only_project ? only_project(client, &project, err)
                                                    : no_project(err);
        if (status != MSEQ_OK)
            return status;
        const mseq_value *source = mseq_object_get(project, "data_source");
        status = check_data_source(source, err);
        if (status == MSEQ_OK && !(client->session_data_source = mseq_value_dup(source)))
            status = mseq_error_no_memory(err);
        mseq_value_free(project);
        if (status != MSEQ_OK)
            return status;
    }
    mseq_value *copy = mseq_value_dup(client->session_data_source);
    if (!copy)
        return mseq_error_no_memory(err);
    *data_source = copy;
    return MSEQ_OK;
}

/* ---- Registration
 * ---------------------------------------------------------------------------------------- */

mseq_status mseq_client_register_table(mseq_client *client, const mseq_table *table,
                                       const char *data_source_uid, bool external, mseq_value **row,
                                       mseq_error *err) {
    mseq_value *source = NULL, *request = NULL;
    mseq_wire_options options = MSEQ_WIRE_OPTIONS_INIT;
    options.data_source_uid =
        data_source_uid ? data_source_uid : mseq_table_get_meta(table)->data_source_uid;
    mseq_status status = MSEQ_OK;
    if (!options.data_source_uid) {
        status = mseq_client_session_data_source(client, &source, err);
        options.data_source_uid = mseq_object_get_text(source, "uid");
    }
    if (status == MSEQ_OK)
        status = external ? mseq_wire_external_registration_request(table, &options, &request, err)
                          : mseq_wire_registration_request(table, &options, &request, err);
    if (status == MSEQ_OK) {
        bool dynamic = !external && mseq_wire_is_time_indexed(table);
        status =
            call_for_object(client, dynamic ? DYNAMIC_TABLE "register/" : META_TABLE "register/",
                            request, row, err);
    }
    mseq_value_free(request);
    mseq_value_free(source);
    return status;
}

/* ---- Operations: pages of a select (protocol section 3.8)
 * ------------------------------------------------- */

/* What a page says of the next one. */
typedef struct page_end {
    bool has_more;
    bool has_offset; /* it says where the next one begins */
    int64_t next_offset;
} page_end;

static page_end end_of_page(const mseq_value *page) {
    const mseq_value *pagination = mseq_object_get(page, "pagination");
    const mseq_value *next = mseq_object_get(pagination, "next_offset");
    page_end end = {.has_more = mseq_object_get_boolean(pagination, "has_more", false)};
    if (mseq_value_kind(next) == MSEQ_STRING)
        end.has_offset = mseq_parse_integer(mseq_value_get_text(next), &end.next_offset);
    else if (mseq_value_kind(next) == MSEQ_INTEGER) {
        end.has_offset = true;
        end.next_offset = mseq_value_get_integer(next, 0);
    }
    return end;
}

/* Adds the rows of a page, at most up to `wanted` in all; *cut tells that some were left. */
static mseq_status add_rows(mseq_value *rows, const mseq_value *page, int64_t wanted, bool *cut,
                            mseq_error *err) {
    const mseq_value *more = mseq_object_get(page, "rows");
    if (mseq_value_kind(more) != MSEQ_ARRAY)
        return mseq_error_set(err, MSEQ_E_TRANSPORT,
                              "a page of the result has no rows: a list was expected, got %s",
                              mseq_kind_name(mseq_value_kind(more)));
    size_t room = (size_t)wanted - mseq_value_length(rows);
    size_t count = mseq_value_length(more);
    *cut = count > room;
    for (size_t i = 0; i < count && i < room; i++)
        if (mseq_array_add(rows, mseq_value_dup(mseq_array_get(more, i))) != MSEQ_OK)
            return mseq_error_no_memory(err);
    return MSEQ_OK;
}

/* What several pages make together. */
typedef struct page_sum {
    int64_t offset; /* of the first page */
    int64_t wanted; /* rows asked for */
    page_end end;   /* of the last page, or of the rows cut from it */
} page_sum;

static mseq_value *summary_pagination(const page_sum *sum, int64_t count) {
    mseq_value *pagination = mseq_value_object();
    mseq_value *next = sum->end.has_more && sum->end.has_offset
                           ? mseq_value_integer(sum->end.next_offset)
                           : mseq_value_null();
    bool whole = mseq_object_put_integer(pagination, "limit", sum->wanted) == MSEQ_OK &&
                 mseq_object_put_integer(pagination, "offset", sum->offset) == MSEQ_OK &&
                 mseq_object_put_integer(pagination, "returned_count", count) == MSEQ_OK &&
                 mseq_object_put_boolean(pagination, "has_more", sum->end.has_more) == MSEQ_OK;
    whole = mseq_object_put(pagination, "next_offset", next) == MSEQ_OK && whole;
    if (whole)
        return pagination;
    mseq_value_free(pagination);
    return NULL;
}

static mseq_status write_summary(mseq_value *result, const page_sum *sum, mseq_error *err) {
    int64_t count = (int64_t)mseq_value_length(mseq_object_get(result, "rows"));
    bool whole = mseq_object_put_integer(result, "row_count", count) == MSEQ_OK &&
                 mseq_object_put_integer(result, "max_rows", sum->wanted) == MSEQ_OK &&
                 mseq_object_put_boolean(result, "truncated", sum->end.has_more) == MSEQ_OK &&
                 mseq_object_put(result, "pagination", summary_pagination(sum, count)) == MSEQ_OK;
    return whole ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_status ask_page(mseq_client *client, mseq_value *operation, int64_t offset,
                            int64_t maximum, mseq_value **page, mseq_error *err) {
    mseq_value *limits = mseq_object_peek(operation, "limits");
    if (mseq_object_put_integer(limits, "offset", offset) != MSEQ_OK ||
        mseq_object_put_integer(limits, "max_rows", maximum) != MSEQ_OK)
        return mseq_error_no_memory(err);
    return mseq_client_call(client, "POST", META_TABLE "execute-operation/", NULL, operation, page,
                            err);
}

/* Takes one page into `rows`; *empty ends the reading, whatever the page says of more. The cut of a
 * page that gives more rows than were asked for is exact: the next offset is that of the first row
 * left out. */
static mseq_status take_rows(mseq_value *rows, const mseq_value *page, page_sum *sum, bool *empty,
                             mseq_error *err) {
    int64_t asked = sum->end.next_offset;
    size_t before = mseq_value_length(rows);
    bool cut = false;
    mseq_status status = add_rows(rows, page, sum->wanted, &cut, err);
    if (status != MSEQ_OK)
        return status;
    size_t added = mseq_value_length(rows) - before;
    page_end end = end_of_page(page);
    if (cut)
        end = (page_end){true, true, asked + (int64_t)added};
    *empty = added == 0;
    if (!*empty && end.has_more && end.has_offset && end.next_offset <= asked)
        return mseq_error_set(err, MSEQ_E_TRANSPORT,
                              "the page at offset %lld names offset %lld as the next one",
                              (long long)asked, (long long)end.next_offset);
    sum->end = end;
    return MSEQ_OK;
}

/* Asks for the pages after the first and completes `result` with them. */
static mseq_status read_more(mseq_client *client, mseq_value *operation, mseq_value *result,
                             page_sum *sum, mseq_error *err) {
    mseq_value *rows = mseq_object_peek(result, "rows");
    mseq_status status = MSEQ_OK;
    bool empty = false;
    while (status == MSEQ_OK && !empty && sum->end.has_more && sum->end.has_offset &&
           (int64_t)mseq_value_length(rows) < sum->wanted) {
        size_t before = mseq_value_length(rows);
        int64_t asked = sum->end.next_offset;
        mseq_value *page = NULL;
        status = ask_page(client, operation, asked, sum->wanted - (int64_t)before, &page, err);
        if (status == MSEQ_OK)
            status = take_rows(rows, page, sum, &empty, err);
        if (status != MSEQ_OK)
            mseq_error_detail(err, "%zu rows were read before, the next is at offset %lld", before,
                              (long long)asked);
        mseq_value_free(page);
    }
    return status;
}

static mseq_status read_pages(mseq_client *client, const mseq_value *operation, mseq_value *result,
                              page_sum *sum, mseq_error *err) {
    mseq_value *copy = mseq_value_dup(operation);
    mseq_status status = copy ? MSEQ_OK : mseq_error_no_memory(err);
    if (status == MSEQ_OK && mseq_value_kind(mseq_object_get(copy, "limits")) != MSEQ_OBJECT &&
        mseq_object_put(copy, "limits", mseq_value_object()) != MSEQ_OK)
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = read_more(client, copy, result, sum, err);
    mseq_value_free(copy);
    return status == MSEQ_OK ? write_summary(result, sum, err) : status;
}

mseq_status mseq_client_execute_operation(mseq_client *client, const mseq_value *operation,
                                          mseq_value **result, mseq_error *err) {
    mseq_value *first = NULL;
    mseq_status status =
        call_for_object(client, META_TABLE "execute-operation/", operation, &first, err);
    if (status != MSEQ_OK)
        return status;
    const char *kind = mseq_object_get_text(operation, "operation");
    const mseq_value *limits = mseq_object_get(operation, "limits");
    const mseq_value *rows = mseq_object_get(first, "rows");
    page_sum sum = {.offset = mseq_object_get_integer(limits, "offset", 0),
                    .wanted = mseq_object_get_integer(limits, "max_rows", 1000),
                    .end = end_of_page(first)};
    if (kind && strcmp(kind, "select") == 0 && mseq_value_kind(rows) == MSEQ_ARRAY &&
        (int64_t)mseq_value_length(rows) < sum.wanted && sum.end.has_more && sum.end.has_offset)
        status = read_pages(client, operation, first, &sum, err);
    if (status != MSEQ_OK) {
        mseq_value_free(first);
        return status;
    }
    *result = first;
    return MSEQ_OK;
}
