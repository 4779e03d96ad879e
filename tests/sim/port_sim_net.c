#include "tests/sim/port_sim_net.h"

#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

static uint32_t next_id;
static uint32_t open_ends;
static uint16_t next_port;
static struct net_listener *listeners;

void net_begin(void)
{
    next_id = 0;
    open_ends = 0;
    next_port = 49152;
    listeners = NULL;
}

uint32_t net_open_ends(void)
{
    return open_ends;
}

static uint64_t network_delay(void)
{
    return sim_delay(sim_fault(SIM_FAULT_SLOW_NETWORK) ? sim_faults.slow_us : sim_faults.network_us);
}

static void end_notify(struct net_end *end)
{
    if (!end->closed && end->notify != NULL) {
        end->notify(end->user, end);
    }
}

/* --- bytes on their way ------------------------------------------------------------------------------------- */

static void segment_arrives(void *object, uint64_t argument);

static bool flow_has_work(const struct net_flow *flow)
{
    if (flow->from->state == NET_DEAD || flow->from->silent || flow->fin_delivered) {
        return false;
    }
    if (flow->written > flow->delivered) {
        /* An orphan has no buffer that could be full: whatever comes, it answers with a reset. */
        return flow->to->closed || flow->to->state == NET_DEAD ||
               flow->delivered - flow->read < flow->receive_bytes;
    }
    return flow->fin_written && flow->to->state != NET_DEAD;
}

static void flow_start(struct net_flow *flow)
{
    if (flow->moving || !flow_has_work(flow)) {
        return;
    }
    flow->moving = true;
    uint64_t delay = sim_fault(SIM_FAULT_STALL) ? sim_faults.slow_us * 8ULL + sim_delay(30 * 1000 * 1000)
                                                : network_delay();
    sim_at(delay, SIM_LABEL_SEGMENT, segment_arrives, flow, 0);
}

static void flow_discard(struct net_flow *flow)
{
    flow->lost += flow->written - flow->delivered;
    flow->written = flow->delivered;
}

static void reset_arrives(void *object, uint64_t argument)
{
    struct net_end *end = object;
    (void)argument;
    if (end->state == NET_DEAD || end->silent) {
        return;
    }
    sim_trace("reset arrives", end->id, 0);
    end->state = NET_DEAD;
    end->reset_received = true;
    flow_discard(end->out);
    if (sim_fault(SIM_FAULT_RESET_DISCARDS)) {
        end->in->fin_lost = true;
        end->in->lost += end->in->delivered - end->in->read;
        end->in->read = end->in->delivered;
    }
    end_notify(end);
}

/* The end breaks the connection. Some of what it had sent may still arrive first. */
static void end_break(struct net_end *end)
{
    if (end->state == NET_DEAD) {
        return;
    }
    struct net_flow *out = end->out;
    uint64_t room = out->receive_bytes - (out->delivered - out->read);
    uint64_t unsent = out->written - out->delivered;
    uint64_t arrives = unsent < room ? unsent : room;
    if (arrives > 0 && !out->to->closed && sim_below(2) == 0) {
        out->delivered += sim_random() % (arrives + 1);
    }
    flow_discard(out);
    end->state = NET_DEAD;
    sim_at(network_delay(), SIM_LABEL_RESET, reset_arrives, end->peer, 0);
}

static void segment_arrives(void *object, uint64_t argument)
{
    struct net_flow *flow = object;
    (void)argument;
    flow->moving = false;
    if (!flow_has_work(flow)) {
        return;
    }
    if (sim_fault(SIM_FAULT_SILENCE)) {
        net_silence(flow->from);
        return;
    }
    if (sim_fault(SIM_FAULT_RESET_RANDOM)) {
        /* Something between the two breaks the connection: both ends see a reset, each in its own time. */
        sim_at(network_delay(), SIM_LABEL_RESET, reset_arrives, flow->from, 0);
        sim_at(network_delay(), SIM_LABEL_RESET, reset_arrives, flow->to, 0);
    }
    uint64_t waiting = flow->written - flow->delivered;
    if (waiting > 0) {
        if (flow->to->closed || flow->to->state == NET_DEAD) {
            sim_trace("data for a closed end", flow->to->id, waiting);
            flow_discard(flow);
            end_break(flow->to);
            return;
        }
        uint64_t room = flow->receive_bytes - (flow->delivered - flow->read);
        uint64_t moves = waiting < room ? waiting : room;
        if (moves > 1 && sim_below(4) == 0) {
            moves = 1 + sim_random() % moves;
        }
        flow->delivered += moves;
        sim_trace("segment", flow->to->id, moves);
    }
    if (flow->written == flow->delivered && flow->fin_written && (waiting == 0 || sim_below(2) == 0)) {
        flow->fin_delivered = true;
        sim_trace("fin", flow->to->id, 0);
    }
    flow_start(flow);
    end_notify(flow->to);
    end_notify(flow->from);
}

