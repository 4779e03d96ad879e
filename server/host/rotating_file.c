#include "host/rotating_file.h"

#include "base/atomic.h"
#include "base/limits.h"
#include "base/memory.h"
#include "host/wide.h"

#include <windows.h>

#include <string.h>
#include <wchar.h>

enum { SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };

/* Behind a name: ".100" and the end. */
enum { SUFFIX_CHARS = 8 };

static void step(const struct rotating_file *file)
{
    atomic_fetch_add_u32(file->steps, 1);
}

/* --- opening ---------------------------------------------------------------------------------------------- */

static void *open_handle(const wchar_t *path, DWORD disposition, DWORD flags)
{
    DWORD access = FILE_APPEND_DATA | FILE_READ_ATTRIBUTES;
    if ((flags & FILE_FLAG_DELETE_ON_CLOSE) != 0)
        access |= DELETE;
    HANDLE handle =
        CreateFileW(path, access, SHARE_ALL, NULL, disposition, FILE_ATTRIBUTE_NORMAL | flags, NULL);

    return handle == INVALID_HANDLE_VALUE ? NULL : handle;
}

/* Makes the folder that the path is in; `scratch` has room for the path. */
static bool create_folder(const wchar_t *path, wchar_t *scratch)
{
    wcscpy(scratch, path);
    size_t end = wcslen(scratch);
    while (end > 0 && scratch[end] != L'\\' && scratch[end] != L'/')
        end--;
    scratch[end] = L'\0';
    return end > 0 && CreateDirectoryW(scratch, NULL);
}

static void *open_or_create(const wchar_t *path, wchar_t *scratch)
{
    void *handle = open_handle(path, OPEN_ALWAYS, 0);

    if (handle == NULL && GetLastError() == ERROR_PATH_NOT_FOUND) {
        if (create_folder(path, scratch))
            handle = open_handle(path, OPEN_ALWAYS, 0);
        else
            SetLastError(ERROR_PATH_NOT_FOUND);
    }
    return handle;
}

static uint64_t size_of(void *handle)
{
    LARGE_INTEGER size;

    return GetFileSizeEx(handle, &size) ? (uint64_t)size.QuadPart : 0;
}

