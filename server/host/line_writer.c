#include "host/line_writer.h"

#include "base/atomic.h"
#include "base/memory.h"

#include <windows.h>

#include <string.h>

_Static_assert(sizeof(SRWLOCK) == sizeof(((struct line_writer *)0)->pending_lock),
               "line_writer.h has room for an SRWLOCK");

/* --- what it writes to ------------------------------------------------------------------------------------ */

static struct line_writer_target *copy_target(const struct line_writer_target *target)
{
    struct line_writer_target *copy = memory_allocate(1, sizeof *copy);

    if (copy == NULL)
        return NULL;
    *copy = *target;
    copy->file = target->file != NULL ? memory_copy_string(target->file) : NULL;
    if (target->file != NULL && copy->file == NULL) {
        memory_free(copy);
        return NULL;
    }
    return copy;
}

static void free_target(struct line_writer_target *target)
{
    if (target == NULL)
        return;
    memory_free((void *)(uintptr_t)target->file);
    memory_free(target);
}

static struct line_writer_target *exchange_pending(struct line_writer *writer,
                                                   struct line_writer_target *target)
{
    PSRWLOCK lock = (PSRWLOCK)&writer->pending_lock;

    AcquireSRWLockExclusive(lock);
    struct line_writer_target *former = writer->pending;
    writer->pending = target;
    ReleaseSRWLockExclusive(lock);
    return former;
}

static bool is_same_file(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Takes over the target's string. False: the file cannot be opened, and everything stays. */
static bool use_target(struct line_writer *writer, struct line_writer_target *target, uint32_t *os_code)
{
    if (!is_same_file(writer->name, target->file)) {
        struct rotating_file file = {0};
        if (target->file != NULL && !rotating_file_open(&file, target->file, &writer->steps, os_code))
            return false;
        if (writer->name != NULL)
            rotating_file_close(&writer->file);
        char *former = writer->name;
        writer->file = file;
        writer->name = (char *)(uintptr_t)target->file;
        writer->failing = false;
        target->file = NULL;
        if (writer->hooks.changed != NULL)
            writer->hooks.changed(writer->name, former);
        memory_free(former);
    }
    if (writer->name != NULL)
        rotating_file_limit(&writer->file, target->rotate_bytes, target->rotate_keep);
    return true;
}

static void adopt(struct line_writer *writer, struct line_writer_target *target)
{
    uint32_t os_code = 0;

    if (!use_target(writer, target, &os_code) && writer->hooks.refused != NULL)
        writer->hooks.refused(target->file, writer->name, os_code);
    free_target(target);
}

/* --- writing ---------------------------------------------------------------------------------------------- */

/* Answers how many bytes were written. */
static size_t write_without_file(struct line_writer *writer, size_t bytes, uint32_t *os_code)
{
    size_t done = 0;

    if (writer->without_file == NULL)
        return bytes;
    while (done < bytes) {
        DWORD written = 0;
        bool worked =
            WriteFile(writer->without_file, writer->batch + done, (DWORD)(bytes - done), &written, NULL);
        *os_code = GetLastError();
        atomic_fetch_add_u32(&writer->steps, 1);
        if (!worked || written == 0)
            break;
        done += written;
    }
    return done;
}

static uint64_t count_lines(const char *text, size_t bytes)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n' ? 1 : 0;
    return lines;
}

static void write_batch(struct line_writer *writer, size_t bytes)
{
    uint32_t os_code = 0;
    size_t written = writer->name != NULL ? rotating_file_write(&writer->file, writer->batch, bytes, &os_code)
                                          : write_without_file(writer, bytes, &os_code);

    if (written < bytes) {
        writer->unwritten += count_lines(writer->batch + written, bytes - written);
        if (!writer->failing && writer->hooks.failed != NULL)
            writer->hooks.failed(writer->name, os_code);
        writer->failing = true;
    } else if (writer->unwritten > 0) {
        uint64_t lost = writer->unwritten;
        writer->unwritten = 0;
        writer->failing = false;
        if (writer->hooks.recovered != NULL)
            writer->hooks.recovered(writer->name, lost);
    }
}

