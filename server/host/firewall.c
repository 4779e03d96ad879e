#include "host/firewall.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

/* "C:\Windows\system32\netsh.exe": never one that lies in another folder of the path. */
static char *netsh_path(void)
{
    wchar_t folder[MAX_PATH];
    char *path = NULL;
    UINT length = GetSystemDirectoryW(folder, MAX_PATH);

    if (length == 0 || length >= MAX_PATH)
        return NULL;
    char *text = wide_to_text(folder);
    if (text != NULL) {
        size_t bytes = strlen(text) + sizeof "\\netsh.exe";
        path = memory_allocate(bytes, 1);
        if (path != NULL)
            snprintf(path, bytes, "%s\\netsh.exe", text);
    }
    memory_free(text);
    return path;
}

/* Waits for the end; answers its exit code, or the system's error. */
static bool run(wchar_t *program, wchar_t *line, DWORD *code)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;

    /* Without handles of ours: netsh's own words, in the language of the system, are not for our output. */
    if (!CreateProcessW(program, line, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL, &startup, &process)) {
        *code = GetLastError();
        return false;
    }
    bool ended = WaitForSingleObject(process.hProcess, FIREWALL_TIMEOUT_MS) == WAIT_OBJECT_0 &&
                 GetExitCodeProcess(process.hProcess, code);
    if (!ended)
        *code = WAIT_TIMEOUT;
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return ended;
}

/* Runs netsh with these arguments. False: it could not be run, or ended with something else than 0; `why` says so. */
static bool netsh(const char *arguments, char *why, size_t why_bytes)
{
    char *path = netsh_path();
    size_t bytes = strlen(arguments) + (path == NULL ? 0 : strlen(path)) + 4;
    char *line = memory_allocate(bytes, 1);
    wchar_t *wide_path = path == NULL ? NULL : wide_from_text(path);
    wchar_t *wide_line = NULL;
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;
    bool done = false;

    if (line != NULL && wide_path != NULL) {
        snprintf(line, bytes, "\"%s\" %s", path, arguments);
        wide_line = wide_from_text(line);
    }
    if (wide_line != NULL)
        done = run(wide_path, wide_line, &code);
    if (!done) {
        char error[300];
        snprintf(why, why_bytes, "netsh could not be run: %s",
                 wide_describe_error(code, error, sizeof error));
    } else if (code != 0) {
        snprintf(why, why_bytes, "netsh ended with %lu", (unsigned long)code);
    }
    memory_free(wide_line);
    memory_free(wide_path);
    memory_free(line);
    memory_free(path);
    return done && code == 0;
}

void firewall_forget(const char *name)
{
    char arguments[200];
    char why[400];

    snprintf(arguments, sizeof arguments, "advfirewall firewall delete rule name=\"Fairlead %s\"", name);
    /* It ends with 1 when there is no such rule, which is as good. */
    (void)netsh(arguments, why, sizeof why);
}

static bool needs_rule(const struct config_endpoint *endpoint)
{
    if (endpoint->is_literal)
        return !address_is_loopback(&endpoint->address);
    return strcmp(endpoint->host, "localhost") != 0;
}

static bool allow_endpoint(const char *name, const char *executable, const struct config_listener *listener,
                           const struct config_endpoint *endpoint)
{
    size_t bytes = strlen(executable) + strlen(listener->name) + strlen(endpoint->text) + 400;
    char why[400] = "out of memory";
    char *arguments = memory_allocate(bytes, 1);
    bool done = false;

    if (endpoint->port == 0) {
        fprintf(stderr, "firewall: listener %s %s has a new port at every start, so it gets no rule\n",
                listener->name, endpoint->text);
        memory_free(arguments);
        return true;
    }
    if (arguments != NULL) {
        snprintf(arguments, bytes,
                 "advfirewall firewall add rule name=\"Fairlead %s\" description=\"listener %s %s\" dir=in "
                 "action=allow program=\"%s\" protocol=TCP localport=%u",
                 name, listener->name, endpoint->text, executable, (unsigned)endpoint->port);
        done = netsh(arguments, why, sizeof why);
    }
    if (done)
        printf("firewall: connections to port %u are passed (listener %s %s)\n", (unsigned)endpoint->port,
               listener->name, endpoint->text);
    else
        fprintf(stderr,
                "firewall: the rule for listener %s %s could not be made: %s; to see why, run: netsh %s\n",
                listener->name, endpoint->text, why, arguments == NULL ? "" : arguments);
    memory_free(arguments);
    return done;
}

bool firewall_allow(const char *name, const char *executable, const struct config *config)
{
    bool all = true;

    firewall_forget(name);
    for (size_t i = 0; i < config->listeners_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        for (size_t j = 0; j < listener->endpoints_count; j++) {
            if (!needs_rule(&listener->endpoints[j]))
                printf("firewall: listener %s %s is for this machine only and needs no rule\n",
                       listener->name, listener->endpoints[j].text);
            else if (!allow_endpoint(name, executable, listener, &listener->endpoints[j]))
                all = false;
        }
    }
    return all;
}
