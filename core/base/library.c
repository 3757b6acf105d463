/* SPDX-License-Identifier: MIT
 * Shared libraries that are loaded late. */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "mainsequence/base.h"

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static mseq_status cannot_load(const mseq_library *library, const char *why, mseq_error *err) {
    mseq_error_set(err, MSEQ_E_IO, "cannot load the library %s: %s", library->file,
                   why ? why : "no reason was given");
    mseq_error_hint(err, "install it (Debian: %s)", library->package);
    return MSEQ_E_IO;
}

/* POSIX lets a function's address be an object pointer, the C standard no cast between them. */
static mseq_status look_up(mseq_library *library, void *opened, mseq_error *err) {
    for (size_t i = 0; i < library->count; i++) {
        void *function = dlsym(opened, library->names[i]);
        if (!function)
            return cannot_load(library, dlerror(), err);
        memcpy((char *)library->functions + i * sizeof function, &function, sizeof function);
    }
    return MSEQ_OK;
}

mseq_status mseq_library_load(mseq_library *library, mseq_error *err) {
    if (__atomic_load_n(&library->loaded, __ATOMIC_ACQUIRE))
        return MSEQ_OK;
    pthread_mutex_lock(&loading);
    mseq_status status = MSEQ_OK;
    if (!__atomic_load_n(&library->loaded, __ATOMIC_RELAXED)) {
        void *opened = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
        status = opened ? look_up(library, opened, err) : cannot_load(library, dlerror(), err);
        if (status == MSEQ_OK)
            __atomic_store_n(&library->loaded, true, __ATOMIC_RELEASE);
        else if (opened)
            dlclose(opened);
    }
    pthread_mutex_unlock(&loading);
    return status;
}
