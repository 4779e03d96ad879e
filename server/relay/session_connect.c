#include "relay/session_connect.h"

#include "base/atomic.h"
#include "base/check.h"
#include "relay/listener.h"
#include "relay/relay.h"

#include <string.h>

static uint64_t connect_now_us(const struct session *session)
{
    return port_now_us(session->relay->port);
}

static uint64_t connect_timeout_us(const struct session *session)
{
    return (uint64_t)session->listener->upstream->config->connect_timeout_ms * 1000;
}

/* The timer serves whatever is due first: the deadline or the pause of the attempt, the watch over the client, the end of its
 * life. */
static void connect_arm(struct session *session)
{
    uint64_t due_us = session_lifetime_end_us(session);
    uint64_t watch_us = session->started_us + CONNECT_WATCH_US;
    uint64_t attempt_us = session->retry_us > 0 ? session->retry_us : session->connect_deadline_us;

    if (!session->inbound_started && watch_us < due_us)
        due_us = watch_us;
    if (!session->connect_timed_out && attempt_us < due_us)
        due_us = attempt_us;
    session_arm(session, due_us);
}

static uint32_t connect_try(struct session *session);

/* What hinders the attempt is no failure of the server, and passes: it is repeated until its deadline. */
static void connect_postpone(struct session *session, uint64_t pause_us)
{
    session->retry_us = connect_now_us(session) + pause_us;
    connect_arm(session);
}

/* Handles or buffers are short. */
static uint32_t connect_exhausted(struct session *session, uint32_t os_code)
{
    relay_exhausted(session->relay, session->listener->config->name, PORT_EXHAUSTED, os_code);
    if (connect_now_us(session) >= session->connect_deadline_us) {
        bool pause;
        (void)upstream_failed(&session->attempt, PORT_EXHAUSTED, &pause);
        return session_shut(session, STAT_CLOSED_EXHAUSTED);
    }
    connect_postpone(session, ACCEPT_PAUSE_US);
    return 0;
}

static void connect_log_failure(const struct session *session, enum port_status status, uint32_t os_code)
{
    char address[ADDRESS_TEXT_BYTES];
    char text[96];

    log_debug("upstream %s: server %s: cannot connect to %s: %s", session->listener->upstream->config->name,
              session->attempt.server->config->name,
              address_format(&session->attempt.address, address, sizeof address),
              port_status_describe(status, os_code, text, sizeof text));
}

/* The next address at once, the next round after a pause, or the end (SEMANTICS S7). */
static uint32_t connect_failed(struct session *session, enum port_status status, uint32_t os_code)
{
    bool pause;

    connect_log_failure(session, status, os_code);
    session->connect_deadline_us = 0;
    session->connect_timed_out = false;
    if (!upstream_failed(&session->attempt, status, &pause)) {
        upstream_gave_up(&session->attempt, status, os_code);
        return session_shut(session, STAT_CLOSED_CONNECT_FAILED);
    }
    if (!pause)
        return connect_try(session);
    session->retry_us = connect_now_us(session) + CONNECT_RETRY_US;
    connect_arm(session);
    return 0;
}

static uint32_t connect_try(struct session *session)
{
    uint64_t now_us = connect_now_us(session);
    uint32_t os_code = 0;

    session->retry_us = 0;
    session->connect_timed_out = false;
    if (session->connect_deadline_us == 0) {
        session->connect_started_us = now_us;
        session->connect_deadline_us = now_us + connect_timeout_us(session);
    }
    enum upstream_answer answer = upstream_next_address(&session->attempt);
    if (answer == UPSTREAM_NOT_YET && now_us < session->connect_deadline_us) {
        connect_postpone(session, CONNECT_RETRY_US);
        return 0;
    }
    if (answer != UPSTREAM_ADDRESS)
        return connect_failed(session, PORT_NOT_FOUND, 0);

    memset(&session->server, 0, sizeof session->server);
    enum port_status status = port_open(session->relay->port, &session->server,
                                        (enum address_family)session->attempt.address.family, &os_code);
    if (status == PORT_EXHAUSTED)
        return connect_exhausted(session, os_code);
    if (status != PORT_OK)
        return connect_failed(session, status, os_code);
    session->connect_in_flight = true;
    session_hold_reference(session);
    port_connect(&session->server, &session->connect, &session->attempt.address);
    connect_arm(session);
    return 0;
}

