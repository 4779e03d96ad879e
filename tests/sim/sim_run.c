#include "tests/sim/sim_run.h"

#include "base/log.h"
#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_memory.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_admin.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_listening.h"
#include "tests/sim/sim_reload.h"
#include "tests/sim/sim_stock.h"

#include <stdio.h>
#include <string.h>

static uint64_t allocations_before_calm;
static uint64_t submissions_before_calm;

static uint64_t
    empty_us; /* since when a server that stops has no session, and nothing fails; 0 = there are some */

static void note_empty(void)
{
    if (host.stops == 0 || !sim_faults.calm || host.state == DAEMON_STOPPED) {
        return;
    }
    if (check_active() > 0) {
        empty_us = 0;
    } else if (empty_us == 0) {
        empty_us = sim.now_us;
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
        host_act();
        note_empty();
    }
    return true;
}

static bool started(void)
{
    return host.state != DAEMON_STARTING;
}

static bool stopped(void)
{
    return host.state == DAEMON_STOPPED;
}

static bool peers_ended(void)
{
    return host.clients_to_come == 0 && crowd.clients_active == 0 && admin_clients_active() == 0;
}

static bool sessions_ended(void)
{
    return check_active() == 0 || stopped();
}

static bool everybody_ended(void)
{
    return peers_ended() && crowd.servers_active == 0;
}

static bool reloads_ended(void)
{
    return !reload_is_busy() || stopped();
}

static bool never(void)
{
    return false;
}

/* --- phases ------------------------------------------------------------------------------------------------------- */

