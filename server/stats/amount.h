/*
 * amount: numbers as people read them, such as "12.4 MB" and "2 h 5 min". Pure; any thread.
 *
 * Each writes a text that fits into AMOUNT_TEXT_BYTES whatever the number is, and returns it.
 */
#ifndef FAIRLEAD_STATS_AMOUNT_H
#define FAIRLEAD_STATS_AMOUNT_H

#include <stdint.h>

enum { AMOUNT_TEXT_BYTES = 48 };

/* "999 bytes", "1.0 kB", "12.4 MB": powers of 1000. */
const char *amount_format_bytes(uint64_t bytes, char text[AMOUNT_TEXT_BYTES]);

/* "59 s", "5 min", "2 h 5 min", "3 d 4 h": cut, not rounded. */
const char *amount_format_seconds(double seconds, char text[AMOUNT_TEXT_BYTES]);

/* "950 us", "1.2 ms", "34.0 ms", "12.3 s". */
const char *amount_format_us(uint64_t us, char text[AMOUNT_TEXT_BYTES]);

#endif
