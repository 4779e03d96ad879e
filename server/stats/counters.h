/*
 * counters: what Fairlead counts, without a shared cache line on the data path.
 *
 * A scope is one thing that has numbers: a listener or a server of an upstream. Each worker counts into a block of its
 * own in each scope (one writer, plain 64-bit stores); a snapshot adds the blocks up. Counters only grow.
 *
 * ORDER. A snapshot may be taken at any moment and must still be true (SEMANTICS I4, I5, I11), without stopping anybody.
 * So "sessions begun" is counted before anything else of that session, bytes are counted in before they are counted out or
 * discarded, and "closed" is counted last. The snapshot (snapshot.c) reads effects before their causes and can never see
 * one without the other: total >= sum(closed), in >= out + discarded, and with no session left nothing is buffered.
 * It never shows more active sessions than there were at one moment either, so limit and peak hold in it.
 *
 * OWNERSHIP. Scopes are created and published by the relay, shared by all generations of the configuration that know the listener or
 * server, and live until the relay retires them: their sums then go on in the root, so that no total ever goes backwards
 * (SEMANTICS N5). struct stats is the root; the daemon owns it.
 *
 * THREADS. stats_count and stats_time only on workers of the port. Everything else: any thread.
 */
#ifndef FAIRLEAD_STATS_COUNTERS_H
#define FAIRLEAD_STATS_COUNTERS_H

#include "base/address.h"
#include "base/lock.h"
#include "stats/gauge.h"
#include "stats/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names in the JSON are made from these by counters.c: STAT_CLOSED_CLIENT_RESET is closed.client_reset. The groups are
 * contiguous; each is closed by its _END. */
enum stats_counter {
    STAT_SESSIONS,        /* sessions begun */
    STAT_BYTES_IN,        /* received from clients (listener) or from the server (server) */
    STAT_BYTES_OUT,       /* sent to clients or to the server: the system has taken them */
    STAT_BYTES_DISCARDED, /* listener: received from either side, but never sent on, because the session ended */

    STAT_REFUSED_FIRST,
    STAT_REFUSED_SERVER_LIMIT = STAT_REFUSED_FIRST, /* [server] max_sessions */
    STAT_REFUSED_LISTENER_LIMIT,                    /* [listener] max_sessions */
    STAT_REFUSED_IP_LIMIT,                          /* [listener] max_sessions_per_ip */
    STAT_REFUSED_EXHAUSTED,                         /* no memory for a session */
    STAT_REFUSED_DRAINING,                          /* accepted while the server was already stopping */
    STAT_REFUSED_END,

    STAT_CLOSED_FIRST = STAT_REFUSED_END,
    STAT_CLOSED_FINISHED = STAT_CLOSED_FIRST, /* both sides sent FIN and everything was delivered */
    STAT_CLOSED_CLIENT_RESET,                 /* the client broke the connection */
    STAT_CLOSED_SERVER_RESET,                 /* the server broke the connection */
    STAT_CLOSED_CONNECT_FAILED,               /* no address of the server could be connected */
    STAT_CLOSED_SERVER_LIMIT,                 /* the server's max_sessions was reached */
    STAT_CLOSED_IDLE_TIMEOUT,
    STAT_CLOSED_HALF_CLOSE_TIMEOUT,
    STAT_CLOSED_LIFETIME,  /* max_lifetime */
    STAT_CLOSED_EXHAUSTED, /* no buffer or handle for it */
    STAT_CLOSED_STOPPED,   /* cut at the drain deadline or by a second stop */
    STAT_CLOSED_ERROR,     /* any other failure of one of its sockets */
    STAT_CLOSED_END,

    STAT_ERROR_FIRST = STAT_CLOSED_END,
    STAT_ERROR_CONNECT_REFUSED = STAT_ERROR_FIRST, /* servers: one per failed attempt */
    STAT_ERROR_CONNECT_TIMEOUT,
    STAT_ERROR_CONNECT_UNREACHABLE,
    STAT_ERROR_CONNECT_EXHAUSTED,
    STAT_ERROR_CONNECT_OTHER,
    STAT_ERROR_RESOLVE, /* servers: a look-up of its name failed */
    STAT_ERROR_END,

    STAT_COUNT = STAT_ERROR_END
};

enum stat_time { STAT_TIME_CONNECT /* servers */, STAT_TIME_SESSION, STAT_TIME_COUNT };

enum stats_scope_kind { STATS_LISTENER, STATS_SERVER, STATS_KINDS };

struct stats_block; /* one worker's numbers of one scope */

enum { STATS_ADDRESSES_MAX = 16 };

