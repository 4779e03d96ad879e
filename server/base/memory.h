/*
 * memory: every allocation of Fairlead's own code.
 *
 * One door, so that tests can fail the Nth allocation and count what is left at the end (another
 * implementation is chosen by linking). Any thread. On the data path memory comes from pools (pool.h), not
 * from here.
 */
#ifndef FAIRLEAD_BASE_MEMORY_H
#define FAIRLEAD_BASE_MEMORY_H

#include <stddef.h>

/* Zeroed memory for `count` objects of `size` bytes, or NULL: out of memory or overflow. The caller frees it
 * with memory_free. A count or size of 0 gives a valid pointer. */
void *memory_allocate(size_t count, size_t size);

/* As realloc: keeps the contents up to the smaller size; new bytes are indeterminate; NULL leaves `block` as
 * it was. */
void *memory_resize(void *block, size_t bytes);

/* A copy of the string, or NULL. */
char *memory_copy_string(const char *text);

/* NULL is allowed and does nothing. */
void memory_free(void *block);

/* Zeroed pages of their own, or NULL. Heaps keep what was freed of blocks of some KiB; these go back to the system at
 * once. The implementation is chosen by linking: port/pages_win.c, tests/support/pages_native.c. */
void *memory_allocate_pages(size_t bytes);

/* NULL is allowed and does nothing. */
void memory_free_pages(void *pages);

#endif
