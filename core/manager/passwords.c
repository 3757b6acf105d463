/* SPDX-License-Identifier: MIT
 * Passwords as the catalog keeps them: scrypt (RFC 7914) with a random salt, the cost beside the
 * key, in the PHC string format (https://github.com/P-H-C/phc-string-format). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secrets.h"

enum { SALT_SIZE = 16, KEY_SIZE = 32, ENCODED_MAXIMUM = 64 };

typedef struct password_hash {
    mseq_scrypt_cost cost;
    unsigned char salt[SALT_SIZE];
    unsigned char key[KEY_SIZE];
} password_hash;

static mseq_status derive(const char *password, password_hash *hash, mseq_error *err) {
    mseq_status status = mseq_scrypt(password, strlen(password), hash->salt, sizeof hash->salt,
                                     &hash->cost, hash->key, sizeof hash->key);
    return status == MSEQ_OK ? MSEQ_OK
                             : mseq_error_set(err, status, "the password cannot be hashed");
}

/* Base64 without padding. */
static void append_bytes(mseq_buffer *text, const unsigned char *bytes, size_t length) {
    mseq_buffer encoded = MSEQ_BUFFER_INIT;
    if (mseq_base64_encode(bytes, length, &encoded) != MSEQ_OK)
        text->status = MSEQ_E_NO_MEMORY;
    else
        mseq_buffer_append(text, encoded.data, strcspn(encoded.data, "="));
    mseq_buffer_free(&encoded);
}

mseq_status manager_password_hash(const char *password, const mseq_scrypt_cost *cost, char **hash,
                                  mseq_error *err) {
    password_hash made = {.cost = *cost};
    if (mseq_random_bytes(made.salt, sizeof made.salt) != MSEQ_OK)
        return mseq_error_set(err, MSEQ_E_IO, "there is no randomness for a password's salt");
    mseq_status status = derive(password, &made, err);
    if (status != MSEQ_OK)
        return status;
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&text, "$scrypt$ln=%u,r=%u,p=%u$", cost->log2_n, cost->block,
                              cost->parallel);
    append_bytes(&text, made.salt, sizeof made.salt);
    mseq_buffer_append_char(&text, '$');
    append_bytes(&text, made.key, sizeof made.key);
    char *taken = text.status == MSEQ_OK ? mseq_buffer_take(&text) : NULL;
    mseq_buffer_free(&text);
    if (!taken)
        return mseq_error_no_memory(err);
    *hash = taken;
    return MSEQ_OK;
}

static mseq_status read_bytes(const char *text, size_t length, unsigned char *bytes, size_t size,
                              mseq_error *err) {
    static const char padding[] = "===";
    char padded[ENCODED_MAXIMUM];
    mseq_buffer decoded = MSEQ_BUFFER_INIT;
    size_t missing = (4 - length % 4) % 4;
    if (length + missing >= sizeof padded)
        return MSEQ_E_DATABASE;
    memcpy(padded, text, length);
    memcpy(padded + length, padding, missing);
    mseq_status status = mseq_base64_decode(padded, length + missing, &decoded, NULL);
    if (status == MSEQ_E_NO_MEMORY)
        mseq_error_no_memory(err);
    else if (status != MSEQ_OK || decoded.length != size)
        status = MSEQ_E_DATABASE;
    if (status == MSEQ_OK)
        memcpy(bytes, decoded.data, size);
    mseq_buffer_free(&decoded);
    return status;
}

static mseq_status parse(const char *text, password_hash *hash, mseq_error *err) {
    int used = 0;
    mseq_status status = MSEQ_E_DATABASE;
    if (sscanf(text, "$scrypt$ln=%2u,r=%4u,p=%4u$%n", &hash->cost.log2_n, &hash->cost.block,
               &hash->cost.parallel, &used) == 3 &&
        used > 0) {
        const char *salt = text + used, *key = strchr(salt, '$');
        if (key)
            status = read_bytes(salt, (size_t)(key - salt), hash->salt, sizeof hash->salt, err);
        if (key && status == MSEQ_OK)
            status = read_bytes(key + 1, strlen(key + 1), hash->key, sizeof hash->key, err);
    }
    return status == MSEQ_OK
               ? MSEQ_OK
               : mseq_error_set(err, status, "the catalog: a password's hash cannot be read");
}

mseq_status manager_password_verify(const char *password, const char *hash,
                                    const mseq_scrypt_cost *cost, bool *equal, mseq_error *err) {
    password_hash known = {.cost = *cost}, given;
    mseq_status status = hash ? parse(hash, &known, err) : MSEQ_OK;
    if (status != MSEQ_OK)
        return status;
    given = known;
    status = derive(password, &given, err);
    if (status == MSEQ_OK)
        *equal = mseq_secret_equal(known.key, given.key, sizeof given.key) && hash != NULL;
    mseq_secret_erase(&given, sizeof given);
    return status;
}
