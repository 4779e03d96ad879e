#include "daemon.h"

#include "admin/admin.h"
#include "base/atomic.h"
#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/timer.h"
#include "base/version.h"
#include "base/wallclock.h"
#include "endpoints.h"
#include "port/port.h"
#include "relay/relay.h"
#include "stats/json.h"

#include <stddef.h>
#include <stdio.h>

/*
 * REFERENCES. Whatever may still run for the daemon holds one: the start, a stop request on its way, the armed or firing drain timer,
 * the relay until it reports closed, the admin likewise. The last one dropped makes it STOPPED.
 *
 * `lock` guards state and stop_requests; everything that is done about them happens outside of it, on a worker, and each
 * transition is won by one worker only.
 */
struct daemon {
    struct daemon_options options;
    struct config *config;
    struct port *port;
    struct timer_wheel wheel;
    struct stats stats;
    struct relay *relay;
    struct admin *admin;
    struct endpoints endpoints;
    struct lock lock;
    enum daemon_state state;
    uint32_t stop_requests;
    bool stop_posted;
    bool failed;
    uint32_t references; /* atomic */
    uint32_t cut_count;
    struct port_op start_op;
    struct port_op stop_op;
    struct timer drain_timer;
};

static void daemon_hold(struct daemon *daemon)
{
    atomic_fetch_add_u32(&daemon->references, 1);
}

static bool daemon_try_hold(struct daemon *daemon)
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
        log_warn("stopped; %u sessions were cut", daemon->cut_count);
    else if (!daemon->failed)
        log_info("stopped");
    daemon_report(daemon, DAEMON_STOPPED);
}

static void daemon_drop(struct daemon *daemon)
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

static void daemon_admin_closed(void *context)
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
    uint64_t drain_us = (uint64_t)daemon->config->server.drain_timeout_ms * 1000;

    log_info("stopping: no new connections; %u sessions have %u.%03u s to finish",
             gauge_current(&daemon->stats.sessions), daemon->config->server.drain_timeout_ms / 1000,
             daemon->config->server.drain_timeout_ms % 1000);
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

static void daemon_log_bind_failure(const struct daemon *daemon, const struct endpoint *endpoint,
                                    const struct address *address, enum port_status status, uint32_t os_code)
{
    char where[ADDRESS_TEXT_BYTES];
    char why[96];
    char owner[160];
    bool stats = endpoint->listener == ENDPOINT_OF_STATS;
    bool owned = status == PORT_IN_USE && port_describe_owner(address, owner, sizeof owner);

    log_error("%s:%u: %s%s: cannot listen on %s: %s%s%s", daemon->config->file, endpoint->config->line,
              stats ? "statistics" : "listener ",
              stats ? "" : daemon->config->listeners[endpoint->listener].name,
              address_format(address, where, sizeof where),
              port_status_describe(status, os_code, why, sizeof why), owned ? ", by " : "",
              owned ? owner : "");
}

static bool daemon_ask_reload(void *context, struct reload_request *request)
{
    return daemon_reload(context, request);
}

static enum port_status daemon_bind_admin(struct daemon *daemon, const struct address *address,
                                          uint32_t *os_code)
{
    struct admin_options options = {daemon->port,        &daemon->wheel,
                                    &daemon->stats,      daemon->config->stats.token,
                                    daemon_ask_reload,   daemon,
                                    daemon_admin_closed, daemon};

    enum port_status status = admin_open(&daemon->admin, &options, address, os_code);
    if (status == PORT_OK)
        daemon_hold(daemon);
    return status;
}

/* Binds one endpoint; a name with several addresses may lack some of them on this machine ("localhost" without IPv6), a literal
 * address may not. The statistics listen on the first address only. */
static bool daemon_bind(struct daemon *daemon, const struct endpoint *endpoint)
{
    const struct port_resolve *resolve = &endpoint->resolve;
    bool stats = endpoint->listener == ENDPOINT_OF_STATS;
    uint32_t bound = 0;

    if (resolve->op.status != PORT_OK) {
        log_error("%s:%u: cannot resolve %s: %s", daemon->config->file, endpoint->config->line,
                  endpoint->config->host, port_status_text(resolve->op.status));
        return false;
    }
    for (uint32_t i = 0; i < resolve->count && !(stats && bound > 0); i++) {
        uint32_t os_code = 0;
        enum port_status status =
            stats ? daemon_bind_admin(daemon, &resolve->addresses[i], &os_code)
                  : relay_bind(daemon->relay, (size_t)endpoint->listener, &resolve->addresses[i], &os_code);
        if (status == PORT_OK)
            bound++;
        else if (status != PORT_NO_ADDRESS || i + 1 == resolve->count)
            daemon_log_bind_failure(daemon, endpoint, &resolve->addresses[i], status, os_code);
        if (status != PORT_OK && status != PORT_NO_ADDRESS)
            return false;
    }
    return bound > 0;
}

