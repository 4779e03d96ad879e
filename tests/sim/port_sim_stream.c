#include "tests/sim/port_sim.h"

#include "base/check.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

/* How long a system tries to connect before it gives up. */
enum { CONNECT_SYSTEM_TIMEOUT_US = 21 * 1000 * 1000 };

static void finish(struct sim_request *request, enum port_status status, uint32_t bytes, bool immediate)
{
    sim_request_finish(request, status, bytes);
    sim_port_queue(request, immediate);
}

static void receive_progress(struct sim_socket *socket, bool immediate)
{
    struct sim_request *request = socket->receive;
    struct net_end *end = socket->end;
    if (request == NULL || request->finished || end == NULL) {
        return;
    }
    uint32_t readable = net_readable(end);
    bool broken = end->state == NET_DEAD;
    if (request->kind == SIM_WAIT) {
        if (readable > 0 || net_at_end(end) || broken) {
            finish(request, PORT_OK, 0, immediate);
        }
    } else if (readable > 0) {
        uint32_t count = request->bytes < readable ? request->bytes : readable;
        if (count > 1 && sim_fault(SIM_FAULT_PARTIAL_RECEIVE)) {
            count = 1 + sim_below(count);
        }
        finish(request, PORT_OK, sim_request_read(request, end, count), immediate);
    } else if (net_at_end(end)) {
        finish(request, PORT_END, 0, immediate);
    } else if (broken) {
        finish(request, PORT_RESET, 0, immediate);
    }
}

static void send_progress(struct sim_socket *socket, bool immediate)
{
    struct sim_request *request = socket->send;
    struct net_end *end = socket->end;
    if (request == NULL || request->finished || request->kind != SIM_SEND || end == NULL) {
        return;
    }
    if (end->state == NET_DEAD) {
        finish(request, PORT_RESET, 0, immediate);
        return;
    }
    uint32_t moved = net_write(end, (const uint8_t *)request->send_buffer + request->progress,
                               request->bytes - request->progress);
    request->progress += moved;
    if (request->progress == request->bytes || (moved > 0 && sim_fault(SIM_FAULT_PARTIAL_SEND))) {
        finish(request, PORT_OK, request->progress, immediate);
    }
}

void sim_stream_progress(struct sim_socket *socket, bool immediate)
{
    if (sim_below(2) == 0) {
        receive_progress(socket, immediate);
        send_progress(socket, immediate);
    } else {
        send_progress(socket, immediate);
        receive_progress(socket, immediate);
    }
}

static void progress_later(void *object, uint64_t argument)
{
    (void)argument;
    sim_stream_progress(object, false);
}

static void end_changed(void *user, struct net_end *end)
{
    (void)end;
    sim_stream_progress(user, false);
}

void sim_socket_connected(struct sim_socket *socket, struct net_end *end)
{
    sim_trace("connected", socket->id, end->id);
    socket->end = end;
    socket->connected = true;
    end->user = socket;
    end->notify = end_changed;
}

/* Some operations have their result at once, others even though they could have it. */
static void stream_start(struct sim_socket *socket)
{
    if (sim_fault(SIM_FAULT_IMMEDIATE)) {
        sim_stream_progress(socket, true);
    } else {
        sim_at(sim_delay(sim_faults.completion_us), SIM_LABEL_COMPLETE, progress_later, socket, 0);
    }
}

/* True when the submission already has its result, a failure. */
static bool fails_at_once(struct sim_socket *socket, struct sim_request *request, enum sim_fault exhausted)
{
    enum port_status status;
    if (socket->closing) {
        status = PORT_CANCELLED;
    } else if (socket->kind != SIM_STREAM || !socket->connected) {
        status = PORT_FAILED;
    } else if (sim_submission_fails(exhausted)) {
        status = PORT_EXHAUSTED;
    } else {
        return false;
    }
    finish(request, status, 0, socket->closing || sim_fault(SIM_FAULT_IMMEDIATE));
    return true;
}

static struct sim_request *submit_receive(struct port_socket *socket, struct port_op *op, enum sim_kind kind)
{
    struct sim_socket *inner = sim_socket_of(socket, "receive");
    if (inner->receive != NULL && !inner->handle_closed) {
        sim_fail("I3", "two receives are in flight on one socket");
    }
    struct sim_request *request = sim_request_submit(inner->port, inner, op, kind, op, sizeof *op);
    inner->receive = request;
    return request;
}

void port_receive(struct port_socket *socket, struct port_op *op, void *buffer, uint32_t bytes)
{
    sim_preempt();
    struct sim_request *request = submit_receive(socket, op, SIM_RECEIVE);
    struct sim_socket *inner = request->socket;
    if (!fails_at_once(inner, request, SIM_FAULT_RECEIVE_EXHAUSTED)) {
        sim_request_take_receive(request, buffer, bytes);
        stream_start(inner);
    }
    sim_preempt();
}

void port_wait_readable(struct port_socket *socket, struct port_op *op)
{
    sim_preempt();
    struct sim_request *request = submit_receive(socket, op, SIM_WAIT);
    struct sim_socket *inner = request->socket;
    if (!fails_at_once(inner, request, SIM_FAULT_WAIT_EXHAUSTED)) {
        if (sim_fault(SIM_FAULT_EARLY_WAIT)) {
            finish(request, PORT_OK, 0, sim_fault(SIM_FAULT_IMMEDIATE));
        } else {
            stream_start(inner);
        }
    }
    sim_preempt();
}

void port_cancel_receive(struct port_socket *socket)
{
    sim_preempt();
    if (socket->port == NULL) {
        return; /* harmless, as port.h says */
    }
    struct sim_socket *inner = sim_socket_of(socket, "cancel");
    if (inner->receive != NULL) {
        sim_request_cancel(inner->receive);
    }
    sim_preempt();
}

