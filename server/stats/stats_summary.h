/*
 * stats_summary: the few numbers of GET /stats that `fairlead status`, `stats` and `reload` show, read back from its JSON.
 *
 * What answered may be another version of Fairlead, or another program that has the port now: a field that is missing or of another
 * type keeps its zero, and texts are made safe for a terminal. Numbers are exact up to 2^53, which is enough for people.
 *
 * Pure; any thread, after snapshot_json_start where a process prints snapshots too.
 */
#ifndef FAIRLEAD_STATS_STATS_SUMMARY_H
#define FAIRLEAD_STATS_STATS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stats_summary {
    char version[32];
    char state[24]; /* "serving" */
    uint64_t pid;
    double uptime_seconds;
    uint64_t generation;
    uint64_t generations_in_use;
    uint64_t sessions_active;
    uint64_t sessions_total;
    uint64_t refused; /* clients, for all reasons */
    uint64_t errors;  /* of connects to servers, of all kinds */
    uint64_t bytes_in;
    uint64_t bytes_out;
    bool has_reload; /* this version counts its reloads */
    uint64_t reload_attempts;
    bool reload_applied;    /* the last one */
    char reload_text[4096]; /* how the last one went; lines, the last without its line feed */
};

/* The answer to POST /reload. */
struct stats_reload_answer {
    bool applied;
    uint64_t generation;
    char text[4096];
};

/* False: this is no /stats of a Fairlead, and `*summary` is all zeros. */
bool stats_summary_parse(const char *json, size_t bytes, struct stats_summary *summary);

/* False: this is no answer of POST /reload. */
bool stats_summary_parse_reload(const char *json, size_t bytes, struct stats_reload_answer *answer);

/* One line for people: "serving for 2 h 5 min, 3 sessions now, 1284 in all, 12.4 MB in, 12.4 MB out, configuration 2". Returns
 * `line`. */
const char *stats_summary_format(const struct stats_summary *summary, char *line, size_t line_bytes);

#endif
