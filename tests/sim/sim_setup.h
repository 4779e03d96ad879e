/*
 * sim_setup: what one server.ini says, as numbers: drawn from the seed, changed for a reload, written as text for the real parser.
 *
 * A world has one setup at its start. Reloads bring others (sim_change.h). Listeners are "l0", "l1" ..., their addresses
 * 127.0.0.1:7000 and up; upstreams are "u0" and "u1", each with a server "s0" or "s1" that is one of the world's farms (sim_plan.h).
 */
#ifndef FAIRLEAD_TESTS_SIM_SIM_SETUP_H
#define FAIRLEAD_TESTS_SIM_SIM_SETUP_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SETUP_LISTENERS_MAX = 4,
    SETUP_LISTENS_MAX = 2, /* addresses of one listener */
    SETUP_UPSTREAMS_MAX = 2,
    SETUP_PORT = 7000, /* the first address */
    SETUP_PLACES = 6,  /* so many addresses, from that one on */
    SETUP_NAMES = 6,   /* so many names of listeners */
    SETUP_STATS_PORT = 8404,
    SETUP_TAKEN_PORT = 9100, /* somebody else listens there, at the first address of the first farm */
    SETUP_TOKENS = 3,
    SETUP_TEXT_BYTES = 4096
};

#define SETUP_TOKEN "the-secret-of-number-"

/* One `listen=`. At most one of a setup has port 0: the system chooses. */
struct setup_listen {
    struct address address;
    bool named;   /* written as a host name */
    bool unknown; /* as a name that nobody knows */
};

struct setup_listener {
    uint32_t name;
    bool echo;
    uint32_t upstream; /* index */
    uint32_t listens_count;
    struct setup_listen listens[SETUP_LISTENS_MAX];
    uint32_t sessions_max;
    uint32_t sessions_per_ip_max;
    uint32_t idle_timeout_ms;
    uint32_t half_close_timeout_ms;
    uint32_t lifetime_ms;
};

struct setup_upstream {
    uint32_t farm;
    bool named;
    uint32_t sessions_max;
    uint32_t connect_timeout_ms;
    uint32_t retries;
    uint32_t resolve_interval_ms;
};

struct setup {
    uint32_t workers;
    uint32_t buffer_bytes;
    uint32_t sessions_max;
    uint32_t drain_timeout_ms;
    bool admin;     /* the statistics are served */
    uint32_t token; /* of the statistics: this number is in its text; 0 = none */
    uint32_t listeners_count;
    struct setup_listener listeners[SETUP_LISTENERS_MAX];
    uint32_t upstreams_count;
    struct setup_upstream upstreams[SETUP_UPSTREAMS_MAX];
};

/* 127.0.0.`last` at `port`. */
struct address setup_loopback(uint8_t last, uint16_t port);

/* The address of number `place`, below SETUP_PLACES. */
struct address setup_place(uint32_t place);

/* Draws one listener or upstream as the scenario allows; name, addresses and farm are the caller's. */
void setup_draw_listener(struct setup_listener *listener);
void setup_draw_upstream(struct setup_upstream *upstream);

/* Draws how long its sessions may live, and how many there may be. */
void setup_draw_times(struct setup_listener *listener);
void setup_draw_limits(struct setup_listener *listener);

/* Writes it as a server.ini; answers the length. */
size_t setup_write(const struct setup *setup, char text[SETUP_TEXT_BYTES]);

struct config;

/* The value that the real parser makes of it. Memory of its own accounting: nothing fails, and nothing counts as fallible. */
struct config *setup_parse(const struct setup *setup);

/* The listener whose port the system chooses, or NULL. */
const struct setup_listener *setup_at_any_port(const struct setup *setup);

/* The listener that has the address, or NULL. */
const struct setup_listener *setup_at(const struct setup *setup, const struct address *address);

/* The listener of that name, or NULL. */
struct setup_listener *setup_named(struct setup *setup, uint32_t name);
const struct setup_listener *setup_find(const struct setup *setup, uint32_t name);

/* What its clients talk to: the number of the farm, whatever that means for an echo listener. */
uint32_t setup_farm(const struct setup *setup, const struct setup_listener *listener);

#endif
