/* SPDX-License-Identifier: MIT
 * Inside of the PostgreSQL driver: tables as the catalog describes them. */
#ifndef MSEQ_DATABASE_POSTGRESQL_REFLECT_H
#define MSEQ_DATABASE_POSTGRESQL_REFLECT_H

#include "postgresql_private.h"

/* ---- postgresql_catalog.c */
mseq_status postgresql_table_names(postgresql_session *session, const char *schema,
                                   mseq_strings *names, mseq_error *err);
mseq_status postgresql_reflect_table(postgresql_session *session, const char *schema,
                                     const char *name, mseq_table **table, mseq_error *err);

/* ---- postgresql_reflect.c */
/* The description of a table from its row of the catalog; NULL without memory. */
mseq_value *postgresql_table_description(const mseq_value *row);

/* ---- postgresql_reflect_types.c */
/* {name, args} of a column from the catalog; NULL without memory. */
mseq_value *postgresql_type_description(const mseq_value *column);

#endif
