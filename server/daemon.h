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
 * RELOAD (SEMANTICS N1 to N7). Somebody asks with daemon_reload; the daemon asks the host to read the configuration anew (`read`),
 * which must not block a worker, so the host reads on a thread of its own and answers with daemon_configure; then workers resolve
 * names, bind and allocate what is new, and only when nothing can fail any more one swap makes it the current generation.
 * Requests that come while one reload is under way share the next one, which begins after it. A stop refuses what is under way.
 *
 * Nothing is served before everything is bound: either all listeners and the statistics endpoint start, or none, and
 * every failure has been logged. THREADS: daemon_start and daemon_free on the host's thread, never on a worker; daemon_stop on any
 * thread, also in a signal-like handler thread; `changed` runs on a worker (STARTING excepted, which is not reported),
 * or, of STOPPED, inside a daemon_stop or daemon_reload that comes at that moment.
 */
#ifndef FAIRLEAD_DAEMON_H
#define FAIRLEAD_DAEMON_H

#include "base/reload.h"
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

/* Begins to read the configuration anew. On a worker, must not block; answers with daemon_configure exactly once, from any thread,
 * also inside the call. daemon_stop does not cancel it, so the daemon is not STOPPED before that answer. */
typedef void daemon_reader(void *context, struct daemon *daemon);

/* A new configuration is in force: what is the host's own of it (log level and files) is to be adopted. On a worker, must not block;
 * `config` is valid during the call. */
typedef void daemon_adopted(void *context, const struct config *config);

struct daemon_options {
    struct config *config; /* becomes the daemon's, also when daemon_start fails */
    uint32_t pid;
    uint64_t random_seed; /* from the system; hashes of client addresses */
    stats_process_reader *read_process;
    daemon_changed *changed; /* may be NULL, as the next two */
    daemon_reader *read;     /* NULL: reloads are refused */
    daemon_adopted *adopted;
    void *context; /* of the three */
};

/* Begins to start. NULL: no port or no memory; the reason is logged. */
struct daemon *daemon_start(const struct daemon_options *options);

/* The first call drains, a second one stops at once (SEMANTICS N7, N8). */
void daemon_stop(struct daemon *daemon);

/* Asks for a reload (base/reload.h). Any thread. */
bool daemon_reload(struct daemon *daemon, struct reload_request *request);

/* The answer to `read`: the configuration, which becomes the daemon's, or NULL and what is wrong: lines that each end in a line
 * feed, copied. Any thread. */
void daemon_configure(struct daemon *daemon, struct config *config, const char *why);

/* Valid from DAEMON_STOPPED on. */
enum daemon_outcome daemon_outcome(const struct daemon *daemon);

/* Its numbers, until daemon_free. For tests and for the host's own reports. */
struct stats *daemon_stats(struct daemon *daemon);

/* After DAEMON_STOPPED was reported. NULL is allowed. */
void daemon_free(struct daemon *daemon);

#endif
