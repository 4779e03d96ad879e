#include "tests/sim/port_sim_world.h"

#include "base/random.h"
#include "base/wallclock.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_world sim;

/* --- chance ------------------------------------------------------------------------------------------------- */

void sim_without_chance(void)
{
    sim.even = true;
}

uint64_t sim_random(void)
{
    return sim.even ? UINT64_MAX : random_next(&sim.random);
}

uint32_t sim_below(uint32_t count)
{
    return (uint32_t)(((sim_random() >> 32) * count) >> 32);
}

uint32_t sim_between(uint32_t low, uint32_t high)
{
    return low + sim_below(high - low + 1);
}

bool sim_chance(uint32_t rate)
{
    return rate != 0 && (uint32_t)(sim_random() >> 48) < rate;
}

uint64_t sim_delay(uint64_t max_us)
{
    if (max_us == 0 || sim.even) {
        return max_us;
    }
    uint64_t random = sim_random();
    /* One in sixteen may take the whole range, the others a power of two less of it: most things are quick. */
    uint64_t range = max_us >> ((random & 15) == 0 ? 0 : (random >> 4) & 7);
    return range == 0 ? 0 : (random >> 16) % (range + 1);
}

/* --- the arena: blocks that are used again by the next world ------------------------------------------------- */

enum { ARENA_BLOCK_BYTES = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t bytes;
    size_t used;
};

static struct arena_block *arena_first;
static struct arena_block *arena_current;

static struct arena_block *arena_add(size_t bytes)
{
    struct arena_block *block = malloc(sizeof *block + bytes);
    if (block == NULL) {
        abort();
    }
    block->bytes = bytes;
    block->used = 0;
    block->next = NULL;
    return block;
}

void *sim_arena(size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    while (arena_current == NULL || arena_current->bytes - arena_current->used < bytes) {
        struct arena_block **link = arena_current == NULL ? &arena_first : &arena_current->next;
        if (*link == NULL) {
            *link = arena_add(bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES);
        }
        arena_current = *link;
        arena_current->used = 0;
    }
    char *memory = (char *)(arena_current + 1) + arena_current->used;
    arena_current->used += bytes;
    memset(memory, 0, bytes);
    return memory;
}

/* Keeps the first blocks, so that most worlds ask the system for nothing. */
static void arena_reset(void)
{
    enum { BLOCKS_KEPT = 4 };
    struct arena_block *block = arena_first;
    for (int kept = 1; block != NULL && kept < BLOCKS_KEPT; kept++) {
        block = block->next;
    }
    while (block != NULL && block->next != NULL) {
        struct arena_block *drop = block->next;
        block->next = drop->next;
        free(drop);
    }
    arena_current = arena_first;
    if (arena_first != NULL) {
        arena_first->used = 0;
    }
}

/* --- events: a binary heap ------------------------------------------------------------------------------------ */

struct heap_entry {
    uint64_t time_us;
    uint64_t
        order; /* random above, sequence below: events of one time come in any order, but the same each run */
    sim_event *event;
    void *object;
    uint64_t argument;
    enum sim_label label;
};

static struct heap_entry *heap;
static size_t heap_count;
static size_t heap_capacity;
static uint32_t heap_sequence;

static bool entry_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->time_us != b->time_us ? a->time_us < b->time_us : a->order < b->order;
}

