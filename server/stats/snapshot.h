/*
 * snapshot: all numbers of one moment, as plain data.
 *
 * Taken without stopping anybody: the order of reading makes every snapshot true by itself (see counters.h, and the
 * phases in snapshot.c). Everything that can be derived is derived here and nowhere else: active = total - sum(closed),
 * buffered = in + from_servers - out - to_servers - discarded, totals = the sum over the listeners.
 *
 * The caller owns the snapshot; names in it are copies. Any thread.
 */
#ifndef FAIRLEAD_STATS_SNAPSHOT_H
#define FAIRLEAD_STATS_SNAPSHOT_H

#include "base/limits.h"
#include "stats/counters.h"

struct snapshot_scope {
    enum stats_scope_kind kind;
    char *name;
    char *upstream; /* NULL for listeners */
    const char *mode;
    bool removed;
    uint32_t addresses_count;
    struct address addresses[STATS_ADDRESSES_MAX];
    uint64_t counters[STAT_COUNT];
    uint64_t sessions_active; /* derived */
    uint64_t sessions_peak;
    uint64_t sessions_limit; /* 0 = none */
    struct histogram times[STAT_TIME_COUNT];
};

/* How the last reload went. */
struct snapshot_reload {
    uint64_t attempts; /* 0: none yet, and the rest says nothing */
    bool applied;
    uint64_t at_ms;
    char text[STATS_RELOAD_TEXT_BYTES]; /* whole lines as far as they fit */
};

struct snapshot {
    enum stats_state state;
    uint32_t pid;
    uint32_t workers;
    uint64_t started_at_ms;
    uint64_t uptime_us;
    uint64_t config_generation;
    uint32_t generations_in_use;
    struct snapshot_reload reload;
    const char *config_file;
    struct stats_process process;
    uint64_t sessions_peak; /* of the whole server */
    uint64_t sessions_limit;
    uint64_t totals[STAT_COUNT]; /* over the listeners; STAT_ERROR_... over the servers; gone ones included */
    uint64_t sessions_active;
    uint64_t bytes_from_servers; /* the sum over the servers: received from them */
    uint64_t bytes_to_servers;   /* sent to them */
    uint64_t bytes_buffered;     /* derived: received from either side, not yet sent on and not discarded */
    size_t scopes_count;
    struct snapshot_scope *scopes; /* listeners first, each kind in the order of registration */
};

/* False: out of memory, and nothing to free. */
bool snapshot_take(struct snapshot *snapshot, struct stats *stats, uint64_t now_us);
void snapshot_free(struct snapshot *snapshot);

#endif
