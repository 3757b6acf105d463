/* SPDX-License-Identifier: MIT
 * What is known about texts of governed statements: facts by the text alone, so that operation and
 * scope are compared anew each time, and when the database was last asked about the rest. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

enum {
    VERDICTS = 64,
    CHECK_MS = 5000 /* what a change that is made past the TS Manager may be late */
};

typedef struct verdict {
    char *sql, *schema;
    size_t length;
    uint64_t hash;
    mseq_sql_statement facts;
    int64_t checked;  /* monotonic ms; 0: never */
    bool plain;       /* no code of the tables' owners runs */
    int64_t revision; /* that it was checked under */
    uint64_t last_used;
} verdict;

struct postgresql_verdicts {
    verdict list[VERDICTS];
    size_t count;
    uint64_t clock;
};

static const char *schema_of(const mseq_governed_statement *statement) {
    return statement->schema ? statement->schema : "public";
}

static void verdict_free(verdict *v) {
    free(v->sql);
    free(v->schema);
    mseq_sql_statement_free(&v->facts);
}

void postgresql_verdicts_free(struct postgresql_verdicts *verdicts) {
    for (size_t i = 0; verdicts && i < verdicts->count; i++)
        verdict_free(&verdicts->list[i]);
    free(verdicts);
}

static verdict *find(struct postgresql_verdicts *verdicts, const mseq_governed_statement *statement,
                     uint64_t hash) {
    for (size_t i = 0; i < verdicts->count; i++) {
        verdict *v = &verdicts->list[i];
        if (v->hash == hash && v->length == statement->sql_length &&
            memcmp(v->sql, statement->sql, v->length) == 0 &&
            strcmp(v->schema, schema_of(statement)) == 0)
            return v;
    }
    return NULL;
}

/* A free place, or that of the one that was not used longest. */
static verdict *place(struct postgresql_verdicts *verdicts) {
    if (verdicts->count < VERDICTS)
        return &verdicts->list[verdicts->count++];
    verdict *oldest = &verdicts->list[0];
    for (size_t i = 1; i < VERDICTS; i++)
        if (verdicts->list[i].last_used < oldest->last_used)
            oldest = &verdicts->list[i];
    verdict_free(oldest);
    return oldest;
}

static mseq_status add(struct postgresql_verdicts *verdicts,
                       const mseq_governed_statement *statement, uint64_t hash, verdict **added,
                       mseq_error *err) {
    verdict made = {.length = statement->sql_length, .hash = hash};
    mseq_status status = mseq_sql_inspect(statement->sql, statement->sql_length, &made.facts, err);
    if (status != MSEQ_OK)
        return status;
    made.sql = malloc(made.length + 1);
    made.schema = strdup(schema_of(statement));
    if (!made.sql || !made.schema) {
        verdict_free(&made);
        return mseq_error_no_memory(err);
    }
    memcpy(made.sql, statement->sql, made.length);
    made.sql[made.length] = '\0';
    *added = place(verdicts);
    **added = made;
    return MSEQ_OK;
}

mseq_status postgresql_verdict_find(postgresql_session *session,
                                    const mseq_governed_statement *statement,
                                    postgresql_verdict *known, mseq_error *err) {
    uint64_t hash = mseq_hash_bytes(statement->sql, statement->sql_length);
    if (!session->verdicts)
        session->verdicts = calloc(1, sizeof *session->verdicts);
    if (!session->verdicts)
        return mseq_error_no_memory(err);
    verdict *found = find(session->verdicts, statement, hash);
    mseq_status status = found ? MSEQ_OK : add(session->verdicts, statement, hash, &found, err);
    if (status == MSEQ_OK)
        status = mseq_sql_check_operation(&found->facts, statement->operation, err);
    if (status == MSEQ_OK)
        status = mseq_sql_check_scope(&found->facts, statement->tables, statement->table_count,
                                      schema_of(statement), err);
    if (status != MSEQ_OK || !found)
        return status;
    found->last_used = ++session->verdicts->clock;
    bool checked = found->checked && statement->revision >= 0 &&
                   found->revision == statement->revision &&
                   mseq_monotonic_ms() - found->checked < CHECK_MS;
    *known = (postgresql_verdict){&found->facts, found->sql + found->facts.start, checked,
                                  checked && found->plain};
    return MSEQ_OK;
}

