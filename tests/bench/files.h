/*
 * files: how many descriptors this process may have.
 */
#ifndef FAIRLEAD_BENCH_FILES_H
#define FAIRLEAD_BENCH_FILES_H

#include <stdbool.h>

/* Raises the limit until `wanted` descriptors fit. False when the system does not allow that; errno says why. */
bool files_allow(unsigned wanted);

#endif
