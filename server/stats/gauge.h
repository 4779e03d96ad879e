/*
 * gauge: how many of something there are now, with an exact limit and the highest value ever.
 *
 * gauge_raise and gauge_lower are a reservation: the limit is never exceeded by even one (SEMANTICS S15). Any thread.
 */
#ifndef FAIRLEAD_STATS_GAUGE_H
#define FAIRLEAD_STATS_GAUGE_H

#include <stdbool.h>
#include <stdint.h>

struct gauge {
    uint32_t current; /* atomic */
    uint32_t peak;    /* atomic; the highest value that `current` had; raised before gauge_raise answers */
    uint32_t max;     /* atomic; 0 = no limit */
};

void gauge_init(struct gauge *gauge, uint32_t max);

/* False when the limit is reached; nothing is taken then. */
bool gauge_raise(struct gauge *gauge);

/* Another limit. What is above a lower one stays; nothing more is admitted until enough was given back. */
void gauge_set_limit(struct gauge *gauge, uint32_t max);

/* Gives back what gauge_raise took. */
void gauge_lower(struct gauge *gauge);

uint32_t gauge_current(const struct gauge *gauge);
uint32_t gauge_peak(const struct gauge *gauge);
uint32_t gauge_limit(const struct gauge *gauge); /* 0 = none */

#endif
