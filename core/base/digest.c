/* SPDX-License-Identifier: MIT
 * Digests (OpenSSL), uuids (libuuid), the cancellation token, names of dialects. */
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <uuid/uuid.h>

#include "mainsequence/base.h"

/* OpenSSL looks an algorithm up by name at each use, unless it was fetched: that costs more than
 * the digest of a page. Constants once they are set. */
static struct algorithms { const EVP_MD *md5, *sha1, *sha256; } algorithms;

static const EVP_MD *fetch(const char *name, const EVP_MD *otherwise) {
    const EVP_MD *fetched = EVP_MD_fetch(NULL, name, NULL);
    return fetched ? fetched : otherwise;
}

static void fetch_algorithms(void) {
    algorithms.md5 = fetch("MD5", EVP_md5());
    algorithms.sha1 = fetch("SHA1", EVP_sha1());
    algorithms.sha256 = fetch("SHA256", EVP_sha256());
}

static const struct algorithms *known_algorithms(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_algorithms);
    return &algorithms;
}

static mseq_status digest_hex(const EVP_MD *algorithm, const void *bytes, size_t length,
                              char *hex) {
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (!EVP_Digest(bytes, length, digest, &size, algorithm, NULL))
        return MSEQ_E_INTERNAL;
    for (unsigned int i = 0; i < size; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * size] = '\0';
    return MSEQ_OK;
}

mseq_status mseq_md5_hex(const void *bytes, size_t length, char hex[33]) {
    return digest_hex(known_algorithms()->md5, bytes, length, hex);
}

mseq_status mseq_sha1_hex(const void *bytes, size_t length, char hex[41]) {
    return digest_hex(known_algorithms()->sha1, bytes, length, hex);
}

mseq_status mseq_sha256_hex(const void *bytes, size_t length, char hex[65]) {
    return digest_hex(known_algorithms()->sha256, bytes, length, hex);
}

mseq_status mseq_uuid_new(char text[37]) {
    uuid_t uuid;
    uuid_generate_random(uuid);
    uuid_unparse_lower(uuid, text);
    return MSEQ_OK;
}

bool mseq_uuid_normalize(const char *text, char canonical[37]) {
    if (strncasecmp(text, "urn:uuid:", 9) == 0)
        text += 9;
    char digits[33];
    size_t count = 0;
    for (; *text; text++) {
        if (*text == '-' || *text == '{' || *text == '}')
            continue;
        if (count == 32 || !isxdigit((unsigned char)*text))
            return false;
        digits[count++] = (char)tolower((unsigned char)*text);
    }
    if (count != 32)
        return false;
    size_t out = 0;
    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            canonical[out++] = '-';
        canonical[out++] = digits[i];
    }
    canonical[out] = '\0';
    return true;
}

/* A lock-free atomic flag: what a signal handler may touch. */
struct mseq_cancellation {
    atomic_bool set;
};

mseq_cancellation *mseq_cancellation_new(void) {
    mseq_cancellation *token = malloc(sizeof *token);
    if (token)
        atomic_init(&token->set, false);
    return token;
}

void mseq_cancellation_free(mseq_cancellation *token) {
    free(token);
}

void mseq_cancellation_set(mseq_cancellation *token) {
    if (token)
        atomic_store(&token->set, true);
}

bool mseq_cancellation_is_set(const mseq_cancellation *token) {
    return token && atomic_load(&token->set);
}

const char *mseq_dialect_name(mseq_dialect dialect) {
    return dialect == MSEQ_SQLITE ? "sqlite" : "postgresql";
}

bool mseq_dialect_from_name(const char *name, mseq_dialect *dialect) {
    if (strcmp(name, "postgresql") == 0)
        *dialect = MSEQ_POSTGRESQL;
    else if (strcmp(name, "sqlite") == 0)
        *dialect = MSEQ_SQLITE;
    else
        return false;
    return true;
}
