/*
 * listing: the listeners and servers of GET /stats, as `fairlead stats` shows them.
 *
 * What answered may be another version, or another program: a field that is missing keeps its zero, and texts are made safe for a
 * terminal. One thread at a time for one listing; it owns its memory.
 *
 *   listing_parse -> listing_print -> listing_free
 */
#ifndef FAIRLEAD_STATS_LISTING_H
#define FAIRLEAD_STATS_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LISTING_NAME_BYTES = 128, LISTING_REASONS_BYTES = 600 };

/* One listener or server. */
struct listing_row {
    char name[LISTING_NAME_BYTES]; /* of a server: UPSTREAM/SERVER */
    char state[24];                /* of a listener: "listening" */
    uint64_t sessions_active;
    uint64_t sessions_peak;
    uint64_t sessions_total;
    uint64_t refused; /* of a listener */
    uint64_t errors;  /* of a server */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t p50_us; /* of a listener's sessions, of a server's connects */
    uint64_t p99_us;
};

struct listing {
    struct listing_row *listeners;
    size_t listeners_count;
    struct listing_row *servers;
    size_t servers_count;
    /* "12 finished, 3 client_reset", of all listeners and servers; those that are 0 are left out. */
    char refused[LISTING_REASONS_BYTES];
    char closed[LISTING_REASONS_BYTES];
    char errors[LISTING_REASONS_BYTES];
};

/* False: out of memory, and there is nothing to free. What is no JSON is an empty listing. */
bool listing_parse(const char *json, size_t bytes, struct listing *listing);
void listing_free(struct listing *listing);

/* The tables as lines, to be freed with memory_free; NULL: out of memory. */
char *listing_print(const struct listing *listing);

#endif
