#include "stats/histogram.h"

#include "base/atomic.h"

#include <math.h>

/* 2 to the power of this is HISTOGRAM_STEPS. */
enum { HISTOGRAM_STEP_BITS = 3 };

static uint32_t highest_bit(uint64_t value)
{
    uint32_t bit = 0;

    for (uint32_t half = 32; half > 0; half /= 2) {
        if (value >> half != 0) {
            value >>= half;
            bit += half;
        }
    }
    return bit;
}

uint32_t histogram_bucket(uint64_t value_us)
{
    if (value_us < HISTOGRAM_STEPS)
        return (uint32_t)value_us;
    uint32_t shift = highest_bit(value_us) - HISTOGRAM_STEP_BITS;
    uint64_t bucket = (uint64_t)shift * HISTOGRAM_STEPS + (value_us >> shift);
    return bucket < HISTOGRAM_BUCKETS ? (uint32_t)bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_bucket_end_us(uint32_t bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return (uint64_t)bucket + 1;
    uint32_t shift = bucket / HISTOGRAM_STEPS - 1;
    uint64_t step = bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS;
    return (step + 1) << shift;
}

/* One writer, so a load and a store are enough; the release lets readers on other threads see the order of counting. */
static void add(uint64_t *counter, uint64_t n)
{
    atomic_store_u64(counter, *counter + n);
}

void histogram_record(struct histogram *histogram, uint64_t value_us)
{
    add(&histogram->sum_us, value_us);
    add(&histogram->buckets[histogram_bucket(value_us)], 1);
}

void histogram_add(struct histogram *into, const struct histogram *from)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += atomic_load_u64(&from->buckets[i]);
    into->sum_us += atomic_load_u64(&from->sum_us);
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += histogram->buckets[i];
    return count;
}

uint64_t histogram_percentile_us(const struct histogram *histogram, double percent)
{
    uint64_t count = histogram_count(histogram);
    uint64_t wanted = (uint64_t)ceil((double)count * percent / 100.0);
    uint64_t seen = 0;

    if (count == 0)
        return 0;
    if (wanted == 0)
        wanted = 1;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted)
            return histogram_bucket_end_us(i);
    }
    return histogram_bucket_end_us(HISTOGRAM_BUCKETS - 1);
}
