#include "relay/listener_socket.h"

#include "base/atomic.h"
#include "base/memory.h"
#include "config/text.h"
#include "relay/generation.h"
#include "relay/listener.h"
#include "relay/relay.h"

#include <stdio.h>

static void socket_accepted(struct acceptor *acceptor, struct port_socket *accepted,
                            const struct address *peer, const struct address *local)
{
    struct listener_socket *socket = CONTAINER_OF(acceptor, struct listener_socket, acceptor);
    struct relay *relay = socket->relay;

    (void)local;
    lock_acquire(&relay->sockets_lock);
    struct listener *listener = socket->listener;
    struct generation *generation = listener->generation;
    generation_hold(generation);
    lock_release(&relay->sockets_lock);
    if (!listener_accept(listener, accepted, peer))
        generation_drop(generation);
}

static void socket_closed(struct acceptor *acceptor)
{
    struct listener_socket *socket = CONTAINER_OF(acceptor, struct listener_socket, acceptor);
    struct relay *relay = socket->relay;

    if (socket->leaves != NULL)
        generation_drop(socket->leaves);
    memory_free(socket);
    atomic_fetch_add_u32(&relay->sockets_leaving, UINT32_MAX);
    relay_drop(relay);
}

/* --- before the commit ----------------------------------------------------------------------------------- */

static bool socket_serves(const struct listener_socket *socket, const struct listener *listener,
                          const struct address *address)
{
    if (socket->reserved != NULL)
        return false;
    if (address->port == 0)
        return address_equal(&socket->asked, address) &&
               text_equal(socket->listener->config->name, listener->config->name);
    return address_equal(&socket->acceptor.address, address) || address_equal(&socket->asked, address);
}

static bool socket_reserve(struct listener *listener, const struct address *address, struct address *bound)
{
    struct relay *relay = listener->relay;

    lock_acquire(&relay->sockets_lock);
    struct listener_socket *socket = relay->sockets;
    while (socket != NULL && !socket_serves(socket, listener, address))
        socket = socket->next;
    if (socket != NULL) {
        socket->reserved = listener;
        socket->reserved_asked = *address;
        *bound = socket->acceptor.address;
    }
    lock_release(&relay->sockets_lock);
    return socket != NULL;
}

static enum port_status socket_open(struct listener *listener, const struct address *address,
                                    struct address *bound, uint32_t *os_code)
{
    struct relay *relay = listener->relay;
    struct generation *generation = listener->generation;
    struct listener_socket *socket = memory_allocate(1, sizeof *socket);

    if (socket == NULL)
        return PORT_EXHAUSTED;
    struct acceptor_options options = {relay->port, relay->wheel, socket_accepted, socket_closed};
    socket->relay = relay;
    socket->listener = listener;
    socket->asked = *address;
    enum port_status status = acceptor_open(&socket->acceptor, &options, address, os_code);
    if (status != PORT_OK) {
        memory_free(socket);
        return status;
    }
    relay_hold(relay);
    *bound = socket->acceptor.address;
    *generation->opened_end = socket;
    generation->opened_end = &socket->next_opened;
    return PORT_OK;
}

enum port_status listener_socket_bind(struct listener *listener, const struct address *address,
                                      struct address *bound, uint32_t *os_code)
{
    *os_code = 0;
    if (socket_reserve(listener, address, bound))
        return PORT_OK;
    return socket_open(listener, address, bound, os_code);
}

static struct listener_socket *take_opened(struct generation *generation)
{
    struct listener_socket *opened = generation->opened;

    generation->opened = NULL;
    generation->opened_end = &generation->opened;
    return opened;
}

void listener_sockets_abandon(struct generation *generation)
{
    struct relay *relay = generation->relay;
    struct listener_socket *opened = take_opened(generation);

    lock_acquire(&relay->sockets_lock);
    for (struct listener_socket *socket = relay->sockets; socket != NULL; socket = socket->next)
        socket->reserved = NULL;
    lock_release(&relay->sockets_lock);
    for (struct listener_socket *socket = opened; socket != NULL; socket = socket->next_opened)
        socket->next = socket->next_opened;
    listener_sockets_close(opened);
}

/* --- the commit and after -------------------------------------------------------------------------------- */

struct listener_socket *listener_sockets_swap(struct relay *relay, struct generation *generation)
{
    struct listener_socket *gone = NULL;
    struct listener_socket **place = &relay->sockets;

    while (*place != NULL) {
        struct listener_socket *socket = *place;
        if (socket->reserved != NULL) {
            socket->listener = socket->reserved;
            socket->reserved = NULL;
            socket->asked = socket->reserved_asked;
            place = &socket->next;
        } else {
            /* Whom it has accepted already is served as those before. */
            socket->leaves = socket->listener->generation;
            generation_hold(socket->leaves);
            *place = socket->next;
            socket->next = gone;
            gone = socket;
        }
    }
    for (struct listener_socket *socket = generation->opened; socket != NULL; socket = socket->next_opened) {
        acceptor_hold(&socket->acceptor);
        socket->next = relay->sockets;
        relay->sockets = socket;
    }
    return gone;
}

void listener_sockets_start(struct generation *generation)
{
    struct listener_socket *socket = take_opened(generation);

    while (socket != NULL) {
        struct listener_socket *next = socket->next_opened;
        const struct listener *listener = socket->listener;
        char text[ADDRESS_TEXT_BYTES];
        log_info("listener %s: listening on %s (%s)", listener->config->name,
                 address_format(&socket->acceptor.address, text, sizeof text), listener_mode(listener));
        acceptor_start(&socket->acceptor);
        acceptor_drop(&socket->acceptor);
        socket = next;
    }
}

void listener_sockets_close(struct listener_socket *sockets)
{
    while (sockets != NULL) {
        struct listener_socket *socket = sockets;
        sockets = socket->next;
        atomic_fetch_add_u32(&socket->relay->sockets_leaving, 1);
        acceptor_close(&socket->acceptor);
    }
}

void listener_sockets_pause(struct relay *relay)
{
    lock_acquire(&relay->sockets_lock);
    for (struct listener_socket *socket = relay->sockets; socket != NULL; socket = socket->next)
        acceptor_pause(&socket->acceptor);
    lock_release(&relay->sockets_lock);
}

/* --- who is in the way ----------------------------------------------------------------------------------- */

static const char *describe_holder(const struct listener_socket *socket, bool stays, char *text)
{
    char address[ADDRESS_TEXT_BYTES];

    snprintf(text, LISTENER_SOCKET_HOLDER_BYTES, "this server itself listens on %s for listener %s%s",
             address_format(&socket->acceptor.address, address, sizeof address),
             (socket->reserved != NULL ? socket->reserved : socket->listener)->config->name,
             stays ? "" : "; going from the one address to the other needs a restart");
    return text;
}

const char *listener_socket_holder(struct generation *generation, const struct address *address,
                                   char text[LISTENER_SOCKET_HOLDER_BYTES])
{
    struct relay *relay = generation->relay;
    const char *holder = NULL;

    for (struct listener_socket *socket = generation->opened; socket != NULL; socket = socket->next_opened) {
        if (address_overlaps(&socket->acceptor.address, address))
            return describe_holder(socket, true, text);
    }
    lock_acquire(&relay->sockets_lock);
    for (struct listener_socket *socket = relay->sockets; socket != NULL && holder == NULL;
         socket = socket->next) {
        if (address_overlaps(&socket->acceptor.address, address))
            holder = describe_holder(socket, socket->reserved != NULL, text);
    }
    lock_release(&relay->sockets_lock);
    return holder;
}
