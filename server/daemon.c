#include "daemon_internal.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/version.h"
#include "base/wallclock.h"
#include "stats/json.h"

#include <stddef.h>

void daemon_hold(struct daemon *daemon)
{
    atomic_fetch_add_u32(&daemon->references, 1);
}

bool daemon_try_hold(struct daemon *daemon)
{
    for (;;) {
        uint32_t references = atomic_load_u32(&daemon->references);
        if (references == 0)
            return false;
        if (atomic_cas_u32(&daemon->references, references, references + 1))
            return true;
    }
}

static void daemon_report(struct daemon *daemon, enum daemon_state state)
{
    if (daemon->options.changed != NULL)
        daemon->options.changed(daemon->options.context, state);
}

static void daemon_stopped(struct daemon *daemon)
{
    lock_acquire(&daemon->lock);
    daemon->state = DAEMON_STOPPED;
    lock_release(&daemon->lock);
    stats_set_state(&daemon->stats, STATS_STOPPED);
    if (daemon->relay != NULL)
        daemon->cut_count = relay_cut_count(daemon->relay);
    if (daemon->cut_count > 0)
        log_event(EVENT_STOPPED_CUT, LOG_WARN, "stopped; %u sessions were cut", daemon->cut_count);
    else if (!daemon->failed)
        log_event(EVENT_STOPPED, LOG_INFO, "stopped");
    daemon_report(daemon, DAEMON_STOPPED);
}

void daemon_drop(struct daemon *daemon)
{
    if (atomic_fetch_add_u32(&daemon->references, UINT32_MAX) == 1)
        daemon_stopped(daemon);
}

/* From `from` to `to`, if nobody else was faster. */
static bool daemon_advance(struct daemon *daemon, enum daemon_state from, enum daemon_state to)
{
    lock_acquire(&daemon->lock);
    bool won = daemon->state == from;
    if (won)
        daemon->state = to;
    lock_release(&daemon->lock);
    return won;
}

/* --- the end --------------------------------------------------------------------------------------------- */

void daemon_admin_closed(void *context)
{
    struct daemon *daemon = context;

    daemon_drop(daemon);
}

/* The traffic is over: the statistics go last, so that they can be read while draining. */
static void daemon_relay_closed(void *context)
{
    struct daemon *daemon = context;

    if (daemon_advance(daemon, DAEMON_DRAINING, DAEMON_STOPPING))
        daemon_report(daemon, DAEMON_STOPPING);
    if (timer_cancel(&daemon->wheel, &daemon->drain_timer))
        daemon_drop(daemon);
    if (daemon->admin != NULL)
        admin_close(daemon->admin);
    daemon_drop(daemon);
}

static void daemon_cut(struct daemon *daemon, const char *why)
{
    if (!daemon_advance(daemon, DAEMON_DRAINING, DAEMON_STOPPING))
        return;
    uint32_t sessions = gauge_current(&daemon->stats.sessions);
    if (sessions > 0)
        log_warn("stopping at once: %s; %u sessions are still open", why, sessions);
    daemon_report(daemon, DAEMON_STOPPING);
    relay_cut(daemon->relay);
}

static void daemon_drain_over(struct timer *timer)
{
    struct daemon *daemon = CONTAINER_OF(timer, struct daemon, drain_timer);

    daemon_cut(daemon, "drain_timeout has passed");
    daemon_drop(daemon);
}

static void daemon_drain(struct daemon *daemon)
{
    lock_acquire(&daemon->lock);
    uint32_t drain_ms = daemon->drain_timeout_ms;
    lock_release(&daemon->lock);
    uint64_t drain_us = (uint64_t)drain_ms * 1000;

    log_event(EVENT_STOPPING, LOG_INFO, "stopping: no new connections; %u sessions have %u.%03u s to finish",
              gauge_current(&daemon->stats.sessions), drain_ms / 1000, drain_ms % 1000);
    stats_set_state(&daemon->stats, STATS_DRAINING);
    daemon_report(daemon, DAEMON_DRAINING);
    daemon_hold(daemon);
    if (!timer_set(&daemon->wheel, &daemon->drain_timer, port_now_us(daemon->port) + drain_us))
        daemon_drop(daemon);
    relay_close(daemon->relay);
}

static void daemon_obey(struct daemon *daemon, uint32_t stop_requests)
{
    if (stop_requests > 0 && daemon_advance(daemon, DAEMON_SERVING, DAEMON_DRAINING))
        daemon_drain(daemon);
    if (stop_requests > 1)
        daemon_cut(daemon, "a second stop was asked for");
}

/* The next request, for one worker at a time, so that the host hears of the states in their order. False: none is left, or it is
 * too early, and then the end of the start posts again. */
