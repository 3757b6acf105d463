/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: passwords and tokens as texts. Nothing here knows the catalog. */
#ifndef MSEQ_MANAGER_SECRETS_H
#define MSEQ_MANAGER_SECRETS_H

#include "manager_private.h"

enum {
    MANAGER_PASSWORD_MINIMUM = 8,   /* bytes */
    MANAGER_PASSWORD_MAXIMUM = 1024 /* bytes: what a derivation may be fed with */
};

/* ---- passwords.c --------------------------------------------------------------------------------
 */

/* "$scrypt$ln=14,r=8,p=5$salt$key" (the PHC string format), owned by the caller. */
mseq_status manager_password_hash(const char *password, const mseq_scrypt_cost *cost, char **hash,
                                  mseq_error *err) MSEQ_MUST_CHECK;
/* Whether it is the password of that hash. `hash` NULL (no such user, or no password): takes the
 * time of a derivation at `cost` all the same, and is never equal. */
mseq_status manager_password_verify(const char *password, const char *hash,
                                    const mseq_scrypt_cost *cost, bool *equal,
                                    mseq_error *err) MSEQ_MUST_CHECK;

/* ---- tokens.c -----------------------------------------------------------------------------------
 */

/* A secret that is given out once; the catalog keeps only its digest. */
typedef struct manager_token {
    char uid[MANAGER_UID_SIZE]; /* under which the catalog keeps it */
    char digest[65];            /* SHA-256 of the text, hex */
    char *text;                 /* owned; erased when it is freed */
} manager_token;
#define MANAGER_TOKEN_INIT                                                                         \
    { "", "", NULL }
void manager_token_free(manager_token *token);

/* A new access token: three parts as a JWT has them, so that clients can read `exp` (seconds; 0:
 * never), but the third is random and no signature. */
mseq_status manager_token_access(const char *user_uid, int64_t now, int64_t expires,
                                 manager_token *token, mseq_error *err) MSEQ_MUST_CHECK;
/* A new token of one part: refresh tokens and secrets of runtime credentials. */
mseq_status manager_token_opaque(manager_token *token, mseq_error *err) MSEQ_MUST_CHECK;
/* What a text that a caller sent claims to be: uid and digest, text stays NULL. False when it is
 * none of ours by its form. */
bool manager_token_read(const char *text, manager_token *token);
/* SHA-256 of a text in base64url without padding, 43 characters. False when it cannot be made. */
bool manager_url_digest(const char *text, char digest[64]);
/* In constant time. */
bool manager_token_matches(const manager_token *token, const char *digest);

#endif
