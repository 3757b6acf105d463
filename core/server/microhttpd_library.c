/* SPDX-License-Identifier: MIT
 * libmicrohttpd, loaded late. */
#include "microhttpd_library.h"

microhttpd_functions microhttpd_library;

static const char *const names[] = {
#define F(name) #name,
    MICROHTTPD_FUNCTIONS(F)
#undef F
};

mseq_status microhttpd_load(mseq_error *err) {
    static mseq_library library = {.file = "libmicrohttpd.so.12",
                                   .package = "libmicrohttpd12",
                                   .names = names,
                                   .functions = &microhttpd_library,
                                   .count = sizeof names / sizeof *names};
    return mseq_library_load(&library, err);
}
