#include "host/crash.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "host/event_log.h"
#include "host/log_sink.h"
#include "host/system_library.h"
#include "host/wide.h"

#include <windows.h>
#include <dbghelp.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Of ours, for what is no exception of the system's: "customer" bit and severity set, and FL. */
#define EXCEPTION_CHECK_FAILED 0xE000464CUL

enum { TEXT_BYTES = 1024 };

typedef BOOL WINAPI write_dump(HANDLE process, DWORD id, HANDLE file, MINIDUMP_TYPE type,
                               PMINIDUMP_EXCEPTION_INFORMATION exception,
                               PMINIDUMP_USER_STREAM_INFORMATION streams,
                               PMINIDUMP_CALLBACK_INFORMATION callback);

/* Everything that a crash needs is here before it happens: nothing is loaded or allocated for the dump. */
static write_dump *write_minidump;
static HANDLE crashed; /* set by the first thread that fails */
static HANDLE dump_ended;
static HANDLE thread;
static DWORD handler_thread; /* the same by its id */
static wchar_t *folder;      /* with its last backslash; NULL: no dumps */
static wchar_t *dump_path;   /* of as many characters as any path has */
static size_t dump_path_size;
static volatile LONG failures;
static DWORD failed_thread;
static EXCEPTION_POINTERS *failure;
static char reason[TEXT_BYTES / 2]; /* of a failed check; empty: an exception */

/* --- the dump --- */

static bool make_dump_path(void)
{
    SYSTEMTIME now;

    if (folder == NULL)
        return false;
    GetSystemTime(&now);
    int length =
        swprintf(dump_path, dump_path_size, L"%lsfairlead-%lu-%04u%02u%02uT%02u%02u%02uZ.dmp", folder,
                 GetCurrentProcessId(), now.wYear, now.wMonth, now.wDay, now.wHour, now.wMinute, now.wSecond);
    return length > 0;
}

