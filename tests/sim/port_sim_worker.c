#include "tests/sim/port_sim.h"

#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

static struct fiber fibers[WORKERS_MAX]; /* their stacks are kept from world to world */
static struct sim_worker *running;
static uint32_t blocks_left; /* until the next interruption of the deep build */
static struct port *ports;

struct sim_worker *sim_worker_current(void)
{
    return running;
}

void sim_port_begin(void)
{
    running = NULL;
    ports = NULL;
    blocks_left = 0;
    sim_set_names(NULL);
    net_begin();
    sim_request_begin();
}

/* --- scheduling ----------------------------------------------------------------------------------------------- */

static void worker_runs(void *object, uint64_t argument)
{
    struct sim_worker *worker = object;
    (void)argument;
    running = worker;
    fiber_enter(worker->fiber);
    running = NULL;
}

static uint64_t worker_delay(void)
{
    return sim_delay(sim_fault(SIM_FAULT_SLOW_WORKER) ? sim_faults.slow_us : sim_faults.worker_us);
}

void sim_worker_pause(uint64_t us)
{
    struct sim_worker *worker = running;
    sim_at(us, SIM_LABEL_WORKER, worker_runs, worker, 0);
    fiber_leave();
}

void sim_worker_yield(void)
{
    sim_worker_pause(worker_delay());
}

void sim_preempt(void)
{
    if (running != NULL && sim_fault(SIM_FAULT_PREEMPT)) {
        sim_worker_yield();
    }
}

/* In the deep build the compiler calls this at the start of every basic block of the server's code, so that a worker can be
 * interrupted between a load and the compare-and-swap that follows it. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    if (running == NULL || sim_faults.rates[SIM_FAULT_PREEMPT_ANYWHERE] == 0 || blocks_left-- > 0) {
        return;
    }
    blocks_left = sim_below(2 * 65536 / sim_faults.rates[SIM_FAULT_PREEMPT_ANYWHERE] + 1);
    sim_fault_count(SIM_FAULT_PREEMPT_ANYWHERE);
    sim_worker_yield();
}

static void worker_wake(struct sim_worker *worker)
{
    if (worker->sleeping) {
        worker->sleeping = false;
        worker->wake_serial++;
        sim_at(worker_delay(), SIM_LABEL_WORKER, worker_runs, worker, 0);
    }
}

static void timed_wake(void *object, uint64_t serial)
{
    struct sim_worker *worker = object;
    if (worker->sleeping && worker->wake_serial == serial) {
        worker_wake(worker);
    }
}

/* While the clock stands still a sleep lasts as long as it was asked for, and at least as long as a system's shortest. */
static uint64_t time_until(const struct port *port, uint64_t time_us)
{
    uint64_t now_us = port_now_us(port);
    uint64_t left_us = time_us > now_us ? time_us - now_us : 0;
    return sim.now_us < sim.stalled_until_us && left_us < 1000 ? 1000 : left_us;
}

static void worker_sleep(struct sim_worker *worker, uint64_t until_us)
{
    worker->sleeping = true;
    worker->wake_at_us = until_us;
    if (until_us != PORT_NEVER) {
        sim_at(time_until(worker->port, until_us), SIM_LABEL_WAKE, timed_wake, worker, worker->wake_serial);
    }
    fiber_leave();
}

static void wake_one(struct port *port)
{
    uint32_t first = sim_below(port->options.workers);
    for (uint32_t i = 0; i < port->options.workers; i++) {
        struct sim_worker *worker = &port->workers[(first + i) % port->options.workers];
        if (worker->sleeping) {
            worker_wake(worker);
            return;
        }
    }
}

void sim_clock_leap(uint64_t us)
{
    sim.clock_us += us;
    sim.stalled_until_us = 0;
    for (struct port *port = ports; port != NULL; port = port->next) {
        for (uint32_t i = 0; i < port->options.workers; i++) {
            struct sim_worker *worker = &port->workers[i];
            if (worker->sleeping && worker->wake_at_us != PORT_NEVER) {
                sim_at(time_until(port, worker->wake_at_us), SIM_LABEL_WAKE, timed_wake, worker,
                       worker->wake_serial);
            }
        }
    }
}

void sim_clock_stall(uint64_t us)
{
    if (sim.now_us >= sim.stalled_until_us) {
        sim.stalled_at_us = sim.now_us + sim.clock_us;
        sim.stalled_until_us = sim.now_us + us;
    }
}

/* --- queues and rounds ---------------------------------------------------------------------------------------- */

static void queue_add(struct sim_queue *queue, struct sim_request *request)
{
    request->next = NULL;
    if (queue->last == NULL) {
        queue->first = request;
    } else {
        queue->last->next = request;
    }
    queue->last = request;
    queue->count++;
}

static struct sim_request *queue_take(struct sim_queue *queue)
{
    struct sim_request *request = queue->first;
    if (request != NULL) {
        queue->first = request->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        queue->count--;
    }
    return request;
}

static void completion_arrives(void *object, uint64_t argument)
{
    struct sim_request *request = object;
    (void)argument;
    queue_add(&request->port->queue, request);
    wake_one(request->port);
}

