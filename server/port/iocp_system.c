#include "port/iocp.h"
#include "port/iocp_status.h"
#include "base/memory.h"

/* Headers older than the system lack these; the values are the documented ones. */
#ifndef WSA_FLAG_NO_HANDLE_INHERIT
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif
#ifndef XP1_IFS_HANDLES
#define XP1_IFS_HANDLES 0x00020000
#endif

struct iocp_switches iocp_switches;

/* One Winsock and one thread-local slot for all ports of the process. TlsAlloc, because mingw-w64 emulates thread-local
 * variables by a locked look-up. */
static SRWLOCK system_lock = SRWLOCK_INIT;
static uint32_t system_users;
static DWORD system_slot = TLS_OUT_OF_INDEXES;

enum port_status iocp_system_start(uint32_t *os_code)
{
    enum port_status status = PORT_OK;
    AcquireSRWLockExclusive(&system_lock);
    WSADATA data;
    int error = WSAStartup(MAKEWORD(2, 2), &data);
    if (error != 0) {
        *os_code = (uint32_t)error;
        status = iocp_status_for_open(iocp_status_from_code((uint32_t)error));
    } else if (system_users == 0 && system_slot == TLS_OUT_OF_INDEXES) {
        system_slot = TlsAlloc();
        if (system_slot == TLS_OUT_OF_INDEXES) {
            *os_code = GetLastError();
            status = PORT_EXHAUSTED;
            WSACleanup();
        }
    }
    if (status == PORT_OK)
        system_users++;
    ReleaseSRWLockExclusive(&system_lock);
    return status;
}

/* The slot is kept: a thread of the host may ask for its worker index at any time, also just now. */
void iocp_system_stop(bool forget)
{
    AcquireSRWLockExclusive(&system_lock);
    CHECK(system_users > 0);
    system_users--;
    if (!forget)
        WSACleanup();
    ReleaseSRWLockExclusive(&system_lock);
}

struct iocp_worker *iocp_worker_self(void)
{
    return system_slot == TLS_OUT_OF_INDEXES ? NULL : TlsGetValue(system_slot);
}

void iocp_worker_set_self(struct iocp_worker *worker)
{
    /* Fails only for want of a few bytes in a thread that has just been created; nothing is served yet. */
    CHECK(TlsSetValue(system_slot, worker));
}

/* With a provider that is not made of file handles (an old filter of some security product), packets are queued in
 * spite of the mode, and every operation would complete twice. */
static bool providers_allow_skip(void)
{
    DWORD bytes = 0;
    int count = WSAEnumProtocolsW(NULL, NULL, &bytes);
    if (count != SOCKET_ERROR || WSAGetLastError() != WSAENOBUFS)
        return false;
    WSAPROTOCOL_INFOW *protocols = memory_allocate(1, bytes);
    if (protocols == NULL)
        return false;
    count = WSAEnumProtocolsW(NULL, protocols, &bytes);
    bool allow = count > 0;
    for (int i = 0; i < count; i++) {
        bool stream = protocols[i].iAddressFamily == AF_INET || protocols[i].iAddressFamily == AF_INET6;
        if (stream && (protocols[i].dwServiceFlags1 & XP1_IFS_HANDLES) == 0)
            allow = false;
    }
    memory_free(protocols);
    return allow;
}

static bool find_extension(SOCKET handle, GUID id, void *function, DWORD function_bytes)
{
    DWORD bytes = 0;
    return WSAIoctl(handle, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), function, function_bytes,
                    &bytes, NULL, NULL) == 0;
}

static SOCKET probe_socket(uint32_t *os_code)
{
    SOCKET handle = iocp_system_socket(AF_INET, os_code);
    return handle != INVALID_SOCKET ? handle : iocp_system_socket(AF_INET6, os_code);
}

enum port_status iocp_system_probe(struct port *port, uint32_t *os_code)
{
    SOCKET handle = probe_socket(os_code);
    if (handle == INVALID_SOCKET)
        return iocp_status_for_open(iocp_status_from_code(*os_code));
    GUID accept_id = WSAID_ACCEPTEX;
    GUID connect_id = WSAID_CONNECTEX;
    GUID addresses_id = WSAID_GETACCEPTEXSOCKADDRS;
    bool found =
        find_extension(handle, accept_id, &port->accept_ex, sizeof(port->accept_ex)) &&
        find_extension(handle, connect_id, &port->connect_ex, sizeof(port->connect_ex)) &&
        find_extension(handle, addresses_id, &port->accept_addresses, sizeof(port->accept_addresses));
    if (!found)
        *os_code = (uint32_t)WSAGetLastError();
    closesocket(handle);
    port->skip = !iocp_switches.no_skip && providers_allow_skip();
    return found ? PORT_OK : PORT_FAILED;
}

SOCKET iocp_system_socket(int family, uint32_t *os_code)
{
    SOCKET handle = WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (handle == INVALID_SOCKET)
        *os_code = (uint32_t)WSAGetLastError();
    return handle;
}

/* A connection without these still works, and a peer that has just vanished makes them fail: the next operation tells
 * that better. So their results are not looked at. */
void iocp_system_tune_stream(SOCKET handle)
{
    BOOL on = TRUE;
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
    setsockopt(handle, SOL_SOCKET, SO_OOBINLINE, (const char *)&on, sizeof(on));
}

/* One call sets what four options would, and every Windows knows it. */
void iocp_system_keep_alive(SOCKET handle)
{
    struct tcp_keepalive keepalive = {1, KEEPALIVE_IDLE_MS, KEEPALIVE_INTERVAL_MS};
    DWORD bytes = 0;
    WSAIoctl(handle, SIO_KEEPALIVE_VALS, &keepalive, sizeof(keepalive), NULL, 0, &bytes, NULL, NULL);
}

/* Some systems write one byte of a flag only. */
static DWORD option_of(SOCKET handle, int level, int name)
{
    DWORD value = 0;
    int bytes = (int)sizeof(value);
    return getsockopt(handle, level, name, (char *)&value, &bytes) == 0 ? value : 0;
}

bool iocp_system_is_tuned(SOCKET handle)
{
    return option_of(handle, IPPROTO_TCP, TCP_NODELAY) != 0 &&
           option_of(handle, SOL_SOCKET, SO_OOBINLINE) != 0;
}
