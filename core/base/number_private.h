/* SPDX-License-Identifier: MIT
 * Inside of the room `base`: decimals that are read at once. */
#ifndef NUMBER_PRIVATE_H
#define NUMBER_PRIVATE_H

#include "mainsequence/base.h"

typedef struct plain_number {
    bool whole;
    int64_t integer; /* when it is */
    double number;   /* else */
} plain_number;

/* Reads [-]digits[.digits] of up to 18 digits, when that is exact, and moves *text behind it. False
 * when somebody else has to read it, or nobody can. */
bool number_read_plain(const char **text, const char *end, plain_number *read);

/* Writes up to 20 bytes and gives the place behind them. */
char *number_write_integer(int64_t integer, char *text);

#endif
