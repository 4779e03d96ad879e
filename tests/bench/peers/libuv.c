/*
 * libuv's echo and TCP proxy: libuv.exe echo|proxy PORT [TARGET_PORT]
 *
 * One loop and one read buffer for all connections. What was read is offered to the system at once (uv_try_write); only
 * what it does not take is copied into a write request, and nothing more is read from that side until it is written.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { BUFFER_BYTES = 64 * 1024, BACKLOG = 1024 };

/* One connection of a session. What is read from it is written to `other`, which is itself in an echo. */
struct end {
    uv_tcp_t tcp;
    struct end *other;
    uv_shutdown_t shutdown;
    bool read_ended;
    bool closed;
};

struct session {
    struct end ends[2];
    int ends_open;
    uv_connect_t connect;
};

struct rest {
    uv_write_t request;
    struct end *from;
    char bytes[];
};

static uv_loop_t *loop;
static char buffer[BUFFER_BYTES];
static bool is_proxy;
static struct sockaddr_in target;

static void on_read(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *unused);

static void die(const char *what, int error)
{
    fprintf(stderr, "%s: %s\n", what, uv_strerror(error));
    exit(1);
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory) {
        die("calloc", UV_ENOMEM);
    }
    return memory;
}

static void on_closed(uv_handle_t *handle)
{
    struct session *session = handle->data;
    if (--session->ends_open == 0) {
        free(session);
    }
}

static void end_close(struct end *end)
{
    if (!end->closed) {
        end->closed = true;
        uv_close((uv_handle_t *)&end->tcp, on_closed);
    }
}

static void session_close(struct end *end)
{
    struct end *other = end->other;
    end_close(end);
    end_close(other);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *given)
{
    (void)handle;
    (void)suggested;
    *given = uv_buf_init(buffer, sizeof(buffer));
}

static void read_start(struct end *end)
{
    if (uv_read_start((uv_stream_t *)&end->tcp, on_allocate, on_read)) {
        session_close(end);
    }
}

static void on_rest_written(uv_write_t *request, int status)
{
    struct rest *rest = (struct rest *)request;
    struct end *from = rest->from;
    free(rest);
    if (status == UV_ECANCELED) {
        /* The session is being closed. */
        return;
    }
    if (status) {
        session_close(from);
    } else {
        read_start(from);
    }
}

static void write_rest(struct end *from, size_t written, size_t bytes)
{
    struct rest *rest = allocate(sizeof(*rest) + bytes - written);
    rest->from = from;
    memcpy(rest->bytes, buffer + written, bytes - written);
    uv_buf_t all = uv_buf_init(rest->bytes, (unsigned)(bytes - written));
    uv_read_stop((uv_stream_t *)&from->tcp);
    if (uv_write(&rest->request, (uv_stream_t *)&from->other->tcp, &all, 1, on_rest_written)) {
        free(rest);
        session_close(from);
    }
}

static void on_shut_down(uv_shutdown_t *request, int status)
{
    struct end *to = request->data;
    if (status == UV_ECANCELED) {
        return;
    }
    if (status || to->read_ended) {
        session_close(to);
    }
}

static void read_end(struct end *from)
{
    struct end *to = from->other;
    from->read_ended = true;
    to->shutdown.data = to;
    if (uv_shutdown(&to->shutdown, (uv_stream_t *)&to->tcp, on_shut_down)) {
        session_close(from);
    }
}

static void on_read(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *unused)
{
    (void)unused;
    struct end *from = (struct end *)stream;
    if (bytes == UV_EOF) {
        read_end(from);
        return;
    }
    if (bytes < 0) {
        session_close(from);
        return;
    }
    uv_buf_t all = uv_buf_init(buffer, (unsigned)bytes);
    int written = uv_try_write((uv_stream_t *)&from->other->tcp, &all, 1);
    if (written < 0 && written != UV_EAGAIN) {
        session_close(from);
    } else if (written < bytes) {
        write_rest(from, written < 0 ? 0 : (size_t)written, (size_t)bytes);
    }
}

static void on_connected(uv_connect_t *request, int status)
{
    struct end *server = request->data;
    if (status == UV_ECANCELED) {
        return;
    }
    if (status) {
        session_close(server);
        return;
    }
    read_start(server->other);
    if (!server->closed) {
        read_start(server);
    }
}

static void end_open(struct session *session, struct end *end, struct end *other)
{
    uv_tcp_init(loop, &end->tcp);
    end->tcp.data = session;
    end->other = other;
    session->ends_open++;
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status) {
        return;
    }
    struct session *session = allocate(sizeof(*session));
    struct end *client = &session->ends[0], *server = is_proxy ? &session->ends[1] : client;
    end_open(session, client, server);
    if (is_proxy) {
        end_open(session, server, client);
    }
    if (uv_accept(listener, (uv_stream_t *)&client->tcp)) {
        session_close(client);
        return;
    }
    uv_tcp_nodelay(&client->tcp, 1);
    if (!is_proxy) {
        read_start(client);
        return;
    }
    uv_tcp_nodelay(&server->tcp, 1);
    session->connect.data = server;
    if (uv_tcp_connect(&session->connect, &server->tcp, (const struct sockaddr *)&target, on_connected)) {
        session_close(client);
    }
}

int main(int argc, char **argv)
{
    uv_tcp_t listener;
    struct sockaddr_in address;
    if (argc < 3) {
        fprintf(stderr, "usage: libuv.exe echo|proxy PORT [TARGET_PORT]\n");
        return 2;
    }
    loop = uv_default_loop();
    is_proxy = strcmp(argv[1], "proxy") == 0;
    uv_ip4_addr("127.0.0.1", atoi(argv[2]), &address);
    uv_ip4_addr("127.0.0.1", argc > 3 ? atoi(argv[3]) : 0, &target);
    uv_tcp_init(loop, &listener);
    int error = uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0);
    if (!error) {
        error = uv_listen((uv_stream_t *)&listener, BACKLOG, on_connection);
    }
    if (error) {
        die("listen", error);
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
