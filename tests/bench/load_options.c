#include "load_options.h"

#include "clock.h"
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 20000, BYTES_MAX = 16 * 1024 * 1024, SOURCES_MAX = 254, SECONDS_MAX = 86400 };

static const struct load_mode *const MODES[] = {
    &LOAD_PINGPONG, &LOAD_BULK, &LOAD_STREAM, &LOAD_UPLOAD, &LOAD_CHURN, &LOAD_IDLE,
};

static const char USAGE[] =
    "usage: load MODE --port P [--host 127.0.0.1] [--connections N] [--bytes B] [--seconds S] [--warmup W]\n"
    "            [--connect-timeout T] [--answer-timeout T] [--sources K] [--close eof|at-once|reset]\n"
    "modes: pingpong, bulk, stream, upload, churn, idle; see tests/bench/README.md\n";

static const struct option OPTIONS[] = {
    {"port", required_argument, NULL, 'p'},
    {"host", required_argument, NULL, 'h'},
    {"connections", required_argument, NULL, 'n'},
    {"bytes", required_argument, NULL, 'b'},
    {"seconds", required_argument, NULL, 's'},
    {"warmup", required_argument, NULL, 'w'},
    {"connect-timeout", required_argument, NULL, 't'},
    {"answer-timeout", required_argument, NULL, 'a'},
    {"sources", required_argument, NULL, 'k'},
    {"close", required_argument, NULL, 'c'},
    {NULL, 0, NULL, 0},
};

static const struct load_mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++) {
        if (strcmp(MODES[i]->name, name) == 0)
            return MODES[i];
    }
    return NULL;
}

static bool read_whole(const char *text, uint32_t least, uint32_t most, uint32_t *value)
{
    char *end;

    errno = 0;
    unsigned long read = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || read < least || read > most) {
        fprintf(stderr, "load: '%s' is not a whole number from %u to %u.\n", text, least, most);
        return false;
    }
    *value = (uint32_t)read;
    return true;
}

static bool read_seconds(const char *text, double least, uint64_t *value_ns)
{
    char *end;
    double read = strtod(text, &end);

    if (end == text || *end != '\0' || !(read >= least && read <= SECONDS_MAX)) {
        fprintf(stderr, "load: '%s' is not a number of seconds from %g to %d.\n", text, least, SECONDS_MAX);
        return false;
    }
    *value_ns = (uint64_t)(read * CLOCK_NS_PER_SECOND);
    return true;
}

static bool read_host(const char *text, struct sockaddr_in *server)
{
    if (inet_pton(AF_INET, text, &server->sin_addr) == 1)
        return true;
    fprintf(stderr, "load: '%s' is not an IPv4 address.\n", text);
    return false;
}

static bool read_port(const char *text, struct sockaddr_in *server)
{
    uint32_t port;

    if (!read_whole(text, 1, 65535, &port))
        return false;
    server->sin_port = htons((uint16_t)port);
    return true;
}

static bool read_close(const char *text, enum load_close *close)
{
    static const char *const NAMES[] = {"eof", "at-once", "reset"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(text, NAMES[i]) == 0) {
            *close = (enum load_close)i;
            return true;
        }
    }
    fprintf(stderr, "load: --close is eof, at-once or reset, not '%s'.\n", text);
    return false;
}

static bool read_option(struct load_options *options, int letter)
{
    const double tiny = 0.001;

    switch (letter) {
    case 'p':
        return read_port(optarg, &options->server);
    case 'h':
        return read_host(optarg, &options->server);
    case 'n':
        return read_whole(optarg, 1, CONNECTIONS_MAX, &options->connections);
    case 'b':
        return read_whole(optarg, 1, BYTES_MAX, &options->bytes);
    case 's':
        return read_seconds(optarg, tiny, &options->measure_ns);
    case 'w':
        return read_seconds(optarg, 0, &options->warmup_ns);
    case 't':
        return read_seconds(optarg, tiny, &options->connect_timeout_ns);
    case 'a':
        return read_seconds(optarg, tiny, &options->answer_timeout_ns);
    case 'k':
        return read_whole(optarg, 1, SOURCES_MAX, &options->sources);
    case 'c':
        return read_close(optarg, &options->close);
    default:
        /* getopt_long has named what is wrong. */
        return false;
    }
}

static bool is_loopback(const struct sockaddr_in *server)
{
    return ntohl(server->sin_addr.s_addr) >> 24 == 127;
}

static bool check(const struct load_options *options)
{
    if (options->server.sin_port == 0)
        fprintf(stderr, "load: --port is missing.\n%s", USAGE);
    else if (options->sources > 1 && !is_loopback(&options->server))
        fprintf(stderr, "load: --sources works only towards 127.0.0.0/8.\n");
    else
        return true;
    return false;
}

const struct load_mode *load_options_read(struct load_options *options, int count, char **words)
{
    const struct load_mode *mode = count > 1 ? find_mode(words[1]) : NULL;
    int letter;

    if (mode == NULL) {
        fprintf(stderr, "%s", USAGE);
        return NULL;
    }
    *options = (struct load_options){
        .server = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        .connections = 1,
        .bytes = mode->default_bytes,
        .measure_ns = 3U * (uint64_t)CLOCK_NS_PER_SECOND,
        .warmup_ns = CLOCK_NS_PER_SECOND / 2,
        .connect_timeout_ns = 10U * (uint64_t)CLOCK_NS_PER_SECOND,
        .answer_timeout_ns = 20U * (uint64_t)CLOCK_NS_PER_SECOND,
        .close = LOAD_CLOSE_EOF,
    };
    while ((letter = getopt_long(count - 1, words + 1, "", OPTIONS, NULL)) != -1) {
        if (!read_option(options, letter))
            return NULL;
    }
    if (optind < count - 1) {
        fprintf(stderr, "load: '%s' is no option.\n%s", words[1 + optind], USAGE);
        return NULL;
    }
    if (options->sources == 0)
        options->sources = is_loopback(&options->server) ? mode->default_sources : 1;
    return check(options) ? mode : NULL;
}
