#include "tests/port/port_suite.h"

struct address suite_loopback(uint16_t port_number)
{
    struct address address = {0};
    address.family = ADDRESS_V4;
    address.port = port_number;
    address.bytes[0] = 127;
    address.bytes[3] = 1;
    return address;
}

struct address suite_listen(struct port_socket *listener)
{
    uint32_t os_code = 0;
    struct address address = suite_loopback(0);
    REQUIRE(port_listen(suite.port, listener, &address, &os_code) == PORT_OK);
    REQUIRE(port_local_address(listener, &address));
    return address;
}

/* One after the other, so that the accept and the connect of a pair belong together. */
static void connect_pair(struct port_socket *listener, const struct address *address, struct suite_pair *pair)
{
    static struct suite_step connect;
    static struct suite_step accept;
    uint32_t os_code = 0;
    memset(&connect, 0, sizeof(connect));
    memset(&accept, 0, sizeof(accept));
    memset(pair, 0, sizeof(*pair));
    REQUIRE(port_open(suite.port, &pair->client, ADDRESS_V4, &os_code) == PORT_OK);
    suite_accept(&accept, listener);
    suite_connect(&connect, &pair->client, address);
    REQUIRE(suite_finish(&connect) == PORT_OK);
    REQUIRE(suite_finish(&accept) == PORT_OK);
    port_socket_move(&pair->server, &accept.accept.accepted);
}

void suite_connect_pairs(struct suite_pair *pairs, uint32_t count)
{
    struct port_socket listener = {0};
    struct address address = suite_listen(&listener);
    for (uint32_t i = 0; i < count; i++)
        connect_pair(&listener, &address, &pairs[i]);
    port_close(&listener);
}

void suite_close_pair(struct suite_pair *pair)
{
    port_close(&pair->client);
    port_close(&pair->server);
}

void suite_send_all(struct port_socket *socket, const void *data, uint32_t bytes)
{
    static struct suite_step step;
    memset(&step, 0, sizeof(step));
    for (uint32_t sent = 0; sent < bytes; sent += step.op.bytes) {
        suite_send(&step, socket, (const uint8_t *)data + sent, bytes - sent);
        REQUIRE(suite_finish(&step) == PORT_OK);
        REQUIRE(step.op.bytes >= 1 && step.op.bytes <= bytes - sent);
    }
}

void suite_receive_all(struct port_socket *socket, void *data, uint32_t bytes)
{
    static struct suite_step step;
    memset(&step, 0, sizeof(step));
    for (uint32_t received = 0; received < bytes; received += step.op.bytes) {
        suite_receive(&step, socket, (uint8_t *)data + received, bytes - received);
        REQUIRE(suite_finish(&step) == PORT_OK);
        REQUIRE(step.op.bytes >= 1 && step.op.bytes <= bytes - received);
    }
}

uint8_t suite_pattern(uint64_t offset)
{
    uint64_t mixed = (offset + 1) * 0x9E3779B97F4A7C15U;
    return (uint8_t)(mixed >> 56);
}
