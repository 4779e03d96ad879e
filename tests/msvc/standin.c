/*
 * standin: one small Windows program under many names (cl.exe, link.exe, lib.exe, rc.exe, mc.exe, nmake.exe, ...).
 *
 * It starts MSVC_TOOLS/tool.sh on the Linux side with its own name and its arguments, waits, and ends with the same
 * exit code. Under the name line.exe it is what GNU make uses as its shell instead (shell.sh): it gives the recipe's
 * line, which is in the environment because no quoting may touch it, to Wine's cmd.exe.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
#include <shellapi.h>

#define PATH_UNITS_MAX 4096

/* On a busy machine a program that Wine starts now and then dies before its first instruction: ERROR_INTERNAL_ERROR here, and
 * 9009 from cmd.exe, which takes it for a program that does not exist. The next attempt succeeds. */
#define STARTS_MAX 5
#define CMD_NOT_STARTED 9009

typedef LONG CDECL spawn_unix(char *const argv[], int wait);

static int fail(const char *what)
{
    fprintf(stderr, "stand-in: %s, error %lu\n", what, GetLastError());
    return 99;
}

static wchar_t *environment(const wchar_t *name)
{
    DWORD units = GetEnvironmentVariableW(name, NULL, 0);
    wchar_t *value = calloc((size_t)units + 1, sizeof *value);
    if (value != NULL && units > 0)
        GetEnvironmentVariableW(name, value, units);
    return value;
}

static char *to_utf8(const wchar_t *text)
{
    int bytes = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *copy = calloc((size_t)bytes + 1, 1);
    if (copy != NULL)
        WideCharToMultiByte(CP_UTF8, 0, text, -1, copy, bytes, NULL, NULL);
    return copy;
}

static BOOL start(const wchar_t *command, PROCESS_INFORMATION *process)
{
    for (int attempt = 0; attempt < STARTS_MAX; attempt++) {
        STARTUPINFOW startup = {.cb = sizeof startup};
        wchar_t *writable = _wcsdup(command);
        if (CreateProcessW(NULL, writable, NULL, NULL, TRUE, 0, NULL, NULL, &startup, process))
            return TRUE;
        if (GetLastError() != ERROR_INTERNAL_ERROR)
            return FALSE;
    }
    return FALSE;
}

/* cmd.exe without AutoRun; with /s it takes away the outer quotes, and the line is exactly as make wrote it. */
static int run_line(void)
{
    wchar_t *line = environment(L"MSVC_LINE");
    size_t units = wcslen(line) + 32;
    wchar_t *command = calloc(units, sizeof *command);
    DWORD code = CMD_NOT_STARTED;
    swprintf(command, units, L"cmd.exe /d /s /c \"%ls\"", line);
    SetEnvironmentVariableW(L"MSVC_LINE", NULL);
    for (int attempt = 0; attempt < STARTS_MAX && code == CMD_NOT_STARTED; attempt++) {
        PROCESS_INFORMATION process;
        if (!start(command, &process))
            return fail("cmd.exe cannot be started");
        WaitForSingleObject(process.hProcess, INFINITE);
        GetExitCodeProcess(process.hProcess, &code);
    }
    return (int)code;
}

/* The file's name without folder and ending, which may be missing. */
static char *own_name(void)
{
    static wchar_t path[PATH_UNITS_MAX];
    GetModuleFileNameW(NULL, path, PATH_UNITS_MAX);
    wchar_t *name = wcsrchr(path, L'\\') == NULL ? path : wcsrchr(path, L'\\') + 1;
    if (wcsrchr(name, L'.') != NULL)
        *wcsrchr(name, L'.') = L'\0';
    return _strlwr(to_utf8(name));
}

static int run_tool(char *name, int count, wchar_t **arguments)
{
    spawn_unix *spawn =
        (spawn_unix *)(void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "__wine_unix_spawnvp");
    char *tool = to_utf8(environment(L"MSVC_TOOL"));
    char **argv = calloc((size_t)count + 3, sizeof *argv);
    if (spawn == NULL || tool[0] == '\0')
        return fail("this is no Wine, or MSVC_TOOL is not set");
    argv[0] = tool;
    argv[1] = name;
    for (int i = 1; i < count; i++)
        argv[i + 1] = to_utf8(arguments[i]);
    fflush(NULL);
    return spawn(argv, 1);
}

int main(void)
{
    int count = 0;
    wchar_t **arguments = CommandLineToArgvW(GetCommandLineW(), &count);
    char *name = own_name();
    return strcmp(name, "line") == 0 ? run_line() : run_tool(name, count, arguments);
}
