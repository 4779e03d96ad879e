/* Options of sockets, urgent data, and branches that Wine never takes by itself. */
#include "tests/port/suite_iocp.h"

SOCKET suite_raw_connect(const struct address *address)
{
    struct sockaddr_storage system;
    int bytes = iocp_address_to_system(address, &system);
    SOCKET handle = WSASocketW(system.ss_family, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0);
    REQUIRE(handle != INVALID_SOCKET);
    REQUIRE(connect(handle, (const struct sockaddr *)&system, bytes) == 0);
    return handle;
}

static uint32_t option(const struct port_socket *socket, int level, int name)
{
    uint32_t value = 0; /* the system may write one byte only */
    int bytes = (int)sizeof(value);
    EXPECT(getsockopt((SOCKET)socket->handle, level, name, (char *)&value, &bytes) == 0);
    return value;
}

static bool is_inherited(const struct port_socket *socket)
{
    DWORD flags = 0;
    EXPECT(GetHandleInformation((HANDLE)(SOCKET)socket->handle, &flags));
    return (flags & HANDLE_FLAG_INHERIT) != 0;
}

static void expect_tuned(const struct port_socket *socket)
{
    EXPECT(option(socket, IPPROTO_TCP, TCP_NODELAY) != 0);
    EXPECT(option(socket, SOL_SOCKET, SO_OOBINLINE) != 0);
    EXPECT(!is_inherited(socket));
    EXPECT(iocp_socket_skips(socket) == (suite.port->skip != 0));
}

static void test_connections_have_their_options(void **state)
{
    (void)state;
    /* The first one that a listener accepts tells what the others inherit. */
    struct suite_pair pairs[3];
    suite_connect_pairs(pairs, 3);
    for (int i = 0; i < 3; i++) {
        expect_tuned(&pairs[i].client);
        expect_tuned(&pairs[i].server);
        suite_close_pair(&pairs[i]);
    }
}

/* Only those that have been quiet need it. */
static void test_quiet_connections_are_kept_alive(void **state)
{
    (void)state;
    static struct suite_step wait;
    struct suite_pair pair;
    memset(&wait, 0, sizeof(wait));
    suite_connect_pairs(&pair, 1);
    for (int i = 0; i < 2; i++) {
        suite_wait_readable(&wait, &pair.server);
        suite_send_all(&pair.client, "x", 1);
        EXPECT(suite_finish(&wait) == PORT_OK);
        EXPECT(option(&pair.server, SOL_SOCKET, SO_KEEPALIVE) != 0);
        uint8_t byte;
        suite_receive_all(&pair.server, &byte, 1);
    }
    EXPECT(option(&pair.client, SOL_SOCKET, SO_KEEPALIVE) == 0);
    port_keep_alive(&pair.client);
    port_keep_alive(&pair.client);
    EXPECT(option(&pair.client, SOL_SOCKET, SO_KEEPALIVE) != 0);
    suite_close_pair(&pair);
    port_keep_alive(&pair.client);
}

static void test_listener_is_exclusive_and_not_inherited(void **state)
{
    (void)state;
    struct port_socket listener = {0};
    suite_listen(&listener);
    EXPECT(option(&listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE) != 0);
    EXPECT(!is_inherited(&listener));
    port_close(&listener);
}

static void test_skipping_follows_the_switch(void **state)
{
    (void)state;
    EXPECT(suite.port->skip == !iocp_switches.no_skip);
}

static void test_urgent_data_comes_inline_and_in_order(void **state)
{
    (void)state;
    static struct suite_step accept;
    memset(&accept, 0, sizeof(accept));
    char text[3] = {0};
    struct port_socket listener = {0};
    struct address address = suite_listen(&listener);
    suite_accept(&accept, &listener);
    SOCKET raw = suite_raw_connect(&address);
    EXPECT(suite_finish(&accept) == PORT_OK);
    EXPECT(send(raw, "a", 1, 0) == 1);
    EXPECT(send(raw, "U", 1, MSG_OOB) == 1);
    EXPECT(send(raw, "b", 1, 0) == 1);
    suite_receive_all(&accept.accept.accepted, text, 3);
    EXPECT(memcmp(text, "aUb", 3) == 0);
    port_close(&accept.accept.accepted);
    port_close(&listener);
    closesocket(raw);
}