/* Tries all of them, so that every failure is told at once. */
static bool daemon_bind_all(struct daemon *daemon)
{
    bool bound = true;

    for (size_t i = 0; i < daemon->endpoints.count; i++)
        bound = daemon_bind(daemon, &daemon->endpoints.items[i]) && bound;
    return bound;
}

static void daemon_serve(struct daemon *daemon)
{
    char text[ADDRESS_TEXT_BYTES];

    relay_start(daemon->relay);
    if (daemon->admin != NULL) {
        struct address address;
        admin_address(daemon->admin, &address);
        log_info("statistics: http://%s/stats", address_format(&address, text, sizeof text));
        admin_start(daemon->admin);
    }
    log_info(FAIRLEAD_NAME " " FAIRLEAD_VERSION " is serving; %u workers, configuration %s",
             port_workers(daemon->port), daemon->config->file);
    stats_set_state(&daemon->stats, STATS_SERVING);
    daemon_report(daemon, DAEMON_SERVING);

    /* A stop that came meanwhile was left for now. */
    lock_acquire(&daemon->lock);
    daemon->state = DAEMON_SERVING;
    bool stop = daemon_claim_stop(daemon);
    lock_release(&daemon->lock);
    if (!stop)
        return;
    daemon_hold(daemon);
    port_post(daemon->port, &daemon->stop_op);
}

static void daemon_fail(struct daemon *daemon)
{
    daemon->failed = true;
    (void)daemon_advance(daemon, DAEMON_STARTING, DAEMON_STOPPING);
    relay_close(daemon->relay);
}

static void daemon_resolved(struct endpoints *endpoints)
{
    struct daemon *daemon = CONTAINER_OF(endpoints, struct daemon, endpoints);

    if (daemon_bind_all(daemon))
        daemon_serve(daemon);
    else
        daemon_fail(daemon);
    endpoints_free(endpoints);
    daemon_drop(daemon);
}

static bool daemon_prepare(struct daemon *daemon)
{
    struct relay_options options = {
        daemon->port,        &daemon->wheel, &daemon->stats, daemon->config, daemon->options.random_seed,
        daemon_relay_closed, daemon};

    daemon->relay = relay_create(&options);
    if (daemon->relay == NULL)
        return false;
    daemon_hold(daemon);
    return endpoints_init(&daemon->endpoints, daemon->port, daemon->config, daemon_resolved);
}

static void daemon_start_posted(struct port_op *op)
{
    struct daemon *daemon = CONTAINER_OF(op, struct daemon, start_op);

    if (daemon_prepare(daemon)) {
        endpoints_resolve(&daemon->endpoints);
        return;
    }
    log_error("cannot start: out of memory");
    if (daemon->relay != NULL)
        daemon_fail(daemon);
    daemon->failed = true;
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
        log_error("cannot start: no completion port: %s",
                  port_status_describe(status, os_code, text, sizeof text));
    }
    return status == PORT_OK;
}

static uint32_t daemon_workers(const struct config *config)
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
    daemon->stats.config_file = daemon->config->file;
    daemon->stats.config_generation = 1;
    daemon->stats.generations_in_use = 1;
    daemon->stats.read_process = daemon->options.read_process;
}

struct daemon *daemon_start(const struct daemon_options *options)
{
    uint32_t workers = daemon_workers(options->config);
    struct daemon *daemon = memory_allocate(1, sizeof *daemon);

    if (daemon == NULL) {
        log_error("cannot start: out of memory");
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
    daemon_init_stats(daemon, workers);
    if (!daemon_create_port(daemon, workers)) {
        stats_destroy(&daemon->stats);
        config_free(daemon->config);
        memory_free(daemon);
        return NULL;
    }
    daemon->stats.started_us = port_now_us(daemon->port);
    port_post(daemon->port, &daemon->start_op);
    return daemon;
}

bool daemon_reload(struct daemon *daemon, struct reload_request *request)
{
    (void)daemon;
    (void)request;
    return false;
}

void daemon_configure(struct daemon *daemon, struct config *config, const char *why)
{
    (void)daemon;
    (void)why;
    config_free(config);
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
    config_free(daemon->config);
    memory_free(daemon);
}
