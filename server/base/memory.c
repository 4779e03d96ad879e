#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *memory_allocate(size_t count, size_t size)
{
    if (count == 0 || size == 0)
        return calloc(1, 1);
    if (count > SIZE_MAX / size)
        return NULL;
    return calloc(count, size);
}

void *memory_resize(void *block, size_t bytes)
{
    /* realloc to 0 bytes frees the block under some libraries and not under others. */
    return realloc(block, bytes == 0 ? 1 : bytes);
}

char *memory_copy_string(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = memory_allocate(1, bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

void memory_free(void *block)
{
    free(block);
}
