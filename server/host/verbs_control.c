/* start, stop and restart. */
#include "host/verbs.h"

#include "host/config_file.h"
#include "host/service_paths.h"
#include "host/verbs_common.h"
#include "host/verbs_wait.h"

#include <stddef.h>

static const char *name_of(const struct command *command)
{
    return command->name == NULL ? SERVICE_NAME_DEFAULT : command->name;
}

/* A bad configuration is said here, with its lines, instead of being looked up in a log; and a restart with one stops nothing. */
static int start(const char *name, bool stop_first)
{
    struct verbs_service found;
    struct config *config = NULL;
    int code = VERB_FAILED;

    enum verbs_found state = verbs_find(name, SERVICE_USE, &found);
    if (state == VERBS_MISSING)
        verbs_say_missing(name);
    if (state == VERBS_FOUND) {
        config =
            config_file_load(found.config, stop_first ? "; nothing was changed" : "; nothing was started");
        code = config == NULL ? VERB_USAGE : VERB_OK;
    }
    if (code == VERB_OK && stop_first)
        code = verbs_stop_and_wait(&found);
    if (code == VERB_OK)
        code = verbs_start_and_wait(&found, config);
    config_free(config);
    verbs_release(&found);
    return code;
}

int verbs_start(const struct command *command)
{
    return start(name_of(command), false);
}

int verbs_restart(const struct command *command)
{
    return start(name_of(command), true);
}

int verbs_stop(const struct command *command)
{
    const char *name = name_of(command);
    struct verbs_service found;
    int code = VERB_FAILED;

    enum verbs_found state = verbs_find(name, SERVICE_USE, &found);
    if (state == VERBS_MISSING)
        verbs_say_missing(name);
    if (state == VERBS_FOUND)
        code = verbs_stop_and_wait(&found);
    verbs_release(&found);
    return code;
}
