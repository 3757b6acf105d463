/* SPDX-License-Identifier: MIT
 * Lists: an array, or pages that name the next one (protocol section 1.6). */
#include <stdlib.h>
#include <string.h>

#include "client_private.h"

/* More pages in a row than this without a row are no list but a loop. */
#define EMPTY_PAGES 1000

/* The path of a `next` link. It is always asked of the same transport: an access token never goes
 * to another host because a reply named one. */
static const char *path_of_link(const char *link) {
    const char *authority = strstr(link, "://");
    const char *path = strchr(authority ? authority + 3 : link, '/');
    return path ? path : link;
}

/* Takes the rows and the link out of a page. */
static mseq_status take_page(mseq_value *page, mseq_value **rows, char **next, mseq_error *err) {
    bool bare = mseq_value_kind(page) == MSEQ_ARRAY;
    const mseq_value *results = bare ? page : mseq_object_get(page, "results");
    if (mseq_value_kind(results) != MSEQ_ARRAY)
        return mseq_error_set(err, MSEQ_E_TRANSPORT,
                              "a list reply is neither an array nor an object with results");
    const mseq_value *following = bare ? NULL : mseq_object_get(page, "next");
    const char *link = mseq_value_get_text(following);
    if (!link && !mseq_value_is_null(following))
        return mseq_error_set(err, MSEQ_E_TRANSPORT, "a list reply's next is no link but %s",
                              mseq_kind_name(mseq_value_kind(following)));
    bool more = link && link[0];
    char *path = more ? mseq_text_dup(path_of_link(link)) : NULL;
    mseq_value *taken = mseq_value_dup(results);
    if (!taken || (more && !path)) {
        free(path);
        mseq_value_free(taken);
        return mseq_error_no_memory(err);
    }
    *rows = taken;
    *next = path;
    return MSEQ_OK;
}

/* GET of a path with its query in it. */
static mseq_status get_link(mseq_client *client, const char *link, mseq_value **page,
                            mseq_error *err) {
    char *path = mseq_text_dup(link);
    if (!path)
        return mseq_error_no_memory(err);
    char *question = strchr(path, '?');
    if (question)
        *question = '\0';
    mseq_request request = client_request(client, "GET", path);
    request.query = question ? question + 1 : NULL;
    mseq_status status = client_send(client, &request, 0, NULL, page, err);
    free(path);
    return status;
}

mseq_status mseq_client_page(mseq_client *client, const char *link, const mseq_value *query,
                             mseq_value **rows, char **next, mseq_error *err) {
    mseq_value *page = NULL;
    mseq_status status = query ? mseq_client_call(client, "GET", link, query, NULL, &page, err)
                               : get_link(client, link, &page, err);
    if (status == MSEQ_OK)
        status = take_page(page, rows, next, err);
    mseq_value_free(page);
    return status;
}

static mseq_status add_all(mseq_value *all, const mseq_value *rows, mseq_error *err) {
    for (size_t i = 0; i < mseq_value_length(rows); i++)
        if (mseq_array_add(all, mseq_value_dup(mseq_array_get(rows, i))) != MSEQ_OK)
            return mseq_error_no_memory(err);
    return MSEQ_OK;
}

/* Follows the links; `next` is consumed. */
static mseq_status follow_pages(mseq_client *client, char *next, mseq_value *all, mseq_error *err) {
    mseq_status status = MSEQ_OK;
    int empty = 0;
    while (status == MSEQ_OK && next) {
        char *link = next;
        next = NULL;
        mseq_value *rows = NULL;
        status = mseq_client_page(client, link, NULL, &rows, &next, err);
        if (status == MSEQ_OK)
            status = add_all(all, rows, err);
        empty = mseq_value_length(rows) > 0 ? 0 : empty + 1;
        if (status == MSEQ_OK && next && (strcmp(next, link) == 0 || empty > EMPTY_PAGES))
            status = mseq_error_set(err, MSEQ_E_TRANSPORT,
                                    "the list has no end: page %s names %s as the next one", link,
                                    strcmp(next, link) == 0 ? "itself" : "one more empty page");
        mseq_value_free(rows);
        free(link);
    }
    free(next);
    return status;
}

mseq_status mseq_client_list(mseq_client *client, const char *path, const mseq_value *query,
                             mseq_value **rows, mseq_error *err) {
    mseq_value *all = NULL;
    char *next = NULL;
    mseq_status status = mseq_client_page(client, path, query, &all, &next, err);
    if (status == MSEQ_OK)
        status = follow_pages(client, next, all, err);
    if (status != MSEQ_OK) {
        mseq_value_free(all);
        return status;
    }
    *rows = all;
    return MSEQ_OK;
}
