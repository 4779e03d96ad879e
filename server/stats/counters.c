#include "stats/counters.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/memory.h"
#include "config/text.h"
#include "port/port.h"
#include "stats/stats_block.h"

#include <string.h>

static const char *const stat_names[STAT_COUNT] = {
    [STAT_SESSIONS] = "sessions",
    [STAT_BYTES_IN] = "in",
    [STAT_BYTES_OUT] = "out",
    [STAT_BYTES_DISCARDED] = "discarded",
    [STAT_REFUSED_SERVER_LIMIT] = "server_limit",
    [STAT_REFUSED_LISTENER_LIMIT] = "listener_limit",
    [STAT_REFUSED_IP_LIMIT] = "ip_limit",
    [STAT_REFUSED_EXHAUSTED] = "exhausted",
    [STAT_REFUSED_DRAINING] = "draining",
    [STAT_CLOSED_FINISHED] = "finished",
    [STAT_CLOSED_CLIENT_RESET] = "client_reset",
    [STAT_CLOSED_SERVER_RESET] = "server_reset",
    [STAT_CLOSED_CONNECT_FAILED] = "connect_failed",
    [STAT_CLOSED_SERVER_LIMIT] = "server_limit",
    [STAT_CLOSED_IDLE_TIMEOUT] = "idle_timeout",
    [STAT_CLOSED_HALF_CLOSE_TIMEOUT] = "half_close_timeout",
    [STAT_CLOSED_LIFETIME] = "lifetime",
    [STAT_CLOSED_EXHAUSTED] = "exhausted",
    [STAT_CLOSED_STOPPED] = "stopped",
    [STAT_CLOSED_ERROR] = "error",
    [STAT_ERROR_CONNECT_REFUSED] = "connect_refused",
    [STAT_ERROR_CONNECT_TIMEOUT] = "connect_timeout",
    [STAT_ERROR_CONNECT_UNREACHABLE] = "connect_unreachable",
    [STAT_ERROR_CONNECT_EXHAUSTED] = "connect_exhausted",
    [STAT_ERROR_CONNECT_OTHER] = "connect_other",
    [STAT_ERROR_RESOLVE] = "resolve",
};

const char *stat_name(enum stats_counter stat)
{
    CHECK(stat < STAT_COUNT && stat_names[stat] != NULL);
    return stat_names[stat];
}

/* --- the root -------------------------------------------------------------------------------------------- */

void stats_init(struct stats *stats, uint32_t workers)
{
    memset(stats, 0, sizeof *stats);
    lock_init(&stats->lock);
    gauge_init(&stats->sessions, 0);
    stats->state = STATS_STARTING;
    stats->workers = workers;
}

void stats_destroy(struct stats *stats)
{
    CHECK(stats->scopes == NULL);
    memory_free(stats->reload.text);
    stats->reload.text = NULL;
}

void stats_set_reload(struct stats *stats, bool applied, uint64_t at_ms, const char *text)
{
    char *copy = memory_copy_string(text);

    lock_acquire(&stats->lock);
    char *before = stats->reload.text;
    stats->reload.attempts++;
    stats->reload.applied = applied;
    stats->reload.at_ms = at_ms;
    stats->reload.text = copy;
    lock_release(&stats->lock);
    memory_free(before);
}

void stats_set_state(struct stats *stats, enum stats_state state)
{
    atomic_store_u32(&stats->state, state);
}

enum stats_state stats_state(const struct stats *stats)
{
    return (enum stats_state)atomic_load_u32(&stats->state);
}

const char *stats_state_text(enum stats_state state)
{
    switch (state) {
    case STATS_STARTING:
        return "starting";
    case STATS_SERVING:
        return "serving";
    case STATS_DRAINING:
        return "draining";
    default:
        return "stopped";
    }
}

/* --- scopes ---------------------------------------------------------------------------------------------- */

static bool scope_allocate_blocks(struct stats_scope *scope)
{
    size_t bytes = scope->workers * sizeof(struct stats_block) + STATS_LINE_BYTES;

    scope->blocks_memory = memory_allocate(1, bytes);
    if (scope->blocks_memory == NULL)
        return false;
    uintptr_t start = (uintptr_t)scope->blocks_memory;
    uintptr_t aligned = (start + STATS_LINE_BYTES - 1) / STATS_LINE_BYTES * STATS_LINE_BYTES;
    scope->blocks = (struct stats_block *)(void *)((unsigned char *)scope->blocks_memory + (aligned - start));
    return true;
}

struct stats_scope *stats_scope_create(enum stats_scope_kind kind, const char *name, const char *upstream,
                                       uint32_t workers)
{
    struct stats_scope *scope = memory_allocate(1, sizeof *scope);

    if (scope == NULL)
        return NULL;
    scope->kind = kind;
    scope->workers = workers;
    gauge_init(&scope->sessions, 0);
    scope->name = memory_copy_string(name);
    scope->upstream = upstream == NULL ? NULL : memory_copy_string(upstream);
    if (scope->name == NULL || (upstream != NULL && scope->upstream == NULL) ||
        !scope_allocate_blocks(scope)) {
        stats_scope_free(scope);
        return NULL;
    }
    return scope;
}

