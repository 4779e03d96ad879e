#include "relay/pipe.h"

#include "base/atomic.h"
#include "base/check.h"
#include "relay/listener.h"
#include "relay/relay.h"
#include "relay/session.h"

#include <stddef.h>

static void pipe_source_done(struct port_op *op);
static void pipe_destination_done(struct port_op *op);

void pipe_init(struct pipe *pipe, struct session *session, struct port_socket *source,
               struct port_socket *destination, struct stats_scope *received_by, struct stats_scope *sent_by)
{
    port_op_init(&pipe->receive, pipe_source_done);
    port_op_init(&pipe->send, pipe_destination_done);
    pipe->session = session;
    pipe->source = source;
    pipe->destination = destination;
    pipe->received_by = received_by;
    pipe->sent_by = sent_by;
    pipe->buffer = NULL;
    pipe->length = 0;
    pipe->sent = 0;
    pipe->state = PIPE_NEW;
    pipe->ended = false;
    pipe->bulk = false;
    pipe->streak = 0;
    pipe->bulk_after = BULK_AFTER_FULL;
    pipe->received_bytes = 0;
    pipe->sent_bytes = 0;
    pipe->active_us = 0;
    pipe->drained_us = 0;
}

enum pipe_state pipe_state(const struct pipe *pipe)
{
    return (enum pipe_state)atomic_load_u32(&pipe->state);
}

uint64_t pipe_active_us(const struct pipe *pipe)
{
    return atomic_load_u64(&pipe->active_us);
}

uint64_t pipe_drained_us(const struct pipe *pipe)
{
    return atomic_load_u64(&pipe->drained_us);
}

static void pipe_set_state(struct pipe *pipe, enum pipe_state state)
{
    atomic_store_u32(&pipe->state, state);
}

static struct stock *pipe_stock(const struct pipe *pipe)
{
    return &pipe->session->relay->stock;
}

static uint32_t pipe_capacity(const struct pipe *pipe)
{
    return pipe->bulk ? pipe_stock(pipe)->bulk_bytes : pipe_stock(pipe)->buffer_bytes;
}

/* After a pause the pipe begins with a small one again. */
static void pipe_give_buffer(struct pipe *pipe)
{
    if (pipe->buffer == NULL)
        return;
    stock_give_buffer(pipe_stock(pipe), pipe->buffer, pipe->bulk);
    pipe->buffer = NULL;
    pipe->bulk = false;
    pipe->streak = 0;
}

/* The other size. Without one the pipe keeps what it has. */
static void pipe_swap_buffer(struct pipe *pipe)
{
    unsigned char *buffer = stock_take_buffer(pipe_stock(pipe), !pipe->bulk);

    if (buffer == NULL)
        return;
    stock_give_buffer(pipe_stock(pipe), pipe->buffer, pipe->bulk);
    pipe->buffer = buffer;
    pipe->bulk = !pipe->bulk;
}

/* Nothing is in the buffer: is it of the size that the last receives ask for? */
static void pipe_fit_buffer(struct pipe *pipe)
{
    if (pipe->streak < (pipe->bulk ? BULK_AFTER_LEAN : pipe->bulk_after))
        return;
    pipe->streak = 0;
    if (pipe->bulk)
        pipe->bulk_after = pipe->bulk_after < BULK_AFTER_FULL_MAX / BULK_PATIENCE
                               ? (uint8_t)(pipe->bulk_after * BULK_PATIENCE)
                               : BULK_AFTER_FULL_MAX;
    pipe_swap_buffer(pipe);
}

/* A receive brought this much into an empty buffer. */
static void pipe_note_fill(struct pipe *pipe, uint32_t bytes)
{
    uint32_t small_bytes = pipe_stock(pipe)->buffer_bytes;
    bool asks = pipe->bulk ? bytes <= small_bytes
                           : bytes == small_bytes && small_bytes < pipe_stock(pipe)->bulk_bytes;

    pipe->streak = asks ? (uint8_t)(pipe->streak + 1) : 0;
}

