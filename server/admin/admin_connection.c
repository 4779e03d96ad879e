#include "admin/admin_connection.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/compiler.h"
#include "base/memory.h"
#include "base/wallclock.h"

#include <string.h>

static uint64_t now(const struct admin_connection *connection)
{
    return port_now_us(connection->context->port);
}

static void hold(struct admin_connection *connection)
{
    atomic_fetch_add_u32(&connection->references, 1);
}

static void drop(struct admin_connection *connection)
{
    if (atomic_fetch_add_u32(&connection->references, UINT32_MAX) == 1) {
        memory_free(connection->answer.bytes);
        connection->context->gone(connection);
    }
}

/* --- with the lock held ---------------------------------------------------------------------------------- */

/* The turn's reference is still there, so this never drops the last one. */
static void cancel_timer(struct admin_connection *connection)
{
    if (timer_cancel(connection->context->wheel, &connection->timer))
        drop(connection);
}

static void set_deadline(struct admin_connection *connection, uint64_t deadline_us)
{
    if (connection->stop_us != 0 && connection->stop_us < deadline_us)
        deadline_us = connection->stop_us;
    connection->deadline_us = deadline_us;
    if (deadline_us == TIMER_NEVER)
        cancel_timer(connection);
    else if (timer_set(connection->context->wheel, &connection->timer, deadline_us))
        hold(connection);
}

/* An abortive close tells the client that it did not get everything. */
static void shut(struct admin_connection *connection, bool abort)
{
    connection->phase = ADMIN_CLOSED;
    connection->deadline_us = TIMER_NEVER;
    if (abort)
        port_reset(&connection->socket);
    else
        port_close(&connection->socket);
    cancel_timer(connection);
}

/* False: the connection is closed, and the turn ends. */
static bool enter(struct admin_connection *connection, enum admin_phase phase, uint64_t deadline_us)
{
    bool waits = phase == ADMIN_IDLE || phase == ADMIN_READING;

    if (connection->phase == ADMIN_CLOSED)
        return false;
    if (waits && connection->stop_us != 0) {
        shut(connection, false);
        return false;
    }
    connection->phase = phase;
    set_deadline(connection, deadline_us);
    return true;
}

/* --- the turn -------------------------------------------------------------------------------------------- */

static void end_turn(struct admin_connection *connection)
{
    lock_acquire(&connection->lock);
    if (connection->phase != ADMIN_CLOSED)
        shut(connection, false);
    lock_release(&connection->lock);
    drop(connection);
}

/* Into what is free of the buffer; there is always room, because a full one has an answer. */
static void receive(struct admin_connection *connection, enum admin_phase phase, uint64_t deadline_us)
{
    size_t room = sizeof connection->bytes - connection->received;

    CHECK(room > 0);
    lock_acquire(&connection->lock);
    bool entered = enter(connection, phase, deadline_us);
    if (entered)
        port_receive(&connection->socket, &connection->op, connection->bytes + connection->received,
                     (uint32_t)room);
    lock_release(&connection->lock);
    if (!entered)
        drop(connection);
}

static void send(struct admin_connection *connection)
{
    size_t left = connection->answer.size - connection->answer_sent;
    const char *bytes = connection->answer.bytes + connection->answer_sent;

    lock_acquire(&connection->lock);
    bool entered = enter(connection, ADMIN_SENDING, connection->until_us);
    if (entered)
        port_send(&connection->socket, &connection->op, bytes, left < INT32_MAX ? (uint32_t)left : INT32_MAX);
    lock_release(&connection->lock);
    if (!entered)
        drop(connection);
}

static void linger(struct admin_connection *connection)
{
    connection->received = 0;
    connection->until_us = now(connection) + ADMIN_LINGER_TIMEOUT_US;
    lock_acquire(&connection->lock);
    /* A failure means that the connection is broken, which the receive learns too. */
    if (connection->phase != ADMIN_CLOSED)
        (void)port_shutdown(&connection->socket);
    lock_release(&connection->lock);
    receive(connection, ADMIN_LINGERING, connection->until_us);
}

