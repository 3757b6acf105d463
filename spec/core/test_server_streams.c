/* SPDX-License-Identifier: MIT
 * Room `server`: bounds of replies that are read row by row: how many are open, how slowly one may
 * be read. Deadlines are short here; nothing measures how long a thing took. */
#include "server_helpers.h"

enum {
    WORKERS = 2,
    STREAMS = 2 * WORKERS, /* that are open at a time */
    NEVER_MS = 600 * 1000,
    SHORT_MS = 20,      /* of write_ms: ten times that for a piece of rows */
    STEADY_MS = 120,    /* the same, for a client that reads all the time */
    READ_BYTES = 65536, /* at a time by it */
    ROWS = 1200,        /* of 8,000 bytes: more than sockets hold */
};

static mseq_server_options patient(void) {
    mseq_server_options options = MSEQ_SERVER_OPTIONS_INIT;
    options.header_ms = options.body_ms = options.write_ms = options.idle_ms = NEVER_MS;
    options.workers = WORKERS;
    return options;
}

/* A table with more rows than a socket holds; its uid is text. */
static char *make_big_table(const served *own) {
    char *uid = make_table(own, "demo__big"), sql[256];
    snprintf(sql, sizeof sql,
             "INSERT INTO demo__big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
             " WHERE i < %d) SELECT hex(zeroblob(4000)) FROM n",
             ROWS);
    run_on_data(own->made, sql);
    return uid;
}

/* Asks for a stream of that statement's rows. */
static int ask_stream(const served *own, const char *uid, const char *sql) {
    char *body = mseq_text_format(
        "{\"operation\": \"select\", \"version\": \"compiled-sql.v1\", \"dialect\": \"sqlite\","
        " \"statement\": {\"sql\": \"%s\", \"parameters\": {}, \"parameter_types\": {},"
        " \"paramstyle\": \"pyformat\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\":"
        " [{\"meta_table_uid\": \"%s\", \"access\": \"read\"}]}, \"limits\": {\"max_rows\": %d}}",
        sql, own->made->source, uid, ROWS);
    int client = dial(own), small = 64 * 1024;
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    char *text = request_text(own, "POST", META "stream-operation/",
                              "Content-Type: application/json\r\n", body);
    assert_true(say(client, text));
    free(text);
    free(body);
    return client;
}

#define ALL_ROWS "SELECT word FROM demo__big"

/* One whose first rows have come and whose others are not read. */
static int open_stream(const served *own, const char *uid) {
    int client = ask_stream(own, uid, ALL_ROWS);
    heard reply = hear(client);
    if (reply.status != 200)
        fail_msg("%s%s", reply.head, reply.body);
    assert_non_null(strcasestr(reply.head, "\r\nTransfer-Encoding: chunked\r\n"));
    heard_free(&reply);
    return client;
}

/* Soon there is room for a stream again. */
static int open_soon(const served *own, const char *uid) {
    int64_t end = mseq_monotonic_ms() + PATIENCE_MS;
    for (;;) {
        int client = ask_stream(own, uid, ALL_ROWS);
        heard reply = hear(client);
        int status = reply.status;
        heard_free(&reply);
        if (status == 200)
            return client;
        assert_int_equal(status, 503);
        close(client);
        assert_true(mseq_monotonic_ms() < end);
        poll(NULL, 0, 10);
    }
}

static void expect_no_room(const served *own, const char *uid) {
    int client = ask_stream(own, uid, ALL_ROWS);
    heard reply = hear(client);
    assert_non_null(strcasestr(reply.head, "\r\nRetry-After: 1\r\n"));
    expect_refused(&reply, 503, "too_many_streams");
    close(client);
}

/* Reads a whole reply, `ms` between two pieces; whether its last line says that it is whole. */
static bool read_slowly(int client, int ms) {
    mseq_buffer all = MSEQ_BUFFER_INIT;
    static char piece[READ_BYTES];
    for (ssize_t got; (got = recv(client, piece, sizeof piece, 0)) > 0;) {
        mseq_buffer_append(&all, piece, (size_t)got);
        assert_int_equal(all.status, MSEQ_OK);
        if (all.length > 5 && strcmp(all.data + all.length - 5, "0\r\n\r\n") == 0)
            break;
        poll(NULL, 0, ms);
    }
    char last[64];
    snprintf(last, sizeof last, "\"row_count\": %d", ROWS);
    bool whole = all.length > 200 && strstr(all.data + all.length - 200, last) != NULL;
    mseq_buffer_free(&all);
    return whole;
}

