/*
 * iocp: what the files of the Windows backend share. Nobody else includes this header, and no other header of
 * Fairlead includes winsock2.h.
 *
 *   port_iocp.c       the port: create, destroy, posts, clock
 *   iocp_system.c     Winsock, its extension functions, the thread-local slot, options of sockets
 *   iocp_worker.c     a worker's rounds and its ready list
 *   iocp_share.c      what a worker with too much to do leaves to the others
 *   iocp_socket.c     the state word of a socket; open, listen, close
 *   iocp_operation.c  submissions and their results
 *   iocp_resolve.c    names
 *   iocp_status.c     codes of the system to enum port_status
 *   iocp_address.c    struct address to and from sockaddr
 *   iocp_owner.c      who listens on an address
 *
 * THE LIFE OF AN OPERATION (phase):
 *
 *   IDLE        the owner's
 *   SUBMITTING  the submitting thread is inside the system call, or checks for a close
 *   SUBMITTED   pending, or its result is in the OVERLAPPED
 *   DECIDED     failed before it started, or a post: its result is in the op
 *
 * A completion may be dequeued by another worker before the submitting thread has returned from the system call. The
 * submitter's last touch of the operation and of its socket is therefore the store of SUBMITTED, and the worker that
 * is going to complete it first waits until the phase is no longer SUBMITTING.
 *
 * THE STATE WORD OF A SOCKET is described in iocp_socket.c.
 */
#ifndef FAIRLEAD_PORT_IOCP_H
#define FAIRLEAD_PORT_IOCP_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <mstcpip.h>
#include <windows.h>

#include "base/atomic.h"
#include "base/check.h"
#include "base/lock.h"
#include "port/port.h"

enum iocp_phase { IOCP_IDLE, IOCP_SUBMITTING, IOCP_SUBMITTED, IOCP_DECIDED };

enum iocp_kind { IOCP_POST, IOCP_ACCEPT, IOCP_CONNECT, IOCP_RECEIVE, IOCP_WAIT, IOCP_SEND, IOCP_RESOLVE };

/* What the backend keeps in port_op.backend. The OVERLAPPED comes first: a dequeued one leads back to its op. */
struct iocp_words {
    OVERLAPPED overlapped;
    uint32_t kind;
    uint32_t target_port; /* connect */
    uint64_t handle;      /* accept: the new socket */
};

/* Keys of the completion port: packets of sockets, and those that this program posts. */
enum iocp_key {
    IOCP_KEY_SOCKET,
    IOCP_KEY_HANDED, /* an op from a thread that is no worker */
    IOCP_KEY_WAKE,   /* nothing but: look at the clock again */
    IOCP_KEY_QUIT
};

struct iocp_list {
    struct port_op *first;
    struct port_op *last;
    uint32_t count;
};

struct iocp_worker {
    struct port *port;
    struct iocp_list ready;
    HANDLE thread;
    uint64_t round_us; /* when its round began */
    uint32_t index;
    uint32_t unpolled;  /* operations run since the last look at the completion port */
    bool queue_drained; /* that look found less than it could take */
    uint32_t gave;      /* rounds until it takes back what it left to the others */
    uint32_t load;      /* atomic, for the others: operations ready when the round began */
    bool quit;
    uint8_t padding[64]; /* two workers never write to one cache line */
};

struct iocp_resolver;

struct port {
    HANDLE completions;
    port_tick *tick;
    void *tick_context;
    uint64_t clock_frequency;
    LPFN_ACCEPTEX accept_ex;
    LPFN_CONNECTEX connect_ex;
    LPFN_GETACCEPTEXSOCKADDRS accept_addresses;
    struct iocp_resolver *resolver;
    bool skip;               /* success at once queues no packet */
    uint32_t sockets_open;   /* atomic */
    uint32_t handed;         /* atomic: ops on their way by IOCP_KEY_HANDED or in the overflow list */
    uint32_t overflow_count; /* atomic; the list is guarded by the lock */
    struct iocp_list overflow;
    struct lock overflow_lock;
    uint32_t sleeping; /* atomic: workers that wait for a completion */
    uint32_t waking;   /* atomic: 1 while a packet is on its way that wakes one of them for what is shared */
    uint32_t shared_count; /* atomic; the list is guarded by the lock */
    struct iocp_list shared;
    struct lock shared_lock;
    uint32_t worker_count;
    struct iocp_worker workers[WORKERS_MAX];
};

