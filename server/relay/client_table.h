/*
 * client_table: how many sessions each client address has, with an exact limit.
 *
 * A hash table that holds only addresses with at least one session. The limit comes with each call, because it may change while
 * there are sessions; whoever has none does not ask. The hash is seeded, so that clients cannot choose
 * addresses that collide. Any thread.
 */
#ifndef FAIRLEAD_RELAY_CLIENT_TABLE_H
#define FAIRLEAD_RELAY_CLIENT_TABLE_H

#include "base/address.h"
#include "base/lock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_entry;

struct client_table {
    struct lock lock;
    uint64_t seed;
    size_t buckets_count; /* a power of two, or 0 before the first client */
    size_t entries_count;
    struct client_entry **buckets;
};

enum client_admission { CLIENT_ADMITTED, CLIENT_OVER_LIMIT, CLIENT_NO_MEMORY };

void client_table_init(struct client_table *table, uint64_t seed);

/* Counts one more session of the address (its port does not matter), unless it has `max` already. */
enum client_admission client_table_raise(struct client_table *table, const struct address *peer,
                                         uint32_t max);

/* Gives back what client_table_raise admitted. */
void client_table_lower(struct client_table *table, const struct address *peer);

/* Checks that it is empty. */
void client_table_destroy(struct client_table *table);

#endif
