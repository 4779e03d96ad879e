/*
 * relay: the data plane: all listeners, upstreams and sessions, and what they share.
 *
 * The daemon creates one, binds its listeners, starts it, and at the end closes it, and cuts what does not end by itself.
 *
 *   relay_create -> relay_bind (each address) -> relay_start -> relay_close -> [relay_cut] -> closed -> relay_free
 *
 * Threads: all functions on workers, except that relay_free may run on any thread after `closed`. `closed` runs once, on a
 * worker or inside relay_close, when no listener, session or look-up is left.
 */
#ifndef FAIRLEAD_RELAY_RELAY_H
#define FAIRLEAD_RELAY_RELAY_H

#include "base/lock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/timer.h"
#include "config/config.h"
#include "port/port.h"
#include "stats/counters.h"

struct listener;
struct session;
struct upstream;

typedef void relay_closed(void *context);

struct relay_options {
    struct port *port;
    struct timer_wheel *wheel;
    struct stats *stats;
    const struct config *config; /* kept until relay_free */
    uint64_t random_seed;
    relay_closed *closed;
    void *closed_context;
};

struct relay {
    struct relay_options options;
    struct port *port;         /* the same as in options, for brevity */
    struct timer_wheel *wheel; /* the same */
    struct pool sessions;
    struct pool buffers; /* config->server.buffer_bytes each */
    uint32_t buffer_bytes;
    uint32_t references; /* atomic: the owner, sockets, sessions, look-ups, timers of look-ups */
    uint32_t closing;    /* atomic */
    uint32_t cut_count;  /* atomic: sessions that ended because of relay_cut */
    struct lock lock;    /* guards the list */
    bool cutting;        /* relay_cut has begun */
    struct session *session_list;
    struct log_limit exhausted_log;
    struct log_limit refused_log;
    struct listener *listeners;
    size_t listeners_count;
    struct upstream *upstreams;
    size_t upstreams_count;
};

/* NULL: out of memory. */
struct relay *relay_create(const struct relay_options *options);

/* Binds an address for config->listeners[index]; the results of listener_bind. */
enum port_status relay_bind(struct relay *relay, size_t index, const struct address *address,
                            uint32_t *os_code);

/* Everything is bound: begins to look up names and to accept. */
void relay_start(struct relay *relay);

/* Stops accepting and looking up names. Sessions go on. Also right after relay_create. Once. */
void relay_close(struct relay *relay);

/* Resets every session that is left, and those that are just beginning. May be called again. */
void relay_cut(struct relay *relay);

/* How many sessions were cut; final once `closed` ran. */
uint32_t relay_cut_count(const struct relay *relay);

void relay_free(struct relay *relay);

/* --- inside the relay ------------------------------------------------------------------------------------ */

void relay_hold(struct relay *relay);
void relay_drop(struct relay *relay);

/* True: relay_cut has begun, and the session has to end at once. */
bool relay_list_session(struct relay *relay, struct session *session);
void relay_unlist_session(struct relay *relay, struct session *session);

/* Handles or memory are short: says so once per interval, and lets clients wait in the backlog for a while. */
void relay_exhausted(struct relay *relay, const char *what, enum port_status status, uint32_t os_code);

#endif