/* --- an end's user ------------------------------------------------------------------------------------------ */

uint32_t net_readable(const struct net_end *end)
{
    return (uint32_t)(end->in->delivered - end->in->read);
}

bool net_at_end(const struct net_end *end)
{
    return end->in->fin_delivered && !end->in->fin_lost && end->in->delivered == end->in->read;
}

uint32_t net_writable(const struct net_end *end)
{
    if (end->state != NET_OPEN || end->out->fin_written) {
        return 0;
    }
    return end->out->send_bytes - (uint32_t)(end->out->written - end->out->delivered);
}

uint32_t net_read(struct net_end *end, void *buffer, uint32_t bytes)
{
    struct net_flow *flow = end->in;
    uint32_t readable = net_readable(end);
    uint32_t count = bytes < readable ? bytes : readable;
    if (count == 0) {
        return 0;
    }
    uint32_t at = (uint32_t)(flow->read % flow->ring_bytes);
    uint32_t first = count < flow->ring_bytes - at ? count : flow->ring_bytes - at;
    memcpy(buffer, flow->ring + at, first);
    memcpy((uint8_t *)buffer + first, flow->ring, count - first);
    flow->read += count;
    flow->taken += count;
    flow_start(flow);
    return count;
}

uint32_t net_write(struct net_end *end, const void *data, uint32_t bytes)
{
    struct net_flow *flow = end->out;
    uint32_t writable = net_writable(end);
    uint32_t count = bytes < writable ? bytes : writable;
    if (count == 0) {
        return 0;
    }
    if (flow->ring == NULL) {
        flow->ring = sim_arena(flow->ring_bytes);
    }
    uint32_t at = (uint32_t)(flow->written % flow->ring_bytes);
    uint32_t first = count < flow->ring_bytes - at ? count : flow->ring_bytes - at;
    memcpy(flow->ring + at, data, first);
    memcpy(flow->ring, (const uint8_t *)data + first, count - first);
    flow->written += count;
    flow_start(flow);
    return count;
}

void net_shutdown(struct net_end *end)
{
    if (end->state == NET_OPEN && !end->out->fin_written) {
        end->out->fin_written = true;
        flow_start(end->out);
    }
}

void net_close(struct net_end *end)
{
    if (end->closed) {
        return;
    }
    sim_trace("close", end->id, end->state);
    end->closed = true;
    open_ends--;
    if (end->state != NET_OPEN) {
        return;
    }
    if (end->in->delivered != end->in->read) {
        end_break(end);
        return;
    }
    end->state = NET_ORPHAN;
    if (!end->out->fin_written) {
        end->out->fin_written = true;
        flow_start(end->out);
    }
    flow_start(end->in); /* what waits there for room now meets a closed end */
}

void net_reset(struct net_end *end)
{
    sim_trace("abort", end->id, end->state);
    end_break(end);
}

void net_silence(struct net_end *end)
{
    end->silent = true;
    end->peer->silent = true;
}

/* --- making connections ------------------------------------------------------------------------------------- */

static uint32_t draw_buffer(void)
{
    return sim_between(sim_faults.buffer_min_bytes, sim_faults.buffer_max_bytes);
}

static void flow_init(struct net_flow *flow, struct net_end *from, struct net_end *to)
{
    flow->from = from;
    flow->to = to;
    flow->send_bytes = draw_buffer();
    flow->receive_bytes = draw_buffer();
    flow->ring_bytes = flow->send_bytes + flow->receive_bytes;
    from->out = flow;
    to->in = flow;
}

static struct net_end *connection_make(const struct address *client, const struct address *server)
{
    struct connection {
        struct net_end ends[2];
        struct net_flow flows[2];
    } *connection = sim_arena(sizeof *connection);
    struct net_end *near = &connection->ends[0];
    struct net_end *far = &connection->ends[1];
    near->peer = far;
    far->peer = near;
    near->id = next_id++;
    far->id = next_id++;
    near->local = *client;
    near->remote = *server;
    far->local = *server;
    far->remote = *client;
    flow_init(&connection->flows[0], near, far);
    flow_init(&connection->flows[1], far, near);
    open_ends += 2;
    return near;
}

static void address_map(struct address *address)
{
    if (address->family == ADDRESS_V4) {
        memcpy(address->bytes + 12, address->bytes, 4);
        memset(address->bytes, 0, 10);
        address->bytes[10] = 0xff;
        address->bytes[11] = 0xff;
        address->family = ADDRESS_V6;
    }
}

static bool listener_serves(const struct net_listener *listener, const struct address *to)
{
    if (!listener->open || listener->address.port != to->port) {
        return false;
    }
    if (address_is_any(&listener->address)) {
        return listener->address.family == to->family || listener->dual_stack;
    }
    return address_equal(&listener->address, to);
}

