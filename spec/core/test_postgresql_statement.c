/* SPDX-License-Identifier: MIT
 * Judging PostgreSQL statements: kind, relations, lists of the allowed, nesting. */
#include <pthread.h>

#include "mainsequence/sql.h"
#include "support.h"

static const mseq_governed_table SCOPE[] = {{"asset", MSEQ_ACCESS_READ, NULL},
                                            {"account", MSEQ_ACCESS_WRITE, NULL},
                                            {"holding", MSEQ_ACCESS_WRITE, NULL},
                                            {"holding_set", MSEQ_ACCESS_WRITE, NULL},
                                            {"trade", MSEQ_ACCESS_READ, "desk"}};
enum { SCOPE_COUNT = sizeof SCOPE / sizeof *SCOPE };

static mseq_status judge_text(const char *sql, size_t length, const char *operation,
                              mseq_error *err) {
    mseq_sql_statement statement = {.kind = 0};
    mseq_status status = mseq_sql_inspect(sql, length, &statement, err);
    if (status == MSEQ_OK)
        status = mseq_sql_check_operation(&statement, operation, err);
    if (status == MSEQ_OK)
        status = mseq_sql_check_scope(&statement, SCOPE, SCOPE_COUNT, "public", err);
    mseq_sql_statement_free(&statement);
    return status;
}

/* `code` NULL: the statement is allowed. */
static void judged(const char *operation, const char *sql, const char *code) {
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_status status = judge_text(sql, strlen(sql), operation, &err);
    if (!code && status != MSEQ_OK)
        fail_msg("%s: refused (%s: %s)", sql, err.code, err.message);
    if (code && status == MSEQ_OK)
        fail_msg("%s: allowed, expected %s", sql, code);
    if (code && (status != MSEQ_E_STATEMENT || strcmp(err.code, code) != 0))
        fail_msg("%s: %s (%s), expected %s", sql, err.code, err.message, code);
}

static void kinds(void **state) {
    (void)state;
    judged("select", "SELECT 1", NULL);
    judged("select", "VALUES (1), (2)", NULL);
    judged("select", "((SELECT symbol FROM asset) UNION (TABLE asset))", NULL);
    judged("insert", "SELECT 1", "kind_mismatch");
    judged("select", "", "kind_mismatch");
    judged("select", " ;; -- nothing\n", "kind_mismatch");
    judged("select", "/* a */ SELECT 1 ; ; -- b", NULL);
    judged("select", "SELECT 1; SELECT 2", "multiple_statements");
    judged("select", "SELECT 1; /* x */ BEGIN", "multiple_statements");
    judged("select", "SELECT 1; --\rDELETE FROM account", "multiple_statements");
    judged("select", "DO $$ BEGIN END $$", "statement_not_allowed");
    judged("upsert", "MERGE INTO account USING asset ON true WHEN MATCHED THEN DELETE",
           "statement_not_allowed");
    judged("select", "SELECT FROM WHERE", "invalid_statement");
    judged("select", "SELECT 'open", "invalid_statement");
    judged("select", "SELECT * INTO other FROM asset", "statement_not_allowed");
    judged("select", "SELECT * FROM (SELECT * FROM asset FOR UPDATE) q", "statement_not_allowed");
    judged("insert", "INSERT INTO account SELECT * FROM asset FOR SHARE", "statement_not_allowed");
    judged("insert",
           "WITH x AS (INSERT INTO holding DEFAULT VALUES RETURNING 1) "
           "INSERT INTO account SELECT 1 FROM x",
           NULL);
    judged("insert",
           "WITH x AS (UPDATE holding SET q = 1 RETURNING 1) "
           "INSERT INTO account SELECT 1 FROM x",
           "kind_mismatch");
    judged("update", "WITH x AS (DELETE FROM holding RETURNING 1) UPDATE account SET s = 'x'",
           "kind_mismatch");
    judged("update", "WITH x AS (UPDATE holding SET q = 1 RETURNING 1) UPDATE account SET s = 'x'",
           NULL);
    judged("upsert", "INSERT INTO account (uid) VALUES (1)", "kind_mismatch");
    judged("insert", "INSERT INTO account (uid) VALUES (1) ON CONFLICT (uid) DO UPDATE SET s = 'x'",
           "kind_mismatch");
    judged("upsert", "INSERT INTO account (uid) VALUES (1) ON CONFLICT (uid) DO UPDATE SET s = 'x'",
           NULL);
    judged("upsert",
           "WITH i AS (INSERT INTO account (uid) VALUES (1) ON CONFLICT DO NOTHING "
           "RETURNING uid) DELETE FROM holding USING i",
           "kind_mismatch");
    judged("select",
           "WITH i AS (INSERT INTO account (uid) VALUES (1) ON CONFLICT DO NOTHING "
           "RETURNING uid) SELECT * FROM i",
           "kind_mismatch");
}

