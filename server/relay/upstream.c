#include "relay/upstream.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/log.h"
#include "config/text.h"
#include "relay/generation.h"
#include "relay/relay.h"

#include <string.h>

static void server_resolved(struct port_op *op);
static void server_resolve_due(struct timer *timer);

static void server_resolve(struct server *server)
{
    const struct config_endpoint *endpoint = &server->config->endpoint;

    port_resolve(server->upstream->relay->port, &server->resolve, endpoint->host, endpoint->port);
}

bool upstream_init(struct upstream *upstream, struct generation *generation,
                   const struct config_upstream *config)
{
    struct server *server = &upstream->server;

    memset(upstream, 0, sizeof *upstream);
    upstream->relay = generation->relay;
    upstream->generation = generation;
    upstream->config = config;
    server->upstream = upstream;
    server->config = &config->servers[0];
    lock_init(&server->lock);
    port_resolve_init(&server->resolve, server_resolved);
    timer_init(&server->resolve_timer, server_resolve_due);
    server->ledger =
        ledgers_take(&upstream->relay->ledgers, STATS_SERVER, server->config->name, config->name);
    if (server->ledger == NULL)
        return false;
    server->scope = server->ledger->scope;
    if (server->config->endpoint.is_literal) {
        server->addresses[0] = server->config->endpoint.address;
        server->addresses_count = 1;
    }
    return true;
}

void upstream_destroy(struct upstream *upstream)
{
    ledgers_give(&upstream->relay->ledgers, upstream->server.ledger);
}

void upstream_list(const struct upstream *upstream, struct stats_listing *listing)
{
    upstream->server.ledger->published = true;
    listing->scope = upstream->server.scope;
    listing->name = upstream->server.config->name;
    listing->upstream = upstream->config->name;
    listing->sessions_max = upstream->server.config->sessions_max;
}

void upstream_inherit(struct upstream *upstream, struct upstream *from)
{
    struct server *to = &upstream->server;
    struct server *old = &from->server;
    const struct config_endpoint *endpoint = &to->config->endpoint;
    const struct config_endpoint *before = &old->config->endpoint;

    if (endpoint->is_literal || before->is_literal || endpoint->port != before->port ||
        !text_equal(endpoint->host, before->host) || !text_equal(to->config->name, old->config->name))
        return;
    lock_acquire(&old->lock);
    to->looked_up = old->looked_up;
    to->addresses_count = old->addresses_count;
    memcpy(to->addresses, old->addresses, old->addresses_count * sizeof old->addresses[0]);
    lock_release(&old->lock);
}

/* With the lock held, so that of two servers that share the numbers the one in force has the last word. */
static void server_show_addresses(const struct server *server)
{
    if (!server->closing)
        stats_scope_set_addresses(server->upstream->relay->options.stats, server->scope, server->addresses,
                                  server->addresses_count);
}

void upstream_start(struct upstream *upstream)
{
    struct server *server = &upstream->server;

    lock_acquire(&server->lock);
    server_show_addresses(server);
    bool look_up = !server->closing && !server->config->endpoint.is_literal;
    if (look_up)
        generation_hold(upstream->generation);
    lock_release(&server->lock);
    if (look_up)
        server_resolve(server);
}

void upstream_close(struct upstream *upstream)
{
    struct server *server = &upstream->server;

    lock_acquire(&server->lock);
    server->closing = true;
    bool cancelled = timer_cancel(upstream->relay->wheel, &server->resolve_timer);
    lock_release(&server->lock);
    if (cancelled)
        generation_drop(upstream->generation);
}

/* When to look the name up again; 0 = not. While a name does not resolve it is tried more often, interval or not. */
static uint64_t server_resolve_pause_us(const struct server *server, bool failed)
{
    uint64_t interval_us = (uint64_t)server->upstream->config->resolve_interval_ms * 1000;

    if (failed && (interval_us == 0 || interval_us > RESOLVE_RETRY_US))
        return RESOLVE_RETRY_US;
    return interval_us;
}

/* The reference of the look-up becomes that of the timer, or is dropped. */
static void server_resolve_later(struct server *server, bool failed)
{
    struct relay *relay = server->upstream->relay;
    uint64_t pause_us = server_resolve_pause_us(server, failed);

    lock_acquire(&server->lock);
    server->looked_up = true;
    bool armed = false;
    if (!server->closing && pause_us > 0)
        armed = timer_set(relay->wheel, &server->resolve_timer, port_now_us(relay->port) + pause_us);
    lock_release(&server->lock);
    if (!armed)
        generation_drop(server->upstream->generation);
}

static void server_resolve_due(struct timer *timer)
{
    /* The reference of the timer becomes that of the look-up. */
    server_resolve(CONTAINER_OF(timer, struct server, resolve_timer));
}

