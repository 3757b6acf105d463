/* SPDX-License-Identifier: MIT
 * What the database refuses when nobody judges statements: this program is linked with a statement
 * check that lets everything pass (spec/CMakeLists.txt wraps the two functions below; nothing of it
 * is in the library). The requests go through the whole TS Manager, as a user who may view `asset`
 * and edit `account`. The data source's user is no superuser. */
#include "../../core/database/postgresql_private.h"
#include "fence_helpers.h"

#define SECRET "nobody-may-read-this"

/* ---- The judge that lets everything pass -------------------------------------------------------
 */

/* the compiler sees to it that they are called as they are written */
__typeof__(postgresql_verdict_find) __wrap_postgresql_verdict_find;
__typeof__(postgresql_verdict_check) __wrap_postgresql_verdict_check;

static unsigned judged; /* how often it was asked: 0 would mean that the real one was */

mseq_status __wrap_postgresql_verdict_find(postgresql_session *session,
                                           const mseq_governed_statement *statement,
                                           postgresql_verdict *known, mseq_error *err) {
    static const mseq_sql_statement reads = {.kind = MSEQ_SQL_SELECT};
    static const mseq_sql_statement writes = {.kind = MSEQ_SQL_INSERT};
    (void)session;
    (void)err;
    judged++;
    *known = (postgresql_verdict){
        .facts = strcmp(statement->operation, "select") == 0 ? &reads : &writes,
        .sql = statement->sql,
    };
    return MSEQ_OK;
}

mseq_status __wrap_postgresql_verdict_check(postgresql_session *session,
                                            const mseq_governed_statement *statement,
                                            const mseq_sql_statement *facts, mseq_error *err) {
    (void)session;
    (void)statement;
    (void)facts;
    (void)err;
    return MSEQ_OK;
}

/* ---- Through the TS Manager --------------------------------------------------------------------
 */

/* The state that nobody but its owners may change. */
static char *guarded_state(void) {
    return ask_database(
        "SELECT md5(concat((SELECT string_agg(h::text, ',' ORDER BY h.id) FROM hidden"
        " AS h), '|', (SELECT string_agg(a::text, ',' ORDER BY a.id) FROM asset AS"
        " a), '|', (SELECT string_agg(o::text, ',') FROM other.away AS o)))");
}

static mseq_value *attempt(const char *kind, const char *uid, const char *access, const char *sql,
                           int *status) {
    char body[2048];
    operation_body(body, kind, uid, access, sql);
    unsigned before = judged;
    mseq_reply reply =
        remote(all.made->manager, all.reader, "POST", META "execute-operation/", body);
    if (judged == before)
        fail_msg("%s: the statement did not come to the judge: %s", sql,
                 text_at(reply.body, "detail"));
    *status = reply.status;
    mseq_value *taken = reply.body;
    reply.body = NULL;
    mseq_reply_free(&reply);
    return taken;
}

/* Whatever is said, it is refused for want of a right, changes nothing and tells nothing. */
static void refused(const char *kind, const char *sql) {
    bool reads = strcmp(kind, "select") == 0;
    int status = 0;
    char *before = guarded_state();
    mseq_value *reply =
        attempt(kind, reads ? all.asset : all.account, reads ? "read" : "write", sql, &status);
    char *after = guarded_state(), *text = to_text(reply);
    if (status < 400 || strcmp(text_at(reply, "code"), "insufficient_privilege") != 0)
        fail_msg("%s, %s: %d %s", kind, sql, status, text);
    assert_null(strstr(text, SECRET));
    assert_string_equal(before, after);
    free(before);
    free(after);
    free(text);
    mseq_value_free(reply);
}

/* It may run, but tells nothing and changes nothing. */
static void harmless(const char *sql) {
    int status = 0;
    char *before = guarded_state();
    mseq_value *reply = attempt("select", all.asset, "read", sql, &status);
    char *after = guarded_state(), *text = to_text(reply);
    if (strstr(text, SECRET))
        fail_msg("%s: %s", sql, text);
    assert_string_equal(before, after);
    free(before);
    free(after);
    free(text);
    mseq_value_free(reply);
}

static void allowed(const char *kind, const char *sql) {
    bool reads = strcmp(kind, "select") == 0;
    int status = 0;
    mseq_value *reply =
        attempt(kind, reads ? all.asset : all.account, reads ? "read" : "write", sql, &status);
    if (status != 200)
        fail_msg("%s: %d %s", sql, status, text_at(reply, "detail"));
    mseq_value_free(reply);
}

