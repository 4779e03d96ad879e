#include "port/iocp.h"
#include "port/iocp_status.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct iocp_words) <= sizeof(((struct port_op *)0)->backend),
              "an OVERLAPPED fits into an op");
static_assert(offsetof(struct iocp_words, overlapped) == 0, "an OVERLAPPED leads back to its op");

/* AcceptEx wants 16 bytes more than the longest address, for each of the two. */
enum { ACCEPT_ADDRESS_BYTES = 48 };
static_assert(sizeof(struct sockaddr_in6) + 16 <= ACCEPT_ADDRESS_BYTES, "an address fits");
static_assert(sizeof(((struct port_accept *)0)->room) >= 2 * ACCEPT_ADDRESS_BYTES, "two addresses fit");

/* Windows refuses a dynamic range that begins below. */
enum { PORT_DYNAMIC_MIN = 1025 };

/* What the call of the system answered. */
struct outcome {
    bool ok;
    uint32_t code; /* when not ok */
    DWORD bytes;
};

struct iocp_words *iocp_words_of(struct port_op *op)
{
    return (struct iocp_words *)(void *)op->backend;
}

void iocp_decide(struct port_op *op, enum port_status status, uint32_t os_code)
{
    op->status = status;
    op->bytes = 0;
    op->os_code = os_code;
    atomic_store_u32(&op->phase, IOCP_DECIDED);
}

/* --- submitting -------------------------------------------------------------------------------------------- */

static uint32_t claim_of(uint32_t kind)
{
    switch (kind) {
    case IOCP_RECEIVE:
    case IOCP_WAIT:
        return IOCP_CLAIM_RECEIVE;
    case IOCP_SEND:
    case IOCP_CONNECT:
        return IOCP_CLAIM_SEND;
    default:
        return IOCP_CLAIM_NONE;
    }
}

/* False: the socket is closed, and the op is on its way as cancelled. */
static bool begin(struct port_socket *socket, struct port_op *op, enum iocp_kind kind)
{
    CHECK(socket->port != NULL);
    CHECK(op->phase == IOCP_IDLE);
    struct iocp_words *words = iocp_words_of(op);
    memset(words, 0, sizeof(*words));
    words->kind = kind;
    uint32_t claim = claim_of(kind);
    if (claim == IOCP_CLAIM_RECEIVE)
        socket->backend[0] = (uint64_t)(uintptr_t)op;
    atomic_store_u32(&op->phase, IOCP_SUBMITTING);
    op->socket = socket;
    if (iocp_socket_enter(socket, claim))
        return true;
    struct port *port = socket->port;
    op->socket = NULL; /* no reference was taken, and the socket may go away before `done` */
    iocp_decide(op, PORT_CANCELLED, 0);
    iocp_dispatch(port, op);
    return false;
}

static void fail(struct port_socket *socket, struct port_op *op, uint32_t code)
{
    struct port *port = socket->port;
    iocp_decide(op, iocp_status_from_code(code), code);
    iocp_dispatch(port, op);
}

/* The tail of every submission; see THE LIFE OF AN OPERATION in iocp.h. */
static void settle(struct port_socket *socket, struct port_op *op, struct outcome outcome)
{
    struct iocp_words *words = iocp_words_of(op);
    if (!outcome.ok && outcome.code != WSA_IO_PENDING) {
        fail(socket, op, outcome.code);
        return;
    }
    if (outcome.ok && iocp_socket_skips(socket)) {
        struct port *port = socket->port;
        words->overlapped.Internal = 0;
        words->overlapped.InternalHigh = outcome.bytes;
        atomic_store_u32(&op->phase, IOCP_SUBMITTED);
        iocp_dispatch(port, op);
        return;
    }
    if (iocp_socket_closing(socket))
        CancelIoEx((HANDLE)(SOCKET)socket->handle, &words->overlapped);
    atomic_store_u32(&op->phase, IOCP_SUBMITTED);
}

static void receive_into(struct port_socket *socket, struct port_op *op, void *buffer, uint32_t bytes)
{
    WSABUF part = {bytes, buffer};
    DWORD flags = 0;
    struct outcome outcome = {true, 0, 0};
    if (WSARecv((SOCKET)socket->handle, &part, 1, &outcome.bytes, &flags, &iocp_words_of(op)->overlapped,
                NULL) != 0) {
        outcome.code = (uint32_t)WSAGetLastError();
        outcome.ok = false;
    }
    settle(socket, op, outcome);
}

void port_receive(struct port_socket *socket, struct port_op *op, void *buffer, uint32_t bytes)
{
    CHECK(bytes > 0);
    if (begin(socket, op, IOCP_RECEIVE))
        receive_into(socket, op, buffer, bytes);
}

