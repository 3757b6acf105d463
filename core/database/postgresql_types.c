/* SPDX-License-Identifier: MIT
 * Types of the wire by number. Those of PostgreSQL itself never change (pg_type.dat); those that a
 * database made are asked for once a session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgresql_private.h"

enum { FIRST_OF_DATABASE = 16384 }; /* FirstNormalObjectId */

/* Types that are not here are text. */
static const postgresql_type types[] = {
    {16, POSTGRESQL_BOOLEAN, 0},
    {17, POSTGRESQL_BYTES, 0},
    {20, POSTGRESQL_INTEGER, 0},
    {21, POSTGRESQL_INTEGER, 0},
    {23, POSTGRESQL_INTEGER, 0},
    {26, POSTGRESQL_INTEGER, 0},
    {114, POSTGRESQL_JSON, 0},
    {199, POSTGRESQL_ARRAY, 114},
    {700, POSTGRESQL_FLOAT, 0},
    {701, POSTGRESQL_FLOAT, 0},
    {1000, POSTGRESQL_ARRAY, 16},
    {1001, POSTGRESQL_ARRAY, 17},
    {1002, POSTGRESQL_ARRAY, 18},
    {1003, POSTGRESQL_ARRAY, 19},
    {1005, POSTGRESQL_ARRAY, 21},
    {1007, POSTGRESQL_ARRAY, 23},
    {1009, POSTGRESQL_ARRAY, 25},
    {1014, POSTGRESQL_ARRAY, 1042},
    {1015, POSTGRESQL_ARRAY, 1043},
    {1016, POSTGRESQL_ARRAY, 20},
    {1021, POSTGRESQL_ARRAY, 700},
    {1022, POSTGRESQL_ARRAY, 701},
    {1028, POSTGRESQL_ARRAY, 26},
    {1041, POSTGRESQL_ARRAY, 869},
    {1114, POSTGRESQL_TIMESTAMP, 0},
    {1115, POSTGRESQL_ARRAY, 1114},
    {1182, POSTGRESQL_ARRAY, 1082},
    {1183, POSTGRESQL_ARRAY, 1083},
    {1184, POSTGRESQL_TIMESTAMP_ZONED, 0},
    {1185, POSTGRESQL_ARRAY, 1184},
    {1187, POSTGRESQL_ARRAY, 1186},
    {1231, POSTGRESQL_ARRAY, 1700},
    {1270, POSTGRESQL_ARRAY, 1266},
    {1700, POSTGRESQL_NUMERIC, 0},
    {2951, POSTGRESQL_ARRAY, 2950},
    {3802, POSTGRESQL_JSON, 0},
    {3807, POSTGRESQL_ARRAY, 3802},
};

static int by_oid(const void *key, const void *item) {
    Oid left = *(const Oid *)key, right = ((const postgresql_type *)item)->oid;
    return (left > right) - (left < right);
}

static const postgresql_type *find_made(const postgresql_session *session, Oid oid) {
    for (size_t i = 0; i < session->type_count; i++)
        if (session->types[i].oid == oid)
            return &session->types[i];
    return NULL;
}

postgresql_type postgresql_type_of(const postgresql_session *session, Oid oid) {
    const postgresql_type *found =
        oid < FIRST_OF_DATABASE
            ? bsearch(&oid, types, sizeof types / sizeof *types, sizeof *types, by_oid)
            : find_made(session, oid);
    return found ? *found : (postgresql_type){oid, POSTGRESQL_TEXT, 0};
}

/* A domain's base and an array's element come too. */
static const char QUESTION[] =
    "WITH RECURSIVE t AS (SELECT oid, typtype, typbasetype, typelem, typcategory "
    "FROM pg_catalog.pg_type WHERE oid = ANY($1::pg_catalog.oid[]) "
    "UNION SELECT p.oid, p.typtype, p.typbasetype, p.typelem, p.typcategory "
    "FROM pg_catalog.pg_type p JOIN t ON p.oid <> 0 AND p.oid IN (t.typbasetype, t.typelem)) "
    "SELECT oid, typbasetype AS base, "
    "CASE WHEN typtype = 'b' AND typcategory = 'A' THEN typelem ELSE 0 END AS element "
    "FROM t WHERE oid >= 16384 ORDER BY typtype = 'd', oid";

typedef struct loading {
    postgresql_session *session;
    mseq_value *domains; /* rows, to be read when the rest is known */
} loading;

static mseq_status add_type(postgresql_session *session, postgresql_type type, mseq_error *err) {
    if (find_made(session, type.oid))
        return MSEQ_OK;
    postgresql_type *grown =
        realloc(session->types, (session->type_count + 1) * sizeof *session->types);
    if (!grown)
        return mseq_error_no_memory(err);
    session->types = grown;
    session->types[session->type_count++] = type;
    return MSEQ_OK;
}

static mseq_status take_type(void *data, mseq_value *row, mseq_error *err) {
    loading *to = data;
    if (mseq_object_get_integer(row, "base", 0))
        return mseq_array_add(to->domains, row) == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
    Oid element = (Oid)mseq_object_get_integer(row, "element", 0);
    postgresql_type type = {(Oid)mseq_object_get_integer(row, "oid", 0),
                            element ? POSTGRESQL_ARRAY : POSTGRESQL_TEXT, element};
    mseq_value_free(row);
    return add_type(to->session, type, err);
}

/* A domain is read as its base; one may be over another. */
static mseq_status add_domains(postgresql_session *session, const mseq_value *rows,
                               mseq_error *err) {
    size_t count = mseq_value_length(rows);
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < count; i++) {
        const mseq_value *row = mseq_array_get(rows, i);
        Oid base = (Oid)mseq_object_get_integer(row, "base", 0);
        for (size_t step = 0; step < count; step++) {
            for (size_t j = 0; j < count; j++) {
                const mseq_value *other = mseq_array_get(rows, j);
                if ((Oid)mseq_object_get_integer(other, "oid", 0) == base)
                    base = (Oid)mseq_object_get_integer(other, "base", 0);
            }
        }
        postgresql_type type = postgresql_type_of(session, base);
        type.oid = (Oid)mseq_object_get_integer(row, "oid", 0);
        status = add_type(session, type, err);
    }
    return status;
}

mseq_status postgresql_types_load(postgresql_session *session, const Oid *oids, size_t count,
                                  mseq_error *err) {
    mseq_value *parameters = NULL, *list = NULL;
    mseq_status status = MSEQ_OK;
    for (size_t i = 0; status == MSEQ_OK && i < count; i++) {
        if (oids[i] < FIRST_OF_DATABASE || find_made(session, oids[i]))
            continue;
        if (!list)
            list = mseq_value_array();
        if (mseq_array_add(list, mseq_value_integer((int64_t)oids[i])) != MSEQ_OK)
            status = mseq_error_no_memory(err);
    }
    if (status != MSEQ_OK || !list) {
        mseq_value_free(list);
        return status;
    }
    loading to = {session, mseq_value_array()};
    parameters = mseq_value_array();
    if (mseq_array_add(parameters, list) != MSEQ_OK || !to.domains)
        status = mseq_error_no_memory(err);
    database_sink sink = {take_type, &to};
    int64_t affected;
    if (status == MSEQ_OK)
        status = postgresql_run(session, QUESTION, parameters, &sink, &affected, err);
    if (status == MSEQ_OK)
        status = add_domains(session, to.domains, err);
    mseq_value_free(parameters);
    mseq_value_free(to.domains);
    return status;
}
