#include "tests/sim/sim_plan.h"

#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

struct sim_plan sim_plan;
uint32_t plan_clients_max;

static const char *const names[SCENARIO_COUNT] = {"clean",  "echo",   "proxy",        "mixed",      "connect",
                                                  "limits", "stop",   "admin",        "resets",     "timed",
                                                  "hangs",  "reload", "reload-clean", "reload-stop"};

const char *scenario_name(enum sim_scenario scenario)
{
    return names[scenario];
}

enum sim_scenario scenario_from_name(const char *name)
{
    int scenario = 0;
    while (scenario < SCENARIO_COUNT && strcmp(names[scenario], name) != 0) {
        scenario++;
    }
    return (enum sim_scenario)scenario;
}

/* --- faults that a scenario leaves out ------------------------------------------------------------------------ */

/* A world that must be perfect knows delays of every kind, but nothing that breaks a connection or refuses one. */
static void keep_only_delays(void)
{
    static const enum sim_fault kept[] = {SIM_FAULT_IMMEDIATE,        SIM_FAULT_SLOW_COMPLETION,
                                          SIM_FAULT_SLOW_NETWORK,     SIM_FAULT_STALL,
                                          SIM_FAULT_SLOW_WORKER,      SIM_FAULT_PREEMPT,
                                          SIM_FAULT_PREEMPT_ANYWHERE, SIM_FAULT_PARTIAL_RECEIVE,
                                          SIM_FAULT_PARTIAL_SEND,     SIM_FAULT_EARLY_WAIT,
                                          SIM_FAULT_RESET_DISCARDS,   SIM_FAULT_CANCEL_SLOW,
                                          SIM_FAULT_CONNECT_SLOW};
    uint32_t rates[SIM_FAULT_COUNT] = {0};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        rates[kept[i]] = sim_faults.rates[kept[i]];
    }
    memcpy(sim_faults.rates, rates, sizeof rates);
    sim_faults.handles_max = 0;
}

/* And one in which nothing may take long: only what changes the order. */
static void keep_quick(void)
{
    static const enum sim_fault dropped[] = {SIM_FAULT_SLOW_COMPLETION, SIM_FAULT_SLOW_NETWORK,
                                             SIM_FAULT_STALL, SIM_FAULT_SLOW_WORKER, SIM_FAULT_CANCEL_SLOW};
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++) {
        sim_faults.rates[dropped[i]] = 0;
    }
    sim_faults.network_us = sim_faults.network_us > 4000 ? 4000 : sim_faults.network_us;
    sim_faults.buffer_max_bytes = sim_faults.buffer_max_bytes < 200 ? 200 : sim_faults.buffer_max_bytes;
    sim_faults.buffer_min_bytes = sim_faults.buffer_min_bytes < 100 ? 100 : sim_faults.buffer_min_bytes;
}

/* Every connect hangs until it is given up, and nothing else goes wrong. */
static void keep_only_hanging(void)
{
    keep_quick();
    sim_faults.rates[SIM_FAULT_CONNECT_HANGS] = 65536;
    sim_faults.rates[SIM_FAULT_CONNECT_SLOW] = 0;
}

