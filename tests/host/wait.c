#include "tests/host/host_suite.h"

#include <windows.h>

/* Much longer than anything takes on a busy machine. */
enum { WAIT_SECONDS = 60, WAIT_STEP_MS = 20 };

bool suite_wait_until(suite_condition *condition, void *context)
{
    ULONGLONG end = GetTickCount64() + WAIT_SECONDS * 1000;

    while (!condition(context)) {
        if (GetTickCount64() >= end)
            return false;
        Sleep(WAIT_STEP_MS);
    }
    return true;
}
