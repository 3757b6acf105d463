/* SPDX-License-Identifier: MIT
 * An allocator that fails on demand. A test that includes this file is linked with --wrap for the
 * functions below (CMakeLists.txt does so for every test_*_memory.c), so that what the library
 * allocates goes through here; what other libraries allocate does not. */
#ifndef SPEC_FAILING_ALLOCATOR_H
#define SPEC_FAILING_ALLOCATOR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Allocations that still succeed; negative: all do. Then one fails, or with `fail_all` every one.
 */
static long allocations_left = -1;
static bool fail_all;

static inline bool allocation_fails(void) {
    if (allocations_left < 0)
        return false;
    if (allocations_left > 0) {
        allocations_left--;
        return false;
    }
    if (!fail_all)
        allocations_left = -1;
    return true;
}

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the names --wrap asks for
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
int __real_vasprintf(char **text, const char *format, va_list arguments);

void *__wrap_malloc(size_t size) {
    return allocation_fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
    return allocation_fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
    return allocation_fails() ? NULL : __real_realloc(old, size);
}
char *__wrap_strdup(const char *text) {
    return allocation_fails() ? NULL : __real_strdup(text);
}
char *__wrap_strndup(const char *text, size_t length) {
    return allocation_fails() ? NULL : __real_strndup(text, length);
}
__attribute__((format(printf, 2, 0))) int __wrap_vasprintf(char **text, const char *format,
                                                           va_list arguments) {
    return allocation_fails() ? -1 : __real_vasprintf(text, format, arguments);
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

#endif
