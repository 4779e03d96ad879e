/* Listening, accepting, connecting. */
#include "tests/port/port_suite.h"

static void test_listen_on_port_zero_gets_a_port(void **state)
{
    (void)state;
    struct port_socket listener = {0};
    struct address address = suite_listen(&listener);
    struct address expected = suite_loopback(address.port);
    EXPECT(address.port != 0);
    EXPECT(address_equal(&address, &expected));
    EXPECT(port_is_open(&listener));
    port_close(&listener);
    EXPECT(!port_is_open(&listener));
    EXPECT(!port_local_address(&listener, &address));
}

static void test_socket_without_address_says_so(void **state)
{
    (void)state;
    uint32_t os_code = 0;
    struct address address;
    struct port_socket socket = {0};
    EXPECT(!port_is_open(&socket));
    EXPECT(!port_local_address(&socket, &address));
    REQUIRE(port_open(suite.port, &socket, ADDRESS_V4, &os_code) == PORT_OK);
    EXPECT(port_is_open(&socket));
    EXPECT(!port_local_address(&socket, &address));
    port_close(&socket);
}

static void test_listen_twice_is_in_use_until_the_first_closes(void **state)
{
    (void)state;
    uint32_t os_code = 0;
    char owner[200] = "";
    struct port_socket first = {0};
    struct port_socket second = {0};
    struct address address = suite_listen(&first);
    EXPECT(port_listen(suite.port, &second, &address, &os_code) == PORT_IN_USE);
    EXPECT(second.port == NULL);
    EXPECT(!port_is_open(&second));
    if (port_describe_owner(&address, owner, sizeof(owner)))
        EXPECT(strstr(owner, "process ") == owner);
    port_close(&first);
    EXPECT(port_listen(suite.port, &second, &address, &os_code) == PORT_OK);
    port_close(&second);
}

static void test_listen_on_a_foreign_address_is_no_address(void **state)
{
    (void)state;
    uint32_t os_code = 0;
    struct port_socket socket = {0};
    struct address address = suite_loopback(0);
    const uint8_t documentation[4] = {203, 0, 113, 77};
    memcpy(address.bytes, documentation, 4);
    EXPECT(port_listen(suite.port, &socket, &address, &os_code) == PORT_NO_ADDRESS);
    EXPECT(socket.port == NULL);
}

/* --- accept and connect ------------------------------------------------------------------------------------------ */

static void test_accept_knows_both_addresses(void **state)
{
    (void)state;
    static struct suite_step accept;
    static struct suite_step connect;
    memset(&accept, 0, sizeof(accept));
    memset(&connect, 0, sizeof(connect));
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct port_socket client = {0};
    struct address local;
    struct address address = suite_listen(&listener);
    REQUIRE(port_open(suite.port, &client, ADDRESS_V4, &os_code) == PORT_OK);
    suite_accept(&accept, &listener);
    suite_connect(&connect, &client, &address);
    EXPECT(suite_finish(&connect) == PORT_OK);
    EXPECT(suite_finish(&accept) == PORT_OK);
    EXPECT(port_is_open(&accept.accept.accepted));
    EXPECT(address_equal(&accept.accept.local, &address));
    EXPECT(port_local_address(&client, &local) && address_equal(&accept.accept.peer, &local));
    EXPECT(port_local_address(&accept.accept.accepted, &local) && address_equal(&local, &address));
    port_close(&accept.accept.accepted);
    port_close(&client);
    port_close(&listener);
}

static void test_connection_waits_in_the_backlog_for_an_accept(void **state)
{
    (void)state;
    static struct suite_step accept;
    static struct suite_step connect;
    memset(&accept, 0, sizeof(accept));
    memset(&connect, 0, sizeof(connect));
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct port_socket client = {0};
    struct address address = suite_listen(&listener);
    REQUIRE(port_open(suite.port, &client, ADDRESS_V4, &os_code) == PORT_OK);
    suite_connect(&connect, &client, &address);
    EXPECT(suite_finish(&connect) == PORT_OK);
    suite_accept(&accept, &listener);
    EXPECT(suite_finish(&accept) == PORT_OK);
    port_reset(&accept.accept.accepted);
    port_close(&client);
    port_close(&listener);
}

