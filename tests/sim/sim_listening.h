/*
 * sim_listening: what the kernel listens on, against what the configuration says (N1, N2): each address that the setup in force has,
 * and the proposed one too, has one listening socket at every step, and always the same one; no other address has any.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_LISTENING_H
#define FAIRLEAD_TESTS_SIM_SIM_LISTENING_H

#include "base/address.h"

void listening_begin(void);

/* After every step while it serves. */
void listening_check(void);

/* The address whose port the system chose. */
struct address listening_chosen_address(void);

/* Nothing is under way: the sockets are exactly those of the setup in force. */
void listening_check_exactly(void);

#endif
