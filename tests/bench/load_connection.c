#include "load.h"

#include "pattern.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static bool set_option(int descriptor, int level, int name)
{
    int on = 1;

    return setsockopt(descriptor, level, name, &on, sizeof on) == 0;
}

/* Source addresses take turns. The port is chosen by connect, which knows both ends: bind alone would take care that no
 * two connections share one. */
static bool bind_source(const struct load *load, int descriptor)
{
    uint32_t host = INADDR_LOOPBACK + (uint32_t)(load->serial % load->options.sources);
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};

    if (load->options.sources == 1)
        return true;
    return set_option(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) &&
           bind(descriptor, (struct sockaddr *)&source, sizeof source) == 0;
}

static bool watch(struct load *load, struct connection *connection, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = connection};

    connection->interest = interest;
    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->descriptor, &event) == 0;
}

void connection_open(struct load *load, struct connection *connection)
{
    const struct sockaddr_in *server = &load->options.server;

    connection->key = pattern_key(load->seed, load->serial++);
    connection->goal = connection->sent = connection->received = 0;
    connection->since_ns = load->now_ns;
    connection->state = CONNECTION_CONNECTING;
    connection->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->descriptor < 0 || !set_option(connection->descriptor, IPPROTO_TCP, TCP_NODELAY) ||
        !bind_source(load, connection->descriptor))
        connection_fail(load, connection, "no socket: %s", strerror(errno));
    else if (connect(connection->descriptor, (const struct sockaddr *)server, sizeof *server) != 0 &&
             errno != EINPROGRESS)
        connection_fail(load, connection, "could not connect: %s", strerror(errno));
    else if (!watch(load, connection, EPOLLOUT))
        connection_fail(load, connection, "cannot wait for it: %s", strerror(errno));
}

void connection_want(struct load *load, struct connection *connection, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = connection};

    if (connection->interest == interest)
        return;
    connection->interest = interest;
    if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->descriptor, &event) != 0)
        connection_fail(load, connection, "cannot wait for it: %s", strerror(errno));
}

void connection_ready(struct load *load, struct connection *connection, uint32_t interest)
{
    connection->state = CONNECTION_READY;
    connection->since_ns = 0;
    load->ready++;
    connection_want(load, connection, interest);
}

static size_t next_piece(const struct load *load, const struct connection *connection)
{
    uint64_t piece = connection->goal - connection->sent;

    if (piece > load->options.bytes)
        piece = load->options.bytes;
    return piece < LOAD_BUFFER_BYTES ? (size_t)piece : LOAD_BUFFER_BYTES;
}

void connection_send(struct load *load, struct connection *connection)
{
    size_t piece = next_piece(load, connection);

    if (piece > 0) {
        pattern_fill(load->buffer, piece, connection->key, connection->sent);
        ssize_t sent = send(connection->descriptor, load->buffer, piece, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            connection_fail(load, connection, "sending failed after %llu bytes: %s",
                            (unsigned long long)connection->sent, strerror(errno));
            return;
        }
        if (sent > 0) {
            connection->sent += (uint64_t)sent;
            if (load->mode->sent != NULL)
                load->mode->sent(load, connection, (size_t)sent);
        }
    }
    connection_want(load, connection, connection->sent < connection->goal ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int connection_receive(struct load *load, struct connection *connection, size_t bytes_max)
{
    size_t room = bytes_max < LOAD_BUFFER_BYTES ? bytes_max : LOAD_BUFFER_BYTES;
    ssize_t got = recv(connection->descriptor, load->buffer, room, 0);

    if (got > 0)
        return (int)got;
    if (got == 0)
        return -1;
    if (errno != EAGAIN)
        connection_fail(load, connection, "it broke after %llu bytes were received: %s",
                        (unsigned long long)connection->received, strerror(errno));
    return 0;
}

void connection_half_close(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_CLOSING;
    connection->goal = connection->sent;
    connection->since_ns = load->now_ns;
    if (shutdown(connection->descriptor, SHUT_WR) != 0)
        connection_fail(load, connection, "cannot half-close: %s", strerror(errno));
    else
        connection_want(load, connection, EPOLLIN);
}

void connection_close(struct connection *connection, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    connection->since_ns = 0;
    if (connection->descriptor < 0)
        return;
    if (reset)
        (void)setsockopt(connection->descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)close(connection->descriptor);
    connection->descriptor = -1;
}

void connection_done(struct load *load, struct connection *connection)
{
    connection_close(connection, false);
    connection->state = CONNECTION_DONE;
    load->live--;
}

void connection_fail(struct load *load, struct connection *connection, const char *format, ...)
{
    va_list arguments;

    if (load->failures < LOAD_SENTENCES_MAX) {
        fprintf(stderr, "load: connection %u: ", connection->index);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fprintf(stderr, ".\n");
    }
    load->failures++;
    connection_close(connection, true);
    connection->state = CONNECTION_FAILED;
    load->live--;
}