/* Writes until there is nothing to take. */
static void drain(struct line_writer *writer)
{
    size_t bytes = 0;
    size_t length;
    uint32_t tag = 0;

    do {
        length = writer->hooks.take(writer->batch + bytes, &tag);
        if (length > 0 &&
            (writer->hooks.wanted == NULL || writer->hooks.wanted(writer->batch + bytes, length, tag)))
            bytes += length;
        atomic_fetch_add_u32(&writer->steps, 1); /* an event may have been written meanwhile */
        if (bytes > 0 && (length == 0 || bytes > sizeof writer->batch - LINE_BYTES)) {
            write_batch(writer, bytes);
            bytes = 0;
            length = 1; /* that may have taken long: look once more */
        }
    } while (length > 0);
}

static void rest(struct line_writer *writer)
{
    WaitForSingleObject(writer->wake, INFINITE);
    if (writer->linger_ms > 0)
        WaitForSingleObject(writer->urgent, writer->linger_ms);
}

static DWORD WINAPI run(void *context)
{
    struct line_writer *writer = context;

    atomic_fetch_add_u32(&writer->steps, 1);
    for (;;) {
        /* Read before the queue is emptied: what was put before the stop or the change is still written, and to the former file. */
        bool last = atomic_load_u32(&writer->stopping) != 0;
        struct line_writer_target *target = exchange_pending(writer, NULL);
        drain(writer);
        if (target != NULL)
            adopt(writer, target);
        else if (last)
            break;
        else
            rest(writer);
    }
    if (writer->name != NULL)
        rotating_file_close(&writer->file);
    return 0;
}

/* --- from outside ----------------------------------------------------------------------------------------- */

bool line_writer_start(struct line_writer *writer, const struct line_writer_target *target, uint32_t *os_code)
{
    struct line_writer_target *copy = copy_target(target);

    InitializeSRWLock((PSRWLOCK)&writer->pending_lock);
    *os_code = ERROR_NOT_ENOUGH_MEMORY;
    if (copy == NULL)
        return false;
    bool opened = use_target(writer, copy, os_code);
    free_target(copy);
    if (!opened)
        return false;
    writer->wake = CreateEventW(NULL, FALSE, FALSE, NULL);
    writer->urgent = CreateEventW(NULL, FALSE, FALSE, NULL);
    *os_code = GetLastError();
    if (writer->wake == NULL || writer->urgent == NULL)
        goto close;
    writer->steps = 0; /* those of opening the file were this thread's */
    writer->thread = CreateThread(NULL, 0, run, writer, 0, NULL);
    *os_code = GetLastError();
    if (writer->thread != NULL)
        return true;

close:
    if (writer->wake != NULL)
        CloseHandle(writer->wake);
    if (writer->urgent != NULL)
        CloseHandle(writer->urgent);
    writer->wake = NULL;
    writer->urgent = NULL;
    if (writer->name != NULL)
        rotating_file_close(&writer->file);
    memory_free(writer->name);
    writer->name = NULL;
    return false;
}

void line_writer_wake(struct line_writer *writer, bool urgent)
{
    if (urgent && writer->urgent != NULL)
        SetEvent(writer->urgent);
    else if (!urgent && writer->wake != NULL)
        SetEvent(writer->wake);
}

bool line_writer_change(struct line_writer *writer, const struct line_writer_target *target)
{
    struct line_writer_target *copy = copy_target(target);

    if (copy == NULL)
        return false;
    free_target(exchange_pending(writer, copy));
    line_writer_wake(writer, true);
    line_writer_wake(writer, false);
    return true;
}

bool line_writer_stop(struct line_writer *writer)
{
    uint32_t seen = atomic_load_u32(&writer->steps);
    uint32_t waited_ms = 0;

    atomic_store_u32(&writer->stopping, 1);
    line_writer_wake(writer, true);
    line_writer_wake(writer, false);
    while (WaitForSingleObject(writer->thread, LOG_FLUSH_SLICE_MS) == WAIT_TIMEOUT) {
        uint32_t steps = atomic_load_u32(&writer->steps);
        waited_ms = steps == seen ? waited_ms + LOG_FLUSH_SLICE_MS : 0;
        seen = steps;
        if (waited_ms >= (uint32_t)(steps == 0 ? LOG_BEGIN_TIMEOUT_MS : LOG_FLUSH_TIMEOUT_MS))
            return false;
    }
    return writer->unwritten == 0;
}
