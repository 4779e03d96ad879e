/*
 * target: an echo, a source and a sink, for load to talk to directly or through a proxy. See README.md beside this file.
 */
#include "target.h"

#include "files.h"
#include "pattern.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { SERVICES = 3, EVENTS_MAX = 256, BACKLOG = 4096 };

/* Of load's largest run, with some to spare. Where that is not allowed, it is as many as are. */
enum { FILES_WANTED = 21000 };

static const struct service *const SERVICE_OF[SERVICES] = {&TARGET_ECHO, &TARGET_SOURCE, &TARGET_SINK};

/* What an event belongs to begins with a descriptor: a client, or one of these. */
struct listening {
    int descriptor;
    uint16_t port;
    bool is_wanted;
};

static struct listening listenings[SERVICES] = {{.descriptor = -1}, {.descriptor = -1}, {.descriptor = -1}};
static int ends[2] = {-1, -1}; /* signals, standard input */

static bool watch(const struct target *target, int descriptor, uint32_t interest, void *owner)
{
    struct epoll_event event = {.events = interest, .data.ptr = owner};

    return epoll_ctl(target->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void target_want(struct target *target, struct client *client, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = client};

    if (client->interest != interest &&
        epoll_ctl(target->epoll, EPOLL_CTL_MOD, client->descriptor, &event) == 0)
        client->interest = interest;
}

void target_close(struct client *client, bool reset)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    if (reset)
        (void)setsockopt(client->descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)close(client->descriptor);
    client->descriptor = -1;
}

int target_receive(struct target *target, struct client *client)
{
    ssize_t got = recv(client->descriptor, target->buffer, sizeof target->buffer, 0);

    if (got > 0)
        return (int)got;
    return got < 0 && errno == EAGAIN ? 0 : -1;
}

int target_send(struct client *client, const uint8_t *bytes, size_t count)
{
    ssize_t sent = send(client->descriptor, bytes, count, MSG_NOSIGNAL);

    if (sent >= 0)
        return (int)sent;
    return errno == EAGAIN ? 0 : -1;
}

/* ---- listening ---- */

static bool listen_on(const struct target *target, struct listening *listening)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(listening->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int on = 1;

    listening->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Connections of a target that has ended may still be in TIME_WAIT. */
    if (listening->descriptor < 0 ||
        setsockopt(listening->descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(listening->descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listening->descriptor, BACKLOG) != 0 ||
        getsockname(listening->descriptor, (struct sockaddr *)&address, &size) != 0 ||
        !watch(target, listening->descriptor, EPOLLIN, listening)) {
        fprintf(stderr, "target: cannot listen on port %u: %s.\n", listening->port, strerror(errno));
        return false;
    }
    listening->port = ntohs(address.sin_port);
    return true;
}

static bool open_client(struct target *target, const struct service *service, int descriptor)
{
    struct client *client = calloc(1, sizeof *client);
    int on = 1;

    if (client == NULL)
        return false;
    client->descriptor = descriptor;
    client->service = service;
    client->interest = service->interest;
    if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        !watch(target, descriptor, service->interest, client)) {
        free(client);
        return false;
    }
    if (service->open != NULL)
        service->open(target, client);
    return true;
}

