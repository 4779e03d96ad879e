#include "stats/snapshot.h"

#include "base/atomic.h"
#include "base/memory.h"
#include "stats/stats_block.h"

#include <string.h>

static bool copy_identity(struct snapshot_scope *into, const struct stats_scope *scope)
{
    into->kind = scope->kind;
    into->mode = scope->mode;
    into->addresses_count = scope->addresses_count;
    memcpy(into->addresses, scope->addresses, sizeof into->addresses);
    into->name = memory_copy_string(scope->name);
    into->upstream = scope->upstream == NULL ? NULL : memory_copy_string(scope->upstream);
    return into->name != NULL && (scope->upstream == NULL || into->upstream != NULL);
}

static void sum_range(struct snapshot_scope *into, const struct stats_scope *scope, int first, int end)
{
    for (int stat = first; stat < end; stat++)
        into->counters[stat] = stats_sum(scope, (enum stat)stat);
}

/* What is counted last is read first, over all scopes: see ORDER in counters.h. */
static void read_effects(struct snapshot_scope *into, const struct stats_scope *scope)
{
    sum_range(into, scope, STAT_CLOSED_FIRST, STAT_CLOSED_END);
    sum_range(into, scope, STAT_BYTES_OUT, STAT_BYTES_DISCARDED + 1);
}

static void read_bytes_in(struct snapshot_scope *into, const struct stats_scope *scope)
{
    sum_range(into, scope, STAT_BYTES_IN, STAT_BYTES_IN + 1);
}

static void read_causes(struct snapshot_scope *into, const struct stats_scope *scope)
{
    sum_range(into, scope, STAT_SESSIONS, STAT_SESSIONS + 1);
    sum_range(into, scope, STAT_REFUSED_FIRST, STAT_REFUSED_END);
    sum_range(into, scope, STAT_ERROR_FIRST, STAT_ERROR_END);
    for (int time = 0; time < STAT_TIME_COUNT; time++) {
        for (uint32_t i = 0; i < scope->workers; i++)
            histogram_add(&into->times[time], &scope->blocks[i].u.numbers.times[time]);
    }
}

static uint64_t sum_closed(const uint64_t counters[STAT_COUNT])
{
    uint64_t closed = 0;

    for (int stat = STAT_CLOSED_FIRST; stat < STAT_CLOSED_END; stat++)
        closed += counters[stat];
    return closed;
}

static void derive_scope(struct snapshot_scope *into, const struct stats_scope *scope)
{
    into->sessions_active = into->counters[STAT_SESSIONS] - sum_closed(into->counters);
    into->sessions_limit = atomic_load_u32(&scope->sessions.max);
    into->sessions_peak = gauge_peak(&scope->sessions);
    if (into->sessions_peak < into->sessions_active)
        into->sessions_peak = into->sessions_active;
}

typedef void scope_reader(struct snapshot_scope *into, const struct stats_scope *scope);

/* Listeners first, each kind in the order of registration. */
static void for_scopes(struct snapshot *snapshot, const struct stats *stats, scope_reader *read)
{
    size_t i = 0;

    for (int kind = STATS_LISTENER; kind <= STATS_SERVER; kind++) {
        for (const struct stats_scope *scope = stats->scopes; scope != NULL; scope = scope->next) {
            if (scope->kind == (enum stats_scope_kind)kind)
                read(&snapshot->scopes[i++], scope);
        }
    }
}

static bool copy_identities(struct snapshot *snapshot, const struct stats *stats)
{
    bool copied = true;
    size_t i = 0;

    for (int kind = STATS_LISTENER; kind <= STATS_SERVER; kind++) {
        for (const struct stats_scope *scope = stats->scopes; scope != NULL; scope = scope->next) {
            if (scope->kind == (enum stats_scope_kind)kind)
                copied = copy_identity(&snapshot->scopes[i++], scope) && copied;
        }
    }
    return copied;
}

static bool read_scopes(struct snapshot *snapshot, const struct stats *stats)
{
    for (const struct stats_scope *scope = stats->scopes; scope != NULL; scope = scope->next)
        snapshot->scopes_count++;
    snapshot->scopes = memory_allocate(snapshot->scopes_count, sizeof(struct snapshot_scope));
    if (snapshot->scopes == NULL)
        return false;
    for_scopes(snapshot, stats, read_effects);
    for_scopes(snapshot, stats, read_bytes_in);
    for_scopes(snapshot, stats, read_causes);
    for_scopes(snapshot, stats, derive_scope);
    return copy_identities(snapshot, stats);
}

static void derive_totals(struct snapshot *snapshot)
{
    uint64_t servers_in = 0;
    uint64_t servers_out = 0;

    for (size_t i = 0; i < snapshot->scopes_count; i++) {
        const struct snapshot_scope *scope = &snapshot->scopes[i];
        if (scope->kind == STATS_SERVER) {
            servers_in += scope->counters[STAT_BYTES_IN];
            servers_out += scope->counters[STAT_BYTES_OUT];
        }
        int end = scope->kind == STATS_LISTENER ? STAT_COUNT : 0;
        for (int stat = 0; stat < end; stat++)
            snapshot->totals[stat] += scope->counters[stat];
        if (scope->kind == STATS_SERVER) {
            for (int stat = STAT_ERROR_FIRST; stat < STAT_ERROR_END; stat++)
                snapshot->totals[stat] += scope->counters[stat];
        }
    }
    snapshot->sessions_active = snapshot->totals[STAT_SESSIONS] - sum_closed(snapshot->totals);
    snapshot->bytes_from_servers = servers_in;
    snapshot->bytes_to_servers = servers_out;
    snapshot->bytes_buffered = snapshot->totals[STAT_BYTES_IN] + servers_in -
                               snapshot->totals[STAT_BYTES_OUT] - servers_out -
                               snapshot->totals[STAT_BYTES_DISCARDED];
}

bool snapshot_take(struct snapshot *snapshot, struct stats *stats, uint64_t now_us)
{
    memset(snapshot, 0, sizeof *snapshot);
    lock_acquire(&stats->lock);
    bool read = read_scopes(snapshot, stats);
    lock_release(&stats->lock);
    if (!read) {
        snapshot_free(snapshot);
        return false;
    }
    derive_totals(snapshot);
    snapshot->state = stats_state(stats);
    snapshot->pid = stats->pid;
    snapshot->workers = stats->workers;
    snapshot->started_at_ms = stats->started_at_ms;
    snapshot->uptime_us = now_us > stats->started_us ? now_us - stats->started_us : 0;
    snapshot->config_generation = atomic_load_u64(&stats->config_generation);
    snapshot->config_file = stats->config_file;
    snapshot->sessions_limit = atomic_load_u32(&stats->sessions.max);
    snapshot->sessions_peak = gauge_peak(&stats->sessions);
    if (snapshot->sessions_peak < snapshot->sessions_active)
        snapshot->sessions_peak = snapshot->sessions_active;
    if (stats->read_process != NULL)
        stats->read_process(&snapshot->process);
    return true;
}

void snapshot_free(struct snapshot *snapshot)
{
    for (size_t i = 0; snapshot->scopes != NULL && i < snapshot->scopes_count; i++) {
        memory_free(snapshot->scopes[i].name);
        memory_free(snapshot->scopes[i].upstream);
    }
    memory_free(snapshot->scopes);
    snapshot->scopes = NULL;
    snapshot->scopes_count = 0;
}
