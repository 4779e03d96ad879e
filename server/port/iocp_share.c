/*
 * An operation that finished at once stays on its worker, and so does the connection that goes on with it: that keeps its memory in
 * one processor's cache, but nothing would ever bring it to another worker, and one could have sixty busy connections while its
 * neighbour has four or sleeps. The clients of the sixty would wait the longer. So a worker that has clearly more operations ready than
 * the average leaves what is too much in a list of the port's, and wakes a worker if one sleeps.
 *
 * Workers that have less than the average take from there as much as they lack. What nobody has taken by then, the giver takes back after
 * its next round, or at once when it has nothing else to do. So what is left waits for two rounds at most.
 */
#include "port/iocp.h"

/* The giver's own: the one that begins, and the one after which it takes back what nobody has taken. */
enum { SHARE_ROUNDS = 2 };

/* What each would have if all that are awake, and the one that could be woken, had the same. */
static uint32_t fair_share(const struct port *port)
{
    uint32_t sleeping = atomic_load_u32(&port->sleeping);
    uint32_t sharers = port->worker_count - sleeping + (sleeping > 0 ? 1 : 0);
    uint32_t total = 0;

    for (uint32_t i = 0; i < port->worker_count; i++)
        total += atomic_load_u32(&port->workers[i].load);
    return sharers > 0 ? total / sharers : total; /* none is counted yet while the first of them starts */
}

/* The first `keep` stay, which were ready before the others. */
static struct iocp_list split(struct iocp_list *list, uint32_t keep)
{
    struct iocp_list kept = {NULL, NULL, 0};
    struct iocp_list given = {NULL, NULL, 0};

    while (list->count > 0)
        iocp_list_append(kept.count < keep ? &kept : &given, iocp_list_take(list));
    *list = kept;
    return given;
}

static void give(struct iocp_worker *worker, uint32_t keep)
{
    struct port *port = worker->port;
    struct iocp_list given = split(&worker->ready, keep);

    worker->gave = SHARE_ROUNDS;
    lock_acquire(&port->shared_lock);
    while (given.count > 0)
        iocp_list_append(&port->shared, iocp_list_take(&given));
    atomic_store_u32(&port->shared_count, port->shared.count);
    lock_release(&port->shared_lock);
    /* One packet at a time is enough. */
    if (atomic_load_u32(&port->sleeping) > 0 && atomic_cas_u32(&port->waking, 0, 1) && !iocp_wake(port))
        iocp_share_woken(port);
}

static void take(struct iocp_worker *worker, uint32_t most)
{
    struct port *port = worker->port;

    lock_acquire(&port->shared_lock);
    for (; port->shared.count > 0 && most > 0; most--)
        iocp_list_append(&worker->ready, iocp_list_take(&port->shared));
    atomic_store_u32(&port->shared_count, port->shared.count);
    lock_release(&port->shared_lock);
}

/* Nobody may have had room for what was left. */
static bool takes_back(struct iocp_worker *worker)
{
    if (worker->gave == 0)
        return false;
    worker->gave--;
    return worker->gave == 0 || worker->ready.count == 0;
}

void iocp_share(struct iocp_worker *worker)
{
    struct port *port = worker->port;
    uint32_t mine = worker->ready.count;
    bool back = takes_back(worker);

    atomic_store_u32(&worker->load, mine);
    if (port->worker_count < 2)
        return;
    if (atomic_load_u32(&port->shared_count) > 0) {
        uint32_t fair = fair_share(port);
        if (back)
            take(worker, UINT32_MAX);
        else if (mine <= fair && worker->gave == 0)
            take(worker, fair - mine + 1);
    } else if (mine > SHARE_LEAST_OPS) {
        uint32_t sleeping = atomic_load_u32(&port->sleeping);
        uint32_t fair = fair_share(port);
        if (mine >= fair + fair / 8 + (sleeping > 0 ? SHARE_LEAST_OPS : SHARE_LEAST_OPS / 4))
            give(worker, fair > 0 ? fair : 1);
    }
}

void iocp_share_woken(struct port *port)
{
    atomic_store_u32(&port->waking, 0);
}
