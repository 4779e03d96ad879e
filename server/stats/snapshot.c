#include "stats/snapshot.h"

#include "base/atomic.h"
#include "base/memory.h"
#include "stats/stats_block.h"

#include <string.h>

/*
 * THE PHASES. All scopes pass one phase before any enters the next, because cause and effect may lie in two scopes: what a
 * listener received, a server was sent.
 *
 *   1 sessions begun
 *   2 sessions closed       what is seen closed here was begun, though it may have been after phase 1
 *   3 bytes out, discarded  of a session seen closed, all of them
 *   4 bytes in              at least what phase 3 saw leave
 *   5 everything else, peaks last
 *
 * Sessions begun is then the larger of phases 1 and 2. Both only grow, each was true during the snapshot, and so is what is
 * derived: at the moment between the phases at least (begun - closed) sessions were open at once, so `active` is no
 * larger than the gauge was, and with it no larger than limit and peak, in one scope and in all together.
 */
static void read_range(struct snapshot_scope *to, const struct stats_scope *from, unsigned first,
                       unsigned end)
{
    for (unsigned stat = first; stat < end; stat++)
        to->counters[stat] = stats_sum(from, (enum stats_counter)stat);
}

static void read_sessions(struct snapshot_scope *to, const struct stats_scope *from)
{
    read_range(to, from, STAT_SESSIONS, STAT_SESSIONS + 1);
}

static void read_closed(struct snapshot_scope *to, const struct stats_scope *from)
{
    read_range(to, from, STAT_CLOSED_FIRST, STAT_CLOSED_END);
}

static void read_left(struct snapshot_scope *to, const struct stats_scope *from)
{
    read_range(to, from, STAT_BYTES_OUT, STAT_BYTES_DISCARDED + 1);
}

static void read_arrived(struct snapshot_scope *to, const struct stats_scope *from)
{
    read_range(to, from, STAT_BYTES_IN, STAT_BYTES_IN + 1);
}

static void read_rest(struct snapshot_scope *to, const struct stats_scope *from)
{
    read_range(to, from, STAT_REFUSED_FIRST, STAT_REFUSED_END);
    read_range(to, from, STAT_ERROR_FIRST, STAT_ERROR_END);
    for (unsigned time = 0; time < STAT_TIME_COUNT; time++) {
        for (uint32_t i = 0; i < from->workers; i++)
            histogram_add(&to->times[time], &from->blocks[i].u.numbers.times[time]);
    }
    to->sessions_limit = gauge_limit(&from->sessions);
    to->sessions_peak = gauge_peak(&from->sessions);
}

static uint64_t sum_range(const uint64_t *counters, unsigned first, unsigned end)
{
    uint64_t sum = 0;

    for (unsigned stat = first; stat < end; stat++)
        sum += counters[stat];
    return sum;
}

/* The gauge is raised before a session is counted, so its peak may be ahead of what this snapshot counts. */
static uint64_t peak_seen(uint64_t peak, uint64_t total)
{
    return peak < total ? peak : total;
}

static void derive_scope(struct snapshot_scope *scope)
{
    uint64_t closed = sum_range(scope->counters, STAT_CLOSED_FIRST, STAT_CLOSED_END);

    if (scope->counters[STAT_SESSIONS] < closed)
        scope->counters[STAT_SESSIONS] = closed;
    scope->sessions_active = scope->counters[STAT_SESSIONS] - closed;
    scope->sessions_peak = peak_seen(scope->sessions_peak, scope->counters[STAT_SESSIONS]);
}

static bool belongs_to_totals(enum stats_scope_kind kind, unsigned stat)
{
    bool is_error = stat >= STAT_ERROR_FIRST && stat < STAT_ERROR_END;

    return is_error == (kind == STATS_SERVER);
}

/* Of one scope, or of all that are gone. */
static void add_to_totals(struct snapshot *snapshot, enum stats_scope_kind kind, const uint64_t *counters)
{
    for (unsigned stat = 0; stat < STAT_COUNT; stat++) {
        if (belongs_to_totals(kind, stat))
            snapshot->totals[stat] += counters[stat];
    }
    if (kind == STATS_SERVER) {
        snapshot->bytes_from_servers += counters[STAT_BYTES_IN];
        snapshot->bytes_to_servers += counters[STAT_BYTES_OUT];
    }
}

static void derive_totals(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->scopes_count; i++) {
        struct snapshot_scope *scope = &snapshot->scopes[i];
        derive_scope(scope);
        add_to_totals(snapshot, scope->kind, scope->counters);
        if (scope->kind == STATS_LISTENER)
            snapshot->sessions_active += scope->sessions_active;
    }
    snapshot->bytes_buffered = snapshot->totals[STAT_BYTES_IN] + snapshot->bytes_from_servers -
                               snapshot->totals[STAT_BYTES_OUT] - snapshot->bytes_to_servers -
                               snapshot->totals[STAT_BYTES_DISCARDED];
    snapshot->sessions_peak = peak_seen(snapshot->sessions_peak, snapshot->totals[STAT_SESSIONS]);
}

