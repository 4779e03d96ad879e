#include "host/reloader.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/config_file.h"

#include <windows.h>

#include <stdio.h>

/* The thread may hang in the system for longer than the process wants to live, so nothing here is ever freed. */
static char *path;
static reloader_accepter *accept_config;
static HANDLE wake;
static HANDLE thread;

/* `asking` is the daemon that waits for an answer, or NULL; whoever takes it out gives the answer. */
static SRWLOCK lock = SRWLOCK_INIT;
static struct daemon *asking;
static bool abandoned;
static bool ending;

static const char stopping_text[] = "the server is stopping\n";

static struct daemon *take_asking(void)
{
    AcquireSRWLockExclusive(&lock);
    struct daemon *daemon = asking;
    asking = NULL;
    ReleaseSRWLockExclusive(&lock);
    return daemon;
}

static bool is_asked(void)
{
    AcquireSRWLockShared(&lock);
    bool asked = asking != NULL;
    ReleaseSRWLockShared(&lock);
    return asked;
}

static bool is_ending(void)
{
    AcquireSRWLockShared(&lock);
    bool end = ending;
    ReleaseSRWLockShared(&lock);
    return end;
}

static void read_and_answer(void)
{
    char *why = NULL;
    char refusal[RELOAD_REFUSAL_BYTES];
    const char *text = NULL;
    struct config *config = config_file_read(path, &why);

    if (config == NULL) {
        text = why != NULL ? why : "out of memory while reading the configuration\n";
    } else if (!accept_config(config, refusal, sizeof refusal)) {
        text = refusal;
        config_free(config);
        config = NULL;
    }
    struct daemon *daemon = take_asking();
    if (daemon != NULL)
        daemon_configure(daemon, config, text);
    else
        config_free(config); /* abandoned meanwhile */
    memory_free(why);
}

static DWORD WINAPI run(void *context)
{
    (void)context;
    while (!is_ending()) {
        if (is_asked())
            read_and_answer();
        else
            WaitForSingleObject(wake, INFINITE);
    }
    return 0;
}

bool reloader_start(const char *file, reloader_accepter *accept, uint32_t *os_code)
{
    *os_code = ERROR_NOT_ENOUGH_MEMORY;
    path = memory_copy_string(file);
    if (path == NULL)
        return false;
    accept_config = accept;
    wake = CreateEventW(NULL, FALSE, FALSE, NULL);
    *os_code = GetLastError();
    if (wake == NULL)
        goto free_path;
    thread = CreateThread(NULL, 0, run, NULL, 0, NULL);
    *os_code = GetLastError();
    if (thread == NULL)
        goto close_wake;
    return true;

close_wake:
    CloseHandle(wake);
    wake = NULL;
free_path:
    memory_free(path);
    path = NULL;
    return false;
}

void reloader_read(void *context, struct daemon *daemon)
{
    (void)context;
    AcquireSRWLockExclusive(&lock);
    bool refused = abandoned;
    if (!refused)
        asking = daemon;
    ReleaseSRWLockExclusive(&lock);
    if (refused)
        daemon_configure(daemon, NULL, stopping_text);
    else
        SetEvent(wake);
}

void reloader_abandon(void)
{
    AcquireSRWLockExclusive(&lock);
    abandoned = true;
    ReleaseSRWLockExclusive(&lock);
    struct daemon *daemon = take_asking();
    if (daemon != NULL)
        daemon_configure(daemon, NULL, stopping_text);
}

void reloader_stop(void)
{
    if (thread == NULL)
        return;
    AcquireSRWLockExclusive(&lock);
    ending = true;
    ReleaseSRWLockExclusive(&lock);
    SetEvent(wake);
    CancelSynchronousIo(thread);
    if (WaitForSingleObject(thread, RELOAD_ABANDON_MS) != WAIT_OBJECT_0)
        return;
    CloseHandle(thread);
    CloseHandle(wake);
    memory_free(path);
    thread = NULL;
}
