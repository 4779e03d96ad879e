/* Closing: at any time, from any thread, more than once. */
#include "tests/port/port_suite.h"

enum { BLOCKING_BYTES = 16 * 1024 * 1024 };

static struct suite_pair pair;

static void test_close_cancels_an_accept(void **state)
{
    (void)state;
    static struct suite_step accepts[4];
    memset(accepts, 0, sizeof(accepts));
    struct port_socket listener = {0};
    suite_listen(&listener);
    for (int i = 0; i < 4; i++)
        suite_accept(&accepts[i], &listener);
    suite_pass();
    for (int i = 0; i < 4; i++)
        EXPECT(suite_in_flight(&accepts[i]));
    port_close(&listener);
    for (int i = 0; i < 4; i++) {
        EXPECT(suite_finish(&accepts[i]) == PORT_CANCELLED);
        EXPECT(!port_is_open(&accepts[i].accept.accepted));
    }
}

static void test_close_cancels_receive_and_wait(void **state)
{
    (void)state;
    static struct suite_step receive;
    static struct suite_step wait;
    uint8_t byte = 0;
    memset(&receive, 0, sizeof(receive));
    memset(&wait, 0, sizeof(wait));
    suite_connect_pairs(&pair, 1);
    suite_receive(&receive, &pair.client, &byte, 1);
    suite_wait_readable(&wait, &pair.server);
    suite_pass();
    EXPECT(suite_in_flight(&receive));
    EXPECT(suite_in_flight(&wait));
    port_close(&pair.client);
    EXPECT(suite_finish(&receive) == PORT_CANCELLED);
    port_reset(&pair.server);
    enum port_status status = suite_finish(&wait);
    EXPECT(status == PORT_CANCELLED || status == PORT_OK); /* OK: the client's FIN was first */
}

/* Fills the connection until a send stays in flight. */
static uint8_t *block_send(struct suite_step *send, struct port_socket *socket)
{
    uint8_t *data = memory_allocate(1, BLOCKING_BYTES);
    REQUIRE(data != NULL);
    memset(send, 0, sizeof(*send));
    for (int i = 0; i < 1000 && !suite_in_flight(send); i++) {
        suite_send(send, socket, data, BLOCKING_BYTES);
        suite_pass();
    }
    EXPECT(suite_in_flight(send));
    return data;
}

static void test_close_cancels_a_blocked_send(void **state)
{
    (void)state;
    static struct suite_step send;
    for (int turn = 0; turn < 2; turn++) {
        suite_connect_pairs(&pair, 1);
        uint8_t *data = block_send(&send, &pair.client);
        if (turn == 0)
            port_close(&pair.client);
        else
            port_reset(&pair.client);
        EXPECT(suite_finish(&send) == PORT_CANCELLED);
        memory_free(data);
        suite_close_pair(&pair);
    }
}

static void test_close_ends_a_connect(void **state)
{
    (void)state;
    static struct suite_step connect;
    memset(&connect, 0, sizeof(connect));
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct address address = suite_listen(&listener);
    for (int i = 0; i < 20; i++) {
        struct port_socket client = {0};
        REQUIRE(port_open(suite.port, &client, ADDRESS_V4, &os_code) == PORT_OK);
        suite_connect(&connect, &client, &address);
        port_close(&client);
        enum port_status status = suite_finish(&connect);
        EXPECT(status == PORT_CANCELLED || status == PORT_OK);
    }
    port_close(&listener);
}

