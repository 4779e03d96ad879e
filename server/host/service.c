#include "host/service.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon.h"
#include "host/config_file.h"
#include "host/event_log.h"
#include "host/log_sink.h"
#include "host/runner.h"
#include "host/service_paths.h"
#include "host/service_progress.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

enum { EXIT_CONFIGURATION = 2 };

/* Three threads: the one that main is on belongs to the dispatcher and runs handle_control; the service's own runs service_main; workers
 * run daemon_changed_state. */
static struct {
    const char *name;
    const char *config_path;
    int exit_code;
    HANDLE wake; /* something has changed for service_main to look at */

    /* Guards everything below. A stop holds the runner's lock and may run daemon_changed_state inside, which takes this one; so nothing
     * that takes the runner's is called with this one held. */
    SRWLOCK lock;
    SERVICE_STATUS_HANDLE handle;
    SERVICE_STATUS status;
    struct service_progress progress;
    enum daemon_state daemon;
    uint64_t cut_at_ms; /* 0: not before drain_timeout */
} service = {.lock = SRWLOCK_INIT};

/* --- what the service manager is told; with the lock held --- */

static bool is_pending(void)
{
    return service.status.dwCurrentState == SERVICE_START_PENDING ||
           service.status.dwCurrentState == SERVICE_STOP_PENDING;
}

static void report(void)
{
    bool pending = is_pending();

    service.status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    service.status.dwControlsAccepted =
        service.status.dwCurrentState == SERVICE_RUNNING
            ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN | SERVICE_ACCEPT_PARAMCHANGE
            : 0;
    service.status.dwCheckPoint = pending ? service.progress.checkpoint : 0;
    service.status.dwWaitHint = pending ? service.progress.hint_ms : 0;
    (void)SetServiceStatus(service.handle, &service.status);
}

static void report_state(DWORD state, uint64_t budget_ms, uint32_t sessions)
{
    service.status.dwCurrentState = state;
    service_progress_begin(&service.progress, GetTickCount64(), budget_ms, sessions);
    report();
}

static void report_pending(DWORD state, uint64_t budget_ms)
{
    uint32_t sessions = runner_sessions();

    AcquireSRWLockExclusive(&service.lock);
    report_state(state, budget_ms, sessions);
    ReleaseSRWLockExclusive(&service.lock);
}

/* A stop that was asked for is a success, whatever it took: recovery would start the service again otherwise. */
static void report_stopped(int exit_code)
{
    bool failed = exit_code != DAEMON_OK && exit_code != DAEMON_CUT;

    service.exit_code = exit_code;
    AcquireSRWLockExclusive(&service.lock);
    service.status.dwWin32ExitCode = failed ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR;
    service.status.dwServiceSpecificExitCode = failed ? (DWORD)exit_code : 0;
    service.status.dwCurrentState = SERVICE_STOPPED;
    report();
    ReleaseSRWLockExclusive(&service.lock);
}

/* --- what the service manager asks for --- */

/* Reported before the daemon is asked: whoever reads the status after the control was sent sees that it is being stopped. */
static void stop(const char *why, uint64_t cut_after_ms)
{
    uint32_t sessions = runner_sessions();

    AcquireSRWLockExclusive(&service.lock);
    uint64_t budget_ms = runner_drain_ms();
    if (cut_after_ms > 0 && cut_after_ms < budget_ms) {
        service.cut_at_ms = GetTickCount64() + cut_after_ms;
        budget_ms = cut_after_ms;
    }
    if (service.status.dwCurrentState != SERVICE_STOPPED)
        report_state(SERVICE_STOP_PENDING, budget_ms, sessions);
    ReleaseSRWLockExclusive(&service.lock);
    runner_stop(why);
    SetEvent(service.wake);
}

