#include "daemon_internal.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/log.h"
#include "base/wallclock.h"
#include "relay/generation.h"

#include <stddef.h>
#include <string.h>

/*
 * A ROUND holds one reference of the daemon and passes it on: begin (the host is asked to read), configured (its answer), resolved
 * (prepare, bind, commit or abandon: in one go, so that a stop comes either before or after), settled (what was closed has left the
 * system, so that the next round finds its addresses free), finished (everybody who asked is told). A stop at any of these steps lets
 * the round go on to its end, where it is refused, unless its commit came first.
 */

static bool is_stopping(struct daemon *daemon)
{
    lock_acquire(&daemon->lock);
    bool stopping =
        daemon->stop_requests > 0 || (daemon->state != DAEMON_SERVING && daemon->state != DAEMON_STARTING);
    lock_release(&daemon->lock);
    return stopping;
}

/* --- telling it ------------------------------------------------------------------------------------------ */

static uint32_t log_lines(const char *text, enum log_level level, char first[REPORT_LINE_BYTES])
{
    char line[REPORT_LINE_BYTES];
    uint32_t lines = 0;

    while (report_next_line(&text, line)) {
        if (lines++ == 0)
            memcpy(first, line, sizeof line);
        log_write(level, "reload: %s", line);
    }
    return lines;
}

static void log_outcome(struct daemon *daemon, const struct reload_outcome *outcome)
{
    const struct changes *changes = &daemon->reload.changes;
    unsigned long long generation = outcome->generation;
    char first[REPORT_LINE_BYTES] = "";
    uint32_t lines = log_lines(outcome->text, outcome->applied ? LOG_INFO : LOG_ERROR, first);

    if (outcome->applied)
        log_event(EVENT_RELOADED, LOG_INFO,
                  "the configuration was reloaded: generation %llu is in force; listeners: %zu added, %zu "
                  "removed, %zu changed, %zu unchanged",
                  generation, changes->listeners_added, changes->listeners_removed,
                  changes->listeners_changed, changes->listeners_unchanged);
    else if (lines > 1)
        log_event(EVENT_RELOAD_REFUSED, LOG_ERROR,
                  "the reload was refused, generation %llu stays in force: %s (lines in all: %u)", generation,
                  first, lines);
    else
        log_event(EVENT_RELOAD_REFUSED, LOG_ERROR,
                  "the reload was refused, generation %llu stays in force: %s", generation, first);
}

/* In the order in which they asked. Each request is its owner's again from its `done` on. */
static void answer(struct reload_request *asked, const struct reload_outcome *outcome)
{
    struct reload_request *first = NULL;

    while (asked != NULL) {
        struct reload_request *next = asked->next;
        asked->next = first;
        first = asked;
        asked = next;
    }
    while (first != NULL) {
        struct reload_request *request = first;
        first = request->next;
        request->done(request, outcome);
    }
}

/* The reference goes on to the next round, or is dropped. */
static void round_finished(struct daemon *daemon)
{
    struct daemon_reload *reload = &daemon->reload;

    config_free(reload->config);
    reload->config = NULL;
    if (!reload->applied && is_stopping(daemon)) {
        report_free(&reload->report);
        report_line(&reload->report, "the server is stopping");
    }
    struct reload_outcome outcome = {reload->applied, atomic_load_u64(&daemon->stats.config_generation),
                                     report_text(&reload->report)};
    log_outcome(daemon, &outcome);
    stats_set_reload(&daemon->stats, outcome.applied, wallclock_now_ms(), outcome.text);
    struct reload_request *asked = reload->asked;
    reload->asked = NULL;
    answer(asked, &outcome);
    report_free(&reload->report);

    lock_acquire(&daemon->lock);
    bool again = reload->wanted;
    reload->running = again;
    lock_release(&daemon->lock);
    if (again)
        port_post(daemon->port, &reload->begin_op);
    else
        daemon_drop(daemon);
}

/* Sockets leave the system with their last completion, some moments after they were closed. */
static void round_settles(struct daemon *daemon)
{
    uint64_t due_us = port_now_us(daemon->port) + RELOAD_SETTLE_US;

    if (daemon->relay == NULL || relay_sockets_leaving(daemon->relay) == 0)
        round_finished(daemon);
    else
        (void)timer_set(&daemon->wheel, &daemon->reload.settle_timer, due_us);
}

static void settle_due(struct timer *timer)
{
    round_settles(CONTAINER_OF(timer, struct daemon, reload.settle_timer));
}

/* --- doing it -------------------------------------------------------------------------------------------- */

static const char *stats_text(const struct config_stats *stats)
{
    return stats->enabled ? stats->listen.text : "off";
}

/* What was made once, at the start, and stays as it is. */
static void report_fixed(struct daemon *daemon, const struct config *config)
{
    const char *stats = stats_text(&config->stats);
    struct report *report = &daemon->reload.report;

    if (daemon_workers(config) != port_workers(daemon->port))
        report_line(report, "[server] workers: %u stays until a restart; the file says %u",
                    port_workers(daemon->port), daemon_workers(config));
    if (config->server.buffer_bytes != daemon->relay->stock.buffer_bytes)
        report_line(report, "[server] buffer_size: %u bytes stay until a restart; the file says %u",
                    daemon->relay->stock.buffer_bytes, config->server.buffer_bytes);
    if (strcmp(stats, daemon->stats_listen) != 0)
        report_line(report, "[stats] listen: %s stays until a restart; the file says %s",
                    daemon->stats_listen, stats);
}

