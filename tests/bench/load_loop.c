#include "load.h"

#include "clock.h"
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256 };

/* How often it is looked for connections that wait too long; also the longest wait for events. */
#define CHECK_NS ((uint64_t)100 * CLOCK_NS_PER_MS)

void load_each(struct load *load, enum connection_state state,
               void (*act)(struct load *load, struct connection *connection))
{
    for (uint32_t i = 0; i < load->options.connections; i++) {
        if (load->connections[i].state == state)
            act(load, &load->connections[i]);
    }
}

void load_enter(struct load *load, enum load_phase phase)
{
    if (load->phase == LOAD_MEASURE) {
        load->measured_ns = load->now_ns - load->phase_ns;
        load->processor_ns = clock_processor_ns() - load->processor_ns;
    }
    if (phase == LOAD_MEASURE)
        load->processor_ns = clock_processor_ns();
    load->phase = phase;
    load->phase_ns = load->now_ns;
    if (phase == LOAD_FINISH && load->mode->finish != NULL)
        load_each(load, CONNECTION_RUNNING, load->mode->finish);
}

/* A measurement with fewer connections than it was asked for is none. */
static void give_up(struct load *load)
{
    load_enter(load, LOAD_FINISH);
    for (uint32_t i = 0; i < load->options.connections; i++) {
        struct connection *connection = &load->connections[i];
        if (connection->state != CONNECTION_FAILED && connection->state != CONNECTION_DONE)
            connection_done(load, connection);
    }
}

static void set_up(struct load *load)
{
    const struct load_options *options = &load->options;

    if (load->failures > 0) {
        give_up(load);
        return;
    }
    if (load->mode->opens_first && load->ready < options->connections) {
        while (load->opened < options->connections && load->opened - load->ready < LOAD_PENDING_MAX)
            connection_open(load, &load->connections[load->opened++]);
        return;
    }
    load_enter(load, LOAD_WARMUP);
    load->mode->begin(load);
}

static void advance(struct load *load)
{
    uint64_t passed_ns = load->now_ns - load->phase_ns;

    if (load->phase == LOAD_SETUP)
        set_up(load);
    else if (!load->mode->is_timed)
        return;
    else if (load->phase == LOAD_WARMUP && passed_ns >= load->options.warmup_ns)
        load_enter(load, LOAD_MEASURE);
    else if (load->phase == LOAD_MEASURE && passed_ns >= load->options.measure_ns)
        load_enter(load, LOAD_FINISH);
}

/* Until the next phase, but not long, and rounded up: a wait that ends early would only be repeated. */
static int wait_ms(const struct load *load)
{
    uint64_t phase_ns = load->phase == LOAD_WARMUP ? load->options.warmup_ns : load->options.measure_ns;
    uint64_t passed_ns = load->now_ns - load->phase_ns;
    uint64_t wait_ns = CHECK_NS;

    if (load->mode->is_timed && (load->phase == LOAD_WARMUP || load->phase == LOAD_MEASURE)) {
        uint64_t left_ns = passed_ns < phase_ns ? phase_ns - passed_ns : 0;
        wait_ns = left_ns < CHECK_NS ? left_ns : CHECK_NS;
    }
    return (int)((wait_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

static void finish_connect(struct load *load, struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error != 0)
        connection_fail(load, connection, "could not connect: %s", strerror(error));
    else
        load->mode->connected(load, connection);
}

static void serve(struct load *load, struct connection *connection, uint32_t events)
{
    if (connection->state == CONNECTION_CONNECTING) {
        finish_connect(load, connection);
        return;
    }
    if (events & ~(uint32_t)EPOLLOUT)
        load->mode->receive(load, connection);
    /* What was received may have changed everything, and a new connection may have taken its place. */
    if ((events & EPOLLOUT) != 0 && connection->descriptor >= 0 &&
        connection->state != CONNECTION_CONNECTING && connection->sent < connection->goal)
        connection_send(load, connection);
}

static void give_up_waiting(struct load *load, struct connection *connection, uint64_t limit_ns)
{
    double seconds = (double)limit_ns / CLOCK_NS_PER_SECOND;
    unsigned long long sent = connection->sent, received = connection->received;

    if (connection->state == CONNECTION_CONNECTING)
        connection_fail(load, connection, "no connection within %g s", seconds);
    else if (connection->state == CONNECTION_CLOSING && sent == received)
        connection_fail(load, connection, "all came, but the server did not close within %g s", seconds);
    else
        connection_fail(load, connection, "%llu bytes were sent and %llu received, and then nothing for %g s",
                        sent, received, seconds);
}

static void check_waiting(struct load *load)
{
    for (uint32_t i = 0; i < load->options.connections; i++) {
        struct connection *connection = &load->connections[i];
        bool is_new = connection->state <= CONNECTION_GREETING;
        uint64_t limit_ns = is_new ? load->options.connect_timeout_ns : load->options.answer_timeout_ns;
        if (connection->since_ns != 0 && load->now_ns > connection->since_ns + limit_ns)
            give_up_waiting(load, connection, limit_ns);
    }
    load->check_ns = load->now_ns + CHECK_NS;
}

static bool wait_and_serve(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(load->epoll, events, EVENTS_MAX, wait_ms(load));

    if (count < 0 && errno != EINTR) {
        fprintf(stderr, "load: epoll_wait failed: %s.\n", strerror(errno));
        return false;
    }
    load->now_ns = clock_now_ns();
    for (int i = 0; i < count; i++)
        serve(load, events[i].data.ptr, events[i].events);
    return true;
}

static bool prepare(struct load *load)
{
    load->seed = pattern_seed();
    load->now_ns = load->phase_ns = clock_now_ns();
    load->live = load->options.connections;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->connections = calloc(load->options.connections, sizeof *load->connections);
    if (load->epoll < 0 || load->connections == NULL) {
        fprintf(stderr, "load: cannot begin: %s.\n", strerror(errno));
        return false;
    }
    for (uint32_t i = 0; i < load->options.connections; i++) {
        load->connections[i].descriptor = -1;
        load->connections[i].index = i;
    }
    return true;
}

bool load_run(struct load *load)
{
    if (!prepare(load))
        return false;
    while (load->live > 0) {
        advance(load);
        if (load->mode->tick != NULL)
            load->mode->tick(load);
        if (!wait_and_serve(load))
            return false;
        if (load->now_ns >= load->check_ns)
            check_waiting(load);
    }
    if (load->phase != LOAD_FINISH)
        load_enter(load, LOAD_FINISH);
    return true;
}