static void relations(void **state) {
    (void)state;
    static const char scope[] = "scope_violation";
    judged("select", "SELECT * FROM hidden", scope);
    judged("select", "SELECT * FROM public.asset", NULL);
    judged("select", "SELECT * FROM desk.trade", NULL);
    judged("select", "SELECT * FROM trade", scope);
    judged("select", "SELECT * FROM desk.asset", scope);
    judged("select", "SELECT * FROM base.public.asset", scope);
    judged("select", "SELECT * FROM \"Asset\"", scope);
    judged("select", "SELECT * FROM ASSET", NULL);
    judged("select", "SELECT * FROM pg_class", scope);
    judged("select", "SELECT * FROM pg_catalog.pg_class", scope);
    judged("select", "SELECT * FROM information_schema.tables", scope);
    judged("select", "SELECT * FROM asset a, LATERAL (SELECT * FROM hidden h WHERE h.v = a.uid) q",
           scope);
    judged("select", "SELECT * FROM asset a, LATERAL (SELECT a.uid AS hidden) q", NULL);
    judged("select", "SELECT (SELECT count(*) FROM hidden)", scope);
    judged("select", "SELECT 1 ORDER BY (SELECT v FROM hidden)", scope);
    judged("select", "SELECT 1 LIMIT (SELECT v FROM hidden)", scope);
    judged("select", "SELECT sum(1) OVER (ORDER BY (SELECT v FROM hidden)) FROM asset", scope);
    judged("select", "SELECT sum(1) FILTER (WHERE EXISTS (TABLE hidden)) FROM asset", scope);
    judged("select", "SELECT * FROM generate_series(1, (SELECT v FROM hidden)) g", scope);
    judged("select", "SELECT * FROM asset TABLESAMPLE system ((SELECT v FROM hidden))", scope);
    judged("select", "SELECT ARRAY(SELECT v FROM hidden)", scope);
    judged("select", "SELECT 1 UNION SELECT v FROM hidden", scope);
    judged("select", "VALUES ((SELECT v FROM hidden))", scope);
    judged("insert", "INSERT INTO account (uid) VALUES (1) RETURNING (SELECT v FROM hidden)",
           scope);
    judged("upsert",
           "INSERT INTO account (uid) VALUES (1) ON CONFLICT (uid) DO UPDATE SET s = "
           "(SELECT v FROM hidden)",
           scope);
    judged("upsert",
           "INSERT INTO account (uid) VALUES (1) ON CONFLICT (uid) WHERE EXISTS "
           "(SELECT 1 FROM hidden) DO NOTHING",
           scope);
    judged("update", "UPDATE account SET (s, uid) = (SELECT v, 1 FROM hidden)", scope);
    judged("delete", "DELETE FROM account USING hidden", scope);
    judged("delete", "DELETE FROM asset", "write_not_permitted");
    judged("insert", "INSERT INTO hidden VALUES (1)", scope);
    judged("insert", "INSERT INTO desk.trade VALUES (1)", "write_not_permitted");
    /* names of WITH */
    judged("select", "WITH hidden AS (SELECT 1 AS v) SELECT v FROM hidden", NULL);
    judged("select", "WITH hidden AS (SELECT * FROM hidden) SELECT v FROM hidden", scope);
    judged("select", "WITH a AS (TABLE hidden), hidden AS (SELECT 1) TABLE hidden", scope);
    judged("select", "WITH hidden AS (SELECT 1), a AS (TABLE hidden) TABLE a", NULL);
    judged("select", "WITH RECURSIVE a AS (TABLE hidden), hidden AS (SELECT 1) TABLE a", NULL);
    judged("select",
           "WITH RECURSIVE hidden(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM hidden) "
           "SELECT n FROM hidden LIMIT 5",
           NULL);
    judged("select", "WITH hidden AS (SELECT 1) SELECT * FROM public.hidden", scope);
    judged("select", "SELECT * FROM (WITH hidden AS (SELECT 1) TABLE hidden) a, hidden", scope);
    judged("select", "WITH hidden AS (SELECT 1) SELECT (SELECT count(*) FROM hidden)", NULL);
    judged("select", "(WITH hidden AS (SELECT 1 AS v) SELECT v FROM hidden) UNION TABLE hidden",
           scope);
    judged("select", "WITH hidden AS (SELECT 1 AS v) SELECT v FROM hidden UNION TABLE hidden",
           NULL);
    judged("select", "WITH a AS (WITH hidden AS (SELECT 1) TABLE hidden) SELECT * FROM a, hidden",
           scope);
    judged("select", "WITH Hidden AS (SELECT 1) SELECT * FROM \"Hidden\"", scope);
    judged("insert", "WITH hidden AS (SELECT 1) INSERT INTO hidden SELECT 1", scope);
    judged("update", "WITH hidden AS (SELECT 1) UPDATE hidden SET v = 1", scope);
    judged("delete", "WITH hidden AS (SELECT 1) DELETE FROM hidden", scope);
    judged("insert", "WITH h AS (SELECT 1) INSERT INTO account SELECT * FROM h", NULL);
    judged("insert", "INSERT INTO account WITH hidden AS (SELECT 1) TABLE hidden", NULL);
    judged("insert",
           "INSERT INTO account WITH hidden AS (SELECT 1) TABLE hidden "
           "RETURNING (SELECT 1 FROM hidden)",
           scope);
}