static void phase_calm(void)
{
    sim_faults_stop();
    sim_memory.faults = false;
    sim_memory.fail_at = 0;
    sim_port.fail_at = 0;
    allocations_before_calm = sim_memory.allocations;
    submissions_before_calm = sim_port.submissions;
    host_raise_farms();
    reload_calm();
    crowd_nudge();
    admin_clients_nudge();
    if (sim_plan.stop_step != 0 && host.stops == 0 && host.state == DAEMON_SERVING) {
        host.stopped_early = true; /* there are clients that only a stop ends */
        host_stop();
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
    if (!run_until(reloads_ended, plan_patience_us())) {
        sim_fail("I8", "a reload never ends");
    }
}

/* Each address alone: a limit may be as low as one. */
static void phase_probe_each(void)
{
    for (uint32_t i = 0; i < sim_plan.setup.listeners_count; i++) {
        const struct setup_listener *listener = &sim_plan.setup.listeners[i];
        for (uint32_t j = 0; j < listener->listens_count; j++) {
            host_probe(listener, &listener->listens[j]);
            if (!run_until(peers_ended, plan_patience_us()) ||
                !run_until(sessions_ended, plan_patience_us())) {
                sim_fail("I8", "a client of the quiet end waits for ever");
            }
        }
    }
}

/* Whoever hears that it is over asks for the next one at once. */
static void hurried_reload(enum change_kind kind)
{
    reload_ask(kind);
    if (!run_until(reloads_ended, plan_patience_us())) {
        sim_fail("I8", "a reload of the quiet end is never answered");
    }
}

static void quiet_reload(enum change_kind kind)
{
    hurried_reload(kind);
    if (!run_until(check_one_generation, plan_patience_us())) {
        sim_fail("N4", "%u generations are in use, and nobody uses the older ones", check_generations());
    }
    (void)run_until(never, 1000 * 1000);
    listening_check_exactly();
}

/* Nothing is under way and nobody is there: what is left of earlier configurations must go, and a reload that changes nothing must
 * cost nothing. The last one may change anything; the probes come after it. */
static void phase_quiet_reloads(void)
{
    if (!run_until(check_one_generation, plan_patience_us())) {
        sim_fail("N4", "%u generations are in use, and nobody uses the older ones", check_generations());
    }
    listening_check_exactly();
    quiet_reload(CHANGE_SAME);
    uint64_t blocks = sim_memory.blocks;
    quiet_reload(CHANGE_SAME);
    if (sim_memory.blocks > blocks) {
        sim_fail("N4", "a reload that changed nothing left %llu blocks of memory",
                 (unsigned long long)(sim_memory.blocks - blocks));
    }
    hurried_reload(CHANGE_REMOVE);
    quiet_reload(CHANGE_BACK);
    quiet_reload(CHANGE_ANY);
}

static const struct sim_peer *waning;

static bool waned(void)
{
    return waning->outcome != PEER_ACTIVE || waning->sent + 1 >= waning->plan.send_bytes;
}

/* Somebody who sends much and then hardly anything. */
static void phase_wane(void)
{
    waning = stock_send_waning();
    if (waning == NULL) {
        return;
    }
    if (!run_until(waned, plan_patience_us())) {
        sim_fail("I8", "a client of the quiet end waits for ever");
    }
    stock_check_waned(waning);
    if (!run_until(peers_ended, plan_patience_us()) || !run_until(sessions_ended, plan_patience_us())) {
        sim_fail("I8", "a client of the quiet end waits for ever");
    }
}

static void phase_probe(void)
{
    /* Names that failed are asked for again, listeners that paused go on. */
    (void)run_until(never, 70ULL * 1000 * 1000);
    sim_check_accepts(ACCEPTS_POSTED);
    stock_check_idle();
    phase_wane();
    if (sim_plan.reloads > 0) {
        phase_quiet_reloads();
        phase_probe_each();
    } else {
        for (uint32_t i = 0; i < sim_plan.setup.listeners_count; i++) {
            host_probe(&sim_plan.setup.listeners[i], &sim_plan.setup.listeners[i].listens[0]);
        }
    }
    if (sim_plan.setup.admin) {
        admin_client_add(0, true);
    }
    if (!run_until(peers_ended, plan_patience_us()) || !run_until(sessions_ended, plan_patience_us())) {
        sim_fail("I8", "a client of the quiet end waits for ever");
    }
}

/* The stop of a server whose configuration has changed meets somebody whom it has to wait for. */
static void phase_linger(void)
{
    if (sim_plan.reloads == 0 || sim_plan.clean || host.state != DAEMON_SERVING || host.stops > 0) {
        return;
    }
    host_send_lingerer();
    (void)run_until(never, 100 * 1000);
}

static void phase_stop(void)
{
    phase_linger();
    if (host.stops == 0 && host.state == DAEMON_SERVING) {
        host_stop();
    }
    if (!run_until(stopped, plan_patience_us())) {
        sim_fail("N6", "it does not stop: state %d", (int)host.state);
    }
    if (!run_until(everybody_ended, plan_patience_us())) {
        sim_fail("I7", "%u clients and %u servers are still connected to a server that has stopped",
                 crowd.clients_active, crowd.servers_active);
    }
}

/* N6: within the drain deadline, N7: at once after a second stop; both with what closing takes under faults. A file that is being read
 * cannot be left alone: whoever reads it will answer. */
static void check_stop_time(void)
{
    uint64_t grace_us = 40ULL * 1000 * 1000 + 8ULL * sim_faults.slow_us;
    if (sim_fault_happened(SIM_FAULT_PREEMPT_ANYWHERE) > 0) {
        grace_us *= 10; /* workers that are interrupted at every block, each time for long */
    }
    uint64_t asked_us = host.stop_us[1] > reload_answered_us() ? host.stop_us[1] : reload_answered_us();
    uint64_t again_us = host.stop_us[2] > reload_answered_us() ? host.stop_us[2] : reload_answered_us();
    if (host.stops > 0 && host.stopped_us > asked_us + host.drain_max_ms * 1000 + grace_us) {
        sim_fail("N6", "stopped %llu ms after it was asked to, with %llu ms to drain",
                 (unsigned long long)(host.stopped_us - asked_us) / 1000,
                 (unsigned long long)host.drain_max_ms);
    }
    if (host.stops == 1 && !sim_plan.leaps && daemon_outcome(host.daemon) == DAEMON_CUT &&
        host.stopped_us < host.stop_us[1] + host.drain_min_ms * 1000) {
        sim_fail("N6", "sessions were cut after %llu ms, with %llu ms to drain",
                 (unsigned long long)(host.stopped_us - host.stop_us[1]) / 1000,
                 (unsigned long long)host.drain_min_ms);
    }
    if (host.stops > 1 && host.stopped_us > again_us + grace_us) {
        sim_fail("N7", "stopped %llu ms after the second stop",
                 (unsigned long long)(host.stopped_us - again_us) / 1000);
    }
}

/* N6: a server that has no session left does not wait for anything else but what is under way in the system. */
static void check_stop_waits_for_nothing(void)
{
    uint64_t most_us = 500ULL * 1000 + 8ULL * sim_faults.slow_us;
    bool reading = reload_answered_us() > host.stop_us[1] || sim_fault_happened(SIM_FAULT_NAME_SLOW) > 0;
    if (empty_us != 0 && !reading && host.stopped_us > empty_us + most_us) {
        sim_fail("N6", "stopped %llu ms after the last session ended",
                 (unsigned long long)(host.stopped_us - empty_us) / 1000);
    }
}

static void check_outcome(bool served)
{
    enum daemon_outcome outcome = daemon_outcome(host.daemon);
    uint64_t cut = served ? check_total(STATS_LISTENER, STAT_CLOSED_STOPPED,
                                        (enum stats_counter)(STAT_CLOSED_STOPPED + 1))
                          : 0;
    if (!served) {
        if (sim_plan.clean || (outcome != DAEMON_FAILED && host.stops == 0)) {
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
    if (host.state == DAEMON_SERVING) {
        served = true;
        stock_begin();
        host_schedule_clients();
        (void)run_until(peers_ended, sim_plan.chaos_us);
    }
    phase_calm();
    if (host.state == DAEMON_SERVING && host.stops == 0) {
        sim_plan.stop_step = 0; /* too late now: it would disturb the probes */
        check_settled();
        phase_probe();
    }
    phase_stop();
    check_outcome(served);
    check_stop_time();
    check_stop_waits_for_nothing();
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
    if (sim_plan.reloads > 0) {
        reload_explain();
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
    crowd_begin(plan_server);
    admin_clients_begin();
    reload_begin();
    listening_begin();
    host_begin();
    host.config = setup_parse(&sim_plan.setup);
    if (sim.verbose) {
        char text[SETUP_TEXT_BYTES];
        (void)setup_write(&sim_plan.setup, text);
        fputs(text, stderr);
    }
}

void sim_run(uint64_t seed, enum sim_scenario scenario, const struct sim_failing *failing,
             struct sim_outcome *outcome)
{
    world_begin(seed, scenario);
    struct daemon_options options = {.config = host.config,
                                     .pid = 1,
                                     .random_seed = sim_random(),
                                     .changed = host_changed,
                                     .read = reload_read,
                                     .adopted = reload_adopted};
    sim_memory.allocations = 0;
    sim_memory.fail_at = failing->allocation;
    sim_memory.faults = true;
    sim_port.fail_at = failing->submission;
    if (failing->allocation != 0 || failing->submission != 0) {
        sim_plan.clean = false;
        sim_plan.tainted = true;
    }
    empty_us = 0;
    host.daemon = daemon_start(&options);
    sim_memory.faults = host.daemon != NULL;
    if (host.daemon != NULL) {
        check_watch(daemon_stats(host.daemon));
        sim.check = check_step;
        run_daemon();
        check_watch(NULL);
        reload_end();
        daemon_free(host.daemon);
    }
    sim_memory.faults = false;
    take_logs();
    sim_memory_check_empty();
    sim_faults_account();
    *outcome =
        (struct sim_outcome){sim.hash,   sim.step,         allocations_before_calm, submissions_before_calm,
                             sim.now_us, sim_plan.scenario};
    sim_end();
}
