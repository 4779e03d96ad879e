#include "base/pool.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/memory.h"

/* A returned object holds the link in its own first bytes. */
struct pool_spare {
    struct pool_spare *next;
};

static void *pool_allocate(const struct pool *pool)
{
    if (pool->object_bytes >= POOL_PAGES_BYTES)
        return memory_allocate_pages(pool->object_bytes);
    return memory_allocate(1, pool->object_bytes);
}

static void pool_free(const struct pool *pool, void *object)
{
    if (pool->object_bytes >= POOL_PAGES_BYTES)
        memory_free_pages(object);
    else
        memory_free(object);
}

void pool_init(struct pool *pool, size_t object_bytes, uint32_t objects_max, uint32_t spare_max)
{
    CHECK(object_bytes > 0);
    lock_init(&pool->lock);
    pool->spare = NULL;
    pool->object_bytes = object_bytes < sizeof(struct pool_spare) ? sizeof(struct pool_spare) : object_bytes;
    pool->objects_max = objects_max;
    pool->spare_max = spare_max;
    pool->spare_count = 0;
    pool->spare_least = 0;
    pool->taken_count = 0;
}

void *pool_take(struct pool *pool)
{
    struct pool_spare *object = NULL;

    lock_acquire(&pool->lock);
    bool allowed = pool->taken_count < pool->objects_max;
    if (allowed) {
        pool->taken_count++;
        object = pool->spare;
        if (object != NULL) {
            pool->spare = object->next;
            pool->spare_count--;
            if (pool->spare_count < pool->spare_least)
                pool->spare_least = pool->spare_count;
        }
    }
    lock_release(&pool->lock);
    if (!allowed || object != NULL)
        return object;

    /* The place is reserved, so the allocation need not hold the lock. */
    object = pool_allocate(pool);
    if (object == NULL) {
        lock_acquire(&pool->lock);
        pool->taken_count--;
        lock_release(&pool->lock);
    }
    return object;
}

void pool_give(struct pool *pool, void *object)
{
    struct pool_spare *spare = object;

    CHECK(object != NULL);
    lock_acquire(&pool->lock);
    CHECK(pool->taken_count > 0);
    pool->taken_count--;
    bool keep = pool->spare_count < pool->spare_max;
    if (keep) {
        spare->next = pool->spare;
        pool->spare = spare;
        pool->spare_count++;
    }
    lock_release(&pool->lock);
    if (!keep)
        pool_free(pool, object);
}

/* Takes the objects off the list first: giving pages back to the system is slow, and the others need not wait for it. */
bool pool_trim(struct pool *pool)
{
    lock_acquire(&pool->lock);
    struct pool_spare *unneeded = NULL;
    for (uint32_t i = 0; i < pool->spare_least; i++) {
        struct pool_spare *object = pool->spare;
        pool->spare = object->next;
        object->next = unneeded;
        unneeded = object;
    }
    pool->spare_count -= pool->spare_least;
    pool->spare_least = pool->spare_count;
    bool left = pool->spare_count > 0;
    lock_release(&pool->lock);

    while (unneeded != NULL) {
        struct pool_spare *next = unneeded->next;
        pool_free(pool, unneeded);
        unneeded = next;
    }
    return left;
}

void pool_set_limit(struct pool *pool, uint32_t objects_max)
{
    lock_acquire(&pool->lock);
    pool->objects_max = objects_max;
    lock_release(&pool->lock);
}

uint32_t pool_taken(struct pool *pool)
{
    lock_acquire(&pool->lock);
    uint32_t taken = pool->taken_count;
    lock_release(&pool->lock);
    return taken;
}

void pool_destroy(struct pool *pool)
{
    CHECK(pool_taken(pool) == 0);
    while (pool->spare != NULL) {
        struct pool_spare *next = pool->spare->next;
        pool_free(pool, pool->spare);
        pool->spare = next;
    }
    pool->spare_count = 0;
    pool->spare_least = 0;
}
