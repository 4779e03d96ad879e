/*
 * sim_run: one world from its seed to its end.
 *
 *   start    the daemon starts: all bound, or nothing
 *   chaos    clients come, things fail, perhaps it is stopped
 *   calm     nothing fails any more: every session must end within its deadlines (I8)
 *   probe    one more client at every listener must be served well
 *   stop     it stops within the drain deadline; nothing is left (I7)
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_RUN_H
#define FAIRLEAD_TESTS_SIM_SIM_RUN_H

#include "tests/sim/sim_plan.h"

struct sim_outcome {
    uint64_t hash;
    uint64_t steps;
    uint64_t allocations; /* fallible ones, from daemon_start on until nothing fails any more */
    uint64_t submissions;
    uint64_t time_us;
    enum sim_scenario scenario;
};

struct sim_failing {
    uint64_t allocation; /* the Nth fails; 0 = none */
    uint64_t submission;
};

/* Ends the process when an invariant does not hold. `scenario` SCENARIO_COUNT: the seed chooses. */
void sim_run(uint64_t seed, enum sim_scenario scenario, const struct sim_failing *failing,
             struct sim_outcome *outcome);

#endif
