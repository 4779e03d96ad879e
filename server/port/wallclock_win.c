/* wallclock_now_ms for Windows: mingw-w64's C library of Debian 12 has no timespec_get. */
#include "base/wallclock.h"

#include <windows.h>

uint64_t wallclock_now_ms(void)
{
    const uint64_t unix_epoch = 116444736000000000U; /* 1970 in units of 100 ns since 1601 */
    FILETIME now;

    GetSystemTimePreciseAsFileTime(&now);
    uint64_t ticks = ((uint64_t)now.dwHighDateTime << 32) | now.dwLowDateTime;
    return ticks < unix_epoch ? 0 : (ticks - unix_epoch) / 10000U;
}
