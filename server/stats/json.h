/*
 * json: what every JSON answer needs beyond cJSON: numbers that stay exact, and texts that are UTF-8.
 *
 * Only the files named ...json.c in this folder know cJSON. Any thread, once json_start has run.
 */
#ifndef FAIRLEAD_STATS_JSON_H
#define FAIRLEAD_STATS_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct cJSON;

/* Once at start, before any other thread prints: cJSON's allocation hooks are global. */
void json_start(void);

/* Both add a member to the object; false: out of memory. `value` may hold any bytes. */
bool json_add_integer(struct cJSON *object, const char *name, uint64_t value);
bool json_add_text(struct cJSON *object, const char *name, const char *value);

#endif
