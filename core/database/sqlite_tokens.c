/* SPDX-License-Identifier: MIT
 * Tokens of SQL as SQLite reads it (https://sqlite.org/lang.html; the classes of tokenize.c). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sqlite_private.h"

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_word_char(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

const char *sqlite_skip_blank(const char *at, const char *end) {
    while (at < end) {
        if (is_space(*at)) {
            at++;
        } else if (end - at >= 2 && at[0] == '-' && at[1] == '-') {
            const char *line = memchr(at, '\n', (size_t)(end - at));
            at = line ? line + 1 : end;
        } else if (end - at >= 3 && at[0] == '/' && at[1] == '*') {
            const char *close = memmem(at + 2, (size_t)(end - at - 2), "*/", 2);
            at = close ? close + 2 : end;
        } else if (end - at >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) {
            at += 3;
        } else {
            break;
        }
    }
    return at;
}

static const char *quoted_end(const char *at, const char *end, char quote) {
    for (const char *c = at + 1; c < end; c++) {
        if (*c != quote)
            continue;
        if (quote != ']' && c + 1 < end && c[1] == quote)
            c++;
        else
            return c + 1;
    }
    return end;
}

static const char *word_end(const char *at, const char *end) {
    while (at < end && is_word_char(*at))
        at++;
    return at;
}

static const char *number_end(const char *at, const char *end) {
    const char *c = at;
    while (c < end && (is_word_char(*c) || *c == '.' ||
                       ((*c == '+' || *c == '-') && c > at && (c[-1] == 'e' || c[-1] == 'E') &&
                        !(at[0] == '0' && c > at + 1 && (at[1] == 'x' || at[1] == 'X')))))
        c++;
    return c;
}

sqlite_token sqlite_next_token(const char **cursor, const char *end) {
    const char *at = sqlite_skip_blank(*cursor, end), *stop = at;
    sqlite_token_kind kind = LITE_TOKEN_OTHER;
    if (at == end) {
        kind = LITE_TOKEN_END;
    } else if (*at == '\'') {
        kind = LITE_TOKEN_STRING;
        stop = quoted_end(at, end, '\'');
    } else if (*at == '"' || *at == '`' || *at == '[') {
        kind = LITE_TOKEN_QUOTED;
        stop = quoted_end(at, end, *at == '[' ? ']' : *at);
    } else if ((*at == 'x' || *at == 'X') && at + 1 < end && at[1] == '\'') {
        stop = quoted_end(at + 1, end, '\'');
    } else if (isdigit((unsigned char)*at) ||
               (*at == '.' && at + 1 < end && isdigit((unsigned char)at[1]))) {
        kind = LITE_TOKEN_NUMBER;
        stop = number_end(at, end);
    } else if (*at == '?' || *at == '@' || *at == '#' || *at == ':' || *at == '$') {
        stop = word_end(at + 1, end);
    } else if (is_word_char(*at)) {
        kind = LITE_TOKEN_WORD;
        stop = word_end(at, end);
    } else {
        stop = at + 1;
    }
    *cursor = stop;
    return (sqlite_token){kind, at, (size_t)(stop - at)};
}

bool sqlite_token_is(const sqlite_token *token, const char *word) {
    return token->kind == LITE_TOKEN_WORD && token->length == strlen(word) &&
           strncasecmp(token->text, word, token->length) == 0;
}

bool sqlite_token_is_byte(const sqlite_token *token, char byte) {
    return token->kind == LITE_TOKEN_OTHER && token->length == 1 && token->text[0] == byte;
}

/* The bytes that a name token stands for, and the quote that is doubled in them (0: none). */
static char name_bytes(const sqlite_token *token, const char **at, const char **end) {
    bool quoted = token->kind == LITE_TOKEN_QUOTED || token->kind == LITE_TOKEN_STRING;
    *at = token->text;
    *end = token->text + token->length;
    if (!quoted || token->length < 2)
        return 0;
    ++*at;
    --*end;
    return token->text[0] == '[' ? 0 : token->text[0];
}

char *sqlite_token_name(const sqlite_token *token) {
    const char *at, *end;
    char quote = name_bytes(token, &at, &end);
    char *name = malloc(token->length + 1), *out = name;
    if (!name)
        return NULL;
    while (at < end) {
        if (quote && *at == quote && at + 1 < end)
            at++;
        *out++ = *at++;
    }
    *out = '\0';
    return name;
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool sqlite_token_names(const sqlite_token *token, const char *name) {
    if (token->kind != LITE_TOKEN_WORD && token->kind != LITE_TOKEN_QUOTED &&
        token->kind != LITE_TOKEN_STRING)
        return false;
    const char *at, *end;
    char quote = name_bytes(token, &at, &end);
    for (; at < end && *name; at++, name++) {
        if (quote && *at == quote && at + 1 < end)
            at++;
        if (lower(*at) != lower(*name))
            return false;
    }
    return at == end && !*name;
}

bool sqlite_only_blank(const char *text, const char *end) {
    for (;;) {
        text = sqlite_skip_blank(text, end);
        if (text == end)
            return true;
        if (*text != ';')
            return false;
        text++;
    }
}