static DWORD WINAPI handle_control(DWORD control, DWORD type, void *data, void *context)
{
    (void)type;
    (void)data;
    (void)context;
    switch (control) {
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR; /* it knows what was reported last */
    case SERVICE_CONTROL_STOP:
        stop("the service is being stopped", 0);
        return NO_ERROR;
    case SERVICE_CONTROL_PRESHUTDOWN:
        stop("the system is about to shut down: stopping", 0);
        return NO_ERROR;
    case SERVICE_CONTROL_SHUTDOWN:
        stop("the system is shutting down: stopping within seconds", SERVICE_SHUTDOWN_DRAIN_MS);
        return NO_ERROR;
    case SERVICE_CONTROL_PARAMCHANGE:
        if (!runner_reload(NULL))
            log_warn("the service is being stopped, so the configuration is not read again");
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

/* --- the service's own thread --- */

static void daemon_changed_state(void *context, enum daemon_state state)
{
    (void)context;
    AcquireSRWLockExclusive(&service.lock);
    service.daemon = state;
    ReleaseSRWLockExclusive(&service.lock);
    SetEvent(service.wake);
}

/* Reports what has changed; answers how long nothing has to be done unless `wake` is set. */
static DWORD look(enum daemon_state *daemon, bool *cut)
{
    uint64_t now_ms = GetTickCount64();
    uint32_t sessions = runner_sessions();

    AcquireSRWLockExclusive(&service.lock);
    *daemon = service.daemon;
    *cut = service.cut_at_ms > 0 && now_ms >= service.cut_at_ms;
    if (*cut)
        service.cut_at_ms = 0;
    if (service.status.dwCurrentState == SERVICE_START_PENDING && service.daemon == DAEMON_SERVING) {
        service.status.dwCurrentState = SERVICE_RUNNING;
        report();
    } else if (is_pending() && service_progress_tick(&service.progress, now_ms, sessions)) {
        report();
    }
    DWORD wait = is_pending() ? SERVICE_REPORT_MS : INFINITE;
    ReleaseSRWLockExclusive(&service.lock);
    return wait;
}

static void follow_daemon(void)
{
    for (;;) {
        enum daemon_state daemon;
        bool cut;
        DWORD wait = look(&daemon, &cut);
        if (cut)
            runner_stop("the system is shutting down");
        if (daemon == DAEMON_STOPPED)
            return;
        WaitForSingleObject(service.wake, wait);
    }
}

/* --- the start --- */

/* One event with everything that is wrong; in the log it is a line each. There is no configuration that could say where that log is,
 * so it is the default one. */
static void refuse_config(const char *log_file, const char *why)
{
    struct log_sink_options log = {0};
    uint32_t os_code = 0;

    log.file = log_file;
    bool logging = log_file != NULL && log_sink_start(&log, &os_code);
    event_log_write(EVENT_START_FAILED, LOG_ERROR, why);
    for (const char *line = why; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        log_error("%.*s", (int)length, line);
        line += length + (line[length] != '\0' ? 1 : 0);
    }
    log_error("the configuration is wrong; nothing was started");
    if (logging)
        (void)log_sink_stop();
}

static size_t names_of(const struct config *config)
{
    size_t names = config->stats.enabled && !config->stats.listen.is_literal ? 1 : 0;

    for (size_t i = 0; i < config->listeners_count; i++) {
        for (size_t j = 0; j < config->listeners[i].endpoints_count; j++)
            names += config->listeners[i].endpoints[j].is_literal ? 0 : 1;
    }
    return names;
}

/* Names are what takes time: some at once, each for so long at most. */
static uint64_t start_budget_ms(const struct config *config)
{
    uint64_t rounds = (names_of(config) + RESOLVES_MAX - 1) / RESOLVES_MAX;

    return SERVICE_START_MS + rounds * (RESOLVE_TIMEOUT_US / 1000);
}

static int serve(const char *log_file)
{
    char *errors = NULL;
    char why[RUNNER_REFUSAL_BYTES];
    struct runner_options options = {0};

    options.config = config_file_read(service.config_path, &errors);
    if (options.config == NULL) {
        refuse_config(log_file, errors != NULL ? errors : "out of memory while reading the configuration\n");
        memory_free(errors);
        return EXIT_CONFIGURATION;
    }
    report_pending(SERVICE_START_PENDING, start_budget_ms(options.config));
    options.log_file = log_file;
    options.events = true;
    options.changed = daemon_changed_state;
    if (!runner_start(&options, why, sizeof why)) {
        if (why[0] != '\0')
            event_log_write(EVENT_START_FAILED, LOG_ERROR, why);
        return DAEMON_FAILED;
    }
    follow_daemon();
    return runner_finish();
}

static char *default_log_file(void)
{
    char *folder = service_log_folder(service.name);
    char *file = NULL;

    if (folder != NULL) {
        size_t bytes = strlen(folder) + sizeof "\\" SERVICE_LOG_FILE_NAME;
        file = memory_allocate(bytes, 1);
        if (file != NULL)
            snprintf(file, bytes, "%s\\" SERVICE_LOG_FILE_NAME, folder);
    }
    memory_free(folder);
    return file;
}

static void WINAPI service_main(DWORD count, wchar_t **words)
{
    (void)count;
    (void)words;
    /* The name does not matter: the process has one service. */
    service.handle = RegisterServiceCtrlHandlerExW(L"", handle_control, NULL);
    if (service.handle == NULL)
        return;
    report_pending(SERVICE_START_PENDING, SERVICE_START_MS);
    event_log_open(service.name);
    char *log_file = default_log_file();
    int exit_code = serve(log_file);
    memory_free(log_file);
    event_log_close();
    report_stopped(exit_code);
}

int service_run(const char *name, const char *config_path)
{
    wchar_t no_name[] = L"";
    SERVICE_TABLE_ENTRYW table[] = {{no_name, service_main}, {NULL, NULL}};
    char why[300];

    service.name = name;
    service.config_path = config_path;
    service.exit_code = DAEMON_FAILED;
    service.wake = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (service.wake != NULL && StartServiceCtrlDispatcherW(table))
        return service.exit_code;
    DWORD error = GetLastError();
    if (error == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
        fputs("fairlead: this command is for the service manager; people start the service with fairlead "
              "start, or serve "
              "in the console with fairlead run\n",
              stderr);
        return EXIT_CONFIGURATION;
    }
    fprintf(stderr, "fairlead: cannot become a service: %s\n", wide_describe_error(error, why, sizeof why));
    return DAEMON_FAILED;
}
