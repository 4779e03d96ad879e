/*
 * process: what the system knows of this process, and how it wants to be treated.
 *
 * process_prepare is the first thing that main does, process_end the last. Both on the main thread; the rest
 * on any.
 */
#ifndef FAIRLEAD_HOST_PROCESS_H
#define FAIRLEAD_HOST_PROCESS_H

#include "stats/counters.h"

#include <stddef.h>
#include <stdint.h>

/* Libraries come from the system's folder only (SEMANTICS W2), a damaged heap ends the process, no box appears on a screen, crashes
 * are handled (crash.h), output is UTF-8 with plain line feeds. */
void process_prepare(void);

/* Gives the console its code page back, and the arguments' memory. */
void process_end(void);

/* The arguments in UTF-8, the program's name first, NULL at the end; NULL: out of memory. They live until
 * process_end. */
char **process_arguments(size_t *count);

/* The executable itself, to be freed with memory_free; NULL: the system does not tell. */
char *process_path(void);

/* The folder of the executable with its last backslash, to be freed with memory_free; NULL: the system does
 * not tell. */
char *process_folder(void);

uint32_t process_id(void);

/* An unpredictable number from the system. */
uint64_t process_random_seed(void);

/* A stats_process_reader. */
void process_read(struct stats_process *process);

#endif
