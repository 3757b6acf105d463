/* SPDX-License-Identifier: MIT
 * What kind of statement the words say it is. The authorizer and sqlite3_stmt_readonly say it too;
 * this gives the clear message, and refuses what those do not tell apart. */
#include <string.h>

#include "sqlite_governed.h"

static const char *const operation_names[] = {NULL,     "select", "insert",
                                              "update", "delete", "upsert"};

bool sqlite_operation_from_name(const char *name, lite_operation *operation) {
    for (int i = LITE_SELECT; name && i <= LITE_UPSERT; i++) {
        if (strcmp(operation_names[i], name) == 0) {
            *operation = (lite_operation)i;
            return true;
        }
    }
    return false;
}

static mseq_status refuse(const char *code, mseq_error *err) {
    mseq_error_code(err, code);
    return MSEQ_E_STATEMENT;
}

typedef struct scan {
    const char *at, *end;
    sqlite_token token;
} scan;

static void next(scan *s) {
    s->token = sqlite_next_token(&s->at, s->end);
}

static bool is(const scan *s, const char *word) {
    return sqlite_token_is(&s->token, word);
}

static bool at_end(const scan *s) {
    return s->token.kind == LITE_TOKEN_END;
}

/* Past "(…)" if one is next. */
static void skip_group(scan *s) {
    size_t depth = 0;
    while (!at_end(s)) {
        if (sqlite_token_is_byte(&s->token, '('))
            depth++;
        else if (depth == 0)
            return;
        else if (sqlite_token_is_byte(&s->token, ')'))
            depth--;
        next(s);
        if (depth == 0)
            return;
    }
}

/* WITH [RECURSIVE] name [(…)] AS [[NOT] MATERIALIZED] (…), … */
static void skip_with(scan *s) {
    next(s);
    if (is(s, "RECURSIVE"))
        next(s);
    while (!at_end(s)) {
        next(s); /* the name */
        skip_group(s);
        while (!at_end(s) && !sqlite_token_is_byte(&s->token, '('))
            next(s); /* AS NOT MATERIALIZED */
        skip_group(s);
        if (!sqlite_token_is_byte(&s->token, ','))
            return;
        next(s);
    }
}

static mseq_status mismatch(lite_operation operation, const scan *verb, mseq_error *err) {
    int length = (int)(verb->token.length < 40 ? verb->token.length : 40);
    if (at_end(verb))
        mseq_error_set(err, MSEQ_E_STATEMENT, "there is no statement in the text");
    else
        mseq_error_set(err, MSEQ_E_STATEMENT, "the operation is '%s', the statement is '%.*s'",
                       operation_names[operation], length, verb->token.text);
    return refuse("kind_mismatch", err);
}

/* INSERT OR x, UPDATE OR x: only ABORT (the default) and IGNORE leave other rows alone and the
 * statement whole. */
static mseq_status check_conflict_word(scan *s, mseq_error *err) {
    next(s);
    if (!is(s, "OR"))
        return MSEQ_OK;
    next(s);
    if (is(s, "ABORT") || is(s, "IGNORE"))
        return MSEQ_OK;
    mseq_error_set(err, MSEQ_E_STATEMENT, "OR %.*s is not allowed in a governed statement",
                   (int)(s->token.length < 20 ? s->token.length : 20), s->token.text);
    mseq_error_hint(err, "write INSERT … ON CONFLICT (…) DO UPDATE under the operation 'upsert'");
    return refuse("statement_not_allowed", err);
}

/* ON CONFLICT and DO UPDATE outside parentheses. */
static mseq_status check_upsert(scan s, lite_operation operation, mseq_error *err) {
    bool conflict = false, update = false;
    while (!at_end(&s)) {
        if (sqlite_token_is_byte(&s.token, '(')) {
            skip_group(&s);
            continue;
        }
        bool on = is(&s, "ON"), does = is(&s, "DO");
        next(&s);
        conflict = conflict || (on && is(&s, "CONFLICT"));
        update = update || (does && is(&s, "UPDATE"));
    }
    if (operation == LITE_INSERT && update)
        mseq_error_set(err, MSEQ_E_STATEMENT,
                       "the operation is 'insert', the statement updates on conflict");
    else if (operation == LITE_UPSERT && !conflict)
        mseq_error_set(err, MSEQ_E_STATEMENT,
                       "the operation is 'upsert', the statement has no ON CONFLICT");
    else
        return MSEQ_OK;
    mseq_error_hint(err, "use the operation '%s'", operation == LITE_INSERT ? "upsert" : "insert");
    return refuse("kind_mismatch", err);
}

mseq_status sqlite_check_kind(const char *sql, size_t length, lite_operation operation,
                              mseq_error *err) {
    scan s = {sql, sql + length, {LITE_TOKEN_END, sql, 0}};
    next(&s);
    while (sqlite_token_is_byte(&s.token, ';')) /* empty statements in front */
        next(&s);
    if (is(&s, "WITH"))
        skip_with(&s);
    if (is(&s, "REPLACE")) {
        mseq_error_set(err, MSEQ_E_STATEMENT, "REPLACE is not allowed in a governed statement");
        mseq_error_hint(err,
                        "write INSERT … ON CONFLICT (…) DO UPDATE under the operation 'upsert'");
        return refuse("statement_not_allowed", err);
    }
    switch (operation) {
    case LITE_SELECT:
        return is(&s, "SELECT") || is(&s, "VALUES") ? MSEQ_OK : mismatch(operation, &s, err);
    case LITE_DELETE:
        return is(&s, "DELETE") ? MSEQ_OK : mismatch(operation, &s, err);
    case LITE_UPDATE:
        return is(&s, "UPDATE") ? check_conflict_word(&s, err) : mismatch(operation, &s, err);
    default: {
        if (!is(&s, "INSERT"))
            return mismatch(operation, &s, err);
        mseq_status status = check_conflict_word(&s, err);
        return status == MSEQ_OK ? check_upsert(s, operation, err) : status;
    }
    }
}