void port_wait_readable(struct port_socket *socket, struct port_op *op)
{
    if (!begin(socket, op, IOCP_WAIT))
        return;
    iocp_socket_keep_alive(socket);
    receive_into(socket, op, NULL, 0);
}

void port_send(struct port_socket *socket, struct port_op *op, const void *buffer, uint32_t bytes)
{
    CHECK(bytes > 0);
    if (!begin(socket, op, IOCP_SEND))
        return;
    WSABUF part = {bytes, (char *)buffer}; /* WSABUF knows no const; WSASend only reads */
    struct outcome outcome = {true, 0, 0};
    if (WSASend((SOCKET)socket->handle, &part, 1, &outcome.bytes, 0, &iocp_words_of(op)->overlapped, NULL) !=
        0) {
        outcome.code = (uint32_t)WSAGetLastError();
        outcome.ok = false;
    }
    settle(socket, op, outcome);
}

/* ConnectEx wants a bound socket. */
static bool bind_any(struct port_socket *socket, uint32_t *code)
{
    struct address any = {0};
    any.family = iocp_socket_family(socket) == AF_INET6 ? ADDRESS_V6 : ADDRESS_V4;
    struct sockaddr_storage system;
    int bytes = iocp_address_to_system(&any, &system);
    if (bind((SOCKET)socket->handle, (const struct sockaddr *)&system, bytes) == 0)
        return true;
    *code = (uint32_t)WSAGetLastError();
    return false;
}

void port_connect(struct port_socket *socket, struct port_op *op, const struct address *address)
{
    if (!begin(socket, op, IOCP_CONNECT))
        return;
    struct sockaddr_storage system;
    int bytes = iocp_address_to_system(address, &system);
    uint32_t code = 0;
    /* Systems disagree about these (some connect 0.0.0.0 to themselves), so none is asked. */
    if (system.ss_family != iocp_socket_family(socket) || address->port == 0 || address_is_any(address))
        code = WSAEADDRNOTAVAIL;
    if (code != 0 || !bind_any(socket, &code)) {
        fail(socket, op, code);
        return;
    }
    iocp_words_of(op)->target_port = address->port;
    struct outcome outcome = {true, 0, 0};
    LPFN_CONNECTEX connect_ex = socket->port->connect_ex;
    if (!connect_ex((SOCKET)socket->handle, (const struct sockaddr *)&system, bytes, NULL, 0, NULL,
                    &iocp_words_of(op)->overlapped)) {
        outcome.code = (uint32_t)WSAGetLastError();
        outcome.ok = false;
    }
    settle(socket, op, outcome);
}

void port_accept(struct port_socket *listener, struct port_accept *accept)
{
    struct port_op *op = &accept->op;
    CHECK(!port_is_open(&accept->accepted));
    memset(&accept->accepted, 0, sizeof(accept->accepted));
    if (!begin(listener, op, IOCP_ACCEPT))
        return;
    uint32_t code = 0;
    SOCKET handle = iocp_system_socket(iocp_socket_family(listener), &code);
    if (handle == INVALID_SOCKET) {
        iocp_words_of(op)->handle = (uint64_t)INVALID_SOCKET;
        fail(listener, op, code);
        return;
    }
    iocp_words_of(op)->handle = (uint64_t)handle;
    struct outcome outcome = {true, 0, 0};
    LPFN_ACCEPTEX accept_ex = listener->port->accept_ex;
    if (!accept_ex((SOCKET)listener->handle, handle, accept->room, 0, ACCEPT_ADDRESS_BYTES,
                   ACCEPT_ADDRESS_BYTES, &outcome.bytes, &iocp_words_of(op)->overlapped)) {
        outcome.code = (uint32_t)WSAGetLastError();
        outcome.ok = false;
    }
    settle(listener, op, outcome);
}

void port_post(struct port *port, struct port_op *op)
{
    CHECK(op->phase == IOCP_IDLE);
    iocp_words_of(op)->kind = IOCP_POST;
    op->socket = NULL;
    iocp_decide(op, PORT_OK, 0);
    iocp_dispatch(port, op);
}

/* --- completing, on a worker --------------------------------------------------------------------------------- */

static void wait_submitted(struct port_op *op)
{
    for (uint32_t turn = 0; atomic_load_u32(&op->phase) == IOCP_SUBMITTING; turn++) {
        if (turn < 64)
            atomic_pause();
        else
            SwitchToThread();
    }
}

/* Where nobody listens on a local port of the dynamic range, the system may choose just that port for our end, and TCP
 * then connects the socket to itself. Its bytes would come back as answers, and the server could not get its port again. */
