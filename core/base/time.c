/* SPDX-License-Identifier: MIT
 * Times: microseconds since 1970 in UTC, and their text. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mainsequence/base.h"

int64_t mseq_time_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t milliseconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t mseq_monotonic_ms(void) {
    return milliseconds_of(CLOCK_MONOTONIC);
}

int64_t mseq_monotonic_coarse_ms(void) {
    return milliseconds_of(CLOCK_MONOTONIC_COARSE);
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back: Howard Hinnant, "chrono-compatible
 * low-level date algorithms". */
static int64_t days_from_civil(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static const int64_t MICROSECONDS = 1000000, DAY = 86400;

/* Writes exactly `count` digits and returns what is behind them. */
static char *write_digits(char *text, int64_t number, int count) {
    for (int i = count - 1; i >= 0; i--) {
        text[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return text + count;
}

static char *write_char(char *text, char byte) {
    *text = byte;
    return text + 1;
}

/* Four places as printf's %04d has them; of a year with more digits the last four are shown. */
static char *write_year(char *text, int64_t year) {
    int64_t shown = year % 10000;
    if (shown >= 0)
        return write_digits(text, shown, 4);
    return shown > -1000 ? write_digits(write_char(text, '-'), -shown, 3)
                         : write_digits(write_char(text, '-'), -shown, 4);
}

void mseq_time_format(int64_t microseconds, bool trimmed, char text[32]) {
    int64_t seconds = microseconds / MICROSECONDS, fraction = microseconds % MICROSECONDS;
    if (fraction < 0) {
        fraction += MICROSECONDS;
        seconds--;
    }
    int64_t days = seconds / DAY, rest = seconds % DAY;
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    int64_t year;
    int month, day;
    civil_from_days(days, &year, &month, &day);
    char *end = write_year(text, year);
    end = write_digits(write_char(end, '-'), month, 2);
    end = write_digits(write_char(end, '-'), day, 2);
    end = write_digits(write_char(end, 'T'), rest / 3600, 2);
    end = write_digits(write_char(end, ':'), rest / 60 % 60, 2);
    end = write_digits(write_char(end, ':'), rest % 60, 2);
    if (!trimmed || fraction)
        end = write_digits(write_char(end, '.'), fraction, 6);
    *write_char(end, 'Z') = '\0';
}

/* Exactly `count` digits; false otherwise. */
static bool read_digits(const char **cursor, int count, int *number) {
    int value = 0;
    for (int i = 0; i < count; i++) {
        char digit = (*cursor)[i];
        if (digit < '0' || digit > '9')
            return false;
        value = value * 10 + (digit - '0');
    }
    *cursor += count;
    *number = value;
    return true;
}

static bool read_char(const char **cursor, const char *accepted) {
    if (!**cursor || !strchr(accepted, **cursor))
        return false;
    (*cursor)++;
    return true;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_date(const char **cursor, int64_t *days) {
    int year, month, day;
    if (!read_digits(cursor, 4, &year) || !read_char(cursor, "-") ||
        !read_digits(cursor, 2, &month) || !read_char(cursor, "-") ||
        !read_digits(cursor, 2, &day) || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

bool mseq_date_valid(const char *text) {
    int64_t days;
    return read_date(&text, &days) && *text == '\0';
}

static bool read_clock(const char **cursor, int64_t *microseconds) {
    int hour, minute, second = 0;
    if (!read_digits(cursor, 2, &hour) || !read_char(cursor, ":") ||
        !read_digits(cursor, 2, &minute))
        return false;
    int64_t fraction = 0;
    if (read_char(cursor, ":")) {
        if (!read_digits(cursor, 2, &second))
            return false;
        if (read_char(cursor, ".,")) {
            int digits = 0;
            for (; **cursor >= '0' && **cursor <= '9'; (*cursor)++, digits++)
                if (digits < 6)
                    fraction = fraction * 10 + (**cursor - '0');
            if (digits == 0 || digits > 9)
                return false;
            for (; digits < 6; digits++)
                fraction *= 10;
        }
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *microseconds = ((int64_t)hour * 3600 + minute * 60 + second) * MICROSECONDS + fraction;
    return true;
}

/* Z or ±HH:MM, ±HHMM; seconds east of UTC. */
static bool read_offset(const char **cursor, int64_t *seconds) {
    *seconds = 0;
    if (read_char(cursor, "Zz"))
        return true;
    bool west = **cursor == '-';
    int hours, minutes;
    if (!read_char(cursor, "+-") || !read_digits(cursor, 2, &hours))
        return false;
    read_char(cursor, ":");
    if (!read_digits(cursor, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

mseq_status mseq_time_parse(const char *text, int64_t *microseconds, mseq_error *err) {
    const char *cursor = text;
    int64_t days, clock, offset;
    if (!read_date(&cursor, &days) || !read_char(&cursor, "Tt ") || !read_clock(&cursor, &clock))
        return mseq_error_set(
            err, MSEQ_E_REQUEST,
            "'%s' is no ISO 8601 timestamp (YYYY-MM-DDTHH:MM:SS with an offset or Z)", text);
    if (*cursor == '\0') {
        mseq_error_set(err, MSEQ_E_REQUEST, "timestamp '%s' has no offset", text);
        mseq_error_hint(err, "add an explicit offset such as +00:00, or Z");
        return MSEQ_E_REQUEST;
    }
    if (!read_offset(&cursor, &offset) || *cursor != '\0')
        return mseq_error_set(err, MSEQ_E_REQUEST,
                              "timestamp '%s' ends in something that is no offset (±HH:MM or Z)",
                              text);
    *microseconds = (days * DAY - offset) * MICROSECONDS + clock;
    return MSEQ_OK;
}
