/*
 * port_sim_memory: base/memory.h for the simulator: allocations fail as the seed or fail-Nth says, are counted, and may
 * not be freed while the port still uses them.
 */
#ifndef FAIRLEAD_TESTS_SIM_PORT_SIM_MEMORY_H
#define FAIRLEAD_TESTS_SIM_PORT_SIM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_memory {
    uint64_t allocations; /* of this world, failed ones included */
    uint64_t fail_at;     /* the Nth fails; 0 = none */
    uint64_t blocks;      /* not freed yet */
    uint64_t bytes;
    uint64_t bytes_peak;
    bool faults;           /* whether SIM_FAULT_MEMORY applies now */
    uint64_t refuse_bytes; /* blocks of this size are never given; 0 = none */
};
extern struct sim_memory sim_memory;

void sim_memory_begin(void);

/* Between the two the harness allocates: nothing fails, and nothing is counted as fallible. */
struct sim_memory_pause {
    uint64_t allocations;
    uint64_t fail_at;
    bool faults;
};
void sim_memory_pause(struct sim_memory_pause *pause);
void sim_memory_resume(const struct sim_memory_pause *pause);

/* How many blocks of this size are not freed yet. */
uint64_t sim_memory_blocks_of(size_t bytes);

/* I7: everything was freed. */
void sim_memory_check_empty(void);

#endif
