/*
 * timer: a hierarchical timer wheel, driven by the port's tick.
 *
 * A timer is embedded in its owner. It fires once, on the worker that advanced the wheel, outside the wheel's
 * lock, so the callback may set and cancel timers, its own included. Timers never fire early; they fire at
 * the first advance after their due time, rounded up to TIMER_GRANULARITY_US. Cost of set, cancel and fire:
 * constant.
 *
 * Threads: any worker may call any function. When timer_cancel answers false, the callback has run, runs
 * right now on another worker, or was never due to run: the owner must then count on it running, which is why
 * owners hold a reference for an armed timer and drop it either where they cancelled it or in the callback,
 * never in both.
 *
 * Time is the port's monotonic clock in microseconds. The wall clock plays no part. A clock that leaps
 * forward fires everything that became due, in order of due time up to the granularity.
 *
 *   timer_wheel_init -> timer_init, timer_set, timer_cancel ...; tick: timer_wheel_advance -> timer_wheel_destroy
 */
#ifndef FAIRLEAD_BASE_TIMER_H
#define FAIRLEAD_BASE_TIMER_H

#include "base/lock.h"

#include <stdbool.h>
#include <stdint.h>

#define TIMER_GRANULARITY_US 4000
#define TIMER_NEVER UINT64_MAX

enum { TIMER_LEVELS = 5, TIMER_SLOTS = 64 };

struct timer;
typedef void timer_fire(struct timer *timer);

struct timer_link {
    struct timer_link *next;
    struct timer_link *previous;
};

struct timer {
    struct timer_link link; /* the slot's list while armed, both NULL otherwise */
    timer_fire *fire;
    uint64_t due_tick;
};

struct timer_wheel {
    struct lock lock;
    uint64_t
        next_due_us; /* atomic; never later than the first timer, so advance can answer without the lock */
    uint64_t current_tick;
    uint32_t armed_count;
    uint64_t occupied[TIMER_LEVELS]; /* bit per slot that is not empty */
    struct timer_link slots[TIMER_LEVELS][TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_us);

/* Checks that no timer is armed. */
void timer_wheel_destroy(struct timer_wheel *wheel);

/* Fires everything that is due and answers when to be called next: a time in microseconds that may be earlier
 * than the next timer, never later; TIMER_NEVER when none is armed. Several workers may call at once; each
 * timer fires on one of them. */
uint64_t timer_wheel_advance(struct timer_wheel *wheel, uint64_t now_us);

uint32_t timer_wheel_armed(struct timer_wheel *wheel);

void timer_init(struct timer *timer, timer_fire *fire);

/* Arms the timer, or moves it when it is armed. True when it was not armed before (the owner takes its
 * reference). */
bool timer_set(struct timer_wheel *wheel, struct timer *timer, uint64_t due_us);

/* True when the timer was armed and will not fire (the owner drops its reference). */
bool timer_cancel(struct timer_wheel *wheel, struct timer *timer);

#endif