static bool dump(void)
{
    MINIDUMP_EXCEPTION_INFORMATION exception = {failed_thread, failure, FALSE};
    const MINIDUMP_TYPE type =
        MiniDumpWithThreadInfo | MiniDumpWithUnloadedModules | MiniDumpIgnoreInaccessibleMemory;

    if (write_minidump == NULL || !make_dump_path())
        return false;
    HANDLE file = CreateFileW(dump_path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return false;
    BOOL written =
        write_minidump(GetCurrentProcess(), GetCurrentProcessId(), file, type, &exception, NULL, NULL);
    CloseHandle(file);
    return written;
}

/* --- telling --- */

static void describe(char *text, size_t text_bytes)
{
    const EXCEPTION_RECORD *record = failure->ExceptionRecord;

    if (reason[0] != '\0')
        snprintf(text, text_bytes, "crashed: internal error: %s", reason);
    else
        snprintf(text, text_bytes, "crashed: exception 0x%08lX at fairlead.exe+0x%llX in thread %lu",
                 (unsigned long)record->ExceptionCode,
                 (unsigned long long)((uintptr_t)record->ExceptionAddress -
                                      (uintptr_t)GetModuleHandleW(NULL)),
                 (unsigned long)failed_thread);
}

static void write_to_standard_error(const char *text)
{
    HANDLE output = GetStdHandle(STD_ERROR_HANDLE);
    char line[TEXT_BYTES + 16];
    DWORD written;

    int length = snprintf(line, sizeof line, "fairlead: %s\n", text);
    if (output != NULL && output != INVALID_HANDLE_VALUE && length > 0)
        (void)WriteFile(output, line, (DWORD)strlen(line), &written, NULL);
}

/* The safest first: what comes later may need a lock or memory that the failed thread holds, and then nobody waits for it. */
static DWORD WINAPI handle_crash(void *context)
{
    char text[TEXT_BYTES];
    char path[TEXT_BYTES / 2];

    (void)context;
    WaitForSingleObject(crashed, INFINITE);
    bool dumped = dump();
    SetEvent(dump_ended);
    describe(text, sizeof text);
    size_t length = strlen(text);
    if (dumped && WideCharToMultiByte(CP_UTF8, 0, dump_path, -1, path, sizeof path, NULL, NULL) > 0)
        snprintf(text + length, sizeof text - length, "; the dump is %s", path);
    else
        snprintf(text + length, sizeof text - length, "; there is no dump");
    write_to_standard_error(text);
    event_log_write(EVENT_CRASHED, LOG_ERROR, text);
    log_error("%s", text);
    (void)log_sink_stop(); /* with everything that was logged before the crash */
    return 0;
}

/* --- what comes here --- */

static LONG WINAPI filter(EXCEPTION_POINTERS *exception)
{
    if (GetCurrentThreadId() != handler_thread) {
        /* Only the first failure is told; a thread that fails later waits for the process to end. */
        if (InterlockedIncrement(&failures) == 1) {
            failed_thread = GetCurrentThreadId();
            failure = exception;
            SetEvent(crashed);
        }
        WaitForSingleObject(dump_ended, CRASH_DUMP_MS);
        WaitForSingleObject(thread, CRASH_TELL_MS);
    }
    TerminateProcess(GetCurrentProcess(), exception->ExceptionRecord->ExceptionCode);
    return EXCEPTION_EXECUTE_HANDLER;
}

static void fail(const char *why)
{
    if (reason[0] == '\0')
        snprintf(reason, sizeof reason, "%s", why);
    RaiseException(EXCEPTION_CHECK_FAILED, EXCEPTION_NONCONTINUABLE, 0, NULL);
}

static void aborted(int number)
{
    (void)number;
    fail("abort was called");
}

static void called_wrongly(const wchar_t *expression, const wchar_t *function, const wchar_t *file,
                           unsigned line, uintptr_t reserved)
{
    (void)expression;
    (void)function;
    (void)file;
    (void)line;
    (void)reserved;
    fail("a function of the C library was called with a wrong argument");
}

void crash_prepare(void)
{
    ULONG reserve = CRASH_STACK_BYTES;

    write_minidump = (write_dump *)system_library_find(L"dbghelp.dll", "MiniDumpWriteDump");
    crashed = CreateEventW(NULL, TRUE, FALSE, NULL);
    dump_ended = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (crashed != NULL && dump_ended != NULL)
        thread = CreateThread(NULL, 0, handle_crash, NULL, 0, &handler_thread);
    if (thread == NULL)
        return; /* the system's own handling stays, which ends the process too */
    /* So that a stack overflow of the main thread finds its way here; the other threads get by with the system's own reserve. */
    SetThreadStackGuarantee(&reserve);
    SetUnhandledExceptionFilter(filter);
    check_set_hook(fail);
    signal(SIGABRT, aborted);
    _set_invalid_parameter_handler(called_wrongly);
}

/* --- the folder --- */

static void delete_oldest(const wchar_t *pattern, unsigned keep)
{
    for (;;) {
        WIN32_FIND_DATAW found;
        WIN32_FIND_DATAW oldest;
        unsigned count = 0;

        HANDLE search = FindFirstFileW(pattern, &found);
        if (search == INVALID_HANDLE_VALUE)
            return;
        do {
            if (count++ == 0 || CompareFileTime(&found.ftLastWriteTime, &oldest.ftLastWriteTime) < 0)
                oldest = found;
        } while (FindNextFileW(search, &found));
        FindClose(search);
        if (count <= keep)
            return;
        swprintf(dump_path, dump_path_size, L"%ls%ls", folder, oldest.cFileName);
        if (!DeleteFileW(dump_path))
            return; /* somebody looks at it, or the folder is not ours: no reason not to start */
    }
}

void crash_set_folder(const char *log_file)
{
    wchar_t *path = wide_from_text(log_file);
    wchar_t *pattern = NULL;

    if (path == NULL)
        return;
    wchar_t *slash = wcsrchr(path, L'\\');
    wchar_t *other = wcsrchr(path, L'/');
    wchar_t *end = slash == NULL || (other != NULL && other > slash) ? other : slash;
    path[end != NULL ? end - path + 1 : 0] = L'\0';
    memory_free(folder);
    memory_free(dump_path);
    folder = path;
    dump_path_size = wcslen(folder) + MAX_PATH;
    dump_path = memory_allocate(dump_path_size, sizeof *dump_path);
    pattern = memory_allocate(dump_path_size, sizeof *pattern);
    if (dump_path != NULL && pattern != NULL) {
        swprintf(pattern, dump_path_size, L"%lsfairlead-*.dmp", folder);
        delete_oldest(pattern, CRASH_DUMPS_MAX - 1);
    }
    memory_free(pattern);
    if (dump_path == NULL) {
        memory_free(folder);
        folder = NULL;
    }
}
