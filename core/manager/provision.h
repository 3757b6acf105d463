/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: physical tables made or dropped by the manager. */
#ifndef MSEQ_MANAGER_PROVISION_H
#define MSEQ_MANAGER_PROVISION_H

#include "rows.h"

/* Makes the table of the row from its contract, and before it the tables that it refers to and that
 * the manager keeps too. A table that exists is left alone, or refused when not `if_not_exists`.
 * `created` gets the names of what was made. The data source's changes are committed. */
mseq_status manager_provision(const manager_call *call, manager_source *source,
                              mseq_connection *connection, const manager_row *row,
                              bool if_not_exists, mseq_strings *created,
                              mseq_error *err) MSEQ_MUST_CHECK;
/* Drops tables, those that are there, in that order and in one transaction. */
mseq_status manager_drop_tables(mseq_connection *connection, const mseq_strings *names,
                                mseq_error *err) MSEQ_MUST_CHECK;

#endif
