/* SPDX-License-Identifier: MIT
 * Inside of the room `base`: writing into a buffer in place. */
#ifndef BUFFER_PRIVATE_H
#define BUFFER_PRIVATE_H

#include "mainsequence/base.h"

/* Where the next `length` bytes of the buffer and a NUL may be written; who writes them adds to its
 * length, and ends it with NUL. NULL: the buffer's status says why. */
char *buffer_room(mseq_buffer *buffer, size_t length);

#endif
