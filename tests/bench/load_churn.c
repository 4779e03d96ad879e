#include "load.h"

/*
 * churn: connect, one echo, close, again.
 *
 * The usual end is `eof`: FIN, and then the server's. So a cycle is over when the server has closed its side too, and none can look
 * fast by letting closed connections pile up. It leaves the port in TIME_WAIT here, as with any client; connection_open
 * spreads over source addresses because of that.
 */

static void churn_begin(struct load *load)
{
    load_each(load, CONNECTION_NONE, connection_open);
}

static void churn_connected(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_RUNNING;
    connection->goal = load->options.bytes;
    connection_send(load, connection);
}

static void churn_closed(struct load *load, struct connection *connection)
{
    uint64_t started_ns = connection->since_ns;

    /* Closing is part of the cycle. */
    connection_close(connection, load->options.close == LOAD_CLOSE_RESET);
    connection->since_ns = started_ns;
    load->now_ns = load_count_operation(load, connection);
    connection->since_ns = 0;
    if (load->phase == LOAD_FINISH)
        connection_done(load, connection);
    else
        connection_open(load, connection);
}

static void churn_received(struct load *load, struct connection *connection, size_t count)
{
    uint64_t started_ns = connection->since_ns;

    (void)count;
    if (connection->received < connection->goal)
        return;
    if (load->options.close != LOAD_CLOSE_EOF) {
        churn_closed(load, connection);
        return;
    }
    connection_half_close(load, connection);
    /* The cycle's beginning, not the half-close's. */
    if (connection->state == CONNECTION_CLOSING)
        connection->since_ns = started_ns;
}

const struct load_mode LOAD_CHURN = {
    .name = "churn",
    .default_bytes = 64,
    .default_sources = 16,
    .is_timed = true,
    .connected = churn_connected,
    .begin = churn_begin,
    .receive = echo_receive,
    .received = churn_received,
    .closed = churn_closed,
};
