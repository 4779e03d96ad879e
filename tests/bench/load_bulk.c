#include "load.h"

/* bulk: everybody sends all the time, and receives all the time what comes back. */

static void start(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_RUNNING;
    connection->goal = UINT64_MAX;
    connection->since_ns = load->now_ns;
    connection_send(load, connection);
}

static void bulk_begin(struct load *load)
{
    load_each(load, CONNECTION_READY, start);
}

static void bulk_received(struct load *load, struct connection *connection, size_t count)
{
    connection->since_ns = load->now_ns;
    load_count_bytes(load, connection, count);
}

const struct load_mode LOAD_BULK = {
    .name = "bulk",
    .default_bytes = 65536,
    .default_sources = 1,
    .opens_first = true,
    .is_timed = true,
    .counts_bytes = true,
    .connected = echo_connected,
    .begin = bulk_begin,
    .receive = echo_receive,
    .received = bulk_received,
    .finish = connection_half_close,
};
