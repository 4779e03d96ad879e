/*
 * config_arena: memory that lives and dies with one configuration.
 *
 * Everything a struct config points to is allocated here and freed by one call. Not thread-safe: one loader uses it.
 * An allocation that fails answers NULL and is remembered, so that a loader may go on and ask once at its end.
 */
#ifndef FAIRLEAD_CONFIG_ARENA_H
#define FAIRLEAD_CONFIG_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct config_arena;

/* NULL: out of memory. */
struct config_arena *config_arena_create(void);

/* NULL is allowed. */
void config_arena_free(struct config_arena *arena);

/* Zeroed memory, aligned for any type. */
void *config_arena_allocate(struct config_arena *arena, size_t bytes);

/* A terminated copy of `bytes` bytes. */
char *config_arena_copy(struct config_arena *arena, const char *text, size_t bytes);

/* One more zeroed item at the end of the array `items` of `*count` items, which moves when it must grow: pointers
 * into it are then stale. Returns the array, `*count` being one more; or NULL, with both as they were. */
void *config_arena_append(struct config_arena *arena, void *items, size_t *count, size_t item_bytes);

/* Whether any allocation failed so far. */
bool config_arena_failed(const struct config_arena *arena);

#endif
