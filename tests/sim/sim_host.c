#include "tests/sim/sim_host.h"

#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_admin.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_listening.h"
#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_reload.h"

#include <string.h>

struct sim_host host;

static uint32_t sleepers;

/* --- the daemon's host ------------------------------------------------------------------------------------------ */

/* A reload that is about to be applied may have brought its drain_timeout, or not yet. */
static void note_drain(void)
{
    const struct setup *next = reload_proposed();
    host.drain_min_ms = sim_plan.setup.drain_timeout_ms;
    host.drain_max_ms = host.drain_min_ms;
    if (next != NULL && next->drain_timeout_ms < host.drain_min_ms) {
        host.drain_min_ms = next->drain_timeout_ms;
    } else if (next != NULL) {
        host.drain_max_ms = next->drain_timeout_ms;
    }
}

void host_changed(void *context, enum daemon_state state)
{
    (void)context;
    sim_trace("daemon", (uint64_t)state, 0);
    if (state <= host.state) {
        sim_fail("N7", "the daemon went from state %d to %d", (int)host.state, (int)state);
    }
    host.state = state;
    if (state == DAEMON_DRAINING) {
        host.draining_us = sim.now_us;
        note_drain();
    }
    if (state == DAEMON_STOPPING) {
        check_cut();
    }
    if (state == DAEMON_STOPPED) {
        host.stopped_us = sim.now_us;
    }
    reload_state(state);
}

void host_stop(void)
{
    sim_trace("stop", host.stops, 0);
    host.stops++;
    host.stop_us[host.stops] = sim.now_us;
    daemon_stop(host.daemon);
}

static bool stop_is_due(void)
{
    if (sim_plan.stop_step == 0 || host.stops > 0) {
        return false;
    }
    bool sockets = sim_plan.stop_sockets != 0 && sim_port.opened >= sim_plan.stop_sockets;
    bool reload =
        sim_plan.stop_reload != 0 && reload_steps_since(sim_plan.stop_reload) >= sim_plan.stop_reload_steps;
    return sim.step >= sim_plan.stop_step || sockets || reload;
}

void host_act(void)
{
    if (stop_is_due()) {
        host.stopped_early = true;
        sim_plan.stop_step = sim.step;
        host_stop();
    }
    if (host.stops == 1 && host.stopped_early && sim_plan.second_stop_steps != 0 &&
        sim.step >= sim_plan.stop_step + sim_plan.second_stop_steps) {
        host_stop();
    }
    if (sim_plan.reloads > 0) {
        reload_act();
    }
}

/* --- the world -------------------------------------------------------------------------------------------------- */

static uint32_t answer_names(const char *name, struct address *addresses)
{
    if (strcmp(name, "here.example") == 0) {
        addresses[0] = setup_loopback(1, 0);
        return 1;
    }
    if (name[0] != 'u' || name[1] < '0' || name[1] >= '0' + (char)sim_plan.farms_count) {
        return 0;
    }
    const struct plan_farm *farm = &sim_plan.farms[name[1] - '0'];
    memcpy(addresses, farm->addresses, farm->addresses_count * sizeof addresses[0]);
    return farm->addresses_count;
}

static void farm_comes(uint32_t group)
{
    struct plan_farm *farm = &sim_plan.farms[group];
    for (uint32_t i = 0; i < farm->addresses_count; i++) {
        if (!net_address_taken(&farm->addresses[i]) && !crowd_listen(group, &farm->addresses[i])) {
            sim_fail("HARNESS", "no listener for farm %u", group);
        }
    }
    farm->up = true;
}

