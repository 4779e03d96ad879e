/*
 * crash: what is left behind when the process fails: a dump, an event, a line, and an exit code that is not 0.
 *
 * An unhandled exception, a CHECK that does not hold, abort() and a wrong argument to the C library all end the same way: a
 * minidump in the folder of the log (fairlead-PID-TIME.dmp), EVENT_CRASHED, a line on standard error and in the log, and then the process
 * is terminated with the code of the exception, so that the service manager's recovery acts. A thread that waits from the start
 * does this, because the one that failed may have no stack left. It is given CRASH_DUMP_MS and CRASH_TELL_MS.
 *
 * A heap that is found damaged ends the process at once, by design of the system and past every filter: then there is an exit code and
 * what Windows Error Reporting keeps, but no dump of ours. A dump holds stacks, and so perhaps parts of what was transferred.
 *
 *   crash_prepare -> crash_set_folder, as soon as the folder is known
 *
 * Both on the main thread. Without a folder, or where nothing can be written, only the dump is missing.
 */
#ifndef FAIRLEAD_HOST_CRASH_H
#define FAIRLEAD_HOST_CRASH_H

/* From here on a crash is handled. The first thing that process_prepare does once libraries are safe to load. */
void crash_prepare(void);

/* Where dumps go: the folder of this file, or the current folder when it names none. Of those that lie there the newest are kept,
 * CRASH_DUMPS_MAX together with the next one: a crash in a loop must not fill the disk. */
void crash_set_folder(const char *log_file);

#endif
