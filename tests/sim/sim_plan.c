#include "tests/sim/sim_plan.h"

#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <stdio.h>
#include <string.h>

struct sim_plan sim_plan;
uint32_t plan_clients_max;

static const char *const names[SCENARIO_COUNT] = {"clean", "echo",  "proxy",  "mixed", "connect", "limits",
                                                  "stop",  "admin", "resets", "timed", "hangs"};

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

/* --- the peers ------------------------------------------------------------------------------------------------ */

static uint64_t draw_bytes(void)
{
    switch (sim_below(8)) {
    case 0:
        return 0;
    case 1:
        return sim_between(1, 8);
    case 2:
    case 3:
        return sim_between(1, 300);
    default:
        return 1 + sim_random() % sim_plan.bytes_max;
    }
}

static void plan_peer(struct peer_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->send_bytes = draw_bytes();
    plan->chunk_bytes = one_in(8) ? 1 : one_in(2) ? sim_between(1, 300) : 16384;
    if (plan->chunk_bytes == 1 && plan->send_bytes > 200) {
        plan->send_bytes = sim_between(1, 200);
    }
    plan->read_bytes = one_in(8) ? sim_between(1, 64) : 16384;
    plan->think_us = one_in(2) ? 1 : 1U << sim_below(17);
    plan->abort_after = UINT64_MAX;
    plan->window_bytes = sim_between(1, 2000);
    plan->pause_at = UINT64_MAX;
    if (one_in(4)) {
        plan->pause_at = 1 + plan->send_bytes / 2;
        plan->pause_us = sim_delay(20ULL * 1000 * 1000);
    }
    if (one_in(6)) {
        plan->read_from_us = sim.now_us + sim_delay(20ULL * 1000 * 1000);
    }
    plan->pace = one_in(5) ? PEER_LOCKSTEP : PEER_FREE;
    plan->ending = PEER_FIN_WHEN_SENT;
}

/* Whether something ends every session of which one side never sends FIN. Only clients rely on the deadline for
 * half-closed sessions, because two who both wait never half-close theirs. */
static bool stubborn_end(bool client)
{
    for (uint32_t i = 0; i < sim_plan.listeners_count; i++) {
        const struct plan_listener *listener = &sim_plan.listeners[i];
        bool half_closed = client && listener->half_close_timeout_ms > 0 && !listener->echo;
        if (listener->idle_timeout_ms == 0 && listener->lifetime_ms == 0 && !half_closed &&
            sim_plan.stop_step == 0) {
            return false;
        }
    }
    return true;
}

/* Nothing keeps it from taking what it is given. */
static void plan_eagerly(struct peer_plan *plan)
{
    plan->chunk_bytes = 16384;
    plan->read_bytes = 16384;
    plan->think_us = 0;
    plan->read_from_us = 0;
    plan->pause_at = UINT64_MAX;
    plan->pace = PEER_FREE;
    plan->ending = PEER_FIN_WHEN_SENT;
}

static void plan_break(struct peer_plan *plan)
{
    plan->read_from_us = 0;
    plan->pace = PEER_FREE;
    plan->abort_after = sim_random() % (plan->send_bytes + 1);
    plan->abort_by_reset = one_in(2);
}

/* Sends less than the server reads ahead, waits, and resets. */
static void plan_impatient(struct peer_plan *plan)
{
    plan_eagerly(plan);
    plan->send_bytes = 1 + plan->send_bytes % (sim_plan.buffer_bytes > 1 ? sim_plan.buffer_bytes - 1 : 1);
    plan->pause_at = plan->send_bytes / 2 + 1;
    plan->pause_us = sim_below(1000 * 1000);
    plan->ending = PEER_RESETS;
}

static void plan_reset_peer(struct peer_plan *plan, bool breaks)
{
    if (breaks) {
        plan_break(plan);
    } else {
        plan_eagerly(plan);
    }
}

/* No pause is as long as the shortest deadline of a timed world, but all together may be longer. */
static void plan_timely(struct peer_plan *plan, bool client, bool echo)
{
    plan->pause_us = plan->pause_us % (2000 * 1000);
    plan->read_from_us = one_in(2) ? 0 : sim.now_us + sim_below(2000 * 1000);
    plan->think_us = one_in(2) ? 1000 : 2000 * 1000;
    plan->chunk_bytes = (uint32_t)(plan->send_bytes / 60) + 1;
    plan->read_bytes =
        16384; /* a send that drips into a full buffer completes late: that is silence to the server */
    plan->ending = PEER_FIN_WHEN_SENT;
    plan->pace = PEER_FREE;
    if (sim_plan.asks && !echo) {
        /* The server answers a byte for a byte; the client has no reason to send more before it has the answer. */
        plan->send_bytes = client ? plan->send_bytes + 4 : sim_between(1, 4);
        plan->ending = client ? PEER_FIN_LAST : PEER_FIN_WHEN_SENT;
        plan->pace = client ? PEER_FREE : PEER_LOCKSTEP;
        plan->window_bytes = 0;
    }
}

