/* SPDX-License-Identifier: MIT
 * The rows of a governed select one by one: what all drivers share, which is the limit of rows and
 * the question whether what was read may count. */
#include <stdlib.h>

#include "driver.h"
#include "governed.h"

struct mseq_governed_cursor {
    const database_driver *driver;
    void *rows; /* the driver's; NULL when there is nothing more to read */
    const mseq_governed_statement *statement;
    mseq_value *origins;
    int64_t count;
    bool has_more;
    mseq_status failed;
};

mseq_status database_cursor_open(const database_driver *driver, void *session,
                                 const mseq_governed_statement *statement,
                                 mseq_governed_cursor **cursor, mseq_error *err) {
    mseq_governed_cursor *made = calloc(1, sizeof *made);
    if (!made)
        return mseq_error_no_memory(err);
    made->driver = driver;
    made->statement = statement;
    mseq_status status = driver->cursor_open(session, statement, &made->rows, &made->origins, err);
    if (status != MSEQ_OK) {
        free(made);
        return status;
    }
    *cursor = made;
    return MSEQ_OK;
}

static void end(mseq_governed_cursor *cursor, mseq_status status) {
    cursor->driver->cursor_close(cursor->rows);
    cursor->rows = NULL;
    cursor->failed = status;
}

/* A row, or NULL for the end. The row behind the last that is wanted only says that it is there. */
static mseq_status take(mseq_governed_cursor *cursor, mseq_row **row, mseq_error *err) {
    mseq_status status = cursor->driver->cursor_next(cursor->rows, row, err);
    if (status != MSEQ_OK || !*row)
        return status;
    if (cursor->count < cursor->statement->max_rows) {
        cursor->count++;
        return MSEQ_OK;
    }
    *row = NULL;
    cursor->has_more = true;
    return MSEQ_OK;
}

mseq_status mseq_governed_cursor_next(mseq_governed_cursor *cursor, mseq_row **row,
                                      mseq_error *err) {
    mseq_row *taken = NULL;
    if (cursor->failed != MSEQ_OK)
        return mseq_error_set(err, cursor->failed, "the statement has failed before");
    if (cursor->rows) {
        mseq_status status = take(cursor, &taken, err);
        if (status == MSEQ_OK && !taken)
            status = governed_confirm(cursor->statement, err);
        if (status != MSEQ_OK || !taken)
            end(cursor, status);
        if (status != MSEQ_OK)
            return status;
    }
    *row = taken;
    return MSEQ_OK;
}

const mseq_value *mseq_governed_cursor_origins(const mseq_governed_cursor *cursor) {
    return cursor->origins;
}

bool mseq_governed_cursor_has_more(const mseq_governed_cursor *cursor) {
    return cursor->has_more;
}

void mseq_governed_cursor_close(mseq_governed_cursor *cursor) {
    if (!cursor)
        return;
    if (cursor->rows)
        cursor->driver->cursor_close(cursor->rows);
    mseq_value_free(cursor->origins);
    free(cursor);
}