static void test_bound(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    log_in(own);
    restart_server(own, &options);
    char *uid = make_big_table(own);
    int clients[STREAMS];
    for (int i = 0; i < STREAMS; i++)
        clients[i] = open_stream(own, uid);
    expect_no_room(own, uid);
    assert_true(logged(own, "\"status\": 503, \"ms\": "));
    assert_true(logged(own, "\"code\": \"too_many_streams\""));

    /* they hold no place to work in */
    expect_alive(own);
    int other = ask(own, "GET", META, "", "");
    heard reply = hear(other);
    assert_int_equal(reply.status, 200);
    heard_free(&reply);
    close(other);

    /* one that went makes room, and one that is read to its end */
    close(clients[0]);
    clients[0] = open_soon(own, uid);
    expect_no_room(own, uid);
    assert_true(read_slowly(clients[1], 0));
    close(clients[1]);
    clients[1] = open_soon(own, uid);
    expect_no_room(own, uid);
    for (int i = 0; i < STREAMS; i++)
        close(clients[i]);
    free(uid);
    expect_alive(own);
}

/* What is refused before there are rows leaves its room to others. */
static void test_refused_streams(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    log_in(own);
    restart_server(own, &options);
    char *uid = make_big_table(own);
    for (int i = 0; i < 2 * STREAMS; i++) {
        int client = ask_stream(own, uid, i % 2 ? "SELECT nonsense FROM demo__big" : "DELETE");
        heard reply = hear(client);
        assert_int_equal(reply.status, 400);
        heard_free(&reply);
        close(client);
    }
    int clients[STREAMS];
    for (int i = 0; i < STREAMS; i++)
        clients[i] = open_stream(own, uid);
    expect_no_room(own, uid);
    for (int i = 0; i < STREAMS; i++)
        close(clients[i]);
    free(uid);
}

/* Whether so many streams have been cut off, soon. */
static bool all_cut(served *own) {
    static const char cut[] = "\"complete\": false";
    for (int64_t end = mseq_monotonic_ms() + PATIENCE_MS; mseq_monotonic_ms() < end;) {
        int count = 0;
        pthread_mutex_lock(&own->lock);
        for (const char *at = mseq_buffer_text(&own->log); (at = strstr(at, cut)); at++)
            count++;
        pthread_mutex_unlock(&own->lock);
        if (count == STREAMS)
            return true;
        poll(NULL, 0, 5);
    }
    return false;
}

/* Who takes no rows is cut off, and what the statement held is free. */
static void test_stalled_reader(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.write_ms = SHORT_MS;
    log_in(own);
    restart_server(own, &options);
    char *uid = make_big_table(own);
    int clients[STREAMS];
    for (int i = 0; i < STREAMS; i++)
        clients[i] = open_stream(own, uid);
    assert_true(all_cut(own));
    for (int i = 0; i < STREAMS; i++) {
        assert_false(read_slowly(clients[i], 0));
        close(clients[i]);
    }
    int again = open_soon(own, uid);
    assert_true(read_slowly(again, 0));
    close(again);
    run_on_data(own->made, "DROP TABLE demo__big"); /* nobody reads it any more */
    free(uid);
    expect_alive(own);
}

/* Who takes them all the time may take longer for the whole than for one piece. */
static void test_steady_reader(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.write_ms = STEADY_MS;
    log_in(own);
    restart_server(own, &options);
    char *uid = make_big_table(own);
    int client = ask_stream(own, uid, ALL_ROWS);
    assert_true(read_slowly(client, 10));
    close(client);
    assert_true(unlogged(own, "\"complete\": false"));
    free(uid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bound, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_refused_streams, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_stalled_reader, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_steady_reader, set_up_server, tear_down_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
