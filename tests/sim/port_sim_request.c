#include "tests/sim/port_sim.h"

#include "base/check.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(HAS_SANITIZER)
void __asan_poison_memory_region(void const volatile *memory, size_t bytes);
void __asan_unpoison_memory_region(void const volatile *memory, size_t bytes);
void *__asan_region_is_poisoned(void *memory, size_t bytes);
#else
static void __asan_poison_memory_region(void const volatile *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
}
static void __asan_unpoison_memory_region(void const volatile *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
}
static void *__asan_region_is_poisoned(void *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
    return NULL;
}
#endif

enum { PHASE_OWNED = 0x5eed0001, PHASE_FLYING = 0x5eed0002 };

struct sim_port_counts sim_port;

static struct sim_request *flying; /* everything in flight */
static struct sim_request *spare;
static uint32_t next_request;
static struct sim_socket *sockets; /* every socket that is open or has something in flight */
static uint32_t next_socket;

static const char *const kind_names[SIM_KIND_COUNT] = {"post",    "receive", "wait", "send",
                                                       "connect", "accept",  "name"};

void sim_request_begin(void)
{
    flying = NULL;
    spare = NULL;
    sockets = NULL;
    next_request = 0;
    next_socket = 0;
    memset(&sim_port, 0, sizeof sim_port);
}

void port_op_init(struct port_op *op, port_done *done)
{
    if (__asan_region_is_poisoned(op, sizeof *op) != NULL) {
        sim_fail("I3", "port_op_init of an operation in flight");
    }
    memset(op, 0, sizeof *op);
    op->done = done;
    op->phase = PHASE_OWNED;
}

/* A cheap sum over a send buffer: an edit while it is in flight must not go unnoticed. */
static uint64_t buffer_checksum(const void *buffer, uint32_t bytes)
{
    const uint8_t *data = buffer;
    uint64_t sum = bytes;
    uint32_t i = 0;
    for (; i + 8 <= bytes; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, sizeof word);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15U;
    }
    for (; i < bytes; i++) {
        sum = (sum ^ data[i]) * 0x100000001b3U;
    }
    return sum;
}

bool sim_submission_fails(int fault)
{
    sim_port.submissions++;
    if (sim_port.submissions == sim_port.fail_at) {
        sim_fault_count((enum sim_fault)fault);
        return true;
    }
    return sim_fault((enum sim_fault)fault);
}

struct sim_request *sim_request_submit(struct port *port, struct sim_socket *socket, struct port_op *op,
                                       enum sim_kind kind, void *around, size_t around_bytes)
{
    if (__asan_region_is_poisoned(around, around_bytes) != NULL) {
        sim_fail("I3", "a %s is submitted whose operation is in flight or freed", kind_names[kind]);
    }
    if (op->phase != PHASE_OWNED || op->done == NULL) {
        sim_fail("I3", "a %s is submitted whose operation is %s", kind_names[kind],
                 op->phase == PHASE_FLYING ? "in flight" : "not initialised");
    }
    struct sim_request *request = spare;
    if (request != NULL) {
        spare = request->next;
        memset(request, 0, sizeof *request);
    } else {
        request = sim_arena(sizeof *request);
    }
    op->phase = PHASE_FLYING;
    op->socket = NULL;
    request->op = op;
    request->kind = kind;
    request->id = ++next_request;
    request->socket = socket;
    request->port = port;
    request->memory = around;
    request->memory_bytes = around_bytes;
    request->all_next = flying;
    if (flying != NULL) {
        flying->all_previous = request;
    }
    flying = request;
    port->in_flight++;
    port->handles += kind == SIM_ACCEPT;
    if (socket != NULL) {
        socket->in_flight++;
        socket->used = true;
    }
    __asan_poison_memory_region(around, around_bytes);
    sim_trace(kind_names[kind], socket != NULL ? socket->id : 0, request->id);
    return request;
}

void sim_request_take_receive(struct sim_request *request, void *buffer, uint32_t bytes)
{
    if (bytes == 0 || __asan_region_is_poisoned(buffer, bytes) != NULL) {
        sim_fail("I3", "a receive into %u bytes that are empty, in flight or freed", bytes);
    }
    /* The system may write into the buffer at any time until the completion. */
    memset(buffer, 0xee, bytes < 48 ? bytes : 48);
    request->receive_buffer = buffer;
    request->bytes = bytes;
    __asan_poison_memory_region(buffer, bytes);
}