static void lists(void **state) {
    (void)state;
    static const char function[] = "function_not_allowed",
                      type[] = "type_not_allowed", operator[] = "operator_not_allowed";
    judged("select", "SELECT lower('X'), count(*), now(), coalesce(1, 2), greatest(1, 2)", NULL);
    judged("select", "SELECT pg_catalog.lower('x')", NULL);
    judged("select", "SELECT public.lower('x')", function);
    judged("select", "SELECT pg_sleep(1)", function);
    judged("select", "SELECT \"Lower\"('x')", function);
    judged("select", "SELECT regclass('hidden')", function);
    judged("select", "SELECT query_to_xml('select 1', true, true, '')", function);
    judged("select", "SELECT ts_stat('select 1')", function);
    judged("select", "SELECT ts_rewrite('a'::tsquery, 'select 1')", function);
    judged("select", "SELECT nextval('s')", function);
    judged("select", "SELECT current_schema, session_user", function);
    judged("select", "SELECT CURRENT_DATE, LOCALTIMESTAMP(3)", NULL);
    judged("select", "SELECT * FROM current_user", function);
    judged("select", "SELECT * FROM pg_ls_dir('.')", function);
    judged("select", "SELECT * FROM ROWS FROM (generate_series(1, 2), pg_ls_dir('.'))", function);
    judged("select", "SELECT * FROM asset TABLESAMPLE evil (1)", function);
    judged("select", "SELECT xmlelement(name a)", "statement_not_allowed");
    /* calls in the form of columns */
    judged("select", "SELECT f.pg_read_file FROM unnest(ARRAY['/etc/passwd']) f", function);
    judged("select", "SELECT generate_series.pg_sleep FROM generate_series(3, 3)", function);
    judged("select", "SELECT ('/etc/passwd'::text).pg_read_file", function);
    judged("select", "SELECT (SELECT f.pg_sleep FROM asset) FROM generate_series(3, 3) AS f(n)",
           function);
    judged("select", "SELECT f.n, f.f FROM generate_series(3, 3) AS f(n)", NULL);
    judged("select", "SELECT e.key, e.value FROM jsonb_each('{}') e", NULL);
    judged("select", "SELECT r.a FROM json_to_record('{}') AS r(a int, b text)", NULL);
    judged("select", "SELECT r.a FROM json_to_record('{}') AS r(a regclass)", type);
    judged("select", "SELECT a.name, a.date FROM asset a", NULL);
    /* types and operators */
    judged("select", "SELECT '1'::int, CAST('a' AS varchar(5)), ARRAY['x']::text[]", NULL);
    judged("select", "SELECT TIMESTAMP WITH TIME ZONE '2020-01-01', DATE '2020-01-01'", NULL);
    judged("select", "SELECT uuid '00000000-0000-0000-0000-000000000000'", NULL);
    judged("select", "SELECT 'hidden'::pg_catalog.regclass", type);
    judged("select", "SELECT REGCLASS 'hidden'", type);
    judged("select", "SELECT '{hidden}'::regclass[]", type);
    judged("select", "SELECT NULL::hidden", type);
    judged("select", "SELECT NULL::public.text", type);
    judged("select", "SELECT ARRAY[]::oid[]", type);
    judged("select", "SELECT 1 OPERATOR(pg_catalog.+) 2", NULL);
    judged("select", "SELECT 1 OPERATOR(public.+) 2", operator);
    judged("select", "SELECT 1 ~~~~ 2", operator);
    judged("select", "SELECT 1 WHERE 1 OPERATOR(public.=) ANY (ARRAY[1])", operator);
    judged("select", "SELECT 1 WHERE 1 OPERATOR(public.=) ANY (SELECT 1)", operator);
    judged("select", "SELECT 1 ORDER BY 1 USING OPERATOR(public.<)", operator);
    judged("select",
           "SELECT 1 BETWEEN 0 AND 2, 'a' LIKE 'b' ESCAPE 'c', 'a' SIMILAR TO 'b', "
           "1 IN (1, 2), 1 IS DISTINCT FROM 2, NULLIF(1, 2), 'a' ILIKE 'b'",
           NULL);
    judged("select", "SELECT 'a' COLLATE \"C\"", NULL);
    judged("select", "SELECT 'a' COLLATE public.evil", "collation_not_allowed");
    judged("select", "SELECT $1, $2::uuid", NULL);
    judged("select",
           "SELECT symbol, rank() OVER w, count(*) FILTER (WHERE uid > 1) FROM asset "
           "GROUP BY GROUPING SETS ((symbol, uid), ()) WINDOW w AS (ORDER BY symbol)",
           NULL);
    judged("select",
           "SELECT extract(year FROM now()), substring('a' FROM 1), trim('a'), "
           "overlay('a' PLACING 'b' FROM 1), position('a' IN 'b'), "
           "now() AT TIME ZONE 'UTC'",
           NULL);
    judged("select", "SELECT 1 WHERE CURRENT OF c", "invalid_statement");
    judged("delete", "DELETE FROM account WHERE CURRENT OF c", "statement_not_allowed");
}

