/* SPDX-License-Identifier: MIT
 * Effects of statements that their text does not show: triggers, cascades, row security, tables
 * that inherit, sequences. Whose rights they need, and what the roles of users decide about them
 * (governance F2, F3, F8, F10, F15, F16). The data source's user is no superuser. */
#include "fence_helpers.h"

static void expect_rows(const char *uid, const char *sql, const char *expected) {
    char body[2048];
    operation_body(body, "select", uid, "read", sql);
    mseq_value *reply =
        expect_remote(all.made->manager, all.reader, "POST", META "execute-operation/", body, 200);
    char *rows = to_text(mseq_object_get(reply, "rows"));
    assert_string_equal(rows, expected);
    free(rows);
    mseq_value_free(reply);
}

/* A trigger runs with the rights of who writes. */
static void test_trigger(void **state) {
    (void)state;
    char audit[37];
    register_table("audit", audit);
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('plain')", 200, NULL);
    on_database("SET ROLE keeper; CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN INSERT INTO public.audit VALUES (NEW.id); RETURN NEW; END $$;"
                "CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON account FOR EACH ROW"
                " EXECUTE FUNCTION note()");
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 403,
            "insufficient_privilege");
    execute("update", all.account, "write", "UPDATE account SET v = 'x'", 403,
            "insufficient_privilege");
    execute("upsert", all.account, "write",
            "INSERT INTO account (id, v) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'x'",
            403, "insufficient_privilege");
    expect_answer("SELECT count(*) FROM account WHERE v = 'x'", "0");
    expect_answer("SELECT count(*) FROM audit", "0");
    share(audit, "add-to-view");
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 403,
            "insufficient_privilege");
    share(audit, "add-to-edit");
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('x')", 200, NULL);
    expect_answer("SELECT count(*) FROM audit", "1");
    on_database("DROP TRIGGER noted ON account; DROP FUNCTION note()");
    share(audit, "remove-from-edit");
    share(audit, "remove-from-view");
}

/* A foreign key acts with the rights of its table: who may change the one end may have the other
 * follow. */
static void test_cascades(void **state) {
    (void)state;
    char parent[37];
    on_database("SET ROLE keeper; CREATE TABLE parent (id int PRIMARY KEY, v text);"
                "CREATE TABLE child (id int, parent_id int REFERENCES parent ON UPDATE CASCADE"
                " ON DELETE CASCADE);"
                "INSERT INTO parent VALUES (1, 'a'), (2, 'b');"
                "INSERT INTO child VALUES (1, 1), (2, 2)");
    register_table("parent", parent);
    share(parent, "add-to-edit");
    execute("update", parent, "write", "UPDATE parent SET id = 10 WHERE id = 1", 200, NULL);
    expect_answer("SELECT string_agg(parent_id::text, ',' ORDER BY id) FROM child", "10,2");
    execute("upsert", parent, "write",
            "INSERT INTO parent (id, v) VALUES (2, 'c') ON CONFLICT (id) DO UPDATE SET id = 20",
            200, NULL);
    expect_answer("SELECT string_agg(parent_id::text, ',' ORDER BY id) FROM child", "10,20");
    role_may("UPDATE child SET parent_id = 2", false);
    role_may("SELECT * FROM child", false);
}

/* Row security holds for roles of users, not for the owner of the table. */
static void test_row_security(void **state) {
    (void)state;
    char owned[37];
    on_database("SET ROLE keeper; CREATE TABLE owned (id int PRIMARY KEY, v text);"
                "INSERT INTO owned VALUES (1, 'seen'), (2, 'not');"
                "CREATE FUNCTION is_seen(text) RETURNS boolean LANGUAGE sql STABLE AS"
                " $$ SELECT $1 = 'seen' $$;"
                "ALTER TABLE owned ENABLE ROW LEVEL SECURITY;"
                "CREATE POLICY seen ON owned USING (public.is_seen(v))");
    register_table("owned", owned);
    share(owned, "add-to-edit");
    expect_rows(owned, "SELECT id FROM owned", "[{\"id\": 1}]");
    execute("insert", owned, "write", "INSERT INTO owned VALUES (3, 'not')", 403,
            "insufficient_privilege");
    execute("insert", owned, "write", "INSERT INTO owned VALUES (3, 'seen')", 200, NULL);
    execute("update", owned, "write", "UPDATE owned SET v = 'not'", 403, "insufficient_privilege");
    execute("delete", owned, "write", "DELETE FROM owned", 200, NULL);
    expect_answer("SELECT string_agg(id::text, ',') FROM owned", "2");
}

/* `heir` NULL: only the parent is in the scope. */
static void on_family(const char *kind, const char *access, const char *sql, const char *parent,
                      const char *heir, const char *heir_access, int status, const char *code) {
    char body[2048], second[160] = "";
    if (heir)
        snprintf(second, sizeof second, ", {\"meta_table_uid\": \"%s\", \"access\": \"%s\"}", heir,
                 heir_access);
    snprintf(body, sizeof body,
             "{\"operation\": \"%s\", \"version\": \"compiled-sql.v1\", \"dialect\": "
             "\"postgresql\", \"statement\": {\"sql\": \"%s\", \"parameters\": {}, \"paramstyle\": "
             "\"pyformat\"}, \"scope\": {\"data_source_uid\": \"%s\", \"tables\": "
             "[{\"meta_table_uid\": \"%s\", \"access\": \"%s\"}%s]}}",
             kind, sql, all.source, parent, access, second);
    mseq_value *reply = expect_remote(all.made->manager, all.reader, "POST",
                                      META "execute-operation/", body, status);
    if (code) {
        char *text = to_text(reply);
        assert_string_equal(text_at(reply, "code"), code);
        assert_null(strstr(text, "heir"));
        free(text);
    }
    mseq_value_free(reply);
}

