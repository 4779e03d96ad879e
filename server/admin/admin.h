/*
 * admin: the statistics over HTTP/1.1 (RFC 9112), served by the workers of the same port as the traffic.
 *
 * It has a listening socket, a connection limit and deadlines of its own (base/limits.h), so that traffic cannot
 * starve it and it cannot starve the traffic. Routes are fixed; there is no file system behind them. Clients beyond
 * ADMIN_CONNECTIONS_MAX are reset.
 *
 * Threads: open on any thread, start and close on a worker (they arm timers; close may come without a start). `closed`
 * runs once, on a worker or inside admin_close, after the last connection is gone; then admin_free.
 *
 *   admin_open -> admin_start -> admin_close -> closed -> admin_free
 */
#ifndef FAIRLEAD_ADMIN_ADMIN_H
#define FAIRLEAD_ADMIN_ADMIN_H

#include "base/reload.h"
#include "base/timer.h"
#include "port/port.h"
#include "stats/counters.h"

struct admin;
typedef void admin_closed(void *context);

struct admin_options {
    struct port *port;
    struct timer_wheel *wheel;
    struct stats *stats;
    const char *token;    /* NULL = none; copied */
    reload_asker *reload; /* for POST /reload; NULL: always refused */
    void *reload_context;
    admin_closed *closed;
    void *closed_context;
};

/* Binds, without serving yet. On failure `*admin` is NULL and the status is that of port_listen, or PORT_EXHAUSTED for
 * want of memory. */
enum port_status admin_open(struct admin **admin, const struct admin_options *options,
                            const struct address *address, uint32_t *os_code);

void admin_start(struct admin *admin);

/* Another token, or none, which counts from the next request on; copied. Any thread, until admin_free. */
void admin_set_token(struct admin *admin, const char *token);

/* The address it listens on, with the real port. */
void admin_address(const struct admin *admin, struct address *address);

/* Stops listening, closes idle connections at once and the others when their answer was sent, within ADMIN_CLOSE_US. Once. */
void admin_close(struct admin *admin);

/* After `closed`. NULL is allowed. */
void admin_free(struct admin *admin);

#endif
