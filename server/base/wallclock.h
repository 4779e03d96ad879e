/*
 * wallclock: the time of day, for what people read (the log, started_at). Never used to measure or to decide.
 */
#ifndef FAIRLEAD_BASE_WALLCLOCK_H
#define FAIRLEAD_BASE_WALLCLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { WALLCLOCK_TEXT_BYTES = 25 }; /* 2026-11-23T21:05:12.345Z and NUL */

/* Milliseconds since 1970-01-01T00:00:00Z. Any thread. */
uint64_t wallclock_now_ms(void);

/* RFC 3339 in UTC with milliseconds; returns `text`. Pure. */
const char *wallclock_format(uint64_t time_ms, char text[WALLCLOCK_TEXT_BYTES]);

#endif
