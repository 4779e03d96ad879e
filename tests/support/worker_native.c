#include "support/worker_native.h"

#include "port/port.h"

static _Thread_local uint32_t current = PORT_NOT_A_WORKER;

void worker_native_become(uint32_t index)
{
    current = index;
}

uint32_t port_worker_index(void)
{
    return current;
}
