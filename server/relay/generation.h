/*
 * generation: one configuration with its listeners and upstreams, from its preparation to the end of its last session.
 *
 * A reload makes a new generation the current one. Sessions keep pointing at the listener of the generation they began with, and with it
 * at its timeouts, limits and servers; so an old one lives until its last session has ended, and then is gone with its
 * configuration (SEMANTICS N3, N4). Sockets are not part of it (listener_socket.h), nor are the numbers (ledger.h).
 *
 * REFERENCES. One belongs to whoever made it: it becomes the relay's when the generation comes into force, and is given back
 * with generation_release. All others (each session, each look-up or armed timer of one, whoever works with it) come from generation_hold
 * and hold the relay too, so that a generation in use keeps what it needs. The last one frees it.
 *
 * Threads: any; the fields never change once it is in force.
 */
#ifndef FAIRLEAD_RELAY_GENERATION_H
#define FAIRLEAD_RELAY_GENERATION_H

#include "config/config.h"
#include "stats/counters.h"

struct listener;
struct listener_socket;
struct relay;
struct upstream;

struct generation {
    struct relay *relay;
    struct config *config; /* its own */
    uint64_t number;       /* 0 until it comes into force */
    uint32_t references;   /* atomic */
    struct listener *listeners;
    size_t listeners_count;
    struct upstream *upstreams;
    size_t upstreams_count;
    struct stats_listing *listings; /* listeners, then servers */
    struct listener_socket *opened; /* bound for it, not accepting yet */
    struct listener_socket **opened_end;
};

/* Takes over `config` in any case. NULL: out of memory. */
struct generation *generation_create(struct relay *relay, struct config *config);
void generation_release(struct generation *generation);

void generation_hold(struct generation *generation);
void generation_drop(struct generation *generation);

/* It comes into force: its numbers become part of the statistics, those of `old` that it does not have are marked as removed. */
void generation_publish(struct generation *generation, uint64_t number);

/* Servers of the same name and address take over what `old` found out about theirs. NULL is allowed. */
void generation_inherit(struct generation *generation, struct generation *old);

#endif