/* Addresses that are kept stay usable while a look-up fails: a resolver that is down takes no server down. */
static void server_resolve_failed(struct server *server)
{
    stats_count(server->scope, STAT_ERROR_RESOLVE, 1);
    if (atomic_exchange_u32(&server->ledger->resolve_failing, 1) != 0)
        return;
    log_event(EVENT_UPSTREAM_DOWN, LOG_WARN, "upstream %s: server %s: cannot resolve %s: %s",
              server->upstream->config->name, server->config->name, server->config->endpoint.host,
              port_status_text(server->resolve.op.status));
}

static void server_resolve_took(struct server *server)
{
    const struct port_resolve *resolve = &server->resolve;

    lock_acquire(&server->lock);
    server->addresses_count = resolve->count;
    memcpy(server->addresses, resolve->addresses, resolve->count * sizeof resolve->addresses[0]);
    server_show_addresses(server);
    lock_release(&server->lock);
    if (atomic_exchange_u32(&server->ledger->resolve_failing, 0) != 0)
        log_event(EVENT_UPSTREAM_UP, LOG_INFO, "upstream %s: server %s: %s resolves again",
                  server->upstream->config->name, server->config->name, server->config->endpoint.host);
}

static void server_resolved(struct port_op *op)
{
    struct port_resolve *resolve = CONTAINER_OF(op, struct port_resolve, op);
    struct server *server = CONTAINER_OF(resolve, struct server, resolve);
    bool failed = op->status != PORT_OK;

    if (failed)
        server_resolve_failed(server);
    else
        server_resolve_took(server);
    server_resolve_later(server, failed);
}

bool upstream_reserve(struct upstream *upstream, struct attempt *attempt)
{
    struct server *server = &upstream->server;

    memset(attempt, 0, sizeof *attempt);
    if (!gauge_raise(&server->scope->sessions))
        return false;
    attempt->server = server;
    stats_count(server->scope, STAT_SESSIONS, 1);
    return true;
}

void upstream_release(struct attempt *attempt)
{
    CHECK(attempt->server != NULL);
    gauge_lower(&attempt->server->scope->sessions);
    attempt->server = NULL;
}

enum upstream_answer upstream_next_address(struct attempt *attempt)
{
    struct server *server = attempt->server;

    lock_acquire(&server->lock);
    uint32_t count = server->addresses_count;
    if (count > 0)
        attempt->address = server->addresses[attempt->failures % count];
    bool looked_up = server->looked_up;
    lock_release(&server->lock);
    if (count > 0)
        return UPSTREAM_ADDRESS;
    return looked_up ? UPSTREAM_NONE : UPSTREAM_NOT_YET;
}

static enum stats_counter attempt_error(enum port_status status)
{
    switch (status) {
    case PORT_REFUSED:
        return STAT_ERROR_CONNECT_REFUSED;
    case PORT_TIMEOUT:
        return STAT_ERROR_CONNECT_TIMEOUT;
    case PORT_UNREACHABLE:
        return STAT_ERROR_CONNECT_UNREACHABLE;
    case PORT_EXHAUSTED:
        return STAT_ERROR_CONNECT_EXHAUSTED;
    default:
        return STAT_ERROR_CONNECT_OTHER;
    }
}

bool upstream_failed(struct attempt *attempt, enum port_status status, bool *pause)
{
    struct server *server = attempt->server;

    stats_count(server->scope, attempt_error(status), 1);
    attempt->failures++;
    lock_acquire(&server->lock);
    uint32_t count = server->addresses_count;
    lock_release(&server->lock);
    *pause = count == 0 || attempt->failures % count == 0;
    return attempt->failures <= server->upstream->config->retries;
}

void upstream_reached(const struct attempt *attempt)
{
    const struct server *server = attempt->server;

    if (atomic_load_u32(&server->ledger->down) == 0 || atomic_exchange_u32(&server->ledger->down, 0) == 0)
        return;
    log_event(EVENT_UPSTREAM_UP, LOG_INFO, "upstream %s: server %s: can be connected again",
              server->upstream->config->name, server->config->name);
}

void upstream_gave_up(const struct attempt *attempt, enum port_status status, uint32_t os_code)
{
    const struct server *server = attempt->server;
    const struct relay *relay = server->upstream->relay;
    struct ledger *ledger = server->ledger;
    uint64_t suppressed;
    char text[96];

    if (atomic_load_u32(&ledger->down) != 0 ||
        !log_allowed(&ledger->down_log, port_now_us(relay->port), &suppressed) ||
        atomic_exchange_u32(&ledger->down, 1) != 0)
        return;
    log_event(EVENT_UPSTREAM_DOWN, LOG_WARN,
              "upstream %s: server %s: cannot be connected: %s; clients are reset until it can",
              server->upstream->config->name, server->config->name,
              port_status_describe(status, os_code, text, sizeof text));
}
