#include "relay/generation.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/memory.h"
#include "config/text.h"
#include "relay/listener.h"
#include "relay/relay.h"
#include "relay/upstream.h"

static struct upstream *upstream_of(struct generation *generation, const struct config_listener *config)
{
    return config->mode == CONFIG_MODE_ECHO ? NULL : &generation->upstreams[config->upstream_index];
}

/* Every listener and upstream, or false. What was made is counted, so that generation_destroy finds it. */
static bool generation_fill(struct generation *generation)
{
    const struct config *config = generation->config;

    generation->upstreams = memory_allocate(config->upstreams_count, sizeof(struct upstream));
    generation->listeners = memory_allocate(config->listeners_count, sizeof(struct listener));
    generation->listings =
        memory_allocate(config->listeners_count + config->upstreams_count, sizeof(struct stats_listing));
    if (generation->upstreams == NULL || generation->listeners == NULL || generation->listings == NULL)
        return false;
    for (size_t i = 0; i < config->upstreams_count; i++) {
        if (!upstream_init(&generation->upstreams[i], generation, &config->upstreams[i]))
            return false;
        generation->upstreams_count++;
    }
    for (size_t i = 0; i < config->listeners_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (!listener_init(&generation->listeners[i], generation, listener,
                           upstream_of(generation, listener)))
            return false;
        generation->listeners_count++;
    }
    return true;
}

static void generation_destroy(struct generation *generation)
{
    struct stats *stats = generation->relay->options.stats;

    CHECK(generation->opened == NULL);
    for (size_t i = 0; i < generation->listeners_count; i++)
        listener_destroy(&generation->listeners[i]);
    for (size_t i = 0; i < generation->upstreams_count; i++)
        upstream_destroy(&generation->upstreams[i]);
    if (generation->number > 0)
        atomic_fetch_add_u32(&stats->generations_in_use, UINT32_MAX);
    memory_free(generation->listeners);
    memory_free(generation->upstreams);
    memory_free(generation->listings);
    config_free(generation->config);
    memory_free(generation);
}

struct generation *generation_create(struct relay *relay, struct config *config)
{
    struct generation *generation = memory_allocate(1, sizeof *generation);

    if (generation == NULL) {
        config_free(config);
        return NULL;
    }
    generation->relay = relay;
    generation->config = config;
    generation->references = 1;
    generation->opened_end = &generation->opened;
    if (!generation_fill(generation)) {
        generation_destroy(generation);
        return NULL;
    }
    return generation;
}

void generation_release(struct generation *generation)
{
    if (atomic_fetch_add_u32(&generation->references, UINT32_MAX) == 1)
        generation_destroy(generation);
}

void generation_hold(struct generation *generation)
{
    relay_hold(generation->relay);
    atomic_fetch_add_u32(&generation->references, 1);
}

void generation_drop(struct generation *generation)
{
    struct relay *relay = generation->relay;

    generation_release(generation);
    relay_drop(relay);
}

void generation_publish(struct generation *generation, uint64_t number)
{
    struct stats *stats = generation->relay->options.stats;
    size_t count = 0;

    for (size_t i = 0; i < generation->listeners_count; i++)
        listener_list(&generation->listeners[i], &generation->listings[count++]);
    for (size_t i = 0; i < generation->upstreams_count; i++)
        upstream_list(&generation->upstreams[i], &generation->listings[count++]);
    generation->number = number;
    atomic_fetch_add_u32(&stats->generations_in_use, 1);
    stats_publish(stats, generation->listings, count);
    atomic_store_u64(&stats->config_generation, number);
}

/* The upstream of that name; most are where they were before. */
static struct upstream *find_upstream(struct generation *generation, const char *name, size_t likely)
{
    for (size_t i = 0; i < generation->upstreams_count; i++) {
        struct upstream *upstream = &generation->upstreams[(i + likely) % generation->upstreams_count];
        if (text_equal(upstream->config->name, name))
            return upstream;
    }
    return NULL;
}

void generation_inherit(struct generation *generation, struct generation *old)
{
    for (size_t i = 0; old != NULL && i < generation->upstreams_count; i++) {
        struct upstream *upstream = &generation->upstreams[i];
        struct upstream *before = find_upstream(old, upstream->config->name, i);
        if (before != NULL)
            upstream_inherit(upstream, before);
    }
}
