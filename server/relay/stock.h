/*
 * stock: what a relay hands out again and again: sessions, and buffers of two sizes.
 *
 * Most connections are served best with small buffers (`buffer_bytes`), of which thousands may be out; a few move much, and
 * with large ones (`bulk_bytes`) they need a fraction of the system calls. The large ones are few (BULK_BYTES_MAX in all) and
 * nobody depends on one: whoever gets none goes on with the small one.
 *
 * What comes back is kept for the next taker, up to a limit; what nobody needed for STOCK_TRIM_US goes back to the system, so that an
 * idle server holds nothing but its sessions.
 *
 * THREADS. Any worker. A reference of the relay is held while the timer is armed.
 *
 *   stock_init -> stock_take_... / stock_give_... -> stock_close (no more timers) -> stock_destroy (everything was given back)
 */
#ifndef FAIRLEAD_RELAY_STOCK_H
#define FAIRLEAD_RELAY_STOCK_H

#include "base/lock.h"
#include "base/pool.h"
#include "base/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct relay;
struct session;

struct stock {
    struct relay *relay;
    struct pool sessions;
    struct pool buffers;
    struct pool bulk;
    uint32_t buffer_bytes;
    uint32_t bulk_bytes; /* the same as buffer_bytes: there are no larger ones */
    uint32_t trimming;   /* atomic; changed under the lock: the timer is armed */
    bool closed;
    struct lock lock;
    struct timer trim;
};

void stock_init(struct stock *stock, struct relay *relay, uint32_t buffer_bytes);

/* How many sessions there may be, and with them small buffers: two each. None before the first call. */
void stock_set_sessions_max(struct stock *stock, uint32_t sessions_max);

/* NULL: the limit is reached, or there is no memory. */
struct session *stock_take_session(struct stock *stock);
void stock_give_session(struct stock *stock, struct session *session);

/* NULL: as above; `bulk` buffers are few. Give it back with the same word. */
unsigned char *stock_take_buffer(struct stock *stock, bool bulk);

/* A small buffer for a connection that has only begun: it will probably send something at once, and a buffer that is already posted saves
 * the wait. NULL also when STOCK_EAGER_MAX buffers are taken: it might be one of thousands that say nothing. */
unsigned char *stock_take_eagerly(struct stock *stock);
void stock_give_buffer(struct stock *stock, unsigned char *buffer, bool bulk);

void stock_close(struct stock *stock);
void stock_destroy(struct stock *stock);

#endif
