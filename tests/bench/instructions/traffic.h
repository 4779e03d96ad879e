/*
 * traffic: the clients of a counted world, and the echo behind its proxy. They live in the simulated network (port_sim_net.h), verify every
 * byte, and end the world with TRAFFIC when one is wrong or missing.
 *
 * Closed loop: each of `connections` clients waits for the whole answer before it goes on. All of one world do the same. Single-threaded, one
 * traffic per process:
 *
 *   traffic_begin -> sim_step ... until traffic_is_over
 */
#ifndef FAIRLEAD_TESTS_BENCH_INSTRUCTIONS_TRAFFIC_H
#define FAIRLEAD_TESTS_BENCH_INSTRUCTIONS_TRAFFIC_H

#include "base/address.h"

#include <stdbool.h>
#include <stdint.h>

enum traffic_kind {
    TRAFFIC_PINGPONG, /* connects once, then sends a message and waits for it, again */
    TRAFFIC_CHURN,    /* connects, one message and its answer, closes, again */
    TRAFFIC_ACCEPT,   /* connects and leaves that connection open, again */
    TRAFFIC_IDLE      /* connects, one message and its answer, then says no more */
};

enum { TRAFFIC_BYTES_MAX = 16 * 1024, TRAFFIC_CONNECTIONS_MAX = 64 };

struct traffic_plan {
    enum traffic_kind kind;
    uint32_t
        connections; /* at a time, at most TRAFFIC_CONNECTIONS_MAX; of TRAFFIC_ACCEPT: connects at a time */
    uint32_t bytes;  /* of one message, at most TRAFFIC_BYTES_MAX */
    uint32_t rounds; /* of each client: messages, or connections; 1 in TRAFFIC_IDLE */
};

/* Whoever connects to the address gets back what it sends, and FIN for FIN. Before the daemon starts. */
void traffic_serve(const struct address *address);

/* The clients connect to the address. */
void traffic_begin(const struct traffic_plan *plan, const struct address *address);

/* All rounds of all clients are over. What the server does after the last byte may still be under way. */
bool traffic_is_over(void);

/* Round trips that were verified, and connections that were made. */
uint64_t traffic_messages(void);
uint64_t traffic_connections(void);

#endif
