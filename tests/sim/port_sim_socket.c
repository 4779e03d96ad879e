#include "tests/sim/port_sim.h"

#include "base/check.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

static struct sim_socket *inner_of(const struct port_socket *socket)
{
    return (struct sim_socket *)(uintptr_t)socket->backend[0];
}

struct sim_socket *sim_socket_of(const struct port_socket *socket, const char *what)
{
    if (socket->port == NULL || inner_of(socket) == NULL) {
        sim_fail("I3", "%s on an empty socket", what);
    }
    struct sim_socket *inner = inner_of(socket);
    if (inner->owner != NULL && inner->owner != socket) {
        sim_fail("I3", "%s on a copy of a socket", what);
    }
    return inner;
}

/* What a socket is made in must be empty, or closed with nothing in flight. */
static void check_may_fill(const struct port_socket *socket)
{
    if (socket->port != NULL) {
        const struct sim_socket *old = inner_of(socket);
        if (old != NULL && (!old->handle_closed || old->in_flight > 0)) {
            sim_fail("I3", "a socket is made in memory of another that is not gone");
        }
    }
}

bool sim_handles_left(const struct port *port)
{
    if (sim_faults.handles_max == 0 || port->handles < sim_faults.handles_max) {
        return true;
    }
    sim_fault_count(SIM_FAULT_HANDLES);
    return false;
}

/* --- closing ---------------------------------------------------------------------------------------------------- */

static void close_handle(struct sim_socket *socket)
{
    socket->handle_closed = true;
    socket->owner->handle = 0;
    socket->owner = NULL;
    sim_socket_forget(socket);
    if (socket->listener != NULL) {
        net_listener_close(socket->listener);
    }
    if (socket->end != NULL) {
        if (socket->abortive) {
            net_reset(socket->end);
        }
        net_close(socket->end);
    }
}

void sim_socket_dequeued(struct sim_socket *socket, struct sim_request *request)
{
    if (socket->receive == request) {
        socket->receive = NULL;
    }
    if (socket->send == request) {
        socket->send = NULL;
    }
    socket->in_flight--;
    if (socket->closing && !socket->handle_closed && socket->in_flight == 0) {
        close_handle(socket);
    }
}

static void socket_close(struct port_socket *socket, bool abortive)
{
    sim_preempt();
    if (socket->port == NULL) {
        return;
    }
    struct sim_socket *inner = sim_socket_of(socket, "close");
    if (inner->closing) {
        return;
    }
    sim_trace(abortive ? "port_reset" : "port_close", inner->id, inner->in_flight);
    inner->closing = true;
    inner->abortive = abortive;
    if (inner->in_flight == 0) {
        close_handle(inner);
        return;
    }
    if (inner->receive != NULL) {
        sim_request_cancel(inner->receive);
    }
    if (inner->send != NULL) {
        sim_request_cancel(inner->send);
    }
    for (struct sim_request *accept = inner->accepts; accept != NULL; accept = accept->next) {
        sim_request_cancel(accept);
    }
    sim_preempt();
}

void port_close(struct port_socket *socket)
{
    socket_close(socket, false);
}

