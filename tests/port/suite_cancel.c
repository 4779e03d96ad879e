/* port_cancel_receive: wins, loses, finds nothing; never touches a send, never loses a byte. */
#include "tests/port/port_suite.h"

static struct suite_pair pair;

static void test_cancel_ends_a_receive_and_loses_no_byte(void **state)
{
    (void)state;
    static struct suite_step receive;
    uint8_t buffer[4];
    memset(&receive, 0, sizeof(receive));
    suite_connect_pairs(&pair, 1);
    for (int i = 0; i < 5; i++) {
        suite_receive(&receive, &pair.server, buffer, 4);
        port_cancel_receive(&pair.server);
        EXPECT(suite_finish(&receive) == PORT_CANCELLED);
        EXPECT(port_is_open(&pair.server));
    }
    suite_send_all(&pair.client, "data", 4);
    suite_receive_all(&pair.server, buffer, 4);
    EXPECT(memcmp(buffer, "data", 4) == 0);
    suite_close_pair(&pair);
}

static void test_cancel_ends_a_wait(void **state)
{
    (void)state;
    static struct suite_step wait;
    memset(&wait, 0, sizeof(wait));
    suite_connect_pairs(&pair, 1);
    suite_wait_readable(&wait, &pair.server);
    port_cancel_receive(&pair.server);
    enum port_status status = suite_finish(&wait);
    EXPECT(status == PORT_CANCELLED || status == PORT_OK); /* OK: it may complete early */
    suite_close_pair(&pair);
}

static void test_cancel_finds_nothing(void **state)
{
    (void)state;
    uint8_t byte = 0;
    struct port_socket empty = {0};
    port_cancel_receive(&empty);
    suite_connect_pairs(&pair, 1);
    port_cancel_receive(&pair.server);
    suite_send_all(&pair.client, "x", 1);
    suite_receive_all(&pair.server, &byte, 1);
    port_cancel_receive(&pair.server);
    suite_close_pair(&pair);
    port_cancel_receive(&pair.server);
}

static void test_cancel_leaves_a_send_alone(void **state)
{
    (void)state;
    enum { BYTES = 8 * 1024 * 1024 };
    static struct suite_step send;
    static struct suite_step receive;
    uint8_t byte = 0;
    uint8_t *data = memory_allocate(1, BYTES);
    uint8_t *copy = memory_allocate(1, BYTES);
    REQUIRE(data != NULL && copy != NULL);
    memset(&send, 0, sizeof(send));
    memset(&receive, 0, sizeof(receive));
    for (uint32_t i = 0; i < BYTES; i++)
        data[i] = suite_pattern(i);
    suite_connect_pairs(&pair, 1);
    uint32_t sent = 0;
    do { /* until a send stays in flight */
        suite_send(&send, &pair.client, data + sent, BYTES - sent);
        suite_pass();
        sent += suite_in_flight(&send) ? 0 : send.op.bytes;
    } while (!suite_in_flight(&send) && sent < BYTES);
    REQUIRE(suite_in_flight(&send));
    port_cancel_receive(&pair.client);
    suite_receive(&receive, &pair.client, &byte, 1);
    port_cancel_receive(&pair.client);
    EXPECT(suite_finish(&receive) == PORT_CANCELLED);
    suite_pass();
    EXPECT(suite_in_flight(&send));
    suite_receive_all(&pair.server, copy, sent + 1);
    EXPECT(memcmp(copy, data, sent + 1) == 0);
    port_close(&pair.server);
    enum port_status status = suite_finish(&send);
    EXPECT(status == PORT_OK || status == PORT_RESET); /* OK: a part went out */
    suite_close_pair(&pair);
    memory_free(copy);
    memory_free(data);
}

/* --- races -------------------------------------------------------------------------------------------------------- */

enum { RACE_BYTES = 20000, RACE_THREADS = 3, RACE_CANCELS = 400 };

/* An echo with one step, which is a receive and a send by turns, as a pipe's is: a cancel that comes late finds the
 * send in its place. */
