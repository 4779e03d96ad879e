/*
 * port_sim: what the files of the simulated backend of port.h share, and what a harness needs beside port.h.
 *
 *   port_sim_worker.c    workers and their rounds, posts, the port itself
 *   port_sim_request.c   one submitted operation, from submission to `done`; the rules of the user (I3)
 *   port_sim_stream.c    receive, wait, send, connect
 *   port_sim_socket.c    sockets: listen, open, close, move; accepts
 *   port_sim_name.c      names
 *
 * A user who breaks the contract of port.h ends the world with I3: an operation submitted twice or freed in flight, a
 * second receive on one socket, memory of an open socket freed, a buffer edited while it is sent. Operations and
 * receive buffers are poisoned for AddressSanitizer as long as they belong to the port.
 */
#ifndef FAIRLEAD_TESTS_SIM_PORT_SIM_H
#define FAIRLEAD_TESTS_SIM_PORT_SIM_H

#include "port/port.h"
#include "tests/sim/port_sim_fiber.h"
#include "tests/sim/port_sim_net.h"

enum { SIM_HOST = WORKERS_MAX }; /* who runs, when it is no worker */

enum sim_kind {
    SIM_POST,
    SIM_RECEIVE,
    SIM_WAIT,
    SIM_SEND,
    SIM_CONNECT,
    SIM_ACCEPT,
    SIM_NAME,
    SIM_KIND_COUNT
};

/* A submitted operation. The backend keeps everything here, because the op itself is poisoned meanwhile. */
struct sim_request {
    struct port_op *op;
    enum sim_kind kind;
    bool finished;   /* has its result and waits for a worker */
    bool cancelling; /* a cancellation is on its way */
    uint32_t id;
    struct sim_socket *socket;
    struct port *port;
    void *memory; /* what is poisoned: the op with its surroundings */
    size_t memory_bytes;
    void *receive_buffer;
    const void *send_buffer;
    uint32_t bytes;
    uint32_t progress; /* bytes of a send already taken */
    uint64_t checksum; /* of what is sent */
    enum port_status status;
    uint32_t result_bytes;
    uint32_t os_code;
    struct net_attempt *attempt;
    void *start; /* of a connect whose SYN has not left yet */
    struct net_end *accepted;
    const void *answer;           /* of a name */
    struct sim_request *next;     /* a queue */
    struct sim_request *all_next; /* everything in flight */
    struct sim_request *all_previous;
};

enum sim_socket_kind { SIM_LISTENER, SIM_STREAM };

struct sim_socket {
    uint32_t id;
    enum sim_socket_kind kind;
    struct port *port;
    struct port_socket *owner; /* where the user has it now; NULL when the handle is gone */
    bool closing;              /* port_close or port_reset was called */
    bool abortive;             /* port_reset came first */
    bool handle_closed;
    bool connected;
    bool used; /* an operation was submitted on it */
    uint32_t in_flight;
    struct sim_request *receive; /* receive or wait */
    struct sim_request *send;    /* send or connect */
    struct sim_request *accepts; /* oldest first, those without a result */
    struct net_end *end;
    struct net_listener *listener;
    enum address_family family;
    struct address address;
    struct sim_socket *all_next;
    struct sim_socket *all_previous;
};

struct sim_queue {
    struct sim_request *first;
    struct sim_request *last;
    uint32_t count;
};

struct sim_worker {
    struct port *port;
    uint32_t index;
    struct fiber *fiber;
    bool sleeping;
    bool in_done;
    uint64_t wake_serial; /* a timed wake that is older than this one is void */
    uint64_t wake_at_us;  /* in the port's time, while sleeping */
    uint32_t locks_held;
    struct sim_queue ready; /* finished at submission by this worker */
    struct sim_queue round;
};

struct port {
    struct port_options options;
    bool stopping;
    uint32_t in_flight;
    uint32_t handles;       /* open sockets, and those that posted accepts hold */
    struct sim_queue queue; /* the completion port's */
    struct sim_worker workers[WORKERS_MAX];
    void *
        allocation; /* what a real port would cost; this struct is the arena's, so that late events find it */
    struct port *next;
};

/* --- the harness's side ----------------------------------------------------------------------------------- */

