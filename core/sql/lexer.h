/* SPDX-License-Identifier: MIT
 * Inside of the room `sql`: one piece of SQL text after the other. */
#ifndef MSEQ_SQL_LEXER_H
#define MSEQ_SQL_LEXER_H

#include "mainsequence/sql.h"

typedef enum piece_kind {
    PIECE_TEXT,       /* string literal of any form */
    PIECE_IDENTIFIER, /* quoted */
    PIECE_COMMENT,
    PIECE_WORD, /* keyword or plain identifier */
    PIECE_SPACE,
    PIECE_CODE, /* one other byte */
    PIECE_UNFINISHED
} piece_kind;

typedef struct piece {
    piece_kind kind;
    size_t end;       /* first byte after it */
    const char *what; /* PIECE_UNFINISHED: what has no end */
} piece;

/* The piece that starts at `at` (< length). */
piece next_piece(const char *sql, size_t length, size_t at, mseq_dialect dialect);

#endif