void sim_request_take_send(struct sim_request *request, const void *buffer, uint32_t bytes)
{
    if (bytes == 0) {
        sim_fail("I3", "a send of no bytes");
    }
    request->send_buffer = buffer;
    request->bytes = bytes;
    request->checksum = buffer_checksum(buffer, bytes);
}

uint32_t sim_request_read(struct sim_request *request, struct net_end *end, uint32_t bytes)
{
    __asan_unpoison_memory_region(request->receive_buffer, request->bytes);
    uint32_t count = net_read(end, request->receive_buffer, bytes);
    __asan_poison_memory_region(request->receive_buffer, request->bytes);
    return count;
}

/* Errors as Windows numbers them, so that logs of a simulation look familiar. */
static uint32_t os_code_of(enum port_status status)
{
    switch (status) {
    case PORT_OK:
    case PORT_END:
        return 0;
    case PORT_CANCELLED:
        return 995;
    case PORT_RESET:
        return 64;
    case PORT_REFUSED:
        return 1225;
    case PORT_TIMEOUT:
        return 121;
    case PORT_EXHAUSTED:
        return 10055;
    default:
        return 31;
    }
}

void sim_request_finish(struct sim_request *request, enum port_status status, uint32_t bytes)
{
    CHECK(!request->finished);
    request->finished = true;
    request->status = status;
    request->result_bytes = bytes;
    request->os_code = os_code_of(status);
    if (request->kind == SIM_ACCEPT) {
        request->port->handles--; /* the one it was posted with; a connection takes its own */
        sim_port.accepts_exhausted += status == PORT_EXHAUSTED;
    }
}

static void cancel_arrives(void *object, uint64_t id)
{
    struct sim_request *request = object;
    if (request->id != id || request->finished || request->op == NULL) {
        return;
    }
    sim_trace("cancelled", request->id, 0);
    if (request->attempt != NULL) {
        net_give_up(request->attempt);
    }
    struct sim_socket *socket = request->socket;
    for (struct sim_request **link = &socket->accepts; *link != NULL; link = &(*link)->next) {
        if (*link == request) {
            *link = request->next;
            break;
        }
    }
    sim_request_finish(request, PORT_CANCELLED, 0);
    sim_port_queue(request, false);
}

void sim_request_cancel(struct sim_request *request)
{
    if (request->finished || request->cancelling) {
        return;
    }
    request->cancelling = true;
    if (request->kind == SIM_CONNECT && sim_below(4) == 0) {
        /* The answer and the cancellation cross on their ways, and either may be first. */
        sim_connect_hurry(request);
        sim_at(sim_delay(4ULL * sim_faults.network_us + 100), SIM_LABEL_CANCEL, cancel_arrives, request,
               request->id);
        return;
    }
    uint64_t delay = sim_fault(SIM_FAULT_CANCEL_SLOW) ? sim_delay(sim_faults.slow_us)
                                                      : sim_delay(sim_faults.completion_us);
    sim_at(delay, SIM_LABEL_CANCEL, cancel_arrives, request, request->id);
}

/* The op is the owner's again. */
static void request_release(struct sim_request *request)
{
    __asan_unpoison_memory_region(request->memory, request->memory_bytes);
    if (request->receive_buffer != NULL) {
        __asan_unpoison_memory_region(request->receive_buffer, request->bytes);
    }
    if (request->send_buffer != NULL &&
        request->checksum != buffer_checksum(request->send_buffer, request->bytes)) {
        sim_fail("I3", "a buffer was edited while it was sent");
    }
    if (request->all_previous != NULL) {
        request->all_previous->all_next = request->all_next;
    } else {
        flying = request->all_next;
    }
    if (request->all_next != NULL) {
        request->all_next->all_previous = request->all_previous;
    }
    request->port->in_flight--;
}

