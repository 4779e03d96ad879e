/*
 * sim_admin: readers of the statistics: HTTP clients in the simulated network, well behaved and not. What they read must be
 * a whole and true answer (I4 and I11 as a user sees them).
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_ADMIN_H
#define FAIRLEAD_TESTS_SIM_SIM_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

void admin_clients_begin(void);

/* One that comes after `delay_us`; `well_behaved` ones must be answered well while nothing fails. */
void admin_client_add(uint64_t delay_us, bool well_behaved);

uint32_t admin_clients_active(void);
void admin_clients_nudge(void);

#endif
