/*
 * listener: one [listener] section: its sockets, its limits, and who may come in.
 *
 * A client that a limit keeps out is reset and counted by reason; it never becomes a session.
 *
 * Threads: open and close on workers; accepted connections arrive on several workers at once.
 */
#ifndef FAIRLEAD_RELAY_LISTENER_H
#define FAIRLEAD_RELAY_LISTENER_H

#include "config/config.h"
#include "port/acceptor.h"
#include "relay/client_table.h"
#include "stats/counters.h"

struct relay;
struct upstream;

struct listener_socket {
    struct acceptor acceptor;
    struct listener *listener;
    struct listener_socket *next;
};

struct listener {
    struct relay *relay;
    const struct config_listener *config;
    struct upstream *upstream; /* NULL in echo */
    struct stats_scope *scope;
    struct client_table clients; /* sessions per address */
    struct listener_socket *sockets;
};

/* False: out of memory. */
bool listener_init(struct listener *listener, struct relay *relay, const struct config_listener *config,
                   struct upstream *upstream);

/* Binds one more address, without accepting yet. The results of acceptor_open; PORT_EXHAUSTED also for want of memory. */
enum port_status listener_bind(struct listener *listener, const struct address *address, uint32_t *os_code);

/* Registers the scope and begins to accept. */
void listener_start(struct listener *listener);

/* Stops accepting; its sessions go on. Each socket holds a reference of the relay until it is closed. */
void listener_close(struct listener *listener);

/* After the last session. */
void listener_destroy(struct listener *listener);

/* Handles are short: every socket of this listener pauses. */
void listener_pause(struct listener *listener);

/* Gives back what an admitted client took. Called by its session, at the end. */
void listener_release(struct listener *listener, const struct address *peer);

#endif