static void send_answer(struct admin_connection *connection)
{
    if (connection->answer.bytes == NULL) {
        end_turn(connection);
        return;
    }
    connection->answer_sent = 0;
    connection->until_us = now(connection) + ADMIN_WRITE_TIMEOUT_US;
    send(connection);
}

static bool begin_answer(struct admin_connection *connection, bool *stopping)
{
    lock_acquire(&connection->lock);
    bool entered = enter(connection, ADMIN_ANSWERING, TIMER_NEVER);
    *stopping = connection->stop_us != 0;
    lock_release(&connection->lock);
    if (!entered)
        drop(connection);
    return entered;
}

/* With the outcome, or NULL: refused. */
static void answer_reload(struct admin_connection *connection, const struct reload_outcome *outcome)
{
    struct admin_clock clock = {now(connection), wallclock_now_ms()};
    bool stopping;

    if (!begin_answer(connection, &stopping))
        return;
    admin_answer_reload(&connection->context->site, &clock, outcome, stopping, &connection->answer);
    send_answer(connection);
}

static void reloaded(struct reload_request *request, const struct reload_outcome *outcome)
{
    answer_reload(CONTAINER_OF(request, struct admin_connection, reload), outcome);
}

/* Passes the turn to the daemon, if that takes it. */
static void ask_reload(struct admin_connection *connection)
{
    const struct admin_context *context = connection->context;

    lock_acquire(&connection->lock);
    bool entered = enter(connection, ADMIN_WAITING, TIMER_NEVER);
    lock_release(&connection->lock);
    if (!entered) {
        drop(connection);
        return;
    }
    connection->reload.done = reloaded;
    /* Where the daemon has taken the turn, another worker may have it by now: nothing of the connection is touched then. */
    if (context->reload == NULL || !context->reload(context->reload_context, &connection->reload))
        answer_reload(connection, NULL);
}

static void answer(struct admin_connection *connection, enum http_verdict verdict,
                   const struct http_request *request)
{
    struct admin_clock clock = {now(connection), wallclock_now_ms()};
    bool stopping;

    if (!begin_answer(connection, &stopping))
        return;
    enum admin_next next =
        admin_answer(&connection->context->site, &clock, verdict, request, stopping, &connection->answer);
    if (connection->answer.keep_alive) {
        connection->received -= request->size;
        memmove(connection->bytes, connection->bytes + request->size, connection->received);
    }
    if (next == ADMIN_RELOADS)
        ask_reload(connection);
    else
        send_answer(connection);
}

static void answer_timeout(struct admin_connection *connection)
{
    struct admin_clock clock = {now(connection), wallclock_now_ms()};
    bool stopping;

    if (!begin_answer(connection, &stopping))
        return;
    admin_answer_timeout(&clock, &connection->answer);
    send_answer(connection);
}

static void look_at_request(struct admin_connection *connection)
{
    struct http_request request;
    enum http_verdict verdict = http_request_parse(connection->bytes, connection->received, &request);

    if (verdict != HTTP_MORE)
        answer(connection, verdict, &request);
    else if (connection->received == 0)
        receive(connection, ADMIN_IDLE, now(connection) + ADMIN_IDLE_TIMEOUT_US);
    else
        receive(connection, ADMIN_READING, connection->until_us);
}

static void received(struct admin_connection *connection, enum admin_phase phase)
{
    const struct port_op *op = &connection->op;

    /* Only the deadline cancels a receive of a connection that is not closed. */
    if (phase == ADMIN_EXPIRED || op->status == PORT_CANCELLED) {
        answer_timeout(connection);
    } else if (op->status == PORT_OK) {
        if (phase == ADMIN_IDLE)
            connection->until_us = now(connection) + ADMIN_READ_TIMEOUT_US;
        connection->received += op->bytes;
        look_at_request(connection);
    } else {
        /* FIN between two requests or within one: nothing is owed. Or the connection broke. */
        end_turn(connection);
    }
}

