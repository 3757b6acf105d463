/* SPDX-License-Identifier: MIT
 * Which columns the placeholders of a statement stand beside. A reading of the text, not a parse:
 * it sees what compiled statements look like and stays silent about the rest. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "execution.h"

typedef enum token_kind { END, WORD, PLACEHOLDER, SIGN, OTHER } token_kind;

typedef struct token {
    token_kind kind;
    const char *text; /* a name without its quotes, or the sign */
    size_t length;
    size_t number; /* of a placeholder */
} token;

typedef struct reader {
    const char *at, *end;
    manager_placeholder *placeholders;
    size_t count;
} reader;

/* ---- Tokens ------------------------------------------------------------------------------------
 */

static bool name_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

static void skip_space(reader *from) {
    while (from->at < from->end) {
        size_t left = (size_t)(from->end - from->at);
        const char *stop = NULL;
        if (isspace((unsigned char)*from->at)) {
            from->at++;
        } else if (left >= 2 && memcmp(from->at, "--", 2) == 0) {
            stop = memchr(from->at, '\n', left);
            from->at = stop ? stop + 1 : from->end;
        } else if (left >= 2 && memcmp(from->at, "/*", 2) == 0) {
            stop = memmem(from->at + 2, left - 2, "*/", 2);
            from->at = stop ? stop + 2 : from->end;
        } else {
            return;
        }
    }
}

/* 'text', "name", `name`, [name]; a doubled quote stands for itself. */
static token quoted(reader *from) {
    char close = *from->at == '[' ? ']' : *from->at;
    token found = {close == '\'' ? OTHER : WORD, from->at + 1, 0, 0};
    for (from->at++; from->at < from->end; from->at++) {
        if (*from->at != close)
            continue;
        if (close != ']' && from->at + 1 < from->end && from->at[1] == close) {
            found.kind = OTHER; /* such a name is not worth unquoting */
            from->at++;
            continue;
        }
        break;
    }
    found.length = (size_t)(from->at - found.text);
    if (from->at < from->end)
        from->at++;
    return found;
}

static token next_token(reader *from) {
    skip_space(from);
    token found = {END, from->at, 0, 0};
    if (from->at >= from->end)
        return found;
    char first = *from->at;
    if (first == '\'' || first == '"' || first == '`' || first == '[')
        return quoted(from);
    if ((first == '?' || first == '$') && from->at + 1 < from->end &&
        isdigit((unsigned char)from->at[1])) {
        found.kind = PLACEHOLDER;
        for (from->at++; from->at < from->end && isdigit((unsigned char)*from->at); from->at++)
            if (found.number < 1000000)
                found.number = found.number * 10 + (size_t)(*from->at - '0');
        return found;
    }
    if (name_byte(first)) {
        found.kind = WORD;
        while (from->at < from->end && name_byte(*from->at))
            from->at++;
    } else {
        found.kind = SIGN;
        from->at++;
        if (from->at < from->end && strchr("<>=!", first) && strchr("=>", *from->at))
            from->at++;
    }
    found.length = (size_t)(from->at - found.text);
    return found;
}

static bool is_word(const token *found, const char *word) {
    return found->kind == WORD && found->length == strlen(word) &&
           strncasecmp(found->text, word, found->length) == 0;
}

static bool is_sign(const token *found, const char *sign) {
    return found->kind == SIGN && found->length == strlen(sign) &&
           strncmp(found->text, sign, found->length) == 0;
}

/* ---- Placeholders ------------------------------------------------------------------------------
 */

static void note(reader *from, const token *placeholder, const token *column, manager_role role) {
    if (placeholder->number == 0 || placeholder->number > from->count ||
        column->length >= sizeof from->placeholders->column)
        return;
    manager_placeholder *known = &from->placeholders[placeholder->number - 1];
    if (known->role >= role)
        return;
    known->role = role;
    memcpy(known->column, column->text, column->length);
    known->column[column->length] = '\0';
}

/* The columns of INSERT INTO name (a, b, …); false when there is no such list. */
static size_t read_columns(reader *from, token *columns, size_t maximum) {
    size_t count = 0;
    token found = next_token(from);
    while (found.kind == WORD || is_sign(&found, ".")) /* schema.table AS alias */
        found = next_token(from);
    if (!is_sign(&found, "("))
        return 0;
    for (found = next_token(from); found.kind == WORD; found = next_token(from)) {
        if (count == maximum)
            return 0;
        columns[count++] = found;
        found = next_token(from);
        if (!is_sign(&found, ","))
            break;
    }
    return is_sign(&found, ")") ? count : 0;
}

/* VALUES (…), (…): the n-th item of a row is stored in the n-th column when it is a placeholder and
 * nothing else. */
static token read_values(reader *from, const token *columns, size_t count) {
    token found = next_token(from);
    while (is_sign(&found, "(")) {
        size_t depth = 1, position = 0, tokens = 0;
        token item = {END, NULL, 0, 0};
        while (depth > 0 && (found = next_token(from)).kind != END) {
            depth += is_sign(&found, "(");
            depth -= is_sign(&found, ")");
            if (depth == 0 || (depth == 1 && is_sign(&found, ","))) {
                if (tokens == 1 && item.kind == PLACEHOLDER && position < count)
                    note(from, &item, &columns[position], MANAGER_ROLE_STORED);
                position++;
                tokens = 0;
            } else {
                item = found;
                tokens++;
            }
        }
        found = next_token(from);
        if (!is_sign(&found, ","))
            break;
        found = next_token(from);
    }
    return found;
}

static bool compares(const token *sign) {
    static const char *const signs[] = {"=", "<", ">", "<=", ">=", "<>", "!=", "=="};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (is_sign(sign, signs[i]))
            return true;
    return false;
}

void manager_placeholders(const char *sql, size_t length, manager_placeholder *placeholders,
                          size_t count) {
    enum { COLUMNS_MAXIMUM = 512 };
    reader from = {sql, sql + length, placeholders, count};
    token *columns = malloc(COLUMNS_MAXIMUM * sizeof *columns);
    token before = {END, NULL, 0, 0}, column = before;
    bool setting = false; /* between SET and WHERE: "=" stores */
    size_t known = 0;
    token found = next_token(&from);
    while (columns && found.kind != END) {
        if (is_word(&found, "INTO")) {
            known = read_columns(&from, columns, COLUMNS_MAXIMUM);
            setting = false;
        } else if (is_word(&found, "VALUES") && known) {
            found = read_values(&from, columns, known);
            known = 0;
            continue;
        } else if (is_word(&found, "SET")) {
            setting = true;
        } else if (is_word(&found, "WHERE") || is_word(&found, "FROM") ||
                   is_word(&found, "RETURNING")) {
            setting = false;
        } else if (found.kind == PLACEHOLDER && column.kind == WORD && compares(&before)) {
            note(&from, &found, &column,
                 setting && is_sign(&before, "=") ? MANAGER_ROLE_STORED : MANAGER_ROLE_COMPARED);
        }
        if (!compares(&found))
            column = found;
        before = found;
        found = next_token(&from);
    }
    free(columns);
}