/* A client that is gone before the accept must not hurt the listener. */
static void test_client_reset_in_the_backlog_harms_nobody(void **state)
{
    (void)state;
    static struct suite_step accept;
    memset(&accept, 0, sizeof(accept));
    struct port_socket listener = {0};
    struct address address = suite_listen(&listener);
    struct linger linger = {1, 0};
    SOCKET gone = suite_raw_connect(&address);
    setsockopt(gone, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof(linger));
    closesocket(gone);
    SOCKET stays = suite_raw_connect(&address);
    EXPECT(send(stays, "s", 1, 0) == 1);
    uint8_t byte = 0;
    for (int i = 0; i < 3 && byte != 's'; i++) {
        static struct suite_step receive;
        memset(&receive, 0, sizeof(receive));
        suite_accept(&accept, &listener);
        enum port_status status = suite_finish(&accept);
        EXPECT(status == PORT_OK || status == PORT_RESET);
        if (status != PORT_OK)
            continue;
        suite_receive(&receive, &accept.accept.accepted, &byte, 1);
        suite_finish(&receive);
        port_close(&accept.accept.accepted);
    }
    EXPECT(byte == 's');
    closesocket(stays);
    port_close(&listener);
}

/* --- success at once: Windows may, Wine always pends -------------------------------------------------------------------- */

static LPFN_ACCEPTEX real_accept;
static LPFN_CONNECTEX real_connect;

/* The lowest bit of the event keeps the packet away from the completion port: so the stand-in can wait and then answer
 * "done". */
static bool finish_here(BOOL started, SOCKET socket, OVERLAPPED *own)
{
    DWORD bytes = 0;
    DWORD flags = 0;
    if (!started && WSAGetLastError() != WSA_IO_PENDING)
        return false;
    WaitForSingleObject((HANDLE)((ULONG_PTR)own->hEvent & ~(ULONG_PTR)1), 10000);
    return WSAGetOverlappedResult(socket, own, &bytes, FALSE, &flags) != 0;
}

static bool begin_here(OVERLAPPED *own)
{
    memset(own, 0, sizeof(*own));
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    own->hEvent = (HANDLE)((ULONG_PTR)event | 1);
    return event != NULL;
}

static void end_here(OVERLAPPED *own)
{
    CloseHandle((HANDLE)((ULONG_PTR)own->hEvent & ~(ULONG_PTR)1));
}

static BOOL PASCAL accept_at_once(SOCKET listener, SOCKET accepted, PVOID room, DWORD receive, DWORD local,
                                  DWORD peer, LPDWORD bytes, LPOVERLAPPED overlapped)
{
    OVERLAPPED own;
    (void)overlapped;
    REQUIRE(begin_here(&own));
    bool ok =
        finish_here(real_accept(listener, accepted, room, receive, local, peer, bytes, &own), listener, &own);
    end_here(&own);
    *bytes = 0;
    return ok;
}

static BOOL PASCAL connect_at_once(SOCKET socket, const struct sockaddr *name, int name_bytes, PVOID data,
                                   DWORD data_bytes, LPDWORD sent, LPOVERLAPPED overlapped)
{
    OVERLAPPED own;
    (void)overlapped;
    REQUIRE(begin_here(&own));
    bool ok = finish_here(real_connect(socket, name, name_bytes, data, data_bytes, sent, &own), socket, &own);
    end_here(&own);
    return ok;
}

static void test_accept_and_connect_may_succeed_at_once(void **state)
{
    (void)state;
    static struct suite_step accept;
    static struct suite_step connect_step;
    memset(&accept, 0, sizeof(accept));
    memset(&connect_step, 0, sizeof(connect_step));
    if (!suite.port->skip)
        return; /* then a packet would have to come, and the stand-ins keep it away */
    uint32_t os_code = 0;
    uint8_t byte = 0;
    struct port_socket listener = {0};
    struct port_socket client = {0};
    struct address address = suite_listen(&listener);
    real_accept = suite.port->accept_ex;
    real_connect = suite.port->connect_ex;
    suite.port->accept_ex = accept_at_once;
    suite.port->connect_ex = connect_at_once;
    REQUIRE(port_open(suite.port, &client, ADDRESS_V4, &os_code) == PORT_OK);
    suite_connect(&connect_step, &client, &address);
    EXPECT(suite_finish(&connect_step) == PORT_OK);
    suite_accept(&accept, &listener);
    EXPECT(suite_finish(&accept) == PORT_OK);
    EXPECT(address_equal(&accept.accept.local, &address));
    suite_send_all(&client, "i", 1);
    suite_receive_all(&accept.accept.accepted, &byte, 1);
    EXPECT(byte == 'i');
    port_close(&accept.accept.accepted);
    port_close(&client);
    port_close(&listener);
}

