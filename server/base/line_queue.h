/*
 * line_queue: lines on their way from many threads to the one that writes them; bounded, and never in anybody's way.
 *
 * A writer copies its line into a ring and goes on: it takes no lock, waits for nobody and allocates nothing. When the ring is
 * full the line is dropped and counted. Used for the log (log.h) and for the session log (relay/session_log.h); each line carries a
 * tag, a number that means something to the two ends.
 *
 * Ownership: the user gives the slots, normally a static array, and initialises the queue with LINE_QUEUE; no code has to run before
 * the first line. THREADS: line_queue_put any; the others are the one reader's, except that line_queue_set_wake comes before
 * other threads put.
 */
#ifndef FAIRLEAD_BASE_LINE_QUEUE_H
#define FAIRLEAD_BASE_LINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_BYTES = 512 }; /* the longest line, with its line break */

struct line_slot {
    uint32_t turn; /* atomic */
    uint32_t tag;
    uint32_t length;
    char line[LINE_BYTES];
};

/* `urgent`: the queue is filling faster than it is emptied; otherwise there is something where there was nothing. */
typedef void line_queue_waker(bool urgent);

struct line_queue {
    struct line_slot *slots;
    uint32_t slots_count;    /* a power of two, 8 at least */
    uint32_t write_position; /* atomic */
    uint32_t read_position;  /* the reader's */
    uint64_t lost;           /* atomic: lines that found no room and were not reported yet */
    uint32_t lost_position;  /* atomic: where the first of them would have stood */
    uint32_t awake;          /* atomic: the reader was woken and has not found the queue empty since */
    line_queue_waker *wake;
};

/* Initialises a static queue with an array of zeroed slots. */
#define LINE_QUEUE(array)                                                \
    {                                                                    \
        (array), sizeof(array) / sizeof((array)[0]), 0, 0, 0, 0, 0, NULL \
    }

/* Copies the line, of LINE_BYTES at most. When it is full the line is lost and counted. */
void line_queue_put(struct line_queue *queue, const char *line, size_t length, uint32_t tag);

/* `wake` is called when a line was put after line_queue_take answered 0, and now and then while the queue is half full or more (any thread, possibly
 * once too often; it must not block). Lines that came before are in the queue already: the reader takes until it gets 0
 * before it first waits. NULL: nobody is woken. */
void line_queue_set_wake(struct line_queue *queue, line_queue_waker *wake);

/* Copies the oldest line and answers its length; 0 when there is none, and from then on the next line wakes. */
size_t line_queue_take(struct line_queue *queue, char line[LINE_BYTES], uint32_t *tag);

/* How many lines were lost at the place that line_queue_take has come to; they count as reported then. Asked before each take. */
uint64_t line_queue_take_lost(struct line_queue *queue);

/* The reader could not use lines that it took: they are reported as lost too, before the next line. */
void line_queue_add_lost(struct line_queue *queue, uint64_t lines);

#endif
