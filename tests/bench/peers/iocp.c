/*
 * The textbook's completion port server, as an echo and as a TCP proxy.
 *
 *     iocp.exe echo|proxy batch|inline THREADS PORT [TARGET_PORT]
 *
 * Each direction of a session is a pipe: receive into its buffer, send all of it, again. One operation of a pipe is
 * pending at any time, so a pipe needs no lock. An echo is one pipe from a socket to itself, a proxy two.
 *
 * batch   each operation ends with a packet, and packets are taken up to 64 at a time
 * inline  the port is skipped where an operation succeeds at once, and the pipe goes on in a loop
 */
#include <winsock2.h>
#include <mswsock.h>
#include <windows.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFER_BYTES = 16 * 1024,
    PACKETS_MAX = 64,
    ACCEPTS = 64,
    ADDRESS_BYTES = sizeof(struct sockaddr_in) + 16,
};

enum kind { ACCEPT, CONNECT, RECEIVE, SEND };

/* The OVERLAPPED is first: a packet's pointer is the operation's. */
struct operation {
    OVERLAPPED overlapped;
    enum kind kind;
    void *owner;
};

struct accept {
    struct operation operation;
    SOCKET socket;
    char addresses[2 * ADDRESS_BYTES];
};

struct pipe {
    struct operation operation;
    struct session *session;
    SOCKET from, to;
    WSABUF rest;
    char buffer[BUFFER_BYTES];
};

struct session {
    SOCKET client, server;
    volatile LONG references;
    volatile LONG failed;
    struct pipe pipes[];
};

static HANDLE port;
static SOCKET listener;
static bool is_proxy, skips;
static struct sockaddr_in target;
static LPFN_ACCEPTEX accept_ex;
static LPFN_CONNECTEX connect_ex;

static void die(const char *what)
{
    fprintf(stderr, "%s: error %lu\n", what, GetLastError());
    exit(1);
}

static struct sockaddr_in loopback(unsigned short number)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(number)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static SOCKET socket_open(void)
{
    return WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
}

static bool socket_prepare(SOCKET socket)
{
    BOOL yes = TRUE;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, (const char *)&yes, sizeof(yes));
    if (!CreateIoCompletionPort((HANDLE)socket, port, 0, 0)) {
        return false;
    }
    return !skips || SetFileCompletionNotificationModes((HANDLE)socket, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS);
}

static void operation_clear(struct operation *operation, enum kind kind)
{
    memset(&operation->overlapped, 0, sizeof(operation->overlapped));
    operation->kind = kind;
}

/* ---- pipes ---- */

static void session_release(struct session *session)
{
    if (InterlockedDecrement(&session->references) == 0) {
        closesocket(session->client);
        if (session->server != session->client) {
            closesocket(session->server);
        }
        free(session);
    }
}

static void session_cancel(struct session *session)
{
    CancelIoEx((HANDLE)session->client, NULL);
    CancelIoEx((HANDLE)session->server, NULL);
}

enum outcome { PENDING, DONE, FAILED };

/* What the call said, as the variant takes it: without skip mode success at once is followed by a packet, too. */
static enum outcome outcome_of(int result)
{
    if (result == 0) {
        return skips ? DONE : PENDING;
    }
    return WSAGetLastError() == WSA_IO_PENDING ? PENDING : FAILED;
}

static enum outcome pipe_receive(struct pipe *pipe, DWORD *bytes)
{
    DWORD flags = 0;
    operation_clear(&pipe->operation, RECEIVE);
    pipe->rest = (WSABUF){.buf = pipe->buffer, .len = BUFFER_BYTES};
    return outcome_of(WSARecv(pipe->from, &pipe->rest, 1, bytes, &flags, &pipe->operation.overlapped, NULL));
}

static enum outcome pipe_send(struct pipe *pipe, DWORD *bytes)
{
    operation_clear(&pipe->operation, SEND);
    return outcome_of(WSASend(pipe->to, &pipe->rest, 1, bytes, 0, &pipe->operation.overlapped, NULL));
}

