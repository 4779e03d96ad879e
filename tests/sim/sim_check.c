#include "tests/sim/sim_check.h"

#include "stats/snapshot.h"
#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_memory.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_crowd.h"
#include "tests/sim/sim_history.h"
#include "tests/sim/sim_host.h"
#include "tests/sim/sim_listening.h"
#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_reload.h"

#include <string.h>

enum { SCOPES_MAX = 24 };

/* A gauge as it was when it was last looked at. */
struct limit_seen {
    const struct gauge *gauge;
    uint32_t current;
    uint32_t max;
};

static struct stats *watched;
static struct limit_seen server_seen;
static struct limit_seen limits_seen[SCOPES_MAX];
static uint64_t cut_us; /* until when the sessions that are cut must be gone; 0 = none is cut */

void check_watch(struct stats *stats)
{
    watched = stats;
    cut_us = 0;
    memset(&server_seen, 0, sizeof server_seen);
    memset(limits_seen, 0, sizeof limits_seen);
    history_begin();
}

void check_cut(void)
{
    /* A worker that is interrupted at every block, each time for long, has no deadline to keep. */
    cut_us = sim_fault_happened(SIM_FAULT_PREEMPT_ANYWHERE) > 0
                 ? 0
                 : sim.now_us + 2 * 1000 * 1000 + 8ULL * sim_faults.slow_us;
}

uint32_t check_active(void)
{
    return watched == NULL ? 0 : gauge_current(&watched->sessions);
}

static uint64_t scope_sum(const struct stats_scope *scope, enum stats_counter first, enum stats_counter end)
{
    uint64_t sum = 0;
    for (int stat = (int)first; stat < (int)end; stat++) {
        sum += stats_sum(scope, (enum stats_counter)stat);
    }
    return sum;
}

static uint64_t scope_stat(const struct stats_scope *scope, enum stats_counter stat)
{
    return stats_sum(scope, stat);
}

uint64_t check_total(enum stats_scope_kind kind, enum stats_counter first, enum stats_counter end)
{
    uint64_t sum = 0;
    for (const struct stats_scope *scope = watched->scopes; scope != NULL; scope = scope->next) {
        if (scope->kind == kind) {
            sum += scope_sum(scope, first, end);
        }
    }
    for (int stat = (int)first; stat < (int)end; stat++) {
        sum += watched->retired[kind][stat]; /* of listeners and servers that a reload has removed */
    }
    return sum;
}

static uint64_t both(enum stats_counter stat)
{
    return check_total(STATS_LISTENER, stat, (enum stats_counter)(stat + 1)) +
           check_total(STATS_SERVER, stat, (enum stats_counter)(stat + 1));
}

/* A reload may lower a limit below what is active: then nothing more may come in. */
static void check_limit(const struct gauge *gauge, struct limit_seen *seen, const char *what)
{
    bool more = gauge->current > seen->current;
    bool same = seen->gauge == gauge && seen->max == gauge->max;
    if (gauge->max != 0 && gauge->current > gauge->max && (sim_plan.reloads == 0 || (more && same))) {
        sim_fail("I6", "%s: %u sessions with a limit of %u", what, gauge->current, gauge->max);
    }
    if (gauge->current > (1U << 30)) {
        sim_fail("I4", "%s: a session was given back twice", what);
    }
    *seen = (struct limit_seen){gauge, gauge->current, gauge->max};
}

static void check_limits(void)
{
    uint32_t i = 0;
    for (const struct stats_scope *scope = watched->scopes; scope != NULL && i < SCOPES_MAX;
         scope = scope->next) {
        check_limit(&scope->sessions, &limits_seen[i++], scope->name);
    }
}

