#include "host/system_library.h"

#include <windows.h>

system_function *system_library_find(const wchar_t *library, const char *name)
{
    HMODULE module = LoadLibraryExW(library, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

    return module != NULL ? (system_function *)GetProcAddress(module, name) : NULL;
}
