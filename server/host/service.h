/*
 * service: the process as a Windows service, started by the service manager.
 *
 * The image path of a service is
 *
 *   "C:\...\fairlead.exe" service --name NAME -c "C:\...\server.ini"
 *
 * The dispatcher is answered before the configuration is read. States as the service manager sees them:
 *
 *   START_PENDING  until every listener is bound; no control is accepted
 *   RUNNING        STOP, PRESHUTDOWN and SHUTDOWN drain, PARAMCHANGE reloads, INTERROGATE is answered
 *   STOP_PENDING   until the last session has ended or was cut; the checkpoint rises while sessions end or the drain's time runs
 *                  (service_progress.h)
 *   STOPPED        win32 exit code 0 after a stop that was asked for, also when sessions were cut, so that recovery leaves it alone;
 *                  ERROR_SERVICE_SPECIFIC_ERROR with our exit code, 1 or 2, when it could not start
 *
 * Why it did not start, and that sessions were cut, is said in the log and in the Event Log.
 */
#ifndef FAIRLEAD_HOST_SERVICE_H
#define FAIRLEAD_HOST_SERVICE_H

/* Serves as the service NAME with the configuration at this absolute path, until it was stopped; answers the exit code of the process.
 * Not started by the service manager: says so in a sentence on standard error and answers 2. Once, on the main
 * thread. */
int service_run(const char *name, const char *config_path);

#endif