static bool is_connected_to_itself(SOCKET handle, uint32_t target_port)
{
    if (target_port < PORT_DYNAMIC_MIN)
        return false;
    struct sockaddr_storage system;
    struct address local;
    struct address peer;
    int bytes = (int)sizeof(system);
    if (getsockname(handle, (struct sockaddr *)&system, &bytes) != 0 ||
        !iocp_address_from_system((const struct sockaddr *)&system, bytes, &local) ||
        local.port != target_port)
        return false;
    bytes = (int)sizeof(system);
    return getpeername(handle, (struct sockaddr *)&system, &bytes) == 0 &&
           iocp_address_from_system((const struct sockaddr *)&system, bytes, &peer) &&
           address_equal(&local, &peer);
}

static void finish_connect(struct port_op *op)
{
    SOCKET handle = (SOCKET)op->socket->handle;
    if (setsockopt(handle, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) != 0) {
        op->os_code = (uint32_t)WSAGetLastError();
        op->status = iocp_status_from_code(op->os_code);
    } else if (is_connected_to_itself(handle, iocp_words_of(op)->target_port)) {
        op->os_code = WSAECONNREFUSED;
        op->status = PORT_REFUSED;
    } else {
        iocp_system_tune_stream(handle);
    }
}

/* Without the update the new socket knows neither its addresses nor shutdown. */
static void adopt_accepted(struct port_accept *accept, SOCKET handle)
{
    struct port_op *op = &accept->op;
    struct port *port = op->socket->port;
    SOCKET listener = (SOCKET)op->socket->handle;
    if (setsockopt(handle, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&listener, sizeof(listener)) !=
        0) {
        op->os_code = (uint32_t)WSAGetLastError();
        op->status = iocp_status_from_code(op->os_code);
        return;
    }
    struct sockaddr *local = NULL;
    struct sockaddr *peer = NULL;
    int local_bytes = 0;
    int peer_bytes = 0;
    port->accept_addresses(accept->room, 0, ACCEPT_ADDRESS_BYTES, ACCEPT_ADDRESS_BYTES, &local, &local_bytes,
                           &peer, &peer_bytes);
    if (!iocp_address_from_system(local, local_bytes, &accept->local) ||
        !iocp_address_from_system(peer, peer_bytes, &accept->peer)) {
        op->status = PORT_RESET; /* the system has already forgotten who that was */
        return;
    }
    iocp_socket_tune_accepted(op->socket, handle);
    op->status =
        iocp_socket_adopt(port, &accept->accepted, handle, iocp_socket_family(op->socket), &op->os_code);
}

static void finish_accept(struct port_op *op)
{
    SOCKET handle = (SOCKET)iocp_words_of(op)->handle;
    if (handle == INVALID_SOCKET)
        return;
    struct port_accept *accept = CONTAINER_OF(op, struct port_accept, op);
    if (op->status == PORT_OK)
        adopt_accepted(accept, handle);
    if (op->status != PORT_OK)
        closesocket(handle);
}

static void read_result(struct port_op *op)
{
    const OVERLAPPED *overlapped = &iocp_words_of(op)->overlapped;
    /* Only the low half is the status: Wine 10 leaves garbage above it. */
    op->status = iocp_status_from_nt((uint32_t)overlapped->Internal, &op->os_code);
    op->bytes = op->status == PORT_OK ? (uint32_t)overlapped->InternalHigh : 0;
}

static void find_result(struct port_op *op, uint32_t kind)
{
    if (op->phase == IOCP_SUBMITTED)
        read_result(op);
    switch (kind) {
    case IOCP_ACCEPT:
        finish_accept(op);
        op->status = iocp_status_for_accept(op->status);
        op->bytes = 0;
        break;
    case IOCP_CONNECT:
        if (op->status == PORT_OK)
            finish_connect(op);
        op->status = iocp_status_for_connect(op->status);
        op->bytes = 0;
        break;
    case IOCP_RECEIVE:
        if (op->status == PORT_OK && op->bytes == 0)
            op->status = PORT_END;
        op->status = iocp_status_for_stream(op->status);
        break;
    default:
        op->status = iocp_status_for_stream(op->status);
        break;
    }
    /* Why an operation on a closing socket failed is the system's business: every Windows says it differently. */
    if (op->status != PORT_OK && op->status != PORT_END && iocp_socket_closing(op->socket))
        op->status = PORT_CANCELLED;
}

void iocp_complete(struct port_op *op)
{
    wait_submitted(op);
    struct port_socket *socket = op->socket;
    if (socket != NULL) {
        uint32_t kind = iocp_words_of(op)->kind;
        find_result(op, kind);
        iocp_socket_leave(socket, claim_of(kind));
    }
    atomic_store_u32(&op->phase, IOCP_IDLE);
    op->done(op);
}