static void plan_badly(struct peer_plan *plan, bool client)
{
    if (one_in(sim_plan.lingering ? 2 : 8) && stubborn_end(client)) {
        plan->stubborn = true;
    } else if (one_in(6)) {
        plan->abort_after = sim_random() % (2 * plan->send_bytes + 1);
        plan->abort_by_reset = one_in(2);
    } else if (one_in(6)) {
        plan->ending = one_in(2) ? PEER_CLOSES : PEER_RESETS;
    } else if (one_in(10)) {
        plan->read_from_us = UINT64_MAX;
    }
}

void plan_client(struct peer_plan *plan, bool echo)
{
    plan_peer(plan);
    if (!echo && one_in(6)) {
        plan->ending = PEER_FIN_LAST;
    }
    if (sim_plan.scenario == SCENARIO_RESETS) {
        plan_reset_peer(plan, !sim_plan.servers_break);
    } else if (sim_plan.scenario == SCENARIO_HANGS) {
        plan_impatient(plan);
    } else if (sim_plan.scenario == SCENARIO_TIMED) {
        plan_timely(plan, true, echo);
    } else if (!sim_plan.clean) {
        plan_badly(plan, true);
    }
}

void plan_server(struct peer_plan *plan, uint32_t group)
{
    (void)group;
    plan_peer(plan);
    if (one_in(4)) {
        plan->pace = PEER_ANSWERS;
    }
    if (one_in(6)) {
        plan->ending = PEER_FIN_LAST;
    }
    if (sim_plan.scenario == SCENARIO_RESETS) {
        plan_reset_peer(plan, sim_plan.servers_break && !sim_faults.calm);
    } else if (sim_plan.scenario == SCENARIO_TIMED) {
        plan_timely(plan, false, false);
    } else if (!sim_plan.clean && !sim_faults.calm) {
        plan_badly(plan, false);
    }
}

/* --- the configuration ---------------------------------------------------------------------------------------- */

static struct address loopback(uint8_t last, uint16_t port)
{
    struct address address = {ADDRESS_V4, 0, 0, 0, {127, 0, 0, 0}};
    address.bytes[3] = last;
    address.port = port;
    return address;
}

static uint32_t draw_timeout_ms(uint32_t low, uint32_t high)
{
    return one_in(4) ? 0 : sim_between(low, high);
}

static void plan_listener(struct plan_listener *listener, uint32_t index)
{
    enum sim_scenario scenario = sim_plan.scenario;
    listener->address = loopback(1, (uint16_t)(7000 + index));
    listener->echo =
        scenario == SCENARIO_ECHO || (scenario != SCENARIO_PROXY && scenario != SCENARIO_CONNECT &&
                                      scenario != SCENARIO_RESETS && scenario != SCENARIO_HANGS && one_in(2));
    listener->group = sim_below(sim_plan.upstreams_count);
    if (scenario == SCENARIO_LIMITS || one_in(8)) {
        listener->sessions_max = one_in(2) ? 0 : sim_between(1, 6);
        listener->sessions_per_ip_max = one_in(2) ? 0 : sim_between(1, 3);
    }
    listener->idle_timeout_ms = draw_timeout_ms(200, 20000);
    listener->half_close_timeout_ms = draw_timeout_ms(200, 10000);
    listener->lifetime_ms = one_in(6) ? sim_between(500, 20000) : 0;
    if (sim_faults.rates[SIM_FAULT_SILENCE] != 0 && listener->idle_timeout_ms == 0) {
        listener->idle_timeout_ms = 5000; /* nothing else would ever end a session whose peers are gone */
    }
    if (sim_plan.clean || scenario == SCENARIO_RESETS || scenario == SCENARIO_HANGS) {
        listener->sessions_max = 0;
        listener->sessions_per_ip_max = 0;
        listener->idle_timeout_ms = 0;
        listener->half_close_timeout_ms = 0;
        listener->lifetime_ms = 0;
    }
    if (scenario == SCENARIO_TIMED) {
        listener->idle_timeout_ms = sim_between(8000, 12000);
        listener->half_close_timeout_ms = sim_between(8000, 12000);
    }
}

