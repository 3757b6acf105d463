/* SPDX-License-Identifier: MIT
 * Room `server`: slow clients, many clients, clients that go away, slow queries, the end. Deadlines
 * are short here; nothing measures how long a thing took. */
#include "server_helpers.h"

enum { SHORT_MS = 150, NEVER_MS = 600 * 1000 };

/* Every deadline far away but those that a test sets. */
static mseq_server_options patient(void) {
    mseq_server_options options = MSEQ_SERVER_OPTIONS_INIT;
    options.header_ms = options.body_ms = options.write_ms = options.idle_ms = NEVER_MS;
    return options;
}

/* Sends a byte now and then until the server hangs up; such a client defeats a timeout between two
 * bytes. */
static void drip(int client, const char *text) {
    for (; *text; text++) {
        struct pollfd look = {.fd = client, .events = POLLIN};
        if (!say_n(client, text, 1) || poll(&look, 1, 20) > 0)
            return;
    }
    fail_msg("the server has waited for all of it");
}

static char *long_text(const char *start) {
    return mseq_text_format("%s%2000s", start, "");
}

static void expect_end(int client, int status, const char *code) {
    heard reply = hear(client);
    expect_refused(&reply, status, code);
    assert_true(hears_end(client));
    close(client);
}

static void test_slow_headers(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.header_ms = SHORT_MS;
    restart_server(own, &options);
    char *text = long_text("GET / HTTP/1.1\r\nA: ");
    int client = dial(own);
    drip(client, text);
    expect_end(client, 408, "request_timeout");
    assert_true(logged(own, "\"status\": 408, \"code\": \"request_timeout\""));

    /* the second request of a connection */
    client = dial(own);
    assert_true(say(client, "GET /healthz HTTP/1.1\r\n\r\n"));
    heard reply = hear(client);
    assert_int_equal(reply.status, 200);
    heard_free(&reply);
    drip(client, text);
    expect_end(client, 408, "request_timeout");

    /* who says nothing is not answered */
    client = dial(own);
    assert_true(hears_end(client));
    close(client);
    free(text);
    expect_alive(own);
}

