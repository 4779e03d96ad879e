/*
 * check: what must hold, also in release builds.
 *
 * CHECK states what this program guarantees to itself. What a peer, a file or the operating system can cause is an
 * error path, never a CHECK. A check that fails writes one line to standard error, tells the hook, and aborts the process.
 */
#ifndef FAIRLEAD_BASE_CHECK_H
#define FAIRLEAD_BASE_CHECK_H

#include "base/compiler.h"

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* Ends the process. Any thread. */
NORETURN void check_failed(const char *file, int line, const char *condition);

/* Who else hears of a failed check, on the thread that failed, and may end the process in another way than abort. Set once,
 * before there are other threads. */
void check_set_hook(void (*hook)(const char *text));

#endif