static void plan_upstream(struct plan_upstream *upstream, uint32_t index)
{
    upstream->named = one_in(3);
    upstream->addresses_count = upstream->named ? sim_between(1, CROWD_ADDRESSES_MAX) : 1;
    for (uint32_t i = 0; i < upstream->addresses_count; i++) {
        upstream->addresses[i] = loopback((uint8_t)(10 * (index + 1) + i), 9000);
    }
    upstream->up = true;
    upstream->connect_timeout_ms = sim_between(50, 5000);
    upstream->retries = sim_below(5);
    upstream->resolve_interval_ms = one_in(3) ? 0 : sim_between(100, 30000);
    if (sim_plan.scenario == SCENARIO_LIMITS && one_in(2)) {
        upstream->sessions_max = sim_between(1, 4);
    }
    if (sim_plan.scenario == SCENARIO_CONNECT || one_in(10)) {
        upstream->up = one_in(2);
        upstream->switch_us = one_in(2) ? 0 : 1 + sim_delay(10ULL * 1000 * 1000);
    }
    if (sim_plan.scenario == SCENARIO_HANGS) {
        upstream->connect_timeout_ms = 5000;
        upstream->retries = 4;
        upstream->sessions_max = 0;
    }
    if (sim_plan.clean || sim_plan.scenario == SCENARIO_RESETS) {
        upstream->up = true;
        upstream->switch_us = 0;
        upstream->connect_timeout_ms = 60000;
        upstream->retries = 50; /* clients may come before the name was resolved */
        upstream->sessions_max = 0;
    }
}

static void append(const char *format, ...) PRINTF_LIKE(1, 2);

#include <stdarg.h>

static void append(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(sim_plan.config + sim_plan.config_bytes, PLAN_CONFIG_BYTES - sim_plan.config_bytes,
                           format, arguments);
    va_end(arguments);
    sim_plan.config_bytes += (size_t)length;
    if (sim_plan.config_bytes >= PLAN_CONFIG_BYTES) {
        sim_fail("HARNESS", "the configuration is too long");
    }
}

static void append_limit(const char *key, uint32_t value)
{
    if (value > 0) {
        append("%s=%u\n", key, value);
    }
}

static void write_config(void)
{
    sim_plan.config_bytes = 0;
    append("[server]\nworkers=%u\nmax_sessions=%u\ndrain_timeout=%ums\nlog_level=debug\n[stats]\nlisten=%s\n",
           sim_plan.workers, sim_plan.sessions_max, sim_plan.drain_timeout_ms,
           sim_plan.admin ? "127.0.0.1:8404" : "off");
    for (uint32_t i = 0; i < sim_plan.upstreams_count; i++) {
        const struct plan_upstream *upstream = &sim_plan.upstreams[i];
        append("[upstream u%u]\nserver=s%u ", i, i);
        if (upstream->named) {
            append("u%u.example:9000", i);
        } else {
            append("127.0.0.%u:9000", upstream->addresses[0].bytes[3]);
        }
        if (upstream->sessions_max > 0) {
            append(" max_sessions=%u", upstream->sessions_max);
        }
        append("\nconnect_timeout=%ums\nretries=%u\nresolve_interval=%ums\n", upstream->connect_timeout_ms,
               upstream->retries, upstream->resolve_interval_ms);
    }
    for (uint32_t i = 0; i < sim_plan.listeners_count; i++) {
        const struct plan_listener *listener = &sim_plan.listeners[i];
        append("[listener l%u]\nlisten=127.0.0.1:%u\n", i, listener->address.port);
        if (listener->echo) {
            append("mode=echo\n");
        } else {
            append("mode=proxy\nupstream=u%u\n", listener->group);
        }
        append_limit("max_sessions", listener->sessions_max);
        append_limit("max_sessions_per_ip", listener->sessions_per_ip_max);
        append("idle_timeout=%ums\nhalf_close_timeout=%ums\n", listener->idle_timeout_ms,
               listener->half_close_timeout_ms);
        if (listener->lifetime_ms > 0) {
            append("max_lifetime=%ums\n", listener->lifetime_ms);
        }
    }
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
    sim_plan.workers = sim_between(2, 4);
    sim_plan.second_stop_steps = 1 + sim_below(60);
    sim_plan.lingering = true;
}

static void plan_stops(void)
{
    if (sim_plan.scenario == SCENARIO_STOP || (!sim_plan.clean && sim_plan.scenario != SCENARIO_RESETS &&
                                               sim_plan.scenario != SCENARIO_HANGS && one_in(8))) {
        sim_plan.stop_step = 1 + (one_in(4) ? sim_below(300) : sim_below(4000));
        if (one_in(3)) {
            stop_in_between();
        } else if (one_in(3)) {
            sim_plan.drain_timeout_ms = 600000; /* only the clients or a second stop end it */
            sim_plan.second_stop_steps = 1 + sim_below(500);
        } else if (one_in(2)) {
            sim_plan.second_stop_steps = 1 + (one_in(2) ? sim_below(20) : sim_below(2000));
        }
    }
}

