/* SPDX-License-Identifier: MIT
 * Whether anything was committed since, without a lock or a statement.
 *
 * Every commit to a WAL ends by writing the head of the WAL index, which is memory that all
 * connections of all processes share; and every reader begins by reading that head, which tells it
 * where the database ends that it will see (SQLite's "WAL-mode File Format", section 2.1, "The
 * WAL-Index Header"). Two reads that find the same head therefore see the same database: it holds
 * the number of frames of the WAL, their running checksum and the salt that a WAL gets when it
 * begins anew, so that no other content has the same one. A head is kept twice, the second copy
 * written first; a reader that finds the two different has met a commit. */
#include <string.h>

#include "sqlite_private.h"

enum {
    HEAD_SIZE = sizeof((mseq_database_mark *)0)->bytes,
    HEAD_WORDS = HEAD_SIZE / sizeof(uint32_t),
    HEAD_VERSION = 3007000, /* the first word; another one would be another format */
    REGION_SIZE = 32768     /* of which the WAL index is mapped */
};

static void read_head(const uint32_t *from, uint32_t head[HEAD_WORDS]) {
    for (size_t i = 0; i < HEAD_WORDS; i++) /* written by others meanwhile */
        head[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* The first region of the WAL index, as SQLite has mapped it; NULL: none. */
static const uint32_t *wal_index(sqlite3_file *file) {
    void volatile *region = NULL;
    return file->pMethods->xShmMap(file, 0, REGION_SIZE, 0, &region) == SQLITE_OK
               ? (const uint32_t *)region
               : NULL;
}

bool sqlite_mark(const sqlite_handle *handle, mseq_database_mark *mark) {
    uint32_t first[HEAD_WORDS], second[HEAD_WORDS];
    sqlite3_file *file = NULL;
    if (!handle->wal ||
        sqlite3_file_control(handle->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        !file || !file->pMethods || file->pMethods->iVersion < 2)
        return false;
    const uint32_t *region = wal_index(file);
    if (!region)
        return false;
    read_head(region, first);
    file->pMethods->xShmBarrier(file);
    read_head(region + HEAD_WORDS, second);
    if (first[0] != HEAD_VERSION || memcmp(first, second, sizeof first) != 0)
        return false;
    memcpy(mark->bytes, first, sizeof first);
    return true;
}
