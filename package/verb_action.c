/* verb_action: runs one of fairlead's verbs for Windows Installer and hands on what it says.
 *
 * The installer neither shows nor keeps the output of a program that it runs: an administrator would read "a
 * program did not finish as expected" instead of the line of server.ini that is wrong. This library lies in the
 * package and is never installed. It runs the command line of its action, writes the output to the installer's
 * log, and shows it where a failure matters.
 *
 * The command line is the action's CustomActionData. The entries differ by what a verb that fails means:
 *   FairleadRequired   the installation ends and is undone; the output is the text of the error
 *   FairleadAdvised    the installation goes on; the output is shown as a warning
 *   FairleadTried      the installation goes on; the output is in the log only
 *   FairleadMissing    as FairleadRequired, but only where there is no service fairlead
 * While the installer undoes its work nothing is shown, whichever entry it is.
 *
 * Each call is made on a thread of the installer and keeps nothing afterwards. There is no deadline: the
 * verbs have theirs. */
#include <windows.h>

#include <msi.h>
#include <msiquery.h>
#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>

enum {
    COMMAND_CHARACTERS = 1200, /* three paths of 260 characters, options and quotes */
    SAID_BYTES = 8192,         /* all errors of a bad configuration; what is beyond is dropped */
    LINE_CHARACTERS = 1024,    /* one line of the log; a longer one is continued in the next */
    SHOWN_CHARACTERS = 1500,   /* what fits into a message box */
    POLL_MS = 50 /* the end of the program is noticed this late, when something else holds its pipe */
};

struct verb {
    wchar_t command[COMMAND_CHARACTERS];
    char said[SAID_BYTES + 1];
    DWORD said_bytes;
    DWORD exit_code;
    DWORD system_error; /* why it could not be run, or 0 */
};

/* --- what the installer is told --- */

static void tell(MSIHANDLE session, INSTALLMESSAGE kind, const wchar_t *text)
{
    MSIHANDLE record = MsiCreateRecord(1);
    if (record == 0)
        return; /* a message that is lost is no reason to fail */
    MsiRecordSetStringW(record, 0, L"Fairlead: [1]");
    MsiRecordSetStringW(record, 1, text);
    MsiProcessMessage(session, kind, record);
    MsiCloseHandle(record);
}

/* The messages of fairlead are UTF-8, and a cut in the middle of a character shows as one strange sign. Brackets
 * become parentheses: Wine reads properties in them even when they stand in a field of the message. */
static void widen(wchar_t *wide, int characters, const char *text, DWORD bytes)
{
    int written = MultiByteToWideChar(CP_UTF8, 0, text, (int)bytes, wide, characters - 1);
    wide[written > 0 ? written : 0] = L'\0';
    for (; *wide != L'\0'; wide++) {
        if (*wide == L'[')
            *wide = L'(';
        else if (*wide == L']')
            *wide = L')';
    }
}

static void log_lines(MSIHANDLE session, const struct verb *verb)
{
    DWORD begin = 0;

    for (DWORD i = 0; i <= verb->said_bytes; i++) {
        bool end = i == verb->said_bytes || verb->said[i] == '\n' || verb->said[i] == '\r';
        if (!end && i - begin < LINE_CHARACTERS - 1)
            continue;
        if (i > begin) {
            wchar_t line[LINE_CHARACTERS];
            widen(line, LINE_CHARACTERS, verb->said + begin, i - begin);
            tell(session, INSTALLMESSAGE_INFO, line);
        }
        begin = end ? i + 1 : i;
    }
}

/* The output itself, or a sentence where a verb failed without one. */
static void show(MSIHANDLE session, INSTALLMESSAGE kind, const struct verb *verb)
{
    wchar_t text[SHOWN_CHARACTERS + COMMAND_CHARACTERS];
    DWORD shown = verb->said_bytes < SHOWN_CHARACTERS ? verb->said_bytes : SHOWN_CHARACTERS - 1;

    if (verb->system_error != 0)
        _snwprintf(text, ARRAYSIZE(text), L"cannot run %ls (Windows error %lu)", verb->command,
                   verb->system_error);
    else if (shown == 0)
        _snwprintf(text, ARRAYSIZE(text), L"%ls ended with code %lu", verb->command, verb->exit_code);
    else
        widen(text, SHOWN_CHARACTERS, verb->said, shown);
    text[ARRAYSIZE(text) - 1] = L'\0';
    tell(session, kind, text);
}

/* --- running the program --- */

static void keep(struct verb *verb, const char *bytes, DWORD count)
{
    DWORD room = SAID_BYTES - verb->said_bytes;
    if (count > room)
        count = room;
    CopyMemory(verb->said + verb->said_bytes, bytes, count);
    verb->said_bytes += count;
}

