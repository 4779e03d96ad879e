/* Bytes, their order, their end, and the end by force. */
#include "tests/port/port_suite.h"

static struct suite_pair pair;

static void connect_one(void)
{
    suite_connect_pairs(&pair, 1);
}

static void expect_end(struct port_socket *socket, enum port_status expected)
{
    static struct suite_step step;
    uint8_t byte = 0;
    memset(&step, 0, sizeof(step));
    suite_receive(&step, socket, &byte, 1);
    EXPECT(suite_finish(&step) == expected);
    EXPECT(step.op.bytes == 0);
}

static void test_bytes_arrive_both_ways(void **state)
{
    (void)state;
    uint8_t buffer[5] = {0};
    connect_one();
    suite_send_all(&pair.client, "hello", 5);
    suite_receive_all(&pair.server, buffer, 5);
    EXPECT(memcmp(buffer, "hello", 5) == 0);
    suite_send_all(&pair.server, "olleh", 5);
    suite_receive_all(&pair.client, buffer, 5);
    EXPECT(memcmp(buffer, "olleh", 5) == 0);
    suite_close_pair(&pair);
}

static void test_receive_gives_what_there_is(void **state)
{
    (void)state;
    static struct suite_step step;
    static uint8_t buffer[1000];
    memset(&step, 0, sizeof(step));
    connect_one();
    suite_receive(&step, &pair.server, buffer, sizeof(buffer));
    suite_pass();
    EXPECT(suite_in_flight(&step));
    suite_send_all(&pair.client, "abc", 3);
    EXPECT(suite_finish(&step) == PORT_OK);
    EXPECT(step.op.bytes >= 1 && step.op.bytes <= 3);
    if (step.op.bytes < 3)
        suite_receive_all(&pair.server, buffer + step.op.bytes, 3 - step.op.bytes);
    EXPECT(memcmp(buffer, "abc", 3) == 0);
    suite_close_pair(&pair);
}

static void test_small_receives_keep_the_order(void **state)
{
    (void)state;
    uint8_t data[200];
    uint8_t byte = 0;
    connect_one();
    for (uint32_t i = 0; i < sizeof(data); i++)
        data[i] = suite_pattern(i);
    suite_send_all(&pair.client, data, sizeof(data));
    for (uint32_t i = 0; i < sizeof(data); i++) {
        suite_receive_all(&pair.server, &byte, 1);
        EXPECT(byte == data[i]);
    }
    suite_close_pair(&pair);
}

static void test_half_close_leaves_the_other_direction_open(void **state)
{
    (void)state;
    uint8_t buffer[4];
    for (int turn = 0; turn < 2; turn++) {
        connect_one();
        struct port_socket *first = turn == 0 ? &pair.client : &pair.server;
        struct port_socket *second = turn == 0 ? &pair.server : &pair.client;
        suite_send_all(first, "last", 4);
        EXPECT(port_shutdown(first) == PORT_OK);
        suite_receive_all(second, buffer, 4);
        EXPECT(memcmp(buffer, "last", 4) == 0);
        expect_end(second, PORT_END);
        suite_send_all(second, "more", 4);
        suite_receive_all(first, buffer, 4);
        EXPECT(memcmp(buffer, "more", 4) == 0);
        EXPECT(port_shutdown(second) == PORT_OK);
        expect_end(first, PORT_END);
        suite_close_pair(&pair);
    }
}

static void test_close_still_sends_what_was_sent(void **state)
{
    (void)state;
    static uint8_t data[3000];
    static uint8_t copy[3000];
    for (uint32_t i = 0; i < sizeof(data); i++)
        data[i] = suite_pattern(i);
    connect_one();
    suite_send_all(&pair.server, data, sizeof(data));
    port_close(&pair.server);
    suite_receive_all(&pair.client, copy, sizeof(copy));
    EXPECT(memcmp(data, copy, sizeof(data)) == 0);
    expect_end(&pair.client, PORT_END);
    suite_close_pair(&pair);
}

/* --- the stopped reader -------------------------------------------------------------------------------------------- */

