/*
 * load_options: the command line of the load generator.
 */
#ifndef FAIRLEAD_BENCH_LOAD_OPTIONS_H
#define FAIRLEAD_BENCH_LOAD_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum load_close { LOAD_CLOSE_EOF, LOAD_CLOSE_AT_ONCE, LOAD_CLOSE_RESET };

struct load_options {
    struct sockaddr_in server;
    uint32_t connections;
    uint32_t bytes;
    uint32_t sources;
    uint64_t measure_ns;
    uint64_t warmup_ns;
    uint64_t connect_timeout_ns;
    uint64_t answer_timeout_ns;
    enum load_close close;
};

struct load_mode;

/* Reads the mode and the options. Null after an error, which it has explained on standard error. */
const struct load_mode *load_options_read(struct load_options *options, int count, char **words);

#endif
