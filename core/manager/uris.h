/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: database URIs as text. */
#ifndef MSEQ_MANAGER_URIS_H
#define MSEQ_MANAGER_URIS_H

/* All are owned by the caller; NULL: out of memory. */

/* As messages and replies may show it: without password and secret parameters. */
char *manager_uri_without_secret(const char *uri);
/* The same database of PostgreSQL for another user; neither name nor password needs escapes. */
char *manager_uri_for_user(const char *uri, const char *user, const char *password);
/* The name of the database, "" when the URI has none. */
char *manager_uri_database(const char *uri);

#endif
