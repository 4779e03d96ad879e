/* Nobody is served twice before every other ready one was served once. */
#include "tests/port/port_suite.h"

enum { READY = 3 * COMPLETION_BATCH + 5, TURNS = 6 };

struct turn {
    struct suite_step step;
    uint32_t served;
};
static struct turn turns[READY];
static struct port_socket closed;
static uint8_t byte;
static uint32_t unfair;
static uint32_t ended; /* atomic */

static void use_one_worker(void)
{
    struct port_options options = {1, NULL, NULL};
    suite_restart_port(&options);
}

/* Operations of two kinds that finish at once: posts, and receives on a closed socket. */
static void submit_turn(struct turn *turn)
{
    if ((turn - turns) % 2 == 0)
        suite_post(&turn->step);
    else
        suite_receive(&turn->step, &closed, &byte, 1);
}

static void serve(struct suite_step *step)
{
    struct turn *turn = step->context;
    turn->served++;
    for (int i = 0; i < READY; i++) {
        if (turns[i].served + 1 < turn->served)
            unfair++;
    }
    if (turn->served < TURNS)
        submit_turn(turn);
    else
        atomic_fetch_add_u32(&ended, 1);
}

static void start_turns(struct suite_step *step)
{
    (void)step;
    for (int i = 0; i < READY; i++)
        submit_turn(&turns[i]);
}

static bool all_ended(void *context)
{
    (void)context;
    return atomic_load_u32(&ended) == READY;
}

static void test_ready_operations_are_served_in_turn(void **state)
{
    (void)state;
    static struct suite_step starter;
    use_one_worker();
    memset(turns, 0, sizeof(turns));
    memset(&starter, 0, sizeof(starter));
    memset(&closed, 0, sizeof(closed));
    suite_listen(&closed);
    port_close(&closed);
    unfair = 0;
    ended = 0;
    for (int i = 0; i < READY; i++) {
        turns[i].step.then = serve;
        turns[i].step.context = &turns[i];
    }
    starter.then = start_turns;
    suite_post(&starter);
    suite_require(all_ended, NULL, "all turns");
    EXPECT(unfair == 0);
}

/* --- a busy connection starves nobody ---------------------------------------------------------------------------------- */

static struct suite_step busy;
static struct suite_step quiet;
static uint32_t stop;       /* atomic */
static uint32_t busy_turns; /* atomic */

static void keep_busy(struct suite_step *step)
{
    atomic_fetch_add_u32(&busy_turns, 1);
    if (atomic_load_u32(&stop) == 0)
        suite_post(step);
    else
        atomic_store_u32(&stop, 2);
}

static bool is_busy(void *context)
{
    (void)context;
    return atomic_load_u32(&busy_turns) > 10;
}

static bool has_stopped(void *context)
{
    (void)context;
    return atomic_load_u32(&stop) == 2;
}

static void test_busy_operation_starves_no_connection(void **state)
{
    (void)state;
    static struct suite_pair pair;
    uint8_t received = 0;
    use_one_worker();
    memset(&busy, 0, sizeof(busy));
    memset(&quiet, 0, sizeof(quiet));
    stop = 0;
    busy_turns = 0;
    suite_connect_pairs(&pair, 1);
    busy.then = keep_busy;
    suite_post(&busy);
    suite_require(is_busy, NULL, "a busy operation");
    suite_post(&quiet);
    EXPECT(suite_finish(&quiet) == PORT_OK);
    for (int i = 0; i < 10; i++) {
        suite_send_all(&pair.client, "q", 1);
        suite_receive_all(&pair.server, &received, 1);
    }
    atomic_store_u32(&stop, 1);
    suite_require(has_stopped, NULL, "the end of a busy operation");
    suite_close_pair(&pair);
}

int suite_run_fair(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_ready_operations_are_served_in_turn),
        SUITE_TEST(test_busy_operation_starves_no_connection),
    };
    return cmocka_run_group_tests_name("fair", tests, NULL, NULL);
}
