#include "relay/ledger.h"

#include "base/check.h"
#include "base/memory.h"
#include "config/text.h"

#include <string.h>

void ledgers_init(struct ledgers *ledgers, struct stats *stats, uint64_t seed)
{
    memset(ledgers, 0, sizeof *ledgers);
    lock_init(&ledgers->lock);
    ledgers->stats = stats;
    ledgers->seed = seed;
}

void ledgers_destroy(struct ledgers *ledgers)
{
    CHECK(ledgers->list == NULL);
}

static bool ledger_matches(const struct ledger *ledger, enum stats_scope_kind kind, const char *name,
                           const char *upstream)
{
    const struct stats_scope *scope = ledger->scope;

    return scope->kind == kind && text_equal(scope->name, name) &&
           (upstream == NULL || text_equal(scope->upstream, upstream));
}

static struct ledger *ledger_create(const struct ledgers *ledgers, enum stats_scope_kind kind,
                                    const char *name, const char *upstream)
{
    struct ledger *ledger = memory_allocate(1, sizeof *ledger);

    if (ledger == NULL)
        return NULL;
    client_table_init(&ledger->clients, ledgers->seed);
    ledger->scope = stats_scope_create(kind, name, upstream, ledgers->stats->workers);
    if (ledger->scope == NULL) {
        memory_free(ledger);
        return NULL;
    }
    return ledger;
}

struct ledger *ledgers_take(struct ledgers *ledgers, enum stats_scope_kind kind, const char *name,
                            const char *upstream)
{
    lock_acquire(&ledgers->lock);
    struct ledger **place = &ledgers->list;
    while (*place != NULL && !ledger_matches(*place, kind, name, upstream))
        place = &(*place)->next;
    if (*place == NULL)
        *place = ledger_create(ledgers, kind, name, upstream);
    struct ledger *ledger = *place;
    if (ledger != NULL)
        ledger->references++;
    lock_release(&ledgers->lock);
    return ledger;
}

void ledgers_give(struct ledgers *ledgers, struct ledger *ledger)
{
    lock_acquire(&ledgers->lock);
    CHECK(ledger->references > 0);
    ledger->references--;
    bool last = ledger->references == 0;
    if (last) {
        struct ledger **place = &ledgers->list;
        while (*place != ledger)
            place = &(*place)->next;
        *place = ledger->next;
    }
    lock_release(&ledgers->lock);
    if (!last)
        return;
    if (ledger->published)
        stats_retire(ledgers->stats, ledger->scope);
    client_table_destroy(&ledger->clients);
    stats_scope_free(ledger->scope);
    memory_free(ledger);
}
