/*
 * listener: one [listener] section of one generation: its limits, and who may come in.
 *
 * A client that a limit keeps out is reset and counted by reason; it never becomes a session.
 *
 * Threads: accepted connections arrive on several workers at once; nothing changes once the generation is in force.
 */
#ifndef FAIRLEAD_RELAY_LISTENER_H
#define FAIRLEAD_RELAY_LISTENER_H

#include "config/config.h"
#include "port/port.h"
#include "relay/ledger.h"
#include "stats/counters.h"

struct generation;
struct relay;
struct upstream;

struct listener {
    struct relay *relay;
    struct generation *generation;
    const struct config_listener *config;
    struct upstream *upstream; /* NULL in echo */
    struct ledger *ledger;
    struct stats_scope *scope; /* the ledger's */
    uint32_t addresses_count;
    struct address addresses[STATS_ADDRESSES_MAX]; /* what it listens on; more are not shown */
};

/* False: out of memory. */
bool listener_init(struct listener *listener, struct generation *generation,
                   const struct config_listener *config, struct upstream *upstream);
void listener_destroy(struct listener *listener);

/* "echo" or "proxy" */
const char *listener_mode(const struct listener *listener);

/* What the statistics have to know of it. */
void listener_list(const struct listener *listener, struct stats_listing *listing);

/* One more address, without accepting yet. The results of listener_socket_bind. */
enum port_status listener_bind(struct listener *listener, const struct address *address, uint32_t *os_code);

/* A client. True: it became a session, which took over the caller's reference of the generation. */
bool listener_accept(struct listener *listener, struct port_socket *socket, const struct address *peer);

/* Gives back what an admitted client took. Called by its session, at the end. */
void listener_release(struct listener *listener, const struct address *peer);

#endif
