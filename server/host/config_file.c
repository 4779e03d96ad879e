#include "host/config_file.h"

#include "base/compiler.h"
#include "base/limits.h"
#include "base/memory.h"
#include "config/config_errors.h"
#include "host/process.h"
#include "host/wide.h"

#include <windows.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- finding --- */

static bool file_exists(const char *path)
{
    wchar_t *wide = wide_from_text(path);
    if (wide == NULL)
        return false;
    DWORD attributes = GetFileAttributesW(wide);
    memory_free(wide);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

static char *join(const char *folder, const char *name)
{
    size_t bytes = strlen(folder) + strlen(name) + 1;
    char *path = memory_allocate(bytes, 1);
    if (path != NULL)
        snprintf(path, bytes, "%s%s", folder, name);
    return path;
}

char *config_file_find(const char *given)
{
    char *folder = NULL;
    char *beside = NULL;

    if (given != NULL)
        return memory_copy_string(given);
    folder = process_folder();
    if (folder != NULL)
        beside = join(folder, CONFIG_FILE_NAME);
    memory_free(folder);
    if (beside != NULL && file_exists(beside))
        return beside;
    if (file_exists(CONFIG_FILE_NAME)) {
        memory_free(beside);
        return memory_copy_string(CONFIG_FILE_NAME);
    }
    fprintf(
        stderr,
        "fairlead: there is no configuration: neither %s nor %s in the current folder exists; name the file "
        "with -c FILE\n",
        beside != NULL ? beside : CONFIG_FILE_NAME " beside the executable", CONFIG_FILE_NAME);
    memory_free(beside);
    return NULL;
}

/* --- reading --- */

/* By a path in UTF-16, because the C library opens files in the system's code page. */
static HANDLE open_file(const char *path)
{
    wchar_t *wide = wide_from_text(path);
    if (wide == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return INVALID_HANDLE_VALUE;
    }
    HANDLE file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD error = GetLastError();
    memory_free(wide);
    SetLastError(error);
    return file;
}

/* Reads to the end of the file or the buffer; false with the system's error. */
static bool read_all(HANDLE file, char *data, size_t room, size_t *bytes)
{
    *bytes = 0;
    while (*bytes < room) {
        DWORD count = 0;
        if (!ReadFile(file, data + *bytes, (DWORD)(room - *bytes), &count, NULL))
            return GetLastError() == ERROR_BROKEN_PIPE; /* how a pipe ends */
        if (count == 0)
            break;
        *bytes += count;
    }
    return true;
}

static struct config *read_config(const char *path, struct config_errors *errors)
{
    const size_t room =
        CONFIG_FILE_BYTES_MAX + 1; /* one byte more than is allowed tells a file that is too large */
    struct config *config = NULL;
    char why[300];
    size_t bytes;

    HANDLE file = open_file(path);
    if (file == INVALID_HANDLE_VALUE) {
        config_errors_add(errors, 0, "the file cannot be opened: %s",
                          wide_describe_error(GetLastError(), why, sizeof why));
        return NULL;
    }
    char *data = memory_allocate(room, 1);
    if (data == NULL)
        config_errors_add(errors, 0, "out of memory while reading the configuration");
    else if (!read_all(file, data, room, &bytes))
        config_errors_add(errors, 0, "the file cannot be read: %s",
                          wide_describe_error(GetLastError(), why, sizeof why));
    else if (bytes == room)
        config_errors_add(errors, 0, "the file is larger than %d bytes, so it is hardly a " CONFIG_FILE_NAME,
                          CONFIG_FILE_BYTES_MAX);
    else
        config = config_parse(path, data, bytes, errors);
    memory_free(data);
    CloseHandle(file);
    return config;
}

/* --- errors as text --- */

/* As sprintf to the end of a buffer; without one it only counts. */
PRINTF_LIKE(4, 5)
static void append(char *text, size_t room, size_t *bytes, PRINTF_FORMAT const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int count =
        vsnprintf(text != NULL ? text + *bytes : NULL, text != NULL ? room - *bytes : 0, format, arguments);
    va_end(arguments);
    if (count > 0)
        *bytes += (size_t)count;
}

static size_t describe(const char *path, const struct config_errors *errors, char *text, size_t room)
{
    size_t bytes = 0;

    for (size_t i = 0; i < errors->count; i++) {
        const struct config_error *error = &errors->items[i];
        if (error->line == 0)
            append(text, room, &bytes, "%s: %s\n", path, error->text);
        else
            append(text, room, &bytes, "%s:%u: %s\n", path, error->line, error->text);
    }
    if (errors->lost > 0)
        append(text, room, &bytes, "%s: and %zu more\n", path, errors->lost);
    return bytes;
}

static char *errors_text(const char *path, const struct config_errors *errors)
{
    size_t room = describe(path, errors, NULL, 0) + 1;
    char *text = memory_allocate(room, 1);

    if (text != NULL)
        (void)describe(path, errors, text, room);
    return text;
}

struct config *config_file_read(const char *path, char **why)
{
    struct config_errors errors = {0};
    struct config *config = read_config(path, &errors);

    *why = config == NULL ? errors_text(path, &errors) : NULL;
    config_errors_free(&errors);
    return config;
}

struct config *config_file_load(const char *path, const char *outcome)
{
    struct config_errors errors = {0};
    struct config *config = read_config(path, &errors);

    if (config == NULL) {
        size_t total = errors.count + errors.lost;
        char *text = errors_text(path, &errors);
        fputs(text != NULL ? text : "", stderr);
        fprintf(stderr, "%zu error%s in %s%s\n", total, total == 1 ? "" : "s", path, outcome);
        memory_free(text);
    }
    config_errors_free(&errors);
    return config;
}
