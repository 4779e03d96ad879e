/*
 * snapshot_json: a snapshot as the JSON of GET /stats (docs/stats.schema.json).
 *
 * Counters are written as exact integers, also beyond 2^53.
 */
#ifndef FAIRLEAD_STATS_SNAPSHOT_JSON_H
#define FAIRLEAD_STATS_SNAPSHOT_JSON_H

#include "stats/snapshot.h"

/* The text, NUL-terminated, to be freed with memory_free; NULL: out of memory. `bytes` gets its length. Any thread, after json_start. */
char *snapshot_json_print(const struct snapshot *snapshot, size_t *bytes);

#endif
