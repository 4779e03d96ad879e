#include "host/console.h"

#include "base/limits.h"
#include "host/runner.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>

/* The system ends the process as soon as the handler returns, so it does not: it waits for its own thread,
 * which ends when main has finished and the process exits. */
static void stop_within_system_time(const char *message)
{
    runner_stop(message);
    if (WaitForSingleObject(GetCurrentThread(), CONSOLE_CLOSE_DRAIN_MS) == WAIT_TIMEOUT)
        runner_stop(message);
    WaitForSingleObject(GetCurrentThread(), INFINITE);
}

static BOOL WINAPI handle_event(DWORD event)
{
    switch (event) {
    case CTRL_C_EVENT:
        runner_stop("Ctrl+C: stopping; a second one stops at once");
        return TRUE;
    case CTRL_BREAK_EVENT:
        runner_stop("Ctrl+Break: stopping; a second one stops at once");
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

int console_run(struct config *config)
{
    struct runner_options options = {0};
    char why[RUNNER_REFUSAL_BYTES];

    /* Before the start, so that nobody who presses Ctrl+C early finds the system's own handler, which just ends the process. */
    if (!SetConsoleCtrlHandler(handle_event, TRUE)) {
        fprintf(stderr, "fairlead: cannot start: %s\n", wide_describe_error(GetLastError(), why, sizeof why));
        config_free(config);
        return DAEMON_FAILED;
    }
    options.config = config;
    if (runner_start(&options, why, sizeof why))
        return runner_finish();
    if (why[0] != '\0')
        fprintf(stderr, "fairlead: %s\n", why);
    return DAEMON_FAILED;
}
