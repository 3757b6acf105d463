/* SPDX-License-Identifier: MIT
 * Room `wire`: rows that come one by one, as lines and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mainsequence/wire.h"

/* Rows {"n": 1} … up to `rows`, then the end or a failure. */
typedef struct counter {
    int64_t given, rows;
    mseq_status status; /* of what comes behind the rows */
    bool truncated;
    int closed, asked_late;
    bool ended;
    mseq_row row;
} counter;

static mseq_status next(void *data, mseq_row **row, mseq_error *err) {
    counter *own = data;
    own->asked_late += own->ended;
    if (own->given == own->rows) {
        own->ended = true;
        *row = NULL;
        if (own->status == MSEQ_OK)
            return MSEQ_OK;
        mseq_error_set(err, own->status, "it broke: \xc3");
        mseq_error_code(err, "broken");
        mseq_error_hint(err, "mend it");
        if (err)
            memcpy(err->sqlstate, "22012", 6);
        return own->status;
    }
    if (!own->row.form) {
        const char *const keys[] = {"n"};
        assert_int_equal(mseq_row_set_keys(&own->row, keys, NULL, 1, err), MSEQ_OK);
    }
    mseq_cell_integer(&own->row.cells[0], ++own->given);
    *row = &own->row;
    return MSEQ_OK;
}

static bool truncated(const void *data) {
    return ((const counter *)data)->truncated;
}

static void close_counter(void *data) {
    counter *own = data;
    own->closed++;
    mseq_row_free(&own->row);
}

static const mseq_row_stream_functions functions = {
    .size = sizeof functions, .next = next, .truncated = truncated, .close = close_counter};

static mseq_row_stream *stream_of(counter *own) {
    mseq_row_stream *stream = NULL;
    assert_int_equal(mseq_row_stream_new(&functions, own, &stream, NULL), MSEQ_OK);
    return stream;
}

/* All lines, owned by the caller. */
static char *lines_of(counter *own, mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_row_stream *stream = stream_of(own);
    while (mseq_row_stream_write(stream, &text, err))
        continue;
    mseq_row_stream_free(stream);
    assert_int_equal(text.status, MSEQ_OK);
    return mseq_buffer_take(&text);
}

static void test_end_and_failure_stay(void **state) {
    (void)state;
    counter good = {.rows = 1}, bad = {.rows = 0, .status = MSEQ_E_DATABASE};
    mseq_row *row = NULL;
    mseq_row_stream *stream = stream_of(&good);
    assert_int_equal(mseq_row_stream_next(stream, &row, NULL), MSEQ_OK);
    assert_int_equal(row->cells[0].as.integer, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mseq_row_stream_next(stream, &row, NULL), MSEQ_OK);
        assert_null(row);
    }
    assert_int_equal(mseq_row_stream_count(stream), 1);
    mseq_row_stream_free(stream);
    stream = stream_of(&bad);
    for (int i = 0; i < 2; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        assert_int_equal(mseq_row_stream_next(stream, &row, &err), MSEQ_E_DATABASE);
        assert_string_equal(err.code, "broken");
    }
    mseq_row_stream_free(stream);
    assert_int_equal(good.closed + bad.closed, 2);
    assert_int_equal(good.asked_late + bad.asked_late, 0);
    mseq_row_stream_free(NULL);
}

