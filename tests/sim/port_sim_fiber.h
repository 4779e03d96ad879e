/*
 * port_sim_fiber: a stack of its own for each simulated worker, so that a worker can be interrupted in the middle of a
 * function and another one run meanwhile, as an operating system does. Which one and when, the seed decides.
 *
 * Single-threaded: fiber_enter runs a fiber until it calls fiber_leave or its function returns. Known to
 * AddressSanitizer, which must be told of every change of stack.
 */
#ifndef FAIRLEAD_TESTS_SIM_PORT_SIM_FIBER_H
#define FAIRLEAD_TESTS_SIM_PORT_SIM_FIBER_H

#include <stdbool.h>
#include <stddef.h>

typedef void fiber_main(void *context);

struct fiber {
    void *stack;    /* kept from world to world */
    void *position; /* where it was left */
    void *shadow;   /* AddressSanitizer's */
    fiber_main *main;
    void *context;
    bool ended;
};

/* Makes the fiber ready to run `main` from its start. Its stack is allocated once. */
void fiber_start(struct fiber *fiber, fiber_main *main, void *context);

/* From the host's stack: runs the fiber until it leaves or ends. */
void fiber_enter(struct fiber *fiber);

/* From inside: back to where it was entered. */
void fiber_leave(void);

/* The fiber that runs now, or NULL on the host's stack. */
struct fiber *fiber_current(void);

#endif
