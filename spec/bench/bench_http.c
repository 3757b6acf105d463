/* SPDX-License-Identifier: MIT
 * Detail, filter by 50 names, look-up of one name and register: through the manager's handler in
 * this process (what `local:` does) and over HTTP on 1 and 64 kept connections, on a catalog of
 * that many tables. The server is a process of its own, so that its CPU time is its own.
 *
 *     bench_http [TABLES [SECONDS]]      1000 tables, 2 seconds a row
 *
 * Units: requests a second; microseconds (median, 99th of a hundred); server CPU microseconds a
 * request. Best of five rounds. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "manager_bench.h"

enum { ROUNDS = 5, BULK = 5000, NAMES = 50, CONNECTIONS = 64, TIMES_MAXIMUM = 1 << 20 };
#define META "/orm/api/ts_manager/meta_table/"

/* ---- The manager -------------------------------------------------------------------------------
 */

static mseq_manager *open_manager(const char *folder) {
    mseq_manager *manager = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_endpoint_manager(folder, NULL, &manager, &err) != MSEQ_OK)
        fail(err.message);
    return manager;
}

/* The body of the reply, which must be a success. */
static mseq_value *call(mseq_manager *manager, const char *method, const char *path,
                        const char *json) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_value *body = NULL;
    mseq_error err = MSEQ_ERROR_INIT;
    if (json && mseq_json_parse(json, strlen(json), 0, &body, &err) != MSEQ_OK)
        fail(err.message);
    request.method = method;
    request.path = path;
    request.body = body;
    mseq_manager_handle(manager, &request, &reply);
    mseq_value_free(body);
    if (reply.status >= 400)
        fail(mseq_object_get_text(reply.body, "detail"));
    body = reply.body;
    reply.body = NULL;
    mseq_reply_free(&reply);
    return body;
}

/* ---- What is asked -----------------------------------------------------------------------------
 */

typedef struct work {
    char source[37];
    char token[1200];
    int tables;
    char (*uids)[37]; /* of the tables */
    atomic_int next;  /* for names of new tables */
} work;

static void name_of(int table, char name[32]) {
    snprintf(name, 32, "bench__table_%07d", table);
}

#define COLUMNS                                                                                    \
    "\"columns\": [{\"name\": \"uid\", \"data_type\": \"uuid\", \"backend_type\": \"UUID\","       \
    " \"nullable\": false, \"primary_key\": true}, {\"name\": \"symbol\", \"data_type\":"          \
    " \"string\", \"backend_type\": \"VARCHAR(64)\"}, {\"name\": \"price\", \"data_type\":"        \
    " \"float64\", \"backend_type\": \"DOUBLE PRECISION\"}, {\"name\": \"note\", \"data_type\":"   \
    " \"string\", \"backend_type\": \"TEXT\"}]"

static void fill(mseq_manager *manager, work *own) {
    mseq_value *sources =
        call(manager, "GET", "/orm/api/ts_manager/dynamic_table_data_source/", NULL);
    snprintf(own->source, sizeof own->source, "%s",
             mseq_object_get_text(mseq_array_get(mseq_object_get(sources, "results"), 0), "uid"));
    mseq_value_free(sources);
    own->uids = calloc((size_t)own->tables, sizeof *own->uids);
    for (int from = 0; from < own->tables; from += BULK) {
        mseq_buffer json = MSEQ_BUFFER_INIT;
        int to = from + BULK < own->tables ? from + BULK : own->tables;
        for (int i = from; i < to; i++) {
            char name[32];
            name_of(i, name);
            mseq_buffer_append_format(
                &json,
                "%s{\"data_source_uid\": \"%s\", \"identifier\": \"%s\", \"namespace\": \"bench\","
                " \"description\": \"Table %d of a benchmark.\", \"labels\": [],"
                " \"management_mode\": \"platform_managed\", \"provisioning_status\": \"reserved\","
                " \"is_alembic_managed\": true, \"migration_package\": \"bench\","
                " \"migration_namespace\": \"bench\", \"migration_provider_key\": \"bench:bench\","
                " \"alembic_version_meta_table_uid\": null, \"alembic_revision\": null,"
                " \"physical_table_name\": \"%s\", \"protect_from_deletion\": false,"
                " \"table_contract\": {\"physical\": {\"table_name\": \"%s\"}, " COLUMNS "}}",
                i == from ? "[" : ", ", own->source, name, i, name, name);
        }
        mseq_buffer_append_char(&json, ']');
        mseq_value *rows = call(manager, "POST", META, mseq_buffer_text(&json));
        for (int i = from; i < to; i++)
            snprintf(own->uids[i], sizeof *own->uids, "%s",
                     mseq_object_get_text(mseq_array_get(rows, (size_t)(i - from)), "uid"));
        mseq_value_free(rows);
        mseq_buffer_free(&json);
    }
    mseq_value *token =
        call(manager, "POST", "/orm/api/ts_manager/tokens/", "{\"name\": \"bench\"}");
    snprintf(own->token, sizeof own->token, "%s", mseq_object_get_text(token, "access"));
    mseq_value_free(token);
}

