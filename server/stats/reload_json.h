/*
 * reload_json: the outcome of a reload as the JSON of POST /reload (docs/statistics.md).
 */
#ifndef FAIRLEAD_STATS_RELOAD_JSON_H
#define FAIRLEAD_STATS_RELOAD_JSON_H

#include "base/reload.h"

#include <stddef.h>

/* {"applied":true,"generation":2,"text":"..."}, NUL-terminated, to be freed with memory_free; NULL: out of memory. `bytes` gets its
 * length. Any thread, after json_start. */
char *reload_json_print(const struct reload_outcome *outcome, size_t *bytes);

#endif