static void test_what_is_submitted_after_close_is_cancelled(void **state)
{
    (void)state;
    static struct suite_step steps[5];
    uint8_t byte = 0;
    memset(steps, 0, sizeof(steps));
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct port_socket client = {0};
    struct address address = suite_listen(&listener);
    REQUIRE(port_open(suite.port, &client, ADDRESS_V4, &os_code) == PORT_OK);
    port_close(&listener);
    port_close(&client);
    suite_accept(&steps[0], &listener);
    suite_connect(&steps[1], &client, &address);
    EXPECT(suite_finish(&steps[0]) == PORT_CANCELLED);
    EXPECT(suite_finish(&steps[1]) == PORT_CANCELLED);
    suite_connect_pairs(&pair, 1);
    port_close(&pair.client);
    suite_receive(&steps[2], &pair.client, &byte, 1);
    suite_send(&steps[3], &pair.client, &byte, 1);
    EXPECT(suite_finish(&steps[2]) == PORT_CANCELLED);
    EXPECT(suite_finish(&steps[3]) == PORT_CANCELLED);
    suite_wait_readable(&steps[4], &pair.client);
    EXPECT(suite_finish(&steps[4]) == PORT_CANCELLED);
    EXPECT(port_shutdown(&pair.client) == PORT_CANCELLED);
    suite_close_pair(&pair);
}

static void test_close_is_harmless_when_repeated_or_empty(void **state)
{
    (void)state;
    uint8_t byte = 0;
    static struct suite_step receive;
    memset(&receive, 0, sizeof(receive));
    struct port_socket empty = {0};
    port_close(&empty);
    port_reset(&empty);
    EXPECT(empty.port == NULL);
    suite_connect_pairs(&pair, 1);
    EXPECT(port_is_open(&pair.client));
    port_close(&pair.client);
    EXPECT(!port_is_open(&pair.client));
    port_reset(&pair.client); /* the first of the two wins: the peer sees FIN */
    port_close(&pair.client);
    suite_receive(&receive, &pair.server, &byte, 1);
    EXPECT(suite_finish(&receive) == PORT_END);
    suite_close_pair(&pair);
}

static void test_bytes_that_came_before_close_are_ok_or_cancelled(void **state)
{
    (void)state;
    static struct suite_step receive;
    for (int i = 0; i < 20; i++) {
        uint8_t byte = 0;
        memset(&receive, 0, sizeof(receive));
        suite_connect_pairs(&pair, 1);
        suite_receive(&receive, &pair.server, &byte, 1);
        suite_send_all(&pair.client, "z", 1);
        port_close(&pair.server);
        enum port_status status = suite_finish(&receive);
        EXPECT((status == PORT_OK && byte == 'z') || status == PORT_CANCELLED);
        suite_close_pair(&pair);
    }
}

/* --- the last done frees the socket ---------------------------------------------------------------------------------- */

struct owner {
    struct suite_pair pair;
    struct suite_step receive;
    struct suite_step send;
    uint8_t byte;
    uint8_t *data;
    uint32_t left; /* atomic: operations in flight, and the test itself */
};

static uint32_t freed_count; /* atomic */

/* The completed step is part of what is freed, so nothing may follow; the suite itself touches it no more after `then`. */
static void free_last(struct suite_step *step)
{
    struct owner *owner = step->context;
    if (atomic_fetch_add_u32(&owner->left, UINT32_MAX) != 1)
        return;
    memory_free(owner->data);
    memset(owner, 0xDD, sizeof(*owner));
    memory_free(owner);
    atomic_fetch_add_u32(&freed_count, 1);
}

static bool is_freed(void *context)
{
    return atomic_load_u32(&freed_count) == *(const uint32_t *)context;
}

static struct owner *make_owner(void)
{
    struct owner *owner = memory_allocate(1, sizeof(*owner));
    REQUIRE(owner != NULL);
    suite_connect_pairs(&owner->pair, 1);
    owner->data = memory_allocate(1, 65536);
    REQUIRE(owner->data != NULL);
    owner->receive.then = owner->send.then = free_last;
    owner->receive.context = owner->send.context = owner;
    return owner;
}

static void test_socket_is_freed_in_its_last_done(void **state)
{
    (void)state;
    enum { ROUNDS = 20 };
    freed_count = 0;
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        struct owner *owner = make_owner();
        struct port_socket peer = {0};
        port_socket_move(&peer, &owner->pair.server);
        owner->left = 3; /* two operations and this function */
        suite_receive(&owner->receive, &owner->pair.client, &owner->byte, 1);
        suite_send(&owner->send, &owner->pair.client, owner->data, 65536);
        port_close(&owner->pair.client);
        struct suite_step here = {0};
        here.context = owner;
        free_last(&here);
        suite_require(is_freed, &i, "the last done of a socket");
        port_close(&peer);
    }
}

