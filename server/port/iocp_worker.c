/*
 * A worker's rounds.
 *
 *   tick; overflow list; names whose time is up; what other workers have left (iocp_share.c)
 *   look at the completion port: sleep when nothing is ready; else only look, and only when it is time to
 *   append what came to the END of the ready list
 *   run what was at the front when the round began, at most COMPLETION_BATCH
 *
 * The list is first in, first out, and what a `done` makes ready joins its end. A look costs a system call or several, whether or not
 * it finds something, so there is one for every LOOK_EVERY_OPS operations that were run, and one after each round while the last
 * one brought as much as it could take. So whoever is in the completion port waits for at most so many operations of those that are
 * always ready, and for those that were queued there before it.
 */
#include "port/iocp.h"

void iocp_list_append(struct iocp_list *list, struct port_op *op)
{
    op->next = NULL;
    if (list->last == NULL)
        list->first = op;
    else
        list->last->next = op;
    list->last = op;
    list->count++;
}

struct port_op *iocp_list_take(struct iocp_list *list)
{
    struct port_op *op = list->first;
    list->first = op->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    op->next = NULL;
    return op;
}

static bool post_packet(struct port *port, enum iocp_key key, OVERLAPPED *overlapped)
{
    uint32_t failing = atomic_load_u32(&iocp_switches.failing_posts);
    if (failing > 0) {
        atomic_store_u32(&iocp_switches.failing_posts, failing - 1);
        return false;
    }
    return PostQueuedCompletionStatus(port->completions, 0, key, overlapped) != 0;
}

/* Nothing of the port may be touched after a packet was posted: its `done` may be what the end of the port waited for. */
void iocp_dispatch(struct port *port, struct port_op *op)
{
    struct iocp_worker *self = iocp_worker_self();
    if (self != NULL && self->port == port) {
        iocp_list_append(&self->ready, op);
        return;
    }
    atomic_fetch_add_u32(&port->handed, 1);
    if (post_packet(port, IOCP_KEY_HANDED, &iocp_words_of(op)->overlapped))
        return;
    /* Out of memory. A submission cannot fail, so the op waits where workers look before they sleep, and worker 0
     * never sleeps longer than OVERFLOW_LOOK_MS. */
    lock_acquire(&port->overflow_lock);
    iocp_list_append(&port->overflow, op);
    atomic_store_u32(&port->overflow_count, port->overflow.count);
    lock_release(&port->overflow_lock);
}

/* When it fails, worker 0 looks soon enough by itself. */
bool iocp_wake(struct port *port)
{
    return post_packet(port, IOCP_KEY_WAKE, NULL);
}

static void take_overflow(struct iocp_worker *worker)
{
    struct port *port = worker->port;
    if (atomic_load_u32(&port->overflow_count) == 0)
        return;
    lock_acquire(&port->overflow_lock);
    while (port->overflow.count > 0) {
        iocp_list_append(&worker->ready, iocp_list_take(&port->overflow));
        atomic_fetch_add_u32(&port->handed, UINT32_MAX);
    }
    atomic_store_u32(&port->overflow_count, 0);
    lock_release(&port->overflow_lock);
}

/* How long the worker may sleep: until the first thing that time brings. Rounded up, so that it is due then. */
static DWORD sleep_ms(const struct iocp_worker *worker, uint64_t now_us, uint64_t due_us)
{
    DWORD limit = worker->index == 0 ? OVERFLOW_LOOK_MS : INFINITE;
    if (due_us == PORT_NEVER)
        return limit;
    if (due_us <= now_us)
        return 0;
    uint64_t wait_ms = (due_us - now_us - 1) / 1000 + 1;
    return wait_ms < limit ? (DWORD)wait_ms : limit;
}

static void take_entry(struct iocp_worker *worker, const OVERLAPPED_ENTRY *entry)
{
    struct port *port = worker->port;
    switch (entry->lpCompletionKey) {
    case IOCP_KEY_QUIT:
        if (worker->quit) /* several may come to one worker: each is meant for another */
            PostQueuedCompletionStatus(port->completions, 0, IOCP_KEY_QUIT, NULL);
        worker->quit = true;
        break;
    case IOCP_KEY_WAKE:
        iocp_share_woken(port);
        break;
    case IOCP_KEY_HANDED:
        atomic_fetch_add_u32(&port->handed, UINT32_MAX);
        iocp_list_append(&worker->ready, (struct port_op *)(void *)((char *)entry->lpOverlapped -
                                                                    offsetof(struct port_op, backend)));
        break;
    default:
        iocp_list_append(&worker->ready, (struct port_op *)(void *)((char *)entry->lpOverlapped -
                                                                    offsetof(struct port_op, backend)));
        break;
    }
}

static void look(struct iocp_worker *worker, DWORD wait_ms)
{
    OVERLAPPED_ENTRY entries[COMPLETION_BATCH];
    ULONG count = 0;
    /* The failures are the end of the wait and, in theory, a kernel without memory: both bring nothing now. */
    if (!GetQueuedCompletionStatusEx(worker->port->completions, entries, COMPLETION_BATCH, &count, wait_ms,
                                     FALSE))
        count = 0;
    for (ULONG i = 0; i < count; i++)
        take_entry(worker, &entries[i]);
    worker->queue_drained = count < COMPLETION_BATCH;
    worker->unpolled = 0;
}

static void run_round(struct iocp_worker *worker)
{
    uint32_t count = worker->ready.count < COMPLETION_BATCH ? worker->ready.count : COMPLETION_BATCH;
    worker->unpolled += count;
    while (count-- > 0)
        iocp_complete(iocp_list_take(&worker->ready));
}

/* The round that comes is the last one without a look when it would make too many. */
static bool may_skip_look(const struct iocp_worker *worker)
{
    return worker->queue_drained && worker->unpolled + worker->ready.count <= LOOK_EVERY_OPS;
}

static void sleep_and_look(struct iocp_worker *worker, DWORD wait_ms)
{
    if (wait_ms == 0) {
        look(worker, 0);
        return;
    }
    atomic_fetch_add_u32(&worker->port->sleeping, 1);
    look(worker, wait_ms);
    atomic_fetch_add_u32(&worker->port->sleeping, UINT32_MAX);
    worker->round_us = port_now_us(worker->port);
}

static void wait_for_work(struct iocp_worker *worker)
{
    struct port *port = worker->port;
    uint64_t now_us = port_now_us(port);
    worker->round_us = now_us;
    uint64_t due_us = port->tick != NULL ? port->tick(port->tick_context, now_us) : PORT_NEVER;
    uint64_t names_us = iocp_resolver_due_us(port->resolver);
    if (names_us <= now_us)
        iocp_resolver_expire(port->resolver, now_us);
    else if (names_us < due_us)
        due_us = names_us;
    take_overflow(worker);
    iocp_share(worker);
    if (worker->ready.count == 0)
        sleep_and_look(worker, worker->quit ? 0 : sleep_ms(worker, now_us, due_us));
    else if (!may_skip_look(worker))
        look(worker, 0);
}

unsigned __stdcall iocp_worker_main(void *argument)
{
    struct iocp_worker *worker = argument;
    iocp_worker_set_self(worker);
    while (!worker->quit || worker->ready.count > 0) {
        wait_for_work(worker);
        run_round(worker);
    }
    return 0;
}
