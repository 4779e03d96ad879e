#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* Nearly always the system takes everything at once, and then an echo is a receive and a send. */

static void forget_kept(struct client *client)
{
    free(client->kept);
    client->kept = NULL;
}

/* It is not received from before this is sent, so this is all that is ever kept. */
static void keep(struct target *target, struct client *client, const uint8_t *bytes, size_t count)
{
    client->kept = malloc(count);
    if (client->kept == NULL) {
        target_close(client, true);
        return;
    }
    memcpy(client->kept, bytes, count);
    client->kept_begin = 0;
    client->kept_end = count;
    target_want(target, client, EPOLLOUT);
}

static void echo_readable(struct target *target, struct client *client)
{
    /* It is not waited for bytes then, so this is an error. */
    if (client->kept != NULL) {
        target_close(client, true);
        return;
    }
    int got = target_receive(target, client);
    if (got < 0)
        target_close(client, false);
    if (got <= 0)
        return;
    int sent = target_send(client, target->buffer, (size_t)got);
    if (sent < 0)
        target_close(client, true);
    else if (sent < got)
        keep(target, client, target->buffer + sent, (size_t)(got - sent));
}

static void echo_writable(struct target *target, struct client *client)
{
    int sent = target_send(client, client->kept + client->kept_begin, client->kept_end - client->kept_begin);

    if (sent < 0) {
        target_close(client, true);
        return;
    }
    client->kept_begin += (size_t)sent;
    if (client->kept_begin == client->kept_end) {
        forget_kept(client);
        target_want(target, client, EPOLLIN);
    }
}

const struct service TARGET_ECHO = {
    .name = "echo",
    .interest = EPOLLIN,
    .readable = echo_readable,
    .writable = echo_writable,
};
