#include "relay/stock.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/limits.h"
#include "relay/relay.h"
#include "relay/session.h"

static void stock_trim_due(struct timer *timer);

static uint32_t bulk_bytes_for(uint32_t buffer_bytes)
{
    uint32_t bytes = buffer_bytes * BULK_FACTOR;

    if (buffer_bytes >= CONFIG_BUFFER_BYTES_MAX / BULK_FACTOR)
        bytes = CONFIG_BUFFER_BYTES_MAX;
    return bytes;
}

void stock_init(struct stock *stock, struct relay *relay, uint32_t buffer_bytes)
{
    stock->relay = relay;
    stock->buffer_bytes = buffer_bytes;
    stock->bulk_bytes = bulk_bytes_for(buffer_bytes);
    stock->trimming = 0;
    stock->closed = false;
    lock_init(&stock->lock);
    timer_init(&stock->trim, stock_trim_due);
    pool_init(&stock->sessions, sizeof(struct session), 0, SESSIONS_SPARE_MAX);
    pool_init(&stock->buffers, buffer_bytes, 0, BUFFERS_SPARE_MAX);
    pool_init(&stock->bulk, stock->bulk_bytes, BULK_BYTES_MAX / stock->bulk_bytes, BULK_SPARE_MAX);
}

void stock_set_sessions_max(struct stock *stock, uint32_t sessions_max)
{
    pool_set_limit(&stock->sessions, sessions_max);
    pool_set_limit(&stock->buffers, sessions_max * 2);
}

/* --- what is spare ---------------------------------------------------------------------------------------- */

static void stock_arm_trim(struct stock *stock)
{
    struct relay *relay = stock->relay;

    lock_acquire(&stock->lock);
    bool arm = !stock->closed && stock->trimming == 0;
    if (arm) {
        atomic_store_u32(&stock->trimming, 1);
        relay_hold(relay);
        (void)timer_set(relay->wheel, &stock->trim, port_now_us(relay->port) + STOCK_TRIM_US);
    }
    lock_release(&stock->lock);
}

static void stock_gave(struct stock *stock)
{
    if (atomic_load_u32(&stock->trimming) == 0)
        stock_arm_trim(stock);
}

static void stock_trim_due(struct timer *timer)
{
    struct stock *stock = CONTAINER_OF(timer, struct stock, trim);
    struct relay *relay = stock->relay;

    /* First, so that whoever gives something back from now on arms it again. */
    lock_acquire(&stock->lock);
    atomic_store_u32(&stock->trimming, 0);
    lock_release(&stock->lock);
    bool left = pool_trim(&stock->sessions);
    left = pool_trim(&stock->buffers) || left;
    left = pool_trim(&stock->bulk) || left;
    if (left)
        stock_arm_trim(stock);
    relay_drop(relay);
}

/* --- sessions and buffers ---------------------------------------------------------------------------------- */

struct session *stock_take_session(struct stock *stock)
{
    return pool_take(&stock->sessions);
}

void stock_give_session(struct stock *stock, struct session *session)
{
    pool_give(&stock->sessions, session);
    stock_gave(stock);
}

unsigned char *stock_take_buffer(struct stock *stock, bool bulk)
{
    return pool_take(bulk ? &stock->bulk : &stock->buffers);
}

unsigned char *stock_take_eagerly(struct stock *stock)
{
    if (pool_taken(&stock->buffers) >= STOCK_EAGER_MAX)
        return NULL;
    return stock_take_buffer(stock, false);
}

void stock_give_buffer(struct stock *stock, unsigned char *buffer, bool bulk)
{
    pool_give(bulk ? &stock->bulk : &stock->buffers, buffer);
    stock_gave(stock);
}

/* --- the end ------------------------------------------------------------------------------------------------ */

/* A timer that fires just now finds the stock closed and arms no other. */
void stock_close(struct stock *stock)
{
    struct relay *relay = stock->relay;

    lock_acquire(&stock->lock);
    CHECK(!stock->closed);
    stock->closed = true;
    bool cancelled = timer_cancel(relay->wheel, &stock->trim);
    lock_release(&stock->lock);
    if (cancelled)
        relay_drop(relay);
}

void stock_destroy(struct stock *stock)
{
    pool_destroy(&stock->bulk);
    pool_destroy(&stock->buffers);
    pool_destroy(&stock->sessions);
}
