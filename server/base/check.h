/*
 * check: what must hold, also in release builds.
 *
 * CHECK states what this program guarantees to itself. What a peer, a file or the operating system can cause is an
 * error path, never a CHECK. A check that fails writes one line to standard error and aborts the process.
 */
#ifndef FAIRLEAD_BASE_CHECK_H
#define FAIRLEAD_BASE_CHECK_H

#include "base/compiler.h"

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* Ends the process. Any thread. */
NORETURN void check_failed(const char *file, int line, const char *condition);

#endif
