/*
 * units: whole numbers, durations and sizes as people write them.
 *
 * Pure; any thread. A duration is a whole number and ms, s, m, h or d; a size is a whole number and k, M or G (powers
 * of 1024, in either case). A number is digits and nothing else. There is no sign, no fraction, no blank and no
 * default unit: what is not clear is an error, and units_advise says what to write instead.
 */
#ifndef FAIRLEAD_CONFIG_UNITS_H
#define FAIRLEAD_CONFIG_UNITS_H

#include <stddef.h>
#include <stdint.h>

enum units_kind { UNITS_NUMBER, UNITS_DURATION, UNITS_SIZE };

enum units_error {
    UNITS_OK,
    UNITS_EMPTY,
    UNITS_NOT_A_NUMBER, /* does not start with a digit, or a number is followed by something */
    UNITS_SIGNED,
    UNITS_FRACTION,
    UNITS_OVERFLOW, /* does not fit 64 bits */
    UNITS_NO_UNIT,
    UNITS_UNKNOWN_UNIT
};

/* The value in milliseconds (duration), bytes (size) or as it is (number). `*value` is set only on UNITS_OK. */
enum units_error units_parse(enum units_kind kind, const char *text, uint64_t *value);

enum { UNITS_TEXT_BYTES = 32 };

/* The shortest text that parses back to the value: "10m", "16k". A size that is no multiple of 1024 cannot be written
 * and becomes "1000 bytes". Returns `text`. */
const char *units_format(enum units_kind kind, uint64_t value, char text[UNITS_TEXT_BYTES]);

/* One sentence for people that names the key and what to write. `text` is what was parsed, cut by the caller when it
 * may be long. Returns `advice`. */
const char *units_advise(enum units_error error, enum units_kind kind, const char *key, const char *text,
                         char *advice, size_t advice_bytes);

#endif
