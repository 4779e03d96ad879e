/* The port itself: workers, posts, time. */
#include "tests/port/port_suite.h"

static void test_clock_never_goes_back(void **state)
{
    (void)state;
    uint64_t before = port_now_us(suite.port);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = port_now_us(suite.port);
        EXPECT(now >= before);
        before = now;
    }
}

static uint64_t round_us;
static uint64_t round_seen_us;

static void see_round(struct suite_step *step)
{
    (void)step;
    round_us = port_round_us(suite.port);
    round_seen_us = port_now_us(suite.port);
}

/* A post that comes after a while begins a round, also when its worker has slept meanwhile. */
static void test_round_time_is_no_older_than_the_round(void **state)
{
    (void)state;
    static struct suite_step step;
    memset(&step, 0, sizeof(step));
    step.then = see_round;
    for (int i = 0; i < 20; i++) {
        uint64_t before = port_now_us(suite.port);
        EXPECT(port_round_us(suite.port) >= before);
        suite_post(&step);
        suite_finish(&step);
        EXPECT(round_us <= round_seen_us);
        EXPECT(round_us >= before);
    }
}

static void test_workers_are_counted_and_numbered(void **state)
{
    (void)state;
    static struct suite_step step;
    memset(&step, 0, sizeof(step));
    EXPECT(port_processors() >= 1);
    EXPECT(port_workers(suite.port) == suite.workers);
    EXPECT(port_worker_index() == PORT_NOT_A_WORKER);
    suite_post(&step);
    suite_finish(&step);
    EXPECT(step.worker < suite.workers);
}

static void test_destroy_allows_null(void **state)
{
    (void)state;
    port_destroy(NULL);
}

static void test_post_completes_with_ok(void **state)
{
    (void)state;
    static struct suite_step step;
    memset(&step, 0, sizeof(step));
    for (int i = 0; i < 100; i++) {
        suite_post(&step);
        EXPECT(suite_finish(&step) == PORT_OK);
        EXPECT(step.op.bytes == 0);
    }
    EXPECT(step.completed == 100);
}

struct chain {
    struct suite_step step;
    uint32_t left; /* atomic */
};

static void post_again(struct suite_step *step)
{
    struct chain *chain = step->context;
    if (atomic_fetch_add_u32(&chain->left, UINT32_MAX) > 1)
        suite_post(step);
}

static bool chain_ended(void *context)
{
    struct chain *chain = context;
    return atomic_load_u32(&chain->left) == 0;
}

/* Step's own check says that no `done` runs inside the submitting call; a backend that recursed would also need the
 * stack for this. */
static void test_post_from_worker_does_not_recurse(void **state)
{
    (void)state;
    static struct chain chain;
    memset(&chain, 0, sizeof(chain));
    chain.left = 20000;
    chain.step.then = post_again;
    chain.step.context = &chain;
    suite_post(&chain.step);
    suite_require(chain_ended, &chain, "the end of a chain of posts");
    EXPECT(chain.step.completed == 20000);
}

enum { THREADS = 4, CHAINS = 16, CHAIN_POSTS = 50 };
static struct chain chains[THREADS][CHAINS];

static void post_chains(void *context, uint32_t index)
{
    (void)context;
    for (int i = 0; i < CHAINS; i++) {
        struct chain *chain = &chains[index][i];
        memset(chain, 0, sizeof(*chain));
        chain->left = CHAIN_POSTS;
        chain->step.then = post_again;
        chain->step.context = chain;
        suite_post(&chain->step);
    }
}

static void test_posts_from_several_threads_all_complete(void **state)
{
    (void)state;
    suite_threads(THREADS, post_chains, NULL);
    for (int thread = 0; thread < THREADS; thread++) {
        for (int i = 0; i < CHAINS; i++)
            suite_require(chain_ended, &chains[thread][i], "the end of a chain of posts");
    }
}

static struct lock guard;
static uint32_t guarded;

static void take_guard(struct suite_step *step)
{
    (void)step;
    lock_acquire(&guard);
    guarded++;
    lock_release(&guard);
}

static void submit_under_guard(struct suite_step *step)
{
    struct suite_step *steps = step->context;
    lock_acquire(&guard);
    for (int i = 0; i < 8; i++)
        suite_post(&steps[i]);
    lock_release(&guard);
}

static bool all_guarded(void *context)
{
    lock_acquire(&guard);
    bool all = guarded == *(const uint32_t *)context;
    lock_release(&guard);
    return all;
}