/* Whether a file ends within a line: a disk that was full, or a process that was killed, may have left half of one. */
static bool ends_torn(const wchar_t *path)
{
    char last = '\n';
    DWORD count = 0;
    LARGE_INTEGER end = {0};

    HANDLE handle = CreateFileW(path, FILE_READ_DATA, SHARE_ALL, NULL, OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return false;
    end.QuadPart = -1;
    bool read = SetFilePointerEx(handle, end, NULL, FILE_END) && ReadFile(handle, &last, 1, &count, NULL);
    CloseHandle(handle);
    return read && count == 1 && last != '\n';
}

static void use_handle(struct rotating_file *file, void *handle)
{
    if (file->handle != NULL)
        CloseHandle(file->handle);
    file->handle = handle;
    file->on_disk = GetFileType(handle) == FILE_TYPE_DISK;
    file->bytes = size_of(handle);
    file->look_ms = GetTickCount64() + LOG_LOOK_MS;
    file->torn = file->on_disk && file->bytes > 0 && ends_torn(file->path);
    step(file);
}

static void free_paths(struct rotating_file *file)
{
    memory_free(file->path);
    memory_free(file->from);
    memory_free(file->to);
}

bool rotating_file_open(struct rotating_file *file, const char *name, uint32_t *steps, uint32_t *os_code)
{
    memset(file, 0, sizeof *file);
    file->steps = steps;
    file->path = wide_from_text(name);
    size_t chars = file->path != NULL ? wcslen(file->path) + SUFFIX_CHARS : 0;
    file->from = memory_allocate(chars, sizeof(wchar_t));
    file->to = memory_allocate(chars, sizeof(wchar_t));
    *os_code = ERROR_NOT_ENOUGH_MEMORY;
    if (file->path == NULL || file->from == NULL || file->to == NULL)
        goto free_paths;

    void *handle = open_or_create(file->path, file->to);
    *os_code = GetLastError();
    if (handle == NULL)
        goto free_paths;
    use_handle(file, handle);
    return true;

free_paths:
    free_paths(file);
    return false;
}

void rotating_file_close(struct rotating_file *file)
{
    if (file->handle != NULL)
        CloseHandle(file->handle);
    free_paths(file);
}

void rotating_file_limit(struct rotating_file *file, uint64_t rotate_bytes, uint32_t keep)
{
    file->rotate_bytes = rotate_bytes;
    file->keep = keep;
    file->rotate_ms = 0;
}

/* --- what others do to it --------------------------------------------------------------------------------- */

static bool is_delete_pending(void *handle)
{
    FILE_STANDARD_INFO info;

    return GetFileInformationByHandleEx(handle, FileStandardInfo, &info, sizeof info) && info.DeletePending;
}

/* Whether NAME is another file by now, or none. When that cannot be told it counts as the same. */
static bool is_another(const struct rotating_file *file)
{
    BY_HANDLE_FILE_INFORMATION own;
    BY_HANDLE_FILE_INFORMATION found;

    if (is_delete_pending(file->handle))
        return true;
    HANDLE handle = CreateFileW(file->path, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        return GetLastError() == ERROR_FILE_NOT_FOUND || GetLastError() == ERROR_PATH_NOT_FOUND;
    bool known = GetFileInformationByHandle(file->handle, &own) && GetFileInformationByHandle(handle, &found);
    CloseHandle(handle);
    return known && (own.dwVolumeSerialNumber != found.dwVolumeSerialNumber ||
                     own.nFileIndexHigh != found.nFileIndexHigh || own.nFileIndexLow != found.nFileIndexLow);
}

/* Opens NAME anew. While that fails the old file is written to, unless it is as good as deleted: then its name is free only once
 * it is closed, and what is written to it is gone anyway. */
static void reopen(struct rotating_file *file)
{
    void *handle = open_or_create(file->path, file->to);

    if (handle == NULL && file->handle != NULL && is_delete_pending(file->handle)) {
        CloseHandle(file->handle);
        file->handle = NULL;
        handle = open_or_create(file->path, file->to);
    }
    if (handle != NULL)
        use_handle(file, handle);
}

static void look(struct rotating_file *file)
{
    file->look_ms = GetTickCount64() + LOG_LOOK_MS;
    if (file->handle == NULL) {
        reopen(file);
        return;
    }
    if (!file->on_disk)
        return;
    if (is_another(file))
        reopen(file);
    else
        file->bytes = size_of(file->handle); /* others may have added to it, or emptied it */
    step(file);
}

/* --- rotation --------------------------------------------------------------------------------------------- */

static void number_path(const struct rotating_file *file, wchar_t *path, uint32_t number)
{
    wcscpy(path, file->path);
    wchar_t *at = path + wcslen(path);
    uint32_t power = 1;

    *at++ = L'.';
    while (number / power >= 10)
        power *= 10;
    for (; power > 0; power /= 10)
        *at++ = (wchar_t)(L'0' + number / power % 10);
    *at = L'\0';
}

static bool number_exists(const struct rotating_file *file, uint32_t number)
{
    number_path(file, file->to, number);
    return GetFileAttributesW(file->to) != INVALID_FILE_ATTRIBUTES;
}

static bool number_delete(const struct rotating_file *file, uint32_t number)
{
    number_path(file, file->to, number);
    bool deleted = DeleteFileW(file->to);
    step(file);
    return deleted;
}

/* Moves the older files up by one, as far as the first number that is free: a failure halfway costs no file, however often it is
 * repeated. */
static bool make_room(const struct rotating_file *file)
{
    uint32_t free_number = 1;

    while (free_number <= file->keep && number_exists(file, free_number))
        free_number++;
    if (free_number > file->keep) {
        free_number = file->keep;
        if (!number_delete(file, free_number))
            return false;
    }
    for (uint32_t number = free_number; number > 1; number--) {
        number_path(file, file->from, number - 1);
        number_path(file, file->to, number);
        bool moved = MoveFileExW(file->from, file->to, 0);
        step(file);
        if (!moved)
            return false;
    }
    return true;
}

/* What is left from a time when more files were kept. */
static void delete_surplus(const struct rotating_file *file)
{
    for (uint32_t number = file->keep + 1; number <= CONFIG_ROTATE_KEEP_MAX; number++) {
        if (!number_exists(file, number) || !number_delete(file, number))
            return;
    }
}

/* False: go on in the file that is there. */
static bool rotate(struct rotating_file *file)
{
    uint64_t now_ms = GetTickCount64();

    if (now_ms < file->rotate_ms)
        return false;
    look(file);
    if (file->handle == NULL || file->bytes < file->rotate_bytes / 2)
        return file->handle != NULL; /* somebody else has just renamed or emptied it */
    file->rotate_ms = now_ms + LOG_ROTATE_RETRY_MS;
    if (!make_room(file))
        return false;
    number_path(file, file->to, 1);
    bool moved = MoveFileExW(file->path, file->to, 0);
    step(file);
    if (!moved)
        return false;
    /* Where this fails the renamed file is written to, until the next look. */
    void *handle = open_handle(file->path, OPEN_ALWAYS, 0);
    if (handle == NULL)
        return false;
    use_handle(file, handle);
    file->rotate_ms = 0;
    delete_surplus(file);
    return true;
}

/* --- writing ---------------------------------------------------------------------------------------------- */

/* How many of the bytes, in whole lines, still go into this file; 0: it is full. */
static size_t part_that_fits(const struct rotating_file *file, const char *lines, size_t bytes)
{
    if (file->rotate_bytes == 0 || !file->on_disk || file->bytes + bytes <= file->rotate_bytes)
        return bytes;
    size_t part = file->bytes < file->rotate_bytes ? (size_t)(file->rotate_bytes - file->bytes) : 0;
    while (part > 0 && lines[part - 1] != '\n')
        part--;
    return part;
}

/* Answers how many bytes were written. */
static size_t append(struct rotating_file *file, const char *bytes, size_t count, uint32_t *os_code)
{
    size_t done = 0;

    while (done < count) {
        DWORD written = 0;
        bool worked = WriteFile(file->handle, bytes + done, (DWORD)(count - done), &written, NULL);
        *os_code = worked ? ERROR_DISK_FULL : GetLastError(); /* it worked, and took nothing or not all */
        step(file);
        done += written;
        file->bytes += written;
        if (!worked || written == 0)
            break;
    }
    if (done > 0)
        file->torn = bytes[done - 1] != '\n';
    return done;
}

size_t rotating_file_write(struct rotating_file *file, const char *lines, size_t bytes, uint32_t *os_code)
{
    size_t done = 0;

    if (GetTickCount64() >= file->look_ms)
        look(file);
    *os_code = ERROR_FILE_NOT_FOUND;
    while (done < bytes && file->handle != NULL) {
        if (file->torn && append(file, "\n", 1, os_code) == 0)
            break;
        size_t part = part_that_fits(file, lines + done, bytes - done);
        if (part == 0 && rotate(file))
            continue;
        if (part == 0)
            part = bytes - done;
        if (file->handle == NULL)
            break;
        size_t written = append(file, lines + done, part, os_code);
        done += written;
        if (written < part)
            break;
    }
    return done;
}

/* --- the question beforehand ------------------------------------------------------------------------------ */

/* With a file beside it: the real name may be in use, and must not come and go. */
static bool try_beside(wchar_t *path, wchar_t *scratch, uint32_t *os_code)
{
    bool folder_made = false;

    wcscat(path, L".try");
    void *handle = open_handle(path, OPEN_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE);
    *os_code = GetLastError();
    if (handle == NULL && *os_code == ERROR_PATH_NOT_FOUND) {
        folder_made = create_folder(path, scratch);
        handle = folder_made ? open_handle(path, OPEN_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE) : NULL;
        *os_code = folder_made ? GetLastError() : ERROR_PATH_NOT_FOUND;
    }
    if (handle != NULL)
        CloseHandle(handle);
    if (folder_made)
        (void)RemoveDirectoryW(scratch);
    return handle != NULL;
}

bool rotating_file_is_possible(const char *name, uint32_t *os_code)
{
    bool possible = false;
    wchar_t *path = wide_from_text(name);
    size_t chars = path != NULL ? wcslen(path) + SUFFIX_CHARS : 0;
    wchar_t *beside = memory_allocate(chars, sizeof(wchar_t));
    wchar_t *scratch = memory_allocate(chars, sizeof(wchar_t));

    *os_code = ERROR_NOT_ENOUGH_MEMORY;
    if (path == NULL || beside == NULL || scratch == NULL)
        goto free_paths;
    void *handle = open_handle(path, OPEN_EXISTING, 0);
    *os_code = GetLastError();
    if (handle != NULL) {
        CloseHandle(handle);
        possible = true;
    } else if (*os_code == ERROR_FILE_NOT_FOUND || *os_code == ERROR_PATH_NOT_FOUND) {
        wcscpy(beside, path);
        possible = try_beside(beside, scratch, os_code);
    }

free_paths:
    memory_free(path);
    memory_free(beside);
    memory_free(scratch);
    return possible;
}