void plan_draw(enum sim_scenario scenario)
{
    memset(&sim_plan, 0, sizeof sim_plan);
    uint32_t any = sim_below(SCENARIO_COUNT);
    sim_plan.scenario = scenario == SCENARIO_COUNT ? (enum sim_scenario)any : scenario;
    sim_plan.clean = sim_plan.scenario == SCENARIO_CLEAN;
    if (sim_plan.scenario == SCENARIO_TIMED) {
        sim_plan.clean = true;
    }
    if (sim_plan.clean || sim_plan.scenario == SCENARIO_RESETS) {
        keep_only_delays();
    }
    if (sim_plan.scenario == SCENARIO_RESETS || sim_plan.scenario == SCENARIO_TIMED) {
        keep_quick();
    } else if (sim_plan.scenario == SCENARIO_HANGS) {
        keep_only_delays();
        keep_only_hanging();
    }
    sim_plan.servers_break = one_in(2);
    sim_plan.asks = one_in(2);
    sim_plan.workers = sim_between(1, 4);
    sim_plan.buffer_bytes = one_in(4) ? sim_between(1, 64) : sim_between(64, 20000);
    if (sim_plan.scenario == SCENARIO_TIMED) {
        /* One buffer fits into the systems' at once; else a send completes only after many reads of a slow peer. */
        sim_plan.buffer_bytes = sim_between(64, 2000);
        sim_faults.buffer_min_bytes = 2048;
        sim_faults.buffer_max_bytes = 8192;
    }
    if (sim_plan.scenario == SCENARIO_HANGS && sim_plan.buffer_bytes < 16) {
        sim_plan.buffer_bytes = 16; /* a full buffer reads no further, and sees no reset */
    }
    sim_plan.bytes_max = one_in(16) ? 100000 : one_in(3) ? 10000 : 1500;
    if (sim_plan.buffer_bytes < 64 || sim_faults.buffer_max_bytes < 64) {
        sim_plan.bytes_max = 500; /* a byte at a time is slow enough */
    }
    sim_plan.sessions_max = sim_plan.scenario == SCENARIO_LIMITS && one_in(2) ? sim_between(1, 8) : 1000;
    sim_plan.drain_timeout_ms = one_in(5) ? 0 : sim_between(1, 20000);
    sim_plan.upstreams_count = sim_between(1, CROWD_UPSTREAMS_MAX);
    sim_plan.listeners_count = sim_plan.scenario == SCENARIO_MIXED ? sim_between(1, PLAN_LISTENERS_MAX) : 1;
    for (uint32_t i = 0; i < sim_plan.upstreams_count; i++) {
        plan_upstream(&sim_plan.upstreams[i], i);
    }
    for (uint32_t i = 0; i < sim_plan.listeners_count; i++) {
        plan_listener(&sim_plan.listeners[i], i);
    }
    sim_plan.clients_count = one_in(6) ? sim_between(8, PLAN_CLIENTS_MAX) : sim_between(1, 6);
    if (sim_plan.clients_count > 8) {
        sim_plan.bytes_max = 400;
    }
    sim_plan.clients_within_us = one_in(2) ? 1 + sim_delay(1000) : 1 + sim_delay(5ULL * 1000 * 1000);
    sim_plan.admin = sim_plan.scenario == SCENARIO_ADMIN || one_in(2);
    sim_plan.admin_clients = !sim_plan.admin                       ? 0
                             : sim_plan.scenario == SCENARIO_ADMIN ? sim_between(1, 6)
                             : one_in(4)                           ? 1
                                                                   : 0;
    sim_plan.chaos_us = 30ULL * 1000 * 1000 + sim_delay(60ULL * 1000 * 1000);
    if (plan_clients_max != 0 && sim_plan.clients_count > plan_clients_max) {
        sim_plan.clients_count = plan_clients_max;
    }
    plan_stops();
    write_config();
}

uint64_t plan_patience_us(void)
{
    uint64_t ms = 60000 + sim_plan.drain_timeout_ms;
    for (uint32_t i = 0; i < sim_plan.listeners_count; i++) {
        ms += sim_plan.listeners[i].idle_timeout_ms + sim_plan.listeners[i].half_close_timeout_ms;
    }
    for (uint32_t i = 0; i < sim_plan.upstreams_count; i++) {
        ms +=
            (uint64_t)(sim_plan.upstreams[i].connect_timeout_ms + 250) * (sim_plan.upstreams[i].retries + 1);
    }
    return ms * 1000 + 8ULL * sim_faults.slow_us;
}
