#include "target.h"

#include "pattern.h"

#include <sys/epoll.h>

static void source_open(struct target *target, struct client *client)
{
    client->key = pattern_key(target->seed, target->serial++);
}

/* Nobody has anything to say to a source; the end is all that matters. */
static void source_readable(struct target *target, struct client *client)
{
    if (target_receive(target, client) < 0)
        target_close(client, false);
}

static void source_writable(struct target *target, struct client *client)
{
    pattern_fill(target->buffer, sizeof target->buffer, client->key, client->position);
    int sent = target_send(client, target->buffer, sizeof target->buffer);

    if (sent < 0)
        target_close(client, true);
    else
        client->position += (uint64_t)sent;
}

const struct service TARGET_SOURCE = {
    .name = "source",
    .interest = EPOLLIN | EPOLLOUT,
    .open = source_open,
    .readable = source_readable,
    .writable = source_writable,
};