static void accept_all(struct target *target, const struct listening *listening)
{
    const struct service *service = SERVICE_OF[listening - listenings];
    int descriptor;

    while ((descriptor = accept4(listening->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (!open_client(target, service, descriptor)) {
            fprintf(stderr, "target: cannot serve a client: %s.\n", strerror(errno));
            (void)close(descriptor);
        }
    }
}

/* ---- serving ---- */

static void serve(struct target *target, struct client *client, uint32_t events)
{
    if (events & ~(uint32_t)EPOLLOUT)
        client->service->readable(target, client);
    if ((events & EPOLLOUT) != 0 && client->descriptor >= 0)
        client->service->writable(target, client);
    if (client->descriptor < 0) {
        free(client->kept);
        free(client);
    }
}

/* Whether this is the end: a signal, or of standard input. */
static bool is_end(const int *descriptor)
{
    char bytes[256];

    return descriptor == &ends[0] || read(*descriptor, bytes, sizeof bytes) <= 0;
}

static struct listening *listening_of(void *owner)
{
    for (int i = 0; i < SERVICES; i++) {
        if (owner == &listenings[i])
            return &listenings[i];
    }
    return NULL;
}

/* False when it is the end. */
static bool dispatch(struct target *target, const struct epoll_event *event)
{
    struct listening *listening = listening_of(event->data.ptr);

    if (event->data.ptr == &ends[0] || event->data.ptr == &ends[1])
        return !is_end(event->data.ptr);
    if (listening != NULL)
        accept_all(target, listening);
    else
        serve(target, event->data.ptr, event->events);
    return true;
}

static bool run(struct target *target)
{
    struct epoll_event events[EVENTS_MAX];

    for (;;) {
        int count = epoll_wait(target->epoll, events, EVENTS_MAX, -1);
        if (count < 0 && errno != EINTR) {
            fprintf(stderr, "target: epoll_wait failed: %s.\n", strerror(errno));
            return false;
        }
        for (int i = 0; i < count; i++) {
            if (!dispatch(target, &events[i]))
                return true;
        }
    }
}

/* ---- the beginning ---- */

static bool watch_signals(const struct target *target)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    ends[0] = signalfd(-1, &signals, SFD_CLOEXEC);
    return ends[0] >= 0 && watch(target, ends[0], EPOLLIN, &ends[0]);
}

static void print_ports(void)
{
    for (int i = 0; i < SERVICES; i++) {
        printf("%s\"%s\":", i == 0 ? "{" : ",", SERVICE_OF[i]->name);
        if (listenings[i].is_wanted)
            printf("%u", listenings[i].port);
        else
            printf("null");
    }
    printf("}\n");
    (void)fflush(stdout);
}

static bool prepare(struct target *target)
{
    target->seed = pattern_seed();
    target->epoll = epoll_create1(EPOLL_CLOEXEC);
    (void)files_allow(FILES_WANTED);
    if (target->epoll < 0 || !watch_signals(target)) {
        fprintf(stderr, "target: cannot begin: %s.\n", strerror(errno));
        return false;
    }
    for (int i = 0; i < SERVICES; i++) {
        if (listenings[i].is_wanted && !listen_on(target, &listenings[i]))
            return false;
    }
    return true;
}

static bool read_port(int service, const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || *text == '-' || port > 65535) {
        fprintf(stderr, "target: '%s' is no port.\n", text);
        return false;
    }
    listenings[service].port = (uint16_t)port;
    listenings[service].is_wanted = true;
    return true;
}

static bool read_options(int count, char **words, bool *until_eof)
{
    static const struct option OPTIONS[] = {
        {"echo", required_argument, NULL, 0},
        {"source", required_argument, NULL, 1},
        {"sink", required_argument, NULL, 2},
        {"until-eof", no_argument, NULL, 'e'},
        {NULL, 0, NULL, 0},
    };
    int letter;

    while ((letter = getopt_long(count, words, "", OPTIONS, NULL)) != -1) {
        if (letter == 'e')
            *until_eof = true;
        else if (letter >= SERVICES || !read_port(letter, optarg))
            return false;
    }
    if (optind == count && (listenings[0].is_wanted || listenings[1].is_wanted || listenings[2].is_wanted))
        return true;
    fprintf(stderr, "usage: target [--echo PORT] [--source PORT] [--sink PORT] [--until-eof]\n");
    return false;
}

int main(int count, char **words)
{
    /* Too large for a stack. */
    static struct target target;
    bool until_eof = false;

    if (!read_options(count, words, &until_eof))
        return EXIT_USAGE;
    if (!prepare(&target))
        return EXIT_FAILED;
    print_ports();
    ends[1] = STDIN_FILENO;
    /* What epoll cannot wait for, a file or nothing, has no more to say: that is the end. */
    bool has_ended = until_eof && !watch(&target, STDIN_FILENO, EPOLLIN, &ends[1]);
    bool ran = has_ended || run(&target);
    return ran && target.wrong == 0 ? EXIT_SUCCESS : EXIT_FAILED;
}
