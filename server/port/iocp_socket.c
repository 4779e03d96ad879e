/*
 * The state word of a socket, and why a handle is never reused under an operation.
 *
 *   bit 31  CLOSING    set once, by the first close or reset; nothing enters any more
 *   bit 30  BUSY       a closer or canceller is inside the system with this socket
 *   bit 29  RECEIVING  a receive or wait is in flight, and backend[0] is its op
 *   bit 28  SENDING    a send or connect is in flight
 *   rest    how many references keep the handle open: operations in flight, short calls
 *
 * Who enters (iocp_socket_enter) does so only while CLOSING is clear. Who leaves waits until BUSY is clear; so while a
 * closer or canceller is at work the set of operations can only grow, and once CLOSING is set it cannot change at all.
 * Hence:
 *
 *   - A canceller sees RECEIVING, sets BUSY, and the op it then names to CancelIoEx cannot finish, let alone be used
 *     again for a send, before BUSY is clear: a send is never cancelled by mistake.
 *   - A closer sets CLOSING and BUSY in one step. With references it cancels what is in flight, and the last one to
 *     leave closes the handle; without references it closes the handle itself. Exactly one of the two happens, because
 *     nobody enters or leaves meanwhile.
 *   - Clearing BUSY is the closer's last touch, and no completion calls `done` before it: the last `done` may free the
 *     socket even when the close still runs on another thread.
 *   - An operation that entered before CLOSING but whose system call comes after the closer's CancelIoEx looks for
 *     CLOSING after the call and cancels itself (iocp_operation.c). Both system calls are full barriers, so either the
 *     closer's CancelIoEx finds the operation or the submitter finds the flag.
 */
#include "port/iocp.h"
#include "port/iocp_status.h"

#include <string.h>

#ifndef SO_REUSE_UNICASTPORT
#define SO_REUSE_UNICASTPORT 0x3007
#endif
#ifndef SOMAXCONN_HINT
#define SOMAXCONN_HINT(backlog) (-(backlog))
#endif
#ifndef FILE_SKIP_COMPLETION_PORT_ON_SUCCESS
#define FILE_SKIP_COMPLETION_PORT_ON_SUCCESS 0x1
#endif
#ifndef FILE_SKIP_SET_EVENT_ON_HANDLE
#define FILE_SKIP_SET_EVENT_ON_HANDLE 0x2
#endif

#define STATE_CLOSING 0x80000000U
#define STATE_BUSY 0x40000000U
#define STATE_RECEIVING 0x20000000U
#define STATE_SENDING 0x10000000U
#define STATE_COUNT 0x0FFFFFFFU

enum {
    FLAG_SKIPS = 1,
    FLAG_V6 = 2,
    FLAG_HEIRS_ARE_TUNED = 4, /* of a listener; neither: not known yet */
    FLAG_HEIRS_ARE_NOT = 8,
    FLAG_KEPT_ALIVE = 16
};

static uint32_t claim_bit(uint32_t claim)
{
    if (claim == IOCP_CLAIM_RECEIVE)
        return STATE_RECEIVING;
    return claim == IOCP_CLAIM_SEND ? STATE_SENDING : 0;
}

static SOCKET handle_of(const struct port_socket *socket)
{
    return (SOCKET)socket->handle;
}

static void close_handle(struct port_socket *socket)
{
    struct port *port = socket->port;
    closesocket(handle_of(socket));
    atomic_fetch_add_u32(&port->sockets_open, UINT32_MAX);
}

/* Whoever holds BUSY is inside one or two short system calls. */
static void pause_for_busy(uint32_t turn)
{
    if (turn < 64)
        atomic_pause();
    else
        SwitchToThread();
}

bool iocp_socket_enter(struct port_socket *socket, uint32_t claim)
{
    uint32_t bit = claim_bit(claim);
    for (;;) {
        uint32_t state = atomic_load_u32(&socket->state);
        if (state & STATE_CLOSING)
            return false;
        CHECK((state & bit) == 0);
        if (atomic_cas_u32(&socket->state, state, (state | bit) + 1))
            return true;
    }
}

void iocp_socket_leave(struct port_socket *socket, uint32_t claim)
{
    uint32_t bit = claim_bit(claim);
    for (uint32_t turn = 0;; turn++) {
        uint32_t state = atomic_load_u32(&socket->state);
        if (state & STATE_BUSY) {
            pause_for_busy(turn);
            continue;
        }
        CHECK((state & STATE_COUNT) > 0);
        /* The last one of a closing socket keeps its reference until the handle is closed, so that whoever frees the
         * socket after the last `done` cannot overtake. */
        if (state & STATE_CLOSING && (state & STATE_COUNT) == 1) {
            close_handle(socket);
            atomic_store_u32(&socket->state, STATE_CLOSING);
            return;
        }
        if (atomic_cas_u32(&socket->state, state, (state & ~bit) - 1))
            return;
    }
}

bool iocp_socket_closing(const struct port_socket *socket)
{
    return (atomic_load_u32(&socket->state) & STATE_CLOSING) != 0;
}

