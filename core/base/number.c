/* SPDX-License-Identifier: MIT
 * Numbers, independent of the locale: the C locale is put on the thread around libc's conversions.
 */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mainsequence/base.h"

/* snprintf and strtod follow the thread's locale, of which only the decimal separator matters to
 * us: what they write and read is mapped from and to a point. */
static char decimal_separator(void) {
    const char *separator = localeconv()->decimal_point;
    return separator && separator[0] && !separator[1] ? separator[0] : '.';
}

bool mseq_parse_double(const char *text, double *number) {
    char local[512];
    size_t length = strlen(text);
    if (length == 0 || length >= sizeof local || !strchr("+-.0123456789", text[0]) ||
        strspn(text, "+-.0123456789eE") != length)
        return false;
    memcpy(local, text, length + 1);
    char *point = strchr(local, '.');
    if (point)
        *point = decimal_separator();
    char *end;
    double parsed = strtod(local, &end);
    if (*end != '\0' || !isfinite(parsed))
        return false;
    *number = parsed;
    return true;
}

bool mseq_parse_integer(const char *text, int64_t *integer) {
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits < '0' || *digits > '9')
        return false;
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno || *end != '\0')
        return false;
    *integer = parsed;
    return true;
}

/* Digits of the shortest text that reads back the same, and the decimal exponent of the first
 * digit. */
static int shortest_digits(double number, char digits[20], int *exponent) {
    char text[40];
    for (int precision = 1; precision <= 17; precision++) {
        /* Most numbers that people write need few digits, measured results need 15 to 17. */
        if (precision == 7)
            precision = 15;
        snprintf(text, sizeof text, "%.*e", precision - 1, number);
        if (strtod(text, NULL) == number) // NOLINT(cert-err34-c): the text is our own
            break;
    }
    int count = 0;
    const char *cursor = text;
    for (; *cursor && *cursor != 'e'; cursor++)
        if (*cursor >= '0' && *cursor <= '9')
            digits[count++] = *cursor;
    *exponent = (int)strtol(cursor + 1, NULL, 10);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    digits[count] = '\0';
    return count;
}

/* Writes the digits and gives the place behind them. */
static char *write_digits(uint64_t number, char *text) {
    char digits[20], *start = digits + sizeof digits;
    do {
        *--start = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    size_t count = (size_t)(digits + sizeof digits - start);
    memcpy(text, start, count);
    return text + count;
}

/* A number from 1e-4 to 1e15 that few decimals tell. Two decimals of up to 15 digits are never the
 * same double, and n / 10^k is the double next to that decimal as long as both are exact (W.
 * Clinger, "How to Read Floating Point Numbers Accurately", 1990): so the least k whose n gives the
 * number back is the shortest text. */
static bool write_few_decimals(double number, const char *sign, char text[32]) {
    enum { DECIMALS = 15 };
    static const double most = 1e15;
    if (number < 1e-4 || number >= most)
        return false;
    uint64_t power = 1;
    for (unsigned decimals = 1; decimals <= DECIMALS; decimals++) {
        power *= 10;
        double scaled = nearbyint(number * (double)power);
        if (scaled >= most)
            return false;
        if (scaled / (double)power != number)
            continue;
        uint64_t n = (uint64_t)scaled, fraction = n % power;
        text = stpcpy(text, sign);
        text = write_digits(n / power, text);
        *text++ = '.';
        for (uint64_t tenth = power / 10; tenth > 1 && fraction < tenth; tenth /= 10)
            *text++ = '0';
        *write_digits(fraction, text) = '\0';
        return true;
    }
    return false;
}

/* Python's float_repr_style 'short': exponent form from 1e16 up and below 1e-4. */
void mseq_format_double(double number, char text[32]) {
    if (isnan(number) || isinf(number)) {
        snprintf(text, 32, "%s", isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
        return;
    }
    const char *sign = signbit(number) ? "-" : "";
    number = fabs(number);
    if (number < 1e16 && number == floor(number)) {
        memcpy(write_digits((uint64_t)number, stpcpy(text, sign)), ".0", 3);
        return;
    }
    if (write_few_decimals(number, sign, text))
        return;
    char digits[20];
    int exponent, count = shortest_digits(number, digits, &exponent);
    if (exponent >= 16 || exponent < -4) {
        /* a double's exponent has at most three digits; the compiler cannot know */
        unsigned magnitude = (unsigned)abs(exponent) % 1000;
        snprintf(text, 32, "%s%c%s%.17se%c%02u", sign, digits[0], count > 1 ? "." : "", digits + 1,
                 exponent < 0 ? '-' : '+', magnitude);
    } else if (exponent < 0) {
        snprintf(text, 32, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
    } else {
        /* not whole, so there are digits after the point */
        snprintf(text, 32, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
    }
}
