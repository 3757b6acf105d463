/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: what a data source's database lets the manager do. */
#ifndef MSEQ_MANAGER_SOURCE_FACTS_H
#define MSEQ_MANAGER_SOURCE_FACTS_H

#include "manager_private.h"

enum {
    MANAGER_IDENTIFIER_SIZE = 256, /* of a database, with the NUL; PostgreSQL's default is 64 */
    MANAGER_POSTGRESQL_MINIMUM = 130000
};

typedef struct manager_source_facts {
    char version[64];
    int64_t version_number; /* PostgreSQL: 150004 is 15.4 */
    bool writable;
    /* PostgreSQL only */
    char role[MANAGER_IDENTIFIER_SIZE];     /* who the manager is */
    char database[MANAGER_IDENTIFIER_SIZE]; /* where it is */
    char schema[MANAGER_IDENTIFIER_SIZE];   /* where tables are made; empty: nowhere */
    char owner[MANAGER_IDENTIFIER_SIZE];    /* the role that owns what is made there */
    bool owner_exists;
    bool may_create_roles;
    bool may_create_tables; /* as itself */
    bool owner_may_create;  /* or can be allowed to */
} manager_source_facts;

mseq_status manager_source_facts_read(mseq_connection *connection, manager_source_facts *facts,
                                      mseq_error *err) MSEQ_MUST_CHECK;
/* {"supports_…": boolean}. NULL: out of memory. */
mseq_value *manager_source_capabilities(const manager_source_facts *facts, mseq_dialect dialect,
                                        bool parser_only);
/* [{"name", "ok", "detail", "hint"}]: what is there and what is missing. NULL: out of memory. */
mseq_value *manager_source_checks(const manager_source_facts *facts, mseq_dialect dialect,
                                  bool parser_only);
/* Refuses (capability_missing) what the database does not let the manager do. */
mseq_status manager_source_require(const manager_source_facts *facts, mseq_dialect dialect,
                                   bool parser_only, const char *capability,
                                   mseq_error *err) MSEQ_MUST_CHECK;

#endif
