#include "load.h"

#include <stdio.h>

/* pingpong: a message, its echo, the next message. */

static void pingpong_begin(struct load *load)
{
    load_each(load, CONNECTION_READY, echo_ask);
}

static void pingpong_received(struct load *load, struct connection *connection, size_t count)
{
    (void)count;
    if (connection->received < connection->goal)
        return;
    uint64_t now_ns = load_count_operation(load, connection);
    if (load->phase == LOAD_FINISH) {
        connection_half_close(load, connection);
        return;
    }
    /* As echo_ask, which would read the clock once more. */
    connection->goal += load->options.bytes;
    connection->since_ns = now_ns;
    connection_send(load, connection);
}

const struct load_mode LOAD_PINGPONG = {
    .name = "pingpong",
    .default_bytes = 64,
    .default_sources = 1,
    .opens_first = true,
    .is_timed = true,
    .connected = echo_connected,
    .begin = pingpong_begin,
    .receive = echo_receive,
    .received = pingpong_received,
};