/* One step after an operation that moved so many bytes. False when there is nothing more to receive. */
static bool pipe_step(struct pipe *pipe, DWORD *bytes, enum outcome *outcome)
{
    if (pipe->operation.kind == RECEIVE) {
        if (*bytes == 0) {
            return false;
        }
        pipe->rest = (WSABUF){.buf = pipe->buffer, .len = *bytes};
        *outcome = pipe_send(pipe, bytes);
    } else if (*bytes < pipe->rest.len) {
        pipe->rest.buf += *bytes;
        pipe->rest.len -= *bytes;
        *outcome = pipe_send(pipe, bytes);
    } else {
        *outcome = pipe_receive(pipe, bytes);
    }
    return true;
}

/*
 * Goes on after a packet, and as long as the next operations succeed at once. The failure of one pipe ends both: the
 * other's pending operation is cancelled, and if it is only just posted, its own thread sees the mark and cancels.
 */
static void pipe_run(struct pipe *pipe, bool succeeded, DWORD bytes)
{
    struct session *session = pipe->session;
    enum outcome outcome = succeeded ? DONE : FAILED;
    InterlockedIncrement(&session->references);
    while (outcome == DONE) {
        if (!pipe_step(pipe, &bytes, &outcome)) {
            shutdown(pipe->to, SD_SEND);
            session_release(session);
            break;
        }
    }
    if (outcome == FAILED) {
        InterlockedExchange(&session->failed, 1);
        session_cancel(session);
        session_release(session);
    } else if (session->failed) {
        session_cancel(session);
    }
    session_release(session);
}

static void pipe_start(struct pipe *pipe, struct session *session, SOCKET from, SOCKET to)
{
    pipe->session = session;
    pipe->from = from;
    pipe->to = to;
    /* As if a send of nothing had ended: the first receive follows. */
    pipe->operation.kind = SEND;
    pipe->rest.len = 0;
    pipe_run(pipe, true, 0);
}

/* ---- sessions ---- */

static struct session *session_new(SOCKET client, SOCKET server, int pipes)
{
    struct session *session = calloc(1, sizeof(*session) + (size_t)pipes * sizeof(struct pipe));
    if (!session) {
        die("calloc");
    }
    session->client = client;
    session->server = server;
    session->references = pipes;
    return session;
}

static void echo_start(SOCKET client)
{
    struct session *session = session_new(client, client, 1);
    pipe_start(&session->pipes[0], session, client, client);
}

static void proxy_connect(SOCKET client)
{
    SOCKET server = socket_open();
    struct sockaddr_in any = {.sin_family = AF_INET};
    if (server == INVALID_SOCKET || bind(server, (struct sockaddr *)&any, sizeof(any)) ||
        !socket_prepare(server)) {
        closesocket(server);
        closesocket(client);
        return;
    }
    struct session *session = session_new(client, server, 2);
    struct operation *operation = &session->pipes[0].operation;
    operation->owner = session;
    operation_clear(operation, CONNECT);
    bool at_once =
        connect_ex(server, (struct sockaddr *)&target, sizeof(target), NULL, 0, NULL, &operation->overlapped);
    if (at_once && skips) {
        /* Never so under Wine, possible on Windows. */
        PostQueuedCompletionStatus(port, 0, 0, &operation->overlapped);
    } else if (!at_once && WSAGetLastError() != WSA_IO_PENDING) {
        session->references = 1;
        session_release(session);
    }
}

static void proxy_start(struct session *session, bool connected)
{
    if (!connected) {
        session->references = 1;
        session_release(session);
        return;
    }
    SOCKET client = session->client, server = session->server;
    setsockopt(server, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0);
    /* The first pipe must not be the end of the session before the second runs. */
    InterlockedIncrement(&session->references);
    pipe_start(&session->pipes[0], session, client, server);
    pipe_start(&session->pipes[1], session, server, client);
    session_release(session);
}

/* ---- accepting ---- */

