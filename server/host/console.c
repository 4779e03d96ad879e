#include "host/console.h"

#include "base/limits.h"
#include "base/log.h"
#include "daemon.h"
#include "host/log_sink.h"
#include "host/process.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>

/* The handler of console events runs on a thread that the system makes for each event, at any moment from its
 * installation to the end of the process: before the daemon exists and after it was freed. The lock guards
 * what it may touch. Stops that came too early are counted and passed on. */
static SRWLOCK lock = SRWLOCK_INIT;
static struct daemon *running;
static unsigned stops;

static HANDLE stopped;

static void stop(const char *message)
{
    AcquireSRWLockExclusive(&lock);
    stops++;
    if (stops == 1)
        log_info("%s", message);
    if (running != NULL)
        daemon_stop(running);
    ReleaseSRWLockExclusive(&lock);
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

/* The system ends the process as soon as the handler returns, so it does not: it waits for its own thread,
 * which ends when main has finished and the process exits. */
static void stop_within_system_time(const char *message)
{
    stop(message);
    if (WaitForSingleObject(GetCurrentThread(), CONSOLE_CLOSE_DRAIN_MS) == WAIT_TIMEOUT)
        stop(message);
    WaitForSingleObject(GetCurrentThread(), INFINITE);
}

static BOOL WINAPI handle_event(DWORD event)
{
    switch (event) {
    case CTRL_C_EVENT:
        stop("Ctrl+C: stopping; a second one stops at once");
        return TRUE;
    case CTRL_BREAK_EVENT:
        stop("Ctrl+Break: stopping; a second one stops at once");
        return TRUE;
    case CTRL_CLOSE_EVENT:
        stop_within_system_time("the console is being closed: stopping within seconds");
        return TRUE;
    case CTRL_LOGOFF_EVENT:
        stop_within_system_time("the user is logging off: stopping within seconds");
        return TRUE;
    case CTRL_SHUTDOWN_EVENT:
        stop_within_system_time("the system is shutting down: stopping within seconds");
        return TRUE;
    default:
        return FALSE;
    }
}

static void daemon_changed_state(void *context, enum daemon_state state)
{
    (void)context;
    if (state == DAEMON_STOPPED)
        SetEvent(stopped);
}

static bool start_log(const struct config *config)
{
    struct log_sink_options options = {0};
    uint32_t os_code = 0;
    char why[LOG_LINE_BYTES];

    options.file = config->server.log_file;
    options.rotate_bytes = config->server.log_rotate_bytes;
    options.rotate_keep = config->server.log_rotate_keep;
    options.session_file = config->server.session_log;
    log_set_level(config->server.log_level);
    if (log_sink_check(&options, why, sizeof why)) {
        if (log_sink_start(&options, &os_code)) {
            if (options.file != NULL)
                fprintf(stderr, "fairlead: logging to %s\n", options.file);
            return true;
        }
        char reason[300];
        snprintf(why, sizeof why, "the log cannot be started: %s",
                 wide_describe_error(os_code, reason, sizeof reason));
    }
    fprintf(stderr, "fairlead: %s\n", why);
    return false;
}

static int serve(struct config *config)
{
    struct daemon_options options = {0};

    options.config = config;
    options.pid = process_id();
    options.random_seed = process_random_seed();
    options.read_process = process_read;
    options.changed = daemon_changed_state;

    struct daemon *daemon = daemon_start(&options);
    if (daemon == NULL)
        return DAEMON_FAILED;
    set_running(daemon);
    WaitForSingleObject(stopped, INFINITE);
    set_running(NULL);
    int code = (int)daemon_outcome(daemon);
    daemon_free(daemon);
    return code;
}

int console_run(struct config *config)
{
    int code = DAEMON_FAILED;

    if (!start_log(config)) {
        config_free(config);
        return code;
    }
    stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (stopped == NULL || !SetConsoleCtrlHandler(handle_event, TRUE)) {
        char why[300];
        log_error("cannot start: %s", wide_describe_error(GetLastError(), why, sizeof why));
        config_free(config);
    } else {
        code = serve(config);
    }
    (void)log_sink_stop(); /* what could not be written in time cannot be said either */
    return code;
}
