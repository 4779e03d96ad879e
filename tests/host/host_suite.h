/*
 * host_suite: what only Windows has, tested by a program of its own: events, crashes, access lists, the service.
 *
 *   host_suite.exe FAIRLEAD.EXE                      the tests; the messages of that executable are looked up
 *   host_suite.exe crash KIND FOLDER                 crashes in that way: what a test of it starts
 *   host_suite.exe service --name NAME -c FILE       serves as fairlead.exe does: the image path of the services that tests make
 */
#ifndef FAIRLEAD_TESTS_HOST_HOST_SUITE_H
#define FAIRLEAD_TESTS_HOST_HOST_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

/* Each runs one file's tests and answers how many failed. */
int suite_run_event_log(void);
int suite_run_file_access(void);
int suite_run_service_folder(void);
int suite_run_crash(void);
int suite_run_service(void);
int suite_run_runner(void);

/* Crashes; returns when even that does not work. */
int suite_crash(const char *kind, const char *folder);

/* Of the command line. */
extern const char *suite_fairlead;
extern const char *suite_program;

/* An empty folder among the temporary ones, without a backslash at the end. What the last run left there stays until the next. */
const char *suite_folder(const char *name);

/* A file in it; the text is of the caller's. */
void suite_write(const char *path, const char *text);

/* The whole file, to be freed with memory_free; empty when there is none. */
char *suite_read(const char *path);

/* Asks again and again until it is true; false when WAIT_SECONDS have passed. */
typedef bool suite_condition(void *context);
bool suite_wait_until(suite_condition *condition, void *context);

#endif
