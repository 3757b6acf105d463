/* SPDX-License-Identifier: MIT
 * Any bytes as the lines of a row stream, in pieces whose size the first byte says. Rows are
 * objects, nothing comes behind the end, and cutting them otherwise changes nothing. */
#include "mainsequence/wire.h"

#include "fuzz.h"

typedef struct outcome {
    int64_t rows;
    mseq_status status;
    bool ended;
} outcome;

static outcome read_all(const char *bytes, size_t length, size_t piece) {
    outcome seen = {0, MSEQ_OK, false};
    mseq_row_lines *lines = NULL;
    mseq_row_lines_state state = MSEQ_ROW_LINES_MORE;
    fuzz_check(mseq_row_lines_new(&lines, NULL) == MSEQ_OK);
    for (size_t at = 0; seen.status == MSEQ_OK && at < length; at += piece) {
        size_t size = length - at < piece ? length - at : piece;
        seen.status = mseq_row_lines_feed(lines, bytes + at, size, NULL);
        do {
            mseq_row *row = NULL;
            if (seen.status == MSEQ_OK)
                seen.status = mseq_row_lines_next(lines, &state, &row, NULL);
            fuzz_check(!row || !seen.ended);
            seen.rows += row != NULL;
        } while (seen.status == MSEQ_OK && state == MSEQ_ROW_LINES_ROW);
        seen.ended = seen.status == MSEQ_OK && state == MSEQ_ROW_LINES_END;
    }
    if (seen.status == MSEQ_OK)
        fuzz_check((mseq_row_lines_finish(lines, NULL) == MSEQ_OK) == seen.ended);
    mseq_row_lines_free(lines);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const char *bytes = (const char *)data + 1;
    outcome whole = read_all(bytes, size - 1, size),
            pieces = read_all(bytes, size - 1, data[0] + 1u);
    fuzz_check(whole.rows == pieces.rows && whole.status == pieces.status &&
               whole.ended == pieces.ended);
    return 0;
}
