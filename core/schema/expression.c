/* SPDX-License-Identifier: MIT
 * Whether two SQL expressions say the same: a declared CHECK or WHERE and what a database keeps of
 * it. PostgreSQL stores the parsed expression and prints it its own way; both texts are brought to
 * one spelling, token by token. Parentheses are dropped in the end, so two expressions that differ
 * in nothing but grouping count as the same. */
#include <stdlib.h>
#include <string.h>

#include "mainsequence/schema.h"

typedef enum token_kind { WORD, NAME, STRING, NUMBER, SIGN } token_kind;

/* Text is in the pool: words in lower case, names and strings without quotes. */
typedef struct token {
    token_kind kind;
    size_t text; /* offset in the pool */
} token;

typedef struct tokens {
    token *items;
    size_t count, capacity;
    mseq_buffer pool; /* texts, each with its NUL */
} tokens;

static const char *text_at(const tokens *t, size_t index) {
    return index < t->count ? t->pool.data + t->items[index].text : "";
}

/* A keyword, a sign, or a name that reads like it. */
static bool is(const tokens *t, size_t index, const char *text) {
    return index < t->count && t->items[index].kind != STRING &&
           strcmp(text_at(t, index), text) == 0;
}

static bool is_operand(const tokens *t, size_t index) {
    return index < t->count && t->items[index].kind != SIGN;
}

static bool insert(tokens *t, size_t at, token item) {
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? t->capacity * 2 : 32;
        token *grown = realloc(t->items, capacity * sizeof *grown);
        if (!grown)
            return false;
        t->items = grown;
        t->capacity = capacity;
    }
    memmove(t->items + at + 1, t->items + at, (t->count - at) * sizeof *t->items);
    t->items[at] = item;
    t->count++;
    return true;
}

static void drop(tokens *t, size_t at, size_t count) {
    memmove(t->items + at, t->items + at + count, (t->count - at - count) * sizeof *t->items);
    t->count -= count;
}