/* In force from now on, beside what the relay does. Only one round runs, so `config` stays in force while the host adopts it. */
static void adopt(struct daemon *daemon, const struct config *config)
{
    lock_acquire(&daemon->lock);
    daemon->drain_timeout_ms = config->server.drain_timeout_ms;
    lock_release(&daemon->lock);
    if (daemon->admin != NULL)
        admin_set_token(daemon->admin, config->stats.token);
    if (daemon->options.adopted != NULL)
        daemon->options.adopted(daemon->options.context, config);
}

/* Everything that can fail, then the commit. */
static bool apply(struct daemon *daemon)
{
    struct daemon_reload *reload = &daemon->reload;
    struct generation *generation = relay_prepare(daemon->relay, reload->config);

    reload->config = NULL;
    if (generation == NULL) {
        report_line(&reload->report, "there is no memory for another configuration");
        return false;
    }
    if (!daemon_bind_all(daemon, generation, &reload->endpoints, &reload->report)) {
        relay_abandon(generation);
        return false;
    }
    /* Described before the commit: after it the one before may be gone. */
    struct generation *before = relay_current(daemon->relay);
    report_line(&reload->report, "generation %llu is in force", (unsigned long long)before->number + 1);
    changes_describe(&reload->changes, &reload->report, before, generation);
    report_fixed(daemon, generation->config);
    if (!relay_commit(generation)) {
        relay_abandon(generation);
        return false;
    }
    adopt(daemon, generation->config);
    return true;
}

static void round_resolved(struct endpoints *endpoints)
{
    struct daemon *daemon = CONTAINER_OF(endpoints, struct daemon, reload.endpoints);

    daemon->reload.applied = !is_stopping(daemon) && apply(daemon);
    endpoints_free(endpoints);
    round_settles(daemon);
}

static void round_configured(struct port_op *op)
{
    struct daemon *daemon = CONTAINER_OF(op, struct daemon, reload.configured_op);
    struct daemon_reload *reload = &daemon->reload;

    if (reload->config == NULL || is_stopping(daemon)) {
        round_settles(daemon);
    } else if (endpoints_init(&reload->endpoints, daemon->port, reload->config, false, round_resolved)) {
        endpoints_resolve(&reload->endpoints);
    } else {
        report_line(&reload->report, "there is no memory for another configuration");
        round_settles(daemon);
    }
}

static void round_begins(struct port_op *op)
{
    struct daemon *daemon = CONTAINER_OF(op, struct daemon, reload.begin_op);
    struct daemon_reload *reload = &daemon->reload;
    bool stopping = is_stopping(daemon);
    bool read = !stopping && daemon->options.read != NULL;

    lock_acquire(&daemon->lock);
    reload->asked = reload->waiting;
    reload->waiting = NULL;
    reload->wanted = false;
    reload->applied = false;
    reload->reading = read;
    lock_release(&daemon->lock);
    if (read) {
        /* From here on the round is daemon_configure's, which may come on another thread before this returns. */
        daemon->options.read(daemon->options.context, daemon);
        return;
    }
    if (!stopping)
        report_line(&reload->report, "this server was started without a file to read again");
    round_settles(daemon);
}

void daemon_configure(struct daemon *daemon, struct config *config, const char *why)
{
    struct daemon_reload *reload = &daemon->reload;

    lock_acquire(&daemon->lock);
    CHECK(reload->reading);
    reload->reading = false;
    lock_release(&daemon->lock);
    reload->config = config;
    if (config == NULL)
        report_add_text(&reload->report, why == NULL ? "the configuration cannot be read" : why);
    port_post(daemon->port, &reload->configured_op);
}

/* --- asking for it --------------------------------------------------------------------------------------- */

bool daemon_claim_reload(struct daemon *daemon)
{
    bool claim = daemon->reload.wanted && !daemon->reload.running && daemon->state != DAEMON_STARTING;

    if (claim)
        daemon->reload.running = true;
    return claim;
}

bool daemon_reload(struct daemon *daemon, struct reload_request *request)
{
    struct daemon_reload *reload = &daemon->reload;

    if (!daemon_try_hold(daemon))
        return false;
    lock_acquire(&daemon->lock);
    bool taken =
        daemon->stop_requests == 0 && (daemon->state == DAEMON_STARTING || daemon->state == DAEMON_SERVING);
    if (taken && request != NULL) {
        request->next = reload->waiting;
        reload->waiting = request;
    }
    if (taken)
        reload->wanted = true;
    bool post = taken && daemon_claim_reload(daemon);
    lock_release(&daemon->lock);
    if (post)
        port_post(daemon->port, &reload->begin_op);
    else
        daemon_drop(daemon);
    return taken;
}

void daemon_reload_refuse(struct daemon *daemon)
{
    struct reload_outcome outcome = {false, 0, "the server could not start\n"};

    lock_acquire(&daemon->lock);
    struct reload_request *waiting = daemon->reload.waiting;
    daemon->reload.waiting = NULL;
    daemon->reload.wanted = false;
    lock_release(&daemon->lock);
    answer(waiting, &outcome);
}

void daemon_reload_init(struct daemon *daemon)
{
    port_op_init(&daemon->reload.begin_op, round_begins);
    port_op_init(&daemon->reload.configured_op, round_configured);
    timer_init(&daemon->reload.settle_timer, settle_due);
}
