/*
 * snapshot_json: a snapshot as the JSON of GET /stats (docs/stats.schema.json).
 *
 * Counters are written as exact integers, also beyond 2^53. Printed by cJSON, the only file that includes it.
 */
#ifndef FAIRLEAD_STATS_SNAPSHOT_JSON_H
#define FAIRLEAD_STATS_SNAPSHOT_JSON_H

#include "stats/snapshot.h"

/* Once at start, before any other thread prints: cJSON's allocation hooks are global. */
void snapshot_json_start(void);

/* The text, NUL-terminated, to be freed with memory_free; NULL: out of memory. `bytes` gets its length. Any thread. */
char *snapshot_json_print(const struct snapshot *snapshot, size_t *bytes);

#endif