static bool one_in(uint32_t n)
{
    return sim_below(n) == 0;
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

/* A stop that meets workers in the middle of something. */
static void stop_in_between(void)
{
    sim_faults.rates[SIM_FAULT_PREEMPT] = sim_between(2000, 40000);
    sim_faults.rates[SIM_FAULT_SLOW_WORKER] = sim_below(16000);
    sim_faults.slow_us = 1000U << sim_below(6);
    sim_plan.clients_within_us = 1 + sim_delay(2000);
    sim_plan.stop_step = 2000;
    sim_plan.stop_sockets = sim_between(2, 12);
    sim_plan.setup.workers = sim_between(2, 4);
    sim_plan.second_stop_steps = 1 + sim_below(60);
    sim_plan.lingering = true;
}

/* A stop that meets a reload: some steps after the file begins to be read. */
static void stop_in_reload(void)
{
    sim_plan.stop_step = 6000; /* if none of them ever begins */
    sim_plan.stop_reload = sim_between(1, 2);
    sim_plan.stop_reload_steps = one_in(3) ? sim_below(8) : sim_below(150);
    sim_plan.lingering = one_in(2);
    if (one_in(2)) {
        sim_faults.rates[SIM_FAULT_PREEMPT] = sim_between(2000, 40000);
        sim_plan.setup.workers = sim_between(2, 4);
    }
    if (one_in(2)) {
        sim_plan.second_stop_steps = 1 + (one_in(2) ? sim_below(40) : sim_below(1000));
    }
}

static void plan_stops(void)
{
    bool never =
        sim_plan.clean || sim_plan.scenario == SCENARIO_RESETS || sim_plan.scenario == SCENARIO_HANGS;
    if (sim_plan.scenario == SCENARIO_RELOAD_STOP) {
        stop_in_reload();
    } else if (sim_plan.scenario == SCENARIO_STOP || (!never && one_in(8))) {
        sim_plan.stop_step = 1 + (one_in(4) ? sim_below(300) : sim_below(4000));
        if (one_in(3)) {
            stop_in_between();
        } else if (one_in(3)) {
            sim_plan.setup.drain_timeout_ms = 600000; /* only the clients or a second stop end it */
            sim_plan.second_stop_steps = 1 + sim_below(500);
        } else if (one_in(2)) {
            sim_plan.second_stop_steps = 1 + (one_in(2) ? sim_below(20) : sim_below(2000));
        }
    }
}

static bool is_reload(enum sim_scenario scenario)
{
    return scenario == SCENARIO_RELOAD || scenario == SCENARIO_RELOAD_CLEAN ||
           scenario == SCENARIO_RELOAD_STOP;
}

static void plan_reloads(void)
{
    if (!is_reload(sim_plan.scenario)) {
        return;
    }
    sim_plan.reloads = one_in(4) ? sim_between(1, PLAN_RELOADS_MAX) : sim_between(1, 3);
    sim_plan.idle_always = !sim_plan.clean && one_in(2); /* a clean world has none, also when it is tainted */
    sim_plan.harsh = sim_plan.clean && !sim_plan.timed && one_in(3);
    for (uint32_t i = 0; i < sim_plan.reloads; i++) {
        uint32_t within = one_in(8) ? 40 : one_in(2) ? 400 : 3000;
        sim_plan.reload_steps[i] =
            i > 0 && one_in(2) ? sim_plan.reload_steps[i - 1] + sim_below(200) : 1 + sim_below(within);
    }
}

static void plan_kind(enum sim_scenario scenario)
{
    uint32_t any = sim_below(SCENARIO_COUNT);
    sim_plan.scenario = scenario == SCENARIO_COUNT ? (enum sim_scenario)any : scenario;
    bool reload_clean = sim_plan.scenario == SCENARIO_RELOAD_CLEAN;
    sim_plan.timed = sim_plan.scenario == SCENARIO_TIMED || (reload_clean && one_in(3));
    sim_plan.clean = sim_plan.scenario == SCENARIO_CLEAN || sim_plan.timed || reload_clean;
    if (sim_plan.clean || sim_plan.scenario == SCENARIO_RESETS) {
        keep_only_delays();
    }
    if (sim_plan.scenario == SCENARIO_RESETS || sim_plan.timed) {
        keep_quick();
    } else if (sim_plan.scenario == SCENARIO_HANGS) {
        keep_only_delays();
        keep_only_hanging();
    }
    sim_plan.servers_break = one_in(2);
    sim_plan.asks = one_in(2) && !reload_clean;
}

static void plan_sizes(void)
{
    struct setup *setup = &sim_plan.setup;
    setup->workers = sim_between(1, 4);
    setup->buffer_bytes = one_in(4) ? sim_between(1, 64) : sim_between(64, 20000);
    if (sim_plan.timed) {
        /* One buffer fits into the systems' at once; else a send completes only after many reads of a slow peer. */
        setup->buffer_bytes = sim_between(64, 2000);
        sim_faults.buffer_min_bytes = 2048;
        sim_faults.buffer_max_bytes = 8192;
    }
    if (sim_plan.scenario == SCENARIO_HANGS && setup->buffer_bytes < 16) {
        setup->buffer_bytes = 16; /* a full buffer reads no further, and sees no reset */
    }
    sim_plan.bytes_max = one_in(16) ? 100000 : one_in(3) ? 10000 : 1500;
    if (setup->buffer_bytes < 64 || sim_faults.buffer_max_bytes < 64) {
        sim_plan.bytes_max = 500; /* a byte at a time is slow enough */
    }
    setup->sessions_max = sim_plan.scenario == SCENARIO_LIMITS && one_in(2) ? sim_between(1, 8) : 1000;
    setup->drain_timeout_ms = one_in(5) ? 0 : sim_between(1, 20000);
}

static void plan_farm(struct plan_farm *farm, uint32_t index)
{
    farm->addresses_count = sim_between(1, CROWD_ADDRESSES_MAX);
    for (uint32_t i = 0; i < farm->addresses_count; i++) {
        farm->addresses[i] = setup_loopback((uint8_t)(10 * (index + 1) + i), 9000);
    }
    farm->up = true;
    if (sim_plan.scenario == SCENARIO_CONNECT || one_in(10)) {
        farm->up = one_in(2);
        farm->switch_us = one_in(2) ? 0 : 1 + sim_delay(10ULL * 1000 * 1000);
    }
    if (sim_plan.clean || sim_plan.scenario == SCENARIO_RESETS) {
        farm->up = true;
        farm->switch_us = 0;
    }
}

static void plan_setup(void)
{
    struct setup *setup = &sim_plan.setup;
    bool several = sim_plan.scenario == SCENARIO_MIXED || sim_plan.reloads > 0;
    sim_plan.farms_count = sim_plan.reloads > 0 ? CROWD_GROUPS_MAX : sim_between(1, CROWD_GROUPS_MAX);
    setup->upstreams_count =
        sim_plan.reloads > 0 ? sim_between(1, SETUP_UPSTREAMS_MAX) : sim_plan.farms_count;
    setup->listeners_count = several ? sim_between(1, 3) : 1;
    for (uint32_t i = 0; i < sim_plan.farms_count; i++) {
        plan_farm(&sim_plan.farms[i], i);
    }
    for (uint32_t i = 0; i < setup->upstreams_count; i++) {
        setup->upstreams[i].farm = i;
        setup_draw_upstream(&setup->upstreams[i]);
    }
    for (uint32_t i = 0; i < setup->listeners_count; i++) {
        struct setup_listener *listener = &setup->listeners[i];
        listener->name = i;
        listener->listens_count = 1;
        listener->listens[0].address = setup_place(i);
        setup_draw_listener(listener);
        listener->upstream = sim_below(setup->upstreams_count);
    }
    setup->admin = sim_plan.scenario == SCENARIO_ADMIN || one_in(2);
    setup->token = sim_plan.reloads > 0 ? sim_below(SETUP_TOKENS) : 0;
}

static void plan_clients(void)
{
    sim_plan.clients_count = one_in(6) ? sim_between(8, PLAN_CLIENTS_MAX) : sim_between(1, 6);
    if (sim_plan.clients_count > 8) {
        sim_plan.bytes_max = 400;
    }
    sim_plan.clients_within_us = one_in(2) ? 1 + sim_delay(1000) : 1 + sim_delay(5ULL * 1000 * 1000);
    sim_plan.admin_clients = !sim_plan.setup.admin                  ? 0
                             : sim_plan.scenario == SCENARIO_ADMIN  ? sim_between(1, 6)
                             : one_in(sim_plan.reloads > 0 ? 2 : 4) ? 1 + sim_below(sim_plan.reloads + 1)
                                                                    : 0;
    sim_plan.chaos_us = 30ULL * 1000 * 1000 + sim_delay(60ULL * 1000 * 1000);
    if (plan_clients_max != 0 && sim_plan.clients_count > plan_clients_max) {
        sim_plan.clients_count = plan_clients_max;
    }
}

void plan_draw(enum sim_scenario scenario)
{
    memset(&sim_plan, 0, sizeof sim_plan);
    plan_kind(scenario);
    plan_reloads();
    plan_sizes();
    plan_setup();
    plan_clients();
    plan_stops();
    plan_note(&sim_plan.setup);
}

void plan_note(const struct setup *setup)
{
    uint64_t ms = 60000 + setup->drain_timeout_ms;
    for (uint32_t i = 0; i < setup->listeners_count; i++) {
        ms += setup->listeners[i].idle_timeout_ms + setup->listeners[i].half_close_timeout_ms;
    }
    for (uint32_t i = 0; i < setup->upstreams_count; i++) {
        const struct setup_upstream *upstream = &setup->upstreams[i];
        ms += (uint64_t)(upstream->connect_timeout_ms + 250) * (upstream->retries + 1);
        if (upstream->retries > sim_plan.retries_most[i]) {
            sim_plan.retries_most[i] = upstream->retries;
        }
    }
    sim_plan.patience_ms = ms > sim_plan.patience_ms ? ms : sim_plan.patience_ms;
}

uint64_t plan_patience_us(void)
{
    return sim_plan.patience_ms * 1000 + 8ULL * sim_faults.slow_us;
}