static void test_slow_body(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.body_ms = SHORT_MS;
    restart_server(own, &options);
    char *text = long_text("POST /x/ HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
    int client = dial(own);
    drip(client, text);
    expect_end(client, 408, "request_timeout");
    assert_true(logged(own, "\"status\": 408"));
    /* one that is refused already is not read for ever */
    client = dial(own);
    assert_true(say(client, "POST /x/ HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nabc"));
    expect_end(client, 408, "request_timeout");
    free(text);
    expect_alive(own);
}

static void test_idle(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.idle_ms = SHORT_MS;
    restart_server(own, &options);
    int client = dial(own);
    assert_true(say(client, "GET /healthz HTTP/1.1\r\n\r\n"));
    heard reply = hear(client);
    assert_int_equal(reply.status, 200);
    heard_free(&reply);
    assert_true(hears_end(client));
    close(client);
}

/* Who doesn't take the reply. */
static void test_slow_reader(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.write_ms = SHORT_MS;
    log_in(own);
    restart_server(own, &options);
    char *uid = make_table(own, "demo__big"), path[128];
    snprintf(path, sizeof path, META "%s/run_query/", uid);
    run_on_data(own->made,
                "INSERT INTO demo__big WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT "
                "i + 1 FROM n WHERE i < 900) SELECT hex(zeroblob(4000)) FROM n");
    int client = dial(own), small = 2048;
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    char *text = request_text(own, "POST", path, "Content-Type: text/plain\r\n",
                              "SELECT word FROM demo__big");
    assert_true(say(client, text));
    free(text);
    assert_true(logged(own, "\"complete\": false"));
    close(client);
    free(uid);
    expect_alive(own);
}

static void test_half_closed(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    restart_server(own, &options);
    static const struct {
        const char *text;
        int status;
        const char *code;
    } cases[] = {
        {"GET /nowhere/ HTTP/1.1\r\n\r\n", 404, "unknown_route"},
        {"GET /nowhere/ HTT", 400, "truncated"},
        {"GET /nowhere/ HTTP/1.1\r\nA: b", 400, "truncated"},
        {"POST /x/ HTTP/1.1\r\nContent-Length: 100\r\n\r\n{}", 400, "truncated"},
        {"POST /x/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", 400, "truncated"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int client = dial(own);
        assert_true(say(client, cases[i].text));
        shutdown(client, SHUT_WR);
        expect_end(client, cases[i].status, cases[i].code);
    }
    /* the second request of a connection */
    int client = dial(own);
    assert_true(say(client, "GET /healthz HTTP/1.1\r\n\r\nGET /heal"));
    heard reply = hear(client);
    assert_int_equal(reply.status, 200);
    heard_free(&reply);
    shutdown(client, SHUT_WR);
    reply = hear(client);
    assert_true(reply.closed && (reply.status == 0 || reply.status == 400));
    heard_free(&reply);
    close(client);
    expect_alive(own);
}

static void test_pipelined(void **state) {
    served *own = *state;
    enum { COUNT = 50 };
    mseq_buffer text = MSEQ_BUFFER_INIT;
    for (int i = 0; i < COUNT; i++)
        mseq_buffer_append_format(&text, "POST /x%d/ HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", i);
    int client = dial(own);
    assert_true(say(client, mseq_buffer_text(&text)));
    mseq_buffer_free(&text);
    for (int i = 0; i < COUNT; i++) {
        char path[16];
        heard reply = hear(client);
        snprintf(path, sizeof path, "/x%d/", i);
        assert_non_null(strstr(reply.body, path));
        expect_refused(&reply, 404, "unknown_route");
    }
    close(client);
}

static void test_many_at_once(void **state) {
    served *own = *state;
    enum { COUNT = 200 };
    int clients[COUNT];
    for (int i = 0; i < COUNT; i++)
        clients[i] = dial(own);
    for (int i = 0; i < COUNT; i++)
        assert_true(say(clients[i], "GET /readyz HTTP/1.1\r\n\r\n"));
    for (int i = 0; i < COUNT; i++) {
        heard reply = hear(clients[i]);
        assert_int_equal(reply.status, 200);
        heard_free(&reply);
    }
    for (int i = 0; i < COUNT; i++)
        close(clients[i]);
    expect_alive(own);
}

static void crowd(served *own, const mseq_server_options *options) {
    int clients[4];
    restart_server(own, options);
    for (int i = 0; i < 4; i++) {
        clients[i] = dial(own);
        assert_true(say(clients[i], "GET /healthz HTTP/1.1\r\n\r\n"));
        heard reply = hear(clients[i]);
        assert_int_equal(reply.status, 200);
        heard_free(&reply);
    }
    int client = dial(own);
    (void)say(client, "GET /healthz HTTP/1.1\r\n\r\n");
    heard reply = hear(client);
    assert_non_null(strstr(reply.head, "\r\nRetry-After: 1\r\n"));
    expect_refused(&reply, 503, "too_many_connections");
    close(client);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
    for (int tries = 0; tries < 1000; tries++) { /* their places become free */
        client = dial(own);
        (void)say(client, "GET /healthz HTTP/1.1\r\n\r\n");
        reply = hear(client);
        int status = reply.status;
        heard_free(&reply);
        close(client);
        if (status == 200)
            return;
        poll(NULL, 0, 10);
    }
    fail_msg("the server stays full");
}

static void test_too_many(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.maximum_connections = 4;
    crowd(own, &options);
    options.maximum_connections = 0;
    options.maximum_connections_per_address = 4;
    crowd(own, &options);
}

/* ---- Slow queries ------------------------------------------------------------------------------
 */

static void test_slow_queries(void **state) {
    served *own = *state;
    enum { COUNT = 8 };
    mseq_server_options options = patient();
    options.workers = 4;
    options.maximum_waiting = COUNT;
    log_in(own);
    char *uid = make_table(own, "demo__item"), path[128];
    snprintf(path, sizeof path, META "%s/", uid);
    restart_server(own, &options);
    int clients[COUNT];
    for (int i = 0; i < COUNT; i++)
        clients[i] = query_endlessly(own, uid);
    for (int i = 0; i < 20; i++) { /* others go on */
        int client = ask(own, "GET", path, "", "");
        heard reply = hear(client);
        assert_int_equal(reply.status, 200);
        heard_free(&reply);
        close(client);
    }
    /* clients that go away take their queries with them */
    for (int i = 0; i < COUNT; i++) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        if (i % 2)
            setsockopt(clients[i], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(clients[i]);
    }
    int client = ask(own, "POST", path, "", "{}"); /* 405 */
    heard reply = hear(client);
    assert_int_equal(reply.status, 405);
    heard_free(&reply);
    close(client);
    snprintf(path, sizeof path, META "%s/run_query/", uid);
    client = ask(own, "POST", path, "Content-Type: text/plain\r\n", "SELECT 1 AS one");
    reply = hear(client);
    assert_int_equal(reply.status, 200);
    heard_free(&reply);
    close(client);
    free(uid);
}

static void test_queue(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.workers = 1;
    options.maximum_waiting = 1;
    options.drain_ms = SHORT_MS;
    log_in(own);
    char *uid = make_table(own, "demo__item");
    restart_server(own, &options);
    int one = query_endlessly(own, uid), two = query_endlessly(own, uid), three;
    heard reply = {0, NULL, NULL, 0, false};
    while (reply.status != 503) { /* until both are where they should be */
        heard_free(&reply);
        three = ask(own, "GET", META, "", "");
        struct pollfd look = {.fd = three, .events = POLLIN};
        if (poll(&look, 1, 200) > 0) /* else it waits itself: one of the two has yet to come */
            reply = hear(three);
        close(three);
    }
    assert_non_null(strstr(reply.head, "\r\nRetry-After: 1\r\n"));
    expect_refused(&reply, 503, "busy");
    close(one);
    close(two);
    free(uid);
}

/* ---- The end -----------------------------------------------------------------------------------
 */

static void *stop_server(void *server) {
    mseq_server_stop(server);
    return NULL;
}

static bool refuses_connections(const served *own) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(own->port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = connect(client, (struct sockaddr *)&to, sizeof to) != 0;
    close(client);
    return refused;
}

static void test_stop(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.drain_ms = NEVER_MS;
    log_in(own);
    char *uid = make_table(own, "demo__item");
    restart_server(own, &options);
    int idle = dial(own), silent = dial(own), busy, kept = dial(own);
    heard reply;
    for (int i = 0; i < 2; i++) {
        int client = i ? kept : idle;
        assert_true(say(client, "GET /healthz HTTP/1.1\r\n\r\n"));
        reply = hear(client);
        assert_int_equal(reply.status, 200);
        heard_free(&reply);
    }
    /* a write that waits until we let go of the database */
    mseq_database *data = open_data(own->made);
    mseq_connection *lock = NULL;
    assert_int_equal(mseq_database_connect(data, &lock, NULL), MSEQ_OK);
    assert_int_equal(mseq_connection_begin(lock, true, NULL), MSEQ_OK);
    char *body = mseq_text_format(
        "{\"operation\": \"insert\", \"dialect\": \"sqlite\", \"statement\": {\"sql\": \"INSERT "
        "INTO"
        " demo__item (word) VALUES (%%(w)s)\", \"parameters\": {\"w\": \"x\"}}, \"scope\":"
        " {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\": \"%s\", \"access\":"
        " \"write\"}]}}",
        own->made->source, uid);
    busy = ask(own, "POST", META "execute-operation/", "", body);
    free(body);
    poll(NULL, 0, 300);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_server, own->server), 0);
    own->server = NULL;
    for (int64_t end = mseq_monotonic_ms() + PATIENCE_MS; !refuses_connections(own);)
        assert_true(mseq_monotonic_ms() < end);
    assert_true(hears_end(idle));
    assert_true(hears_end(silent));
    struct pollfd look = {.fd = busy, .events = POLLIN};
    assert_int_equal(poll(&look, 1, 0), 0); /* it still runs */
    assert_int_equal(mseq_connection_commit(lock, NULL), MSEQ_OK);
    mseq_connection_release(lock);
    mseq_database_close(data);
    reply = hear(busy);
    assert_int_equal(reply.status, 200);
    heard_free(&reply);
    assert_true(hears_end(busy));
    pthread_join(thread, NULL);
    close(idle), close(silent), close(busy), close(kept);
    free(uid);
}

