/* SPDX-License-Identifier: MIT
 * What the catalog of a PostgreSQL database says. One question tells all of a table; its answer is
 * JSON that the server put together. The catalog's columns that came with PostgreSQL 15 are read
 * through to_jsonb, so that older servers understand the question too. */
#include <stdlib.h>
#include <string.h>

#include "postgresql_reflect.h"

/* Tables and partitioned tables; partitions belong to their table. */
static const char NAMES[] =
    "SELECT c.relname AS name FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = COALESCE($1, pg_catalog.current_schema()) AND c.relkind IN ('r', 'p') "
    "AND NOT c.relispartition ORDER BY c.relname COLLATE \"C\"";

static const char SCHEMA[] = "SELECT 1 AS found FROM pg_catalog.pg_namespace WHERE nspname = $1";

static const char TABLE[] =
    "SELECT c.relkind AS kind, c.relname AS name, n.nspname AS namespace, "
    "n.nspname = pg_catalog.current_schema() AS is_default, "
    "pg_catalog.obj_description(c.oid, 'pg_class') AS comment, "
    /* columns */
    "(SELECT pg_catalog.json_agg(pg_catalog.json_build_object("
    "'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), "
    "'array', e.oid IS NOT NULL, "
    "'item', pg_catalog.format_type(COALESCE(e.oid, t.oid), a.atttypmod), "
    "'item_kind', COALESCE(e.typtype, t.typtype), "
    "'enum_name', COALESCE(e.typname, t.typname), "
    "'enum_schema', CASE WHEN pg_catalog.pg_type_is_visible(COALESCE(e.oid, t.oid)) THEN NULL "
    "ELSE (SELECT s.nspname FROM pg_catalog.pg_namespace s "
    "WHERE s.oid = COALESCE(e.typnamespace, t.typnamespace)) END, "
    "'labels', (SELECT pg_catalog.json_agg(l.enumlabel ORDER BY l.enumsortorder) "
    "FROM pg_catalog.pg_enum l WHERE l.enumtypid = COALESCE(e.oid, t.oid)), "
    "'nullable', NOT a.attnotnull, 'identity', a.attidentity, 'generated', a.attgenerated, "
    "'default', (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d "
    "WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum), "
    "'sequence', (SELECT pg_catalog.json_build_object('start', s.seqstart, "
    "'increment', s.seqincrement, 'minvalue', s.seqmin, 'maxvalue', s.seqmax, "
    "'cycle', s.seqcycle, 'cache', s.seqcache) FROM pg_catalog.pg_sequence s "
    "JOIN pg_catalog.pg_depend d ON d.objid = s.seqrelid AND d.deptype = 'i' "
    "AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
    "AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass "
    "WHERE d.refobjid = a.attrelid AND d.refobjsubid = a.attnum), "
    "'owned_sequence', EXISTS (SELECT 1 FROM pg_catalog.pg_depend d "
    "JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
    "WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
    "AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass "
    "AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'a'), "
    "'collation', (SELECT l.collname FROM pg_catalog.pg_collation l "
    "WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation), "
    "'comment', pg_catalog.col_description(a.attrelid, a.attnum)) ORDER BY a.attnum) "
    "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
    "LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid "
    "WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns, "
    /* constraints */
    "(SELECT pg_catalog.json_agg(pg_catalog.json_build_object("
    "'name', k.conname, 'kind', k.contype, "
    "'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.place) "
    "FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u (number, place) "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number), "
    "'referred_table', r.relname, "
    "'referred_schema', NULLIF(rn.nspname, pg_catalog.current_schema()), "
    "'referred_columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY u.place) "
    "FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u (number, place) "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number), "
    "'onupdate', k.confupdtype, 'ondelete', k.confdeltype, 'match', k.confmatchtype, "
    "'ondelete_columns', (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' "
    "ORDER BY u.place) FROM pg_catalog.jsonb_array_elements_text(CASE "
    "WHEN pg_catalog.jsonb_typeof(pg_catalog.to_jsonb(k) -> 'confdelsetcols') = 'array' "
    "THEN pg_catalog.to_jsonb(k) -> 'confdelsetcols' END) WITH ORDINALITY u (number, place) "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid "
    "AND a.attnum = u.number::pg_catalog.int2), "
    "'deferrable', k.condeferrable, 'deferred', k.condeferred, "
    "'sqltext', pg_catalog.pg_get_expr(k.conbin, k.conrelid, true), "
    "'not_valid', NOT k.convalidated, 'no_inherit', k.connoinherit AND k.contype = 'c', "
    "'include', (SELECT pg_catalog.json_agg(a.attname ORDER BY p) FROM pg_catalog.pg_index i "
    "CROSS JOIN LATERAL pg_catalog.generate_series(i.indnkeyatts, i.indnatts - 1) p "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p] "
    "WHERE i.indexrelid = k.conindid AND k.contype IN ('p', 'u')), "
    "'nulls_not_distinct', (SELECT pg_catalog.to_jsonb(i) -> 'indnullsnotdistinct' "
    "FROM pg_catalog.pg_index i WHERE i.indexrelid = k.conindid AND k.contype = 'u'), "
    "'comment', pg_catalog.obj_description(k.oid, 'pg_constraint')) ORDER BY k.oid) "
    "FROM pg_catalog.pg_constraint k LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid "
    "LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace "
    "LEFT JOIN pg_catalog.pg_constraint parent ON parent.oid = k.conparentid "
    "WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'c', 'f') "
    /* a key to a partitioned table has one more for each partition */
    "AND parent.conrelid IS DISTINCT FROM k.conrelid) AS constraints, "
    /* indexes that no constraint brought along */
    "(SELECT pg_catalog.json_agg(pg_catalog.json_build_object("
    "'name', x.relname, 'unique', i.indisunique, 'using', m.amname, "
    "'where', pg_catalog.pg_get_expr(i.indpred, i.indrelid), 'with', x.reloptions, "
    "'nulls_not_distinct', pg_catalog.to_jsonb(i) -> 'indnullsnotdistinct', "
    "'elements', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object("
    "'column', a.attname, 'text', pg_catalog.pg_get_indexdef(i.indexrelid, p + 1, true), "
    "'options', i.indoption[p]::pg_catalog.int4, 'class', o.opcname) ORDER BY p) "
    "FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) p "
    "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p] "
    "LEFT JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[p] AND NOT o.opcdefault), "
    "'include', (SELECT pg_catalog.json_agg(a.attname ORDER BY p) "
    "FROM pg_catalog.generate_series(i.indnkeyatts, i.indnatts - 1) p "
    "JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p])"
    ") ORDER BY x.oid) "
    "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid "
    "JOIN pg_catalog.pg_am m ON m.oid = x.relam WHERE i.indrelid = c.oid "
    "AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k "
    "WHERE k.conrelid = c.oid AND k.conindid = i.indexrelid "
    "AND k.contype IN ('p', 'u', 'x'))) AS indexes "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relname = $1 AND n.nspname = COALESCE($2, pg_catalog.current_schema()) "
    "AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";

