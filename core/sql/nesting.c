/* SPDX-License-Identifier: MIT
 * Bounds what nests in a statement before a recursive parser sees it.
 *
 * The depth of a tree is estimated from above, in one pass over the pieces. A parenthesis, a
 * bracket or a CASE opens a level. In a level stand items (of a list, of a clause, operands of AND
 * and OR, which the parser keeps as lists): an item is as deep as the operators in it plus the
 * deepest level in it, a level as deep as its deepest item. SELECTs, set operators and joins are
 * counted as a whole. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "statement.h"

typedef enum level_kind { LEVEL_TEXT, LEVEL_GROUP, LEVEL_CASE } level_kind;

typedef struct level {
    level_kind kind;
    size_t operators; /* of the item so far */
    size_t inner;     /* deepest level in the item so far */
    size_t deepest;   /* of the items before */
    size_t betweens;  /* BETWEENs of the item whose AND has not come */
} level;

typedef struct bounds {
    const char *sql;
    size_t length;
    level *levels; /* SQL_NESTING_MAXIMUM + 1 */
    size_t depth;  /* index of the current level */
    size_t selects, set_operators, joins;
    size_t start; /* of the first piece that counts */
    bool seen;    /* there was one */
    bool began;   /* its first word was seen */
    bool ended;   /* a ";" was seen after it */
    bool label;   /* the next word is a name, whatever it says: after "." or AS */
    bool distinct;
    mseq_error *err;
} bounds;

static mseq_status too_deep(bounds *b, const char *what, size_t at) {
    sql_refuse(b->err, "nesting_too_deep",
               "the statement has more than %d %s, at byte %zu; they would nest too deep",
               SQL_NESTING_MAXIMUM, what, at + 1);
    mseq_error_hint(b->err, "write a list (IN, VALUES) or several statements");
    return MSEQ_E_STATEMENT;
}

/* ---- Items and levels --------------------------------------------------------------------------
 */

static size_t item_depth(const level *l) {
    return l->operators + l->inner;
}

static void end_item(level *l) {
    size_t depth = item_depth(l);
    l->deepest = depth > l->deepest ? depth : l->deepest;
    l->operators = l->inner = l->betweens = 0;
}

static mseq_status add_operators(bounds *b, size_t count, size_t at) {
    level *l = &b->levels[b->depth];
    l->operators += count;
    return item_depth(l) > SQL_NESTING_MAXIMUM ? too_deep(b, "operators in one expression", at)
                                               : MSEQ_OK;
}

static mseq_status open_level(bounds *b, level_kind kind, size_t at) {
    if (b->depth == SQL_NESTING_MAXIMUM)
        return too_deep(b, "parentheses, brackets and CASEs inside each other", at);
    b->levels[++b->depth] = (level){.kind = kind};
    return MSEQ_OK;
}

/* What closes nothing is left for the parser to complain about. */
static mseq_status close_level(bounds *b, level_kind kind, size_t at) {
    while (kind == LEVEL_GROUP && b->levels[b->depth].kind == LEVEL_CASE)
        b->depth--; /* a CASE without END: the parser will refuse it */
    if (b->levels[b->depth].kind != kind)
        return MSEQ_OK;
    end_item(&b->levels[b->depth]);
    size_t inner = b->levels[b->depth].deepest;
    level *outer = &b->levels[--b->depth];
    outer->inner = inner > outer->inner ? inner : outer->inner;
    return add_operators(b, 0, at);
}

/* ---- Words -------------------------------------------------------------------------------------
 */

/* Keywords are ASCII in any locale. */
static bool is_word(const char *word, size_t length, const char *keyword) {
    for (size_t i = 0; i < length; i++) {
        char c = word[i] >= 'a' && word[i] <= 'z' ? (char)(word[i] - 'a' + 'A') : word[i];
        if (c != keyword[i] || !keyword[i])
            return false;
    }
    return keyword[length] == '\0';
}

static bool is_one_of(const char *word, size_t length, const char *const *keywords) {
    for (; *keywords; keywords++)
        if (is_word(word, length, *keywords))
            return true;
    return false;
}

static mseq_status first_word(bounds *b, const char *word, size_t length) {
    static const char *const kinds[] = {"SELECT", "INSERT", "UPDATE", "DELETE",
                                        "WITH",   "VALUES", "TABLE",  NULL};
    if (is_one_of(word, length, kinds))
        return MSEQ_OK;
    sql_refuse(b->err, "statement_not_allowed",
               "a statement that starts with '%.*s' is not allowed in a governed operation",
               (int)(length < 40 ? length : 40), word);
    mseq_error_hint(b->err, "write SELECT, INSERT, UPDATE or DELETE");
    return MSEQ_E_STATEMENT;
}

static mseq_status count(bounds *b, size_t *counter, const char *what, size_t at) {
    return ++*counter > SQL_NESTING_MAXIMUM ? too_deep(b, what, at) : MSEQ_OK;
}

