/* SPDX-License-Identifier: MIT
 * libpq, loaded late. */
#include "postgresql_library.h"

pq_functions pq_library;

static const char *const names[] = {
#define F(name) #name,
    PQ_FUNCTIONS(F)
#undef F
};

mseq_status pq_load(mseq_error *err) {
    static mseq_library library = {.file = "libpq.so.5",
                                   .package = "libpq5",
                                   .names = names,
                                   .functions = &pq_library,
                                   .count = sizeof names / sizeof *names};
    return mseq_library_load(&library, err);
}
