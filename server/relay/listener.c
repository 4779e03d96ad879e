#include "relay/listener.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/memory.h"
#include "relay/relay.h"
#include "relay/session.h"
#include "relay/upstream.h"

#include <string.h>

bool listener_init(struct listener *listener, struct relay *relay, const struct config_listener *config,
                   struct upstream *upstream)
{
    memset(listener, 0, sizeof *listener);
    listener->relay = relay;
    listener->config = config;
    listener->upstream = upstream;
    client_table_init(&listener->clients, config->sessions_per_ip_max, relay->options.random_seed);
    listener->scope = stats_scope_create(STATS_LISTENER, config->name, NULL, relay->options.stats->workers);
    if (listener->scope == NULL)
        return false;
    listener->scope->mode = config->mode == CONFIG_MODE_ECHO ? "echo" : "proxy";
    gauge_init(&listener->scope->sessions, config->sessions_max);
    return true;
}

static const char *refusal_text(enum stats_counter refusal)
{
    switch (refusal) {
    case STAT_REFUSED_SERVER_LIMIT:
        return "max_sessions of the server is reached";
    case STAT_REFUSED_LISTENER_LIMIT:
        return "max_sessions of the listener is reached";
    case STAT_REFUSED_IP_LIMIT:
        return "max_sessions_per_ip is reached";
    case STAT_REFUSED_EXHAUSTED:
        return "no memory for another session";
    default:
        return "the server is stopping";
    }
}

/* Raises every limit for one client, or none (SEMANTICS S15). Answers STAT_REFUSED_END when it may come in. */
static enum stats_counter listener_admit(struct listener *listener, const struct address *peer)
{
    struct stats *stats = listener->relay->options.stats;

    if (atomic_load_u32(&listener->relay->closing) != 0)
        return STAT_REFUSED_DRAINING;
    if (!gauge_raise(&stats->sessions))
        return STAT_REFUSED_SERVER_LIMIT;
    if (!gauge_raise(&listener->scope->sessions)) {
        gauge_lower(&stats->sessions);
        return STAT_REFUSED_LISTENER_LIMIT;
    }
    enum client_admission admission = client_table_raise(&listener->clients, peer);
    if (admission != CLIENT_ADMITTED) {
        gauge_lower(&listener->scope->sessions);
        gauge_lower(&stats->sessions);
        return admission == CLIENT_OVER_LIMIT ? STAT_REFUSED_IP_LIMIT : STAT_REFUSED_EXHAUSTED;
    }
    return STAT_REFUSED_END;
}

void listener_release(struct listener *listener, const struct address *peer)
{
    client_table_lower(&listener->clients, peer);
    gauge_lower(&listener->scope->sessions);
    gauge_lower(&listener->relay->options.stats->sessions);
}

static void listener_refuse(struct listener *listener, struct port_socket *socket, const struct address *peer,
                            enum stats_counter refusal)
{
    uint64_t suppressed;

    stats_count(listener->scope, refusal, 1);
    if (log_allowed(&listener->relay->refused_log, port_now_us(listener->relay->port), &suppressed)) {
        char text[ADDRESS_TEXT_BYTES];
        log_warn("listener %s: refused %s: %s; %llu more clients were refused since the last line",
                 listener->config->name, address_format(peer, text, sizeof text), refusal_text(refusal),
                 (unsigned long long)suppressed);
    }
    port_reset(socket);
}

static void listener_accepted(struct acceptor *acceptor, struct port_socket *socket,
                              const struct address *peer, const struct address *local)
{
    struct listener *listener = CONTAINER_OF(acceptor, struct listener_socket, acceptor)->listener;
    enum stats_counter refusal = listener_admit(listener, peer);

    (void)local;
    if (refusal == STAT_REFUSED_END && !session_start(listener, socket, peer)) {
        listener_release(listener, peer);
        refusal = STAT_REFUSED_EXHAUSTED;
    }
    if (refusal != STAT_REFUSED_END)
        listener_refuse(listener, socket, peer, refusal);
}

static void listener_socket_closed(struct acceptor *acceptor)
{
    struct listener_socket *socket = CONTAINER_OF(acceptor, struct listener_socket, acceptor);

    /* The memory stays until listener_destroy: another thread may be on its way through the list. */
    relay_drop(socket->listener->relay);
}

enum port_status listener_bind(struct listener *listener, const struct address *address, uint32_t *os_code)
{
    struct relay *relay = listener->relay;
    struct stats_scope *scope = listener->scope;
    struct listener_socket *socket = memory_allocate(1, sizeof *socket);

    *os_code = 0;
    if (socket == NULL)
        return PORT_EXHAUSTED;
    struct acceptor_options options = {relay->port, relay->wheel, listener_accepted, listener_socket_closed,
                                       listener->config->name};
    socket->listener = listener;
    enum port_status status = acceptor_open(&socket->acceptor, &options, address, os_code);
    if (status != PORT_OK) {
        memory_free(socket);
        return status;
    }
    relay_hold(relay);
    struct listener_socket **end = &listener->sockets;
    while (*end != NULL)
        end = &(*end)->next;
    *end = socket;
    if (scope->addresses_count < STATS_ADDRESSES_MAX)
        scope->addresses[scope->addresses_count++] = socket->acceptor.address;
    return PORT_OK;
}

void listener_start(struct listener *listener)
{
    for (struct listener_socket *socket = listener->sockets; socket != NULL; socket = socket->next) {
        char text[ADDRESS_TEXT_BYTES];
        log_info("listener %s: listening on %s (%s)", listener->config->name,
                 address_format(&socket->acceptor.address, text, sizeof text), listener->scope->mode);
        acceptor_start(&socket->acceptor);
    }
}

void listener_close(struct listener *listener)
{
    for (struct listener_socket *socket = listener->sockets; socket != NULL; socket = socket->next)
        acceptor_close(&socket->acceptor);
}

void listener_pause(struct listener *listener)
{
    for (struct listener_socket *socket = listener->sockets; socket != NULL; socket = socket->next)
        acceptor_pause(&socket->acceptor);
}

void listener_destroy(struct listener *listener)
{
    while (listener->sockets != NULL) {
        struct listener_socket *socket = listener->sockets;
        listener->sockets = socket->next;
        memory_free(socket);
    }
    if (listener->scope == NULL)
        return;
    client_table_destroy(&listener->clients);
    stats_unregister(listener->relay->options.stats, listener->scope);
    stats_scope_free(listener->scope);
    listener->scope = NULL;
}
