/*
 * session: one client connection and all that belongs to it, from accept to the last completion.
 *
 * Echo: one socket, one pipe. Proxy: two sockets, two pipes, and a connect before them. The session owns its sockets, operations, pipes
 * and timer; it comes from the relay's pool and goes back there by itself.
 *
 *   phase       holds                            ends by
 *   CONNECTING  client; attempts to connect;     connected -> FLOWING; all attempts failed, the client reset, max_lifetime,
 *               maybe the inbound pipe, HOLDING   stop -> CLOSED
 *   FLOWING     both sockets, pipes running      both pipes over -> CLOSED (finished); one side broke -> FLUSHING;
 *                                                a timeout or stop -> CLOSED (both sides are reset)
 *   FLUSHING    both sockets; what the broken    both pipes over and the other had time to read (RESET_FLUSH_US),
 *               side had sent goes to the other  or FLUSH_TIMEOUT_US, or stop -> CLOSED
 *   CLOSED      both sockets closed; waits for   last reference dropped -> freed
 *               the last completions
 *
 * A side that is given up is reset, never sent FIN: FIN says "you got everything", and then it is a lie. The first reason to
 * end wins and is what the counters say (SEMANTICS S4).
 *
 * REFERENCES. Whatever may still call into the session holds one: a running pipe, a connect attempt, the armed or firing timer,
 * whoever walks the relay's list. session_join drops one, and the last frees the session. Nothing else looks at the count.
 *
 * THREADS. The pipes run on whatever workers complete their operations, at the same time. `lock` guards the phase changes and
 * everything of the connect; the data path only reads `phase`. Lock order: relay->lock never inside; session->lock, then relay->sockets_lock, then the timer wheel's.
 */
#ifndef FAIRLEAD_RELAY_SESSION_H
#define FAIRLEAD_RELAY_SESSION_H

#include "base/timer.h"
#include "relay/pipe.h"
#include "relay/upstream.h"

enum session_phase { SESSION_CONNECTING, SESSION_FLOWING, SESSION_FLUSHING, SESSION_CLOSED };

struct listener;
struct relay;

struct session {
    uint32_t phase;      /* atomic, enum session_phase; changed under the lock */
    uint32_t references; /* atomic */
    struct relay *relay;
    struct listener *listener;
    struct port_socket client;
    struct port_socket server; /* empty in echo */
    struct pipe inbound;       /* client to server, or the echo */
    union {                    /* proxy only; the one begins when the other has done its work */
        struct port_op connect;
        struct pipe outbound; /* server to client; from FLOWING on */
    };
    struct timer timer;
    struct lock lock;
    uint32_t pipes_open; /* not OVER yet */
    uint32_t
        timer_far; /* atomic; changed under the lock: no check for quiet pipes is due before the next deadline */
    enum stats_counter reason; /* why it ended; valid from FLUSHING on */
    struct address peer;       /* of the client */
    uint64_t started_us;
    uint64_t flowing_us;     /* when FLOWING began; 0 = not yet */
    uint64_t half_closed_us; /* atomic; 0 = not yet */
    uint64_t flush_deadline_us;
    struct port_socket *survivor; /* FLUSHING: the side that is not broken */
    struct attempt attempt;       /* relay/upstream.h: where to connect and how often that was tried */
    bool connect_in_flight;
    bool connect_timed_out;
    bool inbound_started;
    bool inbound_parked;         /* HOLDING with nothing in flight */
    bool inbound_watching;       /* HOLDING with a wait in flight, submitted under the lock */
    uint64_t connect_started_us; /* of this attempt */
    uint64_t connect_deadline_us;
    uint64_t retry_us;    /* 0 = no pause under way */
    struct session *next; /* relay's list, under relay->lock */
    struct session *previous;
};

/* Takes over `socket` and the caller's reference of the listener's generation. The limits of the listener have been raised for it and
 * are lowered when it is freed. False: no memory; nothing was taken. On a worker. */
bool session_start(struct listener *listener, struct port_socket *socket, const struct address *peer);

/* Ends it now, both sides reset; `reason` counts if it is the first. Any worker that holds a reference. */
void session_cut(struct session *session, enum stats_counter reason);

/* One more reference, unless the last is already gone. Under relay->lock, which keeps the memory. */
bool session_hold_listed(struct session *session);
void session_join(struct session *session);

/* --- for pipes ------------------------------------------------------------------------------------------- */

enum session_phase session_phase(const struct session *session);

/* Whether a pipe may still read from this side: while flowing, and from the broken side while flushing. */
bool session_reads(const struct session *session, const struct port_socket *source);

/* One direction is over, or one side is broken. Any worker. */
bool session_is_ending(const struct session *session);

/* Bytes came after a quiet time: the timer may have to fire earlier again. */
void session_wake(struct session *session);

/* The source of a pipe sent FIN and everything before was sent on. False: the other direction is over too, so that the session closes
 * its sockets as soon as this pipe is. */
bool session_half_closed(struct session *session);

/* An operation on this socket of the session failed. */
void session_side_failed(struct session *session, const struct port_socket *side, enum port_status status,
                         uint32_t os_code);

/* No buffer for this session (SEMANTICS S16). */
void session_exhausted(struct session *session);

/* The inbound pipe has something, or nothing more to read, while the session connects. With `room` in its buffer the session
 * submits a wait for it, without it parks it until the session is connected; either way the pipe is no longer the
 * caller's. False: the session connects no more, go on as usual. Called with nothing in flight on the pipe. */
bool session_hold(struct session *session, struct pipe *pipe, bool room);

/* The pipe is OVER; its reference is dropped with this call. */
void session_pipe_over(struct session *session);

#endif
