/* Rounds of workers, packets that cannot be queued, several ports, and the end of everything. */
#include "tests/port/suite_iocp.h"

/* --- fairness of connections ----------------------------------------------------------------------------------------- */

enum { FAIR_PAIRS = 96, FAIR_TURNS = 8 };

struct turn {
    struct suite_step step;
    struct suite_pair pair;
    uint8_t byte;
    uint32_t served;
};
static struct turn turns[FAIR_PAIRS];
static uint32_t unfair;
static uint32_t ended; /* atomic */

static void serve(struct suite_step *step)
{
    struct turn *turn = step->context;
    EXPECT(step->op.status == PORT_OK);
    turn->served++;
    for (int i = 0; i < FAIR_PAIRS; i++) {
        if (turns[i].served + 1 < turn->served)
            unfair++;
    }
    if (turn->served < FAIR_TURNS)
        suite_receive(step, &turn->pair.server, &turn->byte, 1);
    else
        atomic_fetch_add_u32(&ended, 1);
}

static void serve_all(struct suite_step *step)
{
    (void)step;
    for (int i = 0; i < FAIR_PAIRS; i++)
        suite_receive(&turns[i].step, &turns[i].pair.server, &turns[i].byte, 1);
}

static bool all_served(void *context)
{
    (void)context;
    return atomic_load_u32(&ended) == FAIR_PAIRS;
}

/* Every connection always has a byte to receive: on loopback what was sent has arrived. */
static void test_ready_connections_are_served_in_turn(void **state)
{
    (void)state;
    static struct suite_step starter;
    static const uint8_t bytes[FAIR_TURNS];
    struct port_options options = {1, NULL, NULL};
    suite_restart_port(&options);
    memset(&starter, 0, sizeof(starter));
    memset(turns, 0, sizeof(turns));
    unfair = 0;
    ended = 0;
    for (int i = 0; i < FAIR_PAIRS; i++) {
        suite_connect_pairs(&turns[i].pair, 1);
        suite_send_all(&turns[i].pair.client, bytes, FAIR_TURNS);
        turns[i].step.then = serve;
        turns[i].step.context = &turns[i];
    }
    starter.then = serve_all;
    suite_post(&starter);
    suite_require(all_served, NULL, "every connection's turns");
    EXPECT(unfair == 0);
    for (int i = 0; i < FAIR_PAIRS; i++)
        suite_close_pair(&turns[i].pair);
}

/* --- the system has no memory for a packet ------------------------------------------------------------------------------ */

static void test_post_survives_a_full_system(void **state)
{
    (void)state;
    enum { MANY = 20 };
    static struct suite_step steps[MANY];
    memset(steps, 0, sizeof(steps));
    for (int round = 0; round < 2; round++) {
        atomic_store_u32(&iocp_switches.failing_posts, MANY / 2);
        for (int i = 0; i < MANY; i++)
            suite_post(&steps[i]);
        for (int i = 0; i < MANY; i++)
            EXPECT(suite_finish(&steps[i]) == PORT_OK);
        EXPECT(atomic_load_u32(&iocp_switches.failing_posts) == 0);
    }
}

/* Nothing else wakes the workers here. */
static void test_failed_post_alone_is_found_in_time(void **state)
{
    (void)state;
    static struct suite_step step;
    memset(&step, 0, sizeof(step));
    suite_pass();
    atomic_store_u32(&iocp_switches.failing_posts, 1);
    suite_post(&step);
    EXPECT(suite_finish(&step) == PORT_OK);
}

/* --- names ------------------------------------------------------------------------------------------------------------- */

static bool resolve_then_nothing(void *context)
{
    return !suite_in_flight(context);
}

/* An answer that comes after the deadline finds no request: the deadline is moved here, because no name is slow enough on
 * command. Whichever is first, the request completes once, and the port may go while the look-up still runs. */
static void test_late_answer_is_dropped_and_outlives_the_port(void **state)
{
    (void)state;
    static struct suite_step step;
    for (int i = 0; i < 20; i++) {
        memset(&step, 0, sizeof(step));
        suite_resolve(&step, "localhost", 80);
        iocp_resolver_expire(suite.port->resolver, UINT64_MAX - 1);
        suite_require(resolve_then_nothing, &step, "a name or its deadline");
        EXPECT(step.op.status == PORT_OK || step.op.status == PORT_TIMEOUT);
        struct port_options options = {suite.workers, NULL, NULL};
        suite_restart_port(&options);
    }
}

/* --- ports -------------------------------------------------------------------------------------------------------------- */

struct posted {
    struct port_op op;
    uint32_t done; /* atomic */
    uint32_t worker;
};

static void count_post(struct port_op *op)
{
    struct posted *posted = CONTAINER_OF(op, struct posted, op);
    posted->worker = port_worker_index();
    atomic_store_u32(&posted->done, 1);
    suite_notify();
}

static bool is_posted(void *context)
{
    struct posted *posted = context;
    return atomic_load_u32(&posted->done) == 1;
}

static struct port *other_port;
static struct posted other_post;

static void post_elsewhere(struct suite_step *step)
{
    (void)step;
    port_post(other_port, &other_post.op);
}

/* A worker of one port is no worker of another: what it submits there must be handed over. */
static void test_two_ports_do_not_mix(void **state)
{
    (void)state;
    static struct suite_step step;
    uint32_t os_code = 0;
    memset(&step, 0, sizeof(step));
    memset(&other_post, 0, sizeof(other_post));
    port_op_init(&other_post.op, count_post);
    struct port_options options = {1, NULL, NULL};
    REQUIRE(port_create(&options, &other_port, &os_code) == PORT_OK);
    step.then = post_elsewhere;
    suite_post(&step);
    suite_require(is_posted, &other_post, "a post to another port");
    EXPECT(other_post.worker == 0);
    suite_finish(&step);
    port_destroy(other_port);
}

static void test_ports_come_and_go_without_a_trace(void **state)
{
    (void)state;
    static struct suite_step step;
    struct port_options options = {suite.workers, NULL, NULL};
    for (int i = 0; i < 20; i++) {
        suite_restart_port(&options);
        memset(&step, 0, sizeof(step));
        suite_post(&step);
        EXPECT(suite_finish(&step) == PORT_OK);
    }
}

int suite_run_iocp_worker(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_ready_connections_are_served_in_turn),
        SUITE_TEST(test_post_survives_a_full_system),
        SUITE_TEST(test_failed_post_alone_is_found_in_time),
        SUITE_TEST(test_late_answer_is_dropped_and_outlives_the_port),
        SUITE_TEST(test_two_ports_do_not_mix),
        SUITE_TEST(test_ports_come_and_go_without_a_trace),
    };
    return cmocka_run_group_tests_name("iocp worker", tests, NULL, NULL);
}
