#include "tests/sim/sim_plan.h"

#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <string.h>

static bool one_in(uint32_t n)
{
    return sim_below(n) == 0;
}

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
    if (sim_plan.reloads > 0) {
        return sim_plan.idle_always || sim_plan.stop_step != 0;
    }
    for (uint32_t i = 0; i < sim_plan.setup.listeners_count; i++) {
        const struct setup_listener *listener = &sim_plan.setup.listeners[i];
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
    plan->send_bytes =
        1 + plan->send_bytes % (sim_plan.setup.buffer_bytes > 1 ? sim_plan.setup.buffer_bytes - 1 : 1);
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
    } else if (sim_plan.timed) {
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
    } else if (sim_plan.timed) {
        plan_timely(plan, false, false);
    } else if (!sim_plan.clean && !sim_faults.calm) {
        plan_badly(plan, false);
    }
}
