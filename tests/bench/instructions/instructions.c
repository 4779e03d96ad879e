/*
 * instructions: fixed traffic through the real relay, statistics and timers on the simulated port, for a tool that counts the instructions of each
 * function (scripts/instructions.sh).
 *
 *   instructions SCENARIO COUNT     plays it with so many units
 *   instructions --list             a line for each scenario: name, unit, a small COUNT and a larger one
 *
 * Nothing fails and nothing is left to chance here: two runs execute the same instructions, and the difference of two runs with different counts
 * is what the units between them cost, without start and connects. One worker; nothing is closed at the end, so that no teardown is counted.
 * Every byte is verified, and the sums of the statistics too. Exit code 1 and a line FAIL when something is wrong.
 */
#include "base/log.h"
#include "bench/instructions/traffic.h"
#include "config/config.h"
#include "daemon.h"
#include "stats/counters.h"
#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_memory.h"
#include "tests/sim/port_sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LISTENER_PORT = 7000,
    ECHO_PORT = 9000,
    /* Virtual times. A worker needs so long for one completion that 64 connections keep it busy and its batches are full, and one does not. */
    NETWORK_US = 20,
    COMPLETION_US = 1,
    WORKER_US = 5,
    SETTLE_US = 10 * 1000
};

struct scenario {
    const char *name;
    const char *unit;
    bool proxy;
    struct traffic_plan plan;
    uint32_t counts[2]; /* multiples of plan.connections, unless it is idle */
};

/* A pipe whose messages are just as large as its buffer takes a larger one for a while and gives it back, at rounds 4, 12, 28, 36 and 100: the
 * counts of the large messages lie between two of these, where most rounds do. */
