#include "relay/relay.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/memory.h"
#include "relay/listener.h"
#include "relay/session.h"
#include "relay/upstream.h"

#include <string.h>

/* How many sessions relay_cut takes from the list at a time: the list's lock is never held while one is cut. */
enum { RELAY_CUT_BATCH = 64 };

static struct upstream *relay_upstream_of(struct relay *relay, const struct config_listener *config)
{
    return config->mode == CONFIG_MODE_ECHO ? NULL : &relay->upstreams[config->upstream_index];
}

/* Every listener and upstream, or false. What was made is counted, so that relay_free finds it. */
static bool relay_fill(struct relay *relay)
{
    const struct config *config = relay->options.config;

    relay->upstreams = memory_allocate(config->upstreams_count, sizeof(struct upstream));
    relay->listeners = memory_allocate(config->listeners_count, sizeof(struct listener));
    if (relay->upstreams == NULL || relay->listeners == NULL)
        return false;
    for (size_t i = 0; i < config->upstreams_count; i++) {
        if (!upstream_init(&relay->upstreams[i], relay, &config->upstreams[i]))
            return false;
        relay->upstreams_count++;
    }
    for (size_t i = 0; i < config->listeners_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (!listener_init(&relay->listeners[i], relay, listener, relay_upstream_of(relay, listener)))
            return false;
        stats_register(relay->options.stats, relay->listeners[i].scope);
        relay->listeners_count++;
    }
    return true;
}

struct relay *relay_create(const struct relay_options *options)
{
    const struct config_server *server = &options->config->server;
    struct relay *relay = memory_allocate(1, sizeof *relay);

    if (relay == NULL)
        return NULL;
    relay->options = *options;
    relay->port = options->port;
    relay->wheel = options->wheel;
    relay->references = 1;
    relay->buffer_bytes = server->buffer_bytes;
    lock_init(&relay->lock);
    pool_init(&relay->sessions, sizeof(struct session), server->sessions_max, SESSIONS_SPARE_MAX);
    pool_init(&relay->buffers, server->buffer_bytes, server->sessions_max * 2, BUFFERS_SPARE_MAX);
    gauge_init(&options->stats->sessions, server->sessions_max);
    if (!relay_fill(relay)) {
        relay_free(relay);
        return NULL;
    }
    return relay;
}

enum port_status relay_bind(struct relay *relay, size_t index, const struct address *address,
                            uint32_t *os_code)
{
    CHECK(index < relay->listeners_count);
    return listener_bind(&relay->listeners[index], address, os_code);
}

void relay_start(struct relay *relay)
{
    for (size_t i = 0; i < relay->upstreams_count; i++)
        upstream_start(&relay->upstreams[i]);
    for (size_t i = 0; i < relay->listeners_count; i++)
        listener_start(&relay->listeners[i]);
}

void relay_close(struct relay *relay)
{
    atomic_store_u32(&relay->closing, 1);
    for (size_t i = 0; i < relay->listeners_count; i++)
        listener_close(&relay->listeners[i]);
    for (size_t i = 0; i < relay->upstreams_count; i++)
        upstream_close(&relay->upstreams[i]);
    relay_drop(relay);
}

void relay_free(struct relay *relay)
{
    if (relay == NULL)
        return;
    CHECK(relay->session_list == NULL);
    for (size_t i = 0; i < relay->listeners_count; i++)
        listener_destroy(&relay->listeners[i]);
    for (size_t i = 0; i < relay->upstreams_count; i++)
        upstream_destroy(&relay->upstreams[i]);
    memory_free(relay->listeners);
    memory_free(relay->upstreams);
    pool_destroy(&relay->buffers);
    pool_destroy(&relay->sessions);
    memory_free(relay);
}

void relay_hold(struct relay *relay)
{
    atomic_fetch_add_u32(&relay->references, 1);
}

void relay_drop(struct relay *relay)
{
    if (atomic_fetch_add_u32(&relay->references, UINT32_MAX) == 1)
        relay->options.closed(relay->options.closed_context);
}

bool relay_list_session(struct relay *relay, struct session *session)
{
    lock_acquire(&relay->lock);
    session->previous = NULL;
    session->next = relay->session_list;
    if (session->next != NULL)
        session->next->previous = session;
    relay->session_list = session;
    bool cutting = relay->cutting;
    lock_release(&relay->lock);
    return cutting;
}

void relay_unlist_session(struct relay *relay, struct session *session)
{
    lock_acquire(&relay->lock);
    if (session->next != NULL)
        session->next->previous = session->previous;
    if (session->previous != NULL)
        session->previous->next = session->next;
    else
        relay->session_list = session->next;
    lock_release(&relay->lock);
}

/* The next sessions that nobody has cut yet, each with a reference. */
static size_t relay_take_uncut(struct relay *relay, struct session *sessions[RELAY_CUT_BATCH])
{
    size_t count = 0;

    lock_acquire(&relay->lock);
    relay->cutting = true;
    for (struct session *session = relay->session_list; session != NULL && count < RELAY_CUT_BATCH;
         session = session->next) {
        if (session_phase(session) != SESSION_CLOSED && session_hold_listed(session))
            sessions[count++] = session;
    }
    lock_release(&relay->lock);
    return count;
}

void relay_cut(struct relay *relay)
{
    struct session *sessions[RELAY_CUT_BATCH];
    size_t count;

    while ((count = relay_take_uncut(relay, sessions)) > 0) {
        for (size_t i = 0; i < count; i++) {
            session_cut(sessions[i], STAT_CLOSED_STOPPED);
            session_join(sessions[i]);
        }
    }
}

uint32_t relay_cut_count(const struct relay *relay)
{
    return atomic_load_u32(&relay->cut_count);
}

void relay_exhausted(struct relay *relay, const char *what, enum port_status status, uint32_t os_code)
{
    uint64_t suppressed;

    if (log_allowed(&relay->exhausted_log, port_now_us(relay->port), &suppressed)) {
        char text[96];
        log_warn("listener %s: no handle, buffer or memory for a session: %s; %llu more like this since the "
                 "last line",
                 what, port_status_describe(status, os_code, text, sizeof text),
                 (unsigned long long)suppressed);
    }
    for (size_t i = 0; i < relay->listeners_count; i++)
        listener_pause(&relay->listeners[i]);
}
