/* SPDX-License-Identifier: MIT
 * Looking for an identifier in SQL text. */
#include <ctype.h>
#include <string.h>

#include "migration_private.h"

/* What follows the comment, string or quoted name that starts at `c`. */
static const char *skip_quoted(const char *c) {
    char end = *c == '[' ? ']' : *c;
    for (c++; *c; c++)
        if (*c == end && (end == ']' || c[1] != end))
            return c + 1;
        else if (*c == end)
            c++;
    return c;
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* The quoted name in [from, to), its quotes included: a doubled quote stands for one. */
static bool same_quoted(const char *from, const char *to, const char *identifier) {
    char quote = *from;
    const char *c = from + 1;
    for (; c < to - 1 && *identifier; c++, identifier++) {
        if (tolower((unsigned char)*c) != tolower((unsigned char)*identifier))
            return false;
        if (*c == quote && quote != '[')
            c++;
    }
    return c == to - 1 && !*identifier;
}

static bool same(const char *text, size_t length, const char *identifier) {
    return strlen(identifier) == length && strncasecmp(text, identifier, length) == 0;
}

bool sql_mentions(const char *sql, const char *identifier) {
    for (const char *c = sql; *c;) {
        if (c[0] == '-' && c[1] == '-') {
            c += strcspn(c, "\n");
        } else if (c[0] == '/' && c[1] == '*') {
            const char *end = strstr(c + 2, "*/");
            c = end ? end + 2 : c + strlen(c);
        } else if (*c == '\'') {
            c = skip_quoted(c);
        } else if (*c == '"' || *c == '`' || *c == '[') {
            const char *end = skip_quoted(c);
            if (end - c >= 2 && same_quoted(c, end, identifier))
                return true;
            c = end;
        } else if (is_word(*c)) {
            const char *from = c;
            while (is_word(*c))
                c++;
            if (same(from, (size_t)(c - from), identifier))
                return true;
        } else {
            c++;
        }
    }
    return false;
}
