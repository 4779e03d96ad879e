#include "config/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Descending, so that the first unit that divides a value gives its shortest text. */
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {{"G", 1024 * 1024 * 1024}, {"M", 1024 * 1024}, {"k", 1024}};

enum { DURATIONS = sizeof(durations) / sizeof(durations[0]), SIZES = sizeof(sizes) / sizeof(sizes[0]) };

/* The factor of a unit's name, 0 when there is no such unit. */
static uint64_t factor_of(enum units_kind kind, const char *name)
{
    if (kind == UNITS_DURATION) {
        for (size_t i = 0; i < DURATIONS; i++) {
            if (strcmp(name, durations[i].name) == 0)
                return durations[i].factor;
        }
        return 0;
    }
    for (size_t i = 0; i < SIZES; i++) {
        /* Sizes know no unit that differs only in case, so 16K and 16k are the same. */
        if (name[0] != '\0' && name[1] == '\0' && (name[0] | 0x20) == (sizes[i].name[0] | 0x20))
            return sizes[i].factor;
    }
    return 0;
}

static enum units_error parse_digits(const char **text, uint64_t *value)
{
    const char *p = *text;
    bool overflow = false;

    if (*p == '\0')
        return UNITS_EMPTY;
    if (*p == '-' || *p == '+')
        return UNITS_SIGNED;
    if (*p < '0' || *p > '9')
        return UNITS_NOT_A_NUMBER;
    *value = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            overflow = true;
        else
            *value = *value * 10 + digit;
    }
    *text = p;
    if ((*p == '.' || *p == ',') && p[1] >= '0' && p[1] <= '9')
        return UNITS_FRACTION;
    return overflow ? UNITS_OVERFLOW : UNITS_OK;
}

enum units_error units_parse(enum units_kind kind, const char *text, uint64_t *value)
{
    uint64_t number;
    enum units_error error = parse_digits(&text, &number);

    if (error != UNITS_OK)
        return error;
    if (kind == UNITS_NUMBER) {
        if (*text != '\0')
            return UNITS_NOT_A_NUMBER;
        *value = number;
        return UNITS_OK;
    }
    if (*text == '\0')
        return UNITS_NO_UNIT;
    uint64_t factor = factor_of(kind, text);
    if (factor == 0)
        return UNITS_UNKNOWN_UNIT;
    if (number > UINT64_MAX / factor)
        return UNITS_OVERFLOW;
    *value = number * factor;
    return UNITS_OK;
}

const char *units_format(enum units_kind kind, uint64_t value, char text[UNITS_TEXT_BYTES])
{
    const struct unit *units = kind == UNITS_DURATION ? durations : sizes;
    size_t count = kind == UNITS_DURATION ? DURATIONS : kind == UNITS_SIZE ? SIZES : 0;

    if (value == 0 && count != 0) {
        snprintf(text, UNITS_TEXT_BYTES, "%s", kind == UNITS_DURATION ? "0s" : "0k");
        return text;
    }
    for (size_t i = 0; i < count; i++) {
        if (value % units[i].factor == 0) {
            snprintf(text, UNITS_TEXT_BYTES, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
            return text;
        }
    }
    snprintf(text, UNITS_TEXT_BYTES, "%" PRIu64 "%s", value, kind == UNITS_SIZE ? " bytes" : "");
    return text;
}

/* A bare number most likely means seconds, and bytes when it is large: what that would be with a unit. */
static void advise_unit(enum units_kind kind, const char *key, const char *text, char *advice,
                        size_t advice_bytes)
{
    uint64_t number = 0;
    char likely[UNITS_TEXT_BYTES];
    char shorter[UNITS_TEXT_BYTES];

    (void)units_parse(UNITS_NUMBER, text, &number);
    if (kind == UNITS_SIZE) {
        uint64_t bytes = number < 1024 ? number * 1024 : (number / 1024 + (number % 1024 != 0)) * 1024;
        snprintf(advice, advice_bytes, "%s=%s has no unit; write %s=%s (units: k, M, G)", key, text, key,
                 units_format(kind, bytes, likely));
        return;
    }
    snprintf(likely, sizeof(likely), "%" PRIu64 "s", number);
    units_format(kind, number > UINT64_MAX / 1000 ? 0 : number * 1000, shorter);
    if (number > UINT64_MAX / 1000 || strcmp(likely, shorter) == 0)
        snprintf(advice, advice_bytes, "%s=%s has no unit; write %s=%s for seconds (units: ms, s, m, h, d)",
                 key, text, key, likely);
    else
        snprintf(advice, advice_bytes, "%s=%s has no unit; write %s=%s or %s=%s (units: ms, s, m, h, d)", key,
                 text, key, likely, key, shorter);
}

const char *units_advise(enum units_error error, enum units_kind kind, const char *key, const char *text,
                         char *advice, size_t advice_bytes)
{
    const char *example = kind == UNITS_DURATION ? "10s" : kind == UNITS_SIZE ? "16k" : "100";
    const char *what = kind == UNITS_DURATION ? "a duration"
                       : kind == UNITS_SIZE   ? "a size"
                                              : "a whole number";

    switch (error) {
    case UNITS_OK:
        snprintf(advice, advice_bytes, "%s=%s is right", key, text);
        break;
    case UNITS_EMPTY:
        snprintf(advice, advice_bytes, "%s has no value; write %s such as %s=%s", key, what, key, example);
        break;
    case UNITS_NOT_A_NUMBER:
        snprintf(advice, advice_bytes, "%s='%s' is not %s; write for example %s=%s", key, text, what, key,
                 example);
        break;
    case UNITS_SIGNED:
        snprintf(advice, advice_bytes, "%s=%s: write %s without a sign, such as %s=%s", key, text, what, key,
                 example);
        break;
    case UNITS_FRACTION:
        snprintf(advice, advice_bytes, "%s=%s: write a whole number, with a smaller unit if need be (%s)",
                 key, text,
                 kind == UNITS_DURATION ? "1500ms instead of 1.5s"
                 : kind == UNITS_SIZE   ? "1536k instead of 1.5M"
                                        : "2");
        break;
    case UNITS_OVERFLOW:
        snprintf(advice, advice_bytes, "%s=%s is far too large", key, text);
        break;
    case UNITS_NO_UNIT:
        advise_unit(kind, key, text, advice, advice_bytes);
        break;
    case UNITS_UNKNOWN_UNIT:
        snprintf(advice, advice_bytes,
                 "%s='%s' has an unknown unit; write one number and one of %s, such as %s=%s", key, text,
                 kind == UNITS_DURATION ? "ms, s, m, h, d" : "k, M, G", key, example);
        break;
    }
    return advice;
}
