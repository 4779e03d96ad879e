/*
 * sim_host: the host of the daemon and the world around it: it hears of the states, stops it, answers names; farms come and go, clocks
 * leap, clients come.
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_HOST_H
#define FAIRLEAD_TESTS_SIM_SIM_HOST_H

#include "config/config.h"
#include "daemon.h"
#include "tests/sim/sim_setup.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_host {
    struct daemon *daemon;
    struct config *config;
    enum daemon_state state;
    uint32_t stops;
    uint32_t clients_to_come;
    bool stopped_early;
    uint64_t draining_us;
    uint64_t
        drain_min_ms; /* what the configuration in force then says; two values while a reload was about to change it */
    uint64_t drain_max_ms;
    uint64_t stopped_us;
    uint64_t stop_us[3];     /* when a stop was asked for; [0] is not used */
    uint64_t quiet_until_us; /* nobody asks for a reload before */
};
extern struct sim_host host;

/* For daemon_options. */
void host_changed(void *context, enum daemon_state state);

/* A new world: farms, names, clocks. After the plan was drawn. */
void host_begin(void);

/* Clients come from now on. */
void host_schedule_clients(void);

/* All farms listen: nothing fails any more. */
void host_raise_farms(void);

/* A client that does nothing, until the deadlines of the setup in force end it, and not earlier. Only in timed worlds. */
void host_send_sleeper(void);

/* A client that only a stop ends, or an idle timeout. */
void host_send_lingerer(void);

void host_stop(void);

/* After every step: stops and reloads that are due. */
void host_act(void);

/* A client that must be served well. */
void host_probe(const struct setup_listener *listener, const struct setup_listen *listen);

#endif
