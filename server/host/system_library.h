/*
 * system_library: functions of the system's own libraries that are not linked.
 *
 * A library that is linked is searched for beside the executable before main can forbid it (SEMANTICS W2), except for the few that the
 * system has always loaded. All others come through here: from the system's folder, and they stay loaded.
 *
 * Any thread.
 */
#ifndef FAIRLEAD_HOST_SYSTEM_LIBRARY_H
#define FAIRLEAD_HOST_SYSTEM_LIBRARY_H

#include <wchar.h>

typedef void system_function(void);

/* To be cast to its real type; NULL: this system lacks the library or the function. */
system_function *system_library_find(const wchar_t *library, const char *name);

#endif
