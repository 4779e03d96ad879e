#include "host/verbs_wait.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/config_file.h"
#include "host/log_tail.h"
#include "host/statistics_client.h"

#include <windows.h>

#include <stdio.h>

/* --- waiting --- */

struct wait {
    uint64_t began_ms;
    uint64_t news_ms;     /* when the next line is due */
    uint64_t patience_ms; /* until when it may stay as it is */
    enum service_state state;
    uint32_t checkpoint;
};

static void wait_begin(struct wait *wait)
{
    wait->began_ms = GetTickCount64();
    wait->news_ms = wait->began_ms + SERVICE_NEWS_MS;
    wait->patience_ms = wait->began_ms + SERVICE_PATIENCE_MS;
    wait->state = SERVICE_IS_OTHER;
    wait->checkpoint = 0;
}

/* False: it has not got on for too long. */
static bool wait_go_on(struct wait *wait, const struct service_state_now *now)
{
    uint64_t now_ms = GetTickCount64();

    if (now->state != wait->state || now->checkpoint != wait->checkpoint) {
        wait->state = now->state;
        wait->checkpoint = now->checkpoint;
        wait->patience_ms = now_ms + now->wait_hint_ms + SERVICE_PATIENCE_MS;
    }
    return now_ms < wait->patience_ms;
}

static bool wait_is_news_due(struct wait *wait, unsigned *seconds)
{
    uint64_t now_ms = GetTickCount64();

    if (now_ms < wait->news_ms)
        return false;
    wait->news_ms = now_ms + SERVICE_NEWS_MS;
    *seconds = (unsigned)((now_ms - wait->began_ms) / 1000);
    return true;
}

/* --- stop --- */

static void say_stopping(const struct verbs_service *found, const struct config *config, unsigned seconds)
{
    struct stats_summary summary;
    char why[300];

    if (config != NULL && statistics_fetch(config, &summary, why, sizeof why) == STATISTICS_OK)
        printf("service %s is stopping since %u s: %llu session%s open\n", found->name, seconds,
               (unsigned long long)summary.sessions_active, summary.sessions_active == 1 ? "" : "s");
    else
        printf("service %s is stopping since %u s\n", found->name, seconds);
    fflush(stdout);
}

static int wait_until_stopped(struct verbs_service *found, const struct config *config)
{
    struct service_state_now now;
    struct wait wait;
    unsigned seconds;

    wait_begin(&wait);
    for (;;) {
        struct manager_result result = service_query(found->service, &now);
        if (result.status != MANAGER_OK)
            return verbs_say_failure(found->name, "cannot be looked at", result);
        if (now.state == SERVICE_IS_STOPPED)
            break;
        if (!wait_go_on(&wait, &now)) {
            fprintf(stderr,
                    "fairlead: the service %s has been asked to stop and makes no progress; look at its log, "
                    "or end process "
                    "%lu in Task Manager\n",
                    found->name, (unsigned long)now.pid);
            return VERB_FAILED;
        }
        /* One that is just starting takes no controls; it is asked again when it can. */
        if (now.state == SERVICE_IS_RUNNING)
            (void)service_stop(found->service);
        if (wait_is_news_due(&wait, &seconds))
            say_stopping(found, config, seconds);
        service_pause();
    }
    printf("service %s is stopped\n", found->name);
    return VERB_OK;
}

int verbs_stop_and_wait(struct verbs_service *found)
{
    struct service_state_now now;
    char *why = NULL;

    struct manager_result result = service_query(found->service, &now);
    if (result.status == MANAGER_OK && now.state == SERVICE_IS_STOPPED) {
        printf("service %s is not running\n", found->name);
        return VERB_OK;
    }
    if (result.status == MANAGER_OK && now.state != SERVICE_IS_STARTING)
        result = service_stop(found->service);
    if (result.status != MANAGER_OK && result.status != MANAGER_STOPPED && result.status != MANAGER_BUSY)
        return verbs_say_failure(found->name, "cannot be stopped", result);
    /* Only for the news: a stop works with any configuration. */
    struct config *config = config_file_read(found->config, &why);
    memory_free(why);
    int code = wait_until_stopped(found, config);
    config_free(config);
    return code;
}

/* --- start --- */

static int say_not_started(const struct verbs_service *found, const struct config *config,
                           const struct service_state_now *now)
{
    char *log = verbs_log_file(found->name, config);

    if (now->specific_exit_code != 0)
        fprintf(stderr, "fairlead: the service %s did not start: it ended with %lu\n", found->name,
                (unsigned long)now->specific_exit_code);
    else if (now->exit_code != 0)
        verbs_say_failure(found->name, "did not start",
                          (struct manager_result){MANAGER_FAILED, now->exit_code});
    else
        fprintf(stderr, "fairlead: the service %s started and ended again\n", found->name);
    if (log != NULL) {
        fprintf(stderr, "the reason is in %s and in Event Viewer (Windows Logs, Application, source %s)\n",
                log, found->name);
        log_tail_print(log);
    }
    memory_free(log);
    return VERB_FAILED;
}

static int wait_until_running(struct verbs_service *found, const struct config *config)
{
    struct service_state_now now;
    struct wait wait;
    unsigned seconds;

    wait_begin(&wait);
    for (;;) {
        struct manager_result result = service_query(found->service, &now);
        if (result.status != MANAGER_OK)
            return verbs_say_failure(found->name, "cannot be looked at", result);
        if (now.state == SERVICE_IS_RUNNING)
            break;
        if (now.state == SERVICE_IS_STOPPED)
            return say_not_started(found, config, &now);
        if (!wait_go_on(&wait, &now)) {
            fprintf(stderr, "fairlead: the service %s is starting and makes no progress; look at its log\n",
                    found->name);
            return VERB_FAILED;
        }
        if (wait_is_news_due(&wait, &seconds))
            printf("service %s is starting since %u s\n", found->name, seconds);
        service_pause();
    }
    printf("service %s is running, process %lu\n", found->name, (unsigned long)now.pid);
    return VERB_OK;
}

int verbs_start_and_wait(struct verbs_service *found, const struct config *config)
{
    struct service_state_now now;

    struct manager_result result = service_query(found->service, &now);
    if (result.status == MANAGER_OK && now.state == SERVICE_IS_RUNNING) {
        printf("service %s is running already, process %lu\n", found->name, (unsigned long)now.pid);
        return VERB_OK;
    }
    if (result.status == MANAGER_OK && now.state == SERVICE_IS_STOPPING) {
        int code = wait_until_stopped(found, config);
        if (code != VERB_OK)
            return code;
    }
    if (result.status == MANAGER_OK)
        result = service_start(found->service);
    if (result.status != MANAGER_OK && result.status != MANAGER_RUNNING)
        return verbs_say_failure(found->name, "cannot be started", result);
    return wait_until_running(found, config);
}