enum { LARGE_BYTES = 16 * 1024 * 1024 };

struct large {
    struct suite_step send;
    uint8_t *data;
    uint32_t sent; /* atomic */
};
static struct large large;

static void send_rest(struct suite_step *step)
{
    EXPECT(step->op.status == PORT_OK);
    if (step->op.status != PORT_OK)
        return;
    uint32_t sent = atomic_fetch_add_u32(&large.sent, step->op.bytes) + step->op.bytes;
    if (sent < LARGE_BYTES)
        suite_send(step, &pair.client, large.data + sent, LARGE_BYTES - sent);
}

static void start_large_send(void)
{
    memset(&large, 0, sizeof(large));
    large.data = memory_allocate(1, LARGE_BYTES);
    REQUIRE(large.data != NULL);
    for (uint32_t i = 0; i < LARGE_BYTES; i++)
        large.data[i] = suite_pattern(i);
    large.send.then = send_rest;
    suite_send(&large.send, &pair.client, large.data, LARGE_BYTES);
}

static bool large_is_sent(void *context)
{
    (void)context;
    return atomic_load_u32(&large.sent) == LARGE_BYTES;
}

static void test_send_waits_for_a_stopped_reader(void **state)
{
    (void)state;
    enum { CHUNK = 256 * 1024 };
    connect_one();
    start_large_send();
    suite_pass();
    EXPECT(!large_is_sent(NULL));
    EXPECT(suite_in_flight(&large.send));
    uint8_t *chunk = memory_allocate(1, CHUNK);
    REQUIRE(chunk != NULL);
    for (uint32_t offset = 0; offset < LARGE_BYTES; offset += CHUNK) {
        suite_receive_all(&pair.server, chunk, CHUNK);
        EXPECT(memcmp(chunk, large.data + offset, CHUNK) == 0);
    }
    suite_require(large_is_sent, NULL, "the end of a large send");
    memory_free(chunk);
    memory_free(large.data);
    suite_close_pair(&pair);
}

static void test_blocked_direction_does_not_block_the_other(void **state)
{
    (void)state;
    uint8_t byte = 0;
    connect_one();
    start_large_send();
    suite_pass();
    for (int i = 0; i < 10; i++) {
        suite_send_all(&pair.server, "y", 1);
        suite_receive_all(&pair.client, &byte, 1);
        EXPECT(byte == 'y');
    }
    EXPECT(suite_in_flight(&large.send));
    large.send.then = NULL;
    suite_close_pair(&pair);
    suite_finish(&large.send);
    memory_free(large.data);
}

/* --- waiting without a buffer ---------------------------------------------------------------------------------------- */

static void test_wait_readable_ends_when_bytes_come(void **state)
{
    (void)state;
    static struct suite_step wait;
    uint8_t buffer[3];
    memset(&wait, 0, sizeof(wait));
    connect_one();
    suite_wait_readable(&wait, &pair.server);
    suite_send_all(&pair.client, "abc", 3);
    EXPECT(suite_finish(&wait) == PORT_OK);
    EXPECT(wait.op.bytes == 0);
    suite_receive_all(&pair.server, buffer, 3);
    EXPECT(memcmp(buffer, "abc", 3) == 0);
    suite_close_pair(&pair);
}

static void test_wait_readable_ends_at_once_when_bytes_are_there(void **state)
{
    (void)state;
    static struct suite_step wait;
    uint8_t buffer[2];
    memset(&wait, 0, sizeof(wait));
    connect_one();
    suite_send_all(&pair.client, "ab", 2);
    suite_receive_all(&pair.server, buffer, 1);
    for (int i = 0; i < 3; i++) {
        suite_wait_readable(&wait, &pair.server);
        EXPECT(suite_finish(&wait) == PORT_OK);
    }
    suite_receive_all(&pair.server, buffer + 1, 1);
    EXPECT(memcmp(buffer, "ab", 2) == 0);
    suite_close_pair(&pair);
}

