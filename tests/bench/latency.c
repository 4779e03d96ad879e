#include "latency.h"

enum { STEPS = 1 << LATENCY_STEP_BITS };

/* Values below STEPS have a bucket each; from there on it is the highest bit and the LATENCY_STEP_BITS bits after it. */
static uint32_t bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (uint32_t)value;
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(value) - LATENCY_STEP_BITS;
    uint64_t bucket = ((uint64_t)shift << LATENCY_STEP_BITS) + (value >> shift);
    return bucket < LATENCY_BUCKETS ? (uint32_t)bucket : LATENCY_BUCKETS - 1;
}

/* The largest value in it. */
static uint64_t bucket_last(uint32_t bucket)
{
    if (bucket < STEPS)
        return bucket;
    uint32_t shift = bucket / STEPS - 1;
    return (((uint64_t)bucket % STEPS + STEPS + 1) << shift) - 1;
}

void latency_record(struct latency *latency, uint64_t value_ns)
{
    latency->buckets[bucket_of(value_ns)]++;
    latency->count++;
    latency->sum_ns += value_ns;
    if (value_ns > latency->max_ns)
        latency->max_ns = value_ns;
}

uint64_t latency_percentile_ns(const struct latency *latency, double percent)
{
    double wanted = (double)latency->count * percent / 100.0;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < LATENCY_BUCKETS - 1; i++) {
        seen += latency->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t last = bucket_last(i);
            return last < latency->max_ns ? last : latency->max_ns;
        }
    }
    /* What is longer than the histogram reaches lies in the last bucket, and only its largest value is known. */
    return latency->max_ns;
}