bool iocp_socket_skips(const struct port_socket *socket)
{
    return (socket->flags & FLAG_SKIPS) != 0;
}

int iocp_socket_family(const struct port_socket *socket)
{
    return socket->flags & FLAG_V6 ? AF_INET6 : AF_INET;
}

bool port_is_open(const struct port_socket *socket)
{
    return socket->port != NULL && !iocp_socket_closing(socket);
}

/* Empty, or closed with nothing in flight: its memory may be used again. */
static bool is_vacant(const struct port_socket *socket)
{
    return socket->port == NULL || atomic_load_u32(&socket->state) == STATE_CLOSING;
}

/* --- opening ----------------------------------------------------------------------------------------------- */

enum port_status iocp_socket_adopt(struct port *port, struct port_socket *socket, SOCKET handle, int family,
                                   uint32_t *os_code)
{
    CHECK(is_vacant(socket));
    HANDLE file = (HANDLE)handle;
    if (CreateIoCompletionPort(file, port->completions, IOCP_KEY_SOCKET, 0) == NULL) {
        *os_code = GetLastError();
        return iocp_status_for_open(iocp_status_from_code(*os_code));
    }
    bool skips = false;
    if (port->skip) {
        UCHAR modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
        skips = SetFileCompletionNotificationModes(file, modes) != 0;
    }
    memset(socket, 0, sizeof(*socket));
    socket->port = port;
    socket->handle = (uint64_t)handle;
    socket->flags = (skips ? FLAG_SKIPS : 0) | (family == AF_INET6 ? FLAG_V6 : 0);
    atomic_fetch_add_u32(&port->sockets_open, 1);
    return PORT_OK;
}

/* What an accepted socket inherits of its listener is nowhere promised, differs between systems, and saves two calls for each
 * connection. So the first one is asked, and those after it are alike. Two workers may ask at the same time: they hear the same. */
void iocp_socket_tune_accepted(struct port_socket *listener, SOCKET accepted)
{
    uint32_t flags = atomic_load_u32(&listener->flags);
    if ((flags & (FLAG_HEIRS_ARE_TUNED | FLAG_HEIRS_ARE_NOT)) == 0) {
        flags = iocp_system_is_tuned(accepted) ? FLAG_HEIRS_ARE_TUNED : FLAG_HEIRS_ARE_NOT;
        atomic_fetch_or_u32(&listener->flags, flags);
    }
    if (flags & FLAG_HEIRS_ARE_NOT)
        iocp_system_tune_stream(accepted);
}

/* A connection that ends before it has ever been quiet is spared the call. */
void iocp_socket_keep_alive(struct port_socket *socket)
{
    if (atomic_load_u32(&socket->flags) & FLAG_KEPT_ALIVE)
        return;
    atomic_fetch_or_u32(&socket->flags, FLAG_KEPT_ALIVE);
    iocp_system_keep_alive(handle_of(socket));
}

/* The ports of a machine are 16,384 for outgoing connections unless they may be shared between destinations. Older
 * systems do not know the option. */
static void share_outgoing_ports(SOCKET handle)
{
    BOOL on = TRUE;
    setsockopt(handle, SOL_SOCKET, SO_REUSE_UNICASTPORT, (const char *)&on, sizeof(on));
}

enum port_status port_open(struct port *port, struct port_socket *socket, enum address_family family,
                           uint32_t *os_code)
{
    int system_family = family == ADDRESS_V6 ? AF_INET6 : AF_INET;
    *os_code = 0;
    SOCKET handle = iocp_system_socket(system_family, os_code);
    if (handle == INVALID_SOCKET)
        return iocp_status_for_open(iocp_status_from_code(*os_code));
    share_outgoing_ports(handle);
    enum port_status status = iocp_socket_adopt(port, socket, handle, system_family, os_code);
    if (status != PORT_OK)
        closesocket(handle);
    return status;
}

static bool bind_and_listen(SOCKET handle, const struct address *address, uint32_t *os_code)
{
    BOOL on = TRUE;
    struct sockaddr_storage system;
    int bytes = iocp_address_to_system(address, &system);
    bool ok = setsockopt(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on)) == 0;
    if (ok && address->family == ADDRESS_V6) {
        DWORD only_v6 = address_is_any(address) ? 0 : 1;
        ok = setsockopt(handle, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&only_v6, sizeof(only_v6)) == 0;
    }
    ok = ok && bind(handle, (const struct sockaddr *)&system, bytes) == 0;
    ok = ok && listen(handle, SOMAXCONN_HINT(LISTEN_BACKLOG)) == 0;
    if (!ok)
        *os_code = (uint32_t)WSAGetLastError();
    return ok;
}

/* Windows answers "access denied" both for a port of a reserved range and for one that somebody else holds exclusively. */
static enum port_status listen_status(const struct address *address, uint32_t os_code)
{
    enum port_status status = iocp_status_for_listen(iocp_status_from_code(os_code));
    char owner[128];
    if (status == PORT_DENIED && port_describe_owner(address, owner, sizeof(owner)))
        return PORT_IN_USE;
    return status;
}

