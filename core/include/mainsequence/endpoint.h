/* SPDX-License-Identifier: MIT
 *
 * Room `endpoint`: the one place that joins both ends. A name (a URL, "local:" or "local:DIR") → a
 * client.
 */
#ifndef MSEQ_ENDPOINT_H
#define MSEQ_ENDPOINT_H

#include "mainsequence/client.h"
#include "mainsequence/manager.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a client on an endpoint. Never switches silently: an endpoint that cannot be opened is an
 * error that names it. Options NULL: defaults. `endpoint` NULL or "local:" is the embedded TS
 * Manager in `home` (NULL: $MAINSEQUENCE_HOME, else $XDG_DATA_HOME/mainsequence, else
 * ~/.local/share/mainsequence). A URL is a TS Manager over HTTP, whose certificate is checked
 * against $MAINSEQUENCE_CA_FILE where that is set; nothing is sent before the first call. */
MSEQ_API mseq_status mseq_endpoint_open(const char *endpoint, const char *home,
                                        const mseq_client_options *options, mseq_client **client,
                                        mseq_error *err) MSEQ_MUST_CHECK;

/* Makes or upgrades the catalog of the TS Manager in `home` (NULL: as above). `catalog` as in
 * mseq_manager_options; NULL: $MAINSEQUENCE_CATALOG, else the folder's own. *report as of
 * mseq_manager_upgrade. */
MSEQ_API mseq_status mseq_endpoint_upgrade(const char *home, const char *catalog,
                                           mseq_value **report, mseq_error *err) MSEQ_MUST_CHECK;
/* Opens that TS Manager itself, to be served; `home` and `catalog` as above. */
MSEQ_API mseq_status mseq_endpoint_manager(const char *home, const char *catalog,
                                           mseq_manager **manager, mseq_error *err) MSEQ_MUST_CHECK;

/* Checks the form of an endpoint and takes slashes off the end of a URL. `from` says in messages
 * who named it. Gives a malloc'ed text. A user or a password in the URL is refused, unseen. */
MSEQ_API mseq_status mseq_endpoint_check(const char *text, const char *from, char **endpoint,
                                         mseq_error *err) MSEQ_MUST_CHECK;

/* Where a client talks to: `given`, else $MAINSEQUENCE_ENDPOINT, else the server of the stored
 * login, else "local:". Credentials in the environment without an endpoint are an error, never a
 * guess. Gives a malloc'ed text; *source (may be NULL) is "argument", "environment", "login" or
 * "default". Reads the environment and the login store. */
MSEQ_API mseq_status mseq_endpoint_resolve(const char *given, char **endpoint, const char **source,
                                           mseq_error *err) MSEQ_MUST_CHECK;

/* Resolves and opens. What the options leave out comes from outside: the project from
 * $MAIN_SEQUENCE_PROJECT_UID; credentials for a URL, all from one place: the options (their
 * `login` alone names a login of the store), else the environment (MAINSEQUENCE_AUTH_MODE,
 * _ACCESS_TOKEN, _REFRESH_TOKEN, _RUNTIME_CREDENTIAL_ID, _RUNTIME_CREDENTIAL_SECRET) unless
 * $MAINSEQUENCE_ENDPOINT names another server, else the login store. Without any, calls fail with
 * AUTHENTICATION before they are sent. */
MSEQ_API mseq_status mseq_endpoint_connect(const char *given, const char *home,
                                           const mseq_client_options *options, mseq_client **client,
                                           const char **source, mseq_error *err) MSEQ_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