static void test_lines(void **state) {
    (void)state;
    mseq_error err = MSEQ_ERROR_INIT;
    counter two = {.rows = 2}, cut = {.rows = 1, .truncated = true}, none = {.rows = 0},
            bad = {.rows = 1, .status = MSEQ_E_TIMEOUT};
    struct {
        counter *from;
        const char *lines;
    } cases[] = {
        {&two,
         "{\"n\": 1}\n{\"n\": 2}\n[{\"ok\": true, \"row_count\": 2, \"truncated\": false}]\n"},
        {&cut, "{\"n\": 1}\n[{\"ok\": true, \"row_count\": 1, \"truncated\": true}]\n"},
        {&none, "[{\"ok\": true, \"row_count\": 0, \"truncated\": false}]\n"},
        {&bad, "{\"n\": 1}\n[{\"ok\": false, \"row_count\": 1, \"status\": 408, \"detail\": "
               "\"it broke: ?\", \"code\": \"broken\", \"hint\": \"mend it\", \"sqlstate\": "
               "\"22012\"}]\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *lines = lines_of(cases[i].from, &err);
        assert_string_equal(lines, cases[i].lines);
        free(lines);
    }
    assert_int_equal(err.status, MSEQ_E_TIMEOUT);
}

/* A row of more than a line may hold. */
static mseq_status next_huge(void *data, mseq_row **row, mseq_error *err) {
    counter *own = data;
    char *text = malloc(MSEQ_ROW_LINE_MAXIMUM + 1);
    assert_non_null(text);
    memset(text, 'x', MSEQ_ROW_LINE_MAXIMUM);
    text[MSEQ_ROW_LINE_MAXIMUM] = '\0';
    mseq_value *object = mseq_value_object();
    assert_int_equal(mseq_object_put_text(object, "x", text), MSEQ_OK);
    free(text);
    *row = &own->row;
    return mseq_row_take_object(&own->row, object, err);
}

static void test_huge_row(void **state) {
    (void)state;
    counter own = {.rows = 0};
    mseq_row_stream_functions huge = functions;
    huge.next = next_huge;
    mseq_row_stream *stream = NULL;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(mseq_row_stream_new(&huge, &own, &stream, NULL), MSEQ_OK);
    mseq_buffer_append_text(&text, "before\n");
    assert_false(mseq_row_stream_write(stream, &text, &err));
    assert_string_equal(err.code, "response_too_large");
    assert_non_null(strstr(mseq_buffer_text(&text), "before\n[{\"ok\": false, \"row_count\": 0,"));
    mseq_row_stream_free(stream);
    mseq_buffer_free(&text);
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

/* Reads the text in pieces of that size; the rows, or -1 and the error. */
static int64_t read_in_pieces(const char *text, size_t piece, mseq_error *err) {
    mseq_row_lines *lines = NULL;
    mseq_row_lines_state state = MSEQ_ROW_LINES_MORE;
    int64_t rows = 0;
    size_t length = strlen(text);
    assert_int_equal(mseq_row_lines_new(&lines, err), MSEQ_OK);
    mseq_status status = MSEQ_OK;
    for (size_t at = 0; status == MSEQ_OK && at < length; at += piece) {
        status =
            mseq_row_lines_feed(lines, text + at, length - at < piece ? length - at : piece, err);
        do {
            mseq_row *row = NULL;
            if (status == MSEQ_OK)
                status = mseq_row_lines_next(lines, &state, &row, err);
            if (row)
                assert_int_equal(row->cells[0].as.integer, ++rows);
        } while (status == MSEQ_OK && state == MSEQ_ROW_LINES_ROW);
    }
    if (status == MSEQ_OK)
        status = mseq_row_lines_finish(lines, err);
    mseq_row_lines_free(lines);
    return status == MSEQ_OK ? rows : -1;
}

static void test_pieces(void **state) {
    (void)state;
    counter many = {.rows = 500};
    mseq_error err = MSEQ_ERROR_INIT;
    char *text = lines_of(&many, &err);
    for (size_t piece = 1; piece <= strlen(text); piece += 1 + piece / 3)
        assert_int_equal(read_in_pieces(text, piece, &err), 500);
    /* without its last line, however much of it came, a stream is not whole */
    const char *last = strchr(text, '[');
    for (size_t length = 0; text + length < strchr(last, '\n'); length += 7) {
        char *part = strndup(text, length);
        mseq_error_clear(&err);
        assert_int_equal(read_in_pieces(part, 64, &err), -1);
        assert_string_equal(err.code, "stream_incomplete");
        assert_int_equal(err.status, MSEQ_E_TRANSPORT);
        free(part);
    }
    free(text);
}

static void test_failure_comes_back(void **state) {
    (void)state;
    counter bad = {.rows = 3, .status = MSEQ_E_STATEMENT};
    mseq_error err = MSEQ_ERROR_INIT, told = MSEQ_ERROR_INIT;
    char *text = lines_of(&bad, &err);
    assert_int_equal(read_in_pieces(text, 10, &told), -1);
    assert_int_equal(told.http_status, 400);
    assert_string_equal(told.code, "broken");
    assert_string_equal(told.message, "it broke: ?");
    assert_string_equal(told.hint, "mend it");
    assert_string_equal(told.sqlstate, "22012");
    free(text);
}

static void test_malformed(void **state) {
    (void)state;
    static const char *const texts[] = {
        "\n",
        "{\n",
        "1\n",
        "null\n",
        "\"n\"\n",
        "{} {}\n",
        "[]\n",
        "[1]\n",
        "[{}]\n",
        "[{\"ok\": true}]\n",
        "[{\"ok\": 1, \"row_count\": 0}]\n",
        "[{\"ok\": true, \"row_count\": \"0\"}]\n",
        "[{\"ok\": true, \"row_count\": 1}]\n",
        "[{\"ok\": true, \"row_count\": 0}, {}]\n",
        "{\"n\": 1}\n[{\"ok\": true, \"row_count\": 2}]\n",
        "[{\"ok\": true, \"row_count\": 0}]\n{}\n",
        "[{\"ok\": true, \"row_count\": 0}]\n ",
        "\xff\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t piece = 1; piece < 100; piece += 49) {
            mseq_error err = MSEQ_ERROR_INIT;
            if (read_in_pieces(texts[i], piece, &err) != -1)
                fail_msg("taken: %s", texts[i]);
            assert_string_equal(err.code, "malformed_stream");
            assert_int_equal(err.status, MSEQ_E_TRANSPORT);
        }
    }
    /* a failure without the rest of its facts is one all the same */
    mseq_error err = MSEQ_ERROR_INIT;
    assert_int_equal(read_in_pieces("[{\"ok\": false, \"row_count\": 0}]\n", 9, &err), -1);
    assert_int_equal(err.http_status, 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end_and_failure_stay),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_huge_row),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_failure_comes_back),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
