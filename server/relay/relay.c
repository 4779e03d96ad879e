#include "relay/relay.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/memory.h"
#include "relay/generation.h"
#include "relay/listener.h"
#include "relay/listener_socket.h"
#include "relay/session.h"
#include "relay/upstream.h"

#include <string.h>

/* How many sessions relay_cut takes from the list at a time: the list's lock is never held while one is cut. */
enum { RELAY_CUT_BATCH = 64 };

struct relay *relay_create(const struct relay_options *options)
{
    struct relay *relay = memory_allocate(1, sizeof *relay);

    if (relay == NULL)
        return NULL;
    relay->options = *options;
    relay->port = options->port;
    relay->wheel = options->wheel;
    relay->references = 1;
    lock_init(&relay->lock);
    lock_init(&relay->sockets_lock);
    ledgers_init(&relay->ledgers, options->stats, options->random_seed);
    stock_init(&relay->stock, relay, options->buffer_bytes);
    return relay;
}

void relay_free(struct relay *relay)
{
    if (relay == NULL)
        return;
    CHECK(relay->session_list == NULL && relay->sockets == NULL);
    if (relay->current != NULL)
        generation_release(relay->current);
    ledgers_destroy(&relay->ledgers);
    stock_destroy(&relay->stock);
    memory_free(relay);
}

/* --- generations ----------------------------------------------------------------------------------------- */

static bool relay_begin_preparing(struct relay *relay)
{
    lock_acquire(&relay->sockets_lock);
    CHECK(!relay->preparing);
    bool begin = relay->closing == 0;
    if (begin) {
        relay->preparing = true;
        relay_hold(relay); /* until the commit, or until it is abandoned */
    }
    lock_release(&relay->sockets_lock);
    return begin;
}

static void relay_end_preparing(struct relay *relay)
{
    lock_acquire(&relay->sockets_lock);
    relay->preparing = false;
    lock_release(&relay->sockets_lock);
    relay_drop(relay);
}

struct generation *relay_prepare(struct relay *relay, struct config *config)
{
    if (!relay_begin_preparing(relay)) {
        config_free(config);
        return NULL;
    }
    struct generation *generation = generation_create(relay, config);
    if (generation == NULL)
        relay_end_preparing(relay);
    return generation;
}

enum port_status relay_bind(struct generation *generation, size_t index, const struct address *address,
                            uint32_t *os_code)
{
    CHECK(index < generation->listeners_count);
    return listener_bind(&generation->listeners[index], address, os_code);
}

void relay_abandon(struct generation *generation)
{
    struct relay *relay = generation->relay;

    listener_sockets_abandon(generation);
    generation_release(generation);
    relay_end_preparing(relay);
}

/* With sockets_lock held. A lower limit counts at once, but leaves the pools as they are: they serve the sessions that there are, none
 * of which may be cut for want of a buffer (SEMANTICS N3). */
static void relay_set_sessions_max(struct relay *relay, uint32_t sessions_max)
{
    if (sessions_max > relay->sessions_max) {
        relay->sessions_max = sessions_max;
        stock_set_sessions_max(&relay->stock, sessions_max);
    }
    gauge_set_limit(&relay->options.stats->sessions, sessions_max);
}

/* The one moment in which everything changes. The numbers come before the sockets, so that no session counts where no snapshot looks.
 * Answers whether the relay was still open; `gone` are the sockets to close. */
static bool relay_swap(struct relay *relay, struct generation *generation, struct listener_socket **gone)
{
    lock_acquire(&relay->sockets_lock);
    bool open = relay->closing == 0;
    if (open) {
        relay->generations_count++;
        relay_set_sessions_max(relay, generation->config->server.sessions_max);
        generation_publish(generation, relay->generations_count);
        *gone = listener_sockets_swap(relay, generation);
        relay->current = generation;
        generation_hold(generation); /* for what relay_commit does after this */
    }
    lock_release(&relay->sockets_lock);
    return open;
}

/* The names of the old one are no longer looked up, and its listeners have said their last about their addresses. */
static void relay_retire(struct generation *old)
{
    for (size_t i = 0; i < old->upstreams_count; i++)
        upstream_close(&old->upstreams[i]);
    generation_release(old);
}

static void relay_start(struct generation *generation)
{
    struct relay *relay = generation->relay;

    for (size_t i = 0; i < generation->listeners_count; i++)
        stats_scope_set_addresses(relay->options.stats, generation->listeners[i].scope,
                                  generation->listeners[i].addresses,
                                  generation->listeners[i].addresses_count);
    for (size_t i = 0; i < generation->upstreams_count; i++)
        upstream_start(&generation->upstreams[i]);
    listener_sockets_start(generation);
}

bool relay_commit(struct generation *generation)
{
    struct relay *relay = generation->relay;
    struct generation *old = relay->current;
    struct listener_socket *gone = NULL;

    generation_inherit(generation, old);
    if (!relay_swap(relay, generation, &gone))
        return false;
    listener_sockets_close(gone);
    if (old != NULL)
        relay_retire(old);
    relay_start(generation);
    generation_drop(generation);
    relay_end_preparing(relay);
    return true;
}

struct generation *relay_current(struct relay *relay)
{
    lock_acquire(&relay->sockets_lock);
    struct generation *generation = relay->current;
    lock_release(&relay->sockets_lock);
    return generation;
}

uint32_t relay_sockets_leaving(const struct relay *relay)
{
    return atomic_load_u32(&relay->sockets_leaving);
}

void relay_close(struct relay *relay)
{
    lock_acquire(&relay->sockets_lock);
    CHECK(relay->closing == 0);
    atomic_store_u32(&relay->closing, 1);
    struct generation *current = relay->current;
    struct listener_socket *sockets = relay->sockets;
    relay->sockets = NULL;
    if (current != NULL)
        generation_hold(current);
    lock_release(&relay->sockets_lock);
    stock_close(&relay->stock);
    /* Whom they still accept is refused by their listener, and counted. */
    listener_sockets_close(sockets);
    if (current != NULL) {
        for (size_t i = 0; i < current->upstreams_count; i++)
            upstream_close(&current->upstreams[i]);
        generation_drop(current);
    }
    relay_drop(relay);
}

/* --- references ------------------------------------------------------------------------------------------ */

void relay_hold(struct relay *relay)
{
    atomic_fetch_add_u32(&relay->references, 1);
}

void relay_drop(struct relay *relay)
{
    if (atomic_fetch_add_u32(&relay->references, UINT32_MAX) == 1)
        relay->options.closed(relay->options.closed_context);
}

/* --- sessions --------------------------------------------------------------------------------------------- */

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
        log_event(EVENT_EXHAUSTED, LOG_WARN,
                  "listener %s: no handle, buffer or memory for a session: %s; %llu more like this since the "
                  "last line",
                  what, port_status_describe(status, os_code, text, sizeof text),
                  (unsigned long long)suppressed);
    }
    listener_sockets_pause(relay);
}
