/*
 * service_paths: the names and folders that a service has by default.
 *
 * Several services run side by side, each under a name of its own; everything here follows from that name. Texts are UTF-8 and
 * are freed with memory_free; NULL: out of memory, or the system does not tell. Any thread.
 */
#ifndef FAIRLEAD_HOST_SERVICE_PATHS_H
#define FAIRLEAD_HOST_SERVICE_PATHS_H

#define SERVICE_NAME_DEFAULT "fairlead"

/* The log of a service whose configuration names no log_file, in service_log_folder. */
#define SERVICE_LOG_FILE_NAME "fairlead.log"

/* %ProgramData%\NAME, without a backslash at the end. As the system knows it, not as an environment variable says, which whoever
 * starts an installation could have set. */
char *service_data_folder(const char *name);

/* %ProgramData%\NAME\logs, likewise. Crash dumps go there too. */
char *service_log_folder(const char *name);

#endif
