/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: data sources as databases. */
#ifndef MSEQ_MANAGER_SOURCES_H
#define MSEQ_MANAGER_SOURCES_H

#include "manager_private.h"

/* ---- sources.c ---------------------------------------------------------------------------------
 */

void manager_sources_close(mseq_manager *manager);
/* Closes the idle connections to what a data source was, but those to `except` (may be NULL). */
void manager_sources_trim(mseq_manager *manager, const char *uid, const manager_source *except);

/* ---- source_uris.c: where the URI of a data source is kept -------------------------------------
 */

/* Fills in the URI of a source, and where it was read, by its record of {class_type, location,
 * secret_kind, secret_name}. */
mseq_status manager_source_read_uri(const mseq_manager *manager, const mseq_value *record,
                                    manager_source *source, mseq_error *err) MSEQ_MUST_CHECK;
/* Keeps a URI that holds a secret in a file (0600) of the folder, or removes that file. */
mseq_status manager_source_secret_write(const mseq_manager *manager, const char *uid,
                                        const char *uri, mseq_error *err) MSEQ_MUST_CHECK;
void manager_source_secret_remove(const mseq_manager *manager, const char *uid);
/* Whether the URI of a source is still what it was, as far as that can be told without reading a
 * file; false: it is to be found anew. */
bool manager_source_uri_holds(mseq_manager *manager, const manager_source *source);
/* The value of an environment variable that holds a URI, borrowed. */
mseq_status manager_source_environment(const char *name, const char **uri,
                                       mseq_error *err) MSEQ_MUST_CHECK;

#endif