static mseq_status keyword(bounds *b, const char *word, size_t length, size_t at) {
    static const char *const operators[] = {"NOT",      "IS",     "ISNULL",  "NOTNULL",  "IN",
                                            "LIKE",     "ILIKE",  "SIMILAR", "COLLATE",  "AT",
                                            "OPERATOR", "ESCAPE", "BETWEEN", "OVERLAPS", NULL};
    static const char *const separators[] = {"OR",        "SELECT", "WHERE", "ON",
                                             "WHEN",      "THEN",   "ELSE",  "UNION",
                                             "INTERSECT", "EXCEPT", NULL};
    static const char *const set_operators[] = {"UNION", "INTERSECT", "EXCEPT", NULL};
    level *l = &b->levels[b->depth];
    bool and = is_word(word, length, "AND"), between = and&&l->betweens > 0;
    /* IS DISTINCT FROM and BETWEEN … AND are operators */
    bool from = is_word(word, length, "FROM") && !b->distinct;
    if (between)
        l->betweens--;
    else if (and || from || is_one_of(word, length, separators))
        end_item(l);
    if (is_word(word, length, "BETWEEN"))
        l->betweens++;
    b->distinct = is_word(word, length, "DISTINCT");
    if (is_word(word, length, "CASE"))
        return open_level(b, LEVEL_CASE, at);
    if (is_word(word, length, "END"))
        return close_level(b, LEVEL_CASE, at);
    if (is_word(word, length, "SELECT"))
        return count(b, &b->selects, "SELECTs", at);
    if (is_one_of(word, length, set_operators))
        return count(b, &b->set_operators, "set operators", at);
    if (is_word(word, length, "JOIN"))
        return count(b, &b->joins, "joins", at);
    return is_one_of(word, length, operators) ? add_operators(b, 1, at) : MSEQ_OK;
}

/* ---- Pieces ------------------------------------------------------------------------------------
 */

static bool operator_byte(char c) {
    return c && strchr("+-*/<>=~!@#%^&|`?", c);
}

/* A run of operator characters is one operator, and one more for each "+" or "-" at its end, which
 * PostgreSQL takes for signs. */
static mseq_status operator_run(bounds *b, size_t at, size_t *end) {
    size_t stop = at, signs = 0;
    while (stop < b->length && operator_byte(b->sql[stop])) {
        bool comment = stop + 1 < b->length && ((b->sql[stop] == '-' && b->sql[stop + 1] == '-') ||
                                                (b->sql[stop] == '/' && b->sql[stop + 1] == '*'));
        if (comment && stop > at)
            break;
        stop++;
    }
    while (signs < stop - at &&
           (b->sql[stop - 1 - signs] == '+' || b->sql[stop - 1 - signs] == '-'))
        signs++;
    *end = stop;
    return add_operators(b, signs == stop - at ? signs : signs + 1, at);
}

static size_t digits_end(const bounds *b, size_t at) {
    while (at < b->length && b->sql[at] >= '0' && b->sql[at] <= '9')
        at++;
    return at;
}

/* A number with its point, which is not the point before a name; "$1" is none. */
static size_t number_end(const bounds *b, size_t at) {
    bool parameter = b->sql[at] == '$';
    size_t end = digits_end(b, parameter ? at + 1 : at);
    if (!parameter && end < b->length && b->sql[end] == '.')
        end = digits_end(b, end + 1);
    return end;
}

static mseq_status code(bounds *b, size_t at, size_t *end) {
    char c = b->sql[at];
    if (c == '$' || (c >= '0' && c <= '9')) {
        *end = number_end(b, at);
        return MSEQ_OK;
    }
    if (operator_byte(c))
        return operator_run(b, at, end);
    if (c == ':' && at + 1 < b->length && b->sql[at + 1] == ':') {
        *end = at + 2;
        return add_operators(b, 1, at);
    }
    if (c == '(' || c == '[')
        return open_level(b, LEVEL_GROUP, at);
    if (c == ')' || c == ']')
        return close_level(b, LEVEL_GROUP, at);
    if (c == ',')
        end_item(&b->levels[b->depth]);
    return MSEQ_OK;
}

static mseq_status take(bounds *b, const piece *p, size_t at, size_t *end) {
    const char *start = b->sql + at;
    bool label = b->label;
    if (b->ended) {
        sql_refuse(b->err, "multiple_statements",
                   "there is more than one statement: another one starts at byte %zu", at + 1);
        mseq_error_hint(b->err, "send one operation a statement");
        return MSEQ_E_STATEMENT;
    }
    b->label = p->kind == PIECE_CODE && *start == '.';
    if (!b->seen)
        b->start = at;
    b->seen = true;
    if (!b->began && !(p->kind == PIECE_CODE && *start == '(')) {
        mseq_status status = first_word(b, start, p->end - at);
        if (status != MSEQ_OK)
            return status;
        b->began = true;
    }
    if (p->kind != PIECE_WORD)
        b->distinct = false;
    if (p->kind == PIECE_CODE)
        return code(b, at, end);
    if (p->kind != PIECE_WORD || label)
        return MSEQ_OK;
    b->label = is_word(start, p->end - at, "AS");
    return keyword(b, start, p->end - at, at);
}

static mseq_status scan(bounds *b) {
    for (size_t at = 0; at < b->length;) {
        piece p = next_piece(b->sql, b->length, at, MSEQ_POSTGRESQL);
        size_t end = p.end;
        mseq_status status = MSEQ_OK;
        if (p.kind == PIECE_UNFINISHED)
            return sql_refuse(b->err, "invalid_statement",
                              "the %s that starts at byte %zu has no end", p.what, at + 1);
        if (p.kind == PIECE_CODE && b->sql[at] == ';')
            b->ended = b->began;
        else if (p.kind != PIECE_SPACE && p.kind != PIECE_COMMENT)
            status = take(b, &p, at, &end);
        if (status != MSEQ_OK)
            return status;
        at = end;
    }
    return b->began ? MSEQ_OK
                    : sql_refuse(b->err, "kind_mismatch", "there is no statement in the text");
}

mseq_status sql_check_nesting(const char *sql, size_t length, size_t *start, mseq_error *err) {
    bounds b = {.sql = sql, .length = length, .err = err};
    b.levels = calloc(SQL_NESTING_MAXIMUM + 1, sizeof *b.levels);
    if (!b.levels)
        return mseq_error_no_memory(err);
    mseq_status status = scan(&b);
    free(b.levels);
    *start = b.start;
    return status;
}