/* ---- What only the database knows --------------------------------------------------------------
 */

/* $1, $2, $3: schema, name and whether it is written, of each table; $4: the schema that is
 * searched behind pg_catalog; $5, $6, $7: functions, attributes and operators by name. What an
 * extension brought is its administrator's choice and may be used. A row for each objection, for
 * each table that inherits from a named one (partitions are parts of their table, heirs may be
 * tables of somebody else), and for each table with which code of its owner may run: views,
 * policies, partition keys; what the planner computes beforehand (indexes, constraints,
 * statistics); when it is written also triggers, defaults, and whatever a cascade reaches. */
static const char QUESTION[] =
    "WITH RECURSIVE named AS (SELECT c.oid, c.relname::text AS name, c.relkind, x.written "
    "FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), "
    "pg_catalog.unnest($3::bool[])) AS x(schema, name, written) "
    "JOIN pg_catalog.pg_namespace n ON n.nspname = x.schema "
    "JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = x.name), "
    "searched AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $4), "
    "heirs AS (SELECT i.inhrelid AS oid, named.written FROM named "
    "JOIN pg_catalog.pg_inherits i ON i.inhparent = named.oid WHERE named.relkind = 'r' "
    "UNION SELECT i.inhrelid, heirs.written FROM heirs "
    "JOIN pg_catalog.pg_inherits i ON i.inhparent = heirs.oid), "
    "code AS (SELECT p.* FROM pg_catalog.pg_proc p WHERE NOT EXISTS (SELECT FROM "
    "pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass "
    "AND d.objid = p.oid AND d.deptype = 'e')) "
    "SELECT 'relation' AS what, name, CASE WHEN relkind = 'f' THEN 'is a foreign table' "
    "WHEN relkind IN ('v', 'm') THEN 'is a view, which is for reading only' "
    "ELSE 'is no table' END AS reason FROM named "
    "WHERE relkind NOT IN ('r', 'p') AND (written OR relkind NOT IN ('v', 'm')) "
    "UNION ALL SELECT 'relation', name, 'has rules that rewrite statements' FROM named "
    "WHERE relkind IN ('r', 'p') AND EXISTS "
    "(SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = named.oid) "
    "UNION ALL SELECT 'relation', name, 'has a trigger that runs with the rights of its owner' "
    "FROM named WHERE written AND EXISTS (SELECT FROM pg_catalog.pg_trigger g "
    "JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid = named.oid "
    "AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND p.prosecdef) "
    "UNION ALL SELECT 'relation', name, 'has a default or check that calls a volatile function' "
    "FROM named WHERE written AND EXISTS (SELECT FROM pg_catalog.pg_depend d "
    "JOIN code ON code.oid = d.refobjid AND code.provolatile = 'v' "
    "WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass "
    "AND ((d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid IN "
    "(SELECT a.oid FROM pg_catalog.pg_attrdef a WHERE a.adrelid = named.oid)) "
    "OR (d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid IN "
    "(SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid = named.oid)))) "
    "UNION ALL SELECT 'code', name, '' FROM named WHERE relkind NOT IN ('r', 'm') "
    "OR (SELECT c.relrowsecurity FROM pg_catalog.pg_class c WHERE c.oid = named.oid) "
    "OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid IN "
    "('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass, "
    "'pg_catalog.pg_type'::pg_catalog.regclass) "
    "AND ((d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid IN "
    "(SELECT i.indexrelid FROM pg_catalog.pg_index i WHERE i.indrelid = named.oid)) "
    "OR (d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid IN "
    "(SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid = named.oid)) "
    "OR (d.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass AND d.objid IN "
    "(SELECT e.oid FROM pg_catalog.pg_statistic_ext e WHERE e.stxrelid = named.oid)) "
    "OR (written AND d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid IN "
    "(SELECT a.oid FROM pg_catalog.pg_attrdef a WHERE a.adrelid = named.oid)))) "
    "OR (written AND (EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = named.oid "
    "AND NOT g.tgisinternal) OR EXISTS (SELECT FROM pg_catalog.pg_constraint k "
    "WHERE k.confrelid = named.oid AND NOT (k.confdeltype IN ('a', 'r') "
    "AND k.confupdtype IN ('a', 'r'))))) "
    "UNION ALL SELECT DISTINCT 'heir', c.relname::text, CASE WHEN written THEN 'written' ELSE "
    "'read' "
    "END FROM heirs JOIN pg_catalog.pg_class c ON c.oid = heirs.oid "
    "JOIN searched ON searched.oid = c.relnamespace "
    "UNION ALL SELECT 'function', proname::text, 'is also a function of the database''s own' "
    "FROM code JOIN searched ON searched.oid = pronamespace WHERE proname = ANY($5::text[]) "
    "UNION ALL SELECT 'function', proname::text, 'may be a call of a function of the database''s "
    "own' FROM code JOIN searched ON searched.oid = pronamespace "
    "JOIN pg_catalog.pg_type t ON t.oid = proargtypes[0] AND t.typtype IN ('c', 'p') "
    "WHERE proname = ANY($6::text[]) AND pronargs - pronargdefaults <= 1 "
    "UNION ALL SELECT 'operator', oprname::text, 'is also an operator of the database''s own' "
    "FROM pg_catalog.pg_operator o JOIN searched ON searched.oid = oprnamespace "
    "WHERE oprname = ANY($7::text[]) AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d "
    "WHERE d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND d.objid = o.oid "
    "AND d.deptype = 'e')";

