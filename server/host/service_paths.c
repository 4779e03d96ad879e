#include "host/service_paths.h"

#include "base/memory.h"
#include "host/system_library.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

/* ProgramData itself. */
static char *program_data(void)
{
    typedef BOOL WINAPI get_folder(wchar_t * path, DWORD * size);
    wchar_t path[MAX_PATH];
    DWORD size = MAX_PATH;

    get_folder *function = (get_folder *)system_library_find(L"userenv.dll", "GetAllUsersProfileDirectoryW");
    if (function == NULL || !function(path, &size))
        return NULL;
    return wide_to_text(path);
}

/* PROGRAMDATA\NAME and what comes behind it. */
static char *folder_of(const char *name, const char *rest)
{
    char *root = program_data();
    char *folder = NULL;

    if (root != NULL) {
        size_t bytes = strlen(root) + strlen(name) + strlen(rest) + 2;
        folder = memory_allocate(bytes, 1);
        if (folder != NULL)
            snprintf(folder, bytes, "%s\\%s%s", root, name, rest);
    }
    memory_free(root);
    return folder;
}

char *service_data_folder(const char *name)
{
    return folder_of(name, "");
}

char *service_log_folder(const char *name)
{
    return folder_of(name, "\\logs");
}
