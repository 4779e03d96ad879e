#include "port/acceptor.h"

#include "base/atomic.h"
#include "base/check.h"

#include <stddef.h>
#include <string.h>

/* The last reference gone means that no callback runs and none will: the owner may free the memory in `closed`. */
void acceptor_drop(struct acceptor *acceptor)
{
    if (atomic_fetch_add_u32(&acceptor->references, UINT32_MAX) == 1)
        acceptor->closed(acceptor);
}

void acceptor_hold(struct acceptor *acceptor)
{
    atomic_fetch_add_u32(&acceptor->references, 1);
}

/* Every slot holds a reference from here until it becomes idle or finds the acceptor closing. */
static void acceptor_post(struct acceptor_slot *slot)
{
    struct acceptor *acceptor = slot->acceptor;

    lock_acquire(&acceptor->lock);
    bool post = !acceptor->closing && !acceptor->paused;
    slot->idle = !post;
    lock_release(&acceptor->lock);
    if (post)
        port_accept(&acceptor->socket, &slot->accept);
    else
        acceptor_drop(acceptor);
}

/* With the lock held. The pause grows while it does not help, up to its maximum. */
static void acceptor_pause_locked(struct acceptor *acceptor)
{
    if (acceptor->closing || acceptor->paused)
        return;
    acceptor->paused = true;
    if (timer_set(acceptor->wheel, &acceptor->resume, port_now_us(acceptor->port) + acceptor->pause_us))
        acceptor_hold(acceptor);
    acceptor->pause_us *= 2;
    if (acceptor->pause_us > ACCEPT_PAUSE_MAX_US)
        acceptor->pause_us = ACCEPT_PAUSE_MAX_US;
}

void acceptor_pause(struct acceptor *acceptor)
{
    lock_acquire(&acceptor->lock);
    acceptor_pause_locked(acceptor);
    lock_release(&acceptor->lock);
}

static void acceptor_resume(struct timer *timer)
{
    struct acceptor *acceptor = CONTAINER_OF(timer, struct acceptor, resume);
    bool wanted[ACCEPTS_POSTED];

    lock_acquire(&acceptor->lock);
    acceptor->paused = false;
    for (size_t i = 0; i < ACCEPTS_POSTED; i++) {
        wanted[i] = acceptor->slots[i].idle && !acceptor->closing;
        if (wanted[i]) {
            acceptor->slots[i].idle = false;
            acceptor_hold(acceptor);
        }
    }
    lock_release(&acceptor->lock);
    for (size_t i = 0; i < ACCEPTS_POSTED; i++) {
        if (wanted[i])
            acceptor_post(&acceptor->slots[i]);
    }
    acceptor_drop(acceptor);
}

static void acceptor_fail(struct acceptor *acceptor, const struct port_op *op)
{
    uint64_t suppressed;

    if (log_allowed(&acceptor->log_limit, port_now_us(acceptor->port), &suppressed)) {
        char where[ADDRESS_TEXT_BYTES];
        char text[96];
        log_event(EVENT_LISTENER_FAILED, LOG_WARN,
                  "%s: cannot accept for the moment: %s; %llu more like this since the last line",
                  address_format(&acceptor->address, where, sizeof where),
                  port_status_describe(op->status, op->os_code, text, sizeof text),
                  (unsigned long long)suppressed);
    }
    acceptor_pause(acceptor);
}

static void acceptor_deliver(struct acceptor *acceptor, struct port_accept *accept)
{
    struct address peer = accept->peer;
    struct address local = accept->local;

    lock_acquire(&acceptor->lock);
    if (!acceptor->paused)
        acceptor->pause_us = ACCEPT_PAUSE_US;
    lock_release(&acceptor->lock);
    address_unmap(&peer);
    address_unmap(&local);
    acceptor->accepted(acceptor, &accept->accepted, &peer, &local);
    if (port_is_open(&accept->accepted))
        port_reset(&accept->accepted);
}

static void acceptor_done(struct port_op *op)
{
    struct port_accept *accept = CONTAINER_OF(op, struct port_accept, op);
    struct acceptor_slot *slot = CONTAINER_OF(accept, struct acceptor_slot, accept);
    struct acceptor *acceptor = slot->acceptor;

    lock_acquire(&acceptor->lock);
    bool closing = acceptor->closing;
    lock_release(&acceptor->lock);

    if (op->status == PORT_OK)
        acceptor_deliver(acceptor, accept);
    else if (op->status != PORT_RESET && !closing)
        /* A client that is gone already concerns nobody else; any other failure would come again at once. */
        acceptor_fail(acceptor, op);
    acceptor_post(slot);
}

enum port_status acceptor_open(struct acceptor *acceptor, const struct acceptor_options *options,
                               const struct address *address, uint32_t *os_code)
{
    memset(acceptor, 0, sizeof *acceptor);
    acceptor->port = options->port;
    acceptor->wheel = options->wheel;
    acceptor->accepted = options->accepted;
    acceptor->closed = options->closed;
    acceptor->pause_us = ACCEPT_PAUSE_US;
    acceptor->references = 1;
    lock_init(&acceptor->lock);
    timer_init(&acceptor->resume, acceptor_resume);
    for (size_t i = 0; i < ACCEPTS_POSTED; i++) {
        acceptor->slots[i].acceptor = acceptor;
        port_accept_init(&acceptor->slots[i].accept, acceptor_done);
    }

    enum port_status status = port_listen(acceptor->port, &acceptor->socket, address, os_code);
    if (status == PORT_OK && !port_local_address(&acceptor->socket, &acceptor->address))
        acceptor->address = *address;
    return status;
}

void acceptor_start(struct acceptor *acceptor)
{
    for (size_t i = 0; i < ACCEPTS_POSTED; i++) {
        acceptor_hold(acceptor);
        acceptor_post(&acceptor->slots[i]);
    }
}

void acceptor_close(struct acceptor *acceptor)
{
    lock_acquire(&acceptor->lock);
    CHECK(!acceptor->closing);
    acceptor->closing = true;
    bool cancelled = timer_cancel(acceptor->wheel, &acceptor->resume);
    lock_release(&acceptor->lock);

    port_close(&acceptor->socket);
    if (cancelled)
        acceptor_drop(acceptor);
    acceptor_drop(acceptor);
}
