#include "load.h"

#include "pattern.h"

#include <sys/epoll.h>

/* stream: everybody receives all the time what a source sends. The first word of a stream tells which one it is. */

static void stream_connected(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_GREETING;
    connection_want(load, connection, EPOLLIN);
}

static const struct connection *same_stream(const struct load *load, const struct connection *connection)
{
    for (uint32_t i = 0; i < load->options.connections; i++) {
        const struct connection *other = &load->connections[i];
        bool has_one = other->state == CONNECTION_READY || other->state == CONNECTION_RUNNING;
        if (other != connection && has_one && other->key == connection->key)
            return other;
    }
    return NULL;
}

/* Nothing is received between greeting and beginning, so that whoever was first has no advantage. */
static void greeted(struct load *load, struct connection *connection)
{
    const struct connection *other = same_stream(load, connection);

    if (other != NULL)
        connection_fail(load, connection, "its stream is the one that connection %u has", other->index);
    else
        connection_ready(load, connection, 0);
}

static void start(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_RUNNING;
    connection->since_ns = load->now_ns;
    connection_want(load, connection, EPOLLIN);
}

static void stream_begin(struct load *load)
{
    load_each(load, CONNECTION_READY, start);
}

/* The key's bytes may come one by one; each is kept where it belongs in the key. */
static void receive_key(struct load *load, struct connection *connection, size_t count)
{
    if (connection->received == 0)
        connection->key = 0;
    for (size_t i = 0; i < count; i++)
        connection->key |= (uint64_t)load->buffer[i] << (connection->received + i) * 8;
    connection->received += count;
    if (connection->received == PATTERN_KEY_BYTES) {
        connection->key = pattern_key_of((const uint8_t *)&connection->key);
        greeted(load, connection);
    }
}

static void receive_more(struct load *load, struct connection *connection, size_t count)
{
    size_t right = pattern_match(load->buffer, count, connection->key, connection->received);
    uint64_t place = connection->received + right;

    if (right < count) {
        connection_fail(load, connection, "byte %llu arrived as 0x%02x instead of 0x%02x",
                        (unsigned long long)place, load->buffer[right], pattern_byte(connection->key, place));
        return;
    }
    connection->received += count;
    connection->since_ns = load->now_ns;
    load->bytes_verified += count;
    load_count_bytes(load, connection, count);
}

static void stream_receive(struct load *load, struct connection *connection)
{
    bool is_greeting = connection->state == CONNECTION_GREETING;
    size_t room = is_greeting ? PATTERN_KEY_BYTES - (size_t)connection->received : LOAD_BUFFER_BYTES;
    int got = connection_receive(load, connection, room);

    if (got < 0)
        connection_fail(load, connection, "the server closed after %llu bytes",
                        (unsigned long long)connection->received);
    else if (got > 0 && is_greeting)
        receive_key(load, connection, (size_t)got);
    else if (got > 0)
        receive_more(load, connection, (size_t)got);
}

const struct load_mode LOAD_STREAM = {
    .name = "stream",
    .default_bytes = 65536,
    .default_sources = 1,
    .opens_first = true,
    .is_timed = true,
    .counts_bytes = true,
    .connected = stream_connected,
    .begin = stream_begin,
    .receive = stream_receive,
    .finish = connection_done,
};
