/* SPDX-License-Identifier: MIT
 * GENERATED … AS IDENTITY and its options (PostgreSQL). */
#include <string.h>

#include "mainsequence/ddl.h"

/* In the order in which they are printed. */
static const struct {
    const char *key;
    const char *words;     /* before a number; for a flag, what true says */
    const char *otherwise; /* what false says; NULL: nothing. "" marks a number */
} options[] = {{"increment", "INCREMENT BY", ""},
               {"start", "START WITH", ""},
               {"minvalue", "MINVALUE", ""},
               {"maxvalue", "MAXVALUE", ""},
               {"nominvalue", "NO MINVALUE", NULL},
               {"nomaxvalue", "NO MAXVALUE", NULL},
               {"cache", "CACHE", ""},
               {"cycle", "CYCLE", "NO CYCLE"}};
enum { OPTIONS = sizeof options / sizeof *options };

mseq_status mseq_ddl_identity_option(const mseq_value *identity, const char *key,
                                     mseq_buffer *sql) {
    const mseq_value *value = mseq_object_get(identity, key);
    for (size_t i = 0; !mseq_value_is_null(value) && i < OPTIONS; i++) {
        if (strcmp(options[i].key, key) != 0)
            continue;
        if (options[i].otherwise && !*options[i].otherwise)
            return mseq_buffer_append_format(sql, "%s %lld", options[i].words,
                                             (long long)mseq_value_get_integer(value, 0));
        const char *words =
            mseq_value_get_boolean(value, false) ? options[i].words : options[i].otherwise;
        if (words)
            return mseq_buffer_append_text(sql, words);
    }
    return sql->status;
}

mseq_status mseq_ddl_identity(const mseq_value *identity, mseq_buffer *sql) {
    mseq_buffer list = MSEQ_BUFFER_INIT;
    for (size_t i = 0; i < OPTIONS; i++) {
        size_t length = list.length;
        mseq_buffer_append_char(&list, ' ');
        mseq_ddl_identity_option(identity, options[i].key, &list);
        if (list.length == length + 1 && list.status == MSEQ_OK)
            list.data[list.length = length] = '\0';
    }
    mseq_buffer_append_format(sql, "GENERATED %s AS IDENTITY",
                              mseq_object_get_boolean(identity, "always", false) ? "ALWAYS"
                                                                                 : "BY DEFAULT");
    if (list.length)
        mseq_buffer_append_format(sql, " (%s)", mseq_buffer_text(&list) + 1);
    if (list.status != MSEQ_OK)
        sql->status = list.status;
    mseq_buffer_free(&list);
    return sql->status;
}