/* Literals, comments and quotes as PostgreSQL reads them: what stands in them is no code. */
static void lexing(void **state) {
    (void)state;
    judged("select", "SELECT 'a;b', \"symbol\" FROM asset", NULL);
    judged("select", "SELECT E'\\'; DELETE FROM account; --'", NULL);
    judged("select", "SELECT E'a'\n'\\'; DELETE FROM account; --'", NULL);
    judged("select", "SELECT E'a' -- x\n  '\\'; DELETE FROM account; --'",
           "invalid_statement"); /* no literal goes on after a comment */
    judged("select", "SELECT 'a'\n'\\'; SELECT '1'", "multiple_statements");
    judged("select", "SELECT $a$ ; $b$ ; $a$", NULL);
    judged("select", "SELECT $$;$$ /* ; /* ; */ ; */", NULL);
    judged("select", "SELECT /* ; /* ; */ 1", "invalid_statement");
    judged("select", "SELECT 1 -- a\r; DELETE FROM account", "multiple_statements");
    judged("select", "SELECT U&'d\\0061t' , U&\"\\0061sset\".* FROM U&\"\\0061sset\"", NULL);
    judged("select", "SELECT a$b$ FROM (SELECT 1 AS a$b$) q; DELETE FROM account -- $b$",
           "multiple_statements");
}