/* What was received and never sent on is counted, so that the bytes reconcile (SEMANTICS I5). */
static void pipe_discard(struct pipe *pipe)
{
    if (pipe->length > pipe->sent)
        stats_count(pipe->session->listener->scope, STAT_BYTES_DISCARDED, pipe->length - pipe->sent);
    pipe->length = 0;
    pipe->sent = 0;
    pipe_give_buffer(pipe);
    pipe_set_state(pipe, PIPE_OVER);
}

void pipe_abandon(struct pipe *pipe)
{
    pipe_discard(pipe);
}

static void pipe_over(struct pipe *pipe)
{
    pipe_discard(pipe);
    session_pipe_over(pipe->session);
}

static void pipe_fail(struct pipe *pipe, const struct port_socket *side, const struct port_op *op)
{
    session_side_failed(pipe->session, side, op->status, op->os_code);
    pipe_over(pipe);
}

static void pipe_wait(struct pipe *pipe)
{
    pipe_give_buffer(pipe);
    pipe_set_state(pipe, PIPE_WAITING);
    port_wait_readable(pipe->source, &pipe->receive);
}

/* A send tells of its progress only at its end, and a session that is ending has short deadlines: a slow reader keeps them when it is
 * given no more at a time than a small buffer holds. */
static uint32_t pipe_piece(const struct pipe *pipe)
{
    uint32_t bytes = pipe->length - pipe->sent;
    uint32_t small_bytes = pipe_stock(pipe)->buffer_bytes;

    return bytes > small_bytes && session_is_ending(pipe->session) ? small_bytes : bytes;
}

static void pipe_send(struct pipe *pipe)
{
    pipe_set_state(pipe, PIPE_SENDING);
    port_send(pipe->destination, &pipe->send, pipe->buffer + pipe->sent,
              pipe->bulk ? pipe_piece(pipe) : pipe->length - pipe->sent);
}

static void pipe_receive(struct pipe *pipe)
{
    pipe_set_state(pipe, PIPE_RECEIVING);
    port_receive(pipe->source, &pipe->receive, pipe->buffer + pipe->length,
                 pipe_capacity(pipe) - pipe->length);
}

/* While the session connects, nobody would take a buffer away again that nothing comes into. */
void pipe_start(struct pipe *pipe)
{
    CHECK(pipe->state == PIPE_NEW);
    if (session_phase(pipe->session) == SESSION_FLOWING)
        pipe->buffer = stock_take_eagerly(pipe_stock(pipe));
    if (pipe->buffer != NULL)
        pipe_receive(pipe);
    else
        pipe_wait(pipe);
}

static void pipe_finish(struct pipe *pipe)
{
    /* After the last direction the session closes its sockets, which sends FIN too. A failure to send it means that the destination is
     * broken, which the pipe that reads from it learns too. */
    if (session_half_closed(pipe->session))
        (void)port_shutdown(pipe->destination);
    pipe_over(pipe);
}

/* Nothing is in flight, and the session connects no more. */
static void pipe_advance(struct pipe *pipe)
{
    if (session_phase(pipe->session) == SESSION_CLOSED) {
        /* A session that was closed while it connected has no destination. */
        pipe_over(pipe);
    } else if (pipe->length > pipe->sent) {
        pipe_send(pipe);
    } else if (pipe->ended) {
        pipe_finish(pipe);
    } else if (!session_reads(pipe->session, pipe->source)) {
        /* What had been received is delivered; nothing new is read. */
        pipe_over(pipe);
    } else if (pipe->buffer != NULL) {
        pipe->length = 0;
        pipe->sent = 0;
        pipe_fit_buffer(pipe);
        pipe_receive(pipe);
    } else {
        pipe_wait(pipe);
    }
}

void pipe_resume(struct pipe *pipe)
{
    pipe_advance(pipe);
}

/* While the session connects, the pipe reads ahead into its one buffer. */
static void pipe_hold(struct pipe *pipe)
{
    bool room = !pipe->ended && pipe->length < pipe_capacity(pipe);

    /* Set before the call: after it the pipe may already be somebody else's. */
    pipe_set_state(pipe, PIPE_HOLDING);
    if (!session_hold(pipe->session, pipe, room))
        pipe_advance(pipe);
}

