/*
 * runner: what the console and the service share: the log, the daemon, reloads and the end.
 *
 *   runner_start -> runner_finish
 *
 * runner_start begins; `changed` tells how it goes on (daemon.h: SERVING, DRAINING, STOPPING, STOPPED); runner_finish waits for
 * STOPPED and cleans up. One per process. THREADS: runner_start and runner_finish on one thread of the host's; everything else on any
 * thread and at any moment, also before runner_start and after runner_finish, because the handlers of consoles and
 * services come when they please. `changed` runs on a worker and must not block.
 */
#ifndef FAIRLEAD_HOST_RUNNER_H
#define FAIRLEAD_HOST_RUNNER_H

#include "base/reload.h"
#include "config/config.h"
#include "daemon.h"

#include <stdbool.h>
#include <stdint.h>

struct runner_options {
    struct config
        *config; /* becomes the runner's, also when runner_start fails; config->file is what a reload reads */
    const char *log_file; /* for a configuration that names none; NULL: standard error. Outlives the runner */
    bool events;          /* tagged lines go to the Event Log too (event_log.h, opened by the host) */
    daemon_changed *changed; /* may be NULL */
    void *context;           /* of `changed` */
};

/* Starts the log and the daemon. False: nothing runs; `why` is a sentence without a full stop, or empty when the daemon has logged the
 * reason, as an event too. */
bool runner_start(const struct runner_options *options, char *why, size_t why_bytes);

/* Waits for DAEMON_STOPPED and for the log; answers the exit code of DESIGN section 4: 0, 1 or 3. */
int runner_finish(void);

/* The first call drains, a second one stops at once; one that comes before the daemon is kept for it. `why` is logged for the
 * first. */
void runner_stop(const char *why);

/* Asks for a reload as daemon_reload does; false also when nothing is running. */
bool runner_reload(struct reload_request *request);

/* Sessions now; 0 when nothing is running. */
uint32_t runner_sessions(void);

/* drain_timeout of the configuration in force. */
uint32_t runner_drain_ms(void);

#endif