/* N1: what is in force is what the last good configuration says. */
static void check_in_force(void)
{
    const struct setup *setup = &sim_plan.setup;
    if (host.state != DAEMON_SERVING || reload_proposed() != NULL) {
        return;
    }
    if (watched->config_generation != reload_generation()) {
        sim_fail("N1", "generation %llu is in force, and it should be %llu",
                 (unsigned long long)watched->config_generation, (unsigned long long)reload_generation());
    }
    if (watched->sessions.max != setup->sessions_max) {
        sim_fail("N1", "the server's limit is %u, and the configuration says %u", watched->sessions.max,
                 setup->sessions_max);
    }
    uint32_t listeners = 0;
    for (const struct stats_scope *scope = watched->scopes; scope != NULL; scope = scope->next) {
        uint32_t index = (uint32_t)(scope->name[1] - '0');
        if (scope->removed) {
            continue;
        }
        const struct setup_listener *listener =
            scope->kind == STATS_LISTENER ? setup_find(setup, index) : NULL;
        if (scope->kind == STATS_SERVER && index >= setup->upstreams_count) {
            sim_fail("N1", "the server %s is shown, which the configuration does not have", scope->name);
        }
        uint32_t max = scope->kind == STATS_SERVER ? setup->upstreams[index].sessions_max
                       : listener != NULL          ? listener->sessions_max
                                                   : 0;
        if (scope->kind == STATS_LISTENER &&
            (listener == NULL || listener->echo != (scope->mode[0] == 'e'))) {
            sim_fail("N1", "%s is shown, which the configuration does not have so", scope->name);
        }
        listeners += scope->kind == STATS_LISTENER;
        if (scope->sessions.max != max) {
            sim_fail("N1", "the limit of %s is %u, and the configuration says %u", scope->name,
                     scope->sessions.max, max);
        }
    }
    if (listeners != setup->listeners_count) {
        sim_fail("N1", "%u listeners are shown, and the configuration has %u", listeners,
                 setup->listeners_count);
    }
}

/* N3: only a stop cuts sessions. */
static void check_uncut(void)
{
    if (host.stops == 0 &&
        check_total(STATS_LISTENER, STAT_CLOSED_STOPPED, (enum stats_counter)(STAT_CLOSED_STOPPED + 1)) > 0) {
        sim_fail("N3", "a session was cut, and nobody has stopped the server");
    }
}

/* I4 and I5 as far as they hold in the middle of everything. */
static void check_counters(void)
{
    for (const struct stats_scope *scope = watched->scopes; scope != NULL; scope = scope->next) {
        uint64_t closed = scope_sum(scope, STAT_CLOSED_FIRST, STAT_CLOSED_END);
        uint64_t begun = scope_stat(scope, STAT_SESSIONS);
        if (closed > begun) {
            sim_fail("I4", "%s: %llu sessions closed of %llu", scope->name, (unsigned long long)closed,
                     (unsigned long long)begun);
        }
        if (begun - closed > scope->sessions.current) {
            sim_fail("I4", "%s: %llu sessions are active, and %u hold a place", scope->name,
                     (unsigned long long)(begun - closed), scope->sessions.current);
        }
    }
    uint64_t in = both(STAT_BYTES_IN);
    uint64_t out = both(STAT_BYTES_OUT) + both(STAT_BYTES_DISCARDED);
    if (out > in) {
        sim_fail("I5", "%llu bytes went out or were discarded, and %llu came in", (unsigned long long)out,
                 (unsigned long long)in);
    }
}

/* I11: what a reader of the statistics would see at this very moment. */
static void check_snapshot(void)
{
    struct snapshot snapshot;
    struct sim_memory_pause pause;
    sim_memory_pause(&pause);
    if (!snapshot_take(&snapshot, watched, sim.now_us + sim.clock_us)) {
        sim_fail("I11", "no snapshot although there is memory");
    }
    for (size_t i = 0; i < snapshot.scopes_count; i++) {
        const struct snapshot_scope *scope = &snapshot.scopes[i];
        uint64_t closed = 0;
        for (int stat = STAT_CLOSED_FIRST; stat < STAT_CLOSED_END; stat++) {
            closed += scope->counters[stat];
        }
        if (scope->counters[STAT_SESSIONS] != scope->sessions_active + closed) {
            sim_fail("I11", "%s: total %llu, active %llu, closed %llu", scope->name,
                     (unsigned long long)scope->counters[STAT_SESSIONS],
                     (unsigned long long)scope->sessions_active, (unsigned long long)closed);
        }
    }
    if (snapshot.totals[STAT_BYTES_OUT] > (1ULL << 60) || snapshot.sessions_active > (1ULL << 31)) {
        sim_fail("I11", "a total is negative");
    }
    history_check(&snapshot);
    snapshot_free(&snapshot);
    sim_memory_resume(&pause);
}

