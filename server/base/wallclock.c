#include "base/wallclock.h"

#include <stdio.h>

struct date {
    unsigned year;
    unsigned month;
    unsigned day;
};

/* The civil date of a day after 1970-01-01. Years are counted from March, so that the leap day is the last of
 * its year, and in eras of 400 years, after which the calendar repeats (Howard Hinnant, "chrono-compatible
 * low-level date algorithms"). */
static struct date date_of_day(uint64_t days)
{
    uint64_t shifted = days + 719468; /* days since 0000-03-01 */
    uint64_t era = shifted / 146097;
    uint64_t day_of_era = shifted % 146097;
    uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month_from_march = (5 * day_of_year + 2) / 153;
    uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

    struct date date;
    date.year = (unsigned)(era * 400 + year_of_era + (month <= 2 ? 1 : 0));
    date.month = (unsigned)month;
    date.day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    return date;
}

const char *wallclock_format(uint64_t time_ms, char text[WALLCLOCK_TEXT_BYTES])
{
    /* RFC 3339 has four digits for the year; a clock beyond them is shown as their last moment. */
    const uint64_t last_ms = 253402300799999U;
    if (time_ms > last_ms)
        time_ms = last_ms;

    struct date date = date_of_day(time_ms / 86400000U);
    unsigned ms = (unsigned)(time_ms % 86400000U);
    char buffer[80];
    snprintf(buffer, sizeof buffer, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", date.year, date.month, date.day,
             ms / 3600000U, ms / 60000U % 60U, ms / 1000U % 60U, ms % 1000U);
    for (size_t i = 0; i < WALLCLOCK_TEXT_BYTES; i++)
        text[i] = buffer[i];
    return text;
}
