#include "host/event_log.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/wide.h"

#include <windows.h>

#include <wchar.h>

/* Opened before and closed after every other thread that writes. */
static HANDLE source;

void event_log_open(const char *name)
{
    wchar_t *wide = wide_from_text(name);

    if (wide != NULL)
        source = RegisterEventSourceW(NULL, wide);
    memory_free(wide);
}

void event_log_close(void)
{
    if (source != NULL)
        DeregisterEventSource(source);
    source = NULL;
}

static WORD type_of(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return EVENTLOG_ERROR_TYPE;
    case LOG_WARN:
        return EVENTLOG_WARNING_TYPE;
    case LOG_INFO:
    case LOG_DEBUG:
        break;
    }
    return EVENTLOG_INFORMATION_TYPE;
}

/* Not in the middle of a pair that makes one character. */
static void cut(wchar_t *text)
{
    size_t length = wcslen(text);

    if (length <= EVENT_TEXT_CHARS_MAX)
        return;
    length = EVENT_TEXT_CHARS_MAX;
    if (text[length - 1] >= 0xD800 && text[length - 1] <= 0xDBFF)
        length--;
    text[length] = L'\0';
}

void event_log_write(enum event event, enum log_level level, const char *text)
{
    wchar_t *wide = source != NULL ? wide_from_text(text) : NULL;

    if (wide == NULL)
        return;
    cut(wide);
    const wchar_t *strings[] = {wide};
    (void)ReportEventW(source, type_of(level), 0, (DWORD)event, NULL, 1, 0, strings, NULL);
    memory_free(wide);
}

/* --- the registry --- */

static const wchar_t application_log[] = L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application";

static LSTATUS open_application_log(HKEY *key)
{
    return RegOpenKeyExW(HKEY_LOCAL_MACHINE, application_log, 0, KEY_CREATE_SUB_KEY | KEY_ENUMERATE_SUB_KEYS,
                         key);
}

static LSTATUS write_source(HKEY key, const wchar_t *executable)
{
    const DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    DWORD bytes = (DWORD)((wcslen(executable) + 1) * sizeof *executable);

    /* REG_SZ: a percent sign in a path is meant as it stands. */
    LSTATUS status = RegSetValueExW(key, L"EventMessageFile", 0, REG_SZ, (const BYTE *)executable, bytes);
    if (status == ERROR_SUCCESS)
        status = RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types, sizeof types);
    return status;
}

uint32_t event_log_register(const char *name, const char *executable)
{
    LSTATUS status = ERROR_NOT_ENOUGH_MEMORY;
    HKEY log = NULL;
    HKEY key = NULL;
    wchar_t *wide_name = wide_from_text(name);
    wchar_t *wide_executable = wide_from_text(executable);

    if (wide_name == NULL || wide_executable == NULL)
        goto free_texts;
    status = open_application_log(&log);
    if (status != ERROR_SUCCESS)
        goto free_texts;
    status = RegCreateKeyExW(log, wide_name, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL);
    if (status != ERROR_SUCCESS)
        goto close_log;
    status = write_source(key, wide_executable);
    RegCloseKey(key);
close_log:
    RegCloseKey(log);
free_texts:
    memory_free(wide_executable);
    memory_free(wide_name);
    return (uint32_t)status;
}

uint32_t event_log_unregister(const char *name)
{
    LSTATUS status = ERROR_NOT_ENOUGH_MEMORY;
    HKEY log = NULL;
    wchar_t *wide = wide_from_text(name);

    if (wide == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    status = open_application_log(&log);
    if (status == ERROR_SUCCESS) {
        status = RegDeleteKeyW(log, wide);
        RegCloseKey(log);
    }
    memory_free(wide);
    /* What is not there is gone. */
    return status == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : (uint32_t)status;
}