void sim_request_complete(struct sim_request *request)
{
    struct port_op *op = request->op;
    request_release(request);
    if (op->phase != PHASE_FLYING) {
        sim_fail("I3", "an operation was overwritten in flight");
    }
    if (request->kind == SIM_ACCEPT) {
        sim_accept_fill(request);
    } else if (request->kind == SIM_NAME) {
        sim_name_fill(request);
    }
    if (request->socket != NULL) {
        sim_socket_dequeued(request->socket, request);
    }
    op->phase = PHASE_OWNED;
    op->status = request->status;
    op->bytes = request->result_bytes;
    op->os_code = request->os_code;
    if (request->status == PORT_OK && request->kind == SIM_RECEIVE) {
        sim_port.bytes_received += request->result_bytes;
    }
    if (request->status == PORT_OK && request->kind == SIM_SEND) {
        sim_port.bytes_sent += request->result_bytes;
    }
    sim_trace("done", request->id, (uint64_t)op->status * 1000003 + op->bytes);
    request->op = NULL;
    request->id = 0;
    request->next = spare;
    spare = request;
    sim_port.dones++;
    op->done(op);
}

/* --- what must not be freed ----------------------------------------------------------------------------------- */

struct sim_socket *sim_socket_make(struct port *port, struct port_socket *owner, enum sim_socket_kind kind)
{
    struct sim_socket *socket = sim_arena(sizeof *socket);
    socket->id = ++next_socket;
    socket->kind = kind;
    socket->port = port;
    socket->owner = owner;
    socket->all_next = sockets;
    if (sockets != NULL) {
        sockets->all_previous = socket;
    }
    sockets = socket;
    port->handles++;
    sim_port.opened++;
    memset(owner, 0, sizeof *owner);
    owner->port = port;
    owner->handle = socket->id;
    owner->backend[0] = (uint64_t)(uintptr_t)socket;
    return socket;
}

void sim_socket_forget(struct sim_socket *socket)
{
    if (socket->all_previous != NULL) {
        socket->all_previous->all_next = socket->all_next;
    } else {
        sockets = socket->all_next;
    }
    if (socket->all_next != NULL) {
        socket->all_next->all_previous = socket->all_previous;
    }
    socket->port->handles--;
}

static bool inside(const void *pointer, const void *memory, size_t bytes)
{
    return (uintptr_t)pointer - (uintptr_t)memory < bytes;
}

void sim_check_free(const void *memory, size_t bytes)
{
    for (const struct sim_request *request = flying; request != NULL; request = request->all_next) {
        if (inside(request->op, memory, bytes) || inside(request->receive_buffer, memory, bytes) ||
            inside(request->send_buffer, memory, bytes)) {
            sim_fail("I3", "memory is freed that a %s in flight uses", kind_names[request->kind]);
        }
    }
    for (const struct sim_socket *socket = sockets; socket != NULL; socket = socket->all_next) {
        if (inside(socket->owner, memory, bytes)) {
            sim_fail("I3", "memory is freed that holds an open socket");
        }
    }
}

const struct sim_socket *sim_next_listener(const struct sim_socket *after)
{
    const struct sim_socket *socket = after == NULL ? sockets : after->all_next;
    while (socket != NULL && (socket->kind != SIM_LISTENER || socket->closing)) {
        socket = socket->all_next;
    }
    return socket;
}

void sim_check_accepts(uint32_t count)
{
    for (const struct sim_socket *socket = sockets; socket != NULL; socket = socket->all_next) {
        if (socket->kind == SIM_LISTENER && !socket->closing && socket->in_flight != count) {
            sim_fail("I8", "the listener on port %u has %u accepts in flight", socket->address.port,
                     socket->in_flight);
        }
    }
}

uint32_t sim_count_used(const struct address *local, const struct address *peer)
{
    uint32_t count = 0;
    for (const struct sim_socket *socket = sockets; socket != NULL; socket = socket->all_next) {
        count += socket->end != NULL && socket->used && !socket->closing &&
                 address_equal(&socket->end->local, local) && address_equal_host(&socket->end->remote, peer);
    }
    return count;
}

void sim_port_check_empty(void)
{
    if (flying != NULL) {
        sim_fail("I7", "a %s is left in flight", kind_names[flying->kind]);
    }
    if (sockets != NULL) {
        sim_fail("I7", "a socket is left open");
    }
}
