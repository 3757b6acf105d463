/* SPDX-License-Identifier: MIT
 * What a request says: query string, body, flags. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "manager_private.h"

/* Puts the members of `pair` into `parameters`; a key that is there gets the value behind a comma.
 */
static mseq_status merge(mseq_value *parameters, const mseq_value *pair, mseq_error *err) {
    const char *key = mseq_object_key_at(pair, 0);
    const char *value = mseq_object_get_text(pair, key);
    const char *before = mseq_object_get_text(parameters, key);
    if (!before)
        return mseq_object_put_text(parameters, key, value) == MSEQ_OK ? MSEQ_OK
                                                                       : mseq_error_no_memory(err);
    char *joined = mseq_text_format("%s,%s", before, value);
    mseq_status status = joined ? mseq_object_put_text(parameters, key, joined) : MSEQ_E_NO_MEMORY;
    free(joined);
    return status == MSEQ_OK ? MSEQ_OK : mseq_error_no_memory(err);
}

static mseq_status add_pair(mseq_value *parameters, const char *text, size_t length,
                            mseq_error *err) {
    mseq_buffer copy = MSEQ_BUFFER_INIT;
    mseq_value *pair = NULL;
    mseq_status status = mseq_buffer_append(&copy, text, length);
    if (status == MSEQ_OK)
        status = mseq_wire_parse_query(mseq_buffer_text(&copy), &pair, err);
    else
        mseq_error_no_memory(err);
    if (status == MSEQ_OK && mseq_value_length(pair) > 0)
        status = merge(parameters, pair, err);
    mseq_value_free(pair);
    mseq_buffer_free(&copy);
    return status;
}

mseq_status manager_parse_query(const char *query, mseq_value **parameters, mseq_error *err) {
    mseq_value *object = mseq_value_object();
    mseq_status status = object ? MSEQ_OK : mseq_error_no_memory(err);
    for (const char *at = query ? query : ""; *at && status == MSEQ_OK;) {
        size_t length = strcspn(at, "&");
        status = add_pair(object, at, length, err);
        at += length + (at[length] == '&');
    }
    if (status != MSEQ_OK) {
        mseq_value_free(object);
        return status;
    }
    *parameters = object;
    return MSEQ_OK;
}

mseq_status manager_boolean_parameter(const mseq_value *query, const char *name, bool otherwise,
                                      bool *boolean, mseq_error *err) {
    static const char *const truths[] = {"true", "1", "yes"}, *const lies[] = {"false", "0", "no"};
    const char *text = mseq_object_get_text(query, name);
    if (!text) {
        *boolean = otherwise;
        return MSEQ_OK;
    }
    for (size_t i = 0; i < 3; i++) {
        if (strcasecmp(text, truths[i]) == 0 || strcasecmp(text, lies[i]) == 0) {
            *boolean = strcasecmp(text, truths[i]) == 0;
            return MSEQ_OK;
        }
    }
    return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                          "query parameter '%s': '%.100s' is neither True nor False", name, text);
}

mseq_status manager_integer_parameter(const mseq_value *query, const char *name, int64_t otherwise,
                                      int64_t *integer, mseq_error *err) {
    const char *text = mseq_object_get_text(query, name);
    int64_t number = otherwise;
    if (text && !mseq_parse_integer(text, &number))
        return manager_refuse(err, MSEQ_E_REQUEST, "bad_value",
                              "query parameter '%s': '%.100s' is no integer", name, text);
    *integer = number;
    return MSEQ_OK;
}

mseq_status manager_check_keys(const mseq_value *object, const char *what, const char *const *names,
                               mseq_error *err) {
    size_t count = 0;
    while (names[count])
        count++;
    for (size_t i = 0; i < mseq_value_length(object); i++) {
        const char *key = mseq_object_key_at(object, i);
        size_t known = 0;
        while (known < count && strcmp(names[known], key) != 0)
            known++;
        if (known < count && strlen(key) == mseq_object_key_length_at(object, i))
            continue;
        manager_refuse(err, MSEQ_E_REQUEST, "unknown_key", "%s has the unknown key '%.100s'", what,
                       key);
        const char *nearest = mseq_text_nearest(key, names, count);
        if (nearest)
            mseq_error_hint(err, "did you mean '%s'?", nearest);
        return MSEQ_E_REQUEST;
    }
    return MSEQ_OK;
}

mseq_status manager_object_body(const manager_call *call, bool optional, const mseq_value **body,
                                mseq_error *err) {
    const mseq_value *given = call->request->body;
    if (mseq_value_kind(given) != MSEQ_OBJECT && !(optional && !given && !call->request->text))
        return manager_refuse(err, MSEQ_E_REQUEST, "wrong_kind",
                              "the request's body must be a JSON object, not %s",
                              given                 ? mseq_kind_name(mseq_value_kind(given))
                              : call->request->text ? "text"
                                                    : "nothing");
    *body = given;
    return MSEQ_OK;
}
