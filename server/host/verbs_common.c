#include "host/verbs_common.h"

#include "base/arguments.h"
#include "base/memory.h"
#include "command_line.h"
#include "config/text.h"
#include "host/service_paths.h"

#include <stdio.h>
#include <string.h>

/* --- what the service manager says --- */

int verbs_say_missing(const char *name)
{
    fprintf(stderr, "fairlead: there is no service %s; fairlead install%s%s makes one\n", name,
            strcmp(name, SERVICE_NAME_DEFAULT) == 0 ? "" : " --name ",
            strcmp(name, SERVICE_NAME_DEFAULT) == 0 ? "" : name);
    return VERB_FAILED;
}

static const char *advice(enum manager_status status)
{
    switch (status) {
    case MANAGER_DENIED:
        return "run it in a console that was started as administrator";
    case MANAGER_MISSING:
        return "there is no such service any more";
    case MANAGER_EXISTS:
        return "another service has this name already; give it another one with --name";
    case MANAGER_MARKED:
        return "it is being removed; close what may have it open (services.msc, Task Manager, Event Viewer) "
               "and try again, or "
               "restart the machine";
    case MANAGER_DISABLED:
        return "it is disabled; fairlead install makes it start at boot again";
    case MANAGER_LOGON:
        return "its account cannot log on: the password is wrong, or it lacks the right \"Log on as a "
               "service\" (secpol.msc, "
               "Local Policies, User Rights Assignment)";
    case MANAGER_ACCOUNT:
        return "there is no such account, or its password is wrong";
    case MANAGER_NO_FILE:
        return "its executable is gone; run fairlead install where it is now";
    case MANAGER_BUSY:
        return "it takes no commands in its present state; try again in a moment";
    case MANAGER_MEMORY:
        return "the system is out of memory";
    default:
        return NULL;
    }
}

int verbs_say_failure(const char *name, const char *what, struct manager_result result)
{
    char why[300];
    const char *help = advice(result.status);

    fprintf(stderr, "fairlead: the service %s %s: %s%s%s\n", name, what,
            service_result_text(&result, why, sizeof why), help == NULL ? "" : "; ",
            help == NULL ? "" : help);
    return VERB_FAILED;
}

/* --- finding --- */

/* Takes the image path to pieces. False: it is not `"fairlead.exe" service --name NAME -c FILE`. */
static bool is_ours(struct verbs_service *found)
{
    char *words[8] = {NULL};
    struct command command;
    struct command_misuse misuse;

    found->words = memory_copy_string(found->description.image_path);
    if (found->words == NULL)
        return false;
    size_t count = arguments_split(found->words, words, 7);
    words[count] = NULL;
    if (count < 2 || !command_line_parse(words + 1, &command, &misuse) || command.verb != VERB_SERVICE ||
        !text_equal(command.name, found->name))
        return false;
    found->program = words[0];
    for (size_t i = 0; i < count; i++) {
        /* The command's texts are these words, or lie behind the "=" of one. */
        if (command.config >= words[i] && command.config <= words[i] + strlen(words[i]))
            found->config = words[i] + (command.config - words[i]);
    }
    return true;
}

enum verbs_found verbs_find(const char *name, enum service_access access, struct verbs_service *found)
{
    memset(found, 0, sizeof *found);
    found->name = name;
    struct manager_result result = service_open(name, access, &found->service);
    if (result.status == MANAGER_MISSING)
        return VERBS_MISSING;
    if (result.status == MANAGER_OK)
        result = service_describe(found->service, &found->description);
    if (result.status != MANAGER_OK) {
        verbs_say_failure(name, access == SERVICE_LOOK ? "cannot be looked at" : "cannot be changed", result);
        return VERBS_UNUSABLE;
    }
    if (is_ours(found))
        return VERBS_FOUND;
    fprintf(stderr, "fairlead: the service %s is not one of fairlead's, so it is left alone; it runs %s\n",
            name, found->description.image_path);
    return VERBS_UNUSABLE;
}

void verbs_release(struct verbs_service *found)
{
    service_description_free(&found->description);
    service_close(found->service);
    memory_free(found->words);
    memset(found, 0, sizeof *found);
}

/* --- paths --- */

char *verbs_log_file(const char *name, const struct config *config)
{
    if (config != NULL && config->server.log_file != NULL)
        return memory_copy_string(config->server.log_file);
    char *folder = service_log_folder(name);
    if (folder == NULL)
        return NULL;
    size_t bytes = strlen(folder) + sizeof "\\" SERVICE_LOG_FILE_NAME;
    char *path = memory_allocate(bytes, 1);
    if (path != NULL)
        snprintf(path, bytes, "%s\\%s", folder, SERVICE_LOG_FILE_NAME);
    memory_free(folder);
    return path;
}
