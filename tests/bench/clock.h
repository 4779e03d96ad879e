/*
 * clock: the monotonic clock and this process's processor time, in nanoseconds.
 */
#ifndef FAIRLEAD_BENCH_CLOCK_H
#define FAIRLEAD_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_SECOND 1000000000U
#define CLOCK_NS_PER_MS 1000000U

static inline uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec time;

    (void)clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * CLOCK_NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

static inline uint64_t clock_now_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_processor_ns(void)
{
    return clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

#endif