static bool daemon_next_request(struct daemon *daemon, uint32_t *stop_requests)
{
    lock_acquire(&daemon->lock);
    bool more = daemon->state != DAEMON_STARTING && daemon->stop_requests > *stop_requests;
    if (!more)
        daemon->stop_posted = false;
    *stop_requests = daemon->stop_requests;
    lock_release(&daemon->lock);
    return more;
}

static void daemon_stop_posted(struct port_op *op)
{
    struct daemon *daemon = CONTAINER_OF(op, struct daemon, stop_op);
    uint32_t stop_requests = 0;

    while (daemon_next_request(daemon, &stop_requests))
        daemon_obey(daemon, stop_requests);
    daemon_drop(daemon);
}

/* With the lock held. True: the caller posts stop_op, with a reference for it. */
static bool daemon_claim_stop(struct daemon *daemon)
{
    bool post = daemon->stop_requests > 0 && !daemon->stop_posted;

    if (post)
        daemon->stop_posted = true;
    return post;
}

void daemon_stop(struct daemon *daemon)
{
    if (!daemon_try_hold(daemon))
        return; /* it has stopped already */
    lock_acquire(&daemon->lock);
    daemon->stop_requests++;
    bool post = daemon_claim_stop(daemon);
    lock_release(&daemon->lock);
    if (post)
        port_post(daemon->port, &daemon->stop_op);
    else
        daemon_drop(daemon);
}

/* --- the beginning --------------------------------------------------------------------------------------- */

static void daemon_serve(struct daemon *daemon)
{
    char text[ADDRESS_TEXT_BYTES];

    if (daemon->admin != NULL) {
        struct address address;
        admin_address(daemon->admin, &address);
        log_info("statistics: http://%s/stats", address_format(&address, text, sizeof text));
        admin_start(daemon->admin);
    }
    log_event(EVENT_STARTED, LOG_INFO,
              FAIRLEAD_NAME " " FAIRLEAD_VERSION " is serving; %u workers, configuration %s",
              port_workers(daemon->port), daemon->config_file);
    stats_set_state(&daemon->stats, STATS_SERVING);
    daemon_report(daemon, DAEMON_SERVING);

    /* A stop or a reload that came meanwhile was left for now. */
    lock_acquire(&daemon->lock);
    daemon->state = DAEMON_SERVING;
    bool stop = daemon_claim_stop(daemon);
    bool reload = daemon_claim_reload(daemon);
    lock_release(&daemon->lock);
    if (stop) {
        daemon_hold(daemon);
        port_post(daemon->port, &daemon->stop_op);
    }
    if (reload) {
        daemon_hold(daemon);
        port_post(daemon->port, &daemon->reload.begin_op);
    }
}

static void daemon_fail(struct daemon *daemon, struct report *report)
{
    const char *text = report_text(report);
    char line[REPORT_LINE_BYTES];

    while (report_next_line(&text, line))
        log_event(EVENT_LISTENER_FAILED, LOG_ERROR, "%s", line);
    log_event(EVENT_START_FAILED, LOG_ERROR, "cannot start with the configuration %s: nothing is served",
              daemon->config_file);
    daemon->failed = true;
    (void)daemon_advance(daemon, DAEMON_STARTING, DAEMON_STOPPING);
    daemon_reload_refuse(daemon);
    if (daemon->relay != NULL)
        relay_close(daemon->relay);
}

static bool daemon_bind_first(struct daemon *daemon, struct report *report)
{
    struct generation *generation = relay_prepare(daemon->relay, daemon->config);

    daemon->config = NULL;
    if (generation == NULL) {
        report_line(report, "cannot start: out of memory");
        return false;
    }
    if (!daemon_bind_all(daemon, generation, &daemon->endpoints, report)) {
        relay_abandon(generation);
        return false;
    }
    bool committed = relay_commit(generation);
    CHECK(committed); /* nobody closes the relay while the daemon is starting */
    return true;
}

static void daemon_resolved(struct endpoints *endpoints)
{
    struct daemon *daemon = CONTAINER_OF(endpoints, struct daemon, endpoints);
    struct report report = {0};

    if (daemon_bind_first(daemon, &report))
        daemon_serve(daemon);
    else
        daemon_fail(daemon, &report);
    report_free(&report);
    endpoints_free(endpoints);
    daemon_drop(daemon);
}

static bool daemon_prepare(struct daemon *daemon)
{
    struct relay_options options = {daemon->port,
                                    &daemon->wheel,
                                    &daemon->stats,
                                    daemon->config->server.buffer_bytes,
                                    daemon->options.random_seed,
                                    daemon_relay_closed,
                                    daemon};

    daemon->relay = relay_create(&options);
    if (daemon->relay == NULL)
        return false;
    daemon_hold(daemon);
    return endpoints_init(&daemon->endpoints, daemon->port, daemon->config, true, daemon_resolved);
}

