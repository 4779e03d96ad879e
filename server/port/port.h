/*
 * port: the seam between Fairlead and an operating system.
 *
 * Everything above submits operations on sockets here; each completes exactly once, on a worker. A backend is one
 * implementation of this header, chosen by linking: port_iocp.c (Windows I/O completion ports) and
 * tests/sim/port_sim.c (a deterministic simulator). tests/port/ is the contract as a test suite; it runs on both.
 * Nothing above interprets an error number of an operating system.
 *
 * OPERATIONS. A struct port_op is embedded in its owner and never lives on a stack. The owner sets `done` once
 * (port_op_init) and submits it; when the worker calls done(op), the results are in the op: `status`, `bytes`,
 * `os_code` (the raw code, for the log only). The rules:
 *   - Every submission completes exactly once, through `done`, on a worker of the port, and NEVER inside the
 *     submitting call: immediate success, immediate failure and cancellation arrive the same way. Submissions
 *     therefore return nothing, and may be made while holding a lock.
 *   - Between submission and `done` the port owns the op and its buffer: nobody frees, reuses or edits them. In `done`
 *     the op is the owner's again and may be resubmitted or freed at once.
 *   - An operation that finished at once joins the end of its worker's ready list; a worker runs what was ready at
 *     the start of a round before it runs what the round itself made ready. No connection is served twice before
 *     every other ready one of its worker was served once, but for those that the worker leaves to others: they wait for
 *     two rounds at most.
 *   - Submissions may come from any thread, a worker or not.
 *
 * SOCKETS. A struct port_socket is embedded in its owner too. It is empty (all zero) until port_listen, port_open or an accept fills
 * it, and it counts what is in flight on it. At most one receive-like (port_receive, port_wait_readable) and one
 * send-like (port_send, port_connect) operation is in flight at a time; a listening socket takes several accepts.
 *   - port_close may be called at any time, from any thread, more than once. What is in flight completes, as PORT_CANCELLED
 *     or with the result it had already got; what is submitted later completes as PORT_CANCELLED. The handle of the
 *     operating system is closed only after the last completion was dequeued, so it is never reused under an operation.
 *   - The memory of a socket may be freed or reused when it is closed, none of its operations is in flight (the
 *     last `done` counts as not in flight), and no call on it is running.
 *
 * TIME is port_now_us: monotonic, for everything that measures or decides. THREADS: workers run `done` and the tick;
 * `done` must not block.
 *
 *   port_create -> sockets and operations ... -> every socket closed, every operation done -> port_destroy
 *
 * Datagrams join here as operations of the same kind (port_receive_from, port_send_to on a socket from port_bind)
 * with the UDP listener; struct port_op leaves them room and PORT_TOO_BIG its status.
 */
#ifndef FAIRLEAD_PORT_PORT_H
#define FAIRLEAD_PORT_PORT_H

#include "base/address.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum port_status {
    PORT_OK,          /* done; for receive: at least 1 byte; for send: at least 1 byte, see port_send */
    PORT_END,         /* receive: the peer sent FIN, no more bytes will come */
    PORT_CANCELLED,   /* by port_close, port_reset or port_cancel_receive */
    PORT_RESET,       /* the peer or the network broke the connection (RST, abort, keepalive) */
    PORT_REFUSED,     /* connect: nobody listens there */
    PORT_TIMEOUT,     /* connect, established connection or name: no answer in the system's time */
    PORT_UNREACHABLE, /* no route to the network or host, or it is down */
    PORT_EXHAUSTED,   /* out of handles, buffers, memory or local ports: try again later */
    PORT_IN_USE,      /* listen: the address is taken */
    PORT_DENIED,      /* the system forbids it (privileges, reserved range, firewall) */
    PORT_NO_ADDRESS,  /* listen: no interface has this address; connect: the address cannot be used */
    PORT_NOT_FOUND,   /* resolve: no such name, or it has no address */
    PORT_TOO_BIG,     /* datagram: longer than the buffer or than can be sent */
    PORT_FAILED       /* anything else; os_code tells */
};

/* A short phrase for people: "connection refused". Never NULL. */
const char *port_status_text(enum port_status status);

/* "connection refused (os error 1225)" into `text`; returns it. */
const char *port_status_describe(enum port_status status, uint32_t os_code, char *text, size_t text_bytes);

struct port;
struct port_op;
struct port_socket;

typedef void port_done(struct port_op *op);

