/* status and reload. */
#include "host/verbs.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/config_file.h"
#include "host/service_paths.h"
#include "host/statistics_client.h"
#include "host/verbs_common.h"

#include <windows.h>

#include <stdio.h>

static const char *name_of(const struct command *command)
{
    return command->name == NULL ? SERVICE_NAME_DEFAULT : command->name;
}

/* The configuration of a process that is no service, or NULL: that was said. */
static struct config *load_process_config(const struct command *command, const char *outcome)
{
    char *path = config_file_find(command->config);
    struct config *config = path == NULL ? NULL : config_file_load(path, outcome);

    memory_free(path);
    return config;
}

/* --- status --- */

static const char *state_text(enum service_state state)
{
    switch (state) {
    case SERVICE_IS_STOPPED:
        return "stopped";
    case SERVICE_IS_STARTING:
        return "starting";
    case SERVICE_IS_RUNNING:
        return "running";
    case SERVICE_IS_STOPPING:
        return "stopping";
    default:
        return "paused";
    }
}

/* False: nothing that counts answered. */
static bool print_statistics(const struct config *config, uint32_t pid)
{
    struct stats_summary summary;
    char line[400];
    char why[400];

    if (statistics_fetch(config, &summary, why, sizeof why) != STATISTICS_OK) {
        printf("statistics     %s\n", why);
        return false;
    }
    if (pid != 0 && summary.pid != pid) {
        printf("statistics     %s is answered by another fairlead, process %llu\n", config->stats.listen.text,
               (unsigned long long)summary.pid);
        return false;
    }
    if (pid == 0)
        printf("process        %llu\n", (unsigned long long)summary.pid);
    printf("statistics     %s\n", stats_summary_format(&summary, line, sizeof line));
    if (summary.has_reload && summary.reload_attempts > 0 && !summary.reload_applied)
        printf("last reload    refused: %s\n", summary.reload_text);
    return true;
}

static void print_recovery(struct service *service)
{
    uint32_t delays_ms[3];
    uint32_t count = 0;

    struct manager_result result = service_read_recovery(service, delays_ms, &count);
    printf("recovery       ");
    if (count == 0)
        printf(result.status == MANAGER_OK ? "none" : "unknown");
    for (uint32_t i = 0; i < count; i++)
        printf("%s%lu s", i == 0 ? "restart after " : ", ", (unsigned long)(delays_ms[i] / 1000));
    printf("\n");
}

static void print_service(const struct verbs_service *found, const struct service_state_now *now,
                          const struct config *config)
{
    const struct service_description *description = &found->description;
    char *log = verbs_log_file(found->name, config);

    printf("service        %s\n", found->name);
    printf("state          %s\n", state_text(now->state));
    if (now->pid != 0)
        printf("process        %lu\n", (unsigned long)now->pid);
    if (now->state == SERVICE_IS_STOPPED && now->exit_code != 0 &&
        now->exit_code != ERROR_SERVICE_NEVER_STARTED)
        printf("ended with     %lu\n",
               (unsigned long)(now->specific_exit_code != 0 ? now->specific_exit_code : now->exit_code));
    printf("account        %s\n", description->account);
    printf("start          %s\n", description->disabled     ? "disabled"
                                  : !description->automatic ? "not at boot"
                                  : description->delayed    ? "at boot, delayed"
                                                            : "at boot");
    printf("executable     %s\n", found->program);
    printf("configuration  %s\n", found->config);
    printf("log            %s\n", log == NULL ? "unknown" : log);
    print_recovery(found->service);
    memory_free(log);
}

static int status_of_service(struct verbs_service *found)
{
    struct service_state_now now;
    char *why = NULL;

    struct manager_result result = service_query(found->service, &now);
    if (result.status != MANAGER_OK)
        return verbs_say_failure(found->name, "cannot be looked at", result);
    struct config *config = config_file_read(found->config, &why);
    print_service(found, &now, config);
    if (config == NULL)
        printf("statistics     unknown, because the configuration has errors now: fairlead check -c \"%s\"\n",
               found->config);
    else if (now.pid != 0)
        (void)print_statistics(config, now.pid);
    config_free(config);
    memory_free(why);
    return now.state == SERVICE_IS_RUNNING ? VERB_OK : VERB_FAILED;
}