static void daemon_start_posted(struct port_op *op)
{
    struct daemon *daemon = CONTAINER_OF(op, struct daemon, start_op);
    struct report report = {0};

    if (daemon_prepare(daemon)) {
        endpoints_resolve(&daemon->endpoints);
        return;
    }
    report_line(&report, "cannot start: out of memory");
    daemon_fail(daemon, &report);
    report_free(&report);
    daemon_drop(daemon);
}

static uint64_t daemon_tick(void *context, uint64_t now_us)
{
    struct daemon *daemon = context;

    return timer_wheel_advance(&daemon->wheel, now_us);
}

static bool daemon_create_port(struct daemon *daemon, uint32_t workers)
{
    struct port_options options = {workers, daemon_tick, daemon};
    uint32_t os_code = 0;
    enum port_status status = port_create(&options, &daemon->port, &os_code);

    if (status != PORT_OK) {
        char text[96];
        log_event(EVENT_START_FAILED, LOG_ERROR, "cannot start: no completion port: %s",
                  port_status_describe(status, os_code, text, sizeof text));
    }
    return status == PORT_OK;
}

uint32_t daemon_workers(const struct config *config)
{
    uint32_t processors = port_processors();

    if (config->server.workers > 0)
        return config->server.workers;
    return processors < WORKERS_MAX ? processors : WORKERS_MAX;
}

static void daemon_init_stats(struct daemon *daemon, uint32_t workers)
{
    json_start();
    stats_init(&daemon->stats, workers);
    daemon->stats.pid = daemon->options.pid;
    daemon->stats.started_at_ms = wallclock_now_ms();
    daemon->stats.config_file = daemon->config_file;
    daemon->stats.read_process = daemon->options.read_process;
}

/* What is asked for after the first configuration is gone. */
static bool daemon_copy_config(struct daemon *daemon)
{
    const struct config_stats *stats = &daemon->config->stats;

    daemon->drain_timeout_ms = daemon->config->server.drain_timeout_ms;
    daemon->config_file = memory_copy_string(daemon->config->file);
    daemon->stats_listen = memory_copy_string(stats->enabled ? stats->listen.text : "off");
    return daemon->config_file != NULL && daemon->stats_listen != NULL;
}

static void daemon_destroy(struct daemon *daemon)
{
    config_free(daemon->config);
    memory_free(daemon->config_file);
    memory_free(daemon->stats_listen);
    memory_free(daemon);
}

static struct daemon *daemon_create(const struct daemon_options *options)
{
    struct daemon *daemon = memory_allocate(1, sizeof *daemon);

    if (daemon == NULL) {
        config_free(options->config);
        return NULL;
    }
    daemon->options = *options;
    daemon->config = options->config;
    daemon->references = 1; /* the start */
    lock_init(&daemon->lock);
    timer_wheel_init(&daemon->wheel, 0);
    timer_init(&daemon->drain_timer, daemon_drain_over);
    port_op_init(&daemon->start_op, daemon_start_posted);
    port_op_init(&daemon->stop_op, daemon_stop_posted);
    daemon_reload_init(daemon);
    if (!daemon_copy_config(daemon)) {
        daemon_destroy(daemon);
        return NULL;
    }
    return daemon;
}

struct daemon *daemon_start(const struct daemon_options *options)
{
    uint32_t workers = daemon_workers(options->config);
    struct daemon *daemon = daemon_create(options);

    if (daemon == NULL) {
        log_event(EVENT_START_FAILED, LOG_ERROR, "cannot start: out of memory");
        return NULL;
    }
    daemon_init_stats(daemon, workers);
    if (!daemon_create_port(daemon, workers)) {
        stats_destroy(&daemon->stats);
        daemon_destroy(daemon);
        return NULL;
    }
    daemon->stats.started_us = port_now_us(daemon->port);
    port_post(daemon->port, &daemon->start_op);
    return daemon;
}

struct stats *daemon_stats(struct daemon *daemon)
{
    return &daemon->stats;
}

enum daemon_outcome daemon_outcome(const struct daemon *daemon)
{
    if (daemon->failed)
        return DAEMON_FAILED;
    return daemon->cut_count > 0 ? DAEMON_CUT : DAEMON_OK;
}

void daemon_free(struct daemon *daemon)
{
    if (daemon == NULL)
        return;
    CHECK(daemon->state == DAEMON_STOPPED);
    port_destroy(daemon->port);
    admin_free(daemon->admin);
    relay_free(daemon->relay);
    timer_wheel_destroy(&daemon->wheel);
    stats_destroy(&daemon->stats);
    daemon_destroy(daemon);
}
