#include "stats/histogram.h"

#include "base/atomic.h"
#include "base/check.h"

#include <assert.h>

/* Values below HISTOGRAM_STEPS have a bucket each; from there on a value's bucket is its highest bit and the
 * HISTOGRAM_STEP_BITS bits after it. */
enum { HISTOGRAM_STEP_BITS = 3 };
static_assert(1 << HISTOGRAM_STEP_BITS == HISTOGRAM_STEPS, "steps are a power of two");

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
    uint32_t bucket = shift * HISTOGRAM_STEPS + (uint32_t)(value_us >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_bucket_end_us(uint32_t bucket)
{
    CHECK(bucket < HISTOGRAM_BUCKETS);
    if (bucket < HISTOGRAM_STEPS)
        return (uint64_t)bucket + 1;
    uint32_t shift = bucket / HISTOGRAM_STEPS - 1;
    return ((uint64_t)bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << shift;
}

/* The only writer is this thread, so a plain addition is enough; the atomic store keeps readers from seeing half of it. */
static void add(uint64_t *counter, uint64_t value)
{
    atomic_store_u64(counter, *counter + value);
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
    double wanted = (double)count * percent / 100.0;
    uint64_t seen = 0;

    CHECK(percent >= 0.0 && percent <= 100.0);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        /* `seen` of `count`: rounding in `wanted` must not run past the last value. */
        if (seen > 0 && ((double)seen >= wanted || seen == count))
            return histogram_bucket_end_us(i);
    }
    return 0;
}