static void sent(struct admin_connection *connection)
{
    if (connection->op.status != PORT_OK) {
        end_turn(connection);
        return;
    }
    connection->answer_sent += connection->op.bytes;
    if (connection->answer_sent < connection->answer.size) {
        send(connection);
        return;
    }
    memory_free(connection->answer.bytes);
    connection->answer.bytes = NULL;
    lock_acquire(&connection->lock);
    bool stopping = connection->stop_us != 0;
    lock_release(&connection->lock);
    if (!connection->answer.keep_alive || stopping) {
        linger(connection);
        return;
    }
    connection->until_us = now(connection) + ADMIN_READ_TIMEOUT_US;
    look_at_request(connection);
}

static void lingered(struct admin_connection *connection)
{
    if (connection->op.status == PORT_OK)
        receive(connection, ADMIN_LINGERING, connection->until_us);
    else
        end_turn(connection);
}

static void operation_done(struct port_op *op)
{
    struct admin_connection *connection = CONTAINER_OF(op, struct admin_connection, op);

    lock_acquire(&connection->lock);
    enum admin_phase phase = connection->phase;
    lock_release(&connection->lock);
    /* It may change right now, to EXPIRED or CLOSED: the next step finds out when it takes the lock. */
    switch (phase) {
    case ADMIN_IDLE:
    case ADMIN_READING:
    case ADMIN_EXPIRED:
        received(connection, phase);
        break;
    case ADMIN_SENDING:
        sent(connection);
        break;
    case ADMIN_LINGERING:
        lingered(connection);
        break;
    case ADMIN_CLOSED:
        drop(connection);
        break;
    case ADMIN_ANSWERING:
    case ADMIN_WAITING:
        CHECK(phase != ADMIN_ANSWERING && phase != ADMIN_WAITING);
        break;
    }
}

/* --- the others ------------------------------------------------------------------------------------------ */

/* With the lock held: the deadline has passed. */
static void expire(struct admin_connection *connection)
{
    switch (connection->phase) {
    case ADMIN_IDLE:
    case ADMIN_LINGERING:
        shut(connection, false);
        break;
    case ADMIN_READING:
        connection->phase = ADMIN_EXPIRED;
        connection->deadline_us = TIMER_NEVER;
        port_cancel_receive(&connection->socket);
        break;
    case ADMIN_SENDING:
        shut(connection, true);
        break;
    case ADMIN_EXPIRED:
    case ADMIN_ANSWERING:
    case ADMIN_WAITING:
    case ADMIN_CLOSED:
        /* These have no deadline. */
        break;
    }
}

static void timer_fired(struct timer *timer)
{
    struct admin_connection *connection = CONTAINER_OF(timer, struct admin_connection, timer);

    lock_acquire(&connection->lock);
    if (now(connection) >= connection->deadline_us)
        expire(connection);
    lock_release(&connection->lock);
    drop(connection);
}

void admin_connection_start(struct admin_connection *connection, const struct admin_context *context,
                            struct port_socket *socket)
{
    memset(connection, 0, offsetof(struct admin_connection, bytes));
    connection->context = context;
    connection->references = 1;
    lock_init(&connection->lock);
    timer_init(&connection->timer, timer_fired);
    port_op_init(&connection->op, operation_done);
    port_socket_move(&connection->socket, socket);
    connection->phase = ADMIN_IDLE;
    /* Who has just come has something to ask, or else takes somebody's place. */
    receive(connection, ADMIN_IDLE, now(connection) + ADMIN_READ_TIMEOUT_US);
}

void admin_connection_stop(struct admin_connection *connection)
{
    lock_acquire(&connection->lock);
    switch (connection->phase) {
    case ADMIN_IDLE:
    case ADMIN_READING:
    case ADMIN_EXPIRED:
        shut(connection, false);
        break;
    case ADMIN_ANSWERING:
    case ADMIN_WAITING:
    case ADMIN_SENDING:
    case ADMIN_LINGERING:
        connection->stop_us = now(connection) + ADMIN_CLOSE_US;
        if (connection->deadline_us != TIMER_NEVER)
            set_deadline(connection, connection->deadline_us);
        break;
    case ADMIN_CLOSED:
        break;
    }
    lock_release(&connection->lock);
}
