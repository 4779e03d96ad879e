/* main: the verbs of the command line (DESIGN section 4). Results go to standard output, messages to standard
 * error. */
#include "base/memory.h"
#include "base/version.h"
#include "command_line.h"
#include "config/config.h"
#include "host/config_file.h"
#include "host/console.h"
#include "host/process.h"
#include "host/service.h"
#include "host/verbs.h"

#include <stddef.h>
#include <stdio.h>

enum { EXIT_OK = 0, EXIT_RUN_TIME = 1, EXIT_USAGE = 2 };

static int run(const struct command *command)
{
    char *path = config_file_find(command->config);
    if (path == NULL)
        return EXIT_USAGE;
    int code = EXIT_USAGE;
    struct config *config = config_file_load(path, "; nothing was started");
    if (config != NULL)
        code = console_run(config);
    memory_free(path);
    return code;
}

static int check(const struct command *command)
{
    char *path = config_file_find(command->config);
    if (path == NULL)
        return EXIT_USAGE;
    struct config *config = config_file_load(path, "");
    if (config != NULL)
        printf("%s is valid: %zu listener%s, %zu upstream%s\n", path, config->listeners_count,
               config->listeners_count == 1 ? "" : "s", config->upstreams_count,
               config->upstreams_count == 1 ? "" : "s");
    int code = config != NULL ? EXIT_OK : EXIT_USAGE;
    config_free(config);
    memory_free(path);
    return code;
}

static int perform(const struct command *command)
{
    switch (command->verb) {
    case VERB_RUN:
        return run(command);
    case VERB_CHECK:
        return check(command);
    case VERB_INSTALL:
        return verbs_install(command);
    case VERB_UNINSTALL:
        return verbs_uninstall(command);
    case VERB_START:
        return verbs_start(command);
    case VERB_STOP:
        return verbs_stop(command);
    case VERB_RESTART:
        return verbs_restart(command);
    case VERB_RELOAD:
        return verbs_reload(command);
    case VERB_STATUS:
        return verbs_status(command);
    case VERB_STATS:
        return verbs_stats(command);
    case VERB_SERVICE:
        return service_run(command->name, command->config);
    case VERB_VERSION:
        puts("fairlead " FAIRLEAD_VERSION);
        return EXIT_OK;
    case VERB_HELP:
        break;
    }
    fputs(command_line_help(), stdout);
    return EXIT_OK;
}

int main(void)
{
    size_t count = 0;
    int code = EXIT_RUN_TIME;
    struct command command;
    struct command_misuse misuse;

    process_prepare();
    char **arguments = process_arguments(&count);
    if (arguments == NULL) {
        fputs("fairlead: out of memory\n", stderr);
    } else if (command_line_parse(arguments + (count > 0 ? 1 : 0), &command, &misuse)) {
        code = perform(&command);
    } else {
        fprintf(stderr, "fairlead: %s\n%s\n", misuse.sentence, misuse.usage);
        code = EXIT_USAGE;
    }
    process_end();
    return code;
}