/* I9: while handles are short, accepts are posted again after pauses, not at once (S14). */
static void check_spinning(void)
{
    static uint64_t second;
    static uint64_t before;
    uint64_t now = sim.now_us / 1000000;
    if (now != second || before > sim_port.accepts_exhausted) {
        second = now;
        before = sim_port.accepts_exhausted;
    }
    if (sim_port.accepts_exhausted - before > 11ULL * ACCEPTS_POSTED * (SETUP_PLACES + 2)) {
        sim_fail("I9", "%llu accepts failed for want of handles in one second",
                 (unsigned long long)(sim_port.accepts_exhausted - before));
    }
}

/* S7: nobody tries more often than `retries` says, and nobody waits for the system to give up. */
static void check_attempts(void)
{
    for (const struct stats_scope *scope = watched->scopes; scope != NULL; scope = scope->next) {
        if (scope->kind != STATS_SERVER) {
            continue;
        }
        uint64_t retries = sim_plan.retries_most[scope->name[1] - '0'];
        uint64_t failed = scope_sum(scope, STAT_ERROR_CONNECT_REFUSED, STAT_ERROR_RESOLVE);
        uint64_t sessions = scope_stat(scope, STAT_SESSIONS);
        if (failed > sessions * (retries + 1)) {
            sim_fail("S7", "%llu attempts failed in %llu sessions with %llu retries",
                     (unsigned long long)failed, (unsigned long long)sessions, (unsigned long long)retries);
        }
    }
    if (sim_port.system_timeouts > 0 && sim_faults.slow_us <= 2000 * 1000) {
        sim_fail("S7", "a connect was not given up after connect_timeout");
    }
}

/* S2: all that was received from a side that broke its connection has reached the other side, which takes all it gets. */
static void check_delivered(const struct sim_peer *peer)
{
    for (; peer != NULL; peer = peer->next) {
        if (peer->partner == NULL || peer->partner->outcome != PEER_ABORTED) {
            continue;
        }
        uint64_t taken = peer->partner->end->out->taken;
        if (peer->received < taken) {
            sim_fail("S2",
                     "%llu bytes were received from peer %u before it broke, and peer %u got %llu of them",
                     (unsigned long long)taken, peer->partner->id, peer->id,
                     (unsigned long long)peer->received);
        }
    }
}

/* S15 for one address: sockets that were refused are not used, so there are never more than the limit. Where reloads come, one
 * listener's sessions may be at another's address, and sessions that began under another limit. */
static void check_per_address(void)
{
    for (uint32_t i = 0; i < sim_plan.setup.listeners_count && sim_plan.reloads == 0; i++) {
        const struct setup_listener *listener = &sim_plan.setup.listeners[i];
        for (uint8_t low = 1; listener->sessions_per_ip_max > 0 && low <= 4; low++) {
            struct address peer = {ADDRESS_V4, 0, 0, 0, {127, 0, 1, 0}};
            peer.bytes[3] = low;
            uint32_t count = sim_count_used(&listener->listens[0].address, &peer);
            if (count > listener->sessions_per_ip_max) {
                sim_fail("I6", "%u sessions of one address with a limit of %u", count,
                         listener->sessions_per_ip_max);
            }
        }
    }
}

static bool list_is_free(void)
{
    return watched->lock.words[1] == 0;
}

static void check_now_and_then(void)
{
    check_counters();
    check_uncut();
    check_per_address();
    if (cut_us != 0 && sim.now_us > cut_us && check_active() > 0) {
        sim_fail("N7", "%u sessions go on after all were cut", check_active());
    }
    if (sim_plan.reloads > 0) {
        check_in_force();
    }
}

void check_step(void)
{
    if (watched == NULL) {
        return;
    }
    check_limit(&watched->sessions, &server_seen, "server");
    check_spinning();
    if (sim_plan.reloads > 0 && host.state == DAEMON_SERVING) {
        listening_check();
    }
    if (!list_is_free()) {
        return; /* somebody is changing the list of scopes */
    }
    if (sim.step % 8 == 0) {
        check_limits();
    }
    if (sim.step % 64 == 0) {
        check_now_and_then();
    }
    if (sim.step % (sim_plan.reloads > 0 ? 128 : 1024) == 0) {
        check_snapshot();
    }
}