typedef enum kind { DETAIL, LOOK_UP, FILTER, REGISTER, KINDS } kind;
static const char *const kind_names[KINDS] = {"detail", "look-up", "filter 50", "register"};

/* One request of a kind: its method, path and body (in `json`). */
static const char *make(work *own, kind which, unsigned *seed, char path[128], mseq_buffer *json) {
    int table = rand_r(seed) % own->tables;
    char name[32];
    mseq_buffer_clear(json);
    snprintf(path, 128, META "%s", which == REGISTER ? "register/" : "filter/");
    if (which == DETAIL) {
        snprintf(path, 128, META "%s/", own->uids[table]);
        return "GET";
    }
    if (which == REGISTER) {
        name_of(own->tables + atomic_fetch_add(&own->next, 1), name);
        mseq_buffer_append_format(
            json,
            "{\"data_source_uid\": \"%s\", \"identifier\": \"%s\", \"management_mode\":"
            " \"platform_managed\", \"table_contract\": {\"physical\": {\"table_name\": "
            "\"%s\"}, " COLUMNS "}}",
            own->source, name, name);
        return "POST";
    }
    mseq_buffer_append_text(json, "{\"physical_table_name__in\": [");
    for (int i = 0; i < (which == FILTER ? NAMES : 1); i++) {
        name_of((table + i) % own->tables, name);
        mseq_buffer_append_format(json, "%s\"%s\"", i ? ", " : "", name);
    }
    mseq_buffer_append_text(json, "]}");
    return "POST";
}

/* ---- Measuring ---------------------------------------------------------------------------------
 */

typedef struct lane {
    pthread_t thread;
    work *own;
    mseq_manager *manager; /* in this process, or NULL: over HTTP */
    uint16_t port;
    kind which;
    double until;
    unsigned seed;
    float *times;
    size_t count;
} lane;

static int dial(uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (client < 0 || connect(client, (struct sockaddr *)&to, sizeof to) != 0)
        fail("cannot connect");
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return client;
}