enum { PORT_OP_WORDS = 6, PORT_SOCKET_WORDS = 3 };

struct port_op {
    port_done *done;         /* the owner's, set by port_op_init */
    enum port_status status; /* results, valid in `done` */
    uint32_t bytes;
    uint32_t os_code;
    uint32_t phase;                  /* from here on: the backend's */
    struct port_socket *socket;      /* what it was submitted on, NULL for posts and names */
    struct port_op *next;            /* ready list */
    uint64_t backend[PORT_OP_WORDS]; /* an OVERLAPPED and more; its size is asserted where it is used */
};

struct port_socket {
    struct port *port; /* NULL while empty */
    uint64_t handle;
    uint32_t state; /* atomic: closing flag and the number in flight */
    uint32_t flags;
    uint64_t backend[PORT_SOCKET_WORDS];
};

/* Zeroes the op and sets its `done`. Once per owner; not while in flight. */
void port_op_init(struct port_op *op, port_done *done);

/* --- the port and its workers --------------------------------------------------------------------------- */

#define PORT_NEVER UINT64_MAX
#define PORT_NOT_A_WORKER UINT32_MAX

/* Called by workers between rounds and before they sleep, possibly by several at once: does what is due and answers
 * when it wants to be called again (port_now_us time, PORT_NEVER for no time). Whatever a worker's own `done`
 * functions armed is therefore seen before that worker sleeps; other threads use port_post. */
typedef uint64_t port_tick(void *context, uint64_t now_us);

struct port_options {
    uint32_t workers; /* 1 to WORKERS_MAX */
    port_tick *tick;  /* may be NULL */
    void *tick_context;
};

/* Creates the port and starts its workers. On failure `*port` is NULL. Not from a worker. */
enum port_status port_create(const struct port_options *options, struct port **port, uint32_t *os_code);

/* Stops and joins the workers and frees the port; checks that nothing is in flight and no socket is open. Not from a
 * worker. NULL is allowed. */
void port_destroy(struct port *port);

uint32_t port_workers(const struct port *port);

/* The index of the calling worker, 0 to workers - 1, or PORT_NOT_A_WORKER. One thread-local look-up. */
uint32_t port_worker_index(void);

/* Microseconds of a monotonic clock that may start anywhere, 0 included. Cheap enough for every operation. */
uint64_t port_now_us(const struct port *port);

/* The same clock, read when the round of the calling worker began: for what need not be known more exactly than that, several times for
 * each message. On other threads port_now_us. */
uint64_t port_round_us(const struct port *port);

/* How many processors may run workers: at least 1. */
uint32_t port_processors(void);

/* Hands the op to a worker: done(op) with PORT_OK. Never fails. */
void port_post(struct port *port, struct port_op *op);

/* --- sockets --------------------------------------------------------------------------------------------- */

/* Binds and listens, exclusively: a second process cannot take the address, and this one cannot steal it. IPv6 [::]
 * listens for IPv4 too (dual stack); other IPv6 addresses do not. Port 0 lets the system choose (port_local_address
 * tells). Synchronous: OK, IN_USE, DENIED, NO_ADDRESS, EXHAUSTED or FAILED; on failure the socket stays empty. */
enum port_status port_listen(struct port *port, struct port_socket *socket, const struct address *address,
                             uint32_t *os_code);

/* Makes an unconnected TCP socket for port_connect. Synchronous: OK, EXHAUSTED or FAILED; on failure it stays empty. A
 * new socket for every attempt to connect. */
enum port_status port_open(struct port *port, struct port_socket *socket, enum address_family family,
                           uint32_t *os_code);

/* The address the socket is bound to; false when it has none (empty, closed or never bound). */
bool port_local_address(const struct port_socket *socket, struct address *address);

/* Who has the address, for the message about PORT_IN_USE: "process 1234 (nginx.exe)". False when the system does not
 * tell. Slow: start-up only. */
bool port_describe_owner(const struct address *address, char *text, size_t text_bytes);

/* Moves a socket with nothing in flight into an empty one; `from` becomes empty. So an accepted socket changes its owner. */
void port_socket_move(struct port_socket *to, struct port_socket *from);

/* True from a successful port_listen, port_open or accept until port_close. */
bool port_is_open(const struct port_socket *socket);

