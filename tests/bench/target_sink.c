#include "target.h"

#include "pattern.h"

#include <stdio.h>
#include <sys/epoll.h>

enum { ANSWER_BYTES = 8 };

/* How many bytes came, little-endian. So little always fits. */
static void answer(struct client *client)
{
    uint8_t bytes[ANSWER_BYTES];

    for (int i = 0; i < ANSWER_BYTES; i++)
        bytes[i] = (uint8_t)(client->position >> i * 8);
    target_close(client, target_send(client, bytes, sizeof bytes) != ANSWER_BYTES);
}

/* The first word tells the key; it may come byte by byte. How many of these bytes belonged to it. */
static size_t take_key(struct client *client, const uint8_t *bytes, size_t count)
{
    size_t taken = 0;

    for (; taken < count && client->position < PATTERN_KEY_BYTES; taken++)
        client->key |= (uint64_t)bytes[taken] << client->position++ * 8;
    if (taken > 0 && client->position == PATTERN_KEY_BYTES)
        client->key = pattern_key_of((const uint8_t *)&client->key);
    return taken;
}

static void sink_readable(struct target *target, struct client *client)
{
    int got = target_receive(target, client);

    if (got < 0)
        answer(client);
    if (got <= 0)
        return;
    size_t taken = take_key(client, target->buffer, (size_t)got);
    size_t count = (size_t)got - taken;
    size_t right = pattern_match(target->buffer + taken, count, client->key, client->position);
    client->position += right;
    if (right == count)
        return;
    target->wrong++;
    fprintf(stderr, "target: byte %llu of a stream arrived as 0x%02x instead of 0x%02x.\n",
            (unsigned long long)client->position, target->buffer[taken + right],
            pattern_byte(client->key, client->position));
    target_close(client, true);
}

const struct service TARGET_SINK = {
    .name = "sink",
    .interest = EPOLLIN,
    .readable = sink_readable,
};
