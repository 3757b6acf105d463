/* SPDX-License-Identifier: MIT
 * Answers: a body with its status, or an error as {"detail", "code"}. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "manager_private.h"

mseq_status manager_answer(manager_call *call, int http_status, mseq_value *body, mseq_error *err) {
    if (!body)
        return mseq_error_no_memory(err);
    mseq_value_free(call->reply->body);
    call->reply->body = body;
    call->reply->status = http_status;
    return MSEQ_OK;
}

mseq_status manager_answer_page(manager_call *call, mseq_value *rows, bool counted,
                                mseq_error *err) {
    manager_draft page;
    manager_draft_object(&page);
    if (counted)
        manager_put_integer(&page, "count", (int64_t)mseq_value_length(rows));
    manager_put_text(&page, "next", NULL);
    manager_put_text(&page, "previous", NULL);
    manager_put(&page, "results", rows);
    return manager_answer(call, 200, manager_draft_take(&page), err);
}

mseq_status manager_answer_list(manager_call *call, mseq_value *records,
                                mseq_value *(*object)(const mseq_value *record), mseq_error *err) {
    manager_draft results;
    manager_draft_array(&results);
    for (size_t i = 0; i < mseq_value_length(records); i++)
        manager_append(&results, object(mseq_array_get(records, i)));
    mseq_value_free(records);
    return manager_answer_page(call, manager_draft_take(&results), false, err);
}

mseq_status(manager_refuse)(mseq_error *err, mseq_status status, const char *code,
                            const char *format, ...) {
    if (!err || err->status != MSEQ_OK)
        return status;
    char text[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mseq_error_set(err, status, "%s", text);
    mseq_error_code(err, code);
    return status;
}

int manager_http_status(const mseq_error *err) {
    if (strcmp(err->code, "database_unavailable") == 0) /* it may be there again the next time */
        return 503;
    return err->http_status ? err->http_status : mseq_status_to_http(err->status);
}

void manager_answer_error(mseq_reply *reply, const mseq_error *err) {
    mseq_reply_free(reply);
    reply->status = manager_http_status(err);
    if (reply->status == 503 || reply->status == 429)
        reply->retry_after = mseq_text_dup("1");
    reply->body = mseq_wire_refusal(err);
}
