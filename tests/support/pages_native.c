/* Pages for native tests: blocks, so that the sanitizers and the simulator see them as such. */
#include "base/memory.h"

void *memory_allocate_pages(size_t bytes)
{
    return memory_allocate(1, bytes);
}

void memory_free_pages(void *pages)
{
    memory_free(pages);
}