int verbs_status(const struct command *command)
{
    struct verbs_service found;
    int code = VERB_FAILED;

    if (command->config != NULL) {
        struct config *config = load_process_config(command, "");
        code = config == NULL ? VERB_USAGE : print_statistics(config, 0) ? VERB_OK : VERB_FAILED;
        config_free(config);
        return code;
    }
    enum verbs_found state = verbs_find(name_of(command), SERVICE_LOOK, &found);
    if (state == VERBS_MISSING)
        verbs_say_missing(name_of(command));
    if (state == VERBS_FOUND)
        code = status_of_service(&found);
    verbs_release(&found);
    return code;
}

/* --- reload --- */

static int say_outcome(bool applied, const char *text, const char *what)
{
    fprintf(applied ? stdout : stderr, "%s%s%s\n%s", what,
            applied ? " was reloaded" : " refused the reload; it goes on as before",
            text[0] == '\0' ? "" : ":", text);
    if (text[0] != '\0')
        fprintf(applied ? stdout : stderr, "\n");
    return applied ? VERB_OK : VERB_FAILED;
}

static int reload_process(const struct command *command)
{
    struct stats_reload_answer answer;
    char why[400];
    int code = VERB_USAGE;
    struct config *config = load_process_config(command, "; nothing was changed");

    if (config == NULL)
        return code;
    if (statistics_reload(config, &answer, why, sizeof why) == STATISTICS_OK) {
        code = say_outcome(answer.applied, answer.text, "the process");
    } else {
        fprintf(stderr, "fairlead: nothing was reloaded: %s\n", why);
        code = VERB_FAILED;
    }
    config_free(config);
    return code;
}

static int say_no_outcome(const char *name, const struct config *config, const char *why)
{
    char *log = verbs_log_file(name, config);

    fprintf(stderr,
            "fairlead: the service %s was asked to reload, but how that went is not known here: %s; it is in "
            "%s and in "
            "Event Viewer\n",
            name, why, log == NULL ? "its log" : log);
    memory_free(log);
    return VERB_FAILED;
}

/* The service tells the service manager nothing about a reload, but counts it. */
static int wait_for_reload(const struct verbs_service *found, const struct config *config,
                           const struct stats_summary *before)
{
    uint64_t end_ms = GetTickCount64() + SERVICE_RELOAD_MS;
    struct stats_summary now = {.pid = 0};
    char what[SERVICE_NAME_MAX + 20];
    char why[400];

    do {
        if (statistics_fetch(config, &now, why, sizeof why) != STATISTICS_OK)
            return say_no_outcome(found->name, config, why);
        if (now.reload_attempts > before->reload_attempts) {
            snprintf(what, sizeof what, "service %s", found->name);
            return say_outcome(now.reload_applied, now.reload_text, what);
        }
        service_pause();
    } while (GetTickCount64() < end_ms);
    return say_no_outcome(found->name, config, "it has not finished in 30 s");
}

static int reload_service(const struct verbs_service *found)
{
    struct stats_summary before;
    struct service_state_now now = {.pid = 0};
    char why[400];
    int code;

    struct config *config = config_file_load(found->config, "; nothing was changed");
    if (config == NULL)
        return VERB_USAGE;
    (void)service_query(found->service, &now);
    enum statistics_status status = statistics_fetch(config, &before, why, sizeof why);
    if (status == STATISTICS_OK && (!before.has_reload || before.pid != now.pid)) {
        snprintf(why, sizeof why, "another process answers on %s", config->stats.listen.text);
        status = STATISTICS_FOREIGN;
    }
    struct manager_result result = service_reload(found->service);
    if (result.status == MANAGER_STOPPED) {
        fprintf(stderr, "fairlead: the service %s is not running, so there is nothing to reload\n",
                found->name);
        code = VERB_FAILED;
    } else if (result.status != MANAGER_OK) {
        code = verbs_say_failure(found->name, "cannot be asked to reload", result);
    } else if (status != STATISTICS_OK) {
        code = say_no_outcome(found->name, config, why);
    } else {
        code = wait_for_reload(found, config, &before);
    }
    config_free(config);
    return code;
}

int verbs_reload(const struct command *command)
{
    struct verbs_service found;
    int code = VERB_FAILED;

    if (command->config != NULL)
        return reload_process(command);
    enum verbs_found state = verbs_find(name_of(command), SERVICE_USE, &found);
    if (state == VERBS_FOUND)
        code = reload_service(&found);
    else if (state == VERBS_MISSING && command->name == NULL)
        code = reload_process(command);
    else if (state == VERBS_MISSING)
        verbs_say_missing(command->name);
    verbs_release(&found);
    return code;
}