enum port_status port_listen(struct port *port, struct port_socket *socket, const struct address *address,
                             uint32_t *os_code)
{
    int family = address->family == ADDRESS_V6 ? AF_INET6 : AF_INET;
    *os_code = 0;
    SOCKET handle = iocp_system_socket(family, os_code);
    if (handle == INVALID_SOCKET)
        return listen_status(address, *os_code);
    iocp_system_tune_stream(handle); /* for those that it will accept */
    enum port_status status = PORT_OK;
    if (!bind_and_listen(handle, address, os_code))
        status = listen_status(address, *os_code);
    else
        status = iocp_socket_adopt(port, socket, handle, family, os_code);
    if (status != PORT_OK)
        closesocket(handle);
    return status;
}

void port_socket_move(struct port_socket *to, struct port_socket *from)
{
    CHECK(is_vacant(to));
    CHECK((atomic_load_u32(&from->state) & ~STATE_CLOSING) == 0);
    *to = *from;
    memset(from, 0, sizeof(*from));
}

/* --- calls that answer at once ----------------------------------------------------------------------------- */

bool port_local_address(const struct port_socket *socket, struct address *address)
{
    memset(address, 0, sizeof(*address));
    /* The reference is no change that anybody can see, and without it the handle might be another socket's by now. */
    struct port_socket *counted = (struct port_socket *)socket;
    if (socket->port == NULL || !iocp_socket_enter(counted, IOCP_CLAIM_NONE))
        return false;
    struct sockaddr_storage system;
    int bytes = (int)sizeof(system);
    bool known = getsockname(handle_of(socket), (struct sockaddr *)&system, &bytes) == 0 &&
                 iocp_address_from_system((const struct sockaddr *)&system, bytes, address) &&
                 address->port != 0;
    iocp_socket_leave(counted, IOCP_CLAIM_NONE);
    if (!known)
        memset(address, 0, sizeof(*address));
    return known;
}

enum port_status port_shutdown(struct port_socket *socket)
{
    if (socket->port == NULL || !iocp_socket_enter(socket, IOCP_CLAIM_NONE))
        return PORT_CANCELLED;
    CHECK((atomic_load_u32(&socket->state) & STATE_SENDING) == 0);
    enum port_status status = PORT_OK;
    if (shutdown(handle_of(socket), SD_SEND) != 0)
        status = iocp_status_for_stream(iocp_status_from_code((uint32_t)WSAGetLastError()));
    iocp_socket_leave(socket, IOCP_CLAIM_NONE);
    /* Of the codes of a dead connection only these are promised. */
    return status == PORT_OK || status == PORT_CANCELLED || status == PORT_RESET ? status : PORT_FAILED;
}

void port_keep_alive(struct port_socket *socket)
{
    if (socket->port == NULL || !iocp_socket_enter(socket, IOCP_CLAIM_NONE))
        return;
    iocp_socket_keep_alive(socket);
    iocp_socket_leave(socket, IOCP_CLAIM_NONE);
}

void port_cancel_receive(struct port_socket *socket)
{
    for (;;) {
        uint32_t state = atomic_load_u32(&socket->state);
        /* Nothing to cancel, or another close or cancel is just doing it. */
        if ((state & STATE_RECEIVING) == 0 || (state & (STATE_CLOSING | STATE_BUSY)) != 0)
            return;
        if (atomic_cas_u32(&socket->state, state, state | STATE_BUSY))
            break;
    }
    struct port_op *op = (struct port_op *)(uintptr_t)socket->backend[0];
    /* In the middle of its submission it might not be known to the system yet, and the cancel would be lost. */
    for (uint32_t turn = 0; atomic_load_u32(&op->phase) == IOCP_SUBMITTING; turn++)
        pause_for_busy(turn);
    CancelIoEx((HANDLE)handle_of(socket), &iocp_words_of(op)->overlapped);
    atomic_fetch_add_u32(&socket->state, 0U - STATE_BUSY);
}

/* --- closing ----------------------------------------------------------------------------------------------- */

/* A close without a pending send leaves what was sent to the system; linger 0 makes the system forget it and send RST. */
static void make_abortive(SOCKET handle)
{
    struct linger linger = {1, 0};
    setsockopt(handle, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof(linger));
}

static void close_once(struct port_socket *socket, bool abortive)
{
    if (socket->port == NULL)
        return;
    uint32_t state;
    for (uint32_t turn = 0;; turn++) {
        state = atomic_load_u32(&socket->state);
        if (state & STATE_CLOSING)
            return;
        if (state & STATE_BUSY) {
            pause_for_busy(turn);
            continue;
        }
        if (atomic_cas_u32(&socket->state, state, state | STATE_CLOSING | STATE_BUSY))
            break;
    }
    if (abortive)
        make_abortive(handle_of(socket));
    if ((state & STATE_COUNT) == 0)
        close_handle(socket);
    else
        CancelIoEx((HANDLE)handle_of(socket), NULL);
    atomic_fetch_add_u32(&socket->state, 0U - STATE_BUSY);
}

void port_close(struct port_socket *socket)
{
    close_once(socket, false);
}

void port_reset(struct port_socket *socket)
{
    close_once(socket, true);
}
