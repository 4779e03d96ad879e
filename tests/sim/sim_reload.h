/*
 * sim_reload: who asks for reloads, and what they find: the daemon's `read`, answered at once, later, slowly, well and badly.
 *
 * A ROUND is one reading of the file. It begins when the daemon calls reload_read and is over when somebody hears so: whoever asked,
 * or the host by `adopted`, or when the next one begins. While a configuration was given and its fate is not known, either setup
 * may be in force; otherwise it is sim_plan.setup, and generation, limits and sockets must be that one's (N1).
 *
 * What is checked here is N7: each request is answered once, on a worker, not inside the call, and by a reading that began after
 * it was asked; one reading at a time; what is bad is never applied, and after a stop nothing is. sim_listening.h has N1 and N2.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_RELOAD_H
#define FAIRLEAD_TESTS_SIM_SIM_RELOAD_H

#include "daemon.h"
#include "tests/sim/sim_change.h"

void reload_begin(void);

/* For daemon_options. */
void reload_read(void *context, struct daemon *daemon);
void reload_adopted(void *context, const struct config *config);

/* The daemon went into this state. */
void reload_state(enum daemon_state state);

/* After every step: asks when it is time to. */
void reload_act(void);

/* The world is over. */
void reload_end(void);

/* Nothing fails any more: nobody asks by himself from now on, and files are read quickly. */
void reload_calm(void);

/* One more reload, of this kind; somebody waits for the outcome. */
void reload_ask(enum change_kind kind);

/* Somebody waits for an answer, or the file is being read. */
bool reload_is_busy(void);

/* The setup that was given and may be in force already; NULL: sim_plan.setup is. */
const struct setup *reload_proposed(void);

/* The generation that is in force, or one less while reload_proposed is not NULL. */
uint64_t reload_generation(void);

/* So many steps have passed since the reading of this number began; 0 if it has not. */
uint64_t reload_steps_since(uint32_t reading);

/* When the last reading ended. */
uint64_t reload_answered_us(void);

/* When this listener was last in no setup in force: its numbers may have begun anew then. */
uint64_t reload_listener_absent_us(uint32_t name);
uint64_t reload_upstream_absent_us(uint32_t index);

/* How often each kind of change was applied and refused in this process. */
void reload_print(void);

/* Prints what is under way, for the line of a failure. */
void reload_explain(void);

#endif