void sim_at(uint64_t delay_us, enum sim_label label, sim_event *event, void *object, uint64_t argument)
{
    if (heap_count == heap_capacity) {
        heap_capacity = heap_capacity == 0 ? 1024 : heap_capacity * 2;
        heap = realloc(heap, heap_capacity * sizeof *heap);
        if (heap == NULL) {
            abort();
        }
    }
    struct heap_entry entry = {
        sim.now_us + delay_us, (sim_random() << 32) | heap_sequence++, event, object, argument, label};
    size_t hole = heap_count++;
    while (hole > 0 && entry_before(&entry, &heap[(hole - 1) / 2])) {
        heap[hole] = heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap[hole] = entry;
}

static struct heap_entry heap_take(void)
{
    struct heap_entry first = heap[0];
    struct heap_entry last = heap[--heap_count];
    size_t hole = 0;
    for (;;) {
        size_t child = hole * 2 + 1;
        if (child >= heap_count) {
            break;
        }
        if (child + 1 < heap_count && entry_before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!entry_before(&heap[child], &last)) {
            break;
        }
        heap[hole] = heap[child];
        hole = child;
    }
    if (heap_count > 0) {
        heap[hole] = last;
    }
    return first;
}

uint64_t sim_next_us(void)
{
    return heap_count == 0 ? UINT64_MAX : heap[0].time_us;
}

static void hash_mix(uint64_t value)
{
    sim.hash = random_mix(sim.hash ^ value) + 0x9e3779b97f4a7c15U;
}

static const char *const label_names[SIM_LABEL_COUNT] = {"worker", "wake", "complete",  "cancel", "segment",
                                                         "reset",  "syn",  "connected", "accept", "name",
                                                         "clock",  "peer", "host"};

bool sim_step(void)
{
    if (heap_count == 0) {
        return false;
    }
    struct heap_entry entry = heap_take();
    if (entry.time_us > sim.now_us) {
        sim.now_us = entry.time_us;
    }
    sim.step++;
    hash_mix(entry.time_us * SIM_LABEL_COUNT + (uint64_t)entry.label);
    if (sim.verbose) {
        fprintf(stderr, "%8llu %12llu us  %s\n", (unsigned long long)sim.step, (unsigned long long)sim.now_us,
                label_names[entry.label]);
    }
    if (sim.steps_max != 0 && sim.step > sim.steps_max) {
        sim_fail("I9", "more than %llu steps: something spins", (unsigned long long)sim.steps_max);
    }
    entry.event(entry.object, entry.argument);
    if (sim.check != NULL) {
        sim.check();
    }
    return true;
}

void sim_trace(const char *what, uint64_t a, uint64_t b)
{
    hash_mix((uint64_t)(unsigned char)what[0] * 65537 + (uint64_t)(unsigned char)what[1]);
    hash_mix(a);
    hash_mix(b);
    if (sim.verbose) {
        fprintf(stderr, "%8llu %12llu us      %s %llu %llu\n", (unsigned long long)sim.step,
                (unsigned long long)sim.now_us, what, (unsigned long long)a, (unsigned long long)b);
    }
}

void sim_begin(uint64_t seed)
{
    bool verbose = sim.verbose;
    memset(&sim, 0, sizeof sim);
    sim.verbose = verbose;
    sim.seed = seed;
    sim.random = random_mix(seed + 0x5851f42d4c957f2dU);
    sim.running = true;
    heap_count = 0;
    heap_sequence = 0;
    arena_reset();
}

void sim_end(void)
{
    sim.running = false;
    heap_count = 0;
}

/* --- failure -------------------------------------------------------------------------------------------------- */

static void print_failure(const char *invariant)
{
    fflush(stdout);
    fprintf(stderr, "FAIL seed=%llu step=%llu invariant=%s scenario=%s time_us=%llu\n",
            (unsigned long long)sim.seed, (unsigned long long)sim.step, invariant,
            sim.scenario != NULL ? sim.scenario : "-", (unsigned long long)sim.now_us);
}

void sim_fail(const char *invariant, const char *format, ...)
{
    print_failure(invariant);
    va_list arguments;
    va_start(arguments, format);
    fputs("     ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    if (sim.explain != NULL) {
        sim.explain();
    }
    fflush(stderr);
    sim.running = false;
    _Exit(1);
}

static void on_signal(int number)
{
    if (sim.running) {
        print_failure(number == SIGABRT ? "CHECK" : "CRASH");
        fflush(stderr);
    }
    _Exit(1);
}

/* The sanitizers call this before they end the process; weak references, so that a plain build links too. */
static void on_sanitizer_death(void)
{
    if (sim.running) {
        print_failure("SANITIZER");
        fflush(stderr);
    }
}

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#if defined(HAS_SANITIZER)
void __sanitizer_set_death_callback(void (*callback)(void));
#endif

#if defined(HAS_SANITIZER)
/* Short stacks of allocations: collecting long ones costs a third of the time. ASAN_OPTIONS still wins. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "malloc_context_size=3:quarantine_size_mb=8";
}

/* The sanitizer of undefined behaviour has a death of its own, without the callback; this it calls before each report. */
void __ubsan_on_report(void);
void __ubsan_on_report(void)
{
    on_sanitizer_death();
}
#endif

void sim_catch_crashes(void)
{
    signal(SIGABRT, on_signal);
#if defined(HAS_SANITIZER)
    __sanitizer_set_death_callback(on_sanitizer_death);
#else
    (void)on_sanitizer_death;
    signal(SIGSEGV, on_signal);
#endif
}

/* --- what people read ------------------------------------------------------------------------------------------- */

uint64_t wallclock_now_ms(void)
{
    return 1700000000000U + sim.now_us / 1000;
}