/* ---- Nesting -----------------------------------------------------------------------------------
 */

/* head, `count` times open, middle, `count` times close, tail */
typedef struct shape {
    const char *name, *head, *open, *middle, *close, *tail;
    size_t per; /* how much of the construct one repetition is */
} shape;

static const shape SHAPES[] = {
    {"parentheses", "SELECT ", "(", "1", ")", "", 1},
    {"brackets", "SELECT ", "ARRAY[", "1", "]", "", 1},
    {"calls", "SELECT ", "abs(", "1", ")", "", 1},
    {"cases", "SELECT ", "CASE WHEN true THEN ", "1", " END", "", 1},
    {"cases in conditions", "SELECT ", "CASE WHEN ", "true", " THEN true END", "", 1},
    {"sums", "SELECT 1", "+1", "", "", "", 1},
    {"signs", "SELECT ", "- ", "1", "", "", 1},
    {"signs without space", "SELECT 1 ", "+", "1", "", "", 1},
    {"casts", "SELECT 1", "::int", "", "", "", 1},
    {"NOTs", "SELECT ", "NOT ", "true", "", "", 1},
    {"collations", "SELECT 'a'", " COLLATE \"C\"", "", "", "", 1},
    {"zones", "SELECT now()", " AT TIME ZONE 'UTC'", "", "", "", 1},
    {"betweens", "SELECT ", "1 BETWEEN 1 AND NOT ", "true", "", "", 2},
    {"distincts", "SELECT ", "1 IS DISTINCT FROM NOT ", "true", "", "", 2},
    {"named operators", "SELECT 1.", " OPERATOR(+) 1.", "", "", "", 1},
    {"concatenation", "SELECT ''", "||''", "", "", "", 1},
    {"sub-queries", "", "(SELECT ", "1", ")", "", 1},
    {"sub-queries in FROM", "SELECT 1 FROM ", "(SELECT 1 FROM ", "asset", ") q", "", 1},
    {"unions", "VALUES (1)", " UNION ALL VALUES (1)", "", "", "", 1},
    {"joins", "SELECT 1 FROM asset", " CROSS JOIN asset", "", "", "", 1},
};

static char *build(const shape *s, size_t count, size_t *length) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_text(&text, s->head);
    for (size_t i = 0; i < count; i++)
        mseq_buffer_append_text(&text, s->open);
    mseq_buffer_append_text(&text, s->middle);
    for (size_t i = 0; i < count; i++)
        mseq_buffer_append_text(&text, s->close);
    mseq_buffer_append_text(&text, s->tail);
    *length = text.length;
    return mseq_buffer_take(&text);
}

static mseq_status judge_shape(const shape *s, size_t count, mseq_error *err) {
    size_t length = 0;
    char *text = build(s, count, &length);
    mseq_status status = judge_text(text, length, "select", err);
    free(text);
    return status;
}