enum { MANY = 12 };

static void test_several_accepts_are_in_flight(void **state)
{
    (void)state;
    static struct suite_step accepts[MANY];
    static struct suite_step connects[MANY];
    static struct port_socket clients[MANY];
    memset(accepts, 0, sizeof(accepts));
    memset(connects, 0, sizeof(connects));
    memset(clients, 0, sizeof(clients));
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct address address = suite_listen(&listener);
    for (int i = 0; i < MANY; i++)
        suite_accept(&accepts[i], &listener);
    for (int i = 0; i < MANY; i++) {
        REQUIRE(port_open(suite.port, &clients[i], ADDRESS_V4, &os_code) == PORT_OK);
        suite_connect(&connects[i], &clients[i], &address);
    }
    for (int i = 0; i < MANY; i++) {
        EXPECT(suite_finish(&connects[i]) == PORT_OK);
        EXPECT(suite_finish(&accepts[i]) == PORT_OK);
        for (int j = 0; j < i; j++)
            EXPECT(accepts[i].accept.peer.port != accepts[j].accept.peer.port);
    }
    for (int i = 0; i < MANY; i++) {
        port_close(&accepts[i].accept.accepted);
        port_close(&clients[i]);
    }
    port_close(&listener);
}

static void test_accept_is_submitted_again_after_the_socket_moved(void **state)
{
    (void)state;
    static struct suite_step accept;
    static struct suite_step connect;
    memset(&accept, 0, sizeof(accept));
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct address address = suite_listen(&listener);
    for (int i = 0; i < 3; i++) {
        struct port_socket client = {0};
        struct port_socket server = {0};
        uint8_t byte = 0;
        memset(&connect, 0, sizeof(connect));
        REQUIRE(port_open(suite.port, &client, ADDRESS_V4, &os_code) == PORT_OK);
        suite_accept(&accept, &listener);
        suite_connect(&connect, &client, &address);
        EXPECT(suite_finish(&connect) == PORT_OK);
        EXPECT(suite_finish(&accept) == PORT_OK);
        port_socket_move(&server, &accept.accept.accepted);
        EXPECT(accept.accept.accepted.port == NULL);
        EXPECT(!port_is_open(&accept.accept.accepted));
        EXPECT(port_is_open(&server));
        suite_send_all(&client, "x", 1);
        suite_receive_all(&server, &byte, 1);
        EXPECT(byte == 'x');
        port_close(&server);
        port_close(&client);
    }
    port_close(&listener);
}

/* A restart must not wait for old connections of the address to be forgotten. */
static void test_listen_again_after_the_listener_served_and_closed_first(void **state)
{
    (void)state;
    static struct suite_step accept;
    static struct suite_step connect;
    static struct suite_step end;
    memset(&accept, 0, sizeof(accept));
    memset(&connect, 0, sizeof(connect));
    memset(&end, 0, sizeof(end));
    uint32_t os_code = 0;
    uint8_t byte = 0;
    struct port_socket listener = {0};
    struct port_socket client = {0};
    struct address address = suite_listen(&listener);
    REQUIRE(port_open(suite.port, &client, ADDRESS_V4, &os_code) == PORT_OK);
    suite_accept(&accept, &listener);
    suite_connect(&connect, &client, &address);
    EXPECT(suite_finish(&connect) == PORT_OK);
    EXPECT(suite_finish(&accept) == PORT_OK);
    port_close(&accept.accept.accepted);
    suite_receive(&end, &client, &byte, 1);
    EXPECT(suite_finish(&end) == PORT_END);
    port_close(&client);
    port_close(&listener);
    memset(&listener, 0, sizeof(listener));
    EXPECT(port_listen(suite.port, &listener, &address, &os_code) == PORT_OK);
    port_close(&listener);
}

static enum port_status connect_to(enum address_family family, const struct address *address)
{
    static struct suite_step connect;
    memset(&connect, 0, sizeof(connect));
    uint32_t os_code = 0;
    struct port_socket client = {0};
    REQUIRE(port_open(suite.port, &client, family, &os_code) == PORT_OK);
    suite_connect(&connect, &client, address);
    enum port_status status = suite_finish(&connect);
    port_close(&client);
    return status;
}

