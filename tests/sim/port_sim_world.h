/*
 * port_sim_world: one simulated world: its seed, its time, its events, its end by failure.
 *
 * Everything that happens in a simulation is an event: a segment that arrives, a worker that takes a step, a peer that
 * acts. Events lie in one heap ordered by virtual time; their delays are drawn from the seed, and that is where every
 * reordering comes from. Nothing else may decide anything: no thread, no clock, no address of memory. So a seed is a
 * schedule, and the hash of the trace of two runs of one seed is the same.
 *
 * Single-threaded. There is one world at a time:
 *
 *   sim_begin(seed) -> events ... sim_step -> sim_end
 *
 * Memory that a world needs comes from its arena and disappears with the next sim_begin, so an event may keep a
 * pointer without anybody owning it.
 */
#ifndef FAIRLEAD_TESTS_SIM_PORT_SIM_WORLD_H
#define FAIRLEAD_TESTS_SIM_PORT_SIM_WORLD_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a trace and a summary call an event. */
enum sim_label {
    SIM_LABEL_WORKER,
    SIM_LABEL_WAKE,
    SIM_LABEL_COMPLETE,
    SIM_LABEL_CANCEL,
    SIM_LABEL_SEGMENT,
    SIM_LABEL_RESET,
    SIM_LABEL_SYN,
    SIM_LABEL_CONNECTED,
    SIM_LABEL_ACCEPT,
    SIM_LABEL_NAME,
    SIM_LABEL_CLOCK,
    SIM_LABEL_PEER,
    SIM_LABEL_HOST,
    SIM_LABEL_COUNT
};

typedef void sim_event(void *object, uint64_t argument);
typedef void sim_check(void);

struct sim_world {
    uint64_t seed;
    uint64_t random;
    uint64_t step;             /* events run */
    uint64_t hash;             /* of the trace so far */
    uint64_t now_us;           /* the kernel's time: starts at 0 */
    uint64_t clock_us;         /* what port_now_us adds to it: the start and all leaps */
    uint64_t stalled_at_us;    /* what the port's clock shows ... */
    uint64_t stalled_until_us; /* ... until this time of the kernel */
    uint64_t steps_max;        /* more is a failure: something spins */
    sim_check *check;          /* after every event; may be NULL */
    void (*explain)(void);     /* called after a failure was printed, to tell more; may be NULL */
    const char *scenario;      /* for the line of a failure */
    bool verbose;              /* print the trace */
    bool even;                 /* sim_without_chance was called */
    bool running;
};
extern struct sim_world sim;

void sim_begin(uint64_t seed);

/* From now on every draw gives its highest value, every delay is as long as it may be, and events of one time come in the order in which they
 * were made: for a program that counts what a message costs, where chance would only be noise. After sim_begin. */
void sim_without_chance(void);

/* Frees what is left of the world. Whoever wants a clean end has checked before. */
void sim_end(void);

/* --- chance ------------------------------------------------------------------------------------------------- */

uint64_t sim_random(void);
uint32_t sim_below(uint32_t count);                /* 0 to count - 1; count at least 1 */
uint32_t sim_between(uint32_t low, uint32_t high); /* both included */
bool sim_chance(uint32_t rate);                    /* rate of 65536 */

/* A delay up to `max_us`, mostly far below it. */
uint64_t sim_delay(uint64_t max_us);

/* --- events ------------------------------------------------------------------------------------------------- */

void sim_at(uint64_t delay_us, enum sim_label label, sim_event *event, void *object, uint64_t argument);

/* Runs the next event; false when there is none. Never inside an event. */
bool sim_step(void);

/* When the next event is due, or UINT64_MAX. */
uint64_t sim_next_us(void);

/* Mixes what happened into the hash, and prints it when the trace is wanted. `what` is a literal. */
void sim_trace(const char *what, uint64_t a, uint64_t b);

/* --- memory and failure ------------------------------------------------------------------------------------- */

/* Zeroed; lives until the next sim_begin. Never fails. */
void *sim_arena(size_t bytes);

/* Prints FAIL with the seed, the step, the invariant and the text, and ends the process with 1. */
PRINTF_LIKE(2, 3) NORETURN void sim_fail(const char *invariant, PRINTF_FORMAT const char *format, ...);

/* Makes aborts (CHECK), crashes and the sanitizers print the FAIL line too. Once per process. */
void sim_catch_crashes(void);

#endif
