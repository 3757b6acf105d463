/* SPDX-License-Identifier: MIT
 * Settings of governed statements. They are set in each statement's transaction, unless its session
 * began with the same ones: those of the connection's start are what RESET ALL comes back to. */
#include <stdio.h>
#include <string.h>

#include "postgresql_governed.h"

enum {
    LOCK_MS = 10000 /* most that is waited for a lock */
};

/* ---- The list: search path, time of the statement, time for a lock --------------------------- */

static mseq_value *number_text(int64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    return mseq_value_string(text);
}

/* pg_catalog first, temporary tables last: neither can hide what a statement names. */
static mseq_value *search_path(const char *schema) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&text, "pg_catalog, \"");
    for (; *schema; schema++) {
        if (*schema == '"')
            mseq_buffer_append_char(&text, '"');
        mseq_buffer_append_char(&text, *schema);
    }
    mseq_buffer_append_text(&text, "\", pg_temp");
    mseq_value *value = text.status == MSEQ_OK ? mseq_value_string(mseq_buffer_text(&text)) : NULL;
    mseq_buffer_free(&text);
    return value;
}

/* Waiting for a lock ends before the statement's time does, so that the error can say so. */
mseq_status postgresql_settings_make(const char *schema, int64_t time_ms, mseq_value **settings,
                                     mseq_error *err) {
    int64_t lock = time_ms - time_ms / 10;
    mseq_value *made = mseq_value_array();
    if (made && mseq_array_add(made, search_path(schema)) == MSEQ_OK &&
        mseq_array_add(made, number_text(time_ms)) == MSEQ_OK &&
        mseq_array_add(made, number_text(lock < LOCK_MS ? lock : LOCK_MS)) == MSEQ_OK) {
        *settings = made;
        return MSEQ_OK;
    }
    mseq_value_free(made);
    return mseq_error_no_memory(err);
}

/* ---- As options of a connection ----------------------------------------------------------------
 */

/* A blank ends an option unless a backslash stands before it. */
static void append_option(mseq_buffer *text, const char *name, const mseq_value *value) {
    mseq_buffer_append_format(text, " -c %s=", name);
    for (const char *at = mseq_value_get_text(value); *at; at++) {
        if (*at == '\\' || strchr(" \t\n\v\f\r", *at))
            mseq_buffer_append_char(text, '\\');
        mseq_buffer_append_char(text, *at);
    }
}

void postgresql_settings_append(const mseq_value *settings, mseq_buffer *text) {
    append_option(text, "search_path", mseq_array_get(settings, 0));
    append_option(text, "statement_timeout", mseq_array_get(settings, 1));
    append_option(text, "lock_timeout", mseq_array_get(settings, 2));
    mseq_buffer_append_text(text, " -c idle_in_transaction_session_timeout=60000");
}