static mseq_status collect(void *rows, mseq_value *row, mseq_error *err) {
    return mseq_array_add(rows, row) == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

/* Rows of a statement with one or two text parameters, which may be NULL. */
static mseq_status ask(postgresql_session *session, const char *sql, const char *const *texts,
                       size_t count, mseq_value **rows, mseq_error *err) {
    mseq_value *parameters = mseq_value_array(), *found = mseq_value_array();
    mseq_status status = parameters && found ? MSEQ_OK : mseq_error_no_memory(err);
    for (size_t i = 0; status == MSEQ_OK && i < count; i++)
        if (mseq_array_add(parameters, mseq_value_string(texts[i])) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    database_sink sink = {collect, found};
    int64_t affected;
    if (status == MSEQ_OK)
        status = postgresql_run(session, sql, parameters, &sink, &affected, err);
    mseq_value_free(parameters);
    if (status != MSEQ_OK) {
        mseq_value_free(found);
        return status;
    }
    *rows = found;
    return MSEQ_OK;
}

static mseq_status check_schema(postgresql_session *session, const char *schema, mseq_error *err) {
    mseq_value *rows = NULL;
    if (!schema)
        return MSEQ_OK;
    mseq_status status = ask(session, SCHEMA, &schema, 1, &rows, err);
    if (status == MSEQ_OK && mseq_value_length(rows) == 0)
        status = mseq_error_set(err, MSEQ_E_NOT_FOUND, "there is no schema '%s' in this database",
                                schema);
    mseq_value_free(rows);
    return status;
}

mseq_status postgresql_table_names(postgresql_session *session, const char *schema,
                                   mseq_strings *names, mseq_error *err) {
    mseq_value *rows = NULL;
    mseq_strings found = MSEQ_STRINGS_INIT;
    mseq_status status = check_schema(session, schema, err);
    if (status == MSEQ_OK)
        status = ask(session, NAMES, &schema, 1, &rows, err);
    for (size_t i = 0; status == MSEQ_OK && i < mseq_value_length(rows); i++)
        if (mseq_strings_add(&found, mseq_object_get_text(mseq_array_get(rows, i), "name")) !=
            MSEQ_OK)
            status = mseq_error_no_memory(err);
    mseq_value_free(rows);
    if (status != MSEQ_OK) {
        mseq_strings_free(&found);
        return status;
    }
    *names = found;
    return MSEQ_OK;
}

static mseq_status find_table(postgresql_session *session, const char *schema, const char *name,
                              mseq_value **row, mseq_error *err) {
    mseq_value *rows = NULL;
    const char *const texts[] = {name, schema};
    mseq_status status = ask(session, TABLE, texts, 2, &rows, err);
    if (status != MSEQ_OK)
        return status;
    const mseq_value *found = mseq_array_get(rows, 0);
    const char *kind = mseq_object_get_text(found, "kind");
    if (!kind)
        status = mseq_error_set(err, MSEQ_E_NOT_FOUND, "there is no table '%s'%s%s in the database",
                                name, schema ? " of schema " : "", schema ? schema : "");
    else if (*kind != 'r' && *kind != 'p')
        status = mseq_error_set(err, MSEQ_E_NOT_FOUND, "'%s' is a %s, not a table", name,
                                *kind == 'f' ? "foreign table" : "view");
    else if (!(*row = mseq_value_dup(found)))
        status = mseq_error_no_memory(err);
    mseq_value_free(rows);
    return status;
}

mseq_status postgresql_reflect_table(postgresql_session *session, const char *schema,
                                     const char *name, mseq_table **table, mseq_error *err) {
    mseq_value *row = NULL, *description = NULL;
    mseq_status status = find_table(session, schema, name, &row, err);
    if (status == MSEQ_OK && !(description = postgresql_table_description(row)))
        status = mseq_error_no_memory(err);
    if (status == MSEQ_OK) {
        status = mseq_table_from_description(description, table, err);
        if (status != MSEQ_OK)
            mseq_error_prefix(err, "reflection of '%s': ", name);
    }
    mseq_value_free(row);
    mseq_value_free(description);
    return status;
}
