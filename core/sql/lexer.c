/* SPDX-License-Identifier: MIT
 * What a piece of SQL text is: literal, quoted identifier, comment, or code. */
#include <ctype.h>
#include <string.h>

#include "lexer.h"

static bool word_char(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* End of a text that starts at its opening quote; the quote doubled stands for itself. 0:
 * unfinished. */
static size_t quoted_end(const char *sql, size_t length, size_t start, char quote, bool backslash) {
    for (size_t i = start + 1; i < length; i++) {
        if (backslash && sql[i] == '\\') {
            i++;
        } else if (sql[i] == quote) {
            if (i + 1 < length && sql[i + 1] == quote)
                i++;
            else
                return i + 1;
        }
    }
    return 0;
}

/* Where a literal that ended at `end` goes on: PostgreSQL joins literals with a line break (and
 * nothing but white space and line comments) between them, and reads the later ones as it read the
 * first, backslashes and all. Returns the next opening quote, or 0. */
static size_t continuation(const char *sql, size_t length, size_t end) {
    bool line = false;
    for (size_t i = end; i < length; i++) {
        if (sql[i] == '-' && i + 1 < length && sql[i + 1] == '-') {
            while (i + 1 < length && sql[i + 1] != '\n' && sql[i + 1] != '\r')
                i++;
        } else if (sql[i] == '\n' || sql[i] == '\r') {
            line = true;
        } else if (!isspace((unsigned char)sql[i])) {
            return line && sql[i] == '\'' ? i : 0;
        }
    }
    return 0;
}

/* A literal of PostgreSQL with its continuations. 0: unfinished. */
static size_t literal_end(const char *sql, size_t length, size_t start, bool backslash) {
    size_t end = quoted_end(sql, length, start, '\'', backslash);
    while (end && (start = continuation(sql, length, end)) != 0)
        end = quoted_end(sql, length, start, '\'', backslash);
    return end;
}

/* The line comment that starts at `at`. PostgreSQL ends it at a carriage return too. */
static size_t line_comment_end(const char *sql, size_t length, size_t at, bool postgresql) {
    while (at < length && sql[at] != '\n' && !(postgresql && sql[at] == '\r'))
        at++;
    return at < length ? at + 1 : length;
}

/* $tag$ … $tag$ (PostgreSQL). Returns `start` when it is no dollar quote. */
static size_t dollar_end(const char *sql, size_t length, size_t start) {
    size_t tag = start + 1;
    if (tag < length && isdigit((unsigned char)sql[tag]))
        return start;
    while (tag < length &&
           (isalnum((unsigned char)sql[tag]) || sql[tag] == '_' || (unsigned char)sql[tag] >= 0x80))
        tag++;
    if (tag >= length || sql[tag] != '$')
        return start;
    size_t size = tag + 1 - start;
    for (size_t i = tag + 1; i + size <= length; i++)
        if (memcmp(sql + i, sql + start, size) == 0)
            return i + size;
    return 0;
}

static size_t block_comment_end(const char *sql, size_t length, size_t start, bool nested) {
    size_t depth = 1;
    for (size_t i = start + 2; i + 1 < length; i++) {
        if (sql[i] == '*' && sql[i + 1] == '/') {
            i++;
            if (--depth == 0)
                return i + 1;
        } else if (nested && sql[i] == '/' && sql[i + 1] == '*') {
            depth++;
            i++;
        }
    }
    return 0;
}

static piece finish(piece_kind kind, size_t end, const char *what) {
    return end ? (piece){kind, end, NULL} : (piece){PIECE_UNFINISHED, 0, what};
}

piece next_piece(const char *sql, size_t length, size_t at, mseq_dialect dialect) {
    bool postgresql = dialect == MSEQ_POSTGRESQL;
    char c = sql[at], next = at + 1 < length ? sql[at + 1] : '\0';
    bool fresh = at == 0 || !word_char(sql[at - 1]); /* not in the middle of a word */
    if (c == '\'')
        return finish(PIECE_TEXT,
                      postgresql ? literal_end(sql, length, at, false)
                                 : quoted_end(sql, length, at, '\'', false),
                      "string literal");
    if (postgresql && fresh && (c == 'e' || c == 'E') && next == '\'')
        return finish(PIECE_TEXT, literal_end(sql, length, at + 1, true), "string literal");
    if (c == '"')
        return finish(PIECE_IDENTIFIER, quoted_end(sql, length, at, '"', false),
                      "quoted identifier");
    if (!postgresql && c == '`')
        return finish(PIECE_IDENTIFIER, quoted_end(sql, length, at, '`', false),
                      "quoted identifier");
    if (!postgresql && c == '[') {
        const char *end = memchr(sql + at, ']', length - at);
        return finish(PIECE_IDENTIFIER, end ? (size_t)(end - sql) + 1 : 0, "quoted identifier");
    }
    if (postgresql && fresh && c == '$') {
        size_t end = dollar_end(sql, length, at);
        if (end != at)
            return finish(PIECE_TEXT, end, "dollar-quoted string");
    }
    if (c == '-' && next == '-')
        return (piece){PIECE_COMMENT, line_comment_end(sql, length, at, postgresql), NULL};
    if (c == '/' && next == '*') {
        size_t end = block_comment_end(sql, length, at, postgresql);
        /* SQLite takes an open comment at the end of the text as closed; nothing can follow it */
        return finish(PIECE_COMMENT, !end && !postgresql ? length : end, "comment");
    }
    if (isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80) {
        size_t end = at + 1;
        while (end < length && word_char(sql[end]))
            end++;
        return (piece){PIECE_WORD, end, NULL};
    }
    return (piece){isspace((unsigned char)c) ? PIECE_SPACE : PIECE_CODE, at + 1, NULL};
}
