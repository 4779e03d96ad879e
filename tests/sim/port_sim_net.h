/*
 * port_sim_net: the simulated network, as the kernels at both of its ends see it.
 *
 * A connection has two ends and two flows, one per direction. A flow holds what was written and not read yet: first
 * the sender's buffer (written, not delivered), then the receiver's (delivered, not read). Bytes travel from one to
 * the other by events of random delay, in order. FIN follows the last byte. A reset discards what was not delivered
 * and, where the receiver's system does so, what was not read.
 *
 * An end belongs to a user, told by `user`: either a socket of the port (port_sim_socket.c) or a peer of a scenario
 * (sim_peer.c). Both use the functions below; nothing here knows port.h. `notify` tells the user that something
 * changed on its end: it may read or write more, or the connection is broken. It is called from an event and must
 * not block.
 *
 * Closing an end is what a kernel does with a closed handle: what was written still goes out, then FIN; data that was
 * not read, or that arrives later, is answered by a reset (SEMANTICS S3).
 */
#ifndef FAIRLEAD_TESTS_SIM_PORT_SIM_NET_H
#define FAIRLEAD_TESTS_SIM_PORT_SIM_NET_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_end;
struct net_listener;

/* What a user hears of its end. */
typedef void net_notify(void *user, struct net_end *end);

/* What a listener's user hears: there is a connection to take. */
typedef void net_arrived(void *user, struct net_listener *listener);

/* What came of a connect. `end` is NULL unless it is NET_OK. */
enum net_result { NET_OK, NET_REFUSED, NET_TIMEOUT, NET_UNREACHABLE };
typedef void net_connected(void *user, enum net_result result, struct net_end *end);

struct net_flow {
    struct net_end *from;
    struct net_end *to;
    uint8_t *ring;
    uint32_t ring_bytes; /* send_bytes + receive_bytes */
    uint32_t send_bytes;
    uint32_t receive_bytes;
    uint64_t written;
    uint64_t delivered;
    uint64_t read;
    bool fin_written;
    bool fin_delivered;
    bool fin_lost;  /* a reset came before it was read */
    bool moving;    /* a segment's event is under way */
    uint64_t taken; /* by the receiver; `read` counts what a reset threw away too */
    uint64_t lost;  /* bytes that a reset threw away */
};

enum net_state {
    NET_OPEN,   /* its user has it */
    NET_ORPHAN, /* closed by its user; what was written still goes out */
    NET_DEAD    /* broken by a reset, from here or from there */
};

struct net_end {
    uint32_t id;
    enum net_state state;
    bool reset_received; /* the peer or the network broke it */
    bool silent;         /* nothing arrives any more, in either direction */
    bool closed;         /* the user is gone, in whatever state */
    struct net_end *peer;
    struct net_flow *in;
    struct net_flow *out;
    struct address local;
    struct address remote;
    net_notify *notify;
    void *user;
    struct net_end *next; /* a listener's queue */
};

struct net_listener {
    struct address address;
    bool dual_stack;
    bool open;
    uint32_t backlog;
    uint32_t queued;
    struct net_end *first;
    struct net_end *last;
    net_arrived *arrived;
    void *user;
    struct net_listener *next;
};

/* One attempt to connect. Lives in the arena. */
struct net_attempt {
    struct address from;
    struct address to;
    net_connected *connected;
    void *user;
    bool given_up; /* the user does not want it any more: nothing is reported */
    bool done;
    struct net_end *end; /* made when the SYN arrived, before the answer is back */
};

/* A new world has an empty network. */
void net_begin(void);

/* NULL: the address is taken. Port 0 takes a free one. */
struct net_listener *net_listen(const struct address *address, uint32_t backlog, net_arrived *arrived,
                                void *user);
bool net_address_taken(const struct address *address);

/* No more connections; those that nobody took are reset. */
void net_listener_close(struct net_listener *listener);

/* The oldest connection that nobody took yet, or NULL. The caller sets notify and user. */
struct net_end *net_accept(struct net_listener *listener);

/* `from` may have port 0. `connected` is called later, once, unless the attempt is given up. */
struct net_attempt *net_connect(const struct address *from, const struct address *to,
                                net_connected *connected, void *user);
void net_give_up(struct net_attempt *attempt);

/* What can be read now; 0 when nothing can. */
uint32_t net_readable(const struct net_end *end);

/* All was read and the peer has sent FIN. */
bool net_at_end(const struct net_end *end);

/* What can be written now. */
uint32_t net_writable(const struct net_end *end);

/* Answer how many bytes were moved. */
uint32_t net_read(struct net_end *end, void *buffer, uint32_t bytes);
uint32_t net_write(struct net_end *end, const void *data, uint32_t bytes);

/* FIN after all that was written. */
void net_shutdown(struct net_end *end);

/* The user goes. */
void net_close(struct net_end *end);

/* Breaks the connection from this end: RST to the peer. The user still has to close. */
void net_reset(struct net_end *end);

/* The path is gone: nothing arrives at either end any more. */
void net_silence(struct net_end *end);

/* Ends that have a user. */
uint32_t net_open_ends(void);

#endif
