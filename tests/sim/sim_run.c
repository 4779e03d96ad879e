#include "tests/sim/sim_run.h"

#include "base/log.h"
#include "daemon.h"
#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_memory.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_admin.h"
#include "tests/sim/sim_check.h"

#include <stdio.h>
#include <string.h>

static struct {
    struct daemon *daemon;
    struct config *config;
    enum daemon_state state;
    uint32_t stops;
    uint32_t clients_to_come;
    bool stopped_early;
    uint64_t stopped_us;
    uint64_t stop_us[3];  /* when a stop was asked for; [0] is not used */
    uint64_t allocations; /* before the calm */
    uint64_t submissions;
} run;

/* --- the world around the server -------------------------------------------------------------------------------- */

static void daemon_changed_to(void *context, enum daemon_state state)
{
    (void)context;
    sim_trace("daemon", (uint64_t)state, 0);
    if (state <= run.state) {
        sim_fail("N7", "the daemon went from state %d to %d", (int)run.state, (int)state);
    }
    run.state = state;
    if (state == DAEMON_STOPPING) {
        check_cut();
    }
    if (state == DAEMON_STOPPED) {
        run.stopped_us = sim.now_us;
    }
}

static uint32_t answer_names(const char *host, struct address *addresses)
{
    if (host[0] != 'u' || host[1] < '0' || host[1] >= '0' + (char)sim_plan.upstreams_count) {
        return 0;
    }
    const struct plan_upstream *upstream = &sim_plan.upstreams[host[1] - '0'];
    memcpy(addresses, upstream->addresses, upstream->addresses_count * sizeof addresses[0]);
    return upstream->addresses_count;
}

static void upstream_comes(uint32_t group)
{
    struct plan_upstream *upstream = &sim_plan.upstreams[group];
    for (uint32_t i = 0; i < upstream->addresses_count; i++) {
        if (!net_address_taken(&upstream->addresses[i]) && !crowd_listen(group, &upstream->addresses[i])) {
            sim_fail("HARNESS", "no listener for upstream %u", group);
        }
    }
    upstream->up = true;
}

static void upstream_switches(void *object, uint64_t group)
{
    struct plan_upstream *upstream = &sim_plan.upstreams[group];
    (void)object;
    if (sim_faults.calm) {
        return;
    }
    if (upstream->up) {
        crowd_stop_listening((uint32_t)group);
        upstream->up = false;
    } else {
        upstream_comes((uint32_t)group);
    }
}

static void client_comes(void *object, uint64_t index)
{
    const struct plan_listener *listener = &sim_plan.listeners[sim_below(sim_plan.listeners_count)];
    struct peer_plan plan;
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 1, 0}};
    (void)object;
    (void)index;
    run.clients_to_come--;
    from.bytes[3] = (uint8_t)sim_between(1, 4);
    plan_client(&plan, listener->echo);
    struct sim_peer *peer = crowd_add_client(listener->group, listener->echo, &plan);
    peer_connect(peer, &from, &listener->address);
}

/* One more client of a timed world: silent, until the server has had enough of it, and not earlier. */
static void sleeper_comes(void)
{
    enum { ON_THE_WAY_US = 20000 };
    const struct plan_listener *listener = &sim_plan.listeners[0];
    uint32_t first_ms = listener->idle_timeout_ms < listener->half_close_timeout_ms
                            ? listener->idle_timeout_ms
                            : listener->half_close_timeout_ms;
    struct peer_plan plan = {.stubborn = true,
                             .read_bytes = 16384,
                             .chunk_bytes = 1,
                             .abort_after = UINT64_MAX};
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 1, 5}};
    struct sim_peer *peer = crowd_add_client(listener->group, listener->echo, &plan);
    peer->not_before_us = (uint64_t)first_ms * 1000 - ON_THE_WAY_US;
    crowd.sleepers++;
    peer_connect(peer, &from, &listener->address);
}

static void clock_leaps(void *object, uint64_t us)
{
    (void)object;
    if (!sim_faults.calm) {
        sim_fault_count(SIM_FAULT_CLOCK_LEAP);
        sim_clock_leap(us);
    }
}

static void clock_stalls(void *object, uint64_t us)
{
    (void)object;
    if (!sim_faults.calm) {
        sim_fault_count(SIM_FAULT_CLOCK_STALL);
        sim_clock_stall(us);
    }
}