static void pipe_readable(struct pipe *pipe)
{
    bool connecting = session_phase(pipe->session) == SESSION_CONNECTING;

    if (!connecting && (pipe->length > pipe->sent || !session_reads(pipe->session, pipe->source))) {
        pipe_advance(pipe);
        return;
    }
    if (pipe->buffer == NULL)
        pipe->buffer = stock_take_buffer(pipe_stock(pipe), pipe->bulk);
    if (pipe->buffer == NULL) {
        session_exhausted(pipe->session);
        pipe_over(pipe);
        return;
    }
    /* In this order, with a full barrier between: see session_flow_tick. */
    (void)atomic_exchange_u32(&pipe->state, PIPE_RECEIVING);
    session_wake(pipe->session);
    pipe_receive(pipe);
}

static void pipe_received(struct pipe *pipe, uint32_t bytes)
{
    stats_count(pipe->received_by, STAT_BYTES_IN, bytes);
    atomic_store_u64(&pipe->active_us, port_round_us(pipe->session->relay->port));
    if (pipe->length == 0)
        pipe_note_fill(pipe, bytes);
    pipe->length += bytes;
    pipe->received_bytes += bytes;
    if (session_phase(pipe->session) == SESSION_CONNECTING)
        pipe_hold(pipe);
    else
        pipe_advance(pipe);
}

static void pipe_ended(struct pipe *pipe)
{
    pipe->ended = true;
    if (session_phase(pipe->session) == SESSION_CONNECTING)
        pipe_hold(pipe);
    else
        pipe_advance(pipe);
}

/* Somebody asked for the end of the receive: because the pipe was quiet, because the session got connected, or because it ends. */
static void pipe_interrupted(struct pipe *pipe)
{
    if (session_phase(pipe->session) == SESSION_CONNECTING) {
        pipe_hold(pipe);
        return;
    }
    if (pipe->length == pipe->sent)
        pipe_give_buffer(pipe);
    pipe_advance(pipe);
}

static void pipe_source_done(struct port_op *op)
{
    struct pipe *pipe = CONTAINER_OF(op, struct pipe, receive);
    bool waited = pipe->state != PIPE_RECEIVING;

    switch (op->status) {
    case PORT_OK:
        if (waited)
            pipe_readable(pipe);
        else
            pipe_received(pipe, op->bytes);
        break;
    case PORT_END:
        pipe_ended(pipe);
        break;
    case PORT_CANCELLED:
        pipe_interrupted(pipe);
        break;
    default:
        pipe_fail(pipe, pipe->source, op);
        break;
    }
}

static void pipe_note_sent(struct pipe *pipe, uint32_t bytes)
{
    uint64_t now_us = port_round_us(pipe->session->relay->port);
    uint64_t from_us = pipe->drained_us > now_us ? pipe->drained_us : now_us;
    uint64_t drained_us = from_us + (uint64_t)bytes * 1000000 / RESET_FLUSH_BYTES_PER_SECOND;
    uint64_t latest_us = now_us + RESET_FLUSH_MAX_US - RESET_FLUSH_US;

    /* A slow reader has no use for a large buffer: others may have it. */
    if (pipe->bulk && now_us > pipe->active_us + BULK_SLOW_US)
        pipe->streak = BULK_AFTER_LEAN;
    atomic_store_u64(&pipe->active_us, now_us);
    atomic_store_u64(&pipe->drained_us, drained_us < latest_us ? drained_us : latest_us);
}

static void pipe_destination_done(struct port_op *op)
{
    struct pipe *pipe = CONTAINER_OF(op, struct pipe, send);

    if (op->status != PORT_OK) {
        pipe_fail(pipe, pipe->destination, op);
        return;
    }
    stats_count(pipe->sent_by, STAT_BYTES_OUT, op->bytes);
    pipe_note_sent(pipe, op->bytes);
    pipe->sent += op->bytes;
    pipe->sent_bytes += op->bytes;
    pipe_advance(pipe);
}
