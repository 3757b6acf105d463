/* SPDX-License-Identifier: MIT
 * A request as it comes out of HTTP, on a manager in a temporary folder. Input: a line "METHOD
 * /path?query", then the body. Whatever it says: there is a reply whose status is one of HTTP's,
 * which the canonical writer takes and which has a detail (or run_query's error) if it refuses;
 * without a token nobody gets in. "$S" in the input stands for the data source's uid, "$T" for a
 * table's. The same bytes are also looked at as the head of a request on the wire. */
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#ifdef MSEQ_WITH_SERVER
#include "../../core/server/server_private.h"
#endif

static char folder[] = "/tmp/mseq-fuzz-XXXXXX";
static mseq_manager *manager;
static char source[37], table[37];

static void clean_up(void) {
    char command[64];
    mseq_manager_close(manager);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    fuzz_check(system(command) == 0); // NOLINT(cert-env33-c): a name of our own
}

/* The text with the two uids filled in; free() it. */
static char *expand(const char *text, size_t length, size_t *size) {
    mseq_buffer out = MSEQ_BUFFER_INIT;
    for (size_t i = 0; i < length; i++) {
        bool known = text[i] == '$' && i + 1 < length && (text[i + 1] == 'S' || text[i + 1] == 'T');
        if (!known)
            mseq_buffer_append_char(&out, text[i]);
        else
            mseq_buffer_append_text(&out, text[++i] == 'S' ? source : table);
    }
    *size = out.length;
    fuzz_check(out.status == MSEQ_OK);
    char *taken = out.length ? mseq_buffer_take(&out) : strdup("");
    fuzz_check(taken != NULL);
    return taken;
}

static void keep_uid(char uid[37], const mseq_value *object) {
    const char *text = mseq_object_get_text(object, "uid");
    fuzz_check(text && strlen(text) == 36);
    memcpy(uid, text, 37);
}

/* A request that is needed to begin with. */
static mseq_value *make(const char *method, const char *path, const char *json) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_value *body = NULL;
    size_t size = 0;
    char *text = json ? expand(json, strlen(json), &size) : NULL;
    fuzz_check(!text || mseq_json_parse(text, size, 0, &body, NULL) == MSEQ_OK);
    free(text);
    request.method = method;
    request.path = path;
    request.body = body;
    mseq_manager_handle(manager, &request, &reply);
    fuzz_check(reply.status < 300);
    mseq_value_free(body);
    body = reply.body;
    reply.body = NULL;
    mseq_reply_free(&reply);
    return body;
}

static void open_manager(void) {
    mseq_manager_options options = MSEQ_MANAGER_OPTIONS_INIT;
    fuzz_check(mkdtemp(folder) != NULL);
    options.directory = folder;
    options.password_cost = (mseq_scrypt_cost){.log2_n = 1, .block = 1, .parallel = 1};
    fuzz_check(mseq_manager_open(&options, &manager, NULL) == MSEQ_OK);
    atexit(clean_up);
    mseq_value *list = make("GET", "/orm/api/ts_manager/dynamic_table_data_source/", NULL);
    keep_uid(source, mseq_array_get(mseq_object_get(list, "results"), 0));
    mseq_value_free(list);
    mseq_value *row =
        make("POST", "/orm/api/ts_manager/meta_table/register/",
             "{\"data_source_uid\": \"$S\", \"identifier\": \"f.T\", \"namespace\": \"f\","
             " \"management_mode\": \"platform_managed\", \"provisioning\":"
             " {\"create_table\": true}, \"table_contract\": {\"physical\":"
             " {\"table_name\": \"f__t\"}, \"columns\": [{\"name\": \"n\","
             " \"data_type\": \"int64\", \"backend_type\": \"BIGINT\"}]}}");
    keep_uid(table, row);
    mseq_value_free(row);
}

static void check_reply(mseq_reply *reply) {
    fuzz_check(reply->status >= 200 && reply->status <= 599 && reply->status != 500);
    mseq_buffer text = MSEQ_BUFFER_INIT;
    if (reply->body)
        fuzz_check(mseq_json_write(reply->body, 0, &text, NULL) == MSEQ_OK);
    if (reply->status >= 400)
        fuzz_check(mseq_object_get_text(reply->body, "detail") ||
                   mseq_object_get(reply->body, "error")); /* run_query's own form */
    if (reply->status == 405)
        fuzz_check(reply->allow != NULL);
    mseq_buffer_free(&text);
    mseq_reply_free(reply);
}

/* The same bytes as the head of a request on the wire. */
static void check_head(const char *bytes, size_t size) {
#ifdef MSEQ_WITH_SERVER
    server_refusal refusal;
    bool complete = server_head_check(bytes, size, &refusal);
    fuzz_check(!complete || refusal.status == 0);
    fuzz_check(refusal.status == 0 ||
               (refusal.status >= 400 && refusal.status < 600 && refusal.code));
#else
    (void)bytes, (void)size;
#endif
}

static void ask(char *line, const char *body, size_t length) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_value *document = NULL;
    char *path = strchr(line, ' '), *query = path ? strchr(path, '?') : NULL;
    if (path)
        *path++ = '\0';
    if (query)
        *query++ = '\0';
    request.method = line;
    request.path = path;
    request.query = query;
    request.timeout_ms = 100;
    if (length && mseq_json_parse(body, length, 0, &document, NULL) == MSEQ_OK) {
        request.body = document;
    } else if (length && mseq_utf8_valid(body, length)) {
        request.text = body;
        request.text_length = length;
    }
    mseq_manager_handle(manager, &request, &reply);
    check_reply(&reply);
    request.authorization = "Bearer nobody";
    mseq_manager_handle_remote(manager, &request, &reply);
    if (request.path && strncmp(request.path, "/orm/api/ts_manager/", 20) == 0)
        fuzz_check(reply.status >= 400);
    check_reply(&reply);
    mseq_value_free(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!manager)
        open_manager();
    check_head((const char *)data, size);
    size_t length;
    char *text = expand((const char *)data, size, &length);
    char *end = memchr(text, '\n', length);
    size_t first = end ? (size_t)(end - text) : length;
    text[first] = '\0';
    ask(text, text + (end ? first + 1 : first), end ? length - first - 1 : 0);
    free(text);
    return 0;
}