static void schedule_clocks(void)
{
    if (sim_faults.rates[SIM_FAULT_CLOCK_LEAP] != 0) {
        sim_plan.leaps = true;
        for (uint32_t leaps = sim_between(1, 3); leaps > 0; leaps--) {
            sim_at(sim_delay(40ULL * 1000 * 1000), SIM_LABEL_CLOCK, clock_leaps, NULL,
                   sim_delay(3600ULL * 1000 * 1000));
        }
    }
    if (sim_faults.rates[SIM_FAULT_CLOCK_STALL] != 0) {
        sim_plan.leaps = true; /* the clock is right again with a leap */
        for (uint32_t stalls = sim_between(1, 4); stalls > 0; stalls--) {
            sim_at(sim_delay(20ULL * 1000 * 1000), SIM_LABEL_CLOCK, clock_stalls, NULL,
                   sim_delay(500 * 1000));
        }
    }
}

static void schedule_world(void)
{
    for (uint32_t i = 0; i < sim_plan.upstreams_count; i++) {
        if (sim_plan.upstreams[i].up) {
            upstream_comes(i);
        }
        if (sim_plan.upstreams[i].switch_us != 0) {
            sim_at(sim_plan.upstreams[i].switch_us, SIM_LABEL_HOST, upstream_switches, NULL, i);
        }
    }
    schedule_clocks();
}

/* Clients come once the server serves: before that they would all be refused. */
static void schedule_clients(void)
{
    run.clients_to_come = sim_plan.clients_count;
    for (uint32_t i = 0; i < sim_plan.clients_count; i++) {
        sim_at(sim_random() % sim_plan.clients_within_us, SIM_LABEL_HOST, client_comes, NULL, i);
    }
    if (sim_plan.scenario == SCENARIO_TIMED && !sim_plan.tainted && sim_below(2) == 0) {
        sleeper_comes();
    }
    for (uint32_t i = 0; i < sim_plan.admin_clients; i++) {
        admin_client_add(sim_random() % (sim_plan.clients_within_us + 1000), sim_plan.clean);
    }
}

/* --- the host ----------------------------------------------------------------------------------------------------- */

static void host_stops(void)
{
    sim_trace("stop", run.stops, 0);
    run.stops++;
    run.stop_us[run.stops] = sim.now_us;
    daemon_stop(run.daemon);
}

static void host_acts(void)
{
    bool sockets = sim_plan.stop_sockets != 0 && sim_port.opened >= sim_plan.stop_sockets;
    if (sim_plan.stop_step != 0 && run.stops == 0 && (sim.step >= sim_plan.stop_step || sockets)) {
        run.stopped_early = true;
        sim_plan.stop_step = sim.step;
        host_stops();
    }
    if (run.stops == 1 && run.stopped_early && sim_plan.second_stop_steps != 0 &&
        sim.step >= sim_plan.stop_step + sim_plan.second_stop_steps) {
        host_stops();
    }
}

typedef bool run_condition(void);

/* False when the time is over or nothing will ever happen again. */
static bool run_until(run_condition *condition, uint64_t within_us)
{
    uint64_t deadline_us = sim.now_us + within_us;
    while (!condition()) {
        if (sim.now_us > deadline_us || !sim_step()) {
            return condition();
        }
        host_acts();
    }
    return true;
}

static bool started(void)
{
    return run.state != DAEMON_STARTING;
}

static bool stopped(void)
{
    return run.state == DAEMON_STOPPED;
}

static bool peers_ended(void)
{
    return run.clients_to_come == 0 && crowd.clients_active == 0 && admin_clients_active() == 0;
}

static bool sessions_ended(void)
{
    return check_active() == 0 || stopped();
}

static bool everybody_ended(void)
{
    return peers_ended() && crowd.servers_active == 0;
}

static bool never(void)
{
    return false;
}

/* --- phases ------------------------------------------------------------------------------------------------------- */

static void parse_config(void)
{
    struct config_errors errors = {0};
    run.config = config_parse("server.ini", sim_plan.config, sim_plan.config_bytes, &errors);
    if (run.config == NULL) {
        sim_fail("HARNESS", "line %u: %s", errors.count > 0 ? errors.items[0].line : 0,
                 errors.count > 0 ? errors.items[0].text : "no memory");
    }
    config_errors_free(&errors);
    /* Smaller than an administrator may choose, so that every buffer is full and every message cut. */
    run.config->server.buffer_bytes = sim_plan.buffer_bytes;
}

