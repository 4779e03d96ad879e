/*
 * pool: objects of one size with a named limit.
 *
 * A pool hands out at most `objects_max` objects. It keeps at most `spare_max` returned ones for the next
 * taker and gives the rest back to the system, so that a burst of traffic does not hold its memory for ever; whoever calls
 * pool_trim now and then gives back what has been spare all the time in between too.
 * Objects are NOT zeroed. Any thread may take and give.
 *
 *   pool_init -> pool_take / pool_give / pool_trim ... -> pool_destroy (everything must have been given back)
 */
#ifndef FAIRLEAD_BASE_POOL_H
#define FAIRLEAD_BASE_POOL_H

#include "base/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
    struct lock lock;
    struct pool_spare *spare;
    size_t object_bytes;
    uint32_t objects_max;
    uint32_t spare_max;
    uint32_t spare_count;
    uint32_t spare_least; /* since the last trim */
    uint32_t taken_count;
};

void pool_init(struct pool *pool, size_t object_bytes, uint32_t objects_max, uint32_t spare_max);

/* An object, aligned for any type, or NULL: the limit is reached or the system has no memory. */
void *pool_take(struct pool *pool);

/* `object` came from pool_take of the same pool. */
void pool_give(struct pool *pool, void *object);

/* Frees what nobody has needed since the last trim. True: there are spare objects left, trim again later. */
bool pool_trim(struct pool *pool);

/* Another limit. What is taken beyond a lower one stays taken. */
void pool_set_limit(struct pool *pool, uint32_t objects_max);

/* How many objects are taken now. */
uint32_t pool_taken(struct pool *pool);

/* Frees the spare objects. Checks that none is taken. */
void pool_destroy(struct pool *pool);

#endif