/* Sends a request and reads its reply. */
static void exchange(int client, const work *own, const char *method, const char *path,
                     const mseq_buffer *json) {
    char head[2048], reply[65536];
    size_t have = 0, size = json->length;
    int length = snprintf(head, sizeof head,
                          "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                          method, path, own->token, size);
    mseq_buffer whole = MSEQ_BUFFER_INIT;
    mseq_buffer_append(&whole, head, (size_t)length);
    mseq_buffer_append(&whole, mseq_buffer_text(json), size);
    if (send(client, whole.data, whole.length, MSG_NOSIGNAL) != (ssize_t)whole.length)
        fail("cannot send");
    mseq_buffer_free(&whole);
    const char *end = NULL;
    while (!end) {
        ssize_t got = recv(client, reply + have, sizeof reply - 1 - have, 0);
        if (got <= 0)
            fail("the server hung up");
        have += (size_t)got;
        reply[have] = '\0';
        end = strstr(reply, "\r\n\r\n");
    }
    if (strncmp(reply, "HTTP/1.1 2", 10) != 0)
        fail(reply);
    const char *announced = strstr(reply, "Content-Length: ");
    size_t whole_size = (size_t)(end + 4 - reply) + (size_t)(announced ? atol(announced + 16) : 0);
    while (have < whole_size) {
        ssize_t got = recv(client, reply, sizeof reply, 0);
        if (got <= 0)
            fail("the server hung up");
        have += (size_t)got;
    }
}

static void *run(void *data) {
    lane *self = data;
    mseq_buffer json = MSEQ_BUFFER_INIT;
    int client = self->manager ? -1 : dial(self->port);
    char path[128];
    for (;;) {
        const char *method = make(self->own, self->which, &self->seed, path, &json);
        double begun = clock_us(CLOCK_MONOTONIC);
        if (begun >= self->until || self->count == TIMES_MAXIMUM)
            break;
        if (self->manager)
            mseq_value_free(
                call(self->manager, method, path, json.length ? mseq_buffer_text(&json) : NULL));
        else
            exchange(client, self->own, method, path, &json);
        self->times[self->count++] = (float)(clock_us(CLOCK_MONOTONIC) - begun);
    }
    mseq_buffer_free(&json);
    if (client >= 0)
        close(client);
    return NULL;
}

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

typedef struct result {
    double rate, median, late, cpu;
} result;

/* One round. `cpu` is the server's clock, or -1. */
static result measure(work *own, mseq_manager *manager, uint16_t port, int lanes, kind which,
                      double seconds, clockid_t cpu) {
    lane all[CONNECTIONS];
    size_t count = 0;
    double begun = clock_us(CLOCK_MONOTONIC), cpu_begun = cpu != -1 ? clock_us(cpu) : 0;
    for (int i = 0; i < lanes; i++) {
        all[i] = (lane){.own = own,
                        .manager = manager,
                        .port = port,
                        .which = which,
                        .until = begun + seconds * 1e6,
                        .seed = (unsigned)i + 1,
                        .times = malloc(TIMES_MAXIMUM * sizeof(float))};
        pthread_create(&all[i].thread, NULL, run, &all[i]);
    }
    float *times = NULL;
    for (int i = 0; i < lanes; i++) {
        pthread_join(all[i].thread, NULL);
        times = realloc(times, (count + all[i].count + 1) * sizeof *times);
        memcpy(times + count, all[i].times, all[i].count * sizeof *times);
        count += all[i].count;
        free(all[i].times);
    }
    double taken = clock_us(CLOCK_MONOTONIC) - begun;
    double cpu_taken = cpu != -1 ? clock_us(cpu) - cpu_begun : 0;
    if (count == 0)
        fail("not one request was answered in time");
    qsort(times, count, sizeof *times, by_size);
    result found = {(double)count / taken * 1e6, (double)times[count / 2],
                    (double)times[count * 99 / 100], cpu_taken / (double)count};
    free(times);
    return found;
}

/* A row of the table: the best of each column, because other programs only ever make it worse. */
static void show(work *own, const char *way, mseq_manager *manager, uint16_t port, int lanes,
                 kind which, double seconds, clockid_t cpu) {
    result best = {0, 0, 0, 0};
    for (int round = 0; round < ROUNDS; round++) {
        result one = measure(own, manager, port, lanes, which, seconds / ROUNDS, cpu);
        best.rate = one.rate > best.rate ? one.rate : best.rate;
        best.median = round && best.median < one.median ? best.median : one.median;
        best.late = round && best.late < one.late ? best.late : one.late;
        best.cpu = round && best.cpu < one.cpu ? best.cpu : one.cpu;
    }
    printf("%-10s %-22s %9.0f/s %9.0f us %9.0f us", kind_names[which], way, best.rate, best.median,
           best.late);
    if (cpu != -1)
        printf(" %9.1f us", best.cpu);
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    work own = {.tables = argc > 1 ? atoi(argv[1]) : 1000};
    double seconds = argc > 2 ? atof(argv[2]) : 2;
    char folder[] = "/tmp/mseq-bench-XXXXXX", command[64], address[64];
    if (own.tables < NAMES || seconds <= 0 || !mkdtemp(folder))
        fail("usage: bench_http [TABLES (50 or more) [SECONDS]]");
    mseq_manager *manager = open_manager(folder);
    fill(manager, &own);
    uint16_t port = 0;
    mseq_manager_close(manager); /* no threads and no files across the fork */
    pid_t child = start_server(folder, NULL, address);
    port = (uint16_t)atoi(strrchr(address, ':') + 1);
    manager = open_manager(folder);
    clockid_t cpu;
    if (clock_getcpuclockid(child, &cpu) != 0)
        fail("no clock of the server's");
    printf("%d tables; %-20s %17s %12s %12s %12s\n", own.tables, "", "requests", "median",
           "99th of 100", "server CPU");
    for (kind which = DETAIL; which < KINDS; which++) {
        show(&own, "local", manager, 0, 1, which, seconds, -1);
        show(&own, "HTTP, 1 connection", NULL, port, 1, which, seconds, cpu);
        show(&own, "HTTP, 64 connections", NULL, port, CONNECTIONS, which, seconds, cpu);
    }
    mseq_manager_close(manager);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    free(own.uids);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); // NOLINT(cert-env33-c): a name of our own
}
