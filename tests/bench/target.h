/*
 * target: what its parts share. One thread, one epoll, a service per listening port.
 *
 * target.c listens, accepts and dispatches; a service (target_echo.c and so on) says what is done with a client.
 */
#ifndef FAIRLEAD_BENCH_TARGET_H
#define FAIRLEAD_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One receive or send, and what an echo keeps for a client that does not read. */
enum { TARGET_BUFFER_BYTES = 256 * 1024 };

struct target;

/* One client. Zeroed before `open`, but for the descriptor. */
struct client {
    int descriptor;
    uint32_t interest;
    const struct service *service;
    uint64_t key;
    uint64_t position; /* in its stream: what was sent or received of it */
    uint8_t
        *kept; /* echo: what could not be sent at once, kept_begin to kept_end; null when there is nothing */
    size_t kept_begin;
    size_t kept_end;
};

struct service {
    const char *name;
    /* What a new client is watched for. */
    uint32_t interest;
    /* May be null, as may `writable` where interest has no EPOLLOUT. */
    void (*open)(struct target *target, struct client *client);
    /* There is something to receive, FIN and errors included; there is room to send. */
    void (*readable)(struct target *target, struct client *client);
    void (*writable)(struct target *target, struct client *client);
};

extern const struct service TARGET_ECHO, TARGET_SOURCE, TARGET_SINK;

struct target {
    int epoll;
    uint64_t seed;
    uint64_t serial; /* of the next stream */
    uint64_t wrong;  /* clients whose bytes were not what a sink expects */
    uint8_t buffer[TARGET_BUFFER_BYTES];
};

void target_want(struct target *target, struct client *client, uint32_t interest);

/* Closes it; it is freed when its event has been dealt with. With `reset` the peer gets a reset instead of FIN. */
void target_close(struct client *client, bool reset);

/* Receives into target->buffer: the number of bytes, 0 when there is nothing now, -1 after FIN or an error. */
int target_receive(struct target *target, struct client *client);

/* Sends: the number of bytes that the system took, 0 when it takes nothing now, -1 after an error. */
int target_send(struct client *client, const uint8_t *bytes, size_t count);

#endif
