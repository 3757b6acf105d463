/* SPDX-License-Identifier: MIT
 * Sixty-four clients over HTTP that read, write, give up and hang up, for MSEQ_STRESS_SECONDS (2)
 * on a data source on SQLite and as long on one on PostgreSQL. Whatever they do: transfers keep the
 * sum, every reader sees it, what was acknowledged is there once, what was refused is not, and
 * nothing is left in the databases: no transaction, lock, temporary table or connection. */
#include <pthread.h>
#include <stdatomic.h>

#include "postgresql_helpers.h"
#include "server_helpers.h"

#define EXECUTE META "execute-operation/"
enum { CLIENTS = 64, USERS = 4, ACCOUNTS = 12, EACH = 1000, WAIT_MS = 120000 };

typedef struct world {
    served *own;
    mseq_dialect dialect;
    char *uri;
    char source[37], account[37], entry[37];
    char *tokens[USERS];
    int64_t end; /* monotonic ms */
    atomic_int journal, done, refused, given_up;
    atomic_bool failed;
    pthread_mutex_t lock; /* guards `failure` */
    char failure[512];    /* the first */
} world;

typedef struct client {
    world *all;
    int number, socket;
    uint64_t random;
    mseq_buffer acknowledged, refused; /* ids of entries, each followed by "," */
} client;

/* ---- Clients -----------------------------------------------------------------------------------
 */

static void note(world *all, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&all->lock);
    if (!all->failure[0])
        vsnprintf(all->failure, sizeof all->failure, format, arguments);
    pthread_mutex_unlock(&all->lock);
    atomic_store(&all->failed, true);
    va_end(arguments);
}

/* xorshift64* (Marsaglia, Vigna) */
static uint32_t next_random(client *c, uint32_t below) {
    c->random ^= c->random >> 12;
    c->random ^= c->random << 25;
    c->random ^= c->random >> 27;
    return (uint32_t)(c->random * UINT64_C(2685821657736338717) >> 33) % below;
}

static void hang_up(client *c, bool hard) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (c->socket < 0)
        return;
    if (hard)
        setsockopt(c->socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->socket);
    c->socket = -1;
}

static bool send_request(client *c, const char *body) {
    const world *all = c->all;
    if (c->socket < 0)
        c->socket = dial(all->own);
    char *text = mseq_text_format("POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
                                  "Content-Length: %zu\r\n\r\n%s",
                                  EXECUTE, all->tokens[c->number % USERS], strlen(body), body);
    bool sent = say(c->socket, text);
    free(text);
    return sent;
}

/* The status of the reply, 0: none came; *reply (may be NULL) is its body. */
static int hear_reply(client *c, mseq_value **reply) {
    mseq_buffer bytes = MSEQ_BUFFER_INIT;
    size_t wanted = SIZE_MAX;
    int status = 0;
    while (bytes.length < wanted) {
        char piece[4096];
        struct pollfd look = {.fd = c->socket, .events = POLLIN};
        ssize_t size = poll(&look, 1, WAIT_MS) > 0 ? recv(c->socket, piece, sizeof piece, 0) : 0;
        if (size <= 0)
            break;
        mseq_buffer_append(&bytes, piece, (size_t)size);
        const char *text = mseq_buffer_text(&bytes), *end = strstr(text, "\r\n\r\n");
        const char *length = end ? strcasestr(text, "\r\nContent-Length:") : NULL;
        if (length && wanted == SIZE_MAX)
            wanted = (size_t)(end + 4 - text) + (size_t)atol(length + 17);
    }
    if (bytes.length == wanted) {
        const char *body = strstr(mseq_buffer_text(&bytes), "\r\n\r\n") + 4;
        status = atoi(bytes.data + 9);
        if (reply && mseq_json_parse(body, strlen(body), 0, reply, NULL) != MSEQ_OK)
            note(c->all, "a reply is no JSON: %.200s", body);
        if (strcasestr(bytes.data, "\r\nConnection: close"))
            hang_up(c, false);
    } else {
        hang_up(c, false);
    }
    mseq_buffer_free(&bytes);
    return status;
}

static char *operation_of(const world *all, const char *kind, bool writes, const char *sql,
                          int max_rows) {
    const char *access = writes ? "write" : "read";
    return mseq_text_format(
        "{\"operation\": \"%s\", \"dialect\": \"%s\", \"statement\": {\"sql\": \"%s\"}, \"scope\":"
        " {\"data_source_uid\": \"%s\", \"tables\": [{\"meta_table_uid\": \"%s\", \"access\":"
        " \"%s\"}, {\"meta_table_uid\": \"%s\", \"access\": \"%s\"}]}, \"limits\": {\"max_rows\":"
        " %d, \"statement_timeout_ms\": 30000}}",
        kind, mseq_dialect_name(all->dialect), sql, all->source, all->account, access, all->entry,
        access, max_rows);
}

