/*
 * daemon_internal: what the parts of the daemon share: daemon.c (start and stop), daemon_bind.c (from addresses to sockets),
 * daemon_reload.c (new configurations while it serves). Nobody else includes it.
 *
 * REFERENCES. Whatever may still run for the daemon holds one: the start, a stop request on its way, the armed or firing drain timer,
 * the relay until it reports closed, the admin likewise, a round of reload from its beginning to its end. The last one dropped makes
 * it STOPPED.
 *
 * `lock` guards state, the stop requests, the queue of reloads and what a reload may change; everything that is done about them happens
 * outside of it, on a worker, and each transition is won by one worker only.
 */
#ifndef FAIRLEAD_DAEMON_INTERNAL_H
#define FAIRLEAD_DAEMON_INTERNAL_H

#include "daemon.h"

#include "admin/admin.h"
#include "base/timer.h"
#include "changes.h"
#include "endpoints.h"
#include "port/port.h"
#include "relay/relay.h"
#include "report.h"

/* A round: the host reads the file, names are looked up, addresses are bound, one swap, and everybody who asked hears of it. `waiting`,
 * `wanted`, `running` and `reading` are guarded by the daemon's lock, the rest belongs to the round. */
struct daemon_reload {
    struct reload_request *waiting; /* for the next round, the last one first */
    bool wanted;                    /* there is to be one, whether or not somebody waits for its outcome */
    bool running;
    bool reading; /* the host has not answered yet */
    struct reload_request *asked;
    struct port_op begin_op;
    struct port_op configured_op;
    struct timer settle_timer;
    struct config *config; /* until a generation takes it over */
    struct endpoints endpoints;
    struct changes changes;
    struct report report;
    bool applied;
};

struct daemon {
    struct daemon_options options;
    char *config_file;
    char *stats_listen;    /* of the first configuration, as everything about the endpoint but its token */
    struct config *config; /* the first one, until a generation takes it over */
    struct port *port;
    struct timer_wheel wheel;
    struct stats stats;
    struct relay *relay;
    struct admin *admin;
    struct endpoints endpoints; /* of the start */
    struct lock lock;
    enum daemon_state state;
    uint32_t stop_requests;
    uint32_t drain_timeout_ms;
    bool stop_posted;
    bool failed;
    uint32_t references; /* atomic */
    uint32_t cut_count;
    struct port_op start_op;
    struct port_op stop_op;
    struct timer drain_timer;
    struct daemon_reload reload;
};

/* --- daemon.c --- */
void daemon_hold(struct daemon *daemon);
bool daemon_try_hold(struct daemon *daemon);
void daemon_drop(struct daemon *daemon);
uint32_t daemon_workers(const struct config *config); /* that it asks for */
void daemon_admin_closed(void *context);

/* --- daemon_bind.c: binds everything, or says in the report all that is in the way. The statistics are bound with the first generation
 * only. --- */
bool daemon_bind_all(struct daemon *daemon, struct generation *generation, const struct endpoints *endpoints,
                     struct report *report);

/* --- daemon_reload.c --- */
void daemon_reload_init(struct daemon *daemon);

/* With the lock held. True: the caller posts begin_op, with a reference for it. */
bool daemon_claim_reload(struct daemon *daemon);

/* The start has failed: those who asked meanwhile hear of it. */
void daemon_reload_refuse(struct daemon *daemon);

#endif