/* Only for the contract suite, between two ports. */
struct iocp_switches {
    bool no_skip;           /* as on a machine with a provider that has no IFS handles */
    uint32_t failing_posts; /* atomic: so many PostQueuedCompletionStatus fail as if out of memory */
};
extern struct iocp_switches iocp_switches;

/* --- iocp_system.c --------------------------------------------------------------------------------------- */

/* Counted: starts Winsock and takes the thread-local slot. */
enum port_status iocp_system_start(uint32_t *os_code);

/* `forget` leaves Winsock started, because a look-up still runs in it. */
void iocp_system_stop(bool forget);

/* The worker that calls, NULL on other threads. Changes GetLastError. */
struct iocp_worker *iocp_worker_self(void);
void iocp_worker_set_self(struct iocp_worker *worker);

/* Finds AcceptEx and the like, and whether skipping is possible. */
enum port_status iocp_system_probe(struct port *port, uint32_t *os_code);

/* A new overlapped TCP socket that child processes do not inherit. INVALID_SOCKET and the code on failure. */
SOCKET iocp_system_socket(int family, uint32_t *os_code);

/* Options of every connection: no delay, urgent data inline; and whether it has them. */
void iocp_system_tune_stream(SOCKET handle);
bool iocp_system_is_tuned(SOCKET handle);

/* Keepalive with our times. */
void iocp_system_keep_alive(SOCKET handle);

/* --- iocp_worker.c --------------------------------------------------------------------------------------- */

unsigned __stdcall iocp_worker_main(void *worker);

/* Queues a finished operation: at the end of the calling worker's ready list, or by the completion port. */
void iocp_dispatch(struct port *port, struct port_op *op);

/* A worker that sleeps looks at the clock and at what others left for it again. False: there was no memory for that. */
bool iocp_wake(struct port *port);

void iocp_list_append(struct iocp_list *list, struct port_op *op);
struct port_op *iocp_list_take(struct iocp_list *list);

/* --- iocp_share.c ---------------------------------------------------------------------------------------- */

/* Between two rounds: takes what another worker has left, or leaves something itself. */
void iocp_share(struct iocp_worker *worker);

/* The packet that wakes one for what is shared has come to this worker. */
void iocp_share_woken(struct port *port);

/* --- iocp_socket.c --------------------------------------------------------------------------------------- */

enum { IOCP_CLAIM_NONE, IOCP_CLAIM_RECEIVE, IOCP_CLAIM_SEND };

/* Takes a reference that keeps the handle open; false when the socket is closing. */
bool iocp_socket_enter(struct port_socket *socket, uint32_t claim);

/* Gives it back. The last one of a closing socket closes the handle. */
void iocp_socket_leave(struct port_socket *socket, uint32_t claim);

bool iocp_socket_closing(const struct port_socket *socket);
bool iocp_socket_skips(const struct port_socket *socket);
int iocp_socket_family(const struct port_socket *socket);

/* Gives a connection that the listener has accepted its options, unless it inherits them. */
void iocp_socket_tune_accepted(struct port_socket *listener, SOCKET accepted);

/* The connection is quiet, within a submission: from the first such moment on it is kept alive. */
void iocp_socket_keep_alive(struct port_socket *socket);

/* Attaches a handle to the port and fills the empty socket. On failure the handle is still the caller's. */
enum port_status iocp_socket_adopt(struct port *port, struct port_socket *socket, SOCKET handle, int family,
                                   uint32_t *os_code);

/* --- iocp_operation.c ------------------------------------------------------------------------------------ */

struct iocp_words *iocp_words_of(struct port_op *op);

/* Puts a result into an op that was never started. */
void iocp_decide(struct port_op *op, enum port_status status, uint32_t os_code);

/* On a worker: finds the result and calls done. */
void iocp_complete(struct port_op *op);

/* --- iocp_address.c -------------------------------------------------------------------------------------- */

/* Answers the length. */
int iocp_address_to_system(const struct address *address, struct sockaddr_storage *system);
bool iocp_address_from_system(const struct sockaddr *system, int bytes, struct address *address);

/* --- iocp_resolve.c -------------------------------------------------------------------------------------- */

struct iocp_resolver *iocp_resolver_create(struct port *port);

/* No request may be waiting. True when look-ups still run: they end in their own time and free the resolver. */
bool iocp_resolver_release(struct iocp_resolver *resolver);

/* The first deadline, PORT_NEVER for none. Cheap. */
uint64_t iocp_resolver_due_us(struct iocp_resolver *resolver);

/* Ends the requests whose deadline has passed. On a worker. */
void iocp_resolver_expire(struct iocp_resolver *resolver, uint64_t now_us);

#endif
