#include "base/timer.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/compiler.h"

#include <stddef.h>

/*
 * Time is cut into ticks of TIMER_GRANULARITY_US. Level 0 has a slot per tick, and a slot of each further
 * level spans all slots of the level below. A timer lies at the level of the highest group of SLOT_BITS bits
 * in which its tick differs from the current one. From that follows what keeps everything short:
 *
 *   - a slot in use lies ahead of the current one of its level, so an expired slot never mixes with a future
 *     one;
 *   - whatever lies at a level is due before anything of a higher level, so the first slot in use, of the lowest
 *     level in use, says what happens next, and the wheel jumps there however far it is;
 *   - between two such events the current tick may move freely without a timer changing its place.
 *
 * The top level is a ring: it holds what is up to TIMER_SLOTS - 1 of its slots ahead, and later timers wait
 * in the last of these and are placed again when it comes. A clock that is far ahead of the wheel does not
 * turn the ring for that: the wheel goes at once to where the first of those that waited is due.
 */
enum { SLOT_BITS = 6, SLOT_MASK = TIMER_SLOTS - 1, TOP = TIMER_LEVELS - 1, TOP_SHIFT = SLOT_BITS * TOP };

/* --- lists and bits --- */

static void list_init(struct timer_link *head)
{
    head->next = head;
    head->previous = head;
}

static bool list_is_empty(const struct timer_link *head)
{
    return head->next == head;
}

static void list_append(struct timer_link *head, struct timer_link *link)
{
    link->next = head;
    link->previous = head->previous;
    head->previous->next = link;
    head->previous = link;
}

/* The links of `from`, which holds some, in `to`; `from` is empty afterwards. */
static void list_move(struct timer_link *from, struct timer_link *to)
{
    *to = *from;
    to->next->previous = to;
    to->previous->next = to;
    list_init(from);
}

static void list_remove(struct timer_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = NULL;
    link->previous = NULL;
}

static struct timer *timer_of(struct timer_link *link)
{
    return CONTAINER_OF(link, struct timer, link);
}

/* The lowest bit set. Six steps on a path that runs once per event. */
static unsigned lowest_bit(uint64_t bits)
{
    unsigned index = 0;

    for (unsigned width = 32; width > 0; width /= 2) {
        if ((bits & ((UINT64_C(1) << width) - 1)) == 0) {
            bits >>= width;
            index += width;
        }
    }
    return index;
}

/* --- ticks --- */

static uint64_t tick_at_or_after(uint64_t us)
{
    return us / TIMER_GRANULARITY_US + (us % TIMER_GRANULARITY_US != 0 ? 1 : 0);
}

/* A tick that the clock cannot reach any more is never. */
static uint64_t us_of_tick(uint64_t tick)
{
    return tick > UINT64_MAX / TIMER_GRANULARITY_US ? TIMER_NEVER : tick * TIMER_GRANULARITY_US;
}

/* --- the wheel, locked --- */

