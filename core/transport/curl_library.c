/* SPDX-License-Identifier: MIT
 * libcurl, loaded late. */
#include "curl_library.h"

curl_functions curl_library;

static const char *const names[] = {
#define F(name) #name,
    CURL_FUNCTIONS(F)
#undef F
};

mseq_status curl_load(mseq_error *err) {
    static mseq_library library = {.file = "libcurl.so.4",
                                   .package = "libcurl4",
                                   .names = names,
                                   .functions = &curl_library,
                                   .count = sizeof names / sizeof *names};
    return mseq_library_load(&library, err);
}
