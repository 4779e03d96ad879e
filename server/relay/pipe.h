/*
 * pipe: one direction of a session: receive from the source, send to the destination, again.
 *
 * One function serves both directions and the echo (where source and destination are the same socket). A pipe has exactly one
 * operation in flight, so exactly one worker owns it at any time and it needs no lock; what several workers read
 * of it is atomic and says so. Its memory is one buffer, held only while there is data or data is likely: a sender faster than
 * its reader is simply not read from (SEMANTICS S5). The buffer is a small one; a pipe that fills it again and again gets a large
 * one if there is one (relay/stock.h), for as long as it makes use of it.
 *
 *   state      holds            in flight                 what comes next
 *   NEW        -                -                         pipe_start -> RECEIVING or WAITING
 *   WAITING    -                wait on the source        readable -> RECEIVING
 *   RECEIVING  empty buffer     receive on the source     data -> SENDING; quiet for PIPE_QUIET_US: cancelled by the
 *                                                         session -> WAITING; END -> OVER, with FIN to the destination
 *   SENDING    data             send to the destination   all sent -> RECEIVING; ENDED by now -> OVER
 *   HOLDING    maybe data       maybe a wait              while the session connects: reads ahead into its one buffer, watches
 *                                                         for a reset, sends nothing; connected -> SENDING or WAITING
 *   OVER       -                -                         nothing: the session's turn
 *
 * A failure of either side, or a session that ends otherwise, leads from any state to OVER; what is in the buffer then is
 * counted as discarded.
 */
#ifndef FAIRLEAD_RELAY_PIPE_H
#define FAIRLEAD_RELAY_PIPE_H

#include "port/port.h"
#include "stats/counters.h"

#include <stdbool.h>
#include <stdint.h>

enum pipe_state { PIPE_NEW, PIPE_WAITING, PIPE_RECEIVING, PIPE_SENDING, PIPE_HOLDING, PIPE_OVER };

struct session;

struct pipe {
    struct port_op
        receive; /* receive and wait; separate from send, so that cancelling it never hits a send */
    struct port_op send;
    struct session *session;
    struct port_socket *source;
    struct port_socket *destination;
    struct stats_scope *received_by; /* counts STAT_BYTES_IN */
    struct stats_scope *sent_by;     /* counts STAT_BYTES_OUT */
    unsigned char *buffer;
    uint32_t length;    /* bytes in the buffer */
    uint32_t sent;      /* of these, already sent */
    uint32_t state;     /* atomic for readers, enum pipe_state */
    bool ended;         /* the source sent FIN */
    bool bulk;          /* the buffer is a large one */
    uint8_t streak;     /* receives in a row that ask for a buffer of the other size */
    uint8_t bulk_after; /* streak that a large one takes; grows when one was not made use of */
    uint64_t
        received_bytes; /* in all, for the session log; its owner's, and read when the session is freed */
    uint64_t sent_bytes;
    uint64_t active_us; /* atomic: when bytes last moved */
    uint64_t
        drained_us; /* atomic: when the destination will have read what was sent, by RESET_FLUSH_BYTES_PER_SECOND */
};

/* `source` and `destination` belong to the session; they may still be empty while the pipe is not started. */
void pipe_init(struct pipe *pipe, struct session *session, struct port_socket *source,
               struct port_socket *destination, struct stats_scope *received_by, struct stats_scope *sent_by);

/* Begins to read. The session holds a reference for the pipe until pipe calls session_pipe_over. */
void pipe_start(struct pipe *pipe);

/* The session is connected: sends what was held, then goes on as usual. Only by whoever owns the pipe: nothing is in flight. */
void pipe_resume(struct pipe *pipe);

/* The session ends while nothing is in flight on a held pipe: gives the buffer back. Does not call session_pipe_over. */
void pipe_abandon(struct pipe *pipe);

/* For the session's timer; any worker. */
enum pipe_state pipe_state(const struct pipe *pipe);
uint64_t pipe_active_us(const struct pipe *pipe);
uint64_t pipe_drained_us(const struct pipe *pipe);

#endif
