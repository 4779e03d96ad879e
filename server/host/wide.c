#include "host/wide.h"

#include "base/memory.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

wchar_t *wide_from_text(const char *text)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    if (length <= 0)
        return NULL;
    wchar_t *wide = memory_allocate((size_t)length, sizeof *wide);
    if (wide != NULL)
        MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, length);
    return wide;
}

char *wide_to_text(const wchar_t *wide)
{
    int length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    if (length <= 0)
        return NULL;
    char *text = memory_allocate((size_t)length, 1);
    if (text != NULL)
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, length, NULL, NULL);
    return text;
}

const char *wide_describe_error(uint32_t os_code, char *text, size_t text_bytes)
{
    wchar_t wide[256];
    DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
    DWORD length = FormatMessageW(flags, NULL, os_code, 0, wide, sizeof wide / sizeof wide[0], NULL);

    /* The system ends its sentences with a full stop and a blank, where ours go on. */
    while (length > 0 && (wide[length - 1] == L' ' || wide[length - 1] == L'.'))
        length--;
    wide[length] = L'\0';
    char *message = length > 0 ? wide_to_text(wide) : NULL;
    if (message != NULL)
        snprintf(text, text_bytes, "%s (os error %lu)", message, (unsigned long)os_code);
    else
        snprintf(text, text_bytes, "os error %lu", (unsigned long)os_code);
    memory_free(message);
    return text;
}