struct echo {
    struct suite_step step;
    uint8_t buffer[64];
    uint32_t bytes;
    uint32_t sent;
    bool sending;
    uint32_t cancelled; /* atomic */
    uint32_t ended;     /* atomic */
};
static struct echo echo;

static void echo_next(struct suite_step *step)
{
    if (echo.sending) {
        EXPECT(step->op.status == PORT_OK); /* never cancelled */
        echo.sent += step->op.bytes;
        if (step->op.status == PORT_OK && echo.sent < echo.bytes) {
            suite_send(step, &pair.server, echo.buffer + echo.sent, echo.bytes - echo.sent);
            return;
        }
        echo.sending = false;
    } else if (step->op.status == PORT_OK) {
        echo.sending = true;
        echo.bytes = step->op.bytes;
        echo.sent = 0;
        suite_send(step, &pair.server, echo.buffer, echo.bytes);
        return;
    } else if (step->op.status == PORT_CANCELLED) {
        atomic_fetch_add_u32(&echo.cancelled, 1);
    } else {
        EXPECT(step->op.status == PORT_END);
        atomic_store_u32(&echo.ended, 1);
        return;
    }
    suite_receive(step, &pair.server, echo.buffer, sizeof(echo.buffer));
}

static struct suite_step stream_send;
static uint8_t stream[RACE_BYTES];
static uint32_t stream_sent; /* atomic */

static void stream_on(struct suite_step *step)
{
    EXPECT(step->op.status == PORT_OK);
    uint32_t sent = atomic_fetch_add_u32(&stream_sent, step->op.bytes) + step->op.bytes;
    uint32_t part = RACE_BYTES - sent < 37 ? RACE_BYTES - sent : 37;
    if (step->op.status == PORT_OK && part > 0)
        suite_send(step, &pair.client, stream + sent, part);
}

static void cancel_often(void *context, uint32_t index)
{
    (void)context;
    (void)index;
    for (int i = 0; i < RACE_CANCELS; i++) {
        port_cancel_receive(&pair.server);
        (void)port_now_us(suite.port);
    }
}

static bool stream_is_sent(void *context)
{
    (void)context;
    return atomic_load_u32(&stream_sent) == RACE_BYTES;
}

static bool echo_ended(void *context)
{
    (void)context;
    return atomic_load_u32(&echo.ended) == 1;
}

static void test_cancel_races_with_an_echo(void **state)
{
    (void)state;
    static uint8_t copy[RACE_BYTES];
    memset(&echo, 0, sizeof(echo));
    memset(&stream_send, 0, sizeof(stream_send));
    stream_sent = 0;
    for (uint32_t i = 0; i < RACE_BYTES; i++)
        stream[i] = suite_pattern(i);
    suite_connect_pairs(&pair, 1);
    echo.step.then = echo_next;
    stream_send.then = stream_on;
    suite_receive(&echo.step, &pair.server, echo.buffer, sizeof(echo.buffer));
    suite_send(&stream_send, &pair.client, stream, 37);
    for (uint32_t offset = 0; offset < RACE_BYTES; offset += RACE_BYTES / 4) {
        suite_threads(RACE_THREADS, cancel_often, NULL);
        suite_receive_all(&pair.client, copy + offset, RACE_BYTES / 4);
    }
    EXPECT(memcmp(copy, stream, RACE_BYTES) == 0);
    /* Its echo may be there before the send has completed. */
    suite_require(stream_is_sent, NULL, "the end of a stream");
    EXPECT(port_shutdown(&pair.client) == PORT_OK);
    suite_require(echo_ended, NULL, "the end of an echo");
    suite_close_pair(&pair);
}

int suite_run_cancel(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_cancel_ends_a_receive_and_loses_no_byte),
        SUITE_TEST(test_cancel_ends_a_wait),
        SUITE_TEST(test_cancel_finds_nothing),
        SUITE_TEST(test_cancel_leaves_a_send_alone),
        SUITE_TEST(test_cancel_races_with_an_echo),
    };
    return cmocka_run_group_tests_name("cancel", tests, NULL, NULL);
}
