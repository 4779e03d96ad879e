/*
 * daemon: one running Fairlead: configuration, port, listeners and statistics, from start to stop.
 *
 * Portable; it knows no console and no service. The host starts it, hears of each change of state through `changed`,
 * and ends it. States and what leads from one to the next:
 *
 *   state      holds                              ends by
 *   STARTING   port; names being resolved,        all bound -> SERVING; an error or a stop -> STOPPING
 *              sockets being bound
 *   SERVING    listeners and admin accept         daemon_stop -> DRAINING
 *   DRAINING   admin; sessions that finish by     last session gone, drain_timeout, or a second daemon_stop
 *              themselves; no listener            -> STOPPING
 *   STOPPING   sessions being cut, sockets        everything closed -> STOPPED
 *              being closed
 *   STOPPED    the port, idle                     daemon_free
 *
 * Nothing is served before everything is bound: either all listeners and the statistics endpoint start, or none, and
 * every failure has been logged. THREADS: daemon_start and daemon_free on the host's thread, never on a worker; daemon_stop on any
 * thread, also in a signal-like handler thread; `changed` runs on a worker (STARTING excepted, which is not reported).
 */
#ifndef FAIRLEAD_DAEMON_H
#define FAIRLEAD_DAEMON_H

#include "config/config.h"
#include "stats/counters.h"

enum daemon_state { DAEMON_STARTING, DAEMON_SERVING, DAEMON_DRAINING, DAEMON_STOPPING, DAEMON_STOPPED };

/* How it ended; the exit codes of DESIGN section 4. */
enum daemon_outcome {
    DAEMON_OK = 0,     /* stopped, every session had ended by itself */
    DAEMON_FAILED = 1, /* could not start; the log says why */
    DAEMON_CUT = 3     /* stopped, but sessions were cut */
};

struct daemon;
typedef void daemon_changed(void *context, enum daemon_state state);

struct daemon_options {
    const struct config *config; /* kept until daemon_free; the caller's */
    uint32_t pid;
    uint64_t random_seed; /* from the system; hashes of client addresses */
    stats_process_reader *read_process;
    daemon_changed *changed;
    void *changed_context;
};

/* Begins to start. NULL: no port or no memory; the reason is logged. */
struct daemon *daemon_start(const struct daemon_options *options);

/* The first call drains, a second one stops at once (SEMANTICS N7, N8). */
void daemon_stop(struct daemon *daemon);

/* Valid from DAEMON_STOPPED on. */
enum daemon_outcome daemon_outcome(const struct daemon *daemon);

/* Its numbers, until daemon_free. For tests and for the host's own reports. */
struct stats *daemon_stats(struct daemon *daemon);

/* After DAEMON_STOPPED was reported. NULL is allowed. */
void daemon_free(struct daemon *daemon);

#endif
