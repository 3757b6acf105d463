/* SPDX-License-Identifier: MIT
 * Search by substring, in the case-folded words of tables (description-search) or of their columns
 * (column-search). */
#include <stdlib.h>
#include <string.h>

#include "filters.h"
#include "routes.h"
#include "rows.h"

enum { RESULTS_DEFAULT = 200, RESULTS_MAXIMUM = 1000 };

static mseq_status search(manager_call *call, const char *column, const char *words,
                          const mseq_value *filters, const char *const *others, int64_t limit,
                          mseq_error *err) {
    manager_filter filter;
    mseq_value *rows = NULL;
    char *trimmed = words ? mseq_text_trim(words) : mseq_text_dup("");
    char *folded = trimmed ? mseq_text_casefold(trimmed) : NULL;
    free(trimmed);
    if (!folded)
        return mseq_error_no_memory(err);
    mseq_status status = *folded ? MSEQ_OK
                                 : manager_refuse(err, MSEQ_E_REQUEST, "missing_field",
                                                  "q: there is nothing to search for");
    if (status != MSEQ_OK) {
        free(folded);
        return status;
    }
    status = manager_filter_begin(call, &filter, err);
    if (status == MSEQ_OK)
        status = manager_filter_add(&filter, filters, others, err);
    if (status == MSEQ_OK)
        status = manager_filter_contains(&filter, column, folded, err);
    if (status == MSEQ_OK)
        status = manager_filter_run(&filter, limit, 0, NULL, &rows, NULL, err);
    manager_filter_free(&filter);
    free(folded);
    if (status != MSEQ_OK)
        return status;
    manager_draft page;
    manager_draft_object(&page);
    manager_put_integer(&page, "count", (int64_t)mseq_value_length(rows));
    manager_put_text(&page, "next", NULL);
    manager_put_text(&page, "previous", NULL);
    manager_put(&page, "results", rows);
    return manager_answer(call, 200, manager_draft_take(&page), err);
}

/* The weights and the embedding are for ranking, of which a substring has none. */
mseq_status manager_description_search(manager_call *call, mseq_error *err) {
    static const char *const others[] = {"q",     "trigram_k",       "embed_k",     "w_trgm",
                                         "w_emb", "embedding_model", "q_embedding", NULL};
    const mseq_value *body = NULL;
    mseq_status status = manager_object_body(call, false, &body, err);
    if (status != MSEQ_OK)
        return status;
    int64_t limit = mseq_object_get_integer(body, "trigram_k", RESULTS_DEFAULT);
    limit = limit < 1 ? 1 : limit > RESULTS_MAXIMUM ? RESULTS_MAXIMUM : limit;
    return search(call, "search_text", mseq_object_get_text(body, "q"), body, others, limit, err);
}

mseq_status manager_column_search(manager_call *call, mseq_error *err) {
    static const char *const others[] = {"q", NULL};
    return search(call, "column_text", mseq_object_get_text(call->query, "q"), call->query, others,
                  RESULTS_DEFAULT, err);
}

/* What search looks in is derived whenever a row is written; this route writes it again. */
mseq_status manager_refresh_search(manager_call *call, mseq_error *err) {
    manager_row row = MANAGER_ROW_INIT;
    mseq_status status = manager_begin(call, err);
    if (status == MSEQ_OK)
        status = manager_row_to_edit(call, call->uid, &row, err);
    if (status == MSEQ_OK)
        status = manager_row_update(call, &row, err);
    if (status == MSEQ_OK)
        status = manager_commit(call, err);
    if (status == MSEQ_OK) {
        manager_draft reply;
        manager_draft_object(&reply);
        manager_put_boolean(&reply, "ok", true);
        manager_put_text(&reply, "meta_table_uid", manager_row_text(&row, "uid"));
        status = manager_answer(call, 200, manager_draft_take(&reply), err);
    }
    manager_row_free(&row);
    return status;
}