void check_settled(void)
{
    check_attempts();
    check_counters();
    check_snapshot();
    for (const struct stats_scope *scope = watched->scopes; scope != NULL; scope = scope->next) {
        uint64_t closed = scope_sum(scope, STAT_CLOSED_FIRST, STAT_CLOSED_END);
        if (closed != scope_stat(scope, STAT_SESSIONS) || scope->sessions.current != 0) {
            sim_fail("I4", "%s: %llu sessions begun, %llu closed, %u hold a place at the end", scope->name,
                     (unsigned long long)scope_stat(scope, STAT_SESSIONS), (unsigned long long)closed,
                     scope->sessions.current);
        }
    }
    for (int kind = 0; kind < STATS_KINDS; kind++) {
        uint64_t begun =
            check_total((enum stats_scope_kind)kind, STAT_SESSIONS, (enum stats_counter)(STAT_SESSIONS + 1));
        uint64_t closed = check_total((enum stats_scope_kind)kind, STAT_CLOSED_FIRST, STAT_CLOSED_END);
        if (begun != closed) {
            sim_fail("I4", "%llu sessions begun and %llu closed, removed scopes included",
                     (unsigned long long)begun, (unsigned long long)closed);
        }
    }
    uint64_t in = both(STAT_BYTES_IN);
    uint64_t out = both(STAT_BYTES_OUT);
    uint64_t discarded = both(STAT_BYTES_DISCARDED);
    if (in != out + discarded) {
        sim_fail("I5", "%llu bytes in, %llu out, %llu discarded", (unsigned long long)in,
                 (unsigned long long)out, (unsigned long long)discarded);
    }
}

/* N4: nothing is left of configurations that no session uses any more. */
bool check_one_generation(void)
{
    return watched->generations_in_use == 1;
}

uint32_t check_generations(void)
{
    return watched->generations_in_use;
}

/* Clients that a reload may have locked out count only if they were served: then they were served perfectly, too. */
static void check_perfect(void)
{
    uint64_t closed = check_total(STATS_LISTENER, STAT_CLOSED_FIRST, STAT_CLOSED_END);
    uint64_t finished =
        check_total(STATS_LISTENER, STAT_CLOSED_FINISHED, (enum stats_counter)(STAT_CLOSED_FINISHED + 1));
    uint64_t sent = 0;
    uint64_t received = 0;
    uint32_t expected = 0;
    for (const struct sim_peer *peer = crowd.clients; peer != NULL; peer = peer->next) {
        bool counts = !peer->may_fail || peer->outcome == PEER_CLEAN;
        expected += counts;
        sent += counts ? peer->sent : 0;
        received += counts ? peer->received : 0;
    }
    expected -= crowd.sleepers;
    if (crowd.outcomes[PEER_CLEAN] != expected || finished != expected ||
        closed != finished + crowd.sleepers) {
        sim_fail("I1",
                 "nothing failed, but only %u of %u clients ended well, and %llu of %llu sessions finished",
                 crowd.outcomes[PEER_CLEAN], expected, (unsigned long long)finished,
                 (unsigned long long)closed);
    }
    uint64_t in = check_total(STATS_LISTENER, STAT_BYTES_IN, (enum stats_counter)(STAT_BYTES_IN + 1));
    uint64_t out = check_total(STATS_LISTENER, STAT_BYTES_OUT, (enum stats_counter)(STAT_BYTES_OUT + 1));
    if (in != sent || out != received) {
        sim_fail("I5", "clients sent %llu and received %llu bytes; counted were %llu and %llu",
                 (unsigned long long)sent, (unsigned long long)received, (unsigned long long)in,
                 (unsigned long long)out);
    }
}

void check_end(void)
{
    if (sim_plan.clean) {
        check_perfect();
    }
    if (sim_plan.scenario == SCENARIO_RESETS && !sim_plan.tainted) {
        check_delivered(sim_plan.servers_break ? crowd.clients : crowd.servers);
    }
    uint64_t bytes = sim_port.bytes_received + sim_port.bytes_sent;
    uint64_t most = 2000 + 8 * bytes +
                    400ULL * (crowd.clients_count + crowd.servers_count + sim_plan.admin_clients) +
                    1000 * (sim.now_us / 1000000);
    if (sim_port.dones > most) {
        sim_fail("I9", "%llu completions for %llu bytes and %u clients", (unsigned long long)sim_port.dones,
                 (unsigned long long)bytes, crowd.clients_count);
    }
}