void sim_port_queue(struct sim_request *request, bool immediate)
{
    if (immediate && running != NULL && running->port == request->port) {
        queue_add(&running->ready, request);
        return;
    }
    if (immediate) {
        completion_arrives(request, 0);
        return;
    }
    uint64_t delay =
        sim_delay(sim_fault(SIM_FAULT_SLOW_COMPLETION) ? sim_faults.slow_us : sim_faults.completion_us);
    sim_at(delay, SIM_LABEL_COMPLETE, completion_arrives, request, 0);
}

static void check_no_lock(const struct sim_worker *worker, const char *when)
{
    if (worker->locks_held != 0) {
        sim_fail("LOCK", "%u locks are held %s", worker->locks_held, when);
    }
}

static uint64_t worker_tick(struct sim_worker *worker)
{
    struct port *port = worker->port;
    sim_port.ticks++;
    if (port->options.tick == NULL) {
        return PORT_NEVER;
    }
    uint64_t until_us = port->options.tick(port->options.tick_context, port_now_us(port));
    check_no_lock(worker, "after the tick");
    sim_trace("tick", worker->index, until_us == PORT_NEVER ? 0 : until_us);
    return until_us;
}

static void worker_round(struct sim_worker *worker)
{
    struct port *port = worker->port;
    /* Whoever has work of its own takes all of the port's too: else that would wait for more than one round. */
    uint32_t batch = worker->ready.count > 0 ? port->queue.count : 1 + sim_below(COMPLETION_BATCH);
    worker->round = worker->ready;
    memset(&worker->ready, 0, sizeof worker->ready);
    for (; batch > 0 && port->queue.count > 0; batch--) {
        queue_add(&worker->round, queue_take(&port->queue));
    }
    if (port->queue.count > 0) {
        wake_one(port);
    }
    struct sim_request *request;
    while ((request = queue_take(&worker->round)) != NULL) {
        worker->in_done = true;
        sim_request_complete(request);
        worker->in_done = false;
        check_no_lock(worker, "after done");
        sim_worker_yield();
    }
}

static void worker_main(void *context)
{
    struct sim_worker *worker = context;
    struct port *port = worker->port;
    while (!port->stopping) {
        worker_round(worker);
        uint64_t until_us = worker_tick(worker);
        if (worker->ready.count > 0 || port->queue.count > 0) {
            sim_worker_yield();
        } else if (!port->stopping) {
            worker_sleep(worker, until_us);
        }
    }
}

/* --- port.h --------------------------------------------------------------------------------------------------- */

enum port_status port_create(const struct port_options *options, struct port **port, uint32_t *os_code)
{
    CHECK(running == NULL);
    CHECK(options->workers >= 1 && options->workers <= WORKERS_MAX);
    *os_code = 0;
    void *allocation = memory_allocate(1, sizeof **port);
    if (allocation == NULL) {
        *port = NULL;
        *os_code = 8;
        return PORT_EXHAUSTED;
    }
    *port = sim_arena(sizeof **port);
    (*port)->allocation = allocation;
    (*port)->options = *options;
    (*port)->next = ports;
    ports = *port;
    for (uint32_t i = 0; i < options->workers; i++) {
        struct sim_worker *worker = &(*port)->workers[i];
        worker->port = *port;
        worker->index = i;
        worker->fiber = &fibers[i];
        CHECK(worker->fiber->stack == NULL || worker->fiber->ended); /* one port at a time */
        fiber_start(worker->fiber, worker_main, worker);
        sim_at(worker_delay(), SIM_LABEL_WORKER, worker_runs, worker, 0);
    }
    return PORT_OK;
}

static bool workers_ended(const struct port *port)
{
    for (uint32_t i = 0; i < port->options.workers; i++) {
        if (!port->workers[i].fiber->ended) {
            return false;
        }
    }
    return true;
}

void port_destroy(struct port *port)
{
    if (port == NULL) {
        return;
    }
    CHECK(running == NULL);
    sim_port_check_empty();
    port->stopping = true;
    for (uint32_t i = 0; i < port->options.workers; i++) {
        worker_wake(&port->workers[i]);
    }
    while (!workers_ended(port)) {
        if (!sim_step()) {
            sim_fail("I7", "a worker never ends");
        }
    }
    struct port **link = &ports;
    while (*link != port) {
        link = &(*link)->next;
    }
    *link = port->next;
    memory_free(port->allocation);
}

uint32_t port_workers(const struct port *port)
{
    return port->options.workers;
}

uint32_t port_worker_index(void)
{
    return running == NULL ? PORT_NOT_A_WORKER : running->index;
}

uint64_t port_now_us(const struct port *port)
{
    (void)port;
    return sim.now_us < sim.stalled_until_us ? sim.stalled_at_us : sim.now_us + sim.clock_us;
}

/* A round takes no time here. */
uint64_t port_round_us(const struct port *port)
{
    return port_now_us(port);
}

uint32_t port_processors(void)
{
    return 2;
}

void port_post(struct port *port, struct port_op *op)
{
    sim_preempt();
    struct sim_request *request = sim_request_submit(port, NULL, op, SIM_POST, op, sizeof *op);
    sim_request_finish(request, PORT_OK, 0);
    if (sim_below(2) == 0) {
        sim_port_queue(request, true);
    } else {
        completion_arrives(request, 0);
    }
    sim_preempt();
}