static void test_wait_readable_ends_at_fin(void **state)
{
    (void)state;
    static struct suite_step wait;
    memset(&wait, 0, sizeof(wait));
    connect_one();
    suite_wait_readable(&wait, &pair.server);
    EXPECT(port_shutdown(&pair.client) == PORT_OK);
    EXPECT(suite_finish(&wait) == PORT_OK);
    expect_end(&pair.server, PORT_END);
    suite_close_pair(&pair);
}

/* --- the end by force ------------------------------------------------------------------------------------------------ */

static void test_reset_ends_a_pending_receive(void **state)
{
    (void)state;
    static struct suite_step receive;
    uint8_t byte = 0;
    memset(&receive, 0, sizeof(receive));
    connect_one();
    suite_receive(&receive, &pair.server, &byte, 1);
    suite_pass();
    port_reset(&pair.client);
    EXPECT(suite_finish(&receive) == PORT_RESET);
    suite_close_pair(&pair);
}

static void test_reset_ends_a_pending_wait(void **state)
{
    (void)state;
    static struct suite_step wait;
    memset(&wait, 0, sizeof(wait));
    connect_one();
    suite_wait_readable(&wait, &pair.server);
    suite_pass();
    port_reset(&pair.client);
    enum port_status status = suite_finish(&wait);
    EXPECT(status == PORT_RESET || status == PORT_OK); /* OK: there is an error to fetch */
    suite_close_pair(&pair);
}

static void test_reset_ends_a_blocked_send(void **state)
{
    (void)state;
    connect_one();
    start_large_send();
    suite_pass();
    EXPECT(suite_in_flight(&large.send));
    large.send.then = NULL;
    port_reset(&pair.server);
    EXPECT(suite_finish(&large.send) == PORT_RESET);
    memory_free(large.data);
    suite_close_pair(&pair);
}

static void test_receive_after_a_reset_came(void **state)
{
    (void)state;
    static struct suite_step wait;
    memset(&wait, 0, sizeof(wait));
    connect_one();
    suite_wait_readable(&wait, &pair.server);
    port_reset(&pair.client);
    suite_finish(&wait);
    if (suite_fact(SUITE_FACT_RESET_IS_KEPT))
        expect_end(&pair.server, PORT_RESET);
    enum port_status status = port_shutdown(&pair.server);
    EXPECT(status == PORT_OK || status == PORT_RESET || status == PORT_FAILED);
    suite_close_pair(&pair);
}

static void test_close_with_unread_bytes_resets_the_peer(void **state)
{
    (void)state;
    static struct suite_step wait;
    static struct suite_step receive;
    uint8_t byte = 0;
    memset(&wait, 0, sizeof(wait));
    memset(&receive, 0, sizeof(receive));
    connect_one();
    suite_receive(&receive, &pair.client, &byte, 1);
    suite_send_all(&pair.client, "unread", 6);
    suite_wait_readable(&wait, &pair.server);
    EXPECT(suite_finish(&wait) == PORT_OK);
    port_close(&pair.server);
    EXPECT(suite_finish(&receive) == PORT_RESET);
    suite_close_pair(&pair);
}

int suite_run_stream(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_bytes_arrive_both_ways),
        SUITE_TEST(test_receive_gives_what_there_is),
        SUITE_TEST(test_small_receives_keep_the_order),
        SUITE_TEST(test_half_close_leaves_the_other_direction_open),
        SUITE_TEST(test_close_still_sends_what_was_sent),
        SUITE_TEST(test_send_waits_for_a_stopped_reader),
        SUITE_TEST(test_blocked_direction_does_not_block_the_other),
        SUITE_TEST(test_wait_readable_ends_when_bytes_come),
        SUITE_TEST(test_wait_readable_ends_at_once_when_bytes_are_there),
        SUITE_TEST(test_wait_readable_ends_at_fin),
        SUITE_TEST(test_reset_ends_a_pending_receive),
        SUITE_TEST(test_reset_ends_a_pending_wait),
        SUITE_TEST(test_reset_ends_a_blocked_send),
        SUITE_TEST(test_receive_after_a_reset_came),
        SUITE_TEST(test_close_with_unread_bytes_resets_the_peer),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