/* Rows of a table that inherits are rows of its parent: as long as nobody has registered it. */
static void test_inheritance(void **state) {
    (void)state;
    static const char reading[] = "SELECT id FROM family";
    static const char writing[] = "UPDATE family SET v = 'y'";
    char family[37], heir[37];
    on_database("SET ROLE keeper; CREATE TABLE family (id int, v text);"
                "CREATE TABLE middle () INHERITS (family); CREATE TABLE heir () INHERITS (middle);"
                "INSERT INTO heir VALUES (7, 'x')");
    register_table("family", family);
    share(family, "add-to-edit");
    expect_rows(family, reading, "[{\"id\": 7}]");
    on_family("update", "write", writing, family, NULL, NULL, 200, NULL);
    expect_answer("SELECT v FROM heir", "y");
    register_table("heir", heir);
    on_family("select", "read", reading, family, NULL, NULL, 400, "scope_violation");
    on_family("update", "write", writing, family, NULL, NULL, 400, "scope_violation");
    on_family("delete", "write", "DELETE FROM family", family, NULL, NULL, 400, "scope_violation");
    on_family("insert", "write", "INSERT INTO account (v) SELECT v FROM family", all.account,
              family, "read", 400, "scope_violation");
    on_family("select", "read", reading, family, heir, "read", 404, "not_found");
    share(heir, "add-to-view");
    on_family("select", "read", reading, family, heir, "read", 200, NULL);
    /* what was let pass with that scope is not let pass without */
    on_family("select", "read", reading, family, NULL, NULL, 400, "scope_violation");
    on_family("update", "write", writing, family, heir, "read", 400, "scope_violation");
    share(heir, "add-to-edit");
    on_family("update", "write", writing, family, heir, "write", 200, NULL);
}

/* Partitions are parts of their table, registered or not (F9). */
static void test_partitions(void **state) {
    (void)state;
    char whole[37], part[37];
    on_database("SET ROLE keeper; CREATE TABLE whole (id int, v text) PARTITION BY RANGE (id);"
                "CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (10)");
    register_table("whole", whole);
    register_table("part", part);
    share(whole, "add-to-edit");
    execute("insert", whole, "write", "INSERT INTO whole VALUES (1, 'x')", 200, NULL);
    expect_rows(whole, "SELECT id FROM whole", "[{\"id\": 1}]");
    role_may("SELECT * FROM part", false);
}

/* A table out of the scope is refused before anything of it is looked at, so that no time tells of
 * it: one that is there answers like one that is not. */
static void test_hidden_tables(void **state) {
    (void)state;
    static const char *const names[] = {"hidden", "nowhere"};
    char sql[160], *texts[2];
    for (size_t i = 0; i < 2; i++) {
        char body[2048];
        snprintf(sql, sizeof sql, "SELECT id FROM asset WHERE EXISTS (SELECT FROM %s)", names[i]);
        operation_body(body, "select", all.asset, "read", sql);
        mseq_value *reply = expect_remote(all.made->manager, all.reader, "POST",
                                          META "execute-operation/", body, 400);
        texts[i] = to_text(reply);
        assert_string_equal(text_at(reply, "code"), "scope_violation");
        mseq_value_free(reply);
    }
    for (size_t i = 0; i < 2; i++) { /* word for word, but for the name that the caller wrote */
        char *at = strstr(texts[i], names[i]);
        assert_non_null(at);
        memmove(at, at + strlen(names[i]), strlen(at + strlen(names[i])) + 1);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

/* Inserts that fail use up numbers of a sequence, as everywhere: accepted. It cannot be set. */
static void test_sequences(void **state) {
    (void)state;
    execute("insert", all.account, "write", "INSERT INTO account (v) VALUES ('one')", 200, NULL);
    execute("insert", all.account, "write",
            "INSERT INTO account (v) SELECT 'x' FROM account WHERE 1 / (id - id) > 0", 400,
            "invalid_value");
    role_may("SELECT nextval('account_id_seq')", true);
    role_may("SELECT setval('account_id_seq', 1000000)", false);
    role_may("ALTER SEQUENCE account_id_seq RESTART", false);
    execute("insert", all.account, "write",
            "INSERT INTO account (id) SELECT setval('account_id_seq', 1000000)", 400,
            "function_not_allowed");
    char *after = ask_database("SELECT last_value < 1000 FROM account_id_seq");
    assert_string_equal(after, "true");
    free(after);
}

static int start(void **state) {
    if (start_keeper_world(state, "effects") != 0)
        return -1;
    on_database("SET ROLE keeper; CREATE TABLE audit (id int)");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trigger),      cmocka_unit_test(test_cascades),
        cmocka_unit_test(test_row_security), cmocka_unit_test(test_inheritance),
        cmocka_unit_test(test_partitions),   cmocka_unit_test(test_hidden_tables),
        cmocka_unit_test(test_sequences),
    };
    return cmocka_run_group_tests(tests, start, stop_world);
}
