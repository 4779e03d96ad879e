#include "stats/amount.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

const char *amount_format_bytes(uint64_t bytes, char text[AMOUNT_TEXT_BYTES])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(text, AMOUNT_TEXT_BYTES, "%" PRIu64 " bytes", bytes);
        return text;
    }
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    snprintf(text, AMOUNT_TEXT_BYTES, "%.1f %s", value, units[unit]);
    return text;
}

const char *amount_format_seconds(double seconds_exact, char text[AMOUNT_TEXT_BYTES])
{
    uint64_t seconds = (uint64_t)seconds_exact;
    uint64_t minutes = seconds / 60;
    uint64_t hours = minutes / 60;

    if (minutes == 0)
        snprintf(text, AMOUNT_TEXT_BYTES, "%" PRIu64 " s", seconds);
    else if (hours == 0)
        snprintf(text, AMOUNT_TEXT_BYTES, "%" PRIu64 " min", minutes);
    else if (hours < 24)
        snprintf(text, AMOUNT_TEXT_BYTES, "%" PRIu64 " h %" PRIu64 " min", hours, minutes % 60);
    else
        snprintf(text, AMOUNT_TEXT_BYTES, "%" PRIu64 " d %" PRIu64 " h", hours / 24, hours % 24);
    return text;
}

const char *amount_format_us(uint64_t us, char text[AMOUNT_TEXT_BYTES])
{
    if (us < 1000)
        snprintf(text, AMOUNT_TEXT_BYTES, "%" PRIu64 " us", us);
    else if (us < 1000 * 1000)
        snprintf(text, AMOUNT_TEXT_BYTES, "%.1f ms", (double)us / 1000);
    else
        snprintf(text, AMOUNT_TEXT_BYTES, "%.1f s", (double)us / 1e6);
    return text;
}