/* What takes too long is cancelled, and its client told. */
static void test_stop_cancels(void **state) {
    served *own = *state;
    mseq_server_options options = patient();
    options.drain_ms = SHORT_MS;
    log_in(own);
    char *uid = make_table(own, "demo__item");
    restart_server(own, &options);
    int busy = query_endlessly(own, uid);
    int half = dial(own);
    assert_true(say(half, "POST /x/ HTTP/1.1\r\nContent-Length: 100\r\n\r\n{}"));
    poll(NULL, 0, 100);
    mseq_server_stop(own->server);
    own->server = NULL;
    heard reply = hear(busy);
    assert_true(reply.status >= 400);
    heard_free(&reply);
    assert_true(hears_end(busy));
    reply = hear(half);
    expect_refused(&reply, 503, "stopping");
    close(busy);
    close(half);
    free(uid);
}

static void *hammer(void *data) {
    const served *own = data;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(own->port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    for (;;) {
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(client, (struct sockaddr *)&to, sizeof to) != 0) {
            close(client);
            return NULL;
        }
        (void)say(client, "GET /readyz HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        char waste[8192];
        (void)!recv(client, waste, sizeof waste, 0);
        close(client);
    }
}

static void test_stop_under_load(void **state) {
    served *own = *state;
    enum { COUNT = 8 };
    pthread_t threads[COUNT];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, hammer, own), 0);
        poll(NULL, 0, 100);
        mseq_server_stop(own->server);
        own->server = NULL;
        for (int i = 0; i < COUNT; i++)
            pthread_join(threads[i], NULL);
        start_server(own, NULL);
    }
    expect_alive(own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_slow_headers, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_slow_body, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_idle, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_slow_reader, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_half_closed, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_pipelined, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_many_at_once, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_too_many, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_slow_queries, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_queue, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_stop, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_stop_cancels, set_up_server, tear_down_server),
        cmocka_unit_test_setup_teardown(test_stop_under_load, set_up_server, tear_down_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
