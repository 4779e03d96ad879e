#include "relay/session.h"

#include "base/atomic.h"
#include "base/check.h"
#include "relay/generation.h"
#include "relay/listener.h"
#include "relay/relay.h"
#include "relay/session_connect.h"
#include "relay/session_log.h"

#include <string.h>

/* Anybody who changes the phase collects here what is to be dropped once the lock is released: the last reference frees the
 * lock with the session. session_release ends every such section. */
void session_release(struct session *session, uint32_t references)
{
    lock_release(&session->lock);
    while (references > 0) {
        references--;
        session_join(session);
    }
}

enum session_phase session_phase(const struct session *session)
{
    return (enum session_phase)atomic_load_u32(&session->phase);
}

bool session_reads(const struct session *session, const struct port_socket *source)
{
    enum session_phase phase = session_phase(session);

    return phase == SESSION_FLOWING || (phase == SESSION_FLUSHING && source != session->survivor);
}

bool session_is_ending(const struct session *session)
{
    return atomic_load_u64(&session->half_closed_us) > 0 || session_phase(session) != SESSION_FLOWING;
}

void session_set_phase(struct session *session, enum session_phase phase)
{
    atomic_store_u32(&session->phase, phase);
}

void session_hold_reference(struct session *session)
{
    atomic_fetch_add_u32(&session->references, 1);
}

bool session_hold_listed(struct session *session)
{
    for (;;) {
        uint32_t references = atomic_load_u32(&session->references);
        if (references == 0)
            return false;
        if (atomic_cas_u32(&session->references, references, references + 1))
            return true;
    }
}

static bool session_is_echo(const struct session *session)
{
    return session->listener->upstream == NULL;
}

static const struct config_listener *session_config(const struct session *session)
{
    return session->listener->config;
}

static uint64_t session_now_us(const struct session *session)
{
    return port_now_us(session->relay->port);
}

/* --- the end --------------------------------------------------------------------------------------------- */

static void session_write_log(const struct session *session, uint64_t lasted_us)
{
    const struct attempt *attempt = &session->attempt;
    struct session_record record = {0};

    record.listener = session_config(session)->name;
    record.client = session->peer;
    if (attempt->server != NULL) {
        record.server = attempt->server->config->name;
        record.server_address = attempt->address;
    }
    record.in_bytes = session->inbound.received_bytes;
    if (session_is_echo(session))
        record.out_bytes = session->inbound.sent_bytes;
    else if (session->flowing_us > 0)
        record.out_bytes = session->outbound.sent_bytes;
    record.duration_us = lasted_us;
    record.reason = stat_name(session->reason);
    session_log_write(&record);
}

static void session_free(struct session *session)
{
    struct relay *relay = session->relay;
    struct listener *listener = session->listener;
    uint64_t lasted_us = session_now_us(session) - session->started_us;

    CHECK(session_phase(session) == SESSION_CLOSED);
    relay_unlist_session(relay, session);
    if (session_log_is_on())
        session_write_log(session, lasted_us);
    stats_time(listener->scope, STAT_TIME_SESSION, lasted_us);
    stats_count(listener->scope, session->reason, 1);
    if (session->attempt.server != NULL) {
        stats_time(session->attempt.server->scope, STAT_TIME_SESSION, lasted_us);
        stats_count(session->attempt.server->scope, session->reason, 1);
        upstream_release(&session->attempt);
    }
    listener_release(listener, &session->peer);
    stock_give_session(&relay->stock, session);
    generation_drop(listener->generation);
}

void session_join(struct session *session)
{
    if (atomic_fetch_add_u32(&session->references, UINT32_MAX) == 1)
        session_free(session);
}

