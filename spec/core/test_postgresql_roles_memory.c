/* SPDX-License-Identifier: MIT
 * Roles of users when memory is short: one is made, granted, given a password and connected to; it
 * follows a change of access. The answer is a success or says that memory was short, nothing leaks,
 * and afterwards the role is what the catalog says. */
#include "failing_allocator.h"
#include "fence_helpers.h"

/* The answer to a request whose n-th allocation fails; *reached: it was asked for. */
static mseq_reply ask_short(const char *token, const char *path, const char *body, long n,
                            bool all_fail, bool *reached) {
    mseq_request request = MSEQ_REQUEST_INIT;
    mseq_reply reply = MSEQ_REPLY_INIT;
    mseq_value *parsed = parse(body);
    char header[1200];
    snprintf(header, sizeof header, "Bearer %s", token ? token : "");
    request.method = "POST";
    request.path = path;
    request.body = parsed;
    request.authorization = token ? header : NULL;
    allocations_left = n;
    fail_all = all_fail;
    if (token)
        mseq_manager_handle_remote(all.made->manager, &request, &reply);
    else
        mseq_manager_handle(all.made->manager, &request, &reply);
    *reached = all_fail ? allocations_left == 0 : allocations_left < 0;
    allocations_left = -1;
    mseq_value_free(parsed);
    return reply;
}

enum { STRIDE = 5 /* a prime: what an allocation belongs to differs from step to step */ };

static void sweep(const char *token, const char *path, const char *body, void (*each)(void)) {
    for (int all_fail = 0; all_fail < 2; all_fail++) {
        bool reached = true;
        for (long n = all_fail; reached; n += STRIDE) {
            each();
            mseq_reply reply = ask_short(token, path, body, n, all_fail != 0, &reached);
            const char *code = reply.body ? text_at(reply.body, "code") : "no_memory";
            if (reply.status >= 300 && strcmp(code, "no_memory") != 0)
                fail_msg("allocation %ld gave %d %s: %s", n, reply.status, code,
                         text_at(reply.body, "detail"));
            mseq_reply_free(&reply);
            if (n > 20000)
                fail_msg("there is no end of allocations");
        }
    }
}

/* The role is gone from the server, the catalog does not know: everything is to be made. */
static void take_role(void) {
    char *role = reader_role();
    char *sql = mseq_text_format("DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '%s')"
                                 " THEN DROP OWNED BY \"%s\"; DROP ROLE \"%s\"; END IF; END $$",
                                 role, role, role);
    mseq_database *catalog = NULL;
    mseq_connection *connection = open_catalog(all.made->folder, &catalog);
    run_script(connection, "DELETE FROM fence_role; UPDATE access_state SET catalog_revision ="
                           " catalog_revision + 1");
    mseq_connection_release(connection);
    mseq_database_close(catalog);
    if (role[0])
        on_database(sql);
    free(sql);
    free(role);
}

static void test_making(void **state) {
    (void)state;
    char body[2048];
    operation_body(body, "select", all.asset, "read", "SELECT id FROM asset");
    sweep(all.reader, META "execute-operation/", body, take_role);
    execute("select", all.asset, "read", "SELECT id FROM asset", 200, NULL);
    role_may("SELECT id FROM asset", true);
    role_may("SELECT v FROM hidden", false);
}

static void give_back(void) {
    share(all.account, "add-to-edit");
}

static void test_following(void **state) {
    (void)state;
    char body[64], path[160];
    execute("select", all.asset, "read", "SELECT id FROM asset", 200, NULL);
    snprintf(body, sizeof body, "{\"user_id\": %lld}", (long long)all.reader_id);
    snprintf(path, sizeof path, META "%s/remove-from-edit/", all.account);
    sweep(NULL, path, body, give_back);
    execute("select", all.asset, "read", "SELECT id FROM asset", 200, NULL);
    role_may("INSERT INTO account (v) VALUES ('x')", false);
    role_may("SELECT id FROM asset", true);
}

static int start(void **state) {
    return start_world(state, "scarce_roles");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_making),
        cmocka_unit_test(test_following),
    };
    return cmocka_run_group_tests(tests, start, stop_world);
}
