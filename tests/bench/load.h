/*
 * load: what all parts of the load generator share: one run, its connections, and what a mode has to say.
 *
 * One thread. load_loop.c owns the run: it opens connections, waits for events, moves from phase to phase and notices who waits
 * too long. A mode (load_pingpong.c and so on) is told what happened to a connection and decides what comes next.
 */
#ifndef FAIRLEAD_BENCH_LOAD_H
#define FAIRLEAD_BENCH_LOAD_H

#include "base/compiler.h"
#include "latency.h"
#include "load_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Connects that were not answered yet, and round trips in idle: less than any backlog. */
    LOAD_PENDING_MAX = 64,
    /* One receive or send; large, so that load never limits a bulk transfer. */
    LOAD_BUFFER_BYTES = 256 * 1024,
    /* Failures that are explained. The others would say the same. */
    LOAD_SENTENCES_MAX = 10,
};

/*
 * NONE        not opened yet                          -> CONNECTING
 * CONNECTING  connect is under way                    -> what the mode's `connected` says
 * GREETING    the first bytes are under way           -> READY
 * READY       waits until all others are, too         -> RUNNING
 * RUNNING     as the mode says                        -> CLOSING, DONE
 * CLOSING     FIN is sent; the rest and FIN must come -> DONE; in churn CONNECTING
 * DONE        closed as it should be
 * FAILED      closed because something was wrong; counted and explained
 * From any state with a descriptor, and from NONE: FAILED.
 */
enum connection_state {
    CONNECTION_NONE,
    CONNECTION_CONNECTING,
    CONNECTION_GREETING,
    CONNECTION_READY,
    CONNECTION_RUNNING,
    CONNECTION_CLOSING,
    CONNECTION_DONE,
    CONNECTION_FAILED,
};

struct connection {
    int descriptor; /* -1 when there is none */
    enum connection_state state;
    uint32_t interest; /* what epoll was told */
    uint32_t index;
    uint64_t key;
    uint64_t goal; /* it sends while sent < goal */
    uint64_t sent;
    uint64_t received;
    uint64_t since_ns; /* since when it waits for some progress; 0 when it does not */
    uint64_t counted;  /* in the measured time: operations, or bytes if the mode counts bytes */
};

enum load_phase { LOAD_SETUP, LOAD_WARMUP, LOAD_MEASURE, LOAD_FINISH };

struct load;

struct load_mode {
    const char *name;
    uint32_t default_bytes;
    uint32_t default_sources;
    /* All connections are open before `begin`. Otherwise the mode opens them. */
    bool opens_first;
    /* Phases follow the clock. Otherwise the mode calls load_enter. */
    bool is_timed;
    /* An operation is so many bytes, and has no latency. */
    bool counts_bytes;
    /* The connection is established. */
    void (*connected)(struct load *load, struct connection *connection);
    /* All connections are READY. */
    void (*begin)(struct load *load);
    /* There is something to receive: bytes, FIN or an error. */
    void (*receive)(struct load *load, struct connection *connection);
    /* So many more bytes were received and verified; not called while GREETING. May be null. */
    void (*received)(struct load *load, struct connection *connection, size_t count);
    /* So many more bytes were sent. May be null. */
    void (*sent)(struct load *load, struct connection *connection, size_t count);
    /* CLOSING is complete: all that was due came, and FIN. The descriptor is still open. May be null: it is done then. */
    void (*closed)(struct load *load, struct connection *connection);
    /* The measured time is over; for each connection that is RUNNING. May be null. */
    void (*finish)(struct load *load, struct connection *connection);
    /* Once per round of the loop. May be null. */
    void (*tick)(struct load *load);
};

extern const struct load_mode LOAD_PINGPONG, LOAD_BULK, LOAD_STREAM, LOAD_UPLOAD, LOAD_CHURN, LOAD_IDLE;

struct load {
    struct load_options options;
    const struct load_mode *mode;
    struct connection *connections;
    int epoll;
    enum load_phase phase;
    uint32_t opened; /* while setting up: how many were opened, are READY */
    uint32_t ready;
    uint32_t live; /* neither DONE nor FAILED */
    uint64_t seed;
    uint64_t serial;      /* of the next stream */
    uint64_t now_ns;      /* when the current round of the loop began */
    uint64_t check_ns;    /* when deadlines are looked at next */
    uint64_t phase_ns;    /* when the current phase began */
    uint64_t measured_ns; /* how long the measured time was */
    uint64_t processor_ns;
    uint64_t counted; /* as in a connection, of all of them */
    uint64_t bytes_measured;
    uint64_t bytes_verified;
    uint64_t failures;
    struct latency latency;
    uint8_t buffer[LOAD_BUFFER_BYTES];
};

/* load_loop.c */

/* Runs until every connection is DONE or FAILED. False when it could not even begin; it has said why then. */
bool load_run(struct load *load);

/* For modes that are not timed: the next phase begins now. */
void load_enter(struct load *load, enum load_phase phase);

/* Calls `act` for each connection in that state. */
void load_each(struct load *load, enum connection_state state,
               void (*act)(struct load *load, struct connection *connection));

/* load_connection.c */

/* Opens a socket with a stream of its own and begins to connect: CONNECTING, or FAILED. */
void connection_open(struct load *load, struct connection *connection);

/* Sends once, if there is anything to send, and lets epoll know what it waits for now. */
void connection_send(struct load *load, struct connection *connection);

/* Lets epoll know: EPOLLIN and so on, or 0. */
void connection_want(struct load *load, struct connection *connection, uint32_t interest);

/* It waits for the others. `interest` as in connection_want. */
void connection_ready(struct load *load, struct connection *connection, uint32_t interest);

/* Receives into load->buffer: the number of bytes; 0 when there is nothing now, or when it has failed; -1 after FIN. */
int connection_receive(struct load *load, struct connection *connection, size_t bytes_max);

/* Nothing more is sent: FIN. */
void connection_half_close(struct load *load, struct connection *connection);

/* Closes the descriptor and nothing else. With `reset` its peer gets a reset instead of FIN. */
void connection_close(struct connection *connection, bool reset);

/* Closes it, and it is DONE. */
void connection_done(struct load *load, struct connection *connection);

/* Closes it, and it is FAILED, for this reason: a sentence without its full stop. */
void connection_fail(struct load *load, struct connection *connection, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* load_echo.c: what the modes have in common that talk to an echo. */

/* Greets: the first 8 bytes of the stream, which must come back. */
void echo_connected(struct load *load, struct connection *connection);

/* Verifies what came back. */
void echo_receive(struct load *load, struct connection *connection);

/* Sends the next `bytes` of the stream. */
void echo_ask(struct load *load, struct connection *connection);

/* One more operation that began at since_ns, and its bytes. Answers the time. */
uint64_t load_count_operation(struct load *load, struct connection *connection);

/* Bytes of a mode that counts bytes, if they belong to the measured time. */
void load_count_bytes(struct load *load, struct connection *connection, size_t count);

/* load_report.c */

/* The line of JSON, to standard output. */
void load_report(const struct load *load);

#endif
