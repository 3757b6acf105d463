/* SPDX-License-Identifier: MIT
 * Tokens as texts.
 *
 * The last part of each is 48 bytes in base64url: the uid under which the catalog keeps it, and 32
 * random ones. The catalog holds the SHA-256 of the whole text: whoever reads the catalog cannot
 * make a token, whoever changes a byte of a token has none. An access token has two parts more, a
 * JWT's header and payload (RFC 7519), for clients that look at `exp`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secrets.h"

enum { UID_BYTES = 16, RANDOM_BYTES = 32, SECRET_CHARACTERS = 64, TOKEN_MAXIMUM = 1024 };

/* "alg" must be there; no algorithm of the registry fits, as there is no signature. */
static const char header[] = "{\"alg\":\"opaque\",\"typ\":\"JWT\"}";

void manager_token_free(manager_token *token) {
    if (token->text)
        mseq_secret_erase(token->text, strlen(token->text));
    free(token->text);
    *token = (manager_token)MANAGER_TOKEN_INIT;
}

/* RFC 4648, section 5, without padding. */
static void append_url(mseq_buffer *text, const void *bytes, size_t length) {
    mseq_buffer encoded = MSEQ_BUFFER_INIT;
    if (mseq_base64_encode(bytes, length, &encoded) != MSEQ_OK)
        text->status = MSEQ_E_NO_MEMORY;
    for (size_t i = 0; i < encoded.length && encoded.data[i] != '='; i++) {
        char byte = encoded.data[i];
        mseq_buffer_append_char(text, byte == '+' ? '-' : byte == '/' ? '_' : byte);
    }
    mseq_buffer_free(&encoded);
}

/* Sets uid from 16 bytes, as version 4 of RFC 4122. */
static void write_uid(unsigned char bytes[UID_BYTES], char uid[MANAGER_UID_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    char *at = uid;
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < UID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = '\0';
}

/* Appends the secret part to `text`, which has what comes before it. */
static mseq_status finish(mseq_buffer *text, manager_token *token, mseq_error *err) {
    unsigned char bytes[UID_BYTES + RANDOM_BYTES];
    manager_token made = MANAGER_TOKEN_INIT;
    if (mseq_random_bytes(bytes, sizeof bytes) != MSEQ_OK)
        return mseq_error_set(err, MSEQ_E_IO, "there is no randomness for a token");
    write_uid(bytes, made.uid);
    append_url(text, bytes, sizeof bytes);
    mseq_secret_erase(bytes, sizeof bytes);
    size_t length = text->length;
    made.text = text->status == MSEQ_OK ? mseq_buffer_take(text) : NULL;
    if (!made.text)
        return mseq_error_no_memory(err);
    if (mseq_sha256_hex(made.text, length, made.digest) != MSEQ_OK) {
        manager_token_free(&made);
        return mseq_error_set(err, MSEQ_E_INTERNAL, "a token cannot be digested");
    }
    *token = made;
    return MSEQ_OK;
}

mseq_status manager_token_access(const char *user_uid, int64_t now, int64_t expires,
                                 manager_token *token, mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    char payload[160];
    int length =
        snprintf(payload, sizeof payload, "{\"sub\":\"%s\",\"iat\":%lld", user_uid, (long long)now);
    if (expires)
        length += snprintf(payload + length, sizeof payload - (size_t)length, ",\"exp\":%lld",
                           (long long)expires);
    length += snprintf(payload + length, sizeof payload - (size_t)length, "}");
    append_url(&text, header, strlen(header));
    mseq_buffer_append_char(&text, '.');
    append_url(&text, payload, (size_t)length);
    mseq_buffer_append_char(&text, '.');
    mseq_status status = finish(&text, token, err);
    mseq_buffer_free(&text);
    return status;
}

mseq_status manager_token_opaque(manager_token *token, mseq_error *err) {
    mseq_buffer text = MSEQ_BUFFER_INIT;
    mseq_status status = finish(&text, token, err);
    mseq_buffer_free(&text);
    return status;
}

/* ---- Reading -----------------------------------------------------------------------------------
 */

static int sextet(char digit) {
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '-' ? 62 : digit == '_' ? 63 : -1;
}

/* The first 16 bytes of a secret part. */
static bool read_uid(const char *secret, char uid[MANAGER_UID_SIZE]) {
    unsigned char bytes[UID_BYTES + 2];
    for (size_t i = 0; i < SECRET_CHARACTERS; i++)
        if (sextet(secret[i]) < 0)
            return false;
    for (size_t i = 0; i < sizeof bytes / 3; i++) {
        unsigned group = 0;
        for (size_t k = 0; k < 4; k++)
            group = group << 6 | (unsigned)sextet(secret[4 * i + k]);
        bytes[3 * i] = (unsigned char)(group >> 16);
        bytes[3 * i + 1] = (unsigned char)(group >> 8);
        bytes[3 * i + 2] = (unsigned char)group;
    }
    write_uid(bytes, uid);
    return true;
}

bool manager_token_read(const char *text, manager_token *token) {
    manager_token read = MANAGER_TOKEN_INIT;
    size_t length = strlen(text);
    if (length < SECRET_CHARACTERS || length > TOKEN_MAXIMUM ||
        !read_uid(text + length - SECRET_CHARACTERS, read.uid) ||
        mseq_sha256_hex(text, length, read.digest) != MSEQ_OK)
        return false;
    *token = read;
    return true;
}

bool manager_url_digest(const char *text, char digest[64]) {
    char hex[65];
    unsigned char bytes[32];
    mseq_buffer encoded = MSEQ_BUFFER_INIT;
    if (mseq_sha256_hex(text, strlen(text), hex) != MSEQ_OK)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++) {
        unsigned byte = 0;
        sscanf(hex + 2 * i, "%2x", &byte); // NOLINT(cert-err34-c): they are digits
        bytes[i] = (unsigned char)byte;
    }
    append_url(&encoded, bytes, sizeof bytes);
    bool good = encoded.status == MSEQ_OK && encoded.length < 64;
    if (good)
        memcpy(digest, encoded.data, encoded.length + 1);
    mseq_buffer_free(&encoded);
    return good;
}

bool manager_token_matches(const manager_token *token, const char *digest) {
    return strlen(digest) == sizeof token->digest - 1 &&
           mseq_secret_equal(token->digest, digest, sizeof token->digest - 1);
}
