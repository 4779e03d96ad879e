/*
 * upstream: the servers that a proxy listener connects to, with their addresses kept fresh.
 *
 * In this version an upstream has one server with one or more addresses; attempts go over the addresses in the system's order,
 * and after each full round wait CONNECT_RETRY_US.
 *
 * Threads: workers. Sessions copy the address they try, so a look-up may replace the list at any time. upstream_close stops the
 * look-ups, each of which holds a reference of the generation; it may come while upstream_start runs, or before.
 */
#ifndef FAIRLEAD_RELAY_UPSTREAM_H
#define FAIRLEAD_RELAY_UPSTREAM_H

#include "base/timer.h"
#include "config/config.h"
#include "port/port.h"
#include "relay/ledger.h"
#include "stats/counters.h"

struct generation;
struct relay;
struct upstream;

struct server {
    struct upstream *upstream;
    const struct config_upstream_server *config;
    struct ledger *ledger;
    struct stats_scope *scope; /* the ledger's */
    struct lock lock;          /* guards what follows; the wheel's and that of the statistics inside */
    bool closing;
    bool looked_up; /* the first look-up of the name has ended, well or not */
    uint32_t addresses_count;
    struct address addresses[RESOLVE_ADDRESSES_MAX];
    struct port_resolve resolve;
    struct timer resolve_timer;
};

struct upstream {
    struct relay *relay;
    struct generation *generation;
    const struct config_upstream *config;
    struct server server;
};

/* One session's way through the addresses of a server. */
struct attempt {
    struct server *server;
    uint32_t failures; /* so far */
    struct address address;
};

/* False: out of memory. */
bool upstream_init(struct upstream *upstream, struct generation *generation,
                   const struct config_upstream *config);
void upstream_destroy(struct upstream *upstream);

/* What the statistics have to know of its server. */
void upstream_list(const struct upstream *upstream, struct stats_listing *listing);

/* If the server is the same as that of `from`, its addresses need not be waited for. Before upstream_start. */
void upstream_inherit(struct upstream *upstream, struct upstream *from);

/* Begins the look-ups, if the server has a name. On a worker. */
void upstream_start(struct upstream *upstream);

/* Ends them. */
void upstream_close(struct upstream *upstream);

/* Reserves one of the server's sessions; false: its max_sessions is reached. upstream_release gives it back. */
bool upstream_reserve(struct upstream *upstream, struct attempt *attempt);
void upstream_release(struct attempt *attempt);

/* The address for the next try. NOT_YET: its name is being looked up for the first time, ask again soon. */
enum upstream_answer { UPSTREAM_ADDRESS, UPSTREAM_NOT_YET, UPSTREAM_NONE };
enum upstream_answer upstream_next_address(struct attempt *attempt);

/* The session is connected; or it was the server's fault that it could not be. Log and Event Log hear of each change, and of no more
 * than one in LOG_INTERVAL_US. */
void upstream_reached(const struct attempt *attempt);
void upstream_gave_up(const struct attempt *attempt, enum port_status status, uint32_t os_code);

/* Notes that a try failed. False: that was the last one. `*pause` tells that every address has had its turn. */
bool upstream_failed(struct attempt *attempt, enum port_status status, bool *pause);

#endif