static void test_own_tables(void **state) {
    (void)state;
    allowed("select", "SELECT id FROM asset");
    allowed("select", "SELECT id, v FROM account");
    allowed("insert", "INSERT INTO account (v) VALUES ('own')");
    allowed("update", "UPDATE account SET v = 'mine' WHERE v = 'own'");
    allowed("upsert", "INSERT INTO account (id, v) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET"
                      " v = excluded.v");
    allowed("delete", "DELETE FROM account WHERE v = 'mine'");
}

static void test_reading(void **state) {
    (void)state;
    static const char *const statements[] = {
        "SELECT v FROM hidden",
        "SELECT count(*) FROM hidden",
        "SELECT 1 FROM hidden",
        "SELECT * FROM public.hidden",
        "SELECT * FROM U&\\\"hidd\\\\0065n\\\"",
        "SELECT * FROM v_hidden",
        "SELECT asset.id FROM asset WHERE EXISTS (SELECT FROM hidden)",
        "SELECT asset.id FROM asset LEFT JOIN hidden ON false",
        "SELECT (SELECT min(v) FROM hidden) FROM asset",
        "SELECT v FROM asset UNION ALL SELECT v FROM hidden",
        "WITH h AS (SELECT * FROM hidden) SELECT * FROM h",
        "SELECT * FROM hidden TABLESAMPLE system (100)",
        "SELECT * FROM ONLY hidden",
        "SELECT * FROM other.away",
        "SELECT query_to_xml('select v from hidden', true, true, '')",
        "SELECT table_to_xml('hidden', true, true, '')",
        "SELECT cursor_to_xml('c', 1, true, true, '') FROM hidden",
        "SELECT nextval('hidden_sequence')",
        "SELECT * FROM hidden_sequence",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        refused("select", statements[i]);
    harmless("SELECT database_to_xml(true, true, '')");
    harmless("SELECT schema_to_xml('public', true, true, '')");
    harmless("SELECT query_to_xml('select * from pg_stats', true, true, '')");
    harmless("SELECT * FROM pg_stat_activity");
}

static void test_writing(void **state) {
    (void)state;
    static const struct {
        const char *kind, *sql;
    } cases[] = {
        {"insert", "INSERT INTO hidden VALUES (2, 'x')"},
        {"insert", "INSERT INTO asset VALUES (2, 'x')"},
        {"insert", "INSERT INTO account (v) SELECT v FROM hidden"},
        {"insert", "INSERT INTO account (v) VALUES ('x') RETURNING (SELECT min(v) FROM hidden)"},
        {"insert", "INSERT INTO other.away VALUES ('x')"},
        {"insert", "INSERT INTO v_hidden VALUES (2, 'x')"},
        {"update", "UPDATE hidden SET v = 'x'"},
        {"update", "UPDATE asset SET v = 'x'"},
        {"update", "UPDATE account SET v = hidden.v FROM hidden"},
        {"update", "UPDATE account SET v = (SELECT min(v) FROM hidden)"},
        {"delete", "DELETE FROM hidden"},
        {"delete", "DELETE FROM asset"},
        {"delete", "DELETE FROM account USING hidden WHERE hidden.v = account.v"},
        {"upsert", "INSERT INTO asset VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'x'"},
        {"upsert", "INSERT INTO account (id, v) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v ="
                   " (SELECT min(v) FROM hidden)"},
        {"upsert", "WITH gone AS (DELETE FROM hidden RETURNING v) INSERT INTO account (v) SELECT v"
                   " FROM gone"},
        {"upsert", "WITH gone AS (DELETE FROM asset RETURNING v) INSERT INTO account (v) SELECT v"
                   " FROM gone"},
        {"insert", "INSERT INTO account (id) SELECT setval('account_id_seq', 100000)"},
        {"insert", "INSERT INTO pg_class SELECT * FROM pg_class"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i].kind, cases[i].sql);
}

static void test_functions(void **state) {
    (void)state;
    static const char *const statements[] = {
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_read_binary_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        "SELECT pg_stat_file('/etc/passwd')",
        "SELECT pg_ls_logdir()",
        "SELECT pg_ls_waldir()",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_export(1, '/tmp/x')",
        "SELECT pg_reload_conf()",
        "SELECT pg_rotate_logfile()",
        "SELECT pg_switch_wal()",
        "SELECT pg_create_restore_point('x')",
        "SELECT pg_backup_start('x')",
        "SELECT pg_stat_reset()",
        "SELECT pg_promote()",
        "SELECT pg_replication_origin_create('x')",
        "SELECT pg_hba_file_rules()",
        "SELECT pg_show_all_file_settings()",
        "SELECT current_setting('data_directory')",
        "SELECT set_config('session_authorization', 'keeper', true)",
        "SELECT set_config('role', 'keeper', true)",
        "SELECT set_config('role', 'postgres', true)",
        "SELECT set_config('temp_file_limit', '-1', false)",
        "SELECT set_config('log_statement', 'all', false)",
        "SELECT query_to_xml('select pg_read_file(''/etc/passwd'')', true, true, '')",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        refused("select", statements[i]);
}

static void test_catalogs(void **state) {
    (void)state;
    static const char *const names[] = {"pg_authid",        "pg_shadow",        "pg_user_mapping",
                                        "pg_largeobject",   "pg_statistic",     "pg_subscription",
                                        "pg_file_settings", "pg_hba_file_rules"};
    char sql[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(sql, sizeof sql, "SELECT * FROM pg_catalog.%s", names[i]);
        refused("select", sql);
    }
}

static void setting(const char *name, const char *expected) {
    char sql[128];
    int status = 0;
    snprintf(sql, sizeof sql, "SELECT current_setting('%s') AS value", name);
    mseq_value *reply = attempt("select", all.asset, "read", sql, &status);
    const mseq_value *row = mseq_array_get(mseq_object_get(reply, "rows"), 0);
    assert_int_equal(status, 200);
    assert_string_equal(text_at(row, "value"), expected);
    mseq_value_free(reply);
}

/* Every transaction has its limits, whatever an earlier one of the session set. */
static void test_settings(void **state) {
    (void)state;
    allowed("select", "SELECT set_config('search_path', 'other', false),"
                      " set_config('statement_timeout', '0', false),"
                      " set_config('lock_timeout', '0', false),"
                      " set_config('idle_in_transaction_session_timeout', '0', false)");
    setting("search_path", "pg_catalog, \"public\", pg_temp");
    setting("idle_in_transaction_session_timeout", "1min");
    setting("lock_timeout", "10s");
    setting("statement_timeout", "15s");
    setting("transaction_read_only", "on");
    setting("is_superuser", "off");
}

/* Where the operator lets the TS Manager bound temporary files, a sort that spills ends. */
static void test_temporary_files(void **state) {
    (void)state;
    int status = 0;
    static const char sort[] =
        "SELECT max(n) FROM (SELECT n, row_number() OVER (ORDER BY md5(CAST(n AS text))) AS place"
        " FROM generate_series(1, 200000) AS n) AS sorted";
    char *role = reader_role();
    char *sql = mseq_text_format("ALTER ROLE %s SET temp_file_limit = '256kB';"
                                 "ALTER ROLE %s SET work_mem = '64kB'",
                                 role, role);
    allowed("select", sort);
    on_database(sql);
    mseq_manager_close(all.made->manager);
    all.made->manager = open_timed(all.made->folder);
    mseq_value *reply = attempt("select", all.asset, "read", sort, &status);
    if (status < 400 || strcmp(text_at(reply, "code"), "temporary_files") != 0)
        fail_msg("%d %s", status, text_at(reply, "code"));
    mseq_value_free(reply);
    free(sql);
    sql = mseq_text_format("ALTER ROLE %s RESET temp_file_limit; ALTER ROLE %s RESET work_mem",
                           role, role);
    on_database(sql);
    free(sql);
    free(role);
}

/* ---- As the role itself ------------------------------------------------------------------------
 * Commands that the TS Manager's driver would not even send. */

static void test_commands(void **state) {
    (void)state;
    static const char *const statements[] = {
        "SET ROLE keeper",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION keeper",
        "COPY hidden TO STDOUT",
        "COPY (SELECT * FROM hidden) TO STDOUT",
        "COPY asset FROM STDIN",
        "COPY asset TO '/tmp/x'",
        "COPY account FROM '/etc/passwd'",
        "COPY asset TO PROGRAM 'true'",
        "COPY account FROM PROGRAM 'true'",
        "SELECT id FROM asset FOR UPDATE",
        "SELECT id FROM asset FOR KEY SHARE",
        "DO $$ BEGIN LOCK TABLE hidden; END $$",
        "DO $$ BEGIN LOCK TABLE asset IN ACCESS EXCLUSIVE MODE; END $$",
        "TRUNCATE account",
        "TRUNCATE hidden",
        "DROP TABLE account",
        "ALTER TABLE account ADD COLUMN x int",
        "ALTER TABLE account OWNER TO CURRENT_USER",
        "CREATE INDEX ON account (v)",
        "CREATE TRIGGER t AFTER INSERT ON account EXECUTE FUNCTION tsvector_update_trigger()",
        "CREATE RULE r AS ON INSERT TO account DO INSTEAD NOTHING",
        "CREATE POLICY p ON account USING (true)",
        "CREATE TABLE own (id int)",
        "CREATE TABLE public.own AS SELECT * FROM asset",
        "SELECT * INTO own FROM asset",
        "CREATE VIEW own AS SELECT * FROM asset",
        "CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'select 1'",
        "CREATE SCHEMA own",
        "CREATE EXTENSION dblink",
        "CREATE DATABASE own",
        "CREATE ROLE own",
        "ALTER ROLE CURRENT_USER CREATEROLE",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'",
        "ALTER ROLE CURRENT_USER SET temp_file_limit = -1",
        "ALTER ROLE keeper PASSWORD 'x'",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "GRANT SELECT ON hidden TO CURRENT_USER",
        "GRANT keeper TO CURRENT_USER",
        "CREATE PUBLICATION p FOR TABLE account",
        "CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION own()",
        "EXPLAIN ANALYZE DELETE FROM hidden",
        "DO $$ BEGIN DELETE FROM hidden; END $$",
        "DO $$ BEGIN EXECUTE 'select v from hidden'; END $$",
        "CHECKPOINT",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        char *before = guarded_state();
        role_may(statements[i], false);
        char *after = guarded_state();
        assert_string_equal(before, after);
        free(before);
        free(after);
    }
}

/* What PostgreSQL lets everybody do, so that only the statement check refuses it; and what its
 * operator can do about some of it. */
static void test_what_public_may(void **state) {
    (void)state;
    static const char *const statements[] = {
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_notify('x', 'y')",
        "SELECT set_config('statement_timeout', '0', false)",
        "CREATE TEMP TABLE own (id int)",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        role_may(statements[i], true);
    on_database("REVOKE TEMPORARY ON DATABASE privilege FROM PUBLIC;"
                "REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid),"
                " lo_from_bytea(oid, bytea) FROM PUBLIC");
    for (size_t i = 3; i < sizeof statements / sizeof *statements; i++)
        role_may(statements[i], false);
    on_database("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
}

/* Other sessions are out of reach, but those of the role itself. */
static void test_other_sessions(void **state) {
    (void)state;
    mseq_database *database = open_uri(all.uri);
    mseq_connection *connection = connect_to(database);
    mseq_value *rows = NULL;
    assert_int_equal(mseq_connection_execute(connection, "SELECT pg_backend_pid() AS pid", NULL,
                                             &rows, NULL, NULL),
                     MSEQ_OK);
    char sql[96];
    long long pid = (long long)mseq_object_get_integer(mseq_array_get(rows, 0), "pid", 0);
    mseq_value_free(rows);
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld)", pid);
    refused("select", sql);
    snprintf(sql, sizeof sql, "SELECT pg_cancel_backend(%lld)", pid);
    refused("select", sql);
    mseq_connection_release(connection);
    mseq_database_close(database);
}

static int start(void **state) {
    if (start_keeper_world(state, "privilege") != 0)
        return -1;
    on_database("SET ROLE keeper; INSERT INTO hidden VALUES (1, '" SECRET "');"
                "INSERT INTO asset VALUES (1, 'a'); INSERT INTO account (v) VALUES ('b');"
                "CREATE SCHEMA other; CREATE TABLE other.away (v text);"
                "INSERT INTO other.away VALUES ('" SECRET "');"
                "CREATE SEQUENCE hidden_sequence; RESET ROLE; ANALYZE hidden");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_tables),      cmocka_unit_test(test_reading),
        cmocka_unit_test(test_writing),         cmocka_unit_test(test_functions),
        cmocka_unit_test(test_catalogs),        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_commands),        cmocka_unit_test(test_other_sessions),
        cmocka_unit_test(test_temporary_files), cmocka_unit_test(test_what_public_may),
    };
    return cmocka_run_group_tests(tests, start, stop_world);
}