static bool add(tokens *t, size_t at, token_kind kind, const char *text, size_t length) {
    token item = {kind, t->pool.length};
    mseq_buffer_append(&t->pool, text, length);
    if (mseq_buffer_append_char(&t->pool, '\0') != MSEQ_OK)
        return false;
    for (char *c = t->pool.data + item.text; kind == WORD && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    return insert(t, at, item);
}

/* ---- Reading
 * --------------------------------------------------------------------------------------------- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* From the opening quote; returns what follows the closing one, NULL without memory. */
static const char *read_quoted(tokens *t, const char *c, bool escapes) {
    char quote = *c++;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    for (; *c && (*c != quote || c[1] == quote); c++) {
        if (*c == quote || (escapes && *c == '\\' && c[1]))
            c++;
        mseq_buffer_append_char(&text, *c);
    }
    bool added = text.status == MSEQ_OK && add(t, t->count, quote == '\'' ? STRING : NAME,
                                               mseq_buffer_text(&text), text.length);
    mseq_buffer_free(&text);
    return !added ? NULL : *c ? c + 1 : c;
}

static const char *read_sign(tokens *t, const char *c) {
    static const char operators[] = "+-*/<>=~!@#%^&|`?";
    size_t length = strspn(c, operators);
    while (length > 1 && (c[length - 1] == '-' || c[length - 1] == '+'))
        length--; /* "=-1": the sign is the number's */
    if (strncmp(c, "::", 2) == 0)
        length = 2;
    if (length == 0)
        length = 1;
    bool unequal = length == 2 && strncmp(c, "!=", 2) == 0;
    bool equal = length == 2 && strncmp(c, "==", 2) == 0;
    return add(t, t->count, SIGN, unequal ? "<>" : c, equal ? 1 : length) ? c + length : NULL;
}

static const char *read_token(tokens *t, const char *c) {
    if (*c == '\'' || *c == '"')
        return read_quoted(t, c, false);
    if ((*c == 'e' || *c == 'E') && c[1] == '\'')
        return read_quoted(t, c + 1, true);
    const char *end = c;
    if (is_letter(*c)) {
        while (is_letter(*end) || is_digit(*end) || *end == '$')
            end++;
        return add(t, t->count, WORD, c, (size_t)(end - c)) ? end : NULL;
    }
    if (is_digit(*c) || (*c == '.' && is_digit(c[1]))) {
        while (is_digit(*end) || *end == '.' || is_letter(*end) ||
               ((*end == '-' || *end == '+') && (end[-1] == 'e' || end[-1] == 'E')))
            end++;
        return add(t, t->count, NUMBER, c, (size_t)(end - c)) ? end : NULL;
    }
    return read_sign(t, c);
}

static bool tokenize(tokens *t, const char *text) {
    while (*text) {
        if (strchr(" \t\r\n\f\v", *text)) {
            text++;
            continue;
        }
        text = read_token(t, text);
        if (!text)
            return false;
    }
    return true;
}

/* ---- One spelling
 * ---------------------------------------------------------------------------------------- */

/* Index of the parenthesis that closes the one at `open`; the count when there is none. */
static size_t closing(const tokens *t, size_t open) {
    size_t depth = 0;
    for (size_t i = open; i < t->count; i++) {
        if (is(t, i, "(") || is(t, i, "["))
            depth++;
        else if (is(t, i, ")") || is(t, i, "]"))
            depth--;
        if (depth == 0)
            return i;
    }
    return t->count;
}

/* How many tokens from `at` are a type's name: words, a schema, arguments, brackets. */
static size_t type_length(const tokens *t, size_t at) {
    static const char *const more[] = {"varying", "precision", "with", "without", "time", "zone"};
    size_t i = at;
    if (!is_operand(t, i))
        return 0;
    i++;
    while (is(t, i, ".") && is_operand(t, i + 1))
        i += 2;
    for (bool found = true; found;) {
        found = false;
        for (size_t k = 0; k < sizeof more / sizeof *more && !found; k++)
            found = is(t, i, more[k]);
        bool group = is(t, i, "(") || (is(t, i, "[") && is(t, i + 1, "]"));
        size_t end = group ? closing(t, i) : i;
        if (group && end == t->count)
            break;
        i = found || group ? end + 1 : i;
        found = found || group;
    }
    return i - at;
}

static bool is_number_type(const tokens *t, size_t at) {
    static const char *const names[] = {"integer", "bigint", "smallint", "numeric",
                                        "double",  "real",   "int"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(t, at, names[i]))
            return true;
    return false;
}

/* value::type and CAST(value AS type) → value; '-1'::integer → - 1; DATE '…' → '…'. */
static bool drop_casts(tokens *t) {
    static const char *const prefixes[] = {"date", "timestamp", "timestamptz", "time", "interval"};
    for (size_t i = 0; i < t->count; i++) {
        if (is(t, i, "::")) {
            size_t length = type_length(t, i + 1);
            bool number = i > 0 && t->items[i - 1].kind == STRING && is_number_type(t, i + 1) &&
                          !is(t, i + length, "]");
            drop(t, i, 1 + length);
            i--;
            if (!number)
                continue;
            const char *text = text_at(t, i);
            bool negative = *text == '-';
            t->items[i].kind = NUMBER;
            t->items[i].text += negative;
            if (negative && !add(t, i, SIGN, "-", 1))
                return false;
        } else if (is(t, i, "cast") && is(t, i + 1, "(")) {
            size_t end = closing(t, i + 1), as = end;
            while (as > i && !is(t, as, "as"))
                as--;
            if (end < t->count && as > i)
                drop(t, as, end - as);
            drop(t, i, 1);
            i--; /* what was cast may hold casts */
        } else if (i + 1 < t->count && t->items[i].kind == WORD && t->items[i + 1].kind == STRING) {
            for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++)
                if (is(t, i, prefixes[k])) {
                    drop(t, i, 1);
                    break;
                }
        }
    }
    return true;
}

static bool name_operators(tokens *t) {
    static const struct {
        const char *sign;
        const char *word;
        bool negated;
    } rows[] = {{"~~", "like", false},
                {"!~~", "like", true},
                {"~~*", "ilike", false},
                {"!~~*", "ilike", true}};
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; t->items[i].kind == SIGN && k < sizeof rows / sizeof *rows; k++)
            if (is(t, i, rows[k].sign)) {
                drop(t, i, 1);
                if (!add(t, i, WORD, rows[k].word, strlen(rows[k].word)) ||
                    (rows[k].negated && !add(t, i, WORD, "not", 3)))
                    return false;
                break;
            }
    return true;
}

/* x = ANY (ARRAY[…]) → x IN (…), x <> ALL (ARRAY[…]) → x NOT IN (…). */
static bool name_lists(tokens *t) {
    for (size_t i = 0; i + 1 < t->count; i++) {
        bool any = is(t, i, "=") && is(t, i + 1, "any");
        if (!any && !(is(t, i, "<>") && is(t, i + 1, "all")))
            continue;
        size_t array = i + 2;
        while (is(t, array, "("))
            array++;
        if (!is(t, array, "array") || !is(t, array + 1, "["))
            continue;
        drop(t, i, array + 1 - i); /* the bracket is at i now */
        if (!add(t, i, WORD, "in", 2) || (!any && !add(t, i, WORD, "not", 3)))
            return false;
    }
    return true;
}