struct stats_scope {
    enum stats_scope_kind kind;
    const char *name;     /* copied */
    const char *upstream; /* servers: the upstream's name, copied; else NULL */
    const char *mode; /* listeners: "echo" or "proxy"; a literal; guarded by stats->lock once registered */
    bool removed;     /* not in the configuration any more, but there are sessions; guarded by stats->lock */
    /* Active now, with the limit; raised by the relay before STAT_SESSIONS is counted and lowered after STAT_CLOSED_... was. */
    struct gauge sessions;
    uint32_t addresses_count;
    struct address addresses[STATS_ADDRESSES_MAX]; /* guarded by stats->lock once registered */
    uint32_t workers;
    struct stats_block *blocks; /* one per worker, cache-line aligned */
    void *blocks_memory;
    struct stats_scope *next; /* registered scopes */
};

enum stats_state { STATS_STARTING, STATS_SERVING, STATS_DRAINING, STATS_STOPPED };

/* What only the host can tell about the process. Fills in 0 where the system does not say. Any thread. */
struct stats_process {
    uint64_t memory_bytes;
    uint64_t handles;
};
typedef void stats_process_reader(struct stats_process *process);

/* How the last reload went. */
struct stats_reload {
    uint64_t attempts; /* 0: none yet, and the rest says nothing */
    bool applied;
    uint64_t at_ms; /* wall clock */
    char *text;     /* as in struct reload_outcome; NULL: there was no memory for it */
};

struct stats {
    struct lock lock; /* guards the list, the retired sums and the reload */
    struct stats_scope *scopes;
    uint64_t retired[STATS_KINDS][STAT_COUNT]; /* the sums of the scopes that are gone */
    struct stats_reload reload;
    struct gauge sessions; /* all listeners together, [server] max_sessions */
    uint32_t state;        /* atomic, enum stats_state */
    uint32_t workers;
    uint32_t pid;
    uint64_t started_at_ms;      /* wall clock */
    uint64_t started_us;         /* port_now_us */
    uint64_t config_generation;  /* atomic; 0 before the first is in force */
    uint32_t generations_in_use; /* atomic: the one in force, and older ones that still have sessions */
    const char *config_file;
    stats_process_reader *read_process; /* may be NULL */
};

void stats_init(struct stats *stats, uint32_t workers);
void stats_destroy(struct stats *stats); /* checks that no scope is registered */

/* Notes how a reload went; `text` is copied. */
void stats_set_reload(struct stats *stats, bool applied, uint64_t at_ms, const char *text);
void stats_set_state(struct stats *stats, enum stats_state state);
enum stats_state stats_state(const struct stats *stats);
const char *stats_state_text(enum stats_state state); /* "serving" */

/* A scope with all numbers 0, or NULL: out of memory. Not registered yet. */
struct stats_scope *stats_scope_create(enum stats_scope_kind kind, const char *name, const char *upstream,
                                       uint32_t workers);
/* Not registered, nobody counts into it any more. NULL is allowed. */
void stats_scope_free(struct stats_scope *scope);

/* Makes the scope part of snapshots, after those already there; takes it out again. */
void stats_register(struct stats *stats, struct stats_scope *scope);
void stats_unregister(struct stats *stats, struct stats_scope *scope);

/* One scope of a configuration, and what that says about it. */
struct stats_listing {
    struct stats_scope *scope;
    const char *mode; /* listeners; a literal */
    uint32_t sessions_max;
    const char *name;     /* the scope's, and perhaps in other capitals than so far; NULL: as it is */
    const char *upstream; /* likewise */
};

/* A new configuration: these are the scopes from now on, in this order, whether or not they were registered before. The others that
 * were stay behind them as removed, a server beside the others of its upstream. */
void stats_publish(struct stats *stats, const struct stats_listing *listings, size_t count);

/* Takes a scope out that nobody counts into any more, and keeps its sums: every snapshot sees either the one or the other. */
void stats_retire(struct stats *stats, struct stats_scope *scope);

/* Replaces the addresses of a registered scope (a name that resolved anew); more than STATS_ADDRESSES_MAX are cut. */
void stats_scope_set_addresses(struct stats *stats, struct stats_scope *scope,
                               const struct address *addresses, uint32_t count);

/* Counts on the calling worker. */
void stats_count(struct stats_scope *scope, enum stats_counter stat, uint64_t n);
void stats_time(struct stats_scope *scope, enum stat_time time, uint64_t value_us);

/* The sum over the workers. For a consistent whole take a snapshot instead. */
uint64_t stats_sum(const struct stats_scope *scope, enum stats_counter stat);

/* "client_reset" for STAT_CLOSED_CLIENT_RESET, "in" for STAT_BYTES_IN ... Never NULL. */
const char *stat_name(enum stats_counter stat);

#endif
