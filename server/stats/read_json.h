/*
 * read_json: fields of JSON that somebody else wrote, another version of Fairlead perhaps, or a program that has the port now.
 *
 * A field that is missing or of another type is zero or empty. `object` may be NULL. Pure; any thread.
 */
#ifndef FAIRLEAD_STATS_READ_JSON_H
#define FAIRLEAD_STATS_READ_JSON_H

#include <stddef.h>
#include <stdint.h>

struct cJSON;

/* Exact up to 2^53, which is enough for people. */
uint64_t read_json_count(const struct cJSON *object, const char *name);
double read_json_seconds(const struct cJSON *object, const char *name);

/* Line by line: line feeds part the lines, but for the last one, and everything else that a terminal might act upon is escaped. What
 * does not fit is cut; `out_bytes` is at least 1. */
void read_json_lines(const struct cJSON *object, const char *name, char *out, size_t out_bytes);

/* All counts of an object of counts, such as `closed`, together. */
uint64_t read_json_sum(const struct cJSON *object, const char *name);

#endif
