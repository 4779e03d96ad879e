#include "relay/client_table.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/random.h"

#include <string.h>

/* Enough for a quiet server; grows with the clients. */
enum { CLIENT_TABLE_BUCKETS_FIRST = 64 };

struct client_entry {
    struct client_entry *next;
    struct address address;
    uint32_t sessions;
};

void client_table_init(struct client_table *table, uint64_t seed)
{
    memset(table, 0, sizeof *table);
    lock_init(&table->lock);
    table->seed = seed;
}

static size_t client_bucket(const struct client_table *table, const struct address *peer,
                            size_t buckets_count)
{
    uint64_t high;
    uint64_t low;

    memcpy(&high, peer->bytes, sizeof high);
    memcpy(&low, peer->bytes + sizeof high, sizeof low);
    uint64_t hash = random_mix(table->seed ^ high);
    hash = random_mix(hash ^ low ^ ((uint64_t)peer->scope << 8) ^ peer->family);
    return (size_t)hash & (buckets_count - 1);
}

/* Where the entry of the address hangs, or where it would. */
static struct client_entry **client_find(struct client_table *table, const struct address *peer)
{
    struct client_entry **place = &table->buckets[client_bucket(table, peer, table->buckets_count)];

    while (*place != NULL && !address_equal_host(&(*place)->address, peer))
        place = &(*place)->next;
    return place;
}

/* A table that cannot grow gets slower, not wrong. */
static bool client_table_grow(struct client_table *table)
{
    size_t count = table->buckets_count == 0 ? CLIENT_TABLE_BUCKETS_FIRST : table->buckets_count * 2;
    struct client_entry **buckets = memory_allocate(count, sizeof(struct client_entry *));

    if (buckets == NULL)
        return table->buckets_count > 0;
    for (size_t i = 0; i < table->buckets_count; i++) {
        while (table->buckets[i] != NULL) {
            struct client_entry *entry = table->buckets[i];
            table->buckets[i] = entry->next;
            size_t bucket = client_bucket(table, &entry->address, count);
            entry->next = buckets[bucket];
            buckets[bucket] = entry;
        }
    }
    memory_free(table->buckets);
    table->buckets = buckets;
    table->buckets_count = count;
    return true;
}

static enum client_admission client_raise_locked(struct client_table *table, const struct address *peer,
                                                 uint32_t max)
{
    if (table->entries_count >= table->buckets_count && !client_table_grow(table))
        return CLIENT_NO_MEMORY;
    struct client_entry **place = client_find(table, peer);
    if (*place == NULL) {
        struct client_entry *entry = memory_allocate(1, sizeof *entry);
        if (entry == NULL)
            return CLIENT_NO_MEMORY;
        entry->address = *peer;
        *place = entry;
        table->entries_count++;
    }
    if ((*place)->sessions >= max)
        return CLIENT_OVER_LIMIT;
    (*place)->sessions++;
    return CLIENT_ADMITTED;
}

enum client_admission client_table_raise(struct client_table *table, const struct address *peer, uint32_t max)
{
    lock_acquire(&table->lock);
    enum client_admission admission = client_raise_locked(table, peer, max);
    lock_release(&table->lock);
    return admission;
}

void client_table_lower(struct client_table *table, const struct address *peer)
{
    lock_acquire(&table->lock);
    struct client_entry **place = client_find(table, peer);
    struct client_entry *entry = *place;
    CHECK(entry != NULL && entry->sessions > 0);
    entry->sessions--;
    if (entry->sessions == 0) {
        *place = entry->next;
        table->entries_count--;
        memory_free(entry);
    }
    lock_release(&table->lock);
}

void client_table_destroy(struct client_table *table)
{
    CHECK(table->entries_count == 0);
    memory_free(table->buckets);
    table->buckets = NULL;
    table->buckets_count = 0;
}
