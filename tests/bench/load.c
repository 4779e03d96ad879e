/*
 * load: measures a server from outside and verifies every byte. See README.md beside this file.
 */
#include "load.h"

#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Descriptors beside the connections': the standard ones, epoll's, and what was inherited. */
enum { OTHER_FILES = 32 };

/* Too large for a stack. */
static struct load load;

int main(int count, char **words)
{
    load.mode = load_options_read(&load.options, count, words);
    if (load.mode == NULL)
        return EXIT_USAGE;
    if (!files_allow(load.options.connections + OTHER_FILES)) {
        fprintf(stderr, "load: %u connections need more open files than this system allows: %s.\n",
                load.options.connections, strerror(errno));
        return EXIT_FAILED;
    }
    bool ran = load_run(&load);
    if (load.failures > LOAD_SENTENCES_MAX)
        fprintf(stderr, "load: %llu more failed.\n",
                (unsigned long long)(load.failures - LOAD_SENTENCES_MAX));
    if (ran)
        load_report(&load);
    free(load.connections);
    return ran && load.failures == 0 ? EXIT_SUCCESS : EXIT_FAILED;
}