/* What may go wrong when many want the same: a lock, the time, a full house. */
static bool is_excused(int status) {
    return status == 503 || status == 408 || status == 409;
}

static void count(client *c, int status) {
    atomic_int *counter = status == 200 ? &c->all->done : &c->all->refused;
    atomic_fetch_add(counter, 1);
}

/* ---- What they do ------------------------------------------------------------------------------
 */

static char *transfer_of(client *c) {
    char sql[256];
    int from = (int)next_random(c, ACCOUNTS), to = (int)next_random(c, ACCOUNTS);
    int amount = (int)next_random(c, 50);
    if (from == to)
        to = (to + 1) % ACCOUNTS;
    snprintf(sql, sizeof sql,
             "UPDATE account SET amount = amount + CASE uid WHEN %d THEN -%d ELSE %d END"
             " WHERE uid IN (%d, %d)",
             from, amount, amount, from, to);
    return operation_of(c->all, "update", true, sql, 100);
}

static void transfer(client *c) {
    char *body = transfer_of(c);
    int status = send_request(c, body) ? hear_reply(c, NULL) : 0;
    if (status != 200 && !is_excused(status))
        note(c->all, "a transfer gave %d", status);
    count(c, status);
    free(body);
}

static void read_sum(client *c) {
    char *body = operation_of(c->all, "select", false,
                              "SELECT sum(amount) AS total, count(*) AS n FROM account", 100);
    mseq_value *reply = NULL;
    int status = send_request(c, body) ? hear_reply(c, &reply) : 0;
    const mseq_value *row = mseq_array_get(mseq_object_get(reply, "rows"), 0);
    if (status == 200 && (mseq_object_get_integer(row, "total", -1) != ACCOUNTS * EACH ||
                          mseq_object_get_integer(row, "n", -1) != ACCOUNTS))
        note(c->all, "a reader saw the sum %lld",
             (long long)mseq_object_get_integer(row, "total", -1));
    if (status != 200 && !is_excused(status))
        note(c->all, "a sum gave %d", status);
    count(c, status);
    mseq_value_free(reply);
    free(body);
}

static void read_rows(client *c) {
    char *body =
        operation_of(c->all, "select", false, "SELECT uid, amount FROM account ORDER BY uid", 100);
    mseq_value *reply = NULL;
    int status = send_request(c, body) ? hear_reply(c, &reply) : 0;
    const mseq_value *rows = mseq_object_get(reply, "rows");
    int64_t sum = 0;
    for (size_t i = 0; i < mseq_value_length(rows); i++) {
        const mseq_value *row = mseq_array_get(rows, i);
        sum += mseq_object_get_integer(row, "amount", 0);
        if (mseq_object_get_integer(row, "uid", -1) != (int64_t)i)
            note(c->all, "row %zu is another's", i);
    }
    if (status == 200 && sum != ACCOUNTS * EACH)
        note(c->all, "the rows of a reader add up to %lld", (long long)sum);
    count(c, status);
    mseq_value_free(reply);
    free(body);
}

/* An entry of its own; with `rows` beyond max_rows it is refused and undone. */
static void write_entry(client *c, bool too_many) {
    char sql[160], id[16];
    int number = atomic_fetch_add(&c->all->journal, 2);
    snprintf(sql, sizeof sql, "INSERT INTO entry (id) VALUES (%d)%s RETURNING id", number, "");
    if (too_many)
        snprintf(sql, sizeof sql, "INSERT INTO entry (id) VALUES (%d), (%d) RETURNING id", number,
                 number + 1);
    char *body = operation_of(c->all, "insert", true, sql, 1);
    mseq_value *reply = NULL;
    int status = send_request(c, body) ? hear_reply(c, &reply) : 0;
    const mseq_value *row = mseq_array_get(mseq_object_get(reply, "rows"), 0);
    if (status == 200 && (too_many || mseq_object_get_integer(row, "id", -1) != number))
        note(c->all, "an insert of %d is told to be one of %lld", number,
             (long long)mseq_object_get_integer(row, "id", -1));
    if (status != 200 && !is_excused(status) && !(too_many && status == 400))
        note(c->all, "an entry gave %d", status);
    snprintf(id, sizeof id, "%d,", number);
    if (status == 200 || status == 400)
        mseq_buffer_append_text(status == 200 ? &c->acknowledged : &c->refused, id);
    count(c, status);
    mseq_value_free(reply);
    free(body);
}