/* The port of a connected client: nobody listens there, and nobody else can meanwhile. */
static void test_connect_where_nobody_listens_is_refused(void **state)
{
    (void)state;
    struct suite_pair pair;
    struct address address;
    suite_connect_pairs(&pair, 1);
    REQUIRE(port_local_address(&pair.client, &address));
    EXPECT(connect_to(ADDRESS_V4, &address) == PORT_REFUSED);
    suite_close_pair(&pair);
}

static void test_connect_to_an_unusable_address_is_no_address(void **state)
{
    (void)state;
    struct address address = suite_loopback(0);
    EXPECT(connect_to(ADDRESS_V4, &address) == PORT_NO_ADDRESS);
    address = suite_loopback(80);
    memset(address.bytes, 0, sizeof(address.bytes));
    EXPECT(connect_to(ADDRESS_V4, &address) == PORT_NO_ADDRESS);
}

/* --- IPv6 -------------------------------------------------------------------------------------------------------- */

static struct address v6_address(uint16_t port_number, bool any)
{
    struct address address = {0};
    address.family = ADDRESS_V6;
    address.port = port_number;
    address.bytes[15] = any ? 0 : 1;
    return address;
}

static void test_dual_stack_listener_takes_both_families(void **state)
{
    (void)state;
    if (!suite_fact(SUITE_FACT_IPV6))
        return;
    static struct suite_step accepts[2];
    memset(accepts, 0, sizeof(accepts));
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct address address = v6_address(0, true);
    REQUIRE(port_listen(suite.port, &listener, &address, &os_code) == PORT_OK);
    REQUIRE(port_local_address(&listener, &address));
    struct address v4 = suite_loopback(address.port);
    struct address v6 = v6_address(address.port, false);
    suite_accept(&accepts[0], &listener);
    EXPECT(connect_to(ADDRESS_V4, &v4) == PORT_OK);
    EXPECT(suite_finish(&accepts[0]) == PORT_OK);
    EXPECT(accepts[0].accept.peer.family == ADDRESS_V6);
    address_unmap(&accepts[0].accept.peer);
    EXPECT(address_equal_host(&accepts[0].accept.peer, &v4));
    suite_accept(&accepts[1], &listener);
    EXPECT(connect_to(ADDRESS_V6, &v6) == PORT_OK);
    EXPECT(suite_finish(&accepts[1]) == PORT_OK);
    EXPECT(address_equal_host(&accepts[1].accept.peer, &v6));
    port_close(&accepts[0].accept.accepted);
    port_close(&accepts[1].accept.accepted);
    port_close(&listener);
}

static void test_other_v6_listener_takes_no_v4(void **state)
{
    (void)state;
    if (!suite_fact(SUITE_FACT_IPV6))
        return;
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct address address = v6_address(0, false);
    REQUIRE(port_listen(suite.port, &listener, &address, &os_code) == PORT_OK);
    REQUIRE(port_local_address(&listener, &address));
    struct address v4 = suite_loopback(address.port);
    EXPECT(connect_to(ADDRESS_V4, &v4) == PORT_REFUSED);
    port_close(&listener);
}

int suite_run_listen(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_listen_on_port_zero_gets_a_port),
        SUITE_TEST(test_socket_without_address_says_so),
        SUITE_TEST(test_listen_twice_is_in_use_until_the_first_closes),
        SUITE_TEST(test_listen_on_a_foreign_address_is_no_address),
        SUITE_TEST(test_accept_knows_both_addresses),
        SUITE_TEST(test_connection_waits_in_the_backlog_for_an_accept),
        SUITE_TEST(test_several_accepts_are_in_flight),
        SUITE_TEST(test_accept_is_submitted_again_after_the_socket_moved),
        SUITE_TEST(test_listen_again_after_the_listener_served_and_closed_first),
        SUITE_TEST(test_connect_where_nobody_listens_is_refused),
        SUITE_TEST(test_connect_to_an_unusable_address_is_no_address),
        SUITE_TEST(test_dual_stack_listener_takes_both_families),
        SUITE_TEST(test_other_v6_listener_takes_no_v4),
    };
    return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