static void phase_calm(void)
{
    sim_faults_stop();
    sim_memory.faults = false;
    sim_memory.fail_at = 0;
    sim_port.fail_at = 0;
    run.allocations = sim_memory.allocations;
    run.submissions = sim_port.submissions;
    for (uint32_t i = 0; i < sim_plan.upstreams_count; i++) {
        upstream_comes(i);
    }
    crowd_nudge();
    admin_clients_nudge();
    if (sim_plan.stop_step != 0 && run.stops == 0 && run.state == DAEMON_SERVING) {
        run.stopped_early = true; /* there are clients that only a stop ends */
        host_stops();
    }
    if (!run_until(peers_ended, plan_patience_us())) {
        sim_fail("I8", "%u clients and %u readers of the statistics are never served to their end",
                 crowd.clients_active, admin_clients_active());
    }
    /* A client may have come and gone before it was accepted; its session is still to begin. */
    (void)run_until(never, 5ULL * ACCEPT_PAUSE_MAX_US);
    if (!run_until(sessions_ended, plan_patience_us())) {
        sim_fail("I8", "%u sessions outlive their clients", check_active());
    }
}

static void phase_probe(void)
{
    struct peer_plan plan = {0};
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 2, 1}};
    plan.send_bytes = 300;
    plan.chunk_bytes = 100;
    plan.read_bytes = 100;
    plan.abort_after = UINT64_MAX;
    plan.pause_at = UINT64_MAX;
    /* Names that failed are asked for again, listeners that paused go on. */
    (void)run_until(never, 70ULL * 1000 * 1000);
    sim_check_accepts(ACCEPTS_POSTED);
    for (uint32_t i = 0; i < sim_plan.listeners_count; i++) {
        const struct plan_listener *listener = &sim_plan.listeners[i];
        struct sim_peer *peer = crowd_add_client(listener->group, listener->echo, &plan);
        peer->probe = true;
        peer_connect(peer, &from, &listener->address);
    }
    if (sim_plan.admin) {
        admin_client_add(0, true);
    }
    if (!run_until(peers_ended, plan_patience_us()) || !run_until(sessions_ended, plan_patience_us())) {
        sim_fail("I8", "a client of the quiet end waits for ever");
    }
}

static void phase_stop(void)
{
    if (run.stops == 0 && run.state == DAEMON_SERVING) {
        host_stops();
    }
    if (!run_until(stopped, plan_patience_us())) {
        sim_fail("N6", "it does not stop: state %d", (int)run.state);
    }
    if (!run_until(everybody_ended, plan_patience_us())) {
        sim_fail("I7", "%u clients and %u servers are still connected to a server that has stopped",
                 crowd.clients_active, crowd.servers_active);
    }
}

/* N6: within the drain deadline, N7: at once after a second stop; both with what closing takes under faults. */
static void check_stop_time(void)
{
    uint64_t grace_us = 40ULL * 1000 * 1000 + 8ULL * sim_faults.slow_us;
    if (sim_fault_happened(SIM_FAULT_PREEMPT_ANYWHERE) > 0) {
        grace_us *= 10; /* workers that are interrupted at every block, each time for long */
    }
    uint64_t drain_us = (uint64_t)sim_plan.drain_timeout_ms * 1000;
    if (run.stops > 0 && run.stopped_us > run.stop_us[1] + drain_us + grace_us) {
        sim_fail("N6", "stopped %llu ms after it was asked to, with %u ms to drain",
                 (unsigned long long)(run.stopped_us - run.stop_us[1]) / 1000, sim_plan.drain_timeout_ms);
    }
    if (run.stops == 1 && !sim_plan.leaps && daemon_outcome(run.daemon) == DAEMON_CUT &&
        run.stopped_us < run.stop_us[1] + drain_us) {
        sim_fail("N6", "sessions were cut after %llu ms, with %u ms to drain",
                 (unsigned long long)(run.stopped_us - run.stop_us[1]) / 1000, sim_plan.drain_timeout_ms);
    }
    if (run.stops > 1 && run.stopped_us > run.stop_us[2] + grace_us) {
        sim_fail("N7", "stopped %llu ms after the second stop",
                 (unsigned long long)(run.stopped_us - run.stop_us[2]) / 1000);
    }
}

