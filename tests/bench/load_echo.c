#include "load.h"

#include "clock.h"
#include "pattern.h"

#include <sys/epoll.h>

void echo_connected(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_GREETING;
    connection->goal = PATTERN_KEY_BYTES;
    connection_send(load, connection);
}

void echo_ask(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_RUNNING;
    connection->goal = connection->received + load->options.bytes;
    connection->since_ns = clock_now_ns();
    connection_send(load, connection);
}

static void end(struct load *load, struct connection *connection)
{
    if (connection->state != CONNECTION_CLOSING || connection->received != connection->sent)
        connection_fail(load, connection, "the server closed when %llu of %llu bytes had come back",
                        (unsigned long long)connection->received, (unsigned long long)connection->sent);
    else if (load->mode->closed != NULL)
        load->mode->closed(load, connection);
    else
        connection_done(load, connection);
}

static void accept_bytes(struct load *load, struct connection *connection, size_t count)
{
    connection->received += count;
    load->bytes_verified += count;
    if (connection->state != CONNECTION_GREETING)
        load->mode->received(load, connection, count);
    else if (connection->received == connection->goal)
        connection_ready(load, connection, EPOLLIN);
}

void echo_receive(struct load *load, struct connection *connection)
{
    uint64_t due = connection->sent - connection->received;
    /* One byte more than is due, so that one too many is noticed. */
    int got =
        connection_receive(load, connection, due < LOAD_BUFFER_BYTES ? (size_t)due + 1 : LOAD_BUFFER_BYTES);

    if (got < 0)
        end(load, connection);
    if (got <= 0)
        return;
    size_t count = (size_t)got;
    size_t expected = count < due ? count : (size_t)due;
    size_t right = pattern_match(load->buffer, expected, connection->key, connection->received);
    uint64_t place = connection->received + right;
    if (right < expected)
        connection_fail(load, connection, "byte %llu came back as 0x%02x instead of 0x%02x",
                        (unsigned long long)place, load->buffer[right], pattern_byte(connection->key, place));
    else if (count > expected)
        connection_fail(load, connection, "more came back than the %llu bytes that were sent",
                        (unsigned long long)connection->sent);
    else
        accept_bytes(load, connection, count);
}

uint64_t load_count_operation(struct load *load, struct connection *connection)
{
    uint64_t now_ns = clock_now_ns();

    if (load->phase == LOAD_MEASURE) {
        latency_record(&load->latency, now_ns - connection->since_ns);
        load->bytes_measured += load->options.bytes;
        load->counted++;
        connection->counted++;
    }
    return now_ns;
}

void load_count_bytes(struct load *load, struct connection *connection, size_t count)
{
    if (load->phase == LOAD_MEASURE) {
        load->bytes_measured += count;
        load->counted += count;
        connection->counted += count;
    }
}
