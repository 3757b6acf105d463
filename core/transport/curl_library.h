/* SPDX-License-Identifier: MIT
 * libcurl, loaded when the first transport is made. The calls are written as ever. */
#ifndef MSEQ_CURL_LIBRARY_H
#define MSEQ_CURL_LIBRARY_H

#include <curl/curl.h>

#include "mainsequence/base.h"

/* Every function that is called. */
#define CURL_FUNCTIONS(F)                                                                          \
    F(curl_easy_cleanup)                                                                           \
    F(curl_easy_getinfo)                                                                           \
    F(curl_easy_init)                                                                              \
    F(curl_easy_pause)                                                                             \
    F(curl_easy_reset)                                                                             \
    F(curl_easy_setopt)                                                                            \
    F(curl_easy_strerror)                                                                          \
    F(curl_free)                                                                                   \
    F(curl_global_init)                                                                            \
    F(curl_multi_add_handle)                                                                       \
    F(curl_multi_cleanup)                                                                          \
    F(curl_multi_info_read)                                                                        \
    F(curl_multi_init)                                                                             \
    F(curl_multi_perform)                                                                          \
    F(curl_multi_poll)                                                                             \
    F(curl_multi_remove_handle)                                                                    \
    F(curl_multi_strerror)                                                                         \
    F(curl_slist_append)                                                                           \
    F(curl_slist_free_all)                                                                         \
    F(curl_url)                                                                                    \
    F(curl_url_cleanup)                                                                            \
    F(curl_url_get)                                                                                \
    F(curl_url_set)                                                                                \
    F(curl_url_strerror)

typedef struct curl_functions {
#define F(name) __typeof__(&(name)) name; // NOLINT(bugprone-macro-parentheses): a member
    CURL_FUNCTIONS(F)
#undef F
} curl_functions;

extern curl_functions curl_library;

/* Before any other of them is called. MSEQ_E_IO: there is no such library. */
mseq_status curl_load(mseq_error *err);

/* libcurl makes macros of these two. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#define curl_easy_cleanup curl_library.curl_easy_cleanup
#define curl_easy_getinfo curl_library.curl_easy_getinfo
#define curl_easy_init curl_library.curl_easy_init
#define curl_easy_pause curl_library.curl_easy_pause
#define curl_easy_reset curl_library.curl_easy_reset
#define curl_easy_setopt curl_library.curl_easy_setopt
#define curl_easy_strerror curl_library.curl_easy_strerror
#define curl_free curl_library.curl_free
#define curl_global_init curl_library.curl_global_init
#define curl_multi_add_handle curl_library.curl_multi_add_handle
#define curl_multi_cleanup curl_library.curl_multi_cleanup
#define curl_multi_info_read curl_library.curl_multi_info_read
#define curl_multi_init curl_library.curl_multi_init
#define curl_multi_perform curl_library.curl_multi_perform
#define curl_multi_poll curl_library.curl_multi_poll
#define curl_multi_remove_handle curl_library.curl_multi_remove_handle
#define curl_multi_strerror curl_library.curl_multi_strerror
#define curl_slist_append curl_library.curl_slist_append
#define curl_slist_free_all curl_library.curl_slist_free_all
#define curl_url curl_library.curl_url
#define curl_url_cleanup curl_library.curl_url_cleanup
#define curl_url_get curl_library.curl_url_get
#define curl_url_set curl_library.curl_url_set
#define curl_url_strerror curl_library.curl_url_strerror

#endif
