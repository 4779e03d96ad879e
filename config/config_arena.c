#include "config/config_arena.h"

#include "base/memory.h"

#include <stdint.h>
#include <string.h>

/* In front of what is handed out; 16 bytes keep that aligned for any type. */
union header {
    union header *next;
    uint64_t alignment[2];
};

struct config_arena {
    union header *blocks;
    bool failed;
};

struct config_arena *config_arena_create(void)
{
    return memory_allocate(1, sizeof(struct config_arena));
}

void config_arena_free(struct config_arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->blocks != NULL) {
        union header *block = arena->blocks;
        arena->blocks = block->next;
        memory_free(block);
    }
    memory_free(arena);
}

void *config_arena_allocate(struct config_arena *arena, size_t bytes)
{
    union header *block = NULL;

    if (bytes <= SIZE_MAX - sizeof(*block))
        block = memory_allocate(1, sizeof(*block) + bytes);
    if (block == NULL) {
        arena->failed = true;
        return NULL;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    return block + 1;
}

char *config_arena_copy(struct config_arena *arena, const char *text, size_t bytes)
{
    char *copy = config_arena_allocate(arena, bytes + 1);

    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

void *config_arena_append(struct config_arena *arena, void *items, size_t *count, size_t item_bytes)
{
    /* Room doubles whenever the count reaches a power of two, so it need not be remembered. The outgrown arrays stay
     * until the arena ends: together they are smaller than the last one. */
    if ((*count & (*count - 1)) == 0) {
        size_t room = *count == 0 ? 1 : *count * 2;
        void *grown =
            room > SIZE_MAX / 2 / item_bytes ? NULL : config_arena_allocate(arena, room * item_bytes);
        if (grown == NULL) {
            arena->failed = true;
            return NULL;
        }
        if (*count != 0)
            memcpy(grown, items, *count * item_bytes);
        items = grown;
    }
    (*count)++;
    return items;
}

bool config_arena_failed(const struct config_arena *arena)
{
    return arena->failed;
}