/* Answers whether the inbound pipe is the caller's to resume once the lock is released. */
static bool connect_succeeded(struct session *session)
{
    bool resume = session->inbound_parked;
    struct stats_scope *server_scope = session->attempt.server->scope;

    upstream_reached(&session->attempt);
    stats_time(server_scope, STAT_TIME_CONNECT, connect_now_us(session) - session->connect_started_us);
    pipe_init(&session->outbound, session, &session->server, &session->client, server_scope,
              session->listener->scope);
    session_flow(session);
    session->inbound_parked = false;
    if (!session->inbound_started)
        session_start_pipe(session, &session->inbound);
    else if (session->inbound_watching)
        port_cancel_receive(&session->client);
    session->inbound_started = true;
    session_start_pipe(session, &session->outbound);
    return resume;
}

static uint32_t connect_ended_badly(struct session *session, enum port_status status, uint32_t os_code)
{
    /* Nothing is in flight on it now, so its memory serves the next attempt. */
    port_reset(&session->server);
    if (session->connect_timed_out)
        return connect_failed(session, PORT_TIMEOUT, 0);
    if (status == PORT_EXHAUSTED)
        return connect_exhausted(session, os_code);
    return connect_failed(session, status, os_code);
}

static void session_connected(struct port_op *op)
{
    struct session *session = CONTAINER_OF(op, struct session, connect);
    uint32_t references = 1; /* the attempt's */
    bool resume = false;

    lock_acquire(&session->lock);
    session->connect_in_flight = false;
    if (session_phase(session) == SESSION_CONNECTING) {
        /* A connect that succeeded after its deadline closed the socket is a timeout all the same. */
        if (op->status == PORT_OK && !session->connect_timed_out)
            resume = connect_succeeded(session);
        else
            references += connect_ended_badly(session, op->status, op->os_code);
    }
    if (!resume) {
        session_release(session, references);
        return;
    }
    session_release(session, 0);
    pipe_resume(&session->inbound);
    session_join(session);
}

uint32_t session_connect_start(struct session *session)
{
    struct upstream *upstream = session->listener->upstream;
    struct stats_scope *client_scope = session->listener->scope;

    port_op_init(&session->connect, session_connected);
    session_set_phase(session, SESSION_CONNECTING);
    if (!upstream_reserve(upstream, &session->attempt))
        return session_shut(session, STAT_CLOSED_SERVER_LIMIT);
    struct stats_scope *server_scope = session->attempt.server->scope;
    pipe_init(&session->inbound, session, &session->client, &session->server, client_scope, server_scope);
    session->pipes_open = 2;
    return connect_try(session);
}

uint32_t session_connect_tick(struct session *session, uint64_t now_us)
{
    if (now_us >= session_lifetime_end_us(session))
        return session_shut(session, STAT_CLOSED_LIFETIME);
    if (!session->inbound_started && now_us >= session->started_us + CONNECT_WATCH_US) {
        session->inbound_started = true;
        session_start_pipe(session, &session->inbound);
    }
    if (session->retry_us > 0) {
        if (now_us >= session->retry_us)
            return connect_try(session);
    } else if (session->connect_in_flight && !session->connect_timed_out &&
               now_us >= session->connect_deadline_us) {
        session->connect_timed_out = true;
        port_reset(&session->server);
    }
    connect_arm(session);
    return 0;
}

bool session_hold(struct session *session, struct pipe *pipe, bool room)
{
    lock_acquire(&session->lock);
    bool connecting = session_phase(session) == SESSION_CONNECTING;
    if (connecting && room) {
        session->inbound_watching = true;
        port_wait_readable(pipe->source, &pipe->receive);
    } else if (connecting) {
        session->inbound_parked = true;
    }
    session_release(session, 0);
    return connecting;
}
