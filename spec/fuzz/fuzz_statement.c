/* SPDX-License-Identifier: MIT
 * Judging PostgreSQL statements: any text ends in a verdict; what is allowed holds together. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds)
        abort();
}

/* A statement is of one operation, or of insert and upsert, and needs a scope for its tables. */
static void check_verdicts(const mseq_sql_statement *statement) {
    static const char *const operations[] = {"select", "insert", "update", "delete", "upsert"};
    bool writes = false;
    for (size_t i = 0; i < statement->relation_count; i++)
        writes = writes || statement->relations[i].written;
    must(writes == (statement->changes != 0));
    for (size_t i = 0; i < 5; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        if (mseq_sql_check_operation(statement, operations[i], &err) == MSEQ_OK)
            must((i == 0) == (statement->kind == MSEQ_SQL_SELECT) && writes == (i > 0));
        else
            must(err.status == MSEQ_E_STATEMENT && strcmp(err.code, "kind_mismatch") == 0);
    }
    must((mseq_sql_check_scope(statement, NULL, 0, "public", NULL) == MSEQ_OK) ==
         (statement->relation_count == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mseq_sql_text text = {.text = NULL};
    mseq_sql_statement statement = {.kind = 0};
    mseq_error err = MSEQ_ERROR_INIT;
    char word[16];
    mseq_strings parts = MSEQ_STRINGS_INIT;
    mseq_sql_first_word((const char *)data, size, MSEQ_POSTGRESQL, word);
    if (mseq_sql_split((const char *)data, size, MSEQ_POSTGRESQL, &parts, NULL) == MSEQ_OK)
        must(parts.count <= size);
    mseq_strings_free(&parts);
    if (mseq_sql_from_pyformat((const char *)data, size, MSEQ_POSTGRESQL, &text, NULL) != MSEQ_OK)
        return 0;
    if (mseq_sql_inspect(text.text, text.length, &statement, &err) == MSEQ_OK)
        check_verdicts(&statement);
    else
        must(err.status == MSEQ_E_STATEMENT && err.code[0]);
    mseq_sql_statement_free(&statement);
    mseq_sql_text_free(&text);
    return 0;
}