/* Sends something and goes away, at once or while it runs. */
static void give_up(client *c) {
    char *body = next_random(c, 2)
                     ? transfer_of(c)
                     : operation_of(c->all, "select", false,
                                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM"
                                    " n) SELECT count(*) FROM n, account",
                                    100);
    (void)send_request(c, body);
    usleep(next_random(c, 20000));
    hang_up(c, next_random(c, 2));
    atomic_fetch_add(&c->all->given_up, 1);
    free(body);
}

static void *live(void *data) {
    client *c = data;
    while (mseq_monotonic_ms() < c->all->end && !atomic_load(&c->all->failed)) {
        switch (next_random(c, 10)) {
        case 0:
        case 1:
        case 2:
            transfer(c);
            break;
        case 3:
        case 4:
            read_sum(c);
            break;
        case 5:
        case 6:
            read_rows(c);
            break;
        case 7:
            write_entry(c, false);
            break;
        case 8:
            write_entry(c, true);
            break;
        default:
            give_up(c);
        }
    }
    hang_up(c, false);
    return NULL;
}

/* ---- Worlds ------------------------------------------------------------------------------------
 */

static void register_table(world *all, const char *name, const char *columns, char uid[37]) {
    char *body = mseq_text_format(
        "{\"data_source_uid\": \"%s\", \"identifier\": \"app.%s\", \"management_mode\":"
        " \"external_registered\", \"introspect\": true,"
        " \"table_contract\": {\"version\": \"relational-table.v1\", \"physical\": {\"table_name\":"
        " \"%s\"}, \"columns\": [%s], \"constraints\": []}}",
        all->source, name, name, columns);
    mseq_value *row = expect(all->own->made->manager, "POST", META "register/", body, 201);
    snprintf(uid, 37, "%s", text_at(row, "uid"));
    mseq_value_free(row);
    free(body);
}

static void add_users(world *all) {
    mseq_manager *manager = all->own->made->manager;
    for (int i = 0; i < USERS; i++) {
        char body[96], path[160];
        snprintf(body, sizeof body, "{\"username\": \"user%d\"}", i);
        mseq_value *user = expect(manager, "POST", "/orm/api/ts_manager/users/", body, 201);
        snprintf(body, sizeof body, "{\"name\": \"spec\", \"user\": \"user%d\"}", i);
        mseq_value *token = expect(manager, "POST", "/orm/api/ts_manager/tokens/", body, 201);
        all->tokens[i] = strdup(text_at(token, "access"));
        snprintf(body, sizeof body, "{\"user_id\": %lld}",
                 (long long)mseq_object_get_integer(user, "id", 0));
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof path, META "%s/add-to-edit/", k ? all->account : all->entry);
            mseq_value_free(expect(manager, "POST", path, body, 200));
        }
        mseq_value_free(user);
        mseq_value_free(token);
    }
}

static void make_tables(world *all) {
    mseq_buffer sql = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&sql, "CREATE TABLE account (uid INTEGER PRIMARY KEY, amount BIGINT);"
                                  "CREATE TABLE entry (id INTEGER PRIMARY KEY);");
    for (int i = 0; i < ACCOUNTS; i++)
        mseq_buffer_append_format(&sql, "INSERT INTO account VALUES (%d, %d);", i, EACH);
    run_on(all->uri, mseq_buffer_text(&sql));
    mseq_buffer_free(&sql);
}

static int start_world(void **state, mseq_dialect dialect) {
    void *own = NULL;
    static world made;
    memset(&made, 0, sizeof made);
    world *all = &made;
    if (set_up_server(&own) != 0)
        return -1;
    all->own = own;
    all->dialect = dialect;
    pthread_mutex_init(&all->lock, NULL);
    all->uri = dialect == MSEQ_SQLITE
                   ? mseq_text_format("sqlite:///%s/other.db", all->own->made->folder)
                   : postgresql_database("stress");
    make_tables(all);
    char *body =
        dialect == MSEQ_SQLITE
            ? mseq_text_format("{\"class_type\": \"sqlite\", \"path\": \"%s/other.db\"}",
                               all->own->made->folder)
            : mseq_text_format("{\"class_type\": \"postgresql\", \"uri\": \"%s\"}", all->uri);
    mseq_value *source =
        expect(all->own->made->manager, "POST", "/orm/api/ts_manager/data_sources/", body, 201);
    snprintf(all->source, sizeof all->source, "%s", text_at(source, "uid"));
    mseq_value_free(source);
    free(body);
    register_table(all, "account",
                   "{\"name\": \"uid\", \"data_type\": \"int32\", \"backend_type\": \"INTEGER\"},"
                   "{\"name\": \"amount\", \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}",
                   all->account);
    register_table(all, "entry",
                   "{\"name\": \"id\", \"data_type\": \"int32\", \"backend_type\": \"INTEGER\"}",
                   all->entry);
    add_users(all);
    *state = all;
    return 0;
}

