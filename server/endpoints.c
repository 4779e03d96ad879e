#include "endpoints.h"

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/memory.h"

#include <string.h>

static void endpoints_finished(struct port_op *op)
{
    struct endpoints *endpoints = CONTAINER_OF(op, struct endpoints, finished);

    endpoints->done(endpoints);
}

/* The last one posts the end, so that `done` runs the same way whether or not there was a name. */
static void endpoints_one_done(struct endpoints *endpoints)
{
    if (atomic_fetch_add_u32(&endpoints->pending, UINT32_MAX) == 1)
        port_post(endpoints->port, &endpoints->finished);
}

static void endpoint_resolved(struct port_op *op)
{
    struct port_resolve *resolve = CONTAINER_OF(op, struct port_resolve, op);

    endpoints_one_done(CONTAINER_OF(resolve, struct endpoint, resolve)->all);
}

static void endpoints_add(struct endpoints *endpoints, const struct config_endpoint *config, int listener)
{
    struct endpoint *endpoint = &endpoints->items[endpoints->count++];

    endpoint->all = endpoints;
    endpoint->config = config;
    endpoint->listener = listener;
    port_resolve_init(&endpoint->resolve, endpoint_resolved);
}

bool endpoints_init(struct endpoints *endpoints, struct port *port, const struct config *config,
                    bool with_stats, endpoints_done *done)
{
    bool stats = with_stats && config->stats.enabled;
    size_t count = stats ? 1 : 0;

    for (size_t i = 0; i < config->listeners_count; i++)
        count += config->listeners[i].endpoints_count;
    memset(endpoints, 0, sizeof *endpoints);
    endpoints->port = port;
    endpoints->done = done;
    port_op_init(&endpoints->finished, endpoints_finished);
    endpoints->items = memory_allocate(count, sizeof(struct endpoint));
    if (endpoints->items == NULL)
        return false;
    for (size_t i = 0; i < config->listeners_count; i++) {
        for (size_t j = 0; j < config->listeners[i].endpoints_count; j++)
            endpoints_add(endpoints, &config->listeners[i].endpoints[j], (int)i);
    }
    if (stats)
        endpoints_add(endpoints, &config->stats.listen, ENDPOINT_OF_STATS);
    return true;
}

void endpoints_resolve(struct endpoints *endpoints)
{
    /* One more than there are, so that the end cannot come before all have begun. */
    atomic_store_u32(&endpoints->pending, (uint32_t)endpoints->count + 1);
    for (size_t i = 0; i < endpoints->count; i++) {
        struct endpoint *endpoint = &endpoints->items[i];
        if (endpoint->config->is_literal) {
            endpoint->resolve.op.status = PORT_OK;
            endpoint->resolve.count = 1;
            endpoint->resolve.addresses[0] = endpoint->config->address;
            endpoints_one_done(endpoints);
        } else {
            port_resolve(endpoints->port, &endpoint->resolve, endpoint->config->host, endpoint->config->port);
        }
    }
    endpoints_one_done(endpoints);
}

void endpoints_free(struct endpoints *endpoints)
{
    memory_free(endpoints->items);
    endpoints->items = NULL;
    endpoints->count = 0;
}