/* --- from several threads --------------------------------------------------------------------------------------------- */

enum { CLOSED_PAIRS = 8, CLOSERS = 4 };

struct busy {
    struct suite_pair pair;
    struct suite_step receive;
    struct suite_step send;
    uint8_t in[512];
    uint8_t out[512];
    uint32_t bad;   /* atomic */
    uint32_t ended; /* atomic: of the two directions */
};
static struct busy busy[CLOSED_PAIRS];

static bool is_expected(enum port_status status)
{
    return status == PORT_OK || status == PORT_CANCELLED || status == PORT_RESET || status == PORT_END;
}

static void receive_on(struct suite_step *step)
{
    struct busy *each = step->context;
    if (!is_expected(step->op.status))
        atomic_fetch_add_u32(&each->bad, 1);
    if (step->op.status == PORT_OK)
        suite_receive(step, &each->pair.server, each->in, sizeof(each->in));
    else
        atomic_fetch_add_u32(&each->ended, 1);
}

static void send_on(struct suite_step *step)
{
    struct busy *each = step->context;
    if (!is_expected(step->op.status))
        atomic_fetch_add_u32(&each->bad, 1);
    if (step->op.status == PORT_OK)
        suite_send(step, &each->pair.client, each->out, sizeof(each->out));
    else
        atomic_fetch_add_u32(&each->ended, 1);
}

static void close_all(void *context, uint32_t index)
{
    (void)context;
    for (uint32_t i = 0; i < CLOSED_PAIRS; i++) {
        struct busy *each = &busy[(i + index) % CLOSED_PAIRS];
        if ((index + i) % 3 == 0)
            port_reset(&each->pair.client);
        else
            port_close(&each->pair.client);
        port_close(&each->pair.server);
    }
}

static bool is_quiet(void *context)
{
    struct busy *each = context;
    return atomic_load_u32(&each->ended) == 2;
}

static bool has_moved(void *context)
{
    struct busy *each = context;
    return atomic_load_u32(&each->receive.completed) >= 4;
}

static void test_several_threads_close_under_traffic(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        memset(busy, 0, sizeof(busy));
        for (int i = 0; i < CLOSED_PAIRS; i++) {
            struct busy *each = &busy[i];
            suite_connect_pairs(&each->pair, 1);
            each->receive.context = each->send.context = each;
            each->receive.then = receive_on;
            each->send.then = send_on;
            suite_receive(&each->receive, &each->pair.server, each->in, sizeof(each->in));
            suite_send(&each->send, &each->pair.client, each->out, sizeof(each->out));
        }
        for (int i = 0; i < CLOSED_PAIRS; i++)
            suite_require(has_moved, &busy[i], "traffic");
        suite_threads(CLOSERS, close_all, NULL);
        for (int i = 0; i < CLOSED_PAIRS; i++) {
            suite_require(is_quiet, &busy[i], "the end of traffic on a closed socket");
            EXPECT(atomic_load_u32(&busy[i].bad) == 0);
        }
    }
}

int suite_run_close(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_close_cancels_an_accept),
        SUITE_TEST(test_close_cancels_receive_and_wait),
        SUITE_TEST(test_close_cancels_a_blocked_send),
        SUITE_TEST(test_close_ends_a_connect),
        SUITE_TEST(test_what_is_submitted_after_close_is_cancelled),
        SUITE_TEST(test_close_is_harmless_when_repeated_or_empty),
        SUITE_TEST(test_bytes_that_came_before_close_are_ok_or_cancelled),
        SUITE_TEST(test_socket_is_freed_in_its_last_done),
        SUITE_TEST(test_several_threads_close_under_traffic),
    };
    return cmocka_run_group_tests_name("close", tests, NULL, NULL);
}
