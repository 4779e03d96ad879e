/*
 * listener_socket: one address that is listened on. It outlives generations: a reload hands it from the listener of the old one to
 * that of the new one, and no client notices (SEMANTICS N2).
 *
 * WHICH ONE STAYS. An address asked for is served by the socket that was opened for just that address, whosever listener it was, so that a
 * listener may be renamed and an address may move from one to another. Where the system chose the port, the socket belongs to the
 * listener's name. No socket is given twice.
 *
 *   opened for a generation -> (commit) in the relay's list, accepting -> (commit without it, or relay_close) leaving -> closed, freed
 *
 * Threads and locks: `listener`, `asked`, `reserved` and `next` are guarded by relay->sockets_lock from the commit on, which may be
 * taken with a session's lock held, and has only an acceptor's and the wheel's inside, and that of the statistics.
 * Each socket holds a reference of the relay until it is closed.
 */
#ifndef FAIRLEAD_RELAY_LISTENER_SOCKET_H
#define FAIRLEAD_RELAY_LISTENER_SOCKET_H

#include "port/acceptor.h"

struct generation;
struct listener;
struct relay;

struct listener_socket {
    struct acceptor acceptor;
    struct relay *relay;
    struct listener *listener;     /* who serves its clients */
    struct generation *leaves;     /* with this one, which it holds; NULL: it stays, or ends with the relay */
    struct address asked;          /* as asked for; acceptor.address has the real port */
    struct listener *reserved;     /* of the generation that is being prepared, or NULL */
    struct address reserved_asked; /* by that one */
    struct listener_socket *next;  /* the relay's list, or those that leave together */
    struct listener_socket *next_opened; /* opened for the same generation */
};

/* Binds the address for a listener of a generation that is being prepared, or reserves the socket that is bound to it already. `*bound` is
 * what it listens on. The results of acceptor_open; PORT_EXHAUSTED also for want of memory. */
enum port_status listener_socket_bind(struct listener *listener, const struct address *address,
                                      struct address *bound, uint32_t *os_code);

/* The preparation is over without a commit: closes what was opened, gives back what was reserved. */
void listener_sockets_abandon(struct generation *generation);

/* With relay->sockets_lock held: what is reserved changes its owner, what was opened joins. Answers those that go, for
 * listener_sockets_close. The opened ones are held until listener_sockets_start. */
struct listener_socket *listener_sockets_swap(struct relay *relay, struct generation *generation);
void listener_sockets_start(struct generation *generation);
void listener_sockets_close(struct listener_socket *sockets);

/* Handles are short: every socket pauses. */
void listener_sockets_pause(struct relay *relay);

/* How the socket that keeps others from this address is called; NULL: it is none of ours. */
enum { LISTENER_SOCKET_HOLDER_BYTES = 256 };
const char *listener_socket_holder(struct generation *generation, const struct address *address,
                                   char text[LISTENER_SOCKET_HOLDER_BYTES]);

#endif