static const struct scenario scenarios[] = {
    {"echo-64-1", "round trip", false, {TRAFFIC_PINGPONG, 1, 64, 0}, {100, 1100}},
    {"echo-64-64", "round trip", false, {TRAFFIC_PINGPONG, 64, 64, 0}, {10 * 64, 50 * 64}},
    {"echo-16k-1", "round trip", false, {TRAFFIC_PINGPONG, 1, 16384, 0}, {40, 90}},
    {"echo-16k-64", "round trip", false, {TRAFFIC_PINGPONG, 64, 16384, 0}, {14 * 64, 26 * 64}},
    {"proxy-64-1", "round trip", true, {TRAFFIC_PINGPONG, 1, 64, 0}, {100, 1100}},
    {"proxy-64-64", "round trip", true, {TRAFFIC_PINGPONG, 64, 64, 0}, {10 * 64, 50 * 64}},
    {"proxy-16k-1", "round trip", true, {TRAFFIC_PINGPONG, 1, 16384, 0}, {40, 90}},
    {"proxy-16k-64", "round trip", true, {TRAFFIC_PINGPONG, 64, 16384, 0}, {14 * 64, 26 * 64}},
    {"echo-churn", "connection", false, {TRAFFIC_CHURN, 64, 64, 0}, {10 * 64, 30 * 64}},
    {"proxy-churn", "connection", true, {TRAFFIC_CHURN, 64, 64, 0}, {10 * 64, 30 * 64}},
    {"echo-accept", "connection", false, {TRAFFIC_ACCEPT, 16, 1, 0}, {10 * 16, 60 * 16}},
    {"proxy-idle", "second of 64 idle sessions", true, {TRAFFIC_IDLE, 64, 64, 0}, {20, 120}},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* Of the daemon's states the one it reached last. */
static enum daemon_state state;
static bool time_is_over;

static void changed(void *context, enum daemon_state now)
{
    (void)context;
    state = now;
}

static void time_ends(void *object, uint64_t argument)
{
    (void)object;
    (void)argument;
    time_is_over = true;
}

static struct address loopback(uint16_t port)
{
    struct address address = {ADDRESS_V4, 0, 0, 0, {127, 0, 0, 1}};
    address.port = port;
    return address;
}

/* --- the world ------------------------------------------------------------------------------------------------ */

static struct config *parse(bool proxy)
{
    static const char echo_text[] = "[server]\nworkers=1\n[stats]\nlisten=off\n"
                                    "[listener l]\nlisten=127.0.0.1:7000\nmode=echo\n";
    static const char proxy_text[] = "[server]\nworkers=1\n[stats]\nlisten=off\n"
                                     "[upstream u]\nserver=s 127.0.0.1:9000\n"
                                     "[listener l]\nlisten=127.0.0.1:7000\nmode=proxy\nupstream=u\n";
    const char *text = proxy ? proxy_text : echo_text;
    struct config_errors errors = {0};
    struct config *config = config_parse("server.ini", text, strlen(text), &errors);
    if (config == NULL) {
        sim_fail("HARNESS", "%s", errors.count > 0 ? errors.items[0].text : "no memory");
    }
    return config;
}

static void world_begin(const struct scenario *scenario)
{
    sim_begin(1);
    sim_without_chance();
    sim.scenario = scenario->name;
    sim_memory_begin();
    sim_faults_none();
    sim_faults.network_us = NETWORK_US;
    sim_faults.completion_us = COMPLETION_US;
    sim_faults.worker_us = WORKER_US;
    /* Not a fault but how completion ports work: what has its result at submission is not queued. */
    sim_faults.rates[SIM_FAULT_IMMEDIATE] = 65536;
    sim_faults.buffer_min_bytes = 2 * scenario->plan.bytes + 1024;
    sim_faults.buffer_max_bytes = sim_faults.buffer_min_bytes;
    sim_port_begin();
}

static void step(const char *waiting_for)
{
    if (!sim_step()) {
        sim_fail("HARNESS", "nothing happens any more while it waits for %s", waiting_for);
    }
}

static void pass(uint64_t us)
{
    time_is_over = false;
    sim_at(us, SIM_LABEL_HOST, time_ends, NULL, 0);
    while (!time_is_over) {
        step("the end of its time");
    }
}

/* --- what the statistics say --------------------------------------------------------------------------------- */

static void check_sum(const struct stats_scope *scope, enum stats_counter stat, uint64_t expected)
{
    uint64_t sum = stats_sum(scope, stat);
    if (sum != expected) {
        sim_fail("SUMS", "%s of %s: %llu, not %llu", stat_name(stat), scope->name, (unsigned long long)sum,
                 (unsigned long long)expected);
    }
}

/* So that nobody counts a traffic that was not served. */
static void check_sums(struct daemon *daemon, const struct scenario *scenario)
{
    uint64_t bytes = traffic_messages() * scenario->plan.bytes;
    uint64_t ended = scenario->plan.kind == TRAFFIC_CHURN ? traffic_connections() : 0;
    for (const struct stats_scope *scope = daemon_stats(daemon)->scopes; scope != NULL; scope = scope->next) {
        check_sum(scope, STAT_SESSIONS, traffic_connections());
        check_sum(scope, STAT_BYTES_IN, bytes);
        check_sum(scope, STAT_BYTES_OUT, bytes);
        check_sum(scope, STAT_CLOSED_FINISHED, ended);
    }
}

/* --- playing -------------------------------------------------------------------------------------------------- */

static void play(const struct scenario *scenario, uint32_t count)
{
    struct address echo = loopback(ECHO_PORT);
    struct address listener = loopback(LISTENER_PORT);
    struct traffic_plan plan = scenario->plan;
    world_begin(scenario);
    struct daemon_options options = {.config = parse(scenario->proxy),
                                     .pid = 1,
                                     .random_seed = 1,
                                     .changed = changed};
    traffic_serve(&echo);
    struct daemon *daemon = daemon_start(&options);
    while (daemon != NULL && state == DAEMON_STARTING) {
        step("the start");
    }
    if (daemon == NULL || state != DAEMON_SERVING) {
        sim_fail("HARNESS", "it does not start");
    }
    plan.rounds = plan.kind == TRAFFIC_IDLE ? 1 : count / plan.connections;
    traffic_begin(&plan, &listener);
    while (!traffic_is_over()) {
        step("the clients");
    }
    pass(plan.kind == TRAFFIC_IDLE ? 1000000ULL * count : SETTLE_US);
    check_sums(daemon, scenario);
    printf("%s %u: %llu round trips, %llu connections, %llu us, %llu completions\n", scenario->name, count,
           (unsigned long long)traffic_messages(), (unsigned long long)traffic_connections(),
           (unsigned long long)sim.now_us, (unsigned long long)sim_port.dones);
}

static int list(void)
{
    for (int i = 0; i < SCENARIOS; i++) {
        printf("%s\t%s\t%u\t%u\n", scenarios[i].name, scenarios[i].unit, scenarios[i].counts[0],
               scenarios[i].counts[1]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        return list();
    }
    for (int i = 0; argc == 3 && i < SCENARIOS; i++) {
        long count = strtol(argv[2], NULL, 10);
        if (strcmp(argv[1], scenarios[i].name) == 0 && count > 0) {
            play(&scenarios[i], (uint32_t)count);
            return 0;
        }
    }
    fputs("usage: instructions SCENARIO COUNT, or instructions --list\n", stderr);
    return 2;
}
