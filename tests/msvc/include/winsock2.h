/* What the Windows SDK has and Wine's headers lack. Only the stand-in compiler reads this. */
#ifndef FAIRLEAD_TESTS_MSVC_WINSOCK2_H
#define FAIRLEAD_TESTS_MSVC_WINSOCK2_H

#define WSAAPI __stdcall
#define _InterlockedCompareExchange128 wine_InterlockedCompareExchange128
#include_next <winsock2.h>
#undef _InterlockedCompareExchange128

#endif