static mseq_value *texts_of(const mseq_strings *list) {
    mseq_value *array = mseq_value_array();
    for (size_t i = 0; array && i < list->count; i++) {
        if (mseq_array_add(array, mseq_value_string(list->items[i])) != MSEQ_OK) {
            mseq_value_free(array);
            return NULL;
        }
    }
    return array;
}

/* Schemas, names and whether they are written, into three arrays. */
static bool add_relations(mseq_value *parameters, const mseq_sql_statement *facts,
                          const char *schema) {
    mseq_value *columns[3] = {mseq_value_array(), mseq_value_array(), mseq_value_array()};
    bool ok = columns[0] && columns[1] && columns[2];
    for (size_t i = 0; ok && i < facts->relation_count; i++) {
        const mseq_sql_relation *relation = &facts->relations[i];
        ok = mseq_array_add(columns[0], mseq_value_string(relation->schema ? relation->schema
                                                                           : schema)) == MSEQ_OK &&
             mseq_array_add(columns[1], mseq_value_string(relation->name)) == MSEQ_OK &&
             mseq_array_add(columns[2], mseq_value_boolean(relation->written)) == MSEQ_OK;
    }
    for (size_t i = 0; i < 3; i++)
        if (mseq_array_add(parameters, columns[i]) != MSEQ_OK)
            ok = false;
    return ok;
}

static mseq_value *question_parameters(const mseq_sql_statement *facts, const char *schema) {
    mseq_value *parameters = mseq_value_array();
    if (parameters && add_relations(parameters, facts, schema) &&
        mseq_array_add(parameters, mseq_value_string(schema)) == MSEQ_OK &&
        mseq_array_add(parameters, texts_of(&facts->functions)) == MSEQ_OK &&
        mseq_array_add(parameters, texts_of(&facts->attributes)) == MSEQ_OK &&
        mseq_array_add(parameters, texts_of(&facts->operators)) == MSEQ_OK)
        return parameters;
    mseq_value_free(parameters);
    return NULL;
}

