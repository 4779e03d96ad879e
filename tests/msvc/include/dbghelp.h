/* What the Windows SDK has and Wine's headers lack. Only the stand-in compiler reads this. */
#ifndef FAIRLEAD_TESTS_MSVC_DBGHELP_H
#define FAIRLEAD_TESTS_MSVC_DBGHELP_H

#include_next <dbghelp.h>

#define MiniDumpIgnoreInaccessibleMemory ((MINIDUMP_TYPE)0x00020000)

#endif
