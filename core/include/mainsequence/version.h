/* SPDX-License-Identifier: MIT
 * The one place where the version stands. CMake, the rockspec check and Lua's _VERSION read it. */
#ifndef MSEQ_VERSION_H
#define MSEQ_VERSION_H

#define MSEQ_VERSION_MAJOR 0
#define MSEQ_VERSION_MINOR 1
#define MSEQ_VERSION_PATCH 0
#define MSEQ_VERSION_STRING "0.1.0"
#define MSEQ_VERSION_NUMBER                                                                        \
    ((MSEQ_VERSION_MAJOR << 16) | (MSEQ_VERSION_MINOR << 8) | MSEQ_VERSION_PATCH)

/* True when this header is at least the given version. */
#define MSEQ_VERSION_AT_LEAST(major, minor, patch)                                                 \
    (MSEQ_VERSION_NUMBER >= (((major) << 16) | ((minor) << 8) | (patch)))

#endif
