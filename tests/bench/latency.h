/*
 * latency: a histogram of durations, exact to less than 1%.
 *
 * Log-linear like server/stats/histogram, which is coarser (12.5%) because it lives in every listener: each power of two is
 * split into 128 parts here, over the range of a nanosecond to 18 minutes. One thread. Zeroed memory is an empty one.
 */
#ifndef FAIRLEAD_BENCH_LATENCY_H
#define FAIRLEAD_BENCH_LATENCY_H

#include <stdint.h>

enum { LATENCY_STEP_BITS = 7, LATENCY_BITS_MAX = 40 };
enum { LATENCY_BUCKETS = (LATENCY_BITS_MAX - LATENCY_STEP_BITS + 1) << LATENCY_STEP_BITS };

struct latency {
    uint64_t buckets[LATENCY_BUCKETS];
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
};

void latency_record(struct latency *latency, uint64_t value_ns);

/* A value that at least `percent` (0 to 100) of those recorded do not exceed, at most 0.8% too high and never above the
 * largest. 0 when there are none. */
uint64_t latency_percentile_ns(const struct latency *latency, double percent);

#endif
