/*
 * sim_check: the invariants that are about the server as a whole: its counters, its limits, its work.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_CHECK_H
#define FAIRLEAD_TESTS_SIM_SIM_CHECK_H

#include "stats/counters.h"

/* From now on this is looked at after every event; NULL ends that. */
void check_watch(struct stats *stats);

/* sim.check: I4, I5, I6 and I11, cheap parts at every step, the others now and then. */
void check_step(void);

/* The sessions are being cut: from now on they have only the time that closing takes (N7). */
void check_cut(void);

/* No session is left: I4 and I5 hold exactly. */
void check_settled(void);

/* Everything is over: I9, and in a clean world that all was perfect. */
void check_end(void);

/* Sessions that are active now. */
uint32_t check_active(void);

/* N4 */
bool check_one_generation(void);
uint32_t check_generations(void);

uint64_t check_total(enum stats_scope_kind kind, enum stats_counter first, enum stats_counter end);

#endif
