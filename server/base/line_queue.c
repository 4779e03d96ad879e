#include "base/line_queue.h"

#include "base/atomic.h"

#include <string.h>

/*
 * Writers take positions in order, fill the slot of the position and then publish it; the reader follows (D. Vyukov's bounded
 * queue). A slot's `turn` says whose it is, less its index so that zeroed memory is a valid empty queue:
 *
 *   turn == position - index       free: the writer of `position` may fill it
 *   turn == position - index + 1   published: the reader of `position` may take it
 *
 * Positions wrap around at 2^32, which the number of slots divides.
 */
static uint32_t free_turn(const struct line_queue *queue, uint32_t position)
{
    return position - position % queue->slots_count;
}

static struct line_slot *slot_of(const struct line_queue *queue, uint32_t position)
{
    return &queue->slots[position % queue->slots_count];
}

static void wake(const struct line_queue *queue, bool urgent)
{
    if (queue->wake != NULL)
        queue->wake(urgent);
}

/* Answers the position of the line, or of where it would have stood. */
static uint32_t put(struct line_queue *queue, const char *line, size_t length, uint32_t tag)
{
    for (;;) {
        uint32_t position = atomic_load_u32(&queue->write_position);
        struct line_slot *slot = slot_of(queue, position);
        int32_t ahead = (int32_t)(atomic_load_u32(&slot->turn) - free_turn(queue, position));
        if (ahead < 0) {
            if (atomic_fetch_add_u64(&queue->lost, 1) == 0)
                atomic_store_u32(&queue->lost_position, position);
            return position;
        }
        if (ahead > 0 || !atomic_cas_u32(&queue->write_position, position, position + 1))
            continue; /* another writer was faster */
        memcpy(slot->line, line, length);
        slot->length = (uint32_t)length;
        slot->tag = tag;
        atomic_store_u32(&slot->turn, free_turn(queue, position) + 1);
        return position;
    }
}

/* Whether the slot half a round ahead of the position is still to be read. */
static bool is_half_full(const struct line_queue *queue, uint32_t position)
{
    uint32_t ahead = position + queue->slots_count / 2;

    return (int32_t)(atomic_load_u32(&slot_of(queue, ahead)->turn) - free_turn(queue, ahead)) < 0;
}

/* The exchanges here and in line_queue_take are what makes sure that a line is either seen by the reader's last look
 * or wakes it. */
void line_queue_put(struct line_queue *queue, const char *line, size_t length, uint32_t tag)
{
    uint32_t position = put(queue, line, length, tag);

    if (atomic_exchange_u32(&queue->awake, 1) == 0)
        wake(queue, false);
    if (position % (queue->slots_count / 8) == 0 && is_half_full(queue, position))
        wake(queue, true);
}

void line_queue_set_wake(struct line_queue *queue, line_queue_waker *waker)
{
    queue->wake = waker;
}

static size_t take(struct line_queue *queue, char line[LINE_BYTES], uint32_t *tag)
{
    uint32_t position = queue->read_position;
    struct line_slot *slot = slot_of(queue, position);

    if (atomic_load_u32(&slot->turn) != free_turn(queue, position) + 1)
        return 0;
    size_t length = slot->length;
    memcpy(line, slot->line, length);
    *tag = slot->tag;
    atomic_store_u32(&slot->turn, free_turn(queue, position) + queue->slots_count);
    queue->read_position++;
    return length;
}

size_t line_queue_take(struct line_queue *queue, char line[LINE_BYTES], uint32_t *tag)
{
    size_t length = take(queue, line, tag);

    if (length > 0)
        return length;
    /* From now on a writer wakes the reader; what came before this moment is seen by a second look. */
    atomic_exchange_u32(&queue->awake, 0);
    return take(queue, line, tag);
}

uint64_t line_queue_take_lost(struct line_queue *queue)
{
    uint64_t count = atomic_load_u64(&queue->lost);

    if (count == 0 || (int32_t)(queue->read_position - atomic_load_u32(&queue->lost_position)) < 0)
        return 0;
    atomic_fetch_add_u64(&queue->lost, 0 - count);
    return count;
}

void line_queue_add_lost(struct line_queue *queue, uint64_t lines)
{
    /* Others that are lost at this moment only move the report of these to where theirs belongs. */
    if (atomic_fetch_add_u64(&queue->lost, lines) == 0)
        atomic_store_u32(&queue->lost_position, queue->read_position);
}
