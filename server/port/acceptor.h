/*
 * acceptor: keeps accepts posted on one listening socket, whatever happens to single ones.
 *
 * Portable code on top of port.h, used by the traffic listeners and by the statistics endpoint. It holds
 * ACCEPTS_POSTED operations. An accept that failed because that client is gone is posted again at once; one that
 * failed for want of handles or memory pauses the acceptor (ACCEPT_PAUSE_US and up) and is logged once per interval:
 * meanwhile clients wait in the kernel's backlog, and no processor time is spent (SEMANTICS S13, S14).
 *
 * Threads: open and close on any thread. `accepted` runs on workers, several at once. It gets the socket to move
 * (port_socket_move) or to close, and the client's addresses, v4-mapped ones unmapped; what it leaves in `socket` is reset. It may still
 * run while the acceptor closes, for clients that came before.
 * `closed` runs once, on a worker or inside acceptor_close when nothing was in flight, after the last callback; then
 * the memory may be freed.
 */
#ifndef FAIRLEAD_PORT_ACCEPTOR_H
#define FAIRLEAD_PORT_ACCEPTOR_H

#include "base/log.h"
#include "base/timer.h"
#include "port/port.h"

struct acceptor;
typedef void acceptor_accepted(struct acceptor *acceptor, struct port_socket *socket,
                               const struct address *peer, const struct address *local);
typedef void acceptor_closed(struct acceptor *acceptor);

struct acceptor_slot {
    struct port_accept accept;
    struct acceptor *acceptor;
    bool idle; /* waits for the pause to end; guarded by the lock */
};

struct acceptor {
    struct port *port;
    struct timer_wheel *wheel;
    acceptor_accepted *accepted;
    acceptor_closed *closed;
    struct port_socket socket;
    struct address address; /* what it listens on, with the real port */
    struct lock lock;
    bool closing;
    bool paused;
    uint32_t references; /* atomic: slots in flight or in a callback, the armed timer, the owner */
    uint64_t pause_us;
    struct timer resume;
    struct log_limit log_limit;
    struct acceptor_slot slots[ACCEPTS_POSTED];
};

struct acceptor_options {
    struct port *port;
    struct timer_wheel *wheel;
    acceptor_accepted *accepted;
    acceptor_closed *closed;
};

/* Binds and listens, without accepting yet, so that everything can be bound before anything is served. The results of
 * port_listen. On failure nothing is left to close. */
enum port_status acceptor_open(struct acceptor *acceptor, const struct acceptor_options *options,
                               const struct address *address, uint32_t *os_code);

/* Begins to accept. On a worker. Where acceptor_close may come meanwhile, the caller holds it. */
void acceptor_start(struct acceptor *acceptor);

/* Keeps `closed` away; acceptor_drop gives it back, and may run `closed` inside. Any thread. */
void acceptor_hold(struct acceptor *acceptor);
void acceptor_drop(struct acceptor *acceptor);

/* No more accepts until ACCEPT_PAUSE_US and more have passed: somebody above has run out of handles. Accepts already
 * posted may still complete. Any worker. */
void acceptor_pause(struct acceptor *acceptor);

/* Stops listening. `closed` follows. Once. */
void acceptor_close(struct acceptor *acceptor);

#endif
