/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: a thread that removes expired credentials when their time has come:
 * PostgreSQL lets no one in with them any more, but does not end the sessions that they have. */
#ifndef MSEQ_MANAGER_JANITOR_H
#define MSEQ_MANAGER_JANITOR_H

#include "manager_private.h"

/* The source is cleaned in that many milliseconds, or earlier when that was asked for before.
 * Starts the thread when there is none. */
mseq_status manager_janitor_schedule(mseq_manager *manager, manager_source *source,
                                     int64_t milliseconds, mseq_error *err) MSEQ_MUST_CHECK;
/* Ends the thread, and what it does at the moment. */
void manager_janitor_stop(mseq_manager *manager);

#endif