/* x IN (single) → x = single, as PostgreSQL stores it. */
static bool shorten_lists(tokens *t) {
    for (size_t i = 0; i + 1 < t->count; i++) {
        if (!is(t, i, "in") || !(is(t, i + 1, "(") || is(t, i + 1, "[")))
            continue;
        size_t end = closing(t, i + 1);
        bool several = false;
        for (size_t k = i + 2; k < end; k++)
            several = several || is(t, k, ",") || is(t, k, "select");
        bool negated = i > 0 && is(t, i - 1, "not");
        if (several)
            continue;
        drop(t, i, 1);
        if (negated)
            drop(t, --i, 1);
        if (!add(t, i, SIGN, negated ? "<>" : "=", negated ? 2 : 1))
            return false;
    }
    return true;
}

/* Where the operand that ends before `end` starts: a word, or a call with its parentheses. */
static size_t operand_start(const tokens *t, size_t end) {
    size_t i = end - 1, depth = 0;
    for (;; i--) {
        if (is(t, i, ")"))
            depth++;
        else if (is(t, i, "(") && depth > 0)
            depth--;
        if (depth == 0 || i == 0)
            break;
    }
    if (i > 0 && is(t, i, "(") && t->items[i - 1].kind == WORD && !is(t, i - 1, "and") &&
        !is(t, i - 1, "or") && !is(t, i - 1, "not"))
        i--;
    return i;
}

/* Ranges inside ranges double their operand; beyond this many tokens they stay as they are. */
enum { OPERAND_MAXIMUM = 64 };

/* x BETWEEN a AND b → x >= a AND x <= b; negated x < a OR x > b. */
static bool open_ranges(tokens *t) {
    for (size_t i = 1; i < t->count; i++) {
        if (!is(t, i, "between"))
            continue;
        bool negated = is(t, i - 1, "not");
        size_t end = negated ? i - 1 : i;
        if (end == 0)
            return true;
        size_t start = operand_start(t, end), length = end - start, between = i;
        size_t conjunction = i + 1;
        while (conjunction < t->count && !is(t, conjunction, "and"))
            conjunction = is(t, conjunction, "(") ? closing(t, conjunction) + 1 : conjunction + 1;
        if (conjunction >= t->count || length > OPERAND_MAXIMUM)
            return true;
        drop(t, conjunction, 1);
        if (!add(t, conjunction, SIGN, negated ? ">" : "<=", negated ? 1 : 2))
            return false;
        for (size_t k = 0; k < length; k++)
            if (!insert(t, conjunction + k, t->items[start + k]))
                return false;
        if (!add(t, conjunction, WORD, negated ? "or" : "and", negated ? 2 : 3))
            return false;
        drop(t, end, between + 1 - end);
        if (!add(t, end, SIGN, negated ? "<" : ">=", negated ? 1 : 2))
            return false;
    }
    return true;
}

static void drop_groups(tokens *t) {
    for (size_t i = t->count; i-- > 0;)
        if (t->items[i].kind == SIGN &&
            (is(t, i, "(") || is(t, i, ")") || is(t, i, "[") || is(t, i, "]")))
            drop(t, i, 1);
}

static bool normalize_tokens(tokens *t, const char *text) {
    if (!tokenize(t, text) || !drop_casts(t) || !name_operators(t) || !name_lists(t) ||
        !shorten_lists(t) || !open_ranges(t))
        return false;
    drop_groups(t);
    return true;
}

static void free_tokens(tokens *t) {
    free(t->items);
    mseq_buffer_free(&t->pool);
}

bool mseq_expression_equivalent(const char *a, const char *b, bool *failed) {
    if (!a || !b)
        return a == b;
    if (strcmp(a, b) == 0)
        return true;
    tokens left = {NULL, 0, 0, MSEQ_BUFFER_INIT}, right = {NULL, 0, 0, MSEQ_BUFFER_INIT};
    bool same = normalize_tokens(&left, a) && normalize_tokens(&right, b);
    if (!same)
        *failed = true;
    same = same && left.count == right.count;
    for (size_t i = 0; same && i < left.count; i++)
        same = (left.items[i].kind == STRING) == (right.items[i].kind == STRING) &&
               strcmp(text_at(&left, i), text_at(&right, i)) == 0;
    free_tokens(&left);
    free_tokens(&right);
    return same;
}