static void check_outcome(bool served)
{
    enum daemon_outcome outcome = daemon_outcome(run.daemon);
    uint64_t cut = served ? check_total(STATS_LISTENER, STAT_CLOSED_STOPPED,
                                        (enum stats_counter)(STAT_CLOSED_STOPPED + 1))
                          : 0;
    if (!served) {
        if (sim_plan.clean || (outcome != DAEMON_FAILED && run.stops == 0)) {
            sim_fail("OUTCOME", "it never served, and its outcome is %d", (int)outcome);
        }
    } else if ((outcome != DAEMON_CUT && cut > 0) || outcome == DAEMON_FAILED) {
        /* The other way round it may be: a session that was being flushed keeps its first reason when it is cut. */
        sim_fail("OUTCOME", "%llu sessions were cut, and the outcome is %d", (unsigned long long)cut,
                 (int)outcome);
    }
}

static void run_daemon(void)
{
    bool served = false;
    if (!run_until(started, 200ULL * 1000 * 1000)) {
        sim_fail("I8", "it neither starts nor fails");
    }
    if (run.state == DAEMON_SERVING) {
        served = true;
        schedule_clients();
        (void)run_until(peers_ended, sim_plan.chaos_us);
    }
    phase_calm();
    if (run.state == DAEMON_SERVING && run.stops == 0) {
        sim_plan.stop_step = 0; /* too late now: it would disturb the probes */
        check_settled();
        phase_probe();
    }
    phase_stop();
    check_outcome(served);
    check_stop_time();
    check_settled();
    check_end();
}

static void take_logs(void)
{
    char line[LOG_LINE_BYTES];
    uint32_t tag;
    size_t bytes;
    while ((bytes = log_take(line, &tag)) > 0) {
        if (sim.verbose) {
            fwrite(line, 1, bytes, stderr);
        }
    }
}

static void explain(void)
{
    take_logs();
    if (sim_memory.fail_at != 0 || sim_port.fail_at != 0) {
        fprintf(stderr, "     with allocation %llu and submission %llu failing\n",
                (unsigned long long)sim_memory.fail_at, (unsigned long long)sim_port.fail_at);
    }
    crowd_explain();
}

static void world_begin(uint64_t seed, enum sim_scenario scenario)
{
    sim_begin(seed);
    sim_memory_begin();
    sim_faults_draw();
    sim_port_begin();
    plan_draw(scenario);
    sim.scenario = scenario_name(sim_plan.scenario);
    sim.explain = explain;
    sim.steps_max = 2 * 1000 * 1000;
    sim.clock_us = sim_below(3) == 0 ? 0 : sim_random() >> sim_between(8, 60);
    memset(&run, 0, sizeof run);
    crowd_begin(plan_server);
    admin_clients_begin();
    sim_set_names(answer_names);
    parse_config();
    if (sim.verbose) {
        fputs(sim_plan.config, stderr);
    }
    schedule_world();
}

void sim_run(uint64_t seed, enum sim_scenario scenario, const struct sim_failing *failing,
             struct sim_outcome *outcome)
{
    world_begin(seed, scenario);
    struct daemon_options options = {.config = run.config,
                                     .pid = 1,
                                     .random_seed = sim_random(),
                                     .changed = daemon_changed_to};
    sim_memory.allocations = 0;
    sim_memory.fail_at = failing->allocation;
    sim_memory.faults = true;
    sim_port.fail_at = failing->submission;
    if (failing->allocation != 0 || failing->submission != 0) {
        sim_plan.clean = false;
        sim_plan.tainted = true;
    }
    run.daemon = daemon_start(&options);
    sim_memory.faults = run.daemon != NULL;
    if (run.daemon != NULL) {
        check_watch(daemon_stats(run.daemon));
        sim.check = check_step;
        run_daemon();
        check_watch(NULL);
        daemon_free(run.daemon);
    }
    sim_memory.faults = false;
    take_logs();
    sim_memory_check_empty();
    sim_faults_account();
    *outcome = (struct sim_outcome){sim.hash,        sim.step,   run.allocations,
                                    run.submissions, sim.now_us, sim_plan.scenario};
    sim_end();
}
