/* SPDX-License-Identifier: MIT
 * Randomness, comparison and derivation of secrets (OpenSSL). */
#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "mainsequence/base.h"

enum { SCRYPT_MEMORY = 256 * 1024 * 1024 };

mseq_status mseq_random_bytes(void *bytes, size_t length) {
    return length <= INT_MAX && RAND_bytes(bytes, (int)length) == 1 ? MSEQ_OK : MSEQ_E_IO;
}

bool mseq_secret_equal(const void *a, const void *b, size_t length) {
    return CRYPTO_memcmp(a, b, length) == 0;
}

void mseq_secret_erase(void *bytes, size_t length) {
    if (length)
        OPENSSL_cleanse(bytes, length);
}

mseq_status mseq_scrypt(const void *password, size_t length, const void *salt, size_t salt_length,
                        const mseq_scrypt_cost *cost, void *key, size_t key_length) {
    if (cost->log2_n < 1 || cost->log2_n > 30 || cost->block < 1 || cost->parallel < 1 ||
        cost->block > 1024 || cost->parallel > 1024)
        return MSEQ_E_ARGUMENT;
    uint64_t steps = (uint64_t)1 << cost->log2_n;
    uint64_t memory = 128 * (uint64_t)cost->block * (steps + cost->parallel + 2);
    if (memory > SCRYPT_MEMORY)
        return MSEQ_E_ARGUMENT;
    return EVP_PBE_scrypt(password, length, salt, salt_length, steps, cost->block, cost->parallel,
                          SCRYPT_MEMORY, key, key_length) == 1
               ? MSEQ_OK
               : MSEQ_E_NO_MEMORY;
}
