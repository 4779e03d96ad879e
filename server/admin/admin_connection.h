/*
 * admin_connection: one client of the statistics, from accept to close.
 *
 * One operation is in flight at a time, a receive or a send, and one timer watches it. Whoever runs `done` of the operation has
 * the turn: only he touches the request and the answer, without the lock. The lock guards the phase, which the timer and
 * admin_close change as well, so every submission happens with it held, in the phase that allows it.
 *
 *   phase      holds                           ends by
 *   IDLE       receive                         first bytes -> READING; deadline, FIN, stop -> CLOSED
 *   READING    receive, part of a request      complete or wrong -> ANSWERING; deadline -> EXPIRED; FIN, stop -> CLOSED
 *   EXPIRED    receive that is being cancelled its completion -> ANSWERING, with 408; stop -> CLOSED
 *   ANSWERING  nothing in flight               by itself -> SENDING, or WAITING, or CLOSED for want of memory
 *   WAITING    nothing in flight; a reload     its outcome -> ANSWERING; a stop only shortens what follows
 *   SENDING    send                            all sent -> IDLE, READING or ANSWERING (the next request is there already), or
 *                                              LINGERING when it was the last; deadline, error -> CLOSED
 *   LINGERING  FIN is sent; receive            FIN, error, deadline -> CLOSED (SEMANTICS S3)
 *   CLOSED     perhaps a cancelled operation   last reference -> `gone`
 *
 * WAITING has no deadline: the daemon answers each request for a reload once, at the latest when it stops, and a client that is gone
 * is noticed when it is answered. The daemon has the turn meanwhile.
 *
 * REFERENCES. The turn holds one from start until it finds the phase CLOSED; so does the armed or firing timer. A timer that was
 * set anew while its callback was on its way is recognised by the deadline, which has not passed.
 *
 * LOCKS. The owner's lock may be held around start and stop; neither calls `gone`.
 */
#ifndef FAIRLEAD_ADMIN_ADMIN_CONNECTION_H
#define FAIRLEAD_ADMIN_ADMIN_CONNECTION_H

#include "admin/admin_routes.h"
#include "admin/http_request.h"
#include "base/reload.h"
#include "base/timer.h"
#include "port/port.h"

enum admin_phase {
    ADMIN_IDLE,
    ADMIN_READING,
    ADMIN_EXPIRED,
    ADMIN_ANSWERING,
    ADMIN_WAITING,
    ADMIN_SENDING,
    ADMIN_LINGERING,
    ADMIN_CLOSED
};

struct admin_connection;
typedef void admin_connection_gone(struct admin_connection *connection);

/* What all connections share; the owner's. */
struct admin_context {
    struct port *port;
    struct timer_wheel *wheel;
    struct admin_site site;
    reload_asker *reload; /* may be NULL */
    void *reload_context;
    admin_connection_gone *gone; /* once per connection, on a worker; its memory is the owner's again */
    void *owner;
};

struct admin_connection {
    const struct admin_context *context;
    struct admin_connection *next; /* the owner's list */
    struct admin_connection *previous;
    struct port_socket socket;
    struct port_op op;
    struct timer timer;
    uint32_t references; /* atomic */

    struct lock lock; /* guards these */
    enum admin_phase phase;
    uint64_t deadline_us; /* of the phase; TIMER_NEVER = none */
    uint64_t stop_us;     /* 0 until told to stop, then the end of every deadline */

    uint64_t
        until_us; /* from here on whoever has the turn: the deadline of this request, answer or farewell */
    struct admin_answer answer;
    size_t answer_sent;
    struct reload_request reload;
    size_t received;
    char bytes[HTTP_REQUEST_BYTES_MAX];
};

/* Moves the accepted socket in and begins to read. On a worker. */
void admin_connection_start(struct admin_connection *connection, const struct admin_context *context,
                            struct port_socket *socket);

/* Closes at once when no answer is under way, else after it, within ADMIN_CLOSE_US. On a worker; `gone` runs later. */
void admin_connection_stop(struct admin_connection *connection);

#endif
