/*
 * sim_history: N5: from one snapshot to the next no total goes backwards, and no counter of a scope that stays.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_HISTORY_H
#define FAIRLEAD_TESTS_SIM_SIM_HISTORY_H

#include "stats/snapshot.h"

void history_begin(void);
void history_check(const struct snapshot *snapshot);

#endif