static void connect_answer(void *object, uint64_t result)
{
    struct net_attempt *attempt = object;
    if (attempt->given_up) {
        return;
    }
    attempt->done = true;
    attempt->connected(attempt->user, (enum net_result)result, result == NET_OK ? attempt->end : NULL);
}

static void syn_arrives(void *object, uint64_t argument)
{
    struct net_attempt *attempt = object;
    struct net_listener *listener = listeners;
    (void)argument;
    while (listener != NULL && !listener_serves(listener, &attempt->to)) {
        listener = listener->next;
    }
    if (attempt->given_up) {
        return;
    }
    if (listener == NULL) {
        sim_at(network_delay(), SIM_LABEL_CONNECTED, connect_answer, attempt, NET_REFUSED);
        return;
    }
    if (listener->queued >= listener->backlog || sim_fault(SIM_FAULT_BACKLOG_FULL)) {
        /* Windows refuses, Linux lets the client send its SYN again. */
        if (sim_below(2) == 0) {
            sim_at(network_delay(), SIM_LABEL_CONNECTED, connect_answer, attempt, NET_REFUSED);
        } else {
            sim_at(1000 * 1000, SIM_LABEL_SYN, syn_arrives, attempt, 0);
        }
        return;
    }
    attempt->end = connection_make(&attempt->from, &attempt->to);
    struct net_end *far = attempt->end->peer;
    if (listener->dual_stack) {
        address_map(&far->local);
        address_map(&far->remote);
    }
    *(listener->last == NULL ? &listener->first : &listener->last->next) = far;
    listener->last = far;
    listener->queued++;
    sim_trace("arrived", far->id, attempt->from.port);
    sim_at(network_delay(), SIM_LABEL_CONNECTED, connect_answer, attempt, NET_OK);
    listener->arrived(listener->user, listener);
}

struct net_attempt *net_connect(const struct address *from, const struct address *to,
                                net_connected *connected, void *user)
{
    struct net_attempt *attempt = sim_arena(sizeof *attempt);
    attempt->from = *from;
    if (attempt->from.port == 0) {
        attempt->from.port = next_port++;
        next_port = next_port == 0 ? 49152 : next_port;
    }
    attempt->to = *to;
    if (address_is_any(to)) {
        attempt->to.bytes[to->family == ADDRESS_V4 ? 3 : 15] = 1;
        attempt->to.bytes[0] = to->family == ADDRESS_V4 ? 127 : 0;
    }
    attempt->connected = connected;
    attempt->user = user;
    sim_at(network_delay(), SIM_LABEL_SYN, syn_arrives, attempt, 0);
    return attempt;
}

void net_give_up(struct net_attempt *attempt)
{
    if (!attempt->done && !attempt->given_up) {
        attempt->given_up = true;
        if (attempt->end != NULL) {
            net_reset(attempt->end);
            net_close(attempt->end);
        }
    }
}

/* --- listeners ---------------------------------------------------------------------------------------------- */

bool net_address_taken(const struct address *address)
{
    for (struct net_listener *other = listeners; other != NULL; other = other->next) {
        if (!other->open || other->address.port != address->port) {
            continue;
        }
        bool same_family = other->address.family == address->family || other->dual_stack ||
                           (address->family == ADDRESS_V6 && address_is_any(address));
        if (same_family && (address_is_any(&other->address) || address_is_any(address) ||
                            address_equal(&other->address, address))) {
            return true;
        }
    }
    return false;
}

struct net_listener *net_listen(const struct address *address, uint32_t backlog, net_arrived *arrived,
                                void *user)
{
    struct address wanted = *address;
    if (wanted.port == 0) {
        do {
            wanted.port = next_port++;
        } while (net_address_taken(&wanted));
    } else if (net_address_taken(&wanted)) {
        return NULL;
    }
    struct net_listener *listener = sim_arena(sizeof *listener);
    listener->address = wanted;
    listener->dual_stack = wanted.family == ADDRESS_V6 && address_is_any(&wanted);
    listener->open = true;
    listener->backlog = backlog;
    listener->arrived = arrived;
    listener->user = user;
    listener->next = listeners;
    listeners = listener;
    return listener;
}

struct net_end *net_accept(struct net_listener *listener)
{
    struct net_end *end = listener->first;
    if (end != NULL) {
        listener->first = end->next;
        if (listener->first == NULL) {
            listener->last = NULL;
        }
        end->next = NULL;
        listener->queued--;
    }
    return end;
}

void net_listener_close(struct net_listener *listener)
{
    struct net_end *end;
    listener->open = false;
    while ((end = net_accept(listener)) != NULL) {
        net_reset(end);
        net_close(end);
    }
}