static void farm_switches(void *object, uint64_t group)
{
    struct plan_farm *farm = &sim_plan.farms[group];
    (void)object;
    if (sim_faults.calm) {
        return;
    }
    if (farm->up) {
        crowd_stop_listening((uint32_t)group);
        farm->up = false;
    } else {
        farm_comes((uint32_t)group);
    }
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

static void nobody_arrives(void *user, struct net_listener *listener)
{
    (void)user;
    (void)listener;
}

/* Another program has the address that bad configurations ask for. */
static void take_address(void)
{
    struct address address = sim_plan.farms[0].addresses[0];
    address.port = SETUP_TAKEN_PORT;
    (void)net_listen(&address, 1, nobody_arrives, NULL);
}

void host_begin(void)
{
    memset(&host, 0, sizeof host);
    sleepers = 0;
    sim_set_names(answer_names);
    for (uint32_t i = 0; i < sim_plan.farms_count; i++) {
        if (sim_plan.farms[i].up) {
            farm_comes(i);
        }
        if (sim_plan.farms[i].switch_us != 0) {
            sim_at(sim_plan.farms[i].switch_us, SIM_LABEL_HOST, farm_switches, NULL, i);
        }
    }
    if (sim_plan.reloads > 0) {
        take_address();
    }
    schedule_clocks();
}

void host_raise_farms(void)
{
    for (uint32_t i = 0; i < sim_plan.farms_count; i++) {
        farm_comes(i);
    }
}

/* --- clients ---------------------------------------------------------------------------------------------------- */

/* Most clients of a clean world come to the address that every setup has; the others may find that theirs has gone. */
static struct address draw_place(void)
{
    uint32_t places = sim_plan.clean ? 4 : 2;
    if (sim_below(places) != 0) {
        return setup_place(0);
    }
    return setup_place(sim_below(sim_below(2) == 0 ? 3 : SETUP_PLACES));
}

static void unsure_client_comes(const struct address *from)
{
    struct peer_plan plan;
    struct address to = draw_place();
    plan_client(&plan, true);
    struct sim_peer *peer = crowd_add_unsure_client(&plan);
    peer->may_fail = to.port != SETUP_PORT;
    peer_connect(peer, from, &to);
}

static void client_comes(void *object, uint64_t index)
{
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 1, 0}};
    (void)object;
    (void)index;
    host.clients_to_come--;
    from.bytes[3] = (uint8_t)sim_between(1, 4);
    if (sim_plan.reloads > 0) {
        unsure_client_comes(&from);
        return;
    }
    const struct setup *setup = &sim_plan.setup;
    const struct setup_listener *listener = &setup->listeners[sim_below(setup->listeners_count)];
    struct peer_plan plan;
    plan_client(&plan, listener->echo);
    struct sim_peer *peer = crowd_add_client(setup_farm(setup, listener), listener->echo, &plan);
    peer_connect(peer, &from, &listener->listens[0].address);
}

void host_send_sleeper(void)
{
    enum { ON_THE_WAY_US = 20000, LATE_US = 3000 * 1000, QUIET_US = 200 * 1000 };
    struct address to = setup_place(0);
    const struct setup_listener *listener = setup_at(&sim_plan.setup, &to);
    uint32_t first_ms = listener->idle_timeout_ms < listener->half_close_timeout_ms
                            ? listener->idle_timeout_ms
                            : listener->half_close_timeout_ms;
    struct peer_plan plan = {.stubborn = true,
                             .read_bytes = 16384,
                             .chunk_bytes = 1,
                             .abort_after = UINT64_MAX};
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 1, 5}};
    from.bytes[3] = (uint8_t)(5 + sleepers++);
    struct sim_peer *peer = crowd_add_client(setup_farm(&sim_plan.setup, listener), listener->echo, &plan);
    peer->not_before_us = (uint64_t)first_ms * 1000 - ON_THE_WAY_US;
    if (listener->echo) { /* nobody else sends on its connection */
        peer->not_after_us = (uint64_t)listener->idle_timeout_ms * 1000 + LATE_US;
    }
    crowd.sleepers++;
    host.quiet_until_us = sim.now_us + QUIET_US;
    peer_connect(peer, &from, &to);
}

void host_send_lingerer(void)
{
    struct address to = setup_place(0);
    const struct setup_listener *listener = setup_at(&sim_plan.setup, &to);
    struct peer_plan plan = {.stubborn = true,
                             .send_bytes = 1,
                             .chunk_bytes = 1,
                             .read_bytes = 16384,
                             .abort_after = UINT64_MAX,
                             .pause_at = UINT64_MAX};
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 2, 3}};
    struct sim_peer *peer = crowd_add_client(setup_farm(&sim_plan.setup, listener), listener->echo, &plan);
    peer_connect(peer, &from, &to);
}

void host_schedule_clients(void)
{
    host.clients_to_come = sim_plan.clients_count;
    for (uint32_t i = 0; i < sim_plan.clients_count; i++) {
        sim_at(sim_random() % sim_plan.clients_within_us, SIM_LABEL_HOST, client_comes, NULL, i);
    }
    if (sim_plan.timed && !sim_plan.tainted && sim_below(2) == 0 && !reload_is_busy() &&
        reload_proposed() == NULL) {
        host_send_sleeper();
    }
    for (uint32_t i = 0; i < sim_plan.admin_clients; i++) {
        admin_client_add(sim_random() % (sim_plan.clients_within_us + 1000), sim_plan.clean);
    }
}

void host_probe(const struct setup_listener *listener, const struct setup_listen *listen)
{
    struct peer_plan plan = {.send_bytes = 300,
                             .chunk_bytes = 100,
                             .read_bytes = 100,
                             .abort_after = UINT64_MAX,
                             .pause_at = UINT64_MAX};
    struct address from = {ADDRESS_V4, 0, 0, 0, {127, 0, 2, 1}};
    struct address to = listen->address.port == 0 ? listening_chosen_address() : listen->address;
    struct sim_peer *peer = crowd_add_client(setup_farm(&sim_plan.setup, listener), listener->echo, &plan);
    peer->probe = true;
    peer_connect(peer, &from, &to);
}
