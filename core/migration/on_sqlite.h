/* SPDX-License-Identifier: MIT
 * Operations on SQLite: what its files share. */
#ifndef MSEQ_MIGRATION_ON_SQLITE_H
#define MSEQ_MIGRATION_ON_SQLITE_H

#include "migration_private.h"

/* Lists of constraints in a description, beside its primary key; ends with NULL. */
extern const char *const lite_constraint_lists[];
const char *lite_list(mseq_constraint_kind kind);

/* The description of the reflected table; an error when the caller did not hand it in. */
mseq_status lite_describe(render *r, const mseq_value *operation, mseq_value **description);
/* SQLite's names do not tell upper from lower case; NULL is no name. */
bool lite_same_name(const char *a, const char *b);
const mseq_column *lite_column(const mseq_table *table, const char *name);
mseq_status lite_no_column(render *r, const char *name); /* always an error, with a near miss */
/* Keeps the items of the description's list for which `drop[i]` is false. */
void lite_keep(maker *m, mseq_value *description, const char *list, const bool *drop);
/* Appends what another description has in `list`. */
void lite_merge(maker *m, mseq_value *description, const mseq_value *from, const char *list);
/* Takes out the constraints that `drop` names by their place in r->table. */
void lite_remove_constraints(render *r, maker *m, mseq_value *description, const bool *drop);

#endif