/* Reads until the program has ended and its pipe is empty. The pipe's end alone is not waited for: whatever the
 * program started may hold it open. */
static void listen_to(struct verb *verb, HANDLE output, HANDLE process)
{
    bool ended = false;

    for (;;) {
        char bytes[1024];
        DWORD available = 0;
        if (!PeekNamedPipe(output, NULL, 0, NULL, &available, NULL))
            available = 0;
        if (available > 0) {
            DWORD count = 0;
            if (ReadFile(output, bytes, sizeof bytes, &count, NULL))
                keep(verb, bytes, count);
        } else if (ended) {
            break;
        } else {
            ended = WaitForSingleObject(process, POLL_MS) != WAIT_TIMEOUT;
        }
    }
    WaitForSingleObject(process, INFINITE);
}

static bool start_program(struct verb *verb, HANDLE output, HANDLE input, PROCESS_INFORMATION *process)
{
    STARTUPINFOW startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = input,
                            .hStdOutput = output,
                            .hStdError = output};
    wchar_t command[COMMAND_CHARACTERS]; /* CreateProcess may write to it */

    CopyMemory(command, verb->command, sizeof command);
    if (CreateProcessW(NULL, command, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &startup, process))
        return true;
    verb->system_error = GetLastError();
    return false;
}

static void run(struct verb *verb)
{
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    HANDLE read_end = NULL;
    HANDLE write_end = NULL;
    PROCESS_INFORMATION process;

    if (!CreatePipe(&read_end, &write_end, &inherited, 0)) {
        verb->system_error = GetLastError();
        return;
    }
    SetHandleInformation(read_end, HANDLE_FLAG_INHERIT, 0);
    HANDLE nothing = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited,
                                 OPEN_EXISTING, 0, NULL);
    bool started = start_program(verb, write_end, nothing, &process);
    CloseHandle(write_end);
    if (nothing != INVALID_HANDLE_VALUE)
        CloseHandle(nothing);
    if (started) {
        listen_to(verb, read_end, process.hProcess);
        if (!GetExitCodeProcess(process.hProcess, &verb->exit_code))
            verb->system_error = GetLastError();
        CloseHandle(process.hThread);
        CloseHandle(process.hProcess);
    }
    CloseHandle(read_end);
}

/* --- the service --- */

/* When it cannot be known, the verb is left to say why. */
static bool service_exists(void)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    if (manager == NULL)
        return false;
    SC_HANDLE service = OpenServiceW(manager, L"fairlead", SERVICE_QUERY_CONFIG);
    if (service != NULL)
        CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return service != NULL;
}

/* --- the entries --- */

static bool read_command(MSIHANDLE session, struct verb *verb)
{
    DWORD characters = COMMAND_CHARACTERS;
    verb->system_error = MsiGetPropertyW(session, L"CustomActionData", verb->command, &characters);
    if (verb->system_error == ERROR_SUCCESS && verb->command[0] == L'\0')
        verb->system_error = ERROR_INVALID_PARAMETER;
    return verb->system_error == ERROR_SUCCESS;
}

/* Answers whether the verb succeeded. */
static bool perform(MSIHANDLE session, INSTALLMESSAGE kind)
{
    struct verb *verb = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *verb);
    if (verb == NULL)
        return false;
    if (read_command(session, verb)) {
        tell(session, INSTALLMESSAGE_INFO, verb->command);
        run(verb);
        log_lines(session, verb);
    }
    bool succeeded = verb->system_error == 0 && verb->exit_code == 0;
    if (!succeeded)
        show(session, MsiGetMode(session, MSIRUNMODE_ROLLBACK) ? INSTALLMESSAGE_INFO : kind, verb);
    HeapFree(GetProcessHeap(), 0, verb);
    return succeeded;
}

__declspec(dllexport) UINT WINAPI FairleadRequired(MSIHANDLE session)
{
    return perform(session, INSTALLMESSAGE_ERROR) ? ERROR_SUCCESS : ERROR_INSTALL_FAILURE;
}

__declspec(dllexport) UINT WINAPI FairleadAdvised(MSIHANDLE session)
{
    perform(session, INSTALLMESSAGE_WARNING);
    return ERROR_SUCCESS;
}

__declspec(dllexport) UINT WINAPI FairleadTried(MSIHANDLE session)
{
    perform(session, INSTALLMESSAGE_INFO);
    return ERROR_SUCCESS;
}

__declspec(dllexport) UINT WINAPI FairleadMissing(MSIHANDLE session)
{
    return service_exists() ? ERROR_SUCCESS : FairleadRequired(session);
}