/* --- a connection with itself ------------------------------------------------------------------------------------------ */

/* As if the system had chosen the port that was asked for. */
static BOOL PASCAL connect_to_itself(SOCKET socket, const struct sockaddr *name, int name_bytes, PVOID data,
                                     DWORD data_bytes, LPDWORD sent, LPOVERLAPPED overlapped)
{
    struct sockaddr_storage system;
    struct address own;
    int bytes = (int)sizeof(system);
    (void)name;
    (void)name_bytes;
    REQUIRE(getsockname(socket, (struct sockaddr *)&system, &bytes) == 0);
    REQUIRE(iocp_address_from_system((const struct sockaddr *)&system, bytes, &own));
    CONTAINER_OF(overlapped, struct iocp_words, overlapped)->target_port = own.port;
    struct address target = suite_loopback(own.port);
    bytes = iocp_address_to_system(&target, &system);
    return real_connect(socket, (const struct sockaddr *)&system, bytes, data, data_bytes, sent, overlapped);
}

static void test_connection_with_itself_is_refused(void **state)
{
    (void)state;
    static struct suite_step step;
    memset(&step, 0, sizeof(step));
    uint32_t os_code = 0;
    struct port_socket socket = {0};
    struct address address = suite_loopback(1);
    real_connect = suite.port->connect_ex;
    suite.port->connect_ex = connect_to_itself;
    REQUIRE(port_open(suite.port, &socket, ADDRESS_V4, &os_code) == PORT_OK);
    suite_connect(&step, &socket, &address);
    EXPECT(suite_finish(&step) == PORT_REFUSED);
    port_close(&socket);
}

/* --- a connect that hangs ------------------------------------------------------------------------------------------------ */

/* A listener whose backlog is full answers no more on Linux, and refuses on Windows. */
static void test_close_cancels_a_hanging_connect(void **state)
{
    (void)state;
    enum { MANY = 8 };
    static struct suite_step steps[MANY];
    static struct port_socket clients[MANY];
    memset(steps, 0, sizeof(steps));
    memset(clients, 0, sizeof(clients));
    uint32_t os_code = 0;
    struct address address = suite_loopback(0);
    struct sockaddr_storage system;
    int bytes = iocp_address_to_system(&address, &system);
    SOCKET full = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0);
    REQUIRE(bind(full, (const struct sockaddr *)&system, bytes) == 0 && listen(full, 1) == 0);
    bytes = (int)sizeof(system);
    REQUIRE(getsockname(full, (struct sockaddr *)&system, &bytes) == 0);
    iocp_address_from_system((const struct sockaddr *)&system, bytes, &address);
    for (int i = 0; i < MANY; i++) {
        REQUIRE(port_open(suite.port, &clients[i], ADDRESS_V4, &os_code) == PORT_OK);
        suite_connect(&steps[i], &clients[i], &address);
    }
    suite_pass();
    uint32_t hanging = 0;
    for (int i = 0; i < MANY; i++) {
        bool hangs = suite_in_flight(&steps[i]);
        hanging += hangs;
        port_close(&clients[i]);
        enum port_status status = suite_finish(&steps[i]);
        EXPECT(status == PORT_CANCELLED || !hangs || status == PORT_OK || status == PORT_REFUSED);
    }
    EXPECT(hanging > 0 || GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") == NULL);
    closesocket(full);
}

int suite_run_iocp_socket(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_connections_have_their_options),
        SUITE_TEST(test_quiet_connections_are_kept_alive),
        SUITE_TEST(test_listener_is_exclusive_and_not_inherited),
        SUITE_TEST(test_skipping_follows_the_switch),
        SUITE_TEST(test_urgent_data_comes_inline_and_in_order),
        SUITE_TEST(test_client_reset_in_the_backlog_harms_nobody),
        SUITE_TEST(test_accept_and_connect_may_succeed_at_once),
        SUITE_TEST(test_connection_with_itself_is_refused),
        SUITE_TEST(test_close_cancels_a_hanging_connect),
    };
    return cmocka_run_group_tests_name("iocp socket", tests, NULL, NULL);
}
