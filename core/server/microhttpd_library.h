/* SPDX-License-Identifier: MIT
 * libmicrohttpd, loaded when the first server starts. The calls are written as ever. */
#ifndef SERVER_MICROHTTPD_LIBRARY_H
#define SERVER_MICROHTTPD_LIBRARY_H

#include <microhttpd.h>

#include "mainsequence/base.h"

/* Every function that is called. */
#define MICROHTTPD_FUNCTIONS(F)                                                                    \
    F(MHD_add_connection)                                                                          \
    F(MHD_add_response_header)                                                                     \
    F(MHD_create_response_from_buffer)                                                             \
    F(MHD_create_response_from_callback)                                                           \
    F(MHD_destroy_response)                                                                        \
    F(MHD_get_connection_info)                                                                     \
    F(MHD_get_connection_values)                                                                   \
    F(MHD_get_reason_phrase_for)                                                                   \
    F(MHD_is_feature_supported)                                                                    \
    F(MHD_lookup_connection_value)                                                                 \
    F(MHD_queue_response)                                                                          \
    F(MHD_start_daemon)                                                                            \
    F(MHD_stop_daemon)

typedef struct microhttpd_functions {
#define F(name) __typeof__(&(name)) name; // NOLINT(bugprone-macro-parentheses): a member
    MICROHTTPD_FUNCTIONS(F)
#undef F
} microhttpd_functions;

extern microhttpd_functions microhttpd_library;

/* Before any other of them is called. MSEQ_E_IO: there is no such library. */
mseq_status microhttpd_load(mseq_error *err);

#define MHD_add_connection microhttpd_library.MHD_add_connection
#define MHD_add_response_header microhttpd_library.MHD_add_response_header
#define MHD_create_response_from_buffer microhttpd_library.MHD_create_response_from_buffer
#define MHD_create_response_from_callback microhttpd_library.MHD_create_response_from_callback
#define MHD_destroy_response microhttpd_library.MHD_destroy_response
#define MHD_get_connection_info microhttpd_library.MHD_get_connection_info
#define MHD_get_connection_values microhttpd_library.MHD_get_connection_values
#define MHD_get_reason_phrase_for microhttpd_library.MHD_get_reason_phrase_for
#define MHD_is_feature_supported microhttpd_library.MHD_is_feature_supported
#define MHD_lookup_connection_value microhttpd_library.MHD_lookup_connection_value
#define MHD_queue_response microhttpd_library.MHD_queue_response
#define MHD_start_daemon microhttpd_library.MHD_start_daemon
#define MHD_stop_daemon microhttpd_library.MHD_stop_daemon

#endif
