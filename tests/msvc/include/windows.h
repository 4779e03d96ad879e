/* What the Windows SDK has and Wine's headers lack. Only the stand-in compiler reads this. */
#ifndef FAIRLEAD_TESTS_MSVC_WINDOWS_H
#define FAIRLEAD_TESTS_MSVC_WINDOWS_H

/* Wine defines a function of this name, which is built into clang. */
#define _InterlockedCompareExchange128 wine_InterlockedCompareExchange128
#include_next <windows.h>
#undef _InterlockedCompareExchange128

#ifndef HeapEnableTerminationOnCorruption
#define HeapEnableTerminationOnCorruption ((HEAP_INFORMATION_CLASS)1)
#endif

WINBASEAPI BOOL WINAPI GetProcessHandleCount(HANDLE process, DWORD *count);

#endif
