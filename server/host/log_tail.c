#include "host/log_tail.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>

/* Where the last lines begin. */
static const char *last_lines(const char *text, size_t length)
{
    const char *from = text + length;
    unsigned lines = 0;

    while (from > text) {
        if (from[-1] == '\n' && from != text + length && ++lines == LOG_TAIL_LINES)
            break;
        from--;
    }
    return from;
}

static void print_end(HANDLE file)
{
    char text[LOG_TAIL_BYTES];
    LARGE_INTEGER size;
    DWORD length = 0;

    if (!GetFileSizeEx(file, &size))
        return;
    if (size.QuadPart > LOG_TAIL_BYTES)
        size.QuadPart -= LOG_TAIL_BYTES;
    else
        size.QuadPart = 0;
    if (!SetFilePointerEx(file, size, NULL, FILE_BEGIN) || !ReadFile(file, text, sizeof text, &length, NULL))
        return;
    const char *from = last_lines(text, length);
    fprintf(stderr, "%.*s", (int)(text + length - from), from);
}

void log_tail_print(const char *path)
{
    wchar_t *wide = wide_from_text(path);

    if (wide == NULL)
        return;
    HANDLE file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    memory_free(wide);
    if (file == INVALID_HANDLE_VALUE)
        return;
    print_end(file);
    CloseHandle(file);
}
