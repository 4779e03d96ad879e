#include "daemon_internal.h"

#include "relay/listener_socket.h"

#include <stdio.h>

/* Who has the address, as the end of a sentence: this server itself, or another process where the system tells. */
static const char *describe_holder(struct daemon *daemon, struct generation *generation,
                                   const struct address *address, enum port_status status, char *text,
                                   size_t text_bytes)
{
    char holder[LISTENER_SOCKET_HOLDER_BYTES];
    struct address statistics;

    if (status != PORT_IN_USE && status != PORT_DENIED)
        return "";
    if (listener_socket_holder(generation, address, holder) != NULL) {
        snprintf(text, text_bytes, "; %s", holder);
        return text;
    }
    if (daemon->admin != NULL) {
        admin_address(daemon->admin, &statistics);
        if (address_overlaps(&statistics, address))
            return "; the statistics of this server have it until a restart";
    }
    if (status != PORT_IN_USE || !port_describe_owner(address, holder, sizeof holder))
        return "";
    snprintf(text, text_bytes, ", by %s", holder);
    return text;
}

static void report_bind_failure(struct daemon *daemon, struct generation *generation,
                                const struct endpoint *endpoint, const struct address *address,
                                enum port_status status, uint32_t os_code, struct report *report)
{
    const struct config *config = generation->config;
    bool stats = endpoint->listener == ENDPOINT_OF_STATS;
    char where[ADDRESS_TEXT_BYTES];
    char why[96];
    char holder[LISTENER_SOCKET_HOLDER_BYTES + 8];

    report_line(report, "%s:%u: %s%s: cannot listen on %s: %s%s", config->file, endpoint->config->line,
                stats ? "statistics" : "listener ", stats ? "" : config->listeners[endpoint->listener].name,
                address_format(address, where, sizeof where),
                port_status_describe(status, os_code, why, sizeof why),
                describe_holder(daemon, generation, address, status, holder, sizeof holder));
}

static bool ask_reload(void *context, struct reload_request *request)
{
    return daemon_reload(context, request);
}

static enum port_status bind_admin(struct daemon *daemon, const struct config *config,
                                   const struct address *address, uint32_t *os_code)
{
    struct admin_options options = {daemon->port, &daemon->wheel, &daemon->stats,      config->stats.token,
                                    ask_reload,   daemon,         daemon_admin_closed, daemon};

    enum port_status status = admin_open(&daemon->admin, &options, address, os_code);
    if (status == PORT_OK)
        daemon_hold(daemon);
    return status;
}

/* Binds one endpoint; a name with several addresses may lack some of them on this machine ("localhost" without IPv6), a literal
 * address may not. The statistics listen on the first address only. */
static bool bind_endpoint(struct daemon *daemon, struct generation *generation,
                          const struct endpoint *endpoint, struct report *report)
{
    const struct port_resolve *resolve = &endpoint->resolve;
    bool stats = endpoint->listener == ENDPOINT_OF_STATS;
    uint32_t bound = 0;

    if (resolve->op.status != PORT_OK) {
        report_line(report, "%s:%u: cannot resolve %s: %s", generation->config->file, endpoint->config->line,
                    endpoint->config->host, port_status_text(resolve->op.status));
        return false;
    }
    for (uint32_t i = 0; i < resolve->count && !(stats && bound > 0); i++) {
        const struct address *address = &resolve->addresses[i];
        uint32_t os_code = 0;
        enum port_status status = stats
                                      ? bind_admin(daemon, generation->config, address, &os_code)
                                      : relay_bind(generation, (size_t)endpoint->listener, address, &os_code);
        if (status == PORT_OK)
            bound++;
        else if (status != PORT_NO_ADDRESS || i + 1 == resolve->count)
            report_bind_failure(daemon, generation, endpoint, address, status, os_code, report);
        if (status != PORT_OK && status != PORT_NO_ADDRESS)
            return false;
    }
    return bound > 0;
}

/* Tries all of them, so that every failure is told at once. */
bool daemon_bind_all(struct daemon *daemon, struct generation *generation, const struct endpoints *endpoints,
                     struct report *report)
{
    bool bound = true;

    for (size_t i = 0; i < endpoints->count; i++)
        bound = bind_endpoint(daemon, generation, &endpoints->items[i], report) && bound;
    return bound;
}
