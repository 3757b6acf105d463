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

#ifdef __cplusplus
}
#endif
#endif
