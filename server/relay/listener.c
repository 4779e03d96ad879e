#include "relay/listener.h"

#include "base/atomic.h"
#include "relay/generation.h"
#include "relay/listener_socket.h"
#include "relay/relay.h"
#include "relay/session.h"
#include "relay/upstream.h"

#include <string.h>

bool listener_init(struct listener *listener, struct generation *generation,
                   const struct config_listener *config, struct upstream *upstream)
{
    memset(listener, 0, sizeof *listener);
    listener->relay = generation->relay;
    listener->generation = generation;
    listener->config = config;
    listener->upstream = upstream;
    listener->ledger = ledgers_take(&listener->relay->ledgers, STATS_LISTENER, config->name, NULL);
    if (listener->ledger == NULL)
        return false;
    listener->scope = listener->ledger->scope;
    return true;
}

void listener_destroy(struct listener *listener)
{
    ledgers_give(&listener->relay->ledgers, listener->ledger);
}

const char *listener_mode(const struct listener *listener)
{
    return listener->config->mode == CONFIG_MODE_ECHO ? "echo" : "proxy";
}

void listener_list(const struct listener *listener, struct stats_listing *listing)
{
    listener->ledger->published = true;
    listing->scope = listener->scope;
    listing->name = listener->config->name;
    listing->mode = listener_mode(listener);
    listing->sessions_max = listener->config->sessions_max;
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
    enum client_admission admission = CLIENT_ADMITTED;
    if (listener->config->sessions_per_ip_max > 0)
        admission =
            client_table_raise(&listener->ledger->clients, peer, listener->config->sessions_per_ip_max);
    if (admission != CLIENT_ADMITTED) {
        gauge_lower(&listener->scope->sessions);
        gauge_lower(&stats->sessions);
        return admission == CLIENT_OVER_LIMIT ? STAT_REFUSED_IP_LIMIT : STAT_REFUSED_EXHAUSTED;
    }
    return STAT_REFUSED_END;
}

void listener_release(struct listener *listener, const struct address *peer)
{
    if (listener->config->sessions_per_ip_max > 0)
        client_table_lower(&listener->ledger->clients, peer);
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

bool listener_accept(struct listener *listener, struct port_socket *socket, const struct address *peer)
{
    enum stats_counter refusal = listener_admit(listener, peer);

    if (refusal == STAT_REFUSED_END && session_start(listener, socket, peer))
        return true;
    if (refusal == STAT_REFUSED_END) {
        listener_release(listener, peer);
        refusal = STAT_REFUSED_EXHAUSTED;
    }
    listener_refuse(listener, socket, peer, refusal);
    return false;
}

enum port_status listener_bind(struct listener *listener, const struct address *address, uint32_t *os_code)
{
    struct address bound;
    enum port_status status = listener_socket_bind(listener, address, &bound, os_code);

    if (status == PORT_OK && listener->addresses_count < STATS_ADDRESSES_MAX)
        listener->addresses[listener->addresses_count++] = bound;
    return status;
}
