#include "host/runner.h"

#include "base/atomic.h"
#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "host/crash.h"
#include "host/event_log.h"
#include "host/file_access.h"
#include "host/log_sink.h"
#include "host/process.h"
#include "host/reloader.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>

static struct runner_options options;
static HANDLE stopped;
static uint32_t drain_ms; /* atomic */

/* Handlers run on threads of the system's, before the daemon exists and after it was freed. The lock guards what they may touch.
 * Stops that came too early are counted and passed on. */
static SRWLOCK lock = SRWLOCK_INIT;
static struct daemon *running;
static unsigned stops;

/* --- what others ask for --- */

void runner_stop(const char *why)
{
    AcquireSRWLockExclusive(&lock);
    stops++;
    if (stops == 1)
        log_info("%s", why);
    if (running != NULL)
        daemon_stop(running);
    ReleaseSRWLockExclusive(&lock);
}

bool runner_reload(struct reload_request *request)
{
    AcquireSRWLockExclusive(&lock);
    bool asked = running != NULL && daemon_reload(running, request);
    ReleaseSRWLockExclusive(&lock);
    return asked;
}

uint32_t runner_sessions(void)
{
    AcquireSRWLockExclusive(&lock);
    uint32_t sessions = running != NULL ? gauge_current(&daemon_stats(running)->sessions) : 0;
    ReleaseSRWLockExclusive(&lock);
    return sessions;
}

uint32_t runner_drain_ms(void)
{
    return atomic_load_u32(&drain_ms);
}

static void set_running(struct daemon *daemon)
{
    AcquireSRWLockExclusive(&lock);
    running = daemon;
    if (daemon != NULL) {
        for (unsigned i = 0; i < stops; i++)
            daemon_stop(daemon);
    }
    ReleaseSRWLockExclusive(&lock);
}

/* --- the log --- */

static struct log_sink_options log_options(const struct config *config)
{
    struct log_sink_options log = {0};

    log.file = config->server.log_file != NULL ? config->server.log_file : options.log_file;
    log.rotate_bytes = config->server.log_rotate_bytes;
    log.rotate_keep = config->server.log_rotate_keep;
    log.session_file = config->server.session_log;
    log.event_writer = options.events ? event_log_write : NULL;
    return log;
}

/* Whoever changes the configuration or the program decides what this process does, with its rights. */
static void warn_of_writers(const char *config_file)
{
    char warning[LOG_LINE_BYTES];
    char *program = process_path();

    if (file_access_warn(config_file, warning, sizeof warning))
        log_warn("%s", warning);
    if (program != NULL && file_access_warn(program, warning, sizeof warning))
        log_warn("%s", warning);
    memory_free(program);
}

static bool start_log(const struct config *config, char *why, size_t why_bytes)
{
    struct log_sink_options log = log_options(config);
    uint32_t os_code = 0;
    char reason[300];

    log_set_level(config->server.log_level);
    if (!log_sink_check(&log, why, why_bytes))
        return false;
    if (log_sink_start(&log, &os_code)) {
        crash_set_folder(log.file != NULL ? log.file : "");
        if (log.file != NULL)
            fprintf(stderr, "fairlead: logging to %s\n", log.file);
        return true;
    }
    snprintf(why, why_bytes, "the log cannot be started: %s",
             wide_describe_error(os_code, reason, sizeof reason));
    return false;
}

/* --- the daemon's hooks --- */

/* A reload is refused with lines that name the file, as a wrong key is. */
static bool accept_config(const struct config *config, char *why, size_t why_bytes)
{
    struct log_sink_options log = log_options(config);
    char reason[LOG_LINE_BYTES];

    if (log_sink_check(&log, reason, sizeof reason))
        return true;
    snprintf(why, why_bytes, "%s: %s\n", config->file, reason);
    return false;
}

static void daemon_adopted_config(void *context, const struct config *config)
{
    (void)context;
    atomic_store_u32(&drain_ms, config->server.drain_timeout_ms);
    struct log_sink_options log = log_options(config);
    log_set_level(config->server.log_level);
    log_sink_configure(&log);
}

static void daemon_changed_state(void *context, enum daemon_state state)
{
    if (state == DAEMON_DRAINING || state == DAEMON_STOPPING)
        reloader_abandon();
    if (options.changed != NULL)
        options.changed(context, state);
    if (state == DAEMON_STOPPED)
        SetEvent(stopped);
}

/* --- start and end --- */

static bool start_daemon(struct config *config)
{
    struct daemon_options daemon_options = {0};

    daemon_options.config = config;
    daemon_options.pid = process_id();
    daemon_options.random_seed = process_random_seed();
    daemon_options.read_process = process_read;
    daemon_options.changed = daemon_changed_state;
    daemon_options.read = reloader_read;
    daemon_options.adopted = daemon_adopted_config;
    daemon_options.context = options.context;
    struct daemon *daemon = daemon_start(&daemon_options);
    if (daemon != NULL)
        set_running(daemon);
    return daemon != NULL;
}

bool runner_start(const struct runner_options *given, char *why, size_t why_bytes)
{
    struct config *config = given->config;
    uint32_t os_code = 0;
    char reason[300];

    options = *given;
    options.config = NULL; /* the daemon's from now on, or freed here */
    atomic_store_u32(&drain_ms, config->server.drain_timeout_ms);
    if (!start_log(config, why, why_bytes)) {
        config_free(config);
        return false;
    }
    warn_of_writers(config->file);
    stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
    os_code = GetLastError();
    if (stopped == NULL || !reloader_start(config->file, accept_config, &os_code)) {
        snprintf(why, why_bytes, "cannot start: %s", wide_describe_error(os_code, reason, sizeof reason));
        config_free(config);
    } else if (start_daemon(config)) {
        return true;
    } else {
        why[0] = '\0';
    }
    reloader_stop();
    (void)log_sink_stop(); /* what could not be written in time cannot be said either */
    return false;
}

int runner_finish(void)
{
    CHECK(WaitForSingleObject(stopped, INFINITE) == WAIT_OBJECT_0);
    AcquireSRWLockExclusive(&lock);
    struct daemon *daemon = running;
    running = NULL;
    ReleaseSRWLockExclusive(&lock);
    int code = (int)daemon_outcome(daemon);
    daemon_free(daemon);
    reloader_stop();
    (void)log_sink_stop();
    return code;
}
