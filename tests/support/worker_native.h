/* worker_native: native tests say which worker of the port a thread is (port_worker_index). */
#ifndef FAIRLEAD_TESTS_SUPPORT_WORKER_NATIVE_H
#define FAIRLEAD_TESTS_SUPPORT_WORKER_NATIVE_H

#include <stdint.h>

/* From here on the calling thread is this worker; threads start as none. */
void worker_native_become(uint32_t index);

#endif