static void copy_identity(struct snapshot_scope *to, const struct stats_scope *from)
{
    to->kind = from->kind;
    to->mode = from->mode;
    to->removed = from->removed;
    to->name = memory_copy_string(from->name);
    to->upstream = from->upstream == NULL ? NULL : memory_copy_string(from->upstream);
    to->addresses_count = from->addresses_count;
    memcpy(to->addresses, from->addresses, from->addresses_count * sizeof from->addresses[0]);
}

static bool is_copied(const struct snapshot_scope *scope)
{
    return scope->name != NULL && (scope->kind == STATS_LISTENER || scope->upstream != NULL);
}

typedef void read_phase(struct snapshot_scope *to, const struct stats_scope *from);

/* One phase over all scopes: listeners first, each kind in the order of registration. */
static void read_all(struct snapshot *snapshot, const struct stats *stats, read_phase *read)
{
    size_t i = 0;

    for (int kind = STATS_LISTENER; kind <= STATS_SERVER; kind++) {
        for (const struct stats_scope *scope = stats->scopes; scope != NULL; scope = scope->next) {
            if (scope->kind == (enum stats_scope_kind)kind)
                read(&snapshot->scopes[i++], scope);
        }
    }
}

/* With the lock held, so that no scope goes away meanwhile (its sums are either here or among the retired ones); nobody on the data path ever waits for it. */
static bool read_scopes(struct snapshot *snapshot, const struct stats *stats)
{
    static read_phase *const phases[] = {copy_identity, read_sessions, read_closed,
                                         read_left,     read_arrived,  read_rest};
    bool complete = true;

    for (const struct stats_scope *scope = stats->scopes; scope != NULL; scope = scope->next)
        snapshot->scopes_count++;
    snapshot->scopes = memory_allocate(snapshot->scopes_count, sizeof(struct snapshot_scope));
    if (snapshot->scopes == NULL) {
        snapshot->scopes_count = 0;
        return false;
    }
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
        read_all(snapshot, stats, phases[i]);
    for (int kind = 0; kind < STATS_KINDS; kind++)
        add_to_totals(snapshot, (enum stats_scope_kind)kind, stats->retired[kind]);
    for (size_t i = 0; i < snapshot->scopes_count; i++)
        complete = complete && is_copied(&snapshot->scopes[i]);
    return complete;
}

/* How much of a text that is longer fits into `room`: whole lines, or whole characters when the first line is too long already. */
static size_t fitting_bytes(const char *text, size_t room)
{
    size_t cut = room;

    while (cut > 0 && text[cut - 1] != '\n')
        cut--;
    if (cut > 0)
        return cut;
    for (cut = room; cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80; cut--) {
        /* The bytes of a character after its first one begin with these two bits. */
    }
    return cut;
}

/* With the lock held, since the next reload frees the text. */
static void copy_reload(struct snapshot_reload *to, const struct stats_reload *from)
{
    static const char more[] = "... (the log has all of it)\n";
    const char *text = from->text == NULL ? "" : from->text;
    bool fits = memchr(text, '\0', sizeof to->text) != NULL;
    size_t kept = fits ? strlen(text) : fitting_bytes(text, sizeof to->text - sizeof more);

    to->attempts = from->attempts;
    to->applied = from->applied;
    to->at_ms = from->at_ms;
    memcpy(to->text, text, kept);
    memcpy(to->text + kept, fits ? "" : more, fits ? 1 : sizeof more);
}

bool snapshot_take(struct snapshot *snapshot, struct stats *stats, uint64_t now_us)
{
    memset(snapshot, 0, sizeof *snapshot);
    lock_acquire(&stats->lock);
    bool complete = read_scopes(snapshot, stats);
    copy_reload(&snapshot->reload, &stats->reload);
    lock_release(&stats->lock);
    if (!complete) {
        snapshot_free(snapshot);
        return false;
    }
    snapshot->state = stats_state(stats);
    snapshot->pid = stats->pid;
    snapshot->workers = stats->workers;
    snapshot->started_at_ms = stats->started_at_ms;
    snapshot->uptime_us = now_us > stats->started_us ? now_us - stats->started_us : 0;
    snapshot->config_generation = atomic_load_u64(&stats->config_generation);
    snapshot->generations_in_use = atomic_load_u32(&stats->generations_in_use);
    snapshot->config_file = stats->config_file;
    snapshot->sessions_limit = gauge_limit(&stats->sessions);
    snapshot->sessions_peak = gauge_peak(&stats->sessions);
    derive_totals(snapshot);
    if (stats->read_process != NULL)
        stats->read_process(&snapshot->process);
    return true;
}

void snapshot_free(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->scopes_count; i++) {
        memory_free(snapshot->scopes[i].name);
        memory_free(snapshot->scopes[i].upstream);
    }
    memory_free(snapshot->scopes);
    snapshot->scopes = NULL;
    snapshot->scopes_count = 0;
}
