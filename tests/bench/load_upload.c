#include "load.h"

#include "pattern.h"

#include <sys/epoll.h>

/* upload: everybody sends all the time to a sink, which verifies it and tells at the end how many bytes came. */

enum { ANSWER_BYTES = 8 };

static void upload_connected(struct load *load, struct connection *connection)
{
    connection_ready(load, connection, EPOLLIN);
}

static void start(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_RUNNING;
    connection->goal = UINT64_MAX;
    connection->since_ns = load->now_ns;
    /* What the sink answers is collected here; the key of the stream is needed until then. */
    connection_send(load, connection);
}

static void upload_begin(struct load *load)
{
    load_each(load, CONNECTION_READY, start);
}

static void upload_sent(struct load *load, struct connection *connection, size_t count)
{
    connection->since_ns = load->now_ns;
    load_count_bytes(load, connection, count);
}

static void end(struct load *load, struct connection *connection)
{
    if (connection->state != CONNECTION_CLOSING || connection->received != ANSWER_BYTES)
        connection_fail(load, connection, "the sink closed after %llu bytes without saying how many it got",
                        (unsigned long long)connection->sent);
    else if (connection->key != connection->sent)
        connection_fail(load, connection, "the sink got %llu of %llu bytes",
                        (unsigned long long)connection->key, (unsigned long long)connection->sent);
    else {
        load->bytes_verified += connection->sent;
        connection_done(load, connection);
    }
}

static void upload_receive(struct load *load, struct connection *connection)
{
    int got = connection_receive(load, connection, LOAD_BUFFER_BYTES);

    if (got < 0)
        end(load, connection);
    if (got <= 0)
        return;
    if (connection->state != CONNECTION_CLOSING || connection->received + (uint64_t)got > ANSWER_BYTES) {
        connection_fail(load, connection, "the sink sent something other than the number of bytes it got");
        return;
    }
    /* The stream has ended, so its key has made room for the answer. */
    if (connection->received == 0)
        connection->key = 0;
    for (int i = 0; i < got; i++)
        connection->key |= (uint64_t)load->buffer[i] << connection->received++ * 8;
}

const struct load_mode LOAD_UPLOAD = {
    .name = "upload",
    .default_bytes = 65536,
    .default_sources = 1,
    .opens_first = true,
    .is_timed = true,
    .counts_bytes = true,
    .connected = upload_connected,
    .begin = upload_begin,
    .receive = upload_receive,
    .sent = upload_sent,
    .finish = connection_half_close,
};