/* Closes; see SOCKETS above. Unsent data still goes out in the background, then FIN; but when received data was not
 * read, the peer sees a reset and may lose the tail (SEMANTICS S3): shut down and read to PORT_END first. An empty
 * socket is allowed and stays empty. */
void port_close(struct port_socket *socket);

/* As port_close, but abortive: the peer sees RST, unsent data is discarded. The first of the two wins. */
void port_reset(struct port_socket *socket);

/* Sends FIN after everything that was sent. No send may be in flight. Synchronous, does not block: OK, or RESET,
 * CANCELLED, FAILED when the connection is already gone, which whoever receives on it learns too. */
enum port_status port_shutdown(struct port_socket *socket);

/* --- operations on sockets ------------------------------------------------------------------------------- */

/* Accepts one connection. The owner embeds a struct port_accept; on PORT_OK `accepted` holds the new socket (which the owner moves
 * out or closes before it submits again), `peer` and `local` its addresses (as the system gives them: a v4 client on
 * a dual-stack listener is v4-mapped). Several may be in flight on a listener. Failures concern this one accept:
 * RESET (that client is gone already: submit again), EXHAUSTED (submit again later), CANCELLED, FAILED. */
struct port_accept {
    struct port_op op;
    struct port_socket accepted;
    struct address peer;
    struct address local;
    uint64_t room[12]; /* the backend's: AcceptEx writes raw addresses here */
};
void port_accept_init(struct port_accept *accept, port_done *done);
void port_accept(struct port_socket *listener, struct port_accept *accept);

/* Connects a socket from port_open. OK, REFUSED, TIMEOUT, UNREACHABLE, NO_ADDRESS, EXHAUSTED, DENIED, CANCELLED, FAILED. There is no
 * deadline here: close the socket to give up. After a failure the socket can only be closed. */
void port_connect(struct port_socket *socket, struct port_op *op, const struct address *address);

/* Receives at least one byte, at most `bytes` (at least 1): OK with op->bytes, END, RESET, TIMEOUT, CANCELLED,
 * EXHAUSTED, FAILED. Urgent data comes inline, in order. */
void port_receive(struct port_socket *socket, struct port_op *op, void *buffer, uint32_t bytes);

/* Completes with OK when a receive would not wait: there are bytes, FIN or an error to fetch. Holds no buffer meanwhile. It may
 * complete early, so the receive that follows may still wait. RESET, CANCELLED, EXHAUSTED, FAILED as above. From the first wait on
 * the connection is kept alive, see port_keep_alive. */
void port_wait_readable(struct port_socket *socket, struct port_op *op);

/* From now on the system probes now and then whether the peer is still there; when it is not, what is in flight ends as RESET or
 * TIMEOUT. Synchronous, does not block, cheap when it is not the first call; on a closed socket it does nothing. Any thread that keeps the
 * socket's memory alive. */
void port_keep_alive(struct port_socket *socket);

/* Asks for the end of the receive or wait in flight on the socket, if there is one. It then completes once, with
 * CANCELLED and no byte lost, or with the result it had already got. Never touches a send. Any thread that keeps the
 * socket's memory alive; harmless when nothing is in flight. */
void port_cancel_receive(struct port_socket *socket);

/* Sends the buffer. OK with op->bytes from 1 to `bytes`: a backend may complete with less than all, and the owner then sends the
 * rest. Completes when the system has taken the bytes, which is how a slow reader is felt. RESET, TIMEOUT,
 * CANCELLED, EXHAUSTED, FAILED. */
void port_send(struct port_socket *socket, struct port_op *op, const void *buffer, uint32_t bytes);

/* --- names ----------------------------------------------------------------------------------------------- */

/* Looks up the addresses of a host name (at most HOST_NAME_BYTES - 1 characters) without blocking a worker: OK with
 * `count` addresses (at least 1, the system's order, no doubles, port set to `port_number`), NOT_FOUND, TIMEOUT after
 * RESOLVE_TIMEOUT_US, EXHAUSTED, FAILED. Literal addresses answer too. It cannot be cancelled, but is never later
 * than its deadline: an answer that comes later is dropped by the port. */
struct port_resolve {
    struct port_op op;
    uint32_t count;
    struct address addresses[RESOLVE_ADDRESSES_MAX];
    uint64_t room[4]; /* the backend's */
};
void port_resolve_init(struct port_resolve *resolve, port_done *done);
void port_resolve(struct port *port, struct port_resolve *resolve, const char *host, uint16_t port_number);

#endif
