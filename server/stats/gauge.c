#include "stats/gauge.h"

#include "base/atomic.h"
#include "base/check.h"

void gauge_init(struct gauge *gauge, uint32_t max)
{
    gauge->current = 0;
    gauge->peak = 0;
    gauge->max = max;
}

void gauge_set_limit(struct gauge *gauge, uint32_t max)
{
    atomic_store_u32(&gauge->max, max);
}

static void gauge_raise_peak(struct gauge *gauge, uint32_t value)
{
    for (;;) {
        uint32_t peak = atomic_load_u32(&gauge->peak);
        if (peak >= value || atomic_cas_u32(&gauge->peak, peak, value))
            return;
    }
}

bool gauge_raise(struct gauge *gauge)
{
    for (;;) {
        uint32_t current = atomic_load_u32(&gauge->current);
        uint32_t max = atomic_load_u32(&gauge->max);
        if ((max > 0 && current >= max) || current == UINT32_MAX)
            return false;
        if (atomic_cas_u32(&gauge->current, current, current + 1)) {
            gauge_raise_peak(gauge, current + 1);
            return true;
        }
    }
}

void gauge_lower(struct gauge *gauge)
{
    uint32_t before = atomic_fetch_add_u32(&gauge->current, UINT32_MAX);

    CHECK(before > 0);
}

uint32_t gauge_current(const struct gauge *gauge)
{
    return atomic_load_u32(&gauge->current);
}

uint32_t gauge_peak(const struct gauge *gauge)
{
    return atomic_load_u32(&gauge->peak);
}

uint32_t gauge_limit(const struct gauge *gauge)
{
    return atomic_load_u32(&gauge->max);
}
