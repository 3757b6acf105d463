/* SPDX-License-Identifier: MIT
 * The dtype normaliser: text of a type → token (protocol page, section 7.1, remote mode). */
#include <stdlib.h>
#include <string.h>

#include "schema_private.h"

static const char TZ[] = "timestamp with time zone";

/* Spelling → token; NULL stands for a naive timestamp, which is refused. First match wins, so that
 * prefixes stand after exact words (see classify). */
static const struct {
    const char *word;
    const char *token;
} words[] = {
    {"date", "date"},
    {"datetime.date", "date"},
    {"datetime", TZ},
    {"datetime.datetime", TZ},
    {"datetime64[ns, utc]", TZ},
    {"timestamp with time zone", TZ},
    {"timestamptz", TZ},
    {"datetime64[ns]", NULL},
    {"timestamp", NULL},
    {"timestamp without time zone", NULL},
    {"datetime without time zone", NULL},
    {"datetime naive", NULL},
    {"object", "string"},
    {"str", "string"},
    {"string", "string"},
    {"text", "string"},
    {"varchar", "string"},
    {"char", "string"},
    {"character", "string"},
    {"character varying", "string"},
    {"unicode", "string"},
    {"json", "json"},
    {"jsonb", "jsonb"},
    {"bool", "bool"},
    {"boolean", "bool"},
    {"int16", "int16"},
    {"smallint", "int16"},
    {"int2", "int16"},
    {"int32", "int32"},
    {"integer", "int32"},
    {"int", "int32"},
    {"int4", "int32"},
    {"int64", "int64"},
    {"biginteger", "int64"},
    {"bigint", "int64"},
    {"int8", "int64"},
    {"uint16", "int64"},
    {"uint32", "int64"},
    {"uint64", "int64"},
    {"float32", "float32"},
    {"real", "float32"},
    {"float4", "float32"},
    {"float", "float64"},
    {"float64", "float64"},
    {"double", "float64"},
    {"double precision", "float64"},
    {"float8", "float64"},
    {"decimal", "numeric"},
};

/* Lower case, "_" as space, runs of white space as one, ends trimmed. */
static char *working_key(const char *text) {
    char *key = mseq_text_dup(text);
    if (!key)
        return NULL;
    size_t length = 0;
    for (const char *c = text; *c; c++) {
        bool space = *c == '_' || strchr(" \t\r\n\f\v", *c);
        if (!space)
            key[length++] = *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
        else if (length && key[length - 1] != ' ')
            key[length++] = ' ';
    }
    while (length && key[length - 1] == ' ')
        length--;
    key[length] = '\0';
    return key;
}

static bool starts(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_uuid(const char *key) {
    char compact[16];
    size_t length = 0;
    for (; *key; key++)
        if (*key != ' ') {
            if (length == sizeof compact - 1)
                return false;
            compact[length++] = *key;
        }
    compact[length] = '\0';
    return strcmp(compact, "uuid") == 0 || strcmp(compact, "uuidtype") == 0 ||
           strcmp(compact, "postgresqluuid") == 0;
}

/* The token, NULL for a naive timestamp, "" for text that stays as it is. */
static const char *classify(const char *key) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(key, words[i].word) == 0)
            return words[i].token;
    if (strstr(key, "varchar") || starts(key, "character varying") || starts(key, "character("))
        return "string";
    if (is_uuid(key))
        return "uuid";
    return starts(key, "numeric") ? "numeric" : "";
}

mseq_status mseq_data_type_normalize(const char *text, char **token, mseq_error *err) {
    char *trimmed = mseq_text_trim(text), *key = trimmed ? working_key(trimmed) : NULL;
    mseq_status status = MSEQ_OK;
    if (!key) {
        status = mseq_error_no_memory(err);
    } else if (!*trimmed) {
        status = mseq_error_set(err, MSEQ_E_CONTRACT, "a dtype token is required");
    } else {
        const char *found = classify(key);
        if (!found) {
            mseq_error_set(err, MSEQ_E_CONTRACT,
                           "timezone-naive data type '%s' is only for local storage", trimmed);
            mseq_error_hint(err, "use '%s'", TZ);
            status = MSEQ_E_CONTRACT;
        } else {
            char *copy = mseq_text_dup(*found ? found : trimmed);
            if (copy)
                *token = copy;
            else
                status = mseq_error_no_memory(err);
        }
    }
    free(key);
    free(trimmed);
    return status;
}

mseq_status mseq_backend_type_normalize(const char *text, char **normalized, mseq_error *err) {
    char *trimmed = mseq_text_trim(text ? text : "");
    if (!trimmed)
        return mseq_error_no_memory(err);
    bool blank = !*trimmed;
    free(trimmed);
    if (blank) {
        *normalized = NULL;
        return MSEQ_OK;
    }
    char *token = NULL;
    mseq_status status = mseq_data_type_normalize(text, &token, err);
    if (status != MSEQ_OK)
        return status;
    const char *result = strcmp(token, TZ) == 0       ? "TIMESTAMP WITH TIME ZONE"
                         : strcmp(token, "date") == 0 ? "DATE"
                                                      : text;
    char *copy = mseq_text_dup(result);
    free(token);
    if (!copy)
        return mseq_error_no_memory(err);
    *normalized = copy;
    return MSEQ_OK;
}
