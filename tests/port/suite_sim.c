/*
 * The simulator's side of the suite: the main thread takes the world's steps while it waits. Each variant is another
 * seed, with other delays, other interruptions and another number of workers; what the contract leaves open (parts of a
 * receive, results at once or later, slow cancellations) is drawn, and nothing fails that a test does not cause.
 */
#include "tests/port/port_suite.h"

#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_memory.h"
#include "tests/sim/port_sim_world.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEEDS_DEFAULT = 12 };

static uint32_t seeds = SEEDS_DEFAULT;
static uint32_t first_seed;

void suite_begin(int argc, char **argv)
{
    sim_catch_crashes();
    if (argc > 1) {
        seeds = (uint32_t)strtoul(argv[1], NULL, 10);
    }
    if (argc > 2) {
        first_seed = (uint32_t)strtoul(argv[2], NULL, 10);
    }
    sim_begin(first_seed);
    sim_faults_none();
    sim_memory_begin();
    sim_port_begin();
}

static void draw_what_is_open(void)
{
    static const enum sim_fault allowed[] = {SIM_FAULT_SLOW_COMPLETION, SIM_FAULT_SLOW_NETWORK,
                                             SIM_FAULT_SLOW_WORKER,     SIM_FAULT_PREEMPT,
                                             SIM_FAULT_CANCEL_SLOW,     SIM_FAULT_PARTIAL_RECEIVE};
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        sim_faults.rates[allowed[i]] = sim_below(2) == 0 ? 0 : sim_below(16384);
    }
    sim_faults.rates[SIM_FAULT_IMMEDIATE] = sim_below(3) * 32768;
    sim_faults.buffer_max_bytes = 1U << sim_between(12, 16);
}

bool suite_variant(uint32_t index, const char **name, uint32_t *workers)
{
    static char text[64];
    static const uint32_t counts[] = {1, 2, 4};
    if (index >= seeds) {
        return false;
    }
    sim_begin(first_seed + index);
    sim.scenario = "port_suite";
    sim_faults_none();
    sim_faults.buffer_min_bytes = 4096; /* tests send some thousand bytes before anybody reads */
    if (first_seed + index > 0) {
        draw_what_is_open();
    }
    sim_memory_begin();
    sim_port_begin();
    *workers = counts[index % 3];
    snprintf(text, sizeof text, "simulator, seed %u, %u workers", first_seed + index, *workers);
    *name = text;
    return true;
}

bool suite_wait_until(suite_condition *condition, void *context)
{
    enum { DEADLINE_US = 60 * 1000 * 1000 };
    uint64_t deadline_us = sim.now_us + DEADLINE_US;
    while (!condition(context)) {
        if (sim.now_us > deadline_us || !sim_step()) {
            return condition(context);
        }
    }
    return true;
}

void suite_notify(void)
{
    /* Nothing to do: the waiting thread looks after every step. */
}

void suite_threads(uint32_t count, suite_body *body, void *context)
{
    for (uint32_t i = 0; i < count; i++) {
        body(context, i);
        for (uint32_t steps = sim_below(4); steps > 0; steps--) {
            sim_step();
        }
    }
}

bool suite_fact(enum suite_fact fact)
{
    (void)fact;
    return true;
}

int suite_run_backend(void)
{
    return 0;
}