/* A backend that completed inside the call would wait for this lock for ever. */
static void test_submission_may_hold_a_lock(void **state)
{
    (void)state;
    static struct suite_step outside[8];
    static struct suite_step inside[8];
    static struct suite_step starter;
    memset(outside, 0, sizeof(outside));
    memset(inside, 0, sizeof(inside));
    memset(&starter, 0, sizeof(starter));
    lock_init(&guard);
    guarded = 0;
    for (int i = 0; i < 8; i++)
        outside[i].then = inside[i].then = take_guard;
    starter.then = submit_under_guard;
    starter.context = inside;
    struct suite_step here = {0};
    here.context = outside;
    submit_under_guard(&here);
    suite_post(&starter);
    uint32_t expected = 16;
    suite_require(all_guarded, &expected, "all submissions made under a lock");
}

/* --- the tick -------------------------------------------------------------------------------------------------- */

struct ticker {
    uint64_t due_us;   /* atomic; PORT_NEVER: nothing is due */
    uint32_t fired;    /* atomic */
    uint32_t calls;    /* atomic */
    uint32_t outside;  /* atomic: not on a worker */
    uint64_t again_us; /* set before start: fires again after this time; 0: once */
};
static struct ticker ticker;

static uint64_t tick(void *context, uint64_t now_us)
{
    struct ticker *each = context;
    atomic_fetch_add_u32(&each->calls, 1);
    if (port_worker_index() == PORT_NOT_A_WORKER)
        atomic_fetch_add_u32(&each->outside, 1);
    uint64_t due_us = atomic_load_u64(&each->due_us);
    if (due_us == PORT_NEVER || now_us < due_us)
        return due_us;
    uint64_t next_us = each->again_us != 0 ? now_us + each->again_us : PORT_NEVER;
    if (atomic_cas_u64(&each->due_us, due_us, next_us)) {
        atomic_fetch_add_u32(&each->fired, 1);
        suite_notify();
    }
    return next_us;
}

static void start_ticker(uint64_t due_us, uint64_t again_us)
{
    memset(&ticker, 0, sizeof(ticker));
    ticker.due_us = due_us;
    ticker.again_us = again_us;
    struct port_options options = {suite.workers, tick, &ticker};
    suite_restart_port(&options);
}

static bool has_fired(void *context)
{
    return atomic_load_u32(&ticker.fired) >= *(const uint32_t *)context;
}

/* So often that a worker which only looks now and then would miss the suite's deadline. */
static void test_tick_is_called_when_it_asked_without_any_operation(void **state)
{
    (void)state;
    uint32_t times = 100;
    start_ticker(0, 5000);
    suite_require(has_fired, &times, "a hundred ticks");
    EXPECT(atomic_load_u32(&ticker.outside) == 0);
}

static void arm(struct suite_step *step)
{
    (void)step;
    atomic_store_u64(&ticker.due_us, port_now_us(suite.port) + 3000);
}

/* The tick had answered "never" before, so only the look between the `done` and the sleep can see it. */
static void test_what_a_done_armed_is_seen_before_sleeping(void **state)
{
    (void)state;
    static struct suite_step step;
    start_ticker(PORT_NEVER, 0);
    for (uint32_t i = 1; i <= 60; i++) {
        memset(&step, 0, sizeof(step));
        step.then = arm;
        suite_post(&step);
        suite_require(has_fired, &i, "what a done armed");
    }
}

static void test_tick_runs_while_workers_are_busy(void **state)
{
    (void)state;
    static struct chain chain;
    start_ticker(PORT_NEVER, 0);
    memset(&chain, 0, sizeof(chain));
    chain.left = 5000;
    chain.step.then = post_again;
    chain.step.context = &chain;
    suite_post(&chain.step);
    suite_require(chain_ended, &chain, "the end of a chain of posts");
    EXPECT(atomic_load_u32(&ticker.calls) >= 5000 / COMPLETION_BATCH);
}

static void test_many_workers_start_and_stop(void **state)
{
    (void)state;
    static struct suite_step step;
    for (int i = 0; i < 3; i++) {
        struct port_options options = {WORKERS_MAX, NULL, NULL};
        suite_restart_port(&options);
        EXPECT(port_workers(suite.port) == WORKERS_MAX);
        memset(&step, 0, sizeof(step));
        suite_post(&step);
        EXPECT(suite_finish(&step) == PORT_OK);
    }
}

int suite_run_port(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_clock_never_goes_back),
        SUITE_TEST(test_round_time_is_no_older_than_the_round),
        SUITE_TEST(test_workers_are_counted_and_numbered),
        SUITE_TEST(test_destroy_allows_null),
        SUITE_TEST(test_post_completes_with_ok),
        SUITE_TEST(test_post_from_worker_does_not_recurse),
        SUITE_TEST(test_posts_from_several_threads_all_complete),
        SUITE_TEST(test_submission_may_hold_a_lock),
        SUITE_TEST(test_tick_is_called_when_it_asked_without_any_operation),
        SUITE_TEST(test_what_a_done_armed_is_seen_before_sleeping),
        SUITE_TEST(test_tick_runs_while_workers_are_busy),
        SUITE_TEST(test_many_workers_start_and_stop),
    };
    return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
