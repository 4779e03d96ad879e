/*
 * endpoints: the addresses behind the `listen` lines, with host names looked up.
 *
 * All names are looked up at the same time, without blocking a worker. Literal addresses are there at once.
 *
 * Ownership: the caller embeds struct endpoints, and frees it with endpoints_free once `done` ran. Threads: endpoints_resolve on
 * a worker; `done` runs once, on a worker, never inside endpoints_resolve.
 */
#ifndef FAIRLEAD_ENDPOINTS_H
#define FAIRLEAD_ENDPOINTS_H

#include "config/config.h"
#include "port/port.h"

struct endpoints;
typedef void endpoints_done(struct endpoints *endpoints);

enum { ENDPOINT_OF_STATS = -1 };

struct endpoint {
    struct endpoints *all;
    const struct config_endpoint *config;
    int listener;                /* index into config->listeners, or ENDPOINT_OF_STATS */
    struct port_resolve resolve; /* its status, count and addresses are the result, also for literals */
};

struct endpoints {
    struct port *port;
    struct endpoint *items;
    size_t count;
    uint32_t pending; /* atomic */
    struct port_op finished;
    endpoints_done *done;
};

/* Collects the endpoints of all listeners, then, if asked for, that of the statistics. False: out of memory. */
bool endpoints_init(struct endpoints *endpoints, struct port *port, const struct config *config,
                    bool with_stats, endpoints_done *done);

void endpoints_resolve(struct endpoints *endpoints);
void endpoints_free(struct endpoints *endpoints);

#endif
