/* Rounds of workers, packets that cannot be queued, several ports, and the end of everything. */
#include "tests/port/suite_iocp.h"

#include "port/iocp_status.h"

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

/* --- what finishes at once is shared ------------------------------------------------------------------------------------ */

enum { CROWD = 4 * SHARE_LEAST_OPS };

static struct suite_step crowd[CROWD];
static uint32_t crowd_workers; /* atomic; a bit for each worker that served one */
static uint32_t crowd_left;    /* atomic */

static bool is_shared(void)
{
    uint32_t workers = atomic_load_u32(&crowd_workers);
    return (workers & (workers - 1)) != 0;
}

static void stay_busy(struct suite_step *step)
{
    atomic_fetch_or_u32(&crowd_workers, 1U << step->worker);
    if (is_shared())
        atomic_fetch_add_u32(&crowd_left, UINT32_MAX);
    else
        suite_post(step);
}

static void begin_crowd(struct suite_step *step)
{
    (void)step;
    for (int i = 0; i < CROWD; i++)
        suite_post(&crowd[i]);
}

static bool crowd_has_ended(void *context)
{
    (void)context;
    return atomic_load_u32(&crowd_left) == 0;
}

/* Whatever a worker posts is its own, so without sharing it would go on alone for ever. */
static void test_busy_worker_shares_with_one_that_sleeps(void **state)
{
    (void)state;
    static struct suite_step starter;
    struct port_options options = {2, NULL, NULL};
    suite_restart_port(&options);
    memset(&starter, 0, sizeof(starter));
    memset(crowd, 0, sizeof(crowd));
    crowd_workers = 0;
    crowd_left = CROWD;
    for (int i = 0; i < CROWD; i++)
        crowd[i].then = stay_busy;
    starter.then = begin_crowd;
    suite_post(&starter);
    suite_require(crowd_has_ended, NULL, "a second worker");
    for (int i = 0; i < CROWD; i++)
        EXPECT(crowd[i].completed == crowd[i].submitted);
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

/* --- a result that comes together with a close ------------------------------------------------------------------------ */

static HANDLE gate;

static void wait_at_gate(struct suite_step *step)
{
    (void)step;
    WaitForSingleObject(gate, 20000);
}

/* The system reports the reset, but the socket was closed before anybody looked: that is a cancellation, like every
 * failure of a closing socket. The only worker is held up meanwhile. */
static void test_failure_of_a_closing_socket_is_a_cancellation(void **state)
{
    (void)state;
    static struct suite_step holder;
    static struct suite_step receive;
    static struct suite_pair pair;
    uint8_t byte = 0;
    memset(&holder, 0, sizeof(holder));
    memset(&receive, 0, sizeof(receive));
    struct port_options options = {1, NULL, NULL};
    suite_restart_port(&options);
    gate = CreateEventW(NULL, TRUE, FALSE, NULL);
    REQUIRE(gate != NULL);
    suite_connect_pairs(&pair, 1);
    suite_receive(&receive, &pair.server, &byte, 1);
    suite_pass();
    holder.then = wait_at_gate;
    suite_post(&holder);
    port_reset(&pair.client);
    OVERLAPPED *overlapped = &iocp_words_of(&receive.op)->overlapped;
    ULONGLONG deadline = GetTickCount64() + 10000;
    while (!HasOverlappedIoCompleted(overlapped) && GetTickCount64() < deadline)
        SwitchToThread(); /* the worker cannot tell, it stands at the gate */
    uint32_t os_code = 0;
    EXPECT(iocp_status_from_nt((uint32_t)overlapped->Internal, &os_code) == PORT_RESET);
    port_close(&pair.server);
    SetEvent(gate);
    EXPECT(suite_finish(&receive) == PORT_CANCELLED);
    suite_close_pair(&pair);
    suite_pass();
    CloseHandle(gate);
}

/* --- handles ------------------------------------------------------------------------------------------------------------ */

struct handle_entry {
    void *object;
    ULONG_PTR process_id;
    ULONG_PTR handle;
    ULONG access;
    USHORT trace;
    USHORT type;
    ULONG attributes;
    ULONG reserved;
};

struct handle_list {
    ULONG_PTR count;
    ULONG_PTR reserved;
    struct handle_entry entries[1];
};

/* By the list of all handles of the system: GetProcessHandleCount answers 0 under Wine. */
static uint32_t count_handles(void)
{
    typedef LONG WINAPI query(ULONG class, void *buffer, ULONG bytes, ULONG *needed);
    enum { EXTENDED_HANDLES = 64, LIST_BYTES = 8 * 1024 * 1024 };
    query *ask =
        (query *)(void (*)(void))GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation");
    struct handle_list *list = memory_allocate(1, LIST_BYTES);
    uint32_t count = 0;
    REQUIRE(ask != NULL && list != NULL);
    REQUIRE(ask(EXTENDED_HANDLES, list, LIST_BYTES, NULL) == 0);
    for (ULONG_PTR i = 0; i < list->count; i++)
        count += list->entries[i].process_id == GetCurrentProcessId();
    memory_free(list);
    return count;
}

static void use_handles(void)
{
    static struct suite_step accepts[4];
    static struct suite_step connect_step;
    static struct suite_pair pair;
    uint32_t os_code = 0;
    memset(accepts, 0, sizeof(accepts));
    memset(&connect_step, 0, sizeof(connect_step));
    struct port_socket listener = {0};
    struct port_socket client = {0};
    struct address address = suite_listen(&listener);
    for (int i = 0; i < 4; i++)
        suite_accept(&accepts[i], &listener);
    port_close(&listener);
    for (int i = 0; i < 4; i++)
        suite_finish(&accepts[i]);
    suite_connect_pairs(&pair, 1);
    REQUIRE(port_local_address(&pair.client, &address));
    REQUIRE(port_open(suite.port, &client, ADDRESS_V4, &os_code) == PORT_OK);
    suite_connect(&connect_step, &client, &address);
    EXPECT(suite_finish(&connect_step) == PORT_REFUSED);
    port_reset(&client);
    suite_close_pair(&pair);
}

/* On one port: with the last port Winsock is cleaned up, and that closes sockets which were forgotten. */
static void test_no_handle_is_left(void **state)
{
    (void)state;
    enum { ROUNDS = 20 };
    use_handles(); /* what the system opens once */
    uint32_t before = count_handles();
    for (int i = 0; i < ROUNDS; i++)
        use_handles();
    uint32_t after = count_handles();
    EXPECT(before > 0);
    EXPECT(after < before + ROUNDS);
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
    DWORD thread_id;
};

static void count_post(struct port_op *op)
{
    struct posted *posted = CONTAINER_OF(op, struct posted, op);
    posted->thread_id = GetCurrentThreadId();
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
    EXPECT(other_post.thread_id == GetThreadId(other_port->workers[0].thread));
    suite_finish(&step);
    port_destroy(other_port);
}

static void test_ports_come_and_go_without_a_trace(void **state)
{
    (void)state;
    enum { ROUNDS = 20 };
    static struct suite_step step;
    struct port_options options = {suite.workers, NULL, NULL};
    uint32_t before = count_handles();
    for (int i = 0; i < ROUNDS; i++) {
        suite_restart_port(&options);
        memset(&step, 0, sizeof(step));
        suite_post(&step);
        EXPECT(suite_finish(&step) == PORT_OK);
    }
    EXPECT(count_handles() < before + ROUNDS);
}

int suite_run_iocp_worker(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_ready_connections_are_served_in_turn),
        SUITE_TEST(test_busy_worker_shares_with_one_that_sleeps),
        SUITE_TEST(test_post_survives_a_full_system),
        SUITE_TEST(test_failed_post_alone_is_found_in_time),
        SUITE_TEST(test_failure_of_a_closing_socket_is_a_cancellation),
        SUITE_TEST(test_no_handle_is_left),
        SUITE_TEST(test_late_answer_is_dropped_and_outlives_the_port),
        SUITE_TEST(test_two_ports_do_not_mix),
        SUITE_TEST(test_ports_come_and_go_without_a_trace),
    };
    return cmocka_run_group_tests_name("iocp worker", tests, NULL, NULL);
}