struct sim_port_counts {
    uint64_t submissions; /* of this world, posts and names included: what fail-Nth counts */
    uint64_t fail_at;     /* the Nth fallible submission fails; 0 = none */
    uint64_t dones;
    uint64_t bytes_received; /* by the user of the port */
    uint64_t bytes_sent;
    uint64_t opened;
    uint64_t ticks;
    uint64_t accepts_exhausted; /* accepts that ended so */
    uint64_t system_timeouts;   /* connects that nobody gave up before the system did */
};
extern struct sim_port_counts sim_port;

/* Resets what the backend keeps. After sim_begin. */
void sim_port_begin(void);

/* I7: nothing in flight, no socket open, no port alive. */
void sim_port_check_empty(void);

/* A leap of the port's clock; sleeping workers notice. */
void sim_clock_leap(uint64_t us);

/* The port's clock stands still for so long, and is right again after. */
void sim_clock_stall(uint64_t us);

/* The worker that runs now, or NULL. */
struct sim_worker *sim_worker_current(void);

/* A point at which the worker that runs may be interrupted. */
void sim_preempt(void);

/* Lets the current worker wait while others go on. Not on the host. */
void sim_worker_yield(void);
void sim_worker_pause(uint64_t us);

/* The listening sockets that nobody closes, one after the other; NULL as `after`: the first. Their ids do not come again. */
const struct sim_socket *sim_next_listener(const struct sim_socket *after);

/* I8: every listening socket has so many accepts in flight. */
void sim_check_accepts(uint32_t count);

/* How many open sockets between `local` and the host `peer` have been used by an operation: sessions, not those that were
 * refused right after the accept. */
uint32_t sim_count_used(const struct address *local, const struct address *peer);

/* I3 for memory that is about to be freed: no operation in flight and no open socket lies in it. */
void sim_check_free(const void *memory, size_t bytes);

/* How names are answered: fills at most RESOLVE_ADDRESSES_MAX addresses, answers how many. The harness may set one; without it
 * "localhost" is 127.0.0.1 and nothing else is known. */
typedef uint32_t sim_names(const char *host, struct address *addresses);
void sim_set_names(sim_names *names);

/* --- between the files ------------------------------------------------------------------------------------ */

/* Takes the op over: checks the rules, poisons it. `around` is what is embedded with it and belongs to the port too. */
struct sim_request *sim_request_submit(struct port *port, struct sim_socket *socket, struct port_op *op,
                                       enum sim_kind kind, void *around, size_t around_bytes);

/* It has its result; a worker will call `done`. Once per request. */
void sim_request_finish(struct sim_request *request, enum port_status status, uint32_t bytes);

/* A worker has dequeued it: gives the op back to its owner and calls `done`. */
void sim_request_complete(struct sim_request *request);

/* The buffers of a receive and of a send, right after sim_request_submit. */
void sim_request_take_receive(struct sim_request *request, void *buffer, uint32_t bytes);
void sim_request_take_send(struct sim_request *request, const void *buffer, uint32_t bytes);

/* Reads from the end into the request's buffer, which stays poisoned; answers how much. */
uint32_t sim_request_read(struct sim_request *request, struct net_end *end, uint32_t bytes);

/* Lets the SYN of a connect leave now, if it has not yet. */
void sim_connect_hurry(struct sim_request *request);

/* Asks for its end, which comes some time later if nothing else ends it first. */
void sim_request_cancel(struct sim_request *request);

/* True when this fallible submission is the one that fails in a fail-Nth run, or when the fault happens. */
bool sim_submission_fails(int fault);

/* Puts a finished request into the completion port's queue after a while, or at once into the worker's own list. */
void sim_port_queue(struct sim_request *request, bool immediate);

void sim_request_begin(void);

/* Of a socket: the one that the user has in `socket`, open or closing; ends the world when it is empty. */
struct sim_socket *sim_socket_of(const struct port_socket *socket, const char *what);
struct sim_socket *sim_socket_make(struct port *port, struct port_socket *owner, enum sim_socket_kind kind);
void sim_socket_forget(struct sim_socket *socket);
void sim_socket_dequeued(struct sim_socket *socket, struct sim_request *request);
void sim_socket_connected(struct sim_socket *socket, struct net_end *end);

/* Something changed on the socket's end: finishes what can be finished. */
void sim_stream_progress(struct sim_socket *socket, bool immediate);

/* The accepted connection becomes the accept's socket, just before its `done`. */
void sim_accept_fill(struct sim_request *request);

/* The addresses, likewise. */
void sim_name_fill(struct sim_request *request);

bool sim_handles_left(const struct port *port);

#endif