static int on_sqlite(void **state) {
    return start_world(state, MSEQ_SQLITE);
}

static int on_postgresql(void **state) {
    return start_world(state, MSEQ_POSTGRESQL);
}

/* ---- What is left ------------------------------------------------------------------------------
 */

static void check_entries(const world *all, const mseq_buffer *ids, bool there) {
    size_t listed = 0;
    for (size_t i = 0; i < ids->length; i++)
        listed += ids->data[i] == ',';
    if (!listed)
        return;
    char *sql = mseq_text_format("SELECT count(*) AS n FROM entry WHERE id IN (%.*s)",
                                 (int)ids->length - 1, ids->data);
    assert_int_equal(number_on(all->uri, sql), there ? (int64_t)listed : 0);
    free(sql);
}

/* While the server still runs: idle connections hold nothing. */
static void check_sessions(const world *all) {
    if (all->dialect != MSEQ_POSTGRESQL)
        return;
    wait_on(all->uri,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle'",
            "0");
    wait_on(all->uri, "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid()", "0");
    wait_on(all->uri, "SELECT count(*) FROM pg_class WHERE relpersistence = 't'", "0");
    wait_on(all->uri, "SELECT count(*) FROM pg_prepared_xacts", "0");
}

/* When it is closed nobody is connected any more; the file of SQLite is sound and free. */
static void check_closed(const world *all) {
    if (all->dialect == MSEQ_POSTGRESQL) {
        wait_on(all->uri,
                "SELECT count(*) FROM pg_stat_activity WHERE datname ="
                " current_database() AND pid <> pg_backend_pid()",
                "0");
        return;
    }
    assert_int_equal(
        number_on(all->uri,
                  "SELECT count(*) AS n FROM pragma_integrity_check WHERE integrity_check ="
                  " 'ok'"),
        1);
    run_on(all->uri, "BEGIN IMMEDIATE; UPDATE account SET amount = amount; COMMIT");
}

static int64_t seconds(void) {
    const char *text = getenv("MSEQ_STRESS_SECONDS"); // NOLINT(concurrency-mt-unsafe)
    return text ? atol(text) : 2;
}

static void test_stress(void **state) {
    world *all = *state;
    static client clients[CLIENTS];
    pthread_t threads[CLIENTS];
    all->end = mseq_monotonic_ms() + seconds() * 1000;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (client){all,
                              i,
                              -1,
                              UINT64_C(88172645463325252) + (uint64_t)i * 7919,
                              MSEQ_BUFFER_INIT,
                              MSEQ_BUFFER_INIT};
        assert_int_equal(pthread_create(&threads[i], NULL, live, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    assert_string_equal(all->failure, "");
    check_sessions(all);
    assert_int_equal(number_on(all->uri, "SELECT CAST(sum(amount) AS BIGINT) AS n FROM account"),
                     ACCOUNTS * EACH);
    for (int i = 0; i < CLIENTS; i++) {
        check_entries(all, &clients[i].acknowledged, true);
        check_entries(all, &clients[i].refused, false);
        mseq_buffer_free(&clients[i].acknowledged);
        mseq_buffer_free(&clients[i].refused);
    }
    print_message("%d done, %d refused, %d given up\n", atomic_load(&all->done),
                  atomic_load(&all->refused), atomic_load(&all->given_up));
    assert_true(atomic_load(&all->done) > 0);
}

static int stop_world(void **state) {
    world *all = *state;
    served *own = all->own;
    void *served_state = own;
    mseq_server_stop(own->server);
    own->server = NULL;
    mseq_manager_close(own->made->manager);
    check_closed(all);
    own->made->manager = open_manager(own->made->folder);
    for (int i = 0; i < USERS; i++)
        free(all->tokens[i]);
    pthread_mutex_destroy(&all->lock);
    free(all->uri);
    return tear_down_server(&served_state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stress, on_sqlite, stop_world),
        cmocka_unit_test_setup_teardown(test_stress, on_postgresql, stop_world),
    };
    return cmocka_run_group_tests_name("many clients at once", tests, NULL, NULL);
}
