#include "host/log_sink.h"

#include "base/atomic.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

/* The thread may outlive log_sink_stop when a write hangs, so nothing here is ever freed. */
static HANDLE output; /* NULL: there is nowhere to write to */
static HANDLE event;
static HANDLE thread;
static uint32_t stopping; /* atomic */
static log_event_writer *event_writer;

/* The thread's own. */
static char batch[LOG_BATCH_LINES * LOG_LINE_BYTES];
static uint64_t unwritten; /* lines lost since the last write that worked */

static void wake(bool urgent)
{
    (void)urgent;
    SetEvent(event);
}

static bool write_all(const char *bytes, size_t count)
{
    while (count > 0) {
        DWORD written = 0;
        if (!WriteFile(output, bytes, (DWORD)count, &written, NULL) || written == 0)
            return false;
        bytes += written;
        count -= written;
    }
    return true;
}

/* A part of the batch may have been written: one line may be whole in the log and be counted as lost. */
static void write_batch(size_t bytes, unsigned lines)
{
    if (output == NULL)
        return;
    if (!write_all(batch, bytes)) {
        unwritten += lines;
        return;
    }
    if (unwritten > 0) {
        log_warn("%llu earlier log lines could not be written", (unsigned long long)unwritten);
        unwritten = 0;
    }
}

static void write_event(const char *line, size_t length, uint32_t tag)
{
    char text[LOG_LINE_BYTES];

    if (event_writer == NULL)
        return;
    size_t bytes = length - LOG_TEXT_AT - 1;
    memcpy(text, line + LOG_TEXT_AT, bytes);
    text[bytes] = '\0';
    event_writer(log_tag_event(tag), log_tag_level(tag), text);
}

static DWORD WINAPI run(void *context)
{
    (void)context;
    for (;;) {
        /* Read before the queue is emptied: what was logged before the stop is still written. */
        bool last = atomic_load_u32(&stopping) != 0;
        size_t bytes = 0;
        unsigned lines = 0;
        while (lines < LOG_BATCH_LINES) {
            uint32_t tag = 0;
            size_t length = log_take(&batch[bytes], &tag);
            if (length == 0)
                break;
            if (log_tag_event(tag) != EVENT_NONE)
                write_event(&batch[bytes], length, tag);
            if (log_tag_is_hidden(tag))
                continue;
            bytes += length;
            lines++;
        }
        if (bytes > 0)
            write_batch(bytes, lines);
        else if (last)
            return 0;
        else
            WaitForSingleObject(event, INFINITE);
    }
}

static HANDLE open_file(const char *file)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    wchar_t *path = wide_from_text(file);

    if (path == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    HANDLE handle =
        CreateFileW(path, FILE_APPEND_DATA, share, NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD error = GetLastError();
    memory_free(path);
    SetLastError(error);
    return handle == INVALID_HANDLE_VALUE ? NULL : handle;
}

static HANDLE standard_error(void)
{
    HANDLE handle = GetStdHandle(STD_ERROR_HANDLE);
    return handle == INVALID_HANDLE_VALUE ? NULL : handle;
}

bool log_sink_start(const struct log_sink_options *options, uint32_t *os_code)
{
    const char *file = options->file;

    event_writer = options->event_writer;
    /* Without standard error (a program without console) the lines are taken all the same, and go nowhere. */
    output = file != NULL ? open_file(file) : standard_error();
    *os_code = GetLastError();
    if (file != NULL && output == NULL)
        return false;

    event = CreateEventW(NULL, FALSE, FALSE, NULL);
    *os_code = GetLastError();
    if (event == NULL)
        goto close_output;

    log_set_wake(wake);
    thread = CreateThread(NULL, 0, run, NULL, 0, NULL);
    *os_code = GetLastError();
    if (thread == NULL)
        goto close_event;
    return true;

close_event:
    log_set_wake(NULL);
    CloseHandle(event);
close_output:
    if (file != NULL)
        CloseHandle(output);
    return false;
}

bool log_sink_check(const struct log_sink_options *options, char *why, size_t why_bytes)
{
    char reason[300];

    if (options->file == NULL)
        return true;
    HANDLE handle = open_file(options->file);
    if (handle != NULL) {
        CloseHandle(handle);
        return true;
    }
    snprintf(why, why_bytes, "log_file %s cannot be written: %s", options->file,
             wide_describe_error(GetLastError(), reason, sizeof reason));
    return false;
}

/* For now the files stay. */
void log_sink_configure(const struct log_sink_options *options)
{
    (void)options;
}

bool log_sink_stop(void)
{
    atomic_store_u32(&stopping, 1);
    SetEvent(event);
    return WaitForSingleObject(thread, LOG_FLUSH_TIMEOUT_MS) == WAIT_OBJECT_0 && unwritten == 0;
}
