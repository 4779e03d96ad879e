/*
 * service_folder: folders and files as the account of a service may use them.
 *
 * Rights go to the service's own identity (NT SERVICE\NAME), which is in the token of the service whatever its account is. Messages go
 * to standard error. Main thread.
 */
#ifndef FAIRLEAD_HOST_SERVICE_FOLDER_H
#define FAIRLEAD_HOST_SERVICE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

enum { SERVICE_SID_TEXT_BYTES = 80 };

/* "S-1-5-80-..." of a service of this name, which need not exist: five numbers of the SHA-1 of the name in upper case. False: the
 * system cannot compute it. */
bool service_folder_sid(const char *name, char sid[SERVICE_SID_TEXT_BYTES]);

/* Makes %ProgramData%\NAME and the folder of logs in it, for the system, administrators and the service only, or gives these rights
 * again. False: what is wrong was said. */
bool service_folder_prepare(const char *name);

/* Whether everybody, or the service, may read the file. Also true when that cannot be told. */
bool service_folder_may_read(const char *name, const char *path);

#endif