/* The one way into CLOSED. With the lock held; answers how many references to drop after it. */
uint32_t session_shut(struct session *session, enum stats_counter reason)
{
    enum session_phase phase = session_phase(session);
    uint32_t references = 0;

    if (phase == SESSION_CLOSED)
        return 0;
    if (phase != SESSION_FLUSHING)
        session->reason = reason;
    if (reason == STAT_CLOSED_STOPPED)
        atomic_fetch_add_u32(&session->relay->cut_count, 1);
    session_set_phase(session, SESSION_CLOSED);
    if (session->reason == STAT_CLOSED_FINISHED) {
        port_close(&session->client);
        port_close(&session->server);
    } else {
        port_reset(&session->client);
        port_reset(&session->server);
    }
    if (timer_cancel(session->relay->wheel, &session->timer))
        references++;
    if (session->inbound_parked) {
        session->inbound_parked = false;
        pipe_abandon(&session->inbound);
        references++;
    }
    return references;
}

void session_cut(struct session *session, enum stats_counter reason)
{
    lock_acquire(&session->lock);
    uint32_t references = session_shut(session, reason);
    session_release(session, references);
}

/* --- time ------------------------------------------------------------------------------------------------ */

void session_arm(struct session *session, uint64_t due_us)
{
    if (due_us != TIMER_NEVER && timer_set(session->relay->wheel, &session->timer, due_us))
        session_hold_reference(session);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t session_active_us(const struct session *session)
{
    uint64_t active_us = later(session->flowing_us, pipe_active_us(&session->inbound));

    return session_is_echo(session) ? active_us : later(active_us, pipe_active_us(&session->outbound));
}

uint64_t session_lifetime_end_us(const struct session *session)
{
    uint32_t lifetime_ms = session_config(session)->lifetime_max_ms;

    return lifetime_ms == 0 ? TIMER_NEVER : session->started_us + (uint64_t)lifetime_ms * 1000;
}

struct session_deadline {
    uint64_t due_us;
    enum stats_counter reason;
};

/* The earliest deadline of a flowing session and what it ends by (SEMANTICS S12). */
static struct session_deadline session_deadline(const struct session *session)
{
    const struct config_listener *config = session_config(session);
    uint64_t active_us = session_active_us(session);
    uint64_t half_closed_us = atomic_load_u64(&session->half_closed_us);
    struct session_deadline first = {session_lifetime_end_us(session), STAT_CLOSED_LIFETIME};

    if (config->idle_timeout_ms > 0 && active_us + (uint64_t)config->idle_timeout_ms * 1000 < first.due_us) {
        first.due_us = active_us + (uint64_t)config->idle_timeout_ms * 1000;
        first.reason = STAT_CLOSED_IDLE_TIMEOUT;
    }
    if (config->half_close_timeout_ms > 0 && half_closed_us > 0) {
        uint64_t due_us = later(active_us, half_closed_us) + (uint64_t)config->half_close_timeout_ms * 1000;
        if (due_us < first.due_us) {
            first.due_us = due_us;
            first.reason = STAT_CLOSED_HALF_CLOSE_TIMEOUT;
        }
    }
    return first;
}

/* A pipe that has held a posted buffer without data for PIPE_QUIET_US loses it. Answers when to look again: never, when the pipe
 * holds none (it wakes the session itself). A sender that is blocked is looked at again, since it will receive after. */
static uint64_t session_quiet_pipe(struct pipe *pipe, uint64_t started_us, uint64_t now_us)
{
    enum pipe_state state = pipe_state(pipe);

    if (state != PIPE_RECEIVING && state != PIPE_SENDING)
        return TIMER_NEVER;
    uint64_t quiet_us = later(pipe_active_us(pipe), started_us) + PIPE_QUIET_US;
    if (now_us < quiet_us)
        return quiet_us;
    if (state == PIPE_RECEIVING)
        port_cancel_receive(pipe->source);
    return now_us + PIPE_QUIET_US;
}

/* With the lock held, while flowing: arms the timer for whatever comes first. */
static void session_arm_flow(struct session *session, uint64_t check_us)
{
    if (check_us != TIMER_NEVER)
        atomic_store_u32(&session->timer_far, 0);
    session_arm(session, earlier(session_deadline(session).due_us, check_us));
}

static uint32_t session_flow_tick(struct session *session, uint64_t now_us)
{
    struct session_deadline deadline = session_deadline(session);

    if (now_us >= deadline.due_us)
        return session_shut(session, deadline.reason);
    /* A side that has said its last is read no more, so that no wait would ever keep it alive. */
    if (session->half_closed_us > 0) {
        port_keep_alive(&session->client);
        port_keep_alive(&session->server);
    }
    /* Set before the pipes are looked at: one that starts to receive just now either is seen here or sees this and calls
     * session_wake, which waits for the lock. */
    (void)atomic_exchange_u32(&session->timer_far, 1);
    uint64_t check_us = session_quiet_pipe(&session->inbound, session->flowing_us, now_us);
    if (!session_is_echo(session))
        check_us = earlier(check_us, session_quiet_pipe(&session->outbound, session->flowing_us, now_us));
    session_arm_flow(session, check_us);
    return 0;
}

/* When the survivor will have read what the broken side had sent. */
static uint64_t session_drained_us(const struct session *session)
{
    bool client_survives = session->survivor == &session->client;

    return pipe_drained_us(client_survives ? &session->outbound : &session->inbound);
}

static uint32_t session_flush_tick(struct session *session, uint64_t now_us)
{
    uint64_t reset_us = session_drained_us(session) + RESET_FLUSH_US;

    if (now_us >= session->flush_deadline_us || (session->pipes_open == 0 && now_us >= reset_us))
        return session_shut(session, session->reason);
    if (session->pipes_open > 0) {
        /* The receive may have been posted just after the session asked for its end. */
        port_cancel_receive(session->survivor);
        reset_us = now_us + FLUSH_CHECK_US;
    }
    session_arm(session, earlier(reset_us, session->flush_deadline_us));
    return 0;
}

static void session_timer_fired(struct timer *timer)
{
    struct session *session = CONTAINER_OF(timer, struct session, timer);
    uint64_t now_us = session_now_us(session);
    uint32_t references = 1; /* the one that the armed timer held */

    lock_acquire(&session->lock);
    switch (session_phase(session)) {
    case SESSION_CONNECTING:
        references += session_connect_tick(session, now_us);
        break;
    case SESSION_FLOWING:
        references += session_flow_tick(session, now_us);
        break;
    case SESSION_FLUSHING:
        references += session_flush_tick(session, now_us);
        break;
    case SESSION_CLOSED:
        /* The timer fired while the session was being shut. */
        break;
    }
    session_release(session, references);
}

void session_wake(struct session *session)
{
    if (atomic_load_u32(&session->timer_far) == 0)
        return;
    lock_acquire(&session->lock);
    if (session_phase(session) == SESSION_FLOWING && session->timer_far != 0)
        session_arm_flow(session, session_now_us(session) + PIPE_QUIET_US);
    session_release(session, 0);
}

/* --- what the pipes report ------------------------------------------------------------------------------- */

bool session_half_closed(struct session *session)
{
    lock_acquire(&session->lock);
    bool flowing = session_phase(session) == SESSION_FLOWING;
    bool last = flowing && session->pipes_open == 1;
    if (flowing && !last && session->half_closed_us == 0) {
        atomic_store_u64(&session->half_closed_us, later(session_now_us(session), 1));
        session_arm_flow(session, session_now_us(session) + PIPE_QUIET_US);
    }
    session_release(session, 0);
    return !last;
}

static enum stats_counter session_reason(const struct session *session, const struct port_socket *side,
                                         enum port_status status)
{
    switch (status) {
    case PORT_RESET:
    case PORT_TIMEOUT:
    case PORT_UNREACHABLE:
        return side == &session->client ? STAT_CLOSED_CLIENT_RESET : STAT_CLOSED_SERVER_RESET;
    case PORT_EXHAUSTED:
        return STAT_CLOSED_EXHAUSTED;
    default:
        return STAT_CLOSED_ERROR;
    }
}

/* With the lock held, while flowing: the other side gets what was received before (SEMANTICS S2). That includes what the
 * system still holds of a side that no longer takes anything, such as the answer of a server that refused the rest of
 * the request; so its pipe reads on, and finds the end by itself. */
static void session_flush(struct session *session, const struct port_socket *side, enum stats_counter reason)
{
    session->reason = reason;
    session->survivor = side == &session->client ? &session->server : &session->client;
    session->flush_deadline_us = session_now_us(session) + FLUSH_TIMEOUT_US;
    session_set_phase(session, SESSION_FLUSHING);
    port_cancel_receive(session->survivor);
    session_arm(session, session_now_us(session) + FLUSH_CHECK_US);
}

void session_side_failed(struct session *session, const struct port_socket *side, enum port_status status,
                         uint32_t os_code)
{
    enum stats_counter reason = session_reason(session, side, status);
    uint32_t references = 0;

    if (status == PORT_CANCELLED)
        return; /* the session closed that socket itself and has its reason */
    lock_acquire(&session->lock);
    enum session_phase phase = session_phase(session);
    if (status == PORT_EXHAUSTED)
        relay_exhausted(session->relay, session->listener->config->name, status, os_code);
    if (phase == SESSION_FLOWING && !session_is_echo(session))
        session_flush(session, side, reason);
    else if (phase != SESSION_FLUSHING || side == session->survivor)
        references = session_shut(session, reason);
    /* Otherwise the broken side has been read to its end. */
    session_release(session, references);
}

void session_exhausted(struct session *session)
{
    relay_exhausted(session->relay, session->listener->config->name, PORT_EXHAUSTED, 0);
    session_cut(session, STAT_CLOSED_EXHAUSTED);
}

void session_pipe_over(struct session *session)
{
    uint32_t references = 1; /* the pipe's */

    lock_acquire(&session->lock);
    CHECK(session->pipes_open > 0);
    session->pipes_open--;
    if (session->pipes_open == 0) {
        if (session_phase(session) == SESSION_FLOWING)
            references += session_shut(session, STAT_CLOSED_FINISHED);
        else if (session_phase(session) == SESSION_FLUSHING)
            references += session_flush_tick(session, session_now_us(session));
    }
    session_release(session, references);
}

/* --- the beginning --------------------------------------------------------------------------------------- */

void session_flow(struct session *session)
{
    session->flowing_us = later(session_now_us(session), 1);
    session_set_phase(session, SESSION_FLOWING);
    session_arm_flow(session, session->flowing_us + PIPE_QUIET_US);
}

void session_start_pipe(struct session *session, struct pipe *pipe)
{
    session_hold_reference(session);
    pipe_start(pipe);
}

static void session_init(struct session *session, struct listener *listener, const struct address *peer)
{
    struct stats_scope *scope = listener->scope;

    memset(session, 0, sizeof *session);
    session->relay = listener->relay;
    session->listener = listener;
    session->references = 1; /* session_start's own */
    session->peer = *peer;
    session->started_us = session_now_us(session);
    lock_init(&session->lock);
    timer_init(&session->timer, session_timer_fired);
    if (session_is_echo(session)) {
        pipe_init(&session->inbound, session, &session->client, &session->client, scope, scope);
        session->pipes_open = 1;
    }
}

bool session_start(struct listener *listener, struct port_socket *socket, const struct address *peer)
{
    struct session *session = stock_take_session(&listener->relay->stock);
    uint32_t references = 1;

    if (session == NULL)
        return false;
    session_init(session, listener, peer);
    port_socket_move(&session->client, socket);
    stats_count(listener->scope, STAT_SESSIONS, 1);
    bool cutting = relay_list_session(session->relay, session);

    lock_acquire(&session->lock);
    if (session_phase(session) == SESSION_CLOSED) {
        /* Cut between the list and the lock. */
    } else if (cutting) {
        references += session_shut(session, STAT_CLOSED_STOPPED);
    } else if (!session_is_echo(session)) {
        references += session_connect_start(session);
    } else {
        session_flow(session);
        session_start_pipe(session, &session->inbound);
    }
    session_release(session, references);
    return true;
}