void port_send(struct port_socket *socket, struct port_op *op, const void *buffer, uint32_t bytes)
{
    sim_preempt();
    struct sim_socket *inner = sim_socket_of(socket, "send");
    if (inner->send != NULL && !inner->handle_closed) {
        sim_fail("I3", "two sends are in flight on one socket");
    }
    struct sim_request *request = sim_request_submit(inner->port, inner, op, SIM_SEND, op, sizeof *op);
    inner->send = request;
    if (!inner->closing && inner->connected && inner->end->out->fin_written) {
        finish(request, PORT_FAILED, 0, false);
    } else if (!fails_at_once(inner, request, SIM_FAULT_SEND_EXHAUSTED)) {
        sim_request_take_send(request, buffer, bytes);
        stream_start(inner);
    }
    sim_preempt();
}

/* Peers never vanish here. */
void port_keep_alive(struct port_socket *socket)
{
    (void)socket;
    sim_preempt();
}

enum port_status port_shutdown(struct port_socket *socket)
{
    sim_preempt();
    struct sim_socket *inner = sim_socket_of(socket, "shutdown");
    if (inner->send != NULL) {
        sim_fail("I3", "shutdown while a send is in flight");
    }
    if (inner->closing) {
        return PORT_CANCELLED;
    }
    if (inner->end == NULL) {
        return PORT_FAILED;
    }
    sim_trace("shutdown", inner->id, 0);
    if (inner->end->state == NET_DEAD) {
        return PORT_RESET;
    }
    net_shutdown(inner->end);
    sim_preempt();
    return PORT_OK;
}

/* --- connect -------------------------------------------------------------------------------------------------- */

static void connect_answered(void *user, enum net_result result, struct net_end *end)
{
    static const enum port_status statuses[] = {PORT_OK, PORT_REFUSED, PORT_TIMEOUT, PORT_UNREACHABLE};
    struct sim_request *request = user;
    struct sim_socket *socket = request->socket;
    if (result == NET_OK) {
        sim_socket_connected(socket, end);
    }
    finish(request, statuses[result], 0, false);
}

static bool still_connecting(const struct sim_request *request, uint64_t id)
{
    return request->op != NULL && request->id == id && !request->finished;
}

static void connect_times_out(void *object, uint64_t id)
{
    struct sim_request *request = object;
    if (still_connecting(request, id)) {
        sim_port.system_timeouts++;
        finish(request, PORT_TIMEOUT, 0, false);
    }
}

/* Where a connect goes is kept in the request until its SYN leaves. */
struct connect_start {
    struct sim_request *request;
    uint64_t id;
    struct address to;
};

static void connect_starts(void *object, uint64_t argument)
{
    struct connect_start *start = object;
    (void)argument;
    if (still_connecting(start->request, start->id) && start->request->start == start) {
        start->request->start = NULL;
        struct address from = {0};
        from.family = start->to.family;
        from.bytes[from.family == ADDRESS_V4 ? 3 : 15] = 1;
        from.bytes[0] = from.family == ADDRESS_V4 ? 127 : 0;
        start->request->attempt = net_connect(&from, &start->to, connect_answered, start->request);
    }
}

static void connect_begin(struct sim_request *request, const struct address *address)
{
    if (sim_fault(SIM_FAULT_CONNECT_HANGS)) {
        sim_at(CONNECT_SYSTEM_TIMEOUT_US, SIM_LABEL_CONNECTED, connect_times_out, request, request->id);
        return;
    }
    uint64_t delay = sim_delay(sim_fault(SIM_FAULT_CONNECT_SLOW) ? 10ULL * 1000 * 1000 : 10);
    struct connect_start *start = sim_arena(sizeof *start);
    request->start = start;
    start->request = request;
    start->id = request->id;
    start->to = *address;
    sim_at(delay, SIM_LABEL_SYN, connect_starts, start, 0);
}

void sim_connect_hurry(struct sim_request *request)
{
    if (request->start != NULL) {
        connect_starts(request->start, 0);
    }
}

/* A result that needs no network, or PORT_OK: ask the network. */
static enum port_status connect_local_result(const struct sim_socket *socket, const struct address *address)
{
    if (socket->closing) {
        return PORT_CANCELLED;
    }
    if (socket->kind != SIM_STREAM || socket->connected) {
        return PORT_FAILED;
    }
    if (address->port == 0 || address_is_any(address) || address->family != socket->family) {
        return PORT_NO_ADDRESS;
    }
    if (sim_submission_fails(SIM_FAULT_CONNECT_EXHAUSTED)) {
        return PORT_EXHAUSTED;
    }
    if (sim_fault(SIM_FAULT_CONNECT_REFUSED)) {
        return PORT_REFUSED;
    }
    return sim_fault(SIM_FAULT_CONNECT_UNREACHABLE) ? PORT_UNREACHABLE : PORT_OK;
}

void port_connect(struct port_socket *socket, struct port_op *op, const struct address *address)
{
    sim_preempt();
    struct sim_socket *inner = sim_socket_of(socket, "connect");
    if (inner->send != NULL) {
        sim_fail("I3", "a connect while another or a send is in flight");
    }
    struct sim_request *request = sim_request_submit(inner->port, inner, op, SIM_CONNECT, op, sizeof *op);
    inner->send = request;
    enum port_status status = connect_local_result(inner, address);
    if (status != PORT_OK) {
        finish(request, status, 0, sim_fault(SIM_FAULT_IMMEDIATE));
    } else {
        connect_begin(request, address);
    }
    sim_preempt();
}
