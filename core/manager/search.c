/* SPDX-License-Identifier: MIT
 * Search in the case-folded words of tables (description-search) or of their columns
 * (column-search): all words of the question must be there, each at least as part of one. */
#include <stdlib.h>
#include <string.h>

#include "routes.h"
#include "rows.h"
#include "search.h"

enum { RESULTS_DEFAULT = 200, RESULTS_MAXIMUM = 1000, WORDS_MAXIMUM = 32 };

static bool is_space(const char *text, size_t length, size_t *size) {
    uint32_t codepoint = 0;
    *size = mseq_utf8_next(text, length, &codepoint);
    *size = *size ? *size : 1;
    return mseq_unicode_is_space(codepoint);
}

static mseq_status split(const char *text, mseq_strings *words, mseq_error *err) {
    size_t length = strlen(text), size = 0;
    for (size_t at = 0; at < length;) {
        while (at < length && is_space(text + at, length - at, &size))
            at += size;
        size_t end = at;
        while (end < length && !is_space(text + end, length - end, &size))
            end += size;
        if (end == at)
            continue;
        char *word = strndup(text + at, end - at);
        if (!word || mseq_strings_add_take(words, word) != MSEQ_OK)
            return mseq_error_no_memory(err);
        at = end;
    }
    if (words->count == 0)
        return manager_refuse(err, MSEQ_E_REQUEST, "missing_field",
                              "q: there is nothing to search for");
    return words->count <= WORDS_MAXIMUM
               ? MSEQ_OK
               : manager_refuse(err, MSEQ_E_REQUEST, "too_many_words",
                                "q: at most %d words in one search", WORDS_MAXIMUM);
}

static mseq_status search(manager_call *call, const char *column, const char *question,
                          const mseq_value *filters, const char *const *others, int64_t limit,
                          mseq_error *err) {
    manager_filter filter = {.call = NULL};
    mseq_strings words = MSEQ_STRINGS_INIT;
    mseq_value *rows = NULL;
    char *folded = mseq_text_casefold(question ? question : "");
    mseq_status status = folded ? split(folded, &words, err) : mseq_error_no_memory(err);
    if (status == MSEQ_OK)
        status = manager_filter_begin(call, &filter, err);
    if (status == MSEQ_OK)
        status = manager_filter_add(&filter, filters, others, err);
    if (status == MSEQ_OK)
        status = manager_search_match(&filter, column, &words, folded, err);
    if (status == MSEQ_OK)
        status = manager_filter_run(&filter, limit, 0, NULL, &rows, NULL, err);
    manager_filter_free(&filter);
    mseq_strings_free(&words);
    free(folded);
    return status == MSEQ_OK ? manager_answer_page(call, rows, true, err) : status;
}

/* The weights are between trigrams and embeddings, and of those the manager has only the first.
 * The question stands in the body (POST) or, as later SDKs ask, in the query (GET). */
mseq_status manager_description_search(manager_call *call, mseq_error *err) {
    static const char *const others[] = {"q",     "trigram_k",       "embed_k",     "w_trgm",
                                         "w_emb", "embedding_model", "q_embedding", NULL};
    bool posted = strcmp(call->request->method, "POST") == 0;
    const mseq_value *question = call->query;
    int64_t limit = RESULTS_DEFAULT;
    mseq_status status =
        posted ? manager_object_body(call, false, &question, err)
               : manager_integer_parameter(call->query, "trigram_k", limit, &limit, err);
    if (status != MSEQ_OK)
        return status;
    if (posted)
        limit = mseq_object_get_integer(question, "trigram_k", limit);
    limit = limit < 1 ? 1 : limit > RESULTS_MAXIMUM ? RESULTS_MAXIMUM : limit;
    return search(call, "search_text", mseq_object_get_text(question, "q"), question, others, limit,
                  err);
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
