/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: filters of lists → a WHERE clause. */
#ifndef MSEQ_MANAGER_FILTERS_H
#define MSEQ_MANAGER_FILTERS_H

#include "manager_private.h"

/* Which tables a list is about. Starts with those the caller may see, of the route's kind. */
typedef struct manager_filter {
    const manager_call *call;
    mseq_buffer where;      /* conditions joined with AND; never empty */
    mseq_value *parameters; /* ?1, ?2, … of the conditions */
    bool selective;         /* one of them finds few rows by an index */
    mseq_buffer join;       /* what else the rows come from */
    const char *order;      /* before creation date and uid; NULL: nothing */
} manager_filter;

mseq_status manager_filter_begin(const manager_call *call, manager_filter *filter,
                                 mseq_error *err) MSEQ_MUST_CHECK;
/* Adds the members of `filters` (query strings or JSON values) that are filters; a key that is
 * neither a filter nor in `others` (ends with NULL) is refused. */
mseq_status manager_filter_add(manager_filter *filter, const mseq_value *filters,
                               const char *const *others, mseq_error *err) MSEQ_MUST_CHECK;
/* Adds the condition `before` ? `after`, where ? stands for the value. */
mseq_status manager_filter_condition(manager_filter *filter, const char *before,
                                     const mseq_value *value, const char *after,
                                     mseq_error *err) MSEQ_MUST_CHECK;
/* Joins `before` ? `after` to meta_table, and orders the rows by what it gives. At most one. */
mseq_status manager_filter_join(manager_filter *filter, const char *before, const mseq_value *value,
                                const char *after, const char *order,
                                mseq_error *err) MSEQ_MUST_CHECK;
/* Condition that `column` holds the text, byte by byte. */
mseq_status manager_filter_contains(manager_filter *filter, const char *column, const char *text,
                                    mseq_error *err) MSEQ_MUST_CHECK;
/* Rows of MANAGER_ROW_COLUMNS that match, in order, as replies of the call's route;
 * at most `limit` after `offset`. `after` (may be NULL) is where a page before ended; *next gets
 * where this one ends (owned by the caller, NULL: nothing follows); `next` may be NULL. */
mseq_status manager_filter_run(manager_filter *filter, int64_t limit, int64_t offset,
                               const char *after, mseq_value **rows, char **next,
                               mseq_error *err) MSEQ_MUST_CHECK;
void manager_filter_free(manager_filter *filter);

#endif
