/*
 * The side of the IOCP backend: real threads, a condition variable with a deadline, and four variants: one and
 * several workers, with and without skipping packets on success.
 *
 *   port_suite.exe                 everything
 *   port_suite.exe few-handles     only what happens when handles run out; start it under a low `ulimit -n`
 */
#include "tests/port/suite_iocp.h"

#include <process.h>
#include <stdio.h>
#include <stdlib.h>

static SRWLOCK progress_lock = SRWLOCK_INIT;
static CONDITION_VARIABLE progress = CONDITION_VARIABLE_INIT;

void suite_begin(int argc, char **argv)
{
    suite_backend_only = argc > 1 && strcmp(argv[1], "few-handles") == 0;
}

bool suite_variant(uint32_t index, const char **name, uint32_t *workers)
{
    static const char *const names[] = {"1 worker, skipping", "4 workers, skipping", "1 worker, not skipping",
                                        "4 workers, not skipping"};
    if (index >= 4)
        return false;
    *name = names[index];
    *workers = index % 2 == 0 ? 1 : 4;
    iocp_switches.no_skip = index >= 2;
    return true;
}

void suite_notify(void)
{
    AcquireSRWLockExclusive(&progress_lock);
    ReleaseSRWLockExclusive(&progress_lock);
    WakeAllConditionVariable(&progress);
}

/* The condition is looked at under the lock that suite_notify takes, so no change is missed. */
bool suite_wait_until(suite_condition *condition, void *context)
{
    enum { DEADLINE_MS = 20000 };
    ULONGLONG deadline = GetTickCount64() + DEADLINE_MS;
    bool holds = false;
    AcquireSRWLockExclusive(&progress_lock);
    for (;;) {
        holds = condition(context);
        ULONGLONG now = GetTickCount64();
        if (holds || now >= deadline)
            break;
        SleepConditionVariableSRW(&progress, &progress_lock, (DWORD)(deadline - now), 0);
    }
    ReleaseSRWLockExclusive(&progress_lock);
    return holds;
}

struct thread {
    HANDLE handle;
    suite_body *body;
    void *context;
    uint32_t index;
};

static unsigned __stdcall thread_main(void *argument)
{
    struct thread *thread = argument;
    thread->body(thread->context, thread->index);
    return 0;
}

void suite_threads(uint32_t count, suite_body *body, void *context)
{
    struct thread threads[16] = {0};
    REQUIRE(count <= 16);
    for (uint32_t i = 0; i < count; i++) {
        threads[i].body = body;
        threads[i].context = context;
        threads[i].index = i;
        threads[i].handle = (HANDLE)_beginthreadex(NULL, 0, thread_main, &threads[i], 0, NULL);
        REQUIRE(threads[i].handle != NULL);
    }
    for (uint32_t i = 0; i < count; i++) {
        WaitForSingleObject(threads[i].handle, INFINITE);
        CloseHandle(threads[i].handle);
    }
}

/* Before Wine 9 a receive after a reset answers as after FIN. The function tells that this is Wine, and which. */
static bool is_old_wine(void)
{
    typedef const char *CDECL get_version(void);
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    if (ntdll == NULL)
        return false;
    get_version *version = (get_version *)(void (*)(void))GetProcAddress(ntdll, "wine_get_version");
    return version != NULL && atoi(version()) < 9;
}

static bool has_ipv6(void)
{
    uint32_t os_code = 0;
    struct port_socket socket = {0};
    struct address address = {0};
    address.family = ADDRESS_V6;
    address.bytes[15] = 1;
    if (port_listen(suite.port, &socket, &address, &os_code) != PORT_OK)
        return false;
    port_close(&socket);
    return true;
}

bool suite_fact(enum suite_fact fact)
{
    return fact == SUITE_FACT_RESET_IS_KEPT ? !is_old_wine() : has_ipv6();
}

int suite_run_backend(void)
{
    if (suite_backend_only)
        return suite_run_iocp_handles();
    return suite_run_iocp_status() + suite_run_iocp_socket() + suite_run_iocp_worker();
}
