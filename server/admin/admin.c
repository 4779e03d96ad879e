#include "admin/admin.h"

#include "admin/admin_connection.h"
#include "base/atomic.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/pool.h"
#include "port/acceptor.h"

#include <stddef.h>

/*
 * REFERENCES. The acceptor holds one until it is closed, each connection one until it is gone; the last one dropped reports
 * `closed`. LOCKS are taken in the order admin, connection, timer wheel.
 */
struct admin {
    struct admin_options options;
    struct admin_context context;
    struct admin_token token;
    struct acceptor acceptor;
    struct pool connections;
    struct log_limit full_log;
    uint32_t references; /* atomic */
    struct lock lock;    /* guards these */
    bool closing;
    struct admin_connection *list;
};

static void admin_drop(struct admin *admin)
{
    if (atomic_fetch_add_u32(&admin->references, UINT32_MAX) == 1)
        admin->options.closed(admin->options.closed_context);
}

static void admin_connection_is_gone(struct admin_connection *connection)
{
    struct admin *admin = connection->context->owner;

    lock_acquire(&admin->lock);
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        admin->list = connection->next;
    lock_release(&admin->lock);
    pool_give(&admin->connections, connection);
    admin_drop(admin);
}

/* Started with the lock held, so that admin_close finds either no connection or one that it can stop. */
static bool admin_add(struct admin *admin, struct admin_connection *connection, struct port_socket *socket)
{
    lock_acquire(&admin->lock);
    bool closing = admin->closing;
    if (!closing) {
        atomic_fetch_add_u32(&admin->references, 1);
        admin_connection_start(connection, &admin->context, socket);
        connection->previous = NULL;
        connection->next = admin->list;
        if (connection->next != NULL)
            connection->next->previous = connection;
        admin->list = connection;
    }
    lock_release(&admin->lock);
    return !closing;
}

static void admin_accepted(struct acceptor *acceptor, struct port_socket *socket, const struct address *peer,
                           const struct address *local)
{
    struct admin *admin = CONTAINER_OF(acceptor, struct admin, acceptor);
    struct admin_connection *connection = pool_take(&admin->connections);
    uint64_t suppressed;

    (void)peer;
    (void)local;
    /* What is not moved out of `socket` is reset by the acceptor. */
    if (connection != NULL) {
        if (!admin_add(admin, connection, socket))
            pool_give(&admin->connections, connection);
    } else if (log_allowed(&admin->full_log, port_now_us(admin->options.port), &suppressed)) {
        log_warn("statistics: refused a client: %d connections are open, or memory is short; %llu more "
                 "clients were refused since the last line",
                 ADMIN_CONNECTIONS_MAX, (unsigned long long)suppressed);
    }
}

static void admin_acceptor_closed(struct acceptor *acceptor)
{
    admin_drop(CONTAINER_OF(acceptor, struct admin, acceptor));
}

static void admin_init(struct admin *admin, const struct admin_options *options)
{
    admin->options = *options;
    admin->references = 1;
    admin->context.port = options->port;
    admin->context.wheel = options->wheel;
    admin->context.site.stats = options->stats;
    admin->context.site.token = &admin->token;
    admin->context.reload = options->reload;
    admin->context.reload_context = options->reload_context;
    admin->context.gone = admin_connection_is_gone;
    admin->context.owner = admin;
    lock_init(&admin->lock);
    admin_token_init(&admin->token);
    admin_token_set(&admin->token, options->token);
    pool_init(&admin->connections, sizeof(struct admin_connection), ADMIN_CONNECTIONS_MAX,
              ADMIN_CONNECTIONS_SPARE);
}

enum port_status admin_open(struct admin **admin, const struct admin_options *options,
                            const struct address *address, uint32_t *os_code)
{
    struct acceptor_options accepting = {options->port, options->wheel, admin_accepted,
                                         admin_acceptor_closed};
    struct admin *made = memory_allocate(1, sizeof *made);

    *admin = NULL;
    *os_code = 0;
    if (made == NULL)
        return PORT_EXHAUSTED;
    admin_init(made, options);
    enum port_status status = acceptor_open(&made->acceptor, &accepting, address, os_code);
    if (status != PORT_OK) {
        admin_free(made);
        return status;
    }
    made->context.site.local = made->acceptor.address;
    *admin = made;
    return PORT_OK;
}

void admin_start(struct admin *admin)
{
    acceptor_start(&admin->acceptor);
}

void admin_set_token(struct admin *admin, const char *token)
{
    admin_token_set(&admin->token, token);
}

void admin_address(const struct admin *admin, struct address *address)
{
    *address = admin->acceptor.address;
}

void admin_close(struct admin *admin)
{
    lock_acquire(&admin->lock);
    CHECK(!admin->closing);
    admin->closing = true;
    for (struct admin_connection *connection = admin->list; connection != NULL; connection = connection->next)
        admin_connection_stop(connection);
    lock_release(&admin->lock);
    /* Last: `closed` may run inside, and the owner may free the admin there. */
    acceptor_close(&admin->acceptor);
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    CHECK(admin->list == NULL);
    pool_destroy(&admin->connections);
    memory_free(admin);
}