/* Puts a timer that is due after the current tick where it belongs. */
static void place(struct timer_wheel *wheel, struct timer *timer)
{
    uint64_t due = timer->due_tick;
    uint64_t differs = due ^ wheel->current_tick;
    unsigned level = 0;

    while (level < TOP && differs >> (SLOT_BITS * (level + 1)) != 0)
        level++;

    uint64_t position = due >> (SLOT_BITS * level);
    if (level == TOP) {
        uint64_t farthest = (wheel->current_tick >> TOP_SHIFT) + SLOT_MASK;
        if (position > farthest)
            position = farthest;
    }
    unsigned slot = (unsigned)(position & SLOT_MASK);
    list_append(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

/* Takes an armed timer out of its list: a slot, or what a worker is about to fire. */
static void unlink_timer(struct timer_wheel *wheel, struct timer *timer)
{
    struct timer_link *head = timer->link.next;

    list_remove(&timer->link);
    if (!list_is_empty(head))
        return;

    /* The list is empty now, so what remains is its head; when that is a slot of the wheel, its bit goes too.
     * */
    uintptr_t first = (uintptr_t)&wheel->slots[0][0];
    uintptr_t end = first + sizeof wheel->slots;
    if ((uintptr_t)head < first || (uintptr_t)head >= end)
        return;
    size_t index = ((uintptr_t)head - first) / sizeof *head;
    wheel->occupied[index / TIMER_SLOTS] &= ~(UINT64_C(1) << (index % TIMER_SLOTS));
}

struct event {
    uint64_t tick; /* when its slot begins */
    unsigned level;
    unsigned slot;
};

/* The next slot in use, or false when there is none. */
static bool next_event(const struct timer_wheel *wheel, struct event *event)
{
    for (unsigned level = 0; level < TIMER_LEVELS; level++) {
        uint64_t bits = wheel->occupied[level];
        if (bits == 0)
            continue;
        uint64_t position = wheel->current_tick >> (SLOT_BITS * level);
        if (level == TOP) {
            /* Ring order: turned so that the slot after the current one becomes bit 0. */
            unsigned turn = (unsigned)((position + 1) & SLOT_MASK);
            if (turn != 0)
                bits = bits >> turn | bits << (TIMER_SLOTS - turn);
            position += 1 + lowest_bit(bits);
        } else {
            position = (position & ~(uint64_t)SLOT_MASK) | lowest_bit(bits);
        }
        event->tick = position << (SLOT_BITS * level);
        event->level = level;
        event->slot = (unsigned)(position & SLOT_MASK);
        CHECK(event->tick > wheel->current_tick);
        return true;
    }
    return false;
}

/* How far the wheel may go, at most to `now_tick`, when `waiting` was its first slot and is no longer in it: no timer is due
 * before. */
static uint64_t first_due(const struct timer_wheel *wheel, const struct timer_link *waiting,
                          uint64_t now_tick)
{
    struct event next;
    uint64_t tick = now_tick;

    for (struct timer_link *link = waiting->next; link != waiting; link = link->next) {
        if (timer_of(link)->due_tick < tick)
            tick = timer_of(link)->due_tick;
    }
    /* A slot in use stays ahead of the current one. */
    return next_event(wheel, &next) && next.tick <= tick ? next.tick - 1 : tick;
}

/* Moves every timer that is due at `now_tick` into `expired`, in order, and the wheel to `now_tick`. */
static void collect(struct timer_wheel *wheel, uint64_t now_tick, struct timer_link *expired)
{
    struct event event;

    while (next_event(wheel, &event) && event.tick <= now_tick) {
        struct timer_link waiting;

        wheel->current_tick = event.tick;
        list_move(&wheel->slots[event.level][event.slot], &waiting);
        wheel->occupied[event.level] &= ~(UINT64_C(1) << event.slot);
        if (event.level == TOP)
            wheel->current_tick = first_due(wheel, &waiting, now_tick);
        while (!list_is_empty(&waiting)) {
            struct timer *timer = timer_of(waiting.next);
            list_remove(&timer->link);
            if (timer->due_tick <= wheel->current_tick)
                list_append(expired, &timer->link);
            else
                place(wheel, timer);
        }
    }
    if (wheel->current_tick < now_tick)
        wheel->current_tick = now_tick;
}

static void store_next_due(struct timer_wheel *wheel)
{
    struct event event;
    uint64_t next_us = next_event(wheel, &event) ? us_of_tick(event.tick) : TIMER_NEVER;
    atomic_store_u64(&wheel->next_due_us, next_us);
}

/* Fires what `expired` holds, each outside the lock. Until its turn comes, a timer there can still be moved
 * or cancelled by anybody; from the unlinking on it belongs to its callback, which may free it. */
static void fire_all(struct timer_wheel *wheel, struct timer_link *expired)
{
    while (!list_is_empty(expired)) {
        struct timer *timer = timer_of(expired->next);
        timer_fire *fire = timer->fire;
        list_remove(&timer->link);
        wheel->armed_count--;
        lock_release(&wheel->lock);
        fire(timer);
        lock_acquire(&wheel->lock);
    }
}

/* --- public --- */

void timer_wheel_init(struct timer_wheel *wheel, uint64_t now_us)
{
    lock_init(&wheel->lock);
    wheel->next_due_us = TIMER_NEVER;
    wheel->current_tick = now_us / TIMER_GRANULARITY_US;
    wheel->armed_count = 0;
    for (unsigned level = 0; level < TIMER_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < TIMER_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    }
}

void timer_wheel_destroy(struct timer_wheel *wheel)
{
    CHECK(timer_wheel_armed(wheel) == 0);
}

uint64_t timer_wheel_advance(struct timer_wheel *wheel, uint64_t now_us)
{
    uint64_t next_us = atomic_load_u64(&wheel->next_due_us);
    if (now_us < next_us || next_us == TIMER_NEVER)
        return next_us;

    struct timer_link expired;
    list_init(&expired);

    lock_acquire(&wheel->lock);
    collect(wheel, now_us / TIMER_GRANULARITY_US, &expired);
    store_next_due(wheel);
    fire_all(wheel, &expired);
    lock_release(&wheel->lock);
    return atomic_load_u64(&wheel->next_due_us);
}

uint32_t timer_wheel_armed(struct timer_wheel *wheel)
{
    lock_acquire(&wheel->lock);
    uint32_t armed = wheel->armed_count;
    lock_release(&wheel->lock);
    return armed;
}

void timer_init(struct timer *timer, timer_fire *fire)
{
    timer->link.next = NULL;
    timer->link.previous = NULL;
    timer->fire = fire;
    timer->due_tick = 0;
}

bool timer_set(struct timer_wheel *wheel, struct timer *timer, uint64_t due_us)
{
    lock_acquire(&wheel->lock);
    bool was_armed = timer->link.next != NULL;
    if (was_armed)
        unlink_timer(wheel, timer);
    else
        wheel->armed_count++;

    /* What is due already fires at the next tick: a callback that sets its own timer cannot hold a worker for
     * ever. */
    uint64_t tick = tick_at_or_after(due_us);
    timer->due_tick = tick > wheel->current_tick ? tick : wheel->current_tick + 1;
    place(wheel, timer);

    uint64_t timer_us = us_of_tick(timer->due_tick);
    if (timer_us < atomic_load_u64(&wheel->next_due_us))
        atomic_store_u64(&wheel->next_due_us, timer_us);
    lock_release(&wheel->lock);
    return !was_armed;
}

bool timer_cancel(struct timer_wheel *wheel, struct timer *timer)
{
    lock_acquire(&wheel->lock);
    bool was_armed = timer->link.next != NULL;
    if (was_armed) {
        unlink_timer(wheel, timer);
        wheel->armed_count--;
        /* A bound that is too early costs one look at the wheel, but an empty wheel answers "never" at once.
         * */
        if (wheel->armed_count == 0)
            atomic_store_u64(&wheel->next_due_us, TIMER_NEVER);
    }
    lock_release(&wheel->lock);
    return was_armed;
}
