/*
 * histogram: how long things took, in buckets whose width grows with the value.
 *
 * Log-linear: each power of two is split into HISTOGRAM_STEPS equal parts, so a bucket is at most 12.5% wide over
 * the whole range of 1 microsecond to about 19 hours; what is longer falls into the last bucket. Only the worker that
 * owns a histogram records into it; anybody may read it meanwhile (plain 64-bit loads that acquire), and reads see
 * each bucket at some value it really had. Pure.
 */
#ifndef FAIRLEAD_STATS_HISTOGRAM_H
#define FAIRLEAD_STATS_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEPS = 8, HISTOGRAM_BUCKETS = 272 };

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t sum_us;
};

/* The bucket of a value, and the smallest value above the bucket (the exclusive upper bound). */
uint32_t histogram_bucket(uint64_t value_us);
uint64_t histogram_bucket_end_us(uint32_t bucket);

/* Owner only. */
void histogram_record(struct histogram *histogram, uint64_t value_us);

/* Adds what `from` holds now. `into` is the reader's own. */
void histogram_add(struct histogram *into, const struct histogram *from);

uint64_t histogram_count(const struct histogram *histogram);

/* A value that at least `percent` (0 to 100) of the recorded ones do not exceed: the end of its bucket, at most 12.5% too
 * high. 0 when nothing was recorded. */
uint64_t histogram_percentile_us(const struct histogram *histogram, double percent);

#endif
