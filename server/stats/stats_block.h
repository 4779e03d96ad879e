/*
 * stats_block: the numbers that one worker counts in one scope. Only counters.c and snapshot.c know it.
 */
#ifndef FAIRLEAD_STATS_STATS_BLOCK_H
#define FAIRLEAD_STATS_STATS_BLOCK_H

#include "stats/counters.h"

/* The cache line of x86-64; two workers never write to the same one. */
enum { STATS_LINE_BYTES = 64 };

struct stats_numbers {
    uint64_t counters[STAT_COUNT];
    struct histogram times[STAT_TIME_COUNT];
};

enum { STATS_BLOCK_LINES = (sizeof(struct stats_numbers) + STATS_LINE_BYTES - 1) / STATS_LINE_BYTES };

struct stats_block {
    union {
        struct stats_numbers numbers;
        uint8_t lines[STATS_BLOCK_LINES * STATS_LINE_BYTES];
    } u;
};

#endif
