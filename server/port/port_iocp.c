#include "port/iocp.h"
#include "port/iocp_status.h"
#include "base/memory.h"

#include <process.h>

static enum port_status last_error(uint32_t *os_code)
{
    *os_code = GetLastError();
    return iocp_status_for_open(iocp_status_from_code(*os_code));
}

static bool start_worker(struct port *port, uint32_t index)
{
    struct iocp_worker *worker = &port->workers[index];
    worker->port = port;
    worker->index = index;
    worker->thread = (HANDLE)_beginthreadex(NULL, 0, iocp_worker_main, worker, 0, NULL);
    return worker->thread != NULL;
}

static void stop_workers(struct port *port)
{
    for (uint32_t i = 0; i < port->worker_count; i++) {
        /* Fails only for want of memory, which others give back; without its packet a worker would sleep for ever. */
        while (!PostQueuedCompletionStatus(port->completions, 0, IOCP_KEY_QUIT, NULL))
            SwitchToThread();
    }
    for (uint32_t i = 0; i < port->worker_count; i++) {
        WaitForSingleObject(port->workers[i].thread, INFINITE);
        CloseHandle(port->workers[i].thread);
    }
}

static enum port_status start_workers(struct port *port, uint32_t count, uint32_t *os_code)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!start_worker(port, i)) {
            enum port_status status = last_error(os_code);
            stop_workers(port);
            return status;
        }
        port->worker_count++;
    }
    return PORT_OK;
}

static uint64_t clock_frequency(void)
{
    LARGE_INTEGER frequency;
    QueryPerformanceFrequency(&frequency); /* never fails since Windows XP */
    return (uint64_t)frequency.QuadPart;
}

static struct port *allocate(const struct port_options *options)
{
    struct port *port = memory_allocate(1, sizeof(*port));
    if (port == NULL)
        return NULL;
    port->tick = options->tick;
    port->tick_context = options->tick_context;
    port->clock_frequency = clock_frequency();
    lock_init(&port->overflow_lock);
    lock_init(&port->shared_lock);
    return port;
}

enum port_status port_create(const struct port_options *options, struct port **port, uint32_t *os_code)
{
    CHECK(options->workers >= 1 && options->workers <= WORKERS_MAX);
    CHECK(iocp_worker_self() == NULL);
    *port = NULL;
    *os_code = 0;
    struct port *made = allocate(options);
    if (made == NULL)
        return PORT_EXHAUSTED;
    enum port_status status = iocp_system_start(os_code);
    if (status != PORT_OK)
        goto free_port;
    status = iocp_system_probe(made, os_code);
    if (status != PORT_OK)
        goto stop_system;
    /* All workers may run at a time. With fewer, a worker that always has something ready would find the port closed while too many
     * others run, and what waits there would wait for as long. */
    made->completions = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, options->workers);
    if (made->completions == NULL) {
        status = last_error(os_code);
        goto stop_system;
    }
    status = PORT_EXHAUSTED;
    made->resolver = iocp_resolver_create(made);
    if (made->resolver == NULL)
        goto close_completions;
    status = start_workers(made, options->workers, os_code);
    if (status != PORT_OK)
        goto release_resolver;
    *port = made;
    return PORT_OK;

release_resolver:
    iocp_resolver_release(made->resolver);
close_completions:
    CloseHandle(made->completions);
stop_system:
    iocp_system_stop(false);
free_port:
    memory_free(made);
    return status;
}

void port_destroy(struct port *port)
{
    if (port == NULL)
        return;
    CHECK(iocp_worker_self() == NULL);
    stop_workers(port);
    CHECK(atomic_load_u32(&port->sockets_open) == 0);
    CHECK(atomic_load_u32(&port->handed) == 0);
    CHECK(port->overflow.count == 0);
    CHECK(port->shared.count == 0);
    bool late = iocp_resolver_release(port->resolver);
    CloseHandle(port->completions);
    iocp_system_stop(late);
    memory_free(port);
}

uint32_t port_workers(const struct port *port)
{
    return port->worker_count;
}

uint32_t port_worker_index(void)
{
    const struct iocp_worker *self = iocp_worker_self();
    return self != NULL ? self->index : PORT_NOT_A_WORKER;
}

/* In two parts, because the product of a counter and a million overflows after 21 days at 10 MHz. */
uint64_t port_now_us(const struct port *port)
{
    LARGE_INTEGER now;
    QueryPerformanceCounter(&now);
    uint64_t ticks = (uint64_t)now.QuadPart;
    uint64_t frequency = port->clock_frequency;
    return ticks / frequency * 1000000 + ticks % frequency * 1000000 / frequency;
}

uint64_t port_round_us(const struct port *port)
{
    const struct iocp_worker *self = iocp_worker_self();
    return self != NULL && self->port == port ? self->round_us : port_now_us(port);
}

/* What the process is allowed to use, in its processor group. A process in several groups has masks of 0. */
uint32_t port_processors(void)
{
    DWORD_PTR process = 0;
    DWORD_PTR all = 0;
    uint32_t count = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &process, &all)) {
        for (DWORD_PTR mask = process; mask != 0; mask &= mask - 1)
            count++;
    }
    if (count == 0)
        count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count > 0 ? count : 1;
}
