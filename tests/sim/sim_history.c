#include "tests/sim/sim_history.h"

#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"
#include "tests/sim/sim_plan.h"
#include "tests/sim/sim_reload.h"

#include <string.h>

enum { SCOPES = SETUP_NAMES + SETUP_UPSTREAMS_MAX, GOING_US = 2000 * 1000 };

/* A scope as the last snapshot showed it, found by its name: l0 to l5, s0 and s1. */
struct scope_seen {
    bool there;
    bool twice; /* two scopes have the name: nobody can tell which is which */
    uint64_t at_us;
    uint64_t counters[STAT_COUNT];
};

static struct scope_seen seen[SCOPES];
static uint64_t totals[STAT_COUNT];

void history_begin(void)
{
    memset(seen, 0, sizeof seen);
    memset(totals, 0, sizeof totals);
}

static void check_totals(const struct snapshot *snapshot)
{
    for (int stat = 0; stat < STAT_COUNT; stat++) {
        if (snapshot->totals[stat] < totals[stat]) {
            sim_fail("N5", "the total of %s went from %llu back to %llu", stat_name((enum stats_counter)stat),
                     (unsigned long long)totals[stat], (unsigned long long)snapshot->totals[stat]);
        }
        totals[stat] = snapshot->totals[stat];
    }
    if (snapshot->totals[STAT_BYTES_OUT] + snapshot->bytes_to_servers +
            snapshot->totals[STAT_BYTES_DISCARDED] >
        snapshot->totals[STAT_BYTES_IN] + snapshot->bytes_from_servers) {
        sim_fail("I11", "a snapshot tells of more bytes that went than of bytes that came");
    }
}

static uint32_t index_of(const struct snapshot_scope *scope)
{
    uint32_t number = (uint32_t)(scope->name[1] - '0');
    return scope->kind == STATS_LISTENER ? number : SETUP_NAMES + number;
}

/* Since it was last seen it was in every configuration in force. What went and came back within the microsecond in which it was seen may
 * have done so after that. */
static bool has_stayed(uint32_t index)
{
    uint64_t absent_us = index < SETUP_NAMES ? reload_listener_absent_us(index)
                                             : reload_upstream_absent_us(index - SETUP_NAMES);
    return absent_us < seen[index].at_us && reload_proposed() == NULL;
}

/* What comes back while an old one of its name still ends has the old one's numbers, but for the moment in which that one goes. */
static void check_single(uint32_t index, const char *name)
{
    uint64_t absent_us = index < SETUP_NAMES ? reload_listener_absent_us(index)
                                             : reload_upstream_absent_us(index - SETUP_NAMES);
    if (reload_proposed() == NULL && sim.now_us > absent_us + GOING_US + 8ULL * sim_faults.slow_us) {
        sim_fail("N5", "the numbers of %s are shown in two places", name);
    }
}

static void check_scope(const struct snapshot_scope *scope, uint32_t index)
{
    for (int stat = 0; stat < STAT_COUNT; stat++) {
        if (scope->counters[stat] < seen[index].counters[stat]) {
            sim_fail("N5", "%s of %s went from %llu back to %llu", stat_name((enum stats_counter)stat),
                     scope->name, (unsigned long long)seen[index].counters[stat],
                     (unsigned long long)scope->counters[stat]);
        }
    }
}

void history_check(const struct snapshot *snapshot)
{
    struct scope_seen now[SCOPES] = {{.there = false}};
    check_totals(snapshot);
    for (size_t i = 0; i < snapshot->scopes_count; i++) {
        uint32_t index = index_of(&snapshot->scopes[i]);
        now[index].twice = now[index].there;
        now[index].there = true;
        now[index].at_us = sim.now_us + 1;
        memcpy(now[index].counters, snapshot->scopes[i].counters, sizeof now[index].counters);
    }
    for (size_t i = 0; i < snapshot->scopes_count; i++) {
        uint32_t index = index_of(&snapshot->scopes[i]);
        if (now[index].twice) {
            check_single(index, snapshot->scopes[i].name);
        }
        if (seen[index].there && !seen[index].twice && !now[index].twice && has_stayed(index)) {
            check_scope(&snapshot->scopes[i], index);
        }
    }
    memcpy(seen, now, sizeof seen);
}
