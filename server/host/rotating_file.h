/*
 * rotating_file: a file of lines that is kept small, by one thread, and that others may read, rename and delete meanwhile.
 *
 * ROTATION. Before a line that would make the file larger than the limit, NAME becomes NAME.1, the former NAME.1 becomes NAME.2 and so
 * on up to NAME.KEEP, whose predecessor is deleted, and NAME is begun anew. Lines are never split over two files. Programs that
 * have a file open go on with it under its new name. Where a rename fails (somebody opened a file without letting others rename it) no line is
 * lost: writing goes on in the old file, which grows, and it is tried again after LOG_ROTATE_RETRY_MS.
 *
 * OTHERS. Once in LOG_LOOK_MS, when there is something to write, it is looked whether NAME is still this file. When somebody renamed or
 * deleted it, as shippers of logs do, NAME is opened anew. What was written until that look is in the file that was renamed.
 *
 * Ownership: the user embeds the struct; rotating_file_open -> any number of writes -> rotating_file_close. One thread at a time; every
 * call may take as long as the disk does. Errors are codes of the system.
 */
#ifndef FAIRLEAD_HOST_ROTATING_FILE_H
#define FAIRLEAD_HOST_ROTATING_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rotating_file {
    void *handle;  /* NULL: not open */
    wchar_t *path; /* of NAME */
    wchar_t *from; /* room for NAME.N, so that a rotation allocates nothing */
    wchar_t *to;
    uint64_t bytes;        /* its size */
    uint64_t rotate_bytes; /* 0: it grows for ever */
    uint32_t keep;
    uint64_t look_ms;   /* when to look again whether it was renamed */
    uint64_t rotate_ms; /* not before, after a failure */
    bool on_disk;       /* otherwise a device such as NUL: neither renamed nor looked at */
    bool torn;          /* the last line is incomplete: a line break is due first */
    uint32_t *steps;    /* atomic: raised after each call that may have waited for the disk */
};

/* Opens NAME to add to it, or creates it, with the last folder of the path if need be. `*steps` outlives the file. False: nothing to
 * close. */
bool rotating_file_open(struct rotating_file *file, const char *name, uint32_t *steps, uint32_t *os_code);

/* The size that it rotates at, 0 or at least CONFIG_ROTATE_BYTES_MIN, and how many older files stay, at least one. Before the first write and at any time later. */
void rotating_file_limit(struct rotating_file *file, uint64_t rotate_bytes, uint32_t keep);

/* Writes whole lines. Answers how many of the bytes were written: less than all with the reason in `*os_code`, and then the rest is not
 * tried again. A line that was written in part is ended before the next one. */
size_t rotating_file_write(struct rotating_file *file, const char *lines, size_t bytes, uint32_t *os_code);

void rotating_file_close(struct rotating_file *file);

/* Whether NAME could be opened, or created, now. Leaves nothing behind. Any thread. */
bool rotating_file_is_possible(const char *name, uint32_t *os_code);

#endif