static void accept_post(struct accept *accept)
{
    DWORD bytes;
    operation_clear(&accept->operation, ACCEPT);
    accept->socket = socket_open();
    bool at_once = accept_ex(listener, accept->socket, accept->addresses, 0, ADDRESS_BYTES, ADDRESS_BYTES,
                             &bytes, &accept->operation.overlapped);
    if (!at_once && WSAGetLastError() != WSA_IO_PENDING) {
        die("AcceptEx");
    }
}

static void accept_done(struct accept *accept, bool succeeded)
{
    SOCKET client = accept->socket;
    accept_post(accept);
    if (!succeeded) {
        closesocket(client);
        return;
    }
    setsockopt(client, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener, sizeof(listener));
    if (!socket_prepare(client)) {
        closesocket(client);
    } else if (is_proxy) {
        proxy_connect(client);
    } else {
        echo_start(client);
    }
}

static void accepts_start(void)
{
    for (int i = 0; i < ACCEPTS; i++) {
        struct accept *accept = calloc(1, sizeof(*accept));
        if (!accept) {
            die("calloc");
        }
        accept->operation.owner = accept;
        accept_post(accept);
    }
}

/* ---- workers ---- */

static void packet_handle(const OVERLAPPED_ENTRY *entry)
{
    struct operation *operation = (struct operation *)entry->lpOverlapped;
    bool succeeded = (LONG)operation->overlapped.Internal >= 0;
    switch (operation->kind) {
    case ACCEPT:
        accept_done(operation->owner, succeeded);
        break;
    case CONNECT:
        proxy_start(operation->owner, succeeded);
        break;
    case RECEIVE:
    case SEND:
        pipe_run((struct pipe *)operation, succeeded, entry->dwNumberOfBytesTransferred);
        break;
    }
}

static DWORD WINAPI worker(void *unused)
{
    (void)unused;
    OVERLAPPED_ENTRY entries[PACKETS_MAX];
    ULONG count;
    while (GetQueuedCompletionStatusEx(port, entries, PACKETS_MAX, &count, INFINITE, FALSE)) {
        for (ULONG i = 0; i < count; i++) {
            packet_handle(&entries[i]);
        }
    }
    die("GetQueuedCompletionStatusEx");
    return 0;
}

static void *extension(GUID id)
{
    void *function = NULL;
    DWORD bytes;
    if (WSAIoctl(listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &function, sizeof(function),
                 &bytes, NULL, NULL)) {
        die("WSAIoctl");
    }
    return function;
}

static void listen_on(unsigned short number)
{
    struct sockaddr_in address = loopback(number);
    BOOL yes = TRUE;
    listener = socket_open();
    setsockopt(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&yes, sizeof(yes));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, SOMAXCONN)) {
        die("listen");
    }
    accept_ex = (LPFN_ACCEPTEX)extension((GUID)WSAID_ACCEPTEX);
    connect_ex = (LPFN_CONNECTEX)extension((GUID)WSAID_CONNECTEX);
    /* The listener does not skip the port: an AcceptEx that ends at once is handled like any other. */
    if (!CreateIoCompletionPort((HANDLE)listener, port, 0, 0)) {
        die("CreateIoCompletionPort");
    }
}

int main(int argc, char **argv)
{
    WSADATA data;
    if (argc < 5 || WSAStartup(MAKEWORD(2, 2), &data)) {
        fprintf(stderr, "usage: iocp.exe echo|proxy batch|inline THREADS PORT [TARGET_PORT]\n");
        return 2;
    }
    is_proxy = strcmp(argv[1], "proxy") == 0;
    skips = strcmp(argv[2], "inline") == 0;
    target = loopback(argc > 5 ? (unsigned short)atoi(argv[5]) : 0);
    port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    listen_on((unsigned short)atoi(argv[4]));
    accepts_start();
    for (int i = 1; i < atoi(argv[3]); i++) {
        CreateThread(NULL, 0, worker, NULL, 0, NULL);
    }
    return (int)worker(NULL);
}
