/*
 * relay: the data plane: the sockets, generations and sessions, and what they share.
 *
 * The daemon creates one, prepares its first generation and lets it come into force; every reload does the same with another one. At the
 * end it closes the relay, and cuts what does not end by itself.
 *
 *   relay_create -> GENERATION ... -> relay_close -> [relay_cut] -> closed -> relay_free
 *   GENERATION: relay_prepare -> relay_bind (each address) -> relay_commit, or relay_abandon
 *
 * Everything that can fail fails before the commit, and then nothing has changed (SEMANTICS N1). One generation is prepared at a time, in
 * one go. Whether a commit or relay_close came first is decided under one lock.
 *
 * Threads: all functions on workers, except that relay_free may run on any thread after `closed`. `closed` runs once, on a
 * worker or inside relay_close, when no socket, session, look-up or preparation is left. Only the generation in force, and with it
 * its numbers, stays until relay_free.
 *
 * LOCKS. sockets_lock guards which listener a socket belongs to, which generation is in force, and whether the relay is closing; see
 * listener_socket.h for its place in the order. `lock` guards the list of sessions.
 */
#ifndef FAIRLEAD_RELAY_RELAY_H
#define FAIRLEAD_RELAY_RELAY_H

#include "base/lock.h"
#include "base/log.h"
#include "base/timer.h"
#include "config/config.h"
#include "port/port.h"
#include "relay/ledger.h"
#include "relay/stock.h"
#include "stats/counters.h"

struct generation;
struct listener_socket;
struct session;

typedef void relay_closed(void *context);

struct relay_options {
    struct port *port;
    struct timer_wheel *wheel;
    struct stats *stats;
    uint32_t buffer_bytes;
    uint64_t random_seed;
    relay_closed *closed;
    void *closed_context;
};

struct relay {
    struct relay_options options;
    struct port *port;         /* the same as in options, for brevity */
    struct timer_wheel *wheel; /* the same */
    struct stock stock;
    uint32_t sessions_max;    /* of the stock: the highest that any generation had */
    uint32_t references;      /* atomic: the owner, sockets, whoever holds a generation */
    uint32_t closing;         /* atomic; changed under sockets_lock */
    uint32_t sockets_leaving; /* atomic: closed by us, but not yet by the system */
    uint32_t cut_count;       /* atomic: sessions that ended because of relay_cut */
    struct lock lock;         /* guards the list */
    bool cutting;             /* relay_cut has begun */
    struct session *session_list;
    struct log_limit exhausted_log;
    struct log_limit refused_log;
    struct ledgers ledgers;
    struct lock sockets_lock; /* guards what follows */
    struct listener_socket *sockets;
    struct generation *current; /* changed by commits only; NULL before the first */
    bool preparing;
    uint64_t generations_count; /* so far */
};

/* NULL: out of memory. */
struct relay *relay_create(const struct relay_options *options);

/* Makes everything that `config` asks for, except for its sockets. Takes over `config` in any case. NULL: out of memory, or the relay
 * is closing. */
struct generation *relay_prepare(struct relay *relay, struct config *config);

/* Binds an address for config->listeners[index], unless a socket of the generation in force is bound to it and can stay; the results of
 * listener_socket_bind. */
enum port_status relay_bind(struct generation *generation, size_t index, const struct address *address,
                            uint32_t *os_code);

/* From now on it is the one in force: looks up names and accepts. What the one before had and this one has not stops accepting; its
 * sessions go on. False: the relay is closing; abandon it. */
bool relay_commit(struct generation *generation);

/* Closes what was bound for it and frees it. Nothing else has changed. */
void relay_abandon(struct generation *generation);

/* The generation in force, NULL before the first. It may be used while no other can come into force. */
struct generation *relay_current(struct relay *relay);

/* How many sockets that a commit or an abandoned generation closed have not left the system yet: until then their addresses are
 * taken. */
uint32_t relay_sockets_leaving(const struct relay *relay);

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
