/* SPDX-License-Identifier: MIT
 * Numbers, independent of the locale: the C locale is put on the thread around libc's conversions.
 */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number_private.h"

/* snprintf and strtod follow the thread's locale, of which only the decimal separator matters to
 * us: what they write and read is mapped from and to a point. */
static char decimal_separator(void) {
    const char *separator = localeconv()->decimal_point;
    return separator && separator[0] && !separator[1] ? separator[0] : '.';
}

static bool is_digit(const char *at, const char *end) {
    return at < end && *at >= '0' && *at <= '9';
}

/* Whether it is a double of the same digits and sign; "-0" is none. */
static bool is_exact(int64_t integer) {
    return integer && integer <= INT64_C(1) << 53 && integer >= -(INT64_C(1) << 53);
}

/* A double holds integers up to 2^53 and powers of ten up to 10^22 exactly, so that their quotient
 * is the double next to the decimal (W. Clinger, "How to Read Floating Point Numbers Accurately",
 * 1990). */
bool number_read_plain(const char **text, const char *end, plain_number *read) {
    enum { DIGITS = 18 }; /* they surely fit into 64 bits */
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    const char *at = *text, *most;
    bool negative = at < end && *at == '-';
    int64_t number = 0;
    at += negative;
    const char *first = at;
    most = end - at > DIGITS ? at + DIGITS : end;
    while (is_digit(at, most))
        number = number * 10 + (*at++ - '0');
    if (at == first || is_digit(at, end))
        return false;
    read->whole = at == end || *at != '.';
    if (read->whole) {
        read->integer = negative ? -number : number;
    } else {
        const char *fraction = ++at;
        most =
            end - at > DIGITS - (fraction - 1 - first) ? at + DIGITS - (fraction - 1 - first) : end;
        while (is_digit(at, most))
            number = number * 10 + (*at++ - '0');
        if (at == fraction || is_digit(at, end) || number > INT64_C(1) << 53)
            return false;
        double value = (double)number / powers[at - fraction];
        read->number = negative ? -value : value;
    }
    *text = at;
    return true;
}

bool mseq_parse_double(const char *text, double *number) {
    char local[512];
    size_t length = strlen(text);
    const char *behind = text;
    plain_number plain;
    if (number_read_plain(&behind, text + length, &plain) && behind == text + length) {
        if (!plain.whole || is_exact(plain.integer)) {
            *number = plain.whole ? (double)plain.integer : plain.number;
            return true;
        }
    }
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
    const char *behind = text, *end_of_text = text + strlen(text);
    plain_number plain;
    if (number_read_plain(&behind, end_of_text, &plain) && behind == end_of_text && plain.whole) {
        *integer = plain.integer;
        return true;
    }
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

char *number_write_integer(int64_t integer, char *text) {
    if (integer < 0)
        *text++ = '-';
    return write_digits(integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer, text);
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
