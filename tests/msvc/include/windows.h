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

#ifndef PROTECTED_DACL_SECURITY_INFORMATION
#define PROTECTED_DACL_SECURITY_INFORMATION 0x80000000L
#endif
#ifndef SERVICE_SID_TYPE_UNRESTRICTED
#define SERVICE_SID_TYPE_NONE 0x00000000
#define SERVICE_SID_TYPE_UNRESTRICTED 0x00000001
#define SERVICE_SID_TYPE_RESTRICTED 0x00000003
#endif

/* One bit a member, from the lowest, in the order in which the SDK has them. */
typedef struct {
    DWORD DisableExtensionPoints : 1;
    DWORD reserved : 31;
} PROCESS_MITIGATION_EXTENSION_POINT_DISABLE_POLICY;

typedef struct {
    DWORD NoRemoteImages : 1;
    DWORD NoLowMandatoryLabelImages : 1;
    DWORD PreferSystem32Images : 1;
    DWORD reserved : 29;
} PROCESS_MITIGATION_IMAGE_LOAD_POLICY;

WINBASEAPI BOOL WINAPI GetProcessHandleCount(HANDLE process, DWORD *count);
WINBASEAPI BOOL WINAPI SetProcessMitigationPolicy(PROCESS_MITIGATION_POLICY policy, void *value,
                                                  SIZE_T bytes);
WINBASEAPI BOOL WINAPI SetThreadStackGuarantee(ULONG *bytes);

#endif