void port_reset(struct port_socket *socket)
{
    socket_close(socket, true);
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

static void listener_progress(struct sim_socket *socket, bool immediate);

static void connection_arrived(void *user, struct net_listener *listener)
{
    (void)listener;
    listener_progress(user, false);
}

static bool address_is_ours(const struct address *address)
{
    return address_is_any(address) || address_is_loopback(address) ||
           (address->family == ADDRESS_V4 && address->bytes[0] == 10);
}

static enum port_status listen_fault(void)
{
    static const enum port_status statuses[] = {PORT_IN_USE, PORT_DENIED, PORT_NO_ADDRESS, PORT_EXHAUSTED,
                                                PORT_FAILED};
    return sim_submission_fails(SIM_FAULT_LISTEN_FAILED) ? statuses[sim_below(5)] : PORT_OK;
}

enum port_status port_listen(struct port *port, struct port_socket *socket, const struct address *address,
                             uint32_t *os_code)
{
    sim_preempt();
    check_may_fill(socket);
    *os_code = 0;
    enum port_status status = listen_fault();
    if (status == PORT_OK && !address_is_ours(address)) {
        status = PORT_NO_ADDRESS;
    }
    if (status == PORT_OK && !sim_handles_left(port)) {
        status = PORT_EXHAUSTED;
    }
    if (status == PORT_OK && address->port != 0 && net_address_taken(address)) {
        status = PORT_IN_USE;
    }
    if (status != PORT_OK) {
        *os_code = 10000 + (uint32_t)status;
        memset(socket, 0, sizeof *socket);
        return status;
    }
    struct sim_socket *inner = sim_socket_make(port, socket, SIM_LISTENER);
    inner->listener = net_listen(address, LISTEN_BACKLOG, connection_arrived, inner);
    inner->address = inner->listener->address;
    sim_trace("listen", inner->id, inner->address.port);
    return PORT_OK;
}

enum port_status port_open(struct port *port, struct port_socket *socket, enum address_family family,
                           uint32_t *os_code)
{
    sim_preempt();
    check_may_fill(socket);
    *os_code = 0;
    if (!sim_handles_left(port) || sim_submission_fails(SIM_FAULT_OPEN_EXHAUSTED)) {
        *os_code = 10024;
        memset(socket, 0, sizeof *socket);
        return PORT_EXHAUSTED;
    }
    struct sim_socket *inner = sim_socket_make(port, socket, SIM_STREAM);
    inner->family = family;
    sim_trace("open", inner->id, 0);
    return PORT_OK;
}

bool port_local_address(const struct port_socket *socket, struct address *address)
{
    if (!port_is_open(socket)) {
        return false;
    }
    const struct sim_socket *inner = inner_of(socket);
    if (inner->listener == NULL && inner->end == NULL) {
        return false;
    }
    *address = inner->listener != NULL ? inner->address : inner->end->local;
    return true;
}

bool port_describe_owner(const struct address *address, char *text, size_t text_bytes)
{
    static const char owner[] = "process 4 (System)";
    (void)address;
    if (text_bytes < sizeof owner || sim_below(2) == 0) {
        return false;
    }
    memcpy(text, owner, sizeof owner);
    return true;
}

void port_socket_move(struct port_socket *to, struct port_socket *from)
{
    check_may_fill(to);
    if (from->port != NULL) {
        struct sim_socket *inner = sim_socket_of(from, "move");
        if (inner->in_flight > 0) {
            sim_fail("I3", "a socket is moved with something in flight");
        }
        if (inner->owner != NULL) {
            inner->owner = to;
        }
    }
    *to = *from;
    memset(from, 0, sizeof *from);
}

bool port_is_open(const struct port_socket *socket)
{
    return socket->port != NULL && inner_of(socket) != NULL && !inner_of(socket)->closing;
}

/* --- accepting -------------------------------------------------------------------------------------------------- */

static void finish_accept(struct sim_socket *socket, enum port_status status, bool immediate)
{
    struct sim_request *request = socket->accepts;
    socket->accepts = request->next;
    request->next = NULL;
    sim_request_finish(request, status, 0);
    sim_port_queue(request, immediate);
}

static void listener_progress(struct sim_socket *socket, bool immediate)
{
    while (socket->accepts != NULL && socket->listener->first != NULL) {
        if (!sim_handles_left(socket->port) || sim_fault(SIM_FAULT_ACCEPT_EXHAUSTED)) {
            finish_accept(socket, PORT_EXHAUSTED, immediate);
            continue;
        }
        struct net_end *end = net_accept(socket->listener);
        bool gone = end->state == NET_DEAD && sim_below(2) == 0;
        bool reset = gone || sim_fault(SIM_FAULT_ACCEPT_RESET);
        if (reset || sim_fault(SIM_FAULT_ACCEPT_FAILED)) {
            net_reset(end);
            net_close(end);
            finish_accept(socket, reset ? PORT_RESET : PORT_FAILED, immediate);
            continue;
        }
        socket->accepts->accepted = end;
        finish_accept(socket, PORT_OK, immediate);
    }
}

static void listener_later(void *object, uint64_t argument)
{
    (void)argument;
    listener_progress(object, false);
}

void sim_accept_fill(struct sim_request *request)
{
    struct port_accept *accept = CONTAINER_OF(request->op, struct port_accept, op);
    memset(&accept->accepted, 0, sizeof accept->accepted);
    if (request->accepted != NULL) {
        struct sim_socket *inner = sim_socket_make(request->port, &accept->accepted, SIM_STREAM);
        sim_socket_connected(inner, request->accepted);
        accept->peer = request->accepted->remote;
        accept->local = request->accepted->local;
        sim_trace("accepted", inner->id, request->accepted->id);
    }
}

void port_accept_init(struct port_accept *accept, port_done *done)
{
    port_op_init(&accept->op, done);
    memset(&accept->accepted, 0, sizeof accept->accepted);
    memset(&accept->peer, 0, sizeof accept->peer);
    memset(&accept->local, 0, sizeof accept->local);
}

void port_accept(struct port_socket *listener, struct port_accept *accept)
{
    sim_preempt();
    struct sim_socket *inner = sim_socket_of(listener, "accept");
    struct sim_request *request =
        sim_request_submit(inner->port, inner, &accept->op, SIM_ACCEPT, accept, sizeof *accept);
    if (inner->closing || inner->kind != SIM_LISTENER) {
        sim_request_finish(request, inner->closing ? PORT_CANCELLED : PORT_FAILED, 0);
        sim_port_queue(request, sim_fault(SIM_FAULT_IMMEDIATE));
    } else if (!sim_handles_left(inner->port) || sim_submission_fails(SIM_FAULT_ACCEPT_EXHAUSTED)) {
        sim_request_finish(request, PORT_EXHAUSTED, 0);
        sim_port_queue(request, sim_fault(SIM_FAULT_IMMEDIATE));
    } else {
        struct sim_request **link = &inner->accepts;
        while (*link != NULL) {
            link = &(*link)->next;
        }
        *link = request;
        if (sim_fault(SIM_FAULT_IMMEDIATE)) {
            listener_progress(inner, true);
        } else {
            sim_at(sim_delay(sim_faults.completion_us), SIM_LABEL_ACCEPT, listener_later, inner, 0);
        }
    }
    sim_preempt();
}