typedef struct objections {
    const mseq_governed_statement *statement;
    mseq_error refusal; /* the first one */
    bool heirs;         /* there are tables that inherit from named ones */
    bool code;          /* of the tables' owners may run */
} objections;

static bool is_listed(const mseq_governed_statement *statement, const char *name, bool written) {
    for (size_t i = 0; i < statement->table_count; i++)
        if (strcmp(statement->tables[i].name, name) == 0 &&
            (!written || statement->tables[i].access == MSEQ_ACCESS_WRITE))
            return true;
    return false;
}

/* The heir is not named: the caller may not know of it. */
static void judge_heir(objections *found, const char *name, bool written) {
    const mseq_governed_statement *statement = found->statement;
    bool registered = false;
    found->heirs = true;
    if (!statement->registered || is_listed(statement, name, written))
        return;
    mseq_status status =
        statement->registered(statement->registered_data, name, &registered, &found->refusal);
    if (status != MSEQ_OK || !registered)
        return;
    mseq_error_set(&found->refusal, MSEQ_E_STATEMENT,
                   "a table that inherits from one of the statement is registered on its own, and "
                   "the scope does not list it%s",
                   written ? " for writing" : "");
    mseq_error_hint(&found->refusal, "list it in the scope too");
    mseq_error_code(&found->refusal, "scope_violation");
}

/* The first objection is the refusal. */
static mseq_status take_objection(void *data, mseq_value *row, mseq_error *err) {
    const char *what = mseq_object_get_text(row, "what");
    objections *found = data;
    mseq_error *refusal = &found->refusal;
    (void)err; /* reading goes on: the connection stays of use */
    bool first = refusal->status == MSEQ_OK, heir = strcmp(what, "heir") == 0;
    bool code = strcmp(what, "code") == 0;
    found->code = found->code || code;
    if (first && heir)
        judge_heir(found, mseq_object_get_text(row, "name"),
                   strcmp(mseq_object_get_text(row, "reason"), "written") == 0);
    if (!first || heir || code) {
        mseq_value_free(row);
        return MSEQ_OK;
    }
    mseq_error_set(refusal, MSEQ_E_STATEMENT, "%s '%s' %s",
                   strcmp(what, "relation") == 0 ? "table" : what,
                   mseq_object_get_text(row, "name"), mseq_object_get_text(row, "reason"));
    mseq_error_code(refusal, strcmp(what, "relation") == 0   ? "relation_not_allowed"
                             : strcmp(what, "function") == 0 ? "function_not_allowed"
                                                             : "operator_not_allowed");
    mseq_value_free(row);
    return MSEQ_OK;
}

mseq_status postgresql_verdict_check(postgresql_session *session,
                                     const mseq_governed_statement *statement,
                                     const mseq_sql_statement *facts, mseq_error *err) {
    objections asked = {.statement = statement, .refusal = MSEQ_ERROR_INIT};
    database_sink sink = {take_objection, &asked};
    int64_t affected;
    mseq_value *parameters = question_parameters(facts, schema_of(statement));
    if (!parameters)
        return mseq_error_no_memory(err);
    mseq_status status = postgresql_run(session, QUESTION, parameters, &sink, &affected, err);
    mseq_value_free(parameters);
    if (status != MSEQ_OK)
        return status;
    verdict *found =
        find(session->verdicts, statement, mseq_hash_bytes(statement->sql, statement->sql_length));
    if (asked.refusal.status == MSEQ_OK) { /* heirs are asked for each time: scopes differ */
        if (found && !asked.heirs) {
            found->checked = mseq_monotonic_ms();
            found->revision = statement->revision;
            found->plain = !asked.code;
        }
        return MSEQ_OK;
    }
    if (err && err->status == MSEQ_OK)
        *err = asked.refusal;
    return asked.refusal.status;
}