static void check_shape(const shape *s) {
    mseq_error err = MSEQ_ERROR_INIT;
    size_t most = 2000 / s->per;
    mseq_status status = judge_shape(s, most - 2, &err);
    if (status != MSEQ_OK && strcmp(err.code, "nesting_too_deep") == 0)
        fail_msg("%s: %zu are refused: %s", s->name, most - 2, err.message);
    mseq_error_clear(&err);
    status = judge_shape(s, most + 2, &err);
    if (status != MSEQ_E_STATEMENT || strcmp(err.code, "nesting_too_deep") != 0)
        fail_msg("%s: %zu are not refused for their depth: %s %s", s->name, most + 2, err.code,
                 err.message);
    mseq_error_clear(&err);
    status = judge_shape(s, 1024 * 1024 / (strlen(s->open) + strlen(s->close)), &err);
    if (status != MSEQ_E_STATEMENT || strcmp(err.code, "nesting_too_deep") != 0)
        fail_msg("%s: a megabyte of them: %s", s->name, err.message);
}

static void *check_shapes(void *data) {
    (void)data;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
        check_shape(&SHAPES[i]);
    return NULL;
}

/* The caller's stack may be small. */
static void nesting(void **state) {
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attributes, check_shapes, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

/* The deepest that the bounds let through: every kind of nesting at once. */
static void nesting_together(void **state) {
    (void)state;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_error err = MSEQ_ERROR_INIT;
    mseq_buffer_append_text(&text, "SELECT ");
    for (int i = 0; i < 1990; i++)
        mseq_buffer_append_text(&text, "(SELECT NOT ");
    mseq_buffer_append_text(&text, "true");
    for (int i = 0; i < 1990; i++)
        mseq_buffer_append_text(&text, " FROM asset CROSS JOIN asset)");
    mseq_status status = judge_text(mseq_buffer_text(&text), text.length, "select", &err);
    if (status != MSEQ_OK)
        fail_msg("%s: %s", err.code, err.message);
    mseq_buffer_free(&text);
}

/* Lists, rows and conditions joined by AND and OR do not nest. */
static void wide(void **state) {
    static const shape shapes[] = {
        {"list", "SELECT 1 IN (1", ", -1", "", "", ")", 1},
        {"rows", "VALUES (-1)", ", (-1 + 1)", "", "", "", 1},
        {"conditions", "SELECT 1 FROM asset WHERE uid = 1", " OR uid = 1 AND symbol <> 'a'", "", "",
         "", 1},
        {"columns", "SELECT 1 = 1", ", NOT false AS not", "", "", "", 1},
        {"cases", "SELECT CASE", " WHEN 1 = 1 THEN - 1", "", "", " END", 1},
        {"names", "SELECT a.from FROM asset a WHERE a.and = 1", " AND a.case = 1", "", "", "", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        mseq_error err = MSEQ_ERROR_INIT;
        if (judge_shape(&shapes[i], 20000, &err) != MSEQ_OK)
            fail_msg("%s: %s", shapes[i].name, err.message);
    }
}

static void many_names(void **state) {
    static const shape with = {
        "WITH", "WITH a AS (SELECT 1)", ", b AS (VALUES (1))", "", "", " SELECT 1", 1};
    static const shape from = {"FROM", "SELECT 1 FROM asset", ", asset", "", "", "", 1};
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    assert_int_equal(judge_shape(&with, 1999, &err), MSEQ_OK);
    assert_int_equal(judge_shape(&with, 2000, &err), MSEQ_E_STATEMENT);
    assert_string_equal(err.code, "nesting_too_deep");
    mseq_error_clear(&err);
    assert_int_equal(judge_shape(&from, 9999, &err), MSEQ_OK);
    assert_int_equal(judge_shape(&from, 10000, &err), MSEQ_E_STATEMENT);
    assert_string_equal(err.code, "nesting_too_deep");
}

/* ---- Facts and the golden verdicts -------------------------------------------------------------
 */

static void facts(void **state) {
    static const char sql[] =
        "WITH d AS (DELETE FROM holding RETURNING 1) INSERT INTO account (uid) "
        "SELECT lower(a.symbol) || upper(b.name) FROM asset a, desk.trade b, d, asset c "
        "ON CONFLICT (uid) DO UPDATE SET s = account.s";
    mseq_sql_statement s = {.kind = 0};
    (void)state;
    assert_int_equal(mseq_sql_inspect(sql, sizeof sql - 1, &s, NULL), MSEQ_OK);
    assert_int_equal(s.kind, MSEQ_SQL_INSERT);
    assert_int_equal(s.changes, 1u << MSEQ_SQL_INSERT | 1u << MSEQ_SQL_DELETE);
    assert_true(s.on_conflict && s.conflict_update);
    assert_int_equal(s.relation_count, 4);
    assert_string_equal(s.relations[0].name, "account");
    assert_true(s.relations[0].written);
    assert_string_equal(s.relations[1].name, "asset");
    assert_false(s.relations[1].written);
    assert_null(s.relations[1].schema);
    assert_string_equal(s.relations[2].name, "holding");
    assert_true(s.relations[2].written);
    assert_string_equal(s.relations[3].schema, "desk");
    assert_int_equal(s.functions.count, 2);
    assert_string_equal(s.functions.items[0], "lower");
    assert_int_equal(s.operators.count, 1);
    assert_string_equal(s.operators.items[0], "||");
    assert_int_equal(s.attributes.count, 3);
    assert_string_equal(s.attributes.items[1], "s");
    mseq_sql_statement_free(&s);
}

static void golden_case(const mseq_value *item) {
    const char *given = mseq_object_get_text(item, "sql");
    const mseq_value *verdicts = mseq_object_get(item, "postgresql");
    mseq_sql_text text = {.text = NULL};
    if (strcmp(given, "(empty)") == 0)
        given = "";
    assert_int_equal(mseq_sql_from_pyformat(given, strlen(given), MSEQ_POSTGRESQL, &text, NULL),
                     MSEQ_OK);
    for (size_t k = 0; k < mseq_value_length(verdicts); k++) {
        const char *operation = mseq_object_key_at(verdicts, k);
        bool allowed = strcmp(mseq_value_get_text(mseq_object_value_at(verdicts, k)), "allow") == 0;
        mseq_error err = MSEQ_ERROR_INIT;
        mseq_status status = judge_text(text.text, text.length, operation, &err);
        if ((status == MSEQ_OK) != allowed)
            fail_msg("%s under %s: %s", given, operation, allowed ? err.message : "allowed");
    }
    mseq_sql_text_free(&text);
}

static void golden(void **state) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_value *data = NULL;
    (void)state;
    assert_int_equal(mseq_file_read(MSEQ_SPEC_DIR "/golden/governance.json", SIZE_MAX, &text, NULL),
                     MSEQ_OK);
    assert_int_equal(mseq_json_parse(text.data, text.length, 0, &data, NULL), MSEQ_OK);
    const mseq_value *cases = mseq_object_get(data, "cases");
    assert_true(mseq_value_length(cases) > 50);
    for (size_t i = 0; i < mseq_value_length(cases); i++)
        golden_case(mseq_array_get(cases, i));
    mseq_value_free(data);
    mseq_buffer_free(&text);
}

static void misuse(void **state) {
    mseq_error err = MSEQ_ERROR_INIT;
    (void)state;
    assert_int_equal(judge_text("SELECT 1", 8, "merge", &err), MSEQ_E_ARGUMENT);
    mseq_error_clear(&err);
    assert_int_equal(judge_text("SELECT\0 1", 9, "select", &err), MSEQ_E_STATEMENT);
    assert_string_equal(err.code, "invalid_statement");
    mseq_error_clear(&err);
    assert_int_equal(judge_text("SELECT '\xff'", 10, "select", &err), MSEQ_E_STATEMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),  cmocka_unit_test(relations),  cmocka_unit_test(lists),
        cmocka_unit_test(lexing), cmocka_unit_test(nesting),    cmocka_unit_test(nesting_together),
        cmocka_unit_test(wide),   cmocka_unit_test(many_names), cmocka_unit_test(facts),
        cmocka_unit_test(golden), cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
