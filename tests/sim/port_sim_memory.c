#include "tests/sim/port_sim_memory.h"

#include "base/memory.h"
#include "tests/sim/port_sim.h"
#include "tests/sim/port_sim_fault.h"
#include "tests/sim/port_sim_world.h"

#include <stdlib.h>
#include <string.h>

/* Before every block; a multiple of 16 bytes keeps the alignment that malloc promises. */
struct header {
    struct header *next; /* of the blocks that are not freed */
    struct header *previous;
    size_t bytes;
    uint64_t magic;
};

#define HEADER_LIVE 0x11fe11fe11fe11feULL
#define HEADER_FREED 0xdeaddeaddeaddeadULL

struct sim_memory sim_memory;

static struct header *live;

void sim_memory_begin(void)
{
    memset(&sim_memory, 0, sizeof sim_memory);
    live = NULL;
}

static void list_add(struct header *header)
{
    header->previous = NULL;
    header->next = live;
    if (live != NULL) {
        live->previous = header;
    }
    live = header;
}

static void list_remove(const struct header *header)
{
    if (header->next != NULL) {
        header->next->previous = header->previous;
    }
    if (header->previous != NULL) {
        header->previous->next = header->next;
    } else {
        live = header->next;
    }
}

uint64_t sim_memory_blocks_of(size_t bytes)
{
    uint64_t count = 0;
    for (const struct header *header = live; header != NULL; header = header->next) {
        count += header->bytes == bytes;
    }
    return count;
}

void sim_memory_pause(struct sim_memory_pause *pause)
{
    *pause = (struct sim_memory_pause){sim_memory.allocations, sim_memory.fail_at, sim_memory.faults};
    sim_memory.fail_at = 0;
    sim_memory.faults = false;
}

void sim_memory_resume(const struct sim_memory_pause *pause)
{
    sim_memory.allocations = pause->allocations;
    sim_memory.fail_at = pause->fail_at;
    sim_memory.faults = pause->faults;
}

void sim_memory_check_empty(void)
{
    if (sim_memory.blocks != 0) {
        sim_fail("I7", "%llu blocks of memory with %llu bytes are left",
                 (unsigned long long)sim_memory.blocks, (unsigned long long)sim_memory.bytes);
    }
}

static bool allocation_fails(void)
{
    sim_memory.allocations++;
    if (sim_memory.allocations == sim_memory.fail_at) {
        sim_fault_count(SIM_FAULT_MEMORY);
        return true;
    }
    return sim_memory.faults && sim_fault(SIM_FAULT_MEMORY);
}

static void count_bytes(size_t bytes)
{
    sim_memory.bytes += bytes;
    if (sim_memory.bytes > sim_memory.bytes_peak) {
        sim_memory.bytes_peak = sim_memory.bytes;
    }
}

void *memory_allocate(size_t count, size_t size)
{
    if (allocation_fails() || (size != 0 && count > (SIZE_MAX - sizeof(struct header)) / size)) {
        return NULL;
    }
    if (sim_memory.refuse_bytes != 0 && count * size == sim_memory.refuse_bytes) {
        sim_fault_count(SIM_FAULT_MEMORY);
        return NULL;
    }
    struct header *header = calloc(1, sizeof *header + count * size);
    if (header == NULL) {
        return NULL;
    }
    header->bytes = count * size;
    header->magic = HEADER_LIVE;
    list_add(header);
    sim_memory.blocks++;
    count_bytes(header->bytes);
    return header + 1;
}

static struct header *header_of(void *block)
{
    struct header *header = (struct header *)block - 1;
    if (header->magic != HEADER_LIVE) {
        sim_fail("I7", "memory is freed that is not allocated");
    }
    return header;
}

void *memory_resize(void *block, size_t bytes)
{
    if (block == NULL) {
        return memory_allocate(1, bytes);
    }
    struct header *header = header_of(block);
    size_t old_bytes = header->bytes;
    if (allocation_fails() || bytes > SIZE_MAX - sizeof *header) {
        return NULL;
    }
    sim_check_free(block, old_bytes);
    list_remove(header);
    struct header *moved = realloc(header, sizeof *header + bytes);
    list_add(moved != NULL ? moved : header);
    if (moved == NULL) {
        return NULL;
    }
    header = moved;
    header->bytes = bytes;
    sim_memory.bytes -= old_bytes;
    count_bytes(bytes);
    return header + 1;
}

char *memory_copy_string(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = memory_allocate(bytes, 1);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void memory_free(void *block)
{
    if (block == NULL) {
        return;
    }
    struct header *header = header_of(block);
    sim_check_free(block, header->bytes);
    header->magic = HEADER_FREED;
    list_remove(header);
    sim_memory.blocks--;
    sim_memory.bytes -= header->bytes;
    free(header);
}