void stats_scope_free(struct stats_scope *scope)
{
    if (scope == NULL)
        return;
    memory_free((void *)scope->name);
    memory_free((void *)scope->upstream);
    memory_free(scope->blocks_memory);
    memory_free(scope);
}

void stats_register(struct stats *stats, struct stats_scope *scope)
{
    lock_acquire(&stats->lock);
    struct stats_scope **end = &stats->scopes;
    while (*end != NULL)
        end = &(*end)->next;
    scope->next = NULL;
    *end = scope;
    lock_release(&stats->lock);
}

static void unlink_scope(struct stats *stats, struct stats_scope *scope)
{
    struct stats_scope **place = &stats->scopes;

    while (*place != NULL && *place != scope)
        place = &(*place)->next;
    CHECK(*place == scope);
    *place = scope->next;
}

void stats_unregister(struct stats *stats, struct stats_scope *scope)
{
    lock_acquire(&stats->lock);
    unlink_scope(stats, scope);
    lock_release(&stats->lock);
}

void stats_retire(struct stats *stats, struct stats_scope *scope)
{
    lock_acquire(&stats->lock);
    unlink_scope(stats, scope);
    for (int stat = 0; stat < STAT_COUNT; stat++)
        stats->retired[scope->kind][stat] += stats_sum(scope, (enum stats_counter)stat);
    lock_release(&stats->lock);
}

/* Where a removed scope goes: a server behind the last one of its upstream, anything else to the end. */
static struct stats_scope **place_of_removed(struct stats *stats, const struct stats_scope *scope)
{
    struct stats_scope **place = NULL;
    struct stats_scope **end = &stats->scopes;

    for (; *end != NULL; end = &(*end)->next) {
        if (scope->kind == STATS_SERVER && (*end)->kind == STATS_SERVER &&
            text_equal((*end)->upstream, scope->upstream))
            place = &(*end)->next;
    }
    return place == NULL ? end : place;
}

/* With the lock held: the registered scopes that are marked as removed, in their order. */
static struct stats_scope *collect_removed(const struct stats *stats)
{
    struct stats_scope *removed = NULL;
    struct stats_scope **end = &removed;

    for (struct stats_scope *scope = stats->scopes; scope != NULL; scope = scope->next) {
        if (scope->removed) {
            *end = scope;
            end = &scope->next;
        }
    }
    *end = NULL;
    return removed;
}

/* With the lock held. The text has the length that it had: only capitals may have changed. */
static void respell(const char *text, const char *as)
{
    if (text == NULL || as == NULL)
        return;
    CHECK(text_equal(text, as));
    memcpy((char *)text, as, strlen(as));
}

static void mark_removed(struct stats *stats, const struct stats_listing *listings, size_t count)
{
    for (struct stats_scope *scope = stats->scopes; scope != NULL; scope = scope->next)
        scope->removed = true;
    for (size_t i = 0; i < count; i++) {
        listings[i].scope->removed = false;
        listings[i].scope->mode = listings[i].mode;
        respell(listings[i].scope->name, listings[i].name);
        respell(listings[i].scope->upstream, listings[i].upstream);
        gauge_set_limit(&listings[i].scope->sessions, listings[i].sessions_max);
    }
}

void stats_publish(struct stats *stats, const struct stats_listing *listings, size_t count)
{
    lock_acquire(&stats->lock);
    mark_removed(stats, listings, count);
    struct stats_scope *removed = collect_removed(stats);
    struct stats_scope **end = &stats->scopes;
    for (size_t i = 0; i < count; i++) {
        *end = listings[i].scope;
        end = &listings[i].scope->next;
    }
    *end = NULL;
    while (removed != NULL) {
        struct stats_scope *scope = removed;
        struct stats_scope **place = place_of_removed(stats, scope);
        removed = scope->next;
        scope->next = *place;
        *place = scope;
    }
    lock_release(&stats->lock);
}

void stats_scope_set_addresses(struct stats *stats, struct stats_scope *scope,
                               const struct address *addresses, uint32_t count)
{
    lock_acquire(&stats->lock);
    scope->addresses_count = count < STATS_ADDRESSES_MAX ? count : STATS_ADDRESSES_MAX;
    memcpy(scope->addresses, addresses, scope->addresses_count * sizeof addresses[0]);
    lock_release(&stats->lock);
}

/* --- counting -------------------------------------------------------------------------------------------- */

static struct stats_numbers *scope_numbers(struct stats_scope *scope)
{
    uint32_t worker = port_worker_index();

    CHECK(worker < scope->workers);
    return &scope->blocks[worker].u.numbers;
}

void stats_count(struct stats_scope *scope, enum stats_counter stat, uint64_t n)
{
    uint64_t *counter = &scope_numbers(scope)->counters[stat];

    /* One writer: a load and a store that releases are enough, and cost no locked instruction. */
    atomic_store_u64(counter, *counter + n);
}

void stats_time(struct stats_scope *scope, enum stat_time time, uint64_t value_us)
{
    histogram_record(&scope_numbers(scope)->times[time], value_us);
}

uint64_t stats_sum(const struct stats_scope *scope, enum stats_counter stat)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < scope->workers; i++)
        sum += atomic_load_u64(&scope->blocks[i].u.numbers.counters[stat]);
    return sum;
}
