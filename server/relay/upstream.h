/*
 * upstream: the servers that a proxy listener connects to, with their addresses kept fresh.
 *
 * In this version an upstream has one server with one or more addresses; attempts go over the addresses in the system's order,
 * and after each full round wait CONNECT_RETRY_US.
 *
 * Threads: workers. Sessions copy the address they try, so a look-up may replace the list at any time. upstream_close stops the
 * look-ups; the memory may be freed once the relay's last reference is gone.
 */
#ifndef FAIRLEAD_RELAY_UPSTREAM_H
#define FAIRLEAD_RELAY_UPSTREAM_H

#include "base/timer.h"
#include "config/config.h"
#include "port/port.h"
#include "stats/counters.h"

struct relay;
struct upstream;

struct server {
    struct upstream *upstream;
    const struct config_upstream_server *config;
    struct stats_scope *scope;
    struct lock lock; /* guards the addresses */
    bool looked_up;   /* the first look-up of the name has ended, well or not */
    uint32_t addresses_count;
    struct address addresses[RESOLVE_ADDRESSES_MAX];
    struct port_resolve resolve;
    struct timer resolve_timer;
    bool
        resolve_failing; /* said in the log once, until it works again; only the resolve's owner touches it */
};

struct upstream {
    struct relay *relay;
    const struct config_upstream *config;
    struct server server;
    uint32_t closing; /* atomic */
};

/* One session's way through the addresses of a server. */
struct attempt {
    struct server *server;
    uint32_t failures; /* so far */
    struct address address;
};

/* False: out of memory. Registers the server's scope. */
bool upstream_init(struct upstream *upstream, struct relay *relay, const struct config_upstream *config);

/* Begins the look-ups, if the server has a name. On a worker. */
void upstream_start(struct upstream *upstream);

/* Ends them. A look-up under way holds a reference of the relay. */
void upstream_close(struct upstream *upstream);

/* After the last session and look-up. Also right after a failed upstream_init. */
void upstream_destroy(struct upstream *upstream);

/* Reserves one of the server's sessions; false: its max_sessions is reached. upstream_release gives it back. */
bool upstream_reserve(struct upstream *upstream, struct attempt *attempt);
void upstream_release(struct attempt *attempt);

/* The address for the next try. NOT_YET: its name is being looked up for the first time, ask again soon. */
enum upstream_answer { UPSTREAM_ADDRESS, UPSTREAM_NOT_YET, UPSTREAM_NONE };
enum upstream_answer upstream_next_address(struct attempt *attempt);

/* Notes that a try failed. False: that was the last one. `*pause` tells that every address has had its turn. */
bool upstream_failed(struct attempt *attempt, enum port_status status, bool *pause);

#endif
